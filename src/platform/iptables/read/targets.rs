//! Targets: what becomes of a packet that a rule matches.
//!
//! From iptables-extensions(8). A target that is in none of these lists, and no chain, is unknown.

use crate::listing::Action;

/// Targets behind which the next rule is asked: they log, mark, change the header in ways that no condition here looks at, or copy.
const CONTINUE: &[&str] = &[
    "ACCOUNT",
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DSCP",
    "ECN",
    "HL",
    "HMARK",
    "IDLETIMER",
    "LED",
    "LOG",
    "MARK",
    "NFLOG",
    "NOTRACK",
    "RATEEST",
    "SECMARK",
    "SET",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TEE",
    "TOS",
    "TRACE",
    "TTL",
    "ULOG",
];

/// Targets after which it is open what becomes of the packet: a program decides, or the packet goes elsewhere.
const OPEN: &[&str] = &[
    "BALANCE",
    "CHAOS",
    "CLUSTERIP",
    "DELUDE",
    "DNAT",
    "DNPT",
    "MASQUERADE",
    "MIRROR",
    "NETMAP",
    "NFQUEUE",
    "QUEUE",
    "REDIRECT",
    "ROUTE",
    "SAME",
    "SNAT",
    "SNPT",
    "STEAL",
    "SYNPROXY",
    "TARPIT",
    "TPROXY",
];

/// Whether a target does nothing but decide, or say that a packet was there.
pub fn only_decides(name: &str) -> bool {
    ["ACCEPT", "DROP", "REJECT", "RETURN", "AUDIT", "LED", "LOG", "NFLOG", "TRACE", "ULOG"].contains(&name)
}

/// What a target does to addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Translation {
    /// Nothing.
    None,
    /// The destination becomes another one, before the filter sees it.
    Destination,
    /// The source becomes another one, after the filter.
    Source,
}

/// The action of a verdict or an extension; `None` if it is neither.
pub fn action(name: &str) -> Option<Action> {
    match name {
        "ACCEPT" => Some(Action::Accept),
        "DROP" | "REJECT" => Some(Action::Drop),
        "RETURN" => Some(Action::Return),
        _ if CONTINUE.contains(&name) => Some(Action::Continue),
        _ if OPEN.contains(&name) => Some(Action::Unknown(format!("-j {name}"))),
        _ => None,
    }
}

/// What a target of the table `nat` does.
pub fn translation(name: &str) -> Translation {
    match name {
        "DNAT" | "REDIRECT" | "NETMAP" | "BALANCE" | "DNPT" | "CLUSTERIP" => Translation::Destination,
        "SNAT" | "MASQUERADE" | "SAME" | "SNPT" => Translation::Source,
        _ => Translation::None,
    }
}
