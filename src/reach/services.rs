//! Service classes: the services that a question can tell apart, as [`super::classes`] does for addresses.
//!
//! Every service of every protocol is in exactly one class. ICMP for IPv4 and for IPv6 are always apart, so that a class occurs in packets of one family or of both, wholly.

use std::collections::BTreeMap;

use crate::packet::{Family, Interval, Protocol, Rectangle, ServiceSet, sweep};

/// The classes of a list of service sets.
#[derive(Debug, Clone, Default)]
pub struct ServiceClasses {
    classes: Vec<ServiceSet>,
    occurs_in: Vec<(bool, bool)>,
    of_set: Vec<Vec<u32>>,
}

/// Which sets hold a piece: ascending.
type Holders = Vec<u32>;

impl ServiceClasses {
    /// Cuts all services by some sets.
    #[must_use]
    pub fn new(sets: &[&ServiceSet]) -> Self {
        let icmp = ServiceSet::protocol(Protocol::ICMP);
        let icmp6 = ServiceSet::protocol(Protocol::ICMP6);
        let any = ServiceSet::any();
        let all: Vec<&ServiceSet> = sets.iter().copied().chain([&icmp, &icmp6, &any]).collect();
        let mut of_set: Vec<Vec<u32>> = vec![Vec::new(); sets.len()];
        let mut classes = Vec::new();
        for (number, (holders, pieces)) in (0_u32..).zip(pieces(&all)) {
            for holder in holders {
                if let Some(members) = of_set.get_mut(holder as usize) {
                    members.push(number);
                }
            }
            classes.push(union(&pieces));
        }
        let occurs = |class: &ServiceSet| {
            (
                !class.only(Family::V4).difference(&icmp6).is_empty(),
                !class.only(Family::V6).difference(&icmp).is_empty(),
            )
        };
        Self { occurs_in: classes.iter().map(occurs).collect(), classes, of_set }
    }

    /// How many classes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is no class, which is so before any was made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The classes of a set, ascending, by its place in the list that the classes were made from.
    #[must_use]
    pub fn of_set(&self, set: usize) -> &[u32] {
        self.of_set.get(set).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every class.
    #[must_use]
    pub fn all(&self) -> Vec<u32> {
        (0_u32..).zip(&self.classes).map(|(number, _)| number).collect()
    }

    /// Whether a class occurs in packets of a family.
    #[must_use]
    pub fn occurs_in(&self, class: u32, family: Family) -> bool {
        let occurs = self.occurs_in.get(class as usize).copied().unwrap_or_default();
        match family {
            Family::V4 => occurs.0,
            Family::V6 => occurs.1,
        }
    }

    /// The services of some classes that occur in packets of a family, and no others.
    #[must_use]
    pub fn exactly(&self, classes: &[u32], family: Family) -> ServiceSet {
        let here = classes.iter().filter(|&&class| self.occurs_in(class, family));
        let here: Vec<ServiceSet> = here.filter_map(|&class| self.classes.get(class as usize).cloned()).collect();
        union(&here)
    }

    /// The services of some classes that occur in packets of a family. Where these are all of them, the answer is `any`.
    #[must_use]
    pub fn services(&self, classes: &[u32], family: Family) -> ServiceSet {
        let missing = (0_u32..)
            .zip(&self.classes)
            .find(|(number, _)| self.occurs_in(*number, family) && classes.binary_search(number).is_err());
        if missing.is_none() {
            return ServiceSet::any();
        }
        self.exactly(classes, family)
    }
}

/// The union of many sets, by halves.
fn union(sets: &[ServiceSet]) -> ServiceSet {
    match sets {
        [] => ServiceSet::empty(),
        [one] => one.clone(),
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            union(left).union(&union(right))
        }
    }
}

/// All services, cut by membership.
fn pieces(sets: &[&ServiceSet]) -> BTreeMap<Holders, Vec<ServiceSet>> {
    let rectangles: Vec<(u32, Rectangle)> = (0..)
        .zip(sets)
        .flat_map(|(number, set)| set.rectangles().into_iter().map(move |piece| (number, piece)))
        .collect();
    let mut result: BTreeMap<Holders, Vec<ServiceSet>> = BTreeMap::new();
    for protocols in cut_protocols(&rectangles) {
        let here: Vec<&(u32, Rectangle)> =
            rectangles.iter().filter(|(_, piece)| piece.protocols.contains(protocols.first)).collect();
        if here.iter().all(|(_, piece)| piece.whole) {
            let holders = holders(here.iter().map(|(number, _)| *number));
            result.entry(holders).or_default().push(whole(protocols));
        } else {
            cut_protocol(Protocol(protocols.first), &here, &mut result);
        }
    }
    result
}

fn whole(protocols: Interval<u8>) -> ServiceSet {
    if protocols == Interval::full() {
        return ServiceSet::any();
    }
    let each: Vec<ServiceSet> =
        (protocols.first..=protocols.last).map(|protocol| ServiceSet::protocol(Protocol(protocol))).collect();
    union(&each)
}

fn holders(numbers: impl Iterator<Item = u32>) -> Holders {
    let mut result: Holders = numbers.collect();
    result.sort_unstable();
    result.dedup();
    result
}

/// The protocols, cut where any rectangle begins or ends. Protocols that are not held wholly stand alone.
fn cut_protocols(rectangles: &[(u32, Rectangle)]) -> Vec<Interval<u8>> {
    let borders =
        rectangles.iter().flat_map(|(_, piece)| [Some(piece.protocols.first), piece.protocols.last.checked_add(1)]);
    spans(borders.flatten(), u8::MAX)
}

/// The closed spans between borders, from 0 up to `last`.
fn spans<T: crate::packet::Value>(borders: impl Iterator<Item = T>, last: T) -> Vec<Interval<T>> {
    let mut starts: Vec<T> = borders.chain([T::MIN]).filter(|start| *start <= last).collect();
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).map(|next| next.previous().unwrap_or(T::MIN)).chain([last]);
    starts.iter().zip(ends).map(|(&first, last)| Interval { first, last }).collect()
}

/// One protocol, cut into bands of source ports (or types), each cut by destination ports (or codes).
fn cut_protocol(protocol: Protocol, here: &[&(u32, Rectangle)], result: &mut BTreeMap<Holders, Vec<ServiceSet>>) {
    let largest = protocol.largest();
    let borders = here.iter().flat_map(|(_, piece)| [Some(piece.a.first), piece.a.last.checked_add(1)]);
    for band in spans(borders.flatten(), largest) {
        let full = [Interval { first: 0, last: largest }];
        let crossing = here.iter().filter(|(_, piece)| piece.whole || piece.a.contains(band.first));
        let intervals = crossing.flat_map(|(number, piece)| {
            let intervals = if piece.whole { &full } else { piece.b.intervals() };
            intervals.iter().map(|interval| (*number, *interval))
        });
        // Something holds every piece up to the largest, and nothing holds what is beyond.
        sweep(intervals, |span, holders| {
            if !holders.is_empty() {
                result.entry(holders.to_vec()).or_default().push(ServiceSet::rectangle(protocol, band, span));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::ServicePoint;

    #[test]
    fn classes_are_a_partition_that_rebuilds_each_set() {
        let tcp = |first, last| ServiceSet::ports(Protocol::TCP, Interval { first, last });
        let from = ServiceSet::rectangle(Protocol::UDP, Interval { first: 1024, last: 65535 }, Interval::single(53));
        let ping = ServiceSet::rectangle(Protocol::ICMP, Interval::single(8), Interval::full());
        let sets = [
            tcp(443, 443),
            tcp(400, 500),
            tcp(80, 80).union(&from),
            ServiceSet::any(),
            ServiceSet::any().difference(&tcp(22, 22)),
            ping,
            ServiceSet::protocol(Protocol::GRE),
        ];
        let refs: Vec<&ServiceSet> = sets.iter().collect();
        let classes = ServiceClasses::new(&refs);
        for (number, set) in sets.iter().enumerate() {
            let rebuilt =
                classes.of_set(number).iter().filter_map(|&class| classes.classes.get(class as usize).cloned());
            assert_eq!(&union(&rebuilt.collect::<Vec<_>>()), set);
        }
        for (at, class) in classes.classes.iter().enumerate() {
            assert!(classes.classes.iter().skip(at + 1).all(|other| !class.intersects(other)));
        }
        assert!(union(&classes.classes).is_any());
        let gre = ServicePoint { protocol: Protocol::GRE, a: 0, b: 0 };
        assert!(classes.services(&classes.all(), Family::V4).contains(gre));
    }
}
