//! Services as nftables says them: each set of services as few matches, said once and remembered.
//!
//! Ports of several protocols become one match of a concatenation (`meta l4proto . th dport { tcp . 443, udp . 4008 }`) instead of a line each:
//! what loading a rule set costs is its lines, not its elements.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::packet::{Family, Interval, IntervalSet, Protocol, ServiceSet};
use crate::platform::Detail;
use crate::platform::common::text::{Text, put};
use crate::platform::common::traffic::{Traffic, all_octets, matches, set_of};

/// What one line matches of a set of services.
#[derive(Debug)]
pub(super) struct Product {
    /// The match, ending in a blank; empty for every packet.
    pub(super) text: String,
    /// What it holds, if lines are asked for.
    pub(super) services: Option<Arc<ServiceSet>>,
}

/// The services of a device.
#[derive(Debug)]
pub(super) struct Services {
    /// Whether every set of several numbers has a name.
    sparing: bool,
    detail: Detail,
    /// By where the plan holds the set: plans share equal sets, so there are far fewer of them than rules.
    known: FxHashMap<(*const ServiceSet, Family), Rc<[Product]>>,
    /// The numbers of sets, by type and elements.
    named: FxHashMap<String, usize>,
    /// The declarations.
    pub(super) sets: Text,
}

impl Services {
    pub(super) fn new(sparing: bool, detail: Detail) -> Self {
        Self { sparing, detail, known: FxHashMap::default(), named: FxHashMap::default(), sets: Text::default() }
    }

    /// The matches of a set of the plan in a family; none if no packet of the family is meant. The plan must outlive the answers.
    pub(super) fn of(&mut self, services: &Arc<ServiceSet>, family: Family) -> Rc<[Product]> {
        let place = (Arc::as_ptr(services), family);
        if let Some(known) = self.known.get(&place) {
            return known.clone();
        }
        let made: Rc<[Product]> = self.products(services, family).into();
        self.known.insert(place, made.clone());
        made
    }

    /// The matches of any set in a family.
    pub(super) fn products(&mut self, services: &Arc<ServiceSet>, family: Family) -> Vec<Product> {
        let (joined, alone) = join(matches(services, family));
        let only = joined.len().min(1) + alone.len() == 1;
        let lines = self.detail == Detail::Lines;
        let set = |parts: &[Traffic]| {
            let of_parts = || parts.iter().fold(ServiceSet::empty(), |all, part| all.union(&set_of(part, family)));
            lines.then(|| if only { services.clone() } else { Arc::new(of_parts()) })
        };
        let mut result = Vec::with_capacity(alone.len() + 1);
        if !joined.is_empty() {
            let mut text = Text::default();
            self.put_joined(&mut text, &joined);
            result.push(Product { text: text.finish(), services: set(&joined) });
        }
        for traffic in alone {
            let mut text = Text::default();
            self.put(&mut text, &traffic, family);
            result.push(Product { text: text.finish(), services: set(&[traffic]) });
        }
        result
    }

    /// Appends the match of destination ports of several protocols.
    fn put_joined(&mut self, text: &mut Text, parts: &[Traffic]) {
        let mut ports: BTreeMap<Protocol, IntervalSet<u16>> = BTreeMap::new();
        for part in parts {
            let Traffic::Ports { protocols, destination, .. } = part else { continue };
            for &protocol in protocols {
                let all = ports.entry(protocol).or_default();
                *all = all.union(destination);
            }
        }
        let ranges = ports.values().flat_map(IntervalSet::intervals).any(|range| range.first != range.last);
        let mut elements = Text::default();
        let all =
            ports.iter().flat_map(|(protocol, ports)| ports.intervals().iter().map(move |range| (protocol, range)));
        for (at, (protocol, range)) in all.enumerate() {
            elements.push(if at > 0 { ", " } else { "" });
            elements.push(transport(*protocol));
            elements.push(" . ");
            put_number(&mut elements, *range);
        }
        text.push("meta l4proto . th dport ");
        self.put_set(text, "inet_proto . inet_service", &elements.finish(), ranges);
        text.push(" ");
    }

    /// Appends several elements: as a named set where anonymous ones would be too many.
    fn put_set(&mut self, text: &mut Text, kind: &str, elements: &str, ranges: bool) {
        if !self.sparing {
            put!(text, "{{ {elements} }}");
            return;
        }
        let next = self.named.len();
        let key = format!("type {kind}; {}elements = {{ {elements} }}", if ranges { "flags interval; " } else { "" });
        let number = *self.named.entry(key).or_insert_with_key(|key| {
            put!(self.sets, "\tset numbers_{next} {{ {key}; }}");
            self.sets.end();
            next
        });
        text.push("@numbers_");
        text.number(number);
    }

    /// Appends numbers of a type: a value, a range or a set.
    fn put_typed(&mut self, text: &mut Text, kind: &str, set: &IntervalSet<u16>) {
        if let [only] = set.intervals() {
            put_number(text, *only);
            return;
        }
        let mut elements = Text::default();
        put_elements(&mut elements, set);
        let ranges = set.intervals().iter().any(|range| range.first != range.last);
        self.put_set(text, kind, &elements.finish(), ranges);
    }

    /// Appends a match by the packet's own header, each part followed by a blank.
    pub(super) fn put(&mut self, text: &mut Text, traffic: &Traffic, family: Family) {
        match traffic {
            Traffic::Any => {}
            Traffic::Protocols(protocols) => {
                text.push("meta l4proto ");
                self.put_typed(text, "inet_proto", &wide(protocols));
                text.push(" ");
            }
            Traffic::Ports { protocols, source, destination } => {
                let header = self.put_header(text, protocols);
                for (word, ports) in [("sport", source), ("dport", destination)] {
                    if !ports.is_full() {
                        put!(text, "{header} {word} ");
                        self.put_typed(text, "inet_service", ports);
                        text.push(" ");
                    }
                }
            }
            Traffic::Icmp { types, codes } => {
                let header = if family == Family::V4 { "icmp" } else { "icmpv6" };
                let kinds =
                    if family == Family::V4 { ["icmp_type", "icmp_code"] } else { ["icmpv6_type", "icmpv6_code"] };
                for ((word, numbers), kind) in [("type", types), ("code", codes)].into_iter().zip(kinds) {
                    if !all_octets(numbers) {
                        put!(text, "{header} {word} ");
                        self.put_typed(text, kind, numbers);
                        text.push(" ");
                    }
                }
            }
        }
    }

    /// Appends the match of protocols with ports where there are several; returns what their ports belong to.
    fn put_header(&mut self, text: &mut Text, protocols: &[Protocol]) -> &'static str {
        if let [only] = protocols {
            return transport(*only);
        }
        let names: Vec<&str> = protocols.iter().map(|&protocol| transport(protocol)).collect();
        text.push("meta l4proto ");
        self.put_set(text, "inet_proto", &names.join(", "), false);
        text.push(" ");
        "th"
    }
}

/// Matches of nothing but destination ports, if there are several, and the others.
fn join(all: Vec<Traffic>) -> (Vec<Traffic>, Vec<Traffic>) {
    let plain = |traffic: &Traffic| matches!(traffic, Traffic::Ports { source, .. } if source.is_full());
    if all.iter().filter(|traffic| plain(traffic)).count() < 2 {
        return (Vec::new(), all);
    }
    all.into_iter().partition(plain)
}

/// Appends a number or a range.
fn put_number(text: &mut Text, range: Interval<u16>) {
    text.number(usize::from(range.first));
    if range.first != range.last {
        text.push("-");
        text.number(usize::from(range.last));
    }
}

fn put_elements(text: &mut Text, set: &IntervalSet<u16>) {
    for (at, range) in set.intervals().iter().enumerate() {
        text.push(if at > 0 { ", " } else { "" });
        put_number(text, *range);
    }
}

/// Appends numbers: a value, a range or `{ ... }`.
pub(super) fn put_numbers(text: &mut Text, set: &IntervalSet<u16>) {
    if let [only] = set.intervals() {
        put_number(text, *only);
        return;
    }
    text.push("{ ");
    put_elements(text, set);
    text.push(" }");
}

/// Protocols as numbers.
pub(super) fn wide(protocols: &IntervalSet<u8>) -> IntervalSet<u16> {
    let widen = |i: &Interval<u8>| Interval { first: u16::from(i.first), last: u16::from(i.last) };
    protocols.intervals().iter().map(widen).collect()
}

/// The name of a protocol with ports.
pub(super) fn transport(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::TCP => "tcp",
        Protocol::UDP => "udp",
        _ => "sctp",
    }
}
