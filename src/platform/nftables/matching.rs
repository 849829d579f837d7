//! Addresses, services and verdicts as nftables says them.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::packet::{Family, Interval, IntervalSet, Protocol};
use crate::plan::DevicePlan;
use crate::platform::common::cells::Space;
use crate::platform::common::names::fit;
use crate::platform::common::text::{Text, put};
use crate::platform::common::traffic::{Traffic, all_octets};

/// The longest comment, in bytes.
pub(super) const COMMENT: usize = 128;
/// The longest log prefix, in bytes.
const PREFIX: usize = 127;
/// A set of more ranges than this is a named set.
const INLINE: usize = 6;
/// A set of at least this many ranges is a named set if it is used again.
const SHARED: usize = 3;
/// From this many rules on, every set of several ranges is a named set: the kernel finds a name for each anonymous one by walking past all
/// others, so that 12,000 of them take a minute to load.
const SPARING: usize = 200;

/// An address family with a spelling.
pub(super) trait Spelling: Space {
    /// `ip` or `ip6`.
    const WORD: &'static str;
    /// The type of its sets.
    const TYPE: &'static str;
    /// `4` or `6`, for names.
    const DIGIT: char;
    /// How long an address is, in bits.
    const BITS: u32;
    /// Appends an address.
    fn put(text: &mut Text, address: Self);
    /// How many low bits are free in a prefix that is exactly the range.
    fn free_bits(range: Interval<Self>) -> Option<u32>;
}

macro_rules! spelling {
    ($integer:ty, $address:ty, $word:literal, $kind:literal, $digit:literal) => {
        impl Spelling for $integer {
            const WORD: &'static str = $word;
            const TYPE: &'static str = $kind;
            const DIGIT: char = $digit;
            const BITS: u32 = <$integer>::BITS;
            fn put(text: &mut Text, address: Self) {
                put!(text, "{}", <$address>::from_bits(address));
            }
            fn free_bits(range: Interval<Self>) -> Option<u32> {
                let difference = range.first ^ range.last;
                let free = Self::BITS - difference.leading_zeros();
                // A prefix: the ends differ in all of the low bits, and the first has none of them.
                (difference.count_ones() == free && range.first & difference == 0).then_some(free)
            }
        }
    };
}
spelling!(u32, Ipv4Addr, "ip", "ipv4_addr", '4');
spelling!(u128, Ipv6Addr, "ip6", "ipv6_addr", '6');

/// Appends an address, a prefix or a range.
pub(super) fn put_range<T: Spelling>(text: &mut Text, range: Interval<T>) {
    T::put(text, range.first);
    match T::free_bits(range) {
        Some(0) => {}
        Some(free) => put!(text, "/{}", T::BITS - free),
        None => {
            text.push("-");
            T::put(text, range.last);
        }
    }
}

/// The named address sets of a device: equal sets have one name, however often a plan holds them.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    uses4: HashMap<IntervalSet<u32>, usize>,
    uses6: HashMap<IntervalSet<u128>, usize>,
    sparing: bool,
    numbers: HashMap<(&'static str, IntervalSet<u16>), String>,
    named4: HashMap<IntervalSet<u32>, String>,
    named6: HashMap<IntervalSet<u128>, String>,
    /// The declarations.
    pub(super) sets: Text,
}

/// Where the tables of a family are.
pub(super) trait Named: Spelling {
    /// How often a set is used.
    fn uses(addresses: &mut Addresses) -> &mut HashMap<IntervalSet<Self>, usize>;
    /// What it is called.
    fn named(addresses: &mut Addresses) -> &mut HashMap<IntervalSet<Self>, String>;
}

impl Named for u32 {
    fn uses(addresses: &mut Addresses) -> &mut HashMap<IntervalSet<Self>, usize> {
        &mut addresses.uses4
    }
    fn named(addresses: &mut Addresses) -> &mut HashMap<IntervalSet<Self>, String> {
        &mut addresses.named4
    }
}

impl Named for u128 {
    fn uses(addresses: &mut Addresses) -> &mut HashMap<IntervalSet<Self>, usize> {
        &mut addresses.uses6
    }
    fn named(addresses: &mut Addresses) -> &mut HashMap<IntervalSet<Self>, String> {
        &mut addresses.named6
    }
}

impl Addresses {
    /// Counts how often the sets of a plan are used.
    pub(super) fn of(plan: &DevicePlan) -> Self {
        let mut addresses = Self::default();
        let mut rules = 0;
        let pairs = plan.pairs.iter().flat_map(|pair| &pair.rules);
        let input = plan.input.iter().flat_map(|input| input.rules.iter().flat_map(|(_, rules)| rules));
        for rule in pairs.chain(input) {
            rules += 1;
            for set in [&rule.source, &rule.destination] {
                addresses.count(&set.v4);
                addresses.count(&set.v6);
            }
        }
        addresses.sparing = rules >= SPARING;
        addresses
    }

    fn count<T: Named>(&mut self, set: &IntervalSet<T>) {
        if set.intervals().len() < SHARED {
            return;
        }
        // Only the first use pays for a copy.
        match T::uses(self).get_mut(set) {
            Some(uses) => *uses += 1,
            None => drop(T::uses(self).insert(set.clone(), 1)),
        }
    }

    /// Appends what a match compares with: a value, `{ ... }` or `@name`.
    pub(super) fn put<T: Named>(&mut self, text: &mut Text, set: &IntervalSet<T>) {
        match set.intervals() {
            [only] => put_range(text, *only),
            few if !self.sparing
                && (few.len() < SHARED || (few.len() <= INLINE && T::uses(self).get(set).is_none_or(|n| *n < 2))) =>
            {
                text.push("{ ");
                for (at, range) in few.iter().enumerate() {
                    text.push(if at > 0 { ", " } else { "" });
                    put_range(text, *range);
                }
                text.push(" }");
            }
            _ => {
                text.push("@");
                text.push(&self.name(set));
            }
        }
    }

    fn name<T: Named>(&mut self, set: &IntervalSet<T>) -> String {
        if let Some(name) = T::named(self).get(set) {
            return name.clone();
        }
        let name = format!("addresses{}_{}", T::DIGIT, T::named(self).len());
        put!(self.sets, "\tset {name} {{ type {}; flags interval; elements = {{", T::TYPE);
        for (at, range) in set.intervals().iter().enumerate() {
            self.sets.push(if at > 0 { "," } else { "" });
            self.sets.end();
            self.sets.push("\t\t");
            put_range(&mut self.sets, *range);
        }
        self.sets.end();
        self.sets.line("\t} }");
        T::named(self).insert(set.clone(), name.clone());
        name
    }
}

fn put_number(text: &mut Text, range: Interval<u16>) {
    put!(text, "{}", range.first);
    if range.first != range.last {
        put!(text, "-{}", range.last);
    }
}

/// Appends numbers: a value, a range or `{ ... }`.
pub(super) fn put_numbers(text: &mut Text, set: &IntervalSet<u16>) {
    if let [only] = set.intervals() {
        put_number(text, *only);
        return;
    }
    text.push("{ ");
    for (at, range) in set.intervals().iter().enumerate() {
        text.push(if at > 0 { ", " } else { "" });
        put_number(text, *range);
    }
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

impl Addresses {
    /// Appends numbers of a type: as [`put_numbers`] does, or as a named set where anonymous ones would be too many.
    fn put_typed(&mut self, text: &mut Text, kind: &'static str, set: &IntervalSet<u16>) {
        if !self.sparing || set.intervals().len() < 2 {
            put_numbers(text, set);
            return;
        }
        let next = self.numbers.len();
        let sets = &mut self.sets;
        let name = self.numbers.entry((kind, set.clone())).or_insert_with(|| {
            let name = format!("numbers_{next}");
            put!(sets, "\tset {name} {{ type {kind}; flags interval; elements = ");
            put_numbers(sets, set);
            sets.line("; }");
            name
        });
        put!(text, "@{name}");
    }

    /// Appends the match of a service by the packet's own header, each part followed by a blank.
    pub(super) fn put_traffic(&mut self, text: &mut Text, traffic: &Traffic, family: Family) {
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
        text.push("meta l4proto ");
        if self.sparing {
            let numbers = protocols.iter().map(|protocol| Interval::single(u16::from(protocol.0))).collect();
            self.put_typed(text, "inet_proto", &numbers);
        } else {
            let names: Vec<&str> = protocols.iter().map(|&protocol| transport(protocol)).collect();
            put!(text, "{{ {} }}", names.join(", "));
        }
        text.push(" ");
        "th"
    }
}

/// Appends `log prefix "..." `.
pub(super) fn put_log(text: &mut Text, word: &str, name: &str) {
    let room = PREFIX - "sekisho : ".len() - word.len() - 1;
    put!(text, "log prefix \"sekisho {word} {}: \" ", fit(name, room));
}

/// Appends ` comment "..."`.
pub(super) fn put_comment(text: &mut Text, name: &str) {
    put!(text, " comment \"{}\"", fit(name, COMMENT));
}
