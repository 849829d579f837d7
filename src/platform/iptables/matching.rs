//! Addresses and services as iptables says them: alternatives, each one line's worth of options.

use std::sync::Arc;

use crate::packet::{AddressRange, AddressSet, Family, Interval, IntervalSet, Protocol, ServiceSet};
use crate::platform::common::traffic::{Traffic, all_octets, icmp, matches_with_sets, set_of};

/// Which part of a flow an alternative restricts.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// Nothing: the whole set of the rule.
    Whole,
    /// Source addresses.
    Source(Arc<AddressSet>),
    /// Destination addresses.
    Destination(Arc<AddressSet>),
    /// Services.
    Services(Arc<ServiceSet>),
}

/// Options, each followed by a blank, and what they restrict.
#[derive(Debug, Clone)]
pub(super) struct Alternative {
    /// The options; empty where every packet is meant.
    pub(super) options: String,
    /// What they restrict.
    pub(super) part: Part,
    /// Protocols that are *not* meant, to be sent back by a chain of their own; empty in most cases.
    pub(super) except: Vec<u8>,
}

impl Alternative {
    pub(super) fn new(options: String, part: Part) -> Self {
        Self { options, part, except: Vec::new() }
    }
}

/// By what a packet is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The first packet of its connection.
    Connection,
    /// Its own header.
    Packet,
}

/// An end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Where it comes from.
    Source,
    /// Where it goes.
    Destination,
}

/// The address a set is matched by; a full set is one alternative without options.
pub(super) fn addresses(set: &Arc<AddressSet>, family: Family, side: Side, by: By) -> Vec<Alternative> {
    let full = match family {
        Family::V4 => set.v4.is_full(),
        Family::V6 => set.v6.is_full(),
    };
    if full {
        return vec![Alternative::new(String::new(), Part::Whole)];
    }
    let ranges: Vec<AddressRange> = set.ranges().filter(|range| range.family() == family).collect();
    let mut result = Vec::with_capacity(ranges.len());
    for &range in &ranges {
        let prefixes = range.prefixes();
        if by == By::Packet && prefixes.len() > 2 {
            let word = if side == Side::Source { "src" } else { "dst" };
            let options = format!("-m iprange --{word}-range {}-{} ", range.first(), range.last());
            result.push(Alternative::new(options, part(range, side)));
            continue;
        }
        for prefix in prefixes {
            let options = match (by, side) {
                (By::Packet, Side::Source) => format!("-s {prefix} "),
                (By::Packet, Side::Destination) => format!("-d {prefix} "),
                (By::Connection, Side::Source) => format!("-m conntrack --ctorigsrc {prefix} "),
                (By::Connection, Side::Destination) => format!("-m conntrack --ctorigdst {prefix} "),
            };
            result.push(Alternative::new(options, part(prefix.into(), side)));
        }
    }
    if let [only] = result.as_mut_slice() {
        only.part = Part::Whole;
    }
    result
}

fn part(range: AddressRange, side: Side) -> Part {
    let set = Arc::new(AddressSet::from(range));
    if side == Side::Source { Part::Source(set) } else { Part::Destination(set) }
}

/// The services of a set; none if no packet of the family can be meant.
pub(super) fn services(set: &Arc<ServiceSet>, family: Family, by: By) -> Vec<Alternative> {
    let mut result = Vec::new();
    for (traffic, whole) in matches_with_sets(set, family) {
        let from = result.len();
        match by {
            By::Packet => by_packet(&traffic, family, &mut result),
            By::Connection => by_connection(&traffic, family, &mut result),
        }
        if let [only] = result.get_mut(from..).unwrap_or_default() {
            only.part = Part::Services(whole);
        }
    }
    if let [only] = result.as_mut_slice() {
        only.part = Part::Whole;
    }
    result
}

/// More protocols than this are said by the ones that are not meant.
const MANY: usize = 8;
/// The slots of a multiport match; a range takes two.
const SLOTS: usize = 15;
/// The values of a u32 test.
const VALUES: usize = 10;
/// More lines than this for types and codes are said by a u32 test.
const TYPES: usize = 16;

fn members(protocols: &IntervalSet<u8>) -> Vec<u8> {
    protocols.intervals().iter().flat_map(|range| range.first..=range.last).collect()
}

fn whole(protocol: u8) -> Part {
    Part::Services(Arc::new(ServiceSet::protocol(Protocol(protocol))))
}

/// The option that matches a whole protocol. AH is an extension header to ip6tables, which `-p` passes over.
pub(super) fn protocol_option(number: u8, family: Family) -> String {
    if family == Family::V6 && number == Protocol::AH.0 { "-m ah ".to_owned() } else { format!("-p {number} ") }
}

fn by_packet(traffic: &Traffic, family: Family, result: &mut Vec<Alternative>) {
    match traffic {
        Traffic::Any => result.push(Alternative::new(String::new(), Part::Whole)),
        Traffic::Protocols(protocols) => {
            let all = members(protocols);
            // `-p 0` means every protocol, so a set with 0 is said by what it is not.
            if all.len() > MANY || all.first() == Some(&0) {
                let part = Part::Services(Arc::new(set_of(traffic, family)));
                let except = members(&protocols.complement());
                result.push(Alternative { options: String::new(), part, except });
            } else {
                result.extend(all.into_iter().map(|p| Alternative::new(protocol_option(p, family), whole(p))));
            }
        }
        Traffic::Ports { protocols, source, destination } => {
            for &protocol in protocols {
                ports(protocol, source, destination, result);
            }
        }
        Traffic::Icmp { types, codes } => icmp_packet(types, codes, family, result),
    }
}

/// Ports of one protocol, in as few lines as the slots allow.
fn ports(protocol: Protocol, source: &IntervalSet<u16>, destination: &IntervalSet<u16>, result: &mut Vec<Alternative>) {
    let name = match protocol {
        Protocol::TCP => "tcp",
        Protocol::UDP => "udp",
        _ => "sctp",
    };
    for from in port_lists(source) {
        for to in port_lists(destination) {
            let mut options = format!("-p {name} ");
            if let (true, true) = (from.len() <= 1, to.len() <= 1) {
                options.push_str(&format!("-m {name} "));
                one_port(&mut options, "--sport", &from);
                one_port(&mut options, "--dport", &to);
            } else {
                many_ports(&mut options, "--sports", &from);
                many_ports(&mut options, "--dports", &to);
            }
            let or_all = |list: &[Interval<u16>]| if list.is_empty() { vec![Interval::full()] } else { list.to_vec() };
            let mut set = ServiceSet::empty();
            for a in or_all(&from) {
                for b in or_all(&to) {
                    set = set.union(&ServiceSet::rectangle(protocol, a, b));
                }
            }
            result.push(Alternative::new(options, Part::Services(Arc::new(set))));
        }
    }
}

/// Lists of ports that fit one match each; a full set is one empty list.
fn port_lists(ports: &IntervalSet<u16>) -> Vec<Vec<Interval<u16>>> {
    if ports.is_full() {
        return vec![Vec::new()];
    }
    let mut lists: Vec<Vec<Interval<u16>>> = Vec::new();
    let mut free = 0;
    for &range in ports.intervals() {
        let slots = if range.first == range.last { 1 } else { 2 };
        if slots > free {
            lists.push(Vec::new());
            free = SLOTS;
        }
        free -= slots;
        if let Some(list) = lists.last_mut() {
            list.push(range);
        }
    }
    lists
}

fn port_text(range: &Interval<u16>) -> String {
    if range.first == range.last { range.first.to_string() } else { format!("{}:{}", range.first, range.last) }
}

fn one_port(options: &mut String, word: &str, list: &[Interval<u16>]) {
    if let Some(range) = list.first() {
        options.push_str(&format!("{word} {} ", port_text(range)));
    }
}

fn many_ports(options: &mut String, word: &str, list: &[Interval<u16>]) {
    if !list.is_empty() {
        let ports: Vec<String> = list.iter().map(port_text).collect();
        options.push_str(&format!("-m multiport {word} {} ", ports.join(",")));
    }
}

fn octets(set: &IntervalSet<u16>) -> Vec<u16> {
    set.intervals().iter().flat_map(|range| range.first..=range.last.min(255)).collect()
}

fn icmp_packet(types: &IntervalSet<u16>, codes: &IntervalSet<u16>, family: Family, result: &mut Vec<Alternative>) {
    let protocol = icmp(family);
    let (kinds, all_codes) = (octets(types), all_octets(codes));
    let lines = if all_codes { kinds.len() } else { kinds.len() * octets(codes).len() };
    // iptables reads `--icmp-type 255` as any type; and a long list is shorter as a test of the bytes themselves.
    if family == Family::V4 && (kinds.last() == Some(&255) || lines > TYPES) {
        icmp_bytes(types, codes, result);
        return;
    }
    let word = if family == Family::V4 { "-p icmp -m icmp --icmp-type" } else { "-p ipv6-icmp -m icmp6 --icmpv6-type" };
    for kind in kinds {
        let single = Interval::single(kind);
        if all_codes {
            let set = ServiceSet::rectangle(protocol, single, Interval { first: 0, last: 255 });
            result.push(Alternative::new(format!("{word} {kind} "), Part::Services(Arc::new(set))));
            continue;
        }
        for code in octets(codes) {
            let set = ServiceSet::rectangle(protocol, single, Interval::single(code));
            result.push(Alternative::new(format!("{word} {kind}/{code} "), Part::Services(Arc::new(set))));
        }
    }
}

/// Types and codes by their bytes behind the IPv4 header.
fn icmp_bytes(types: &IntervalSet<u16>, codes: &IntervalSet<u16>, result: &mut Vec<Alternative>) {
    let list = |ranges: &[Interval<u16>]| ranges.iter().map(port_text).collect::<Vec<_>>().join(",");
    for kinds in types.intervals().chunks(VALUES) {
        for some in codes.intervals().chunks(VALUES) {
            let mut test = format!("0>>22&0x3C@0>>24={}", list(kinds));
            if !all_octets(codes) {
                test.push_str(&format!("&&0>>22&0x3C@0>>16&0xFF={}", list(some)));
            }
            let mut set = ServiceSet::empty();
            for &a in kinds {
                for &b in some {
                    set = set.union(&ServiceSet::rectangle(Protocol::ICMP, a, b));
                }
            }
            let options = format!("-p icmp -m u32 --u32 \"{test}\" ");
            result.push(Alternative::new(options, Part::Services(Arc::new(set))));
        }
    }
}

fn by_connection(traffic: &Traffic, family: Family, result: &mut Vec<Alternative>) {
    let range = |word: &str, ports: &Interval<u16>| {
        if *ports == Interval::full() { String::new() } else { format!("--{word} {} ", port_text(ports)) }
    };
    match traffic {
        Traffic::Any => result.push(Alternative::new(String::new(), Part::Whole)),
        Traffic::Protocols(protocols) => result.extend(
            members(protocols).into_iter().map(|p| Alternative::new(format!("-m conntrack --ctproto {p} "), whole(p))),
        ),
        Traffic::Ports { protocols, source, destination } => {
            for protocol in protocols {
                for a in source.intervals() {
                    for b in destination.intervals() {
                        let (from, to) = (range("ctorigsrcport", a), range("ctorigdstport", b));
                        let set = Arc::new(ServiceSet::rectangle(*protocol, *a, *b));
                        let options = format!("-m conntrack --ctproto {} {from}{to}", protocol.0);
                        result.push(Alternative::new(options, Part::Services(set)));
                    }
                }
            }
        }
        Traffic::Icmp { types, codes } => {
            // The kernel keeps type and code where a port would be.
            let protocol = icmp(family);
            for kind in octets(types) {
                for code in codes.intervals() {
                    let last = code.last.min(255);
                    let both = Interval { first: kind << 8 | code.first, last: kind << 8 | last };
                    let options =
                        format!("-m conntrack --ctproto {} --ctorigdstport {} ", protocol.0, port_text(&both));
                    let set = ServiceSet::rectangle(protocol, Interval::single(kind), *code);
                    result.push(Alternative::new(options, Part::Services(Arc::new(set))));
                }
            }
        }
    }
}
