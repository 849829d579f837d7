//! One entry of a set.

use super::super::{names, values};
use crate::packet::{AddressRange, Family, Interval, Protocol};

/// What a part of an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An address.
    Ip,
    /// A network.
    Net,
    /// A protocol with a port, or an ICMP type and code.
    Port,
    /// A port of TCP and of UDP.
    PlainPort,
    /// The name of another set.
    Set,
    /// Something that is not understood.
    Other,
}

/// A part of an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Addresses.
    Addresses(AddressRange),
    /// Ports of a protocol.
    Ports(Protocol, Interval<u16>),
    /// An ICMP type and code.
    Icmp(Protocol, u8, u8),
    /// A protocol without ports.
    Whole(Protocol),
    /// Ports of TCP and of UDP.
    PlainPorts(Interval<u16>),
    /// The name of another set.
    Set(String),
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As many as its set has kinds.
    pub parts: Vec<Part>,
    /// Whether it says what is not in the set.
    pub except: bool,
}

/// The kinds of a type such as `hash:net,port`; `None` if no such type is known.
pub fn kinds(text: &str) -> Option<Vec<Kind>> {
    match text.split_once(':')? {
        ("bitmap", "port") => Some(vec![Kind::PlainPort]),
        ("list", "set") => Some(vec![Kind::Set]),
        ("hash" | "bitmap", parts) => Some(parts.split(',').map(kind).collect()),
        _ => None,
    }
}

fn kind(text: &str) -> Kind {
    match text {
        "ip" => Kind::Ip,
        "net" => Kind::Net,
        "port" => Kind::Port,
        _ => Kind::Other,
    }
}

/// Reads an entry and what stands behind it; `None` if any of it is not understood.
pub fn read(kinds: &[Kind], family: Family, text: &str, options: &[&str]) -> Option<Entry> {
    let parts: Vec<&str> = text.split(',').collect();
    if parts.len() != kinds.len() {
        return None;
    }
    let parts: Option<Vec<Part>> = kinds.iter().zip(parts).map(|(kind, text)| part(*kind, family, text)).collect();
    Some(Entry { parts: parts?, except: excepts(options)? })
}

fn excepts(options: &[&str]) -> Option<bool> {
    let mut rest = options.iter().copied();
    let mut found = false;
    while let Some(option) = rest.next() {
        match option {
            "nomatch" => found = true,
            "-exist" | "-!" => {}
            "comment" | "packets" | "bytes" | "skbmark" | "skbprio" | "skbqueue" | "before" | "after" => {
                rest.next()?;
            }
            _ => return None,
        }
    }
    Some(found)
}

fn part(kind: Kind, family: Family, text: &str) -> Option<Part> {
    match kind {
        Kind::Ip | Kind::Net => addresses(family, text).map(Part::Addresses),
        Kind::Port => port(text),
        Kind::PlainPort => interval(text).map(Part::PlainPorts),
        Kind::Set => Some(Part::Set(text.to_owned())),
        Kind::Other => None,
    }
}

/// `10.0.0.1`, `10.0.0.0/24`, `10.0.0.1-10.0.0.9`.
fn addresses(family: Family, text: &str) -> Option<AddressRange> {
    if text.contains('/') {
        return text.parse::<ipnet::IpNet>().ok().map(AddressRange::from).filter(|range| range.family() == family);
    }
    values::address_range(family, text)
}

/// `tcp:80`, `80-90`, `icmp:8/0`, `gre:0`.
fn port(text: &str) -> Option<Part> {
    let (protocol, value) = text.split_once(':').unwrap_or(("tcp", text));
    let protocol = names::protocol(protocol)?;
    if protocol.has_ports() {
        return interval(value).map(|ports| Part::Ports(protocol, ports));
    }
    if protocol.is_icmp() {
        let family = if protocol == Protocol::ICMP { Family::V4 } else { Family::V6 };
        return names::icmp(family, value).map(|(kind, code)| Part::Icmp(protocol, kind, code.unwrap_or(0)));
    }
    // UDP-Lite has ports, which the algebra does not tell apart.
    (value == "0" && protocol.0 != 136).then_some(Part::Whole(protocol))
}

fn interval(text: &str) -> Option<Interval<u16>> {
    match values::ports(text, '-')?.intervals() {
        [only] if !text.contains(',') => Some(*only),
        _ => None,
    }
}
