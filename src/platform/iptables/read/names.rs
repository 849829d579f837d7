//! Names that stand for numbers: protocols, services, ICMP types and states.
//!
//! iptables-save prints numbers for services, but people write names in the files that iptables-restore takes. Services are a list of those that firewalls name; one that is not
//! here is unknown, never guessed.

use crate::listing::State;
use crate::packet::{Family, Protocol};
use crate::platform::numbers;

/// Names of protocols that iptables itself has.
const OWN_PROTOCOLS: &[(&str, u8)] = &[("ipv6-crypt", 50), ("ipv6-auth", 51), ("ipv6-mh", 135), ("mh", 135)];

/// Types (and codes) of ICMP as `iptables -p icmp -h` names them.
const ICMP: &[(&str, u8, Option<u8>)] = &[
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("source-route-failed", 3, Some(5)),
    ("network-unknown", 3, Some(6)),
    ("host-unknown", 3, Some(7)),
    ("network-prohibited", 3, Some(9)),
    ("host-prohibited", 3, Some(10)),
    ("tos-network-unreachable", 3, Some(11)),
    ("tos-host-unreachable", 3, Some(12)),
    ("communication-prohibited", 3, Some(13)),
    ("host-precedence-violation", 3, Some(14)),
    ("precedence-cutoff", 3, Some(15)),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("network-redirect", 5, Some(0)),
    ("host-redirect", 5, Some(1)),
    ("tos-network-redirect", 5, Some(2)),
    ("tos-host-redirect", 5, Some(3)),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-transit", 11, Some(0)),
    ("ttl-zero-during-reassembly", 11, Some(1)),
    ("parameter-problem", 12, None),
    ("ip-header-bad", 12, Some(0)),
    ("required-option-missing", 12, Some(1)),
    ("timestamp-request", 13, None),
    ("timestamp-reply", 14, None),
    ("address-mask-request", 17, None),
    ("address-mask-reply", 18, None),
];

/// Types (and codes) of ICMPv6 as `ip6tables -p icmpv6 -h` names them.
const ICMP6: &[(&str, u8, Option<u8>)] = &[
    ("destination-unreachable", 1, None),
    ("no-route", 1, Some(0)),
    ("communication-prohibited", 1, Some(1)),
    ("beyond-scope", 1, Some(2)),
    ("address-unreachable", 1, Some(3)),
    ("port-unreachable", 1, Some(4)),
    ("failed-policy", 1, Some(5)),
    ("reject-route", 1, Some(6)),
    ("packet-too-big", 2, None),
    ("time-exceeded", 3, None),
    ("ttl-exceeded", 3, None),
    ("ttl-zero-during-transit", 3, Some(0)),
    ("ttl-zero-during-reassembly", 3, Some(1)),
    ("parameter-problem", 4, None),
    ("bad-header", 4, Some(0)),
    ("unknown-header-type", 4, Some(1)),
    ("unknown-option", 4, Some(2)),
    ("echo-request", 128, None),
    ("ping", 128, None),
    ("echo-reply", 129, None),
    ("pong", 129, None),
    ("router-solicitation", 133, None),
    ("router-advertisement", 134, None),
    ("neighbour-solicitation", 135, None),
    ("neighbor-solicitation", 135, None),
    ("neighbour-advertisement", 136, None),
    ("neighbor-advertisement", 136, None),
    ("redirect", 137, None),
];

/// The protocol of a name or number; `None` for one that is not here. `all`, `ip` and 0 are no protocol: see [`is_any_protocol`].
pub fn protocol(text: &str) -> Option<Protocol> {
    // Numbers with a leading zero are octal to iptables: they are not read.
    let number = text.parse::<u8>().ok().filter(|_| text == "0" || !text.starts_with(['0', '+']));
    let own = || OWN_PROTOCOLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, number)| *number);
    number.or_else(own).or_else(|| numbers::protocol(&text.to_ascii_lowercase())).map(Protocol)
}

/// Whether `-p` with this text holds for every packet.
pub fn is_any_protocol(text: &str) -> bool {
    ["all", "ip", "hopopt", "0"].iter().any(|any| any.eq_ignore_ascii_case(text))
}

/// The port of a decimal number or the name of a service. Numbers with a leading zero are octal to iptables: they are not read.
pub fn port(text: &str) -> Option<u16> {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return text.parse().ok().filter(|_| text == "0" || !text.starts_with('0'));
    }
    numbers::port(text)
}

/// The ICMP type, and the code if one is meant, of `8`, `3/1` or a name.
pub fn icmp(family: Family, text: &str) -> Option<(u8, Option<u8>)> {
    let number = |text: &str| text.parse::<u8>().ok().filter(|_| text == "0" || !text.starts_with(['0', '+']));
    if let Some((kind, code)) = text.split_once('/') {
        return Some((number(kind)?, Some(number(code)?)));
    }
    let table = if family == Family::V4 { ICMP } else { ICMP6 };
    let named =
        || table.iter().find(|(name, ..)| name.eq_ignore_ascii_case(text)).map(|(_, kind, code)| (*kind, *code));
    number(text).map(|kind| (kind, None)).or_else(named)
}

/// The state of a name.
pub fn state(text: &str) -> Option<State> {
    let names = [
        ("NEW", State::New),
        ("ESTABLISHED", State::Established),
        ("RELATED", State::Related),
        ("INVALID", State::Invalid),
        ("UNTRACKED", State::Untracked),
    ];
    names.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, state)| state)
}

/// The flag of the first packet of a TCP connection.
pub const SYN: u8 = 0x02;

/// The bits of `FIN,SYN`, `ALL` or `NONE`; `None` if a flag is not known.
pub fn tcp_flags(text: &str) -> Option<u8> {
    const NAMES: [(&str, u8); 8] = [
        ("FIN", 0x01),
        ("SYN", SYN),
        ("RST", 0x04),
        ("PSH", 0x08),
        ("ACK", 0x10),
        ("URG", 0x20),
        ("ALL", 0x3f),
        ("NONE", 0),
    ];
    let bit = |name: &str| NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, bit)| *bit);
    text.split(',').map(bit).try_fold(0, |all, one| Some(all | one?))
}
