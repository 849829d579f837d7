//! The entries of a verdict map, where surely no packet is in two of them.
//!
//! The first entry that a packet meets decides. Where entries overlap (`*` stands for all others, and nftables takes ranges in several fields that overlap) the order says which, and what is read here as products
//! side by side would say more than the map does. Then the comparison of sets decides.

use crate::listing::{Action, Condition, Crossing};
use crate::packet::{AddressSet, Interval, ServiceSet, Value};

/// Conditions, and what happens where all of them hold.
pub(super) type Entry = (Vec<Condition>, Action);

/// More entries for services are not held against each other.
const MOST: usize = 500;

/// The entries that packets of a way can meet; `None` if one packet may meet two of them.
pub(super) fn apart<'a>(entries: &'a [Entry], way: &Crossing<'_>) -> Option<Vec<&'a Entry>> {
    let mut found: Vec<&Entry> = Vec::new();
    for entry in entries {
        let settled = || entry.0.iter().map(|one| one.is_settled_by(way));
        if settled().any(|holds| holds == Some(false)) {
            continue;
        }
        found.push(entry);
        if settled().all(|holds| holds.is_some()) {
            // Every packet that is left: those of the entries before it are not.
            return (found.len() == 1).then_some(found);
        }
    }
    are_apart(&found, way)?.then_some(found)
}

/// Whether no packet meets two of some entries; `None` if that is not seen here.
fn are_apart(entries: &[&Entry], way: &Crossing<'_>) -> Option<bool> {
    if entries.len() < 2 {
        return Some(true);
    }
    let (mut sources, mut destinations, mut services) = (Vec::new(), Vec::new(), Vec::new());
    for (conditions, _) in entries {
        let mut open = conditions.iter().filter(|one| one.is_settled_by(way).is_none());
        match (open.next()?, open.next()) {
            (Condition::Source(set), None) => sources.push(&**set),
            (Condition::Destination(set), None) => destinations.push(&**set),
            (Condition::Service(set), None) => services.push(&**set),
            _ => return None,
        }
    }
    match (sources.is_empty(), destinations.is_empty(), services.is_empty()) {
        (false, true, true) => Some(addresses_are_apart(&sources)),
        (true, false, true) => Some(addresses_are_apart(&destinations)),
        (true, true, false) if services.len() <= MOST => Some(services_are_apart(&services)),
        _ => None,
    }
}

fn addresses_are_apart(sets: &[&AddressSet]) -> bool {
    let v4 = sets.iter().flat_map(|set| set.v4.intervals().iter().copied()).collect();
    let v6 = sets.iter().flat_map(|set| set.v6.intervals().iter().copied()).collect();
    ranges_are_apart(v4) && ranges_are_apart(v6)
}

fn ranges_are_apart<T: Value>(mut ranges: Vec<Interval<T>>) -> bool {
    ranges.sort_unstable_by_key(|range| range.first);
    ranges.windows(2).all(|pair| matches!(pair, [one, next] if one.last < next.first))
}

fn services_are_apart(sets: &[&ServiceSet]) -> bool {
    let pairs = sets.iter().enumerate();
    pairs.into_iter().all(|(at, set)| sets.iter().skip(at + 1).all(|other| !set.intersects(other)))
}
