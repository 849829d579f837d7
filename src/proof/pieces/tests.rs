//! Pieces against the points of the sets.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
const PROTOCOLS: [Protocol; 5] = [Protocol(0), Protocol::ICMP, Protocol::TCP, Protocol::UDP, Protocol(255)];

prop_compose! {
    fn services()(
        parts in prop::collection::vec((0_usize..5, 0_u16..4, 0_u16..3, 0_u16..4, 0_u16..3), 0..4),
        whole in prop::collection::vec(0_usize..6, 0..2),
    ) -> ServiceSet {
        let mut set = ServiceSet::empty();
        for (protocol, a, more_a, b, more_b) in parts {
            let range = |first: u16, more: u16| Interval { first, last: first + more };
            let protocol = PROTOCOLS.get(protocol).copied().unwrap_or(Protocol::TCP);
            // Some reach to the end of what there is.
            let a = if a == 3 { Interval { first: 1, last: protocol.largest().max(1) } } else { range(a, more_a) };
            set = set.union(&ServiceSet::rectangle(protocol, a, range(b, more_b)));
        }
        for number in whole {
            set = set.union(&PROTOCOLS.get(number).map_or_else(ServiceSet::any, |protocol| ServiceSet::protocol(*protocol)));
        }
        set
    }
}

/// Whether a set has a point, seen from its rectangles.
fn has(set: &ServiceSet, protocol: Protocol, a: u16, b: u16) -> bool {
    let point = ServiceSet::rectangle(protocol, Interval::single(a), Interval::single(b));
    !point.is_empty() && point.is_subset(set)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_piece_is_what_the_same_sets_hold(sets in prop::collection::vec(services(), 1..5)) {
        let of_set = pieces(&sets.iter().collect::<Vec<_>>()).unwrap();
        let last = of_set.iter().flatten().max().map_or(0, |last| last + 1);
        let holders_of = |piece: u32| -> Vec<usize> { (0..sets.len()).filter(|at| of_set[*at].contains(&piece)).collect() };
        let found: BTreeSet<Vec<usize>> = (0..last).map(holders_of).collect();
        prop_assert_eq!(found.len(), last as usize, "two pieces that the same sets hold");
        let mut wanted = BTreeSet::new();
        for protocol in PROTOCOLS.into_iter().chain([Protocol(100)]) {
            let values = || (0..8).chain([255, 256, u16::MAX]);
            for (a, b) in values().flat_map(|a| values().map(move |b| (a, b))) {
                let holders: Vec<usize> = (0..sets.len()).filter(|at| has(&sets[*at], protocol, a, b)).collect();
                if !holders.is_empty() {
                    wanted.insert(holders);
                }
            }
        }
        prop_assert_eq!(found, wanted);
    }
}

#[test]
fn too_many_are_none() {
    let port = |port: u16| ServiceSet::ports(Protocol::TCP, Interval::single(port));
    let sets: Vec<ServiceSet> = (0..=500).map(port).collect();
    assert_eq!(pieces(&sets.iter().collect::<Vec<_>>()), None);
    assert_eq!(pieces(&sets.iter().skip(1).collect::<Vec<_>>()).map(|all| all.len()), Some(500));
    let teeth = (0..1000).map(|port| ServiceSet::ports(Protocol::TCP, Interval::single(2 * port)));
    let comb = teeth.fold(ServiceSet::empty(), |all, tooth| all.union(&tooth));
    assert_eq!(pieces(&[&comb]), Some(vec![vec![0]]), "one set is one piece");
}
