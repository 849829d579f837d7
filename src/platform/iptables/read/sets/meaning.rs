//! Entries to conditions.
//!
//! Entries with the same addresses are brought together: a thousand addresses with the same three ports are one product, not three thousand.

use std::collections::BTreeMap;

use super::super::values;
use super::entry::{Entry, Kind, Part};
use super::{Set, Sets};
use crate::listing::Condition;
use crate::packet::{AddressRange, AddressSet, Family, Interval, IntervalSet, Protocol, ServiceSet};

/// Why a set gives no condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is not in the dump.
    Missing,
    /// What is in it is not known, or how the rule asks.
    NotUnderstood,
}

/// Which of a packet's ends is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Source,
    Destination,
}

/// Parts besides the one address that entries are gathered by.
type Others = Vec<(Side, Part)>;

impl Sets {
    /// What `--match-set NAME src,dst` asks.
    ///
    /// # Errors
    ///
    /// See [`Why`].
    pub fn condition(&self, family: Family, name: &str, sides: &str) -> Result<Vec<Condition>, Why> {
        let key = (family, name.to_owned(), sides.to_owned());
        if let Some(answer) = self.asked.borrow().get(&key) {
            return answer.clone();
        }
        let answer = self.ask(family, name, sides);
        self.asked.borrow_mut().insert(key, answer.clone());
        answer
    }

    fn ask(&self, family: Family, name: &str, sides: &str) -> Result<Vec<Condition>, Why> {
        let set = self.sets.get(name).ok_or(Why::Missing)?;
        let sides = read_sides(sides).ok_or(Why::NotUnderstood)?;
        if set.kinds == [Kind::Set] && set.understood {
            return Ok(vec![self.list(family, set, &sides)]);
        }
        set.condition(family, &sides).ok_or(Why::NotUnderstood)
    }

    /// A packet is in a list if it is in any of its sets; those that need more sides than are given are skipped (ipset(8)), those of the other family never hold.
    fn list(&self, family: Family, list: &Set, sides: &[Side]) -> Condition {
        let mut any = Vec::new();
        for part in list.entries.iter().flat_map(|entry| &entry.parts) {
            let Part::Set(name) = part else { continue };
            let unknown = || vec![Condition::Unknown(format!("the set {name}"))];
            match self.sets.get(name) {
                Some(set) if set.kinds.len() > sides.len() && set.understood => {}
                Some(set) if set.other_family(family) && set.understood => {}
                Some(set) => any.push(set.condition(family, sides).unwrap_or_else(unknown)),
                None => any.push(unknown()),
            }
        }
        Condition::AnyOf(any)
    }
}

fn read_sides(text: &str) -> Option<Vec<Side>> {
    let side = |text| match text {
        "src" => Some(Side::Source),
        "dst" => Some(Side::Destination),
        _ => None,
    };
    text.split(',').map(side).collect()
}

impl Set {
    fn other_family(&self, family: Family) -> bool {
        self.family != family && self.kinds != [Kind::PlainPort]
    }

    fn condition(&self, family: Family, sides: &[Side]) -> Option<Vec<Condition>> {
        let fits = self.understood && sides.len() >= self.kinds.len() && !self.other_family(family);
        if !fits || self.kinds.contains(&Kind::Set) {
            return None;
        }
        let gathered = self.gather(sides)?;
        let mut any: Vec<Vec<Condition>> = joined(gathered).into_iter().collect();
        Some(if any.len() == 1 { any.remove(0) } else { vec![Condition::AnyOf(any)] })
    }

    /// The addresses of the part that entries are gathered by, for each combination of the other parts.
    fn gather(&self, sides: &[Side]) -> Option<BTreeMap<Others, (Option<Side>, AddressSet)>> {
        let place = self.pivot()?;
        let mut groups: BTreeMap<Others, Vec<(AddressRange, bool)>> = BTreeMap::new();
        let side = place.and_then(|place| sides.get(place).copied());
        for entry in &self.entries {
            let (addresses, others) = self.split(entry, place, sides)?;
            groups.entry(others).or_default().extend(addresses.map(|range| (range, entry.except)));
        }
        Some(groups.into_iter().map(|(others, ranges)| (others, (side, most_special_wins(&ranges)))).collect())
    }

    /// The place of the part that entries are gathered by: the last network, else the last address; none in a set of ports.
    /// Exceptions are understood only where one part alone is a network.
    fn pivot(&self) -> Option<Option<usize>> {
        let nets = self.kinds.iter().filter(|kind| **kind == Kind::Net).count();
        if nets != 1 && self.entries.iter().any(|entry| entry.except) {
            return None;
        }
        let wanted = if nets > 0 { Kind::Net } else { Kind::Ip };
        Some(self.kinds.iter().rposition(|kind| *kind == wanted))
    }

    fn split(&self, entry: &Entry, place: Option<usize>, sides: &[Side]) -> Option<(Option<AddressRange>, Others)> {
        let mut gathered = None;
        let mut others = Others::new();
        for (at, (part, side)) in entry.parts.iter().zip(sides).enumerate() {
            let part = self.widened(part)?;
            match part {
                Part::Addresses(range) if Some(at) == place => gathered = Some(range),
                part => others.push((*side, part)),
            }
        }
        Some((gathered, others))
    }

    fn widened(&self, part: &Part) -> Option<Part> {
        match (part, self.netmask) {
            (Part::Addresses(range), Some(length)) => values::widened(*range, length).map(Part::Addresses),
            _ => Some(part.clone()),
        }
    }
}

/// Smaller networks are looked up first (ipset(8)), and an exception ends the search.
fn most_special_wins(ranges: &[(AddressRange, bool)]) -> AddressSet {
    if ranges.iter().all(|(_, except)| !except) {
        return ranges.iter().map(|(range, _)| *range).collect();
    }
    let mut by_length: BTreeMap<u8, (Vec<AddressRange>, Vec<AddressRange>)> = BTreeMap::new();
    for (range, except) in ranges {
        for prefix in range.prefixes() {
            let (members, exceptions) = by_length.entry(prefix.prefix_len()).or_default();
            if *except { exceptions } else { members }.push(prefix.into());
        }
    }
    by_length.into_values().fold(AddressSet::empty(), |found, (members, exceptions)| {
        found.union(&members.into_iter().collect()).difference(&exceptions.into_iter().collect())
    })
}

/// Addresses that go with the same services: single ones, then those of the part that entries are gathered by.
type Product = (Vec<(Side, AddressRange)>, Option<Side>, AddressSet);

/// Brings together the services that go with the same addresses.
fn joined(groups: BTreeMap<Others, (Option<Side>, AddressSet)>) -> Vec<Vec<Condition>> {
    let mut products: BTreeMap<Product, Vec<(Side, Part)>> = BTreeMap::new();
    for (others, (side, addresses)) in groups {
        let (mut fixed, mut services) = (Vec::new(), Vec::new());
        for (side, part) in others {
            match part {
                Part::Addresses(range) => fixed.push((side, range)),
                part => services.push((side, part)),
            }
        }
        products.entry((fixed, side, addresses)).or_default().append(&mut services);
    }
    let product = |((fixed, side, addresses), services): (Product, Vec<_>)| {
        let mut all: Vec<Condition> = fixed.into_iter().map(|(side, range)| address(side, range.into())).collect();
        all.extend(side.map(|side| address(side, addresses)));
        if !services.is_empty() {
            all.push(Condition::Service(union(services).into()));
        }
        all
    };
    products.into_iter().map(product).collect()
}

fn address(side: Side, addresses: AddressSet) -> Condition {
    match side {
        Side::Source => Condition::Source(addresses.into()),
        Side::Destination => Condition::Destination(addresses.into()),
    }
}

fn union(parts: Vec<(Side, Part)>) -> ServiceSet {
    let mut ports: BTreeMap<(Side, Protocol), Vec<Interval<u16>>> = BTreeMap::new();
    let mut all = ServiceSet::empty();
    for (side, part) in parts {
        match part {
            Part::Ports(protocol, range) => ports.entry((side, protocol)).or_default().push(range),
            Part::PlainPorts(range) => {
                ports.entry((side, Protocol::TCP)).or_default().push(range);
                ports.entry((side, Protocol::UDP)).or_default().push(range);
            }
            Part::Icmp(protocol, kind, code) => {
                let one = ServiceSet::rectangle(protocol, Interval::single(kind.into()), Interval::single(code.into()));
                all = all.union(&one);
            }
            Part::Whole(protocol) => all = all.union(&ServiceSet::protocol(protocol)),
            Part::Addresses(_) | Part::Set(_) => {}
        }
    }
    for ((side, protocol), ranges) in ports {
        let ports: IntervalSet<u16> = ranges.into_iter().collect();
        all = all.union(&match side {
            Side::Source => values::from_ports(protocol, &ports),
            Side::Destination => values::to_ports(protocol, &ports),
        });
    }
    all
}
