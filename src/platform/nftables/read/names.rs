//! Symbolic names of numbers: protocols, ports, ICMP types and codes.
//!
//! Those that `nft` prints, and those of the IANA registries that people write. A name that is not here is not guessed: what asks for it is unknown.

use crate::platform::numbers;

/// The number of an IP protocol; `nft` has names of its own for three.
pub fn protocol(name: &str) -> Option<u8> {
    const OWN: &[(&str, u8)] = &[("ip", 0), ("hopopt", 0), ("comp", 108)];
    find(OWN, name).or_else(|| numbers::protocol(name))
}

/// The number of a port.
pub fn port(name: &str) -> Option<u16> {
    numbers::port(name)
}

/// The number of an ICMP type.
pub fn icmp_type(name: &str) -> Option<u16> {
    const NAMES: &[(&str, u16)] = &[
        ("echo-reply", 0),
        ("destination-unreachable", 3),
        ("source-quench", 4),
        ("redirect", 5),
        ("echo-request", 8),
        ("router-advertisement", 9),
        ("router-solicitation", 10),
        ("time-exceeded", 11),
        ("parameter-problem", 12),
        ("timestamp-request", 13),
        ("timestamp-reply", 14),
        ("info-request", 15),
        ("info-reply", 16),
        ("address-mask-request", 17),
        ("address-mask-reply", 18),
    ];
    find(NAMES, name)
}

/// The number of an ICMP code.
pub fn icmp_code(name: &str) -> Option<u16> {
    const NAMES: &[(&str, u16)] = &[
        ("net-unreachable", 0),
        ("host-unreachable", 1),
        ("prot-unreachable", 2),
        ("port-unreachable", 3),
        ("frag-needed", 4),
        ("net-prohibited", 9),
        ("host-prohibited", 10),
        ("admin-prohibited", 13),
    ];
    find(NAMES, name)
}

/// The number of an ICMPv6 type.
pub fn icmp6_type(name: &str) -> Option<u16> {
    const NAMES: &[(&str, u16)] = &[
        ("destination-unreachable", 1),
        ("packet-too-big", 2),
        ("time-exceeded", 3),
        ("parameter-problem", 4),
        ("echo-request", 128),
        ("echo-reply", 129),
        ("mld-listener-query", 130),
        ("mld-listener-report", 131),
        ("mld-listener-done", 132),
        ("mld-listener-reduction", 132),
        ("nd-router-solicit", 133),
        ("nd-router-advert", 134),
        ("nd-neighbor-solicit", 135),
        ("nd-neighbor-advert", 136),
        ("nd-redirect", 137),
        ("router-renumbering", 138),
        ("ind-neighbor-solicit", 141),
        ("ind-neighbor-advert", 142),
        ("mld2-listener-report", 143),
    ];
    find(NAMES, name)
}

/// The number of an ICMPv6 code.
pub fn icmp6_code(name: &str) -> Option<u16> {
    const NAMES: &[(&str, u16)] = &[
        ("no-route", 0),
        ("admin-prohibited", 1),
        ("addr-unreachable", 3),
        ("port-unreachable", 4),
        ("policy-fail", 5),
        ("reject-route", 6),
    ];
    find(NAMES, name)
}

fn find<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
    names.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// A number as `nft` reads it: decimal, or hexadecimal after `0x`. One with a leading zero is octal in some places and decimal in others: it is not read.
pub fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if text.starts_with(|c: char| c.is_ascii_digit()) => text.parse().ok().filter(|_| !is_octal(text)),
        None => None,
    }
}

/// The length of a prefix.
pub fn prefix_length(text: &str) -> Option<u8> {
    text.parse().ok().filter(|_| !is_octal(text))
}

/// Whether a number has a leading zero.
fn is_octal(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0')
}

/// Whether a target of iptables changes nothing that is judged.
pub fn is_harmless(target: &str) -> bool {
    const HARMLESS: &str =
        "AUDIT CHECKSUM CLASSIFY CONNMARK CONNSECMARK DSCP ECN LED LOG MARK NFLOG SECMARK TCPMSS TOS";
    HARMLESS.split(' ').any(|name| name == target)
}
