//! A set of services as the matches of a packet filter: one match for each product that a single line can say.
//!
//! The matches of a set together are exactly the set in one family. Ports never leak from one protocol to another: protocols
//! share a match only where their ports are the same.

use std::sync::Arc;

use crate::packet::{Family, Interval, IntervalSet, Protocol, Rectangle, ServiceSet};

/// One product of services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::platform) enum Traffic {
    /// Every packet.
    Any,
    /// All of these protocols.
    Protocols(IntervalSet<u8>),
    /// Ports of tcp, udp or sctp; at least one side is not full.
    Ports {
        /// Which of the three, ascending.
        protocols: Vec<Protocol>,
        /// Source ports.
        source: IntervalSet<u16>,
        /// Destination ports.
        destination: IntervalSet<u16>,
    },
    /// Types and codes of the family's own ICMP; at least one side is not full.
    Icmp {
        /// Types.
        types: IntervalSet<u16>,
        /// Codes.
        codes: IntervalSet<u16>,
    },
}

/// Whether a set of ICMP types or codes is all of them.
pub(in crate::platform) fn all_octets(set: &IntervalSet<u16>) -> bool {
    set.intervals().first().is_some_and(|first| first.first == 0 && first.last >= 255)
}

/// The family's own ICMP.
pub(in crate::platform) fn icmp(family: Family) -> Protocol {
    match family {
        Family::V4 => Protocol::ICMP,
        Family::V6 => Protocol::ICMP6,
    }
}

/// The matches of a set in a family; none if no packet of the family can be meant.
pub(in crate::platform) fn matches(services: &ServiceSet, family: Family) -> Vec<Traffic> {
    if services.is_any() {
        return vec![Traffic::Any];
    }
    let rectangles = services.rectangles();
    let foreign = icmp(if family == Family::V4 { Family::V6 } else { Family::V4 });
    let rectangles = if rectangles.iter().any(|r| r.protocols.contains(foreign.0)) {
        services.only(family).rectangles()
    } else {
        rectangles
    };
    let (whole, partial): (Vec<Rectangle>, Vec<Rectangle>) = rectangles.into_iter().partition(|r| r.whole);
    let mut result: Vec<Traffic> = Vec::new();
    for bands in partial.chunk_by(|a, b| a.protocols == b.protocols) {
        let Some(protocol) = bands.first().map(|band| Protocol(band.protocols.first)) else { continue };
        for (a, b) in products(bands, protocol) {
            add(&mut result, protocol, a, b);
        }
    }
    if !whole.is_empty() {
        result.push(Traffic::Protocols(whole.into_iter().map(|r| r.protocols).collect()));
    }
    result
}

/// Bands as few products: what all source ports (or types) share, then the rest, equal rests together.
fn products(bands: &[Rectangle], protocol: Protocol) -> Vec<(IntervalSet<u16>, IntervalSet<u16>)> {
    let space = Interval { first: 0, last: protocol.largest() };
    let covered: IntervalSet<u16> = bands.iter().map(|band| band.a).collect();
    let mut shared = IntervalSet::empty();
    if covered == space.into() {
        shared = bands.iter().fold(IntervalSet::from(space), |rest, band| rest.intersection(&band.b));
    }
    let mut result: Vec<(IntervalSet<u16>, IntervalSet<u16>)> = Vec::new();
    if !shared.is_empty() {
        result.push((space.into(), shared.clone()));
    }
    let first_rest = result.len();
    for band in bands {
        let rest = band.b.difference(&shared);
        if rest.is_empty() {
            continue;
        }
        match result.iter_mut().skip(first_rest).find(|(_, b)| *b == rest) {
            Some((a, _)) => *a = a.union(&band.a.into()),
            None => result.push((band.a.into(), rest)),
        }
    }
    result
}

fn add(result: &mut Vec<Traffic>, protocol: Protocol, a: IntervalSet<u16>, b: IntervalSet<u16>) {
    if protocol.is_icmp() {
        result.push(Traffic::Icmp { types: a, codes: b });
        return;
    }
    for traffic in result.iter_mut() {
        if let Traffic::Ports { protocols, source, destination } = traffic
            && *source == a
            && *destination == b
        {
            protocols.push(protocol);
            return;
        }
    }
    result.push(Traffic::Ports { protocols: vec![protocol], source: a, destination: b });
}

/// The set of one match.
pub(in crate::platform) fn set_of(traffic: &Traffic, family: Family) -> ServiceSet {
    let product = |protocol: Protocol, a: &IntervalSet<u16>, b: &IntervalSet<u16>| {
        let pairs = a.intervals().iter().flat_map(|&a| b.intervals().iter().map(move |&b| (a, b)));
        pairs.fold(ServiceSet::empty(), |set, (a, b)| set.union(&ServiceSet::rectangle(protocol, a, b)))
    };
    match traffic {
        Traffic::Any => ServiceSet::any(),
        Traffic::Protocols(protocols) => (0..=u8::MAX)
            .filter(|&protocol| protocols.contains(protocol))
            .fold(ServiceSet::empty(), |set, protocol| set.union(&ServiceSet::protocol(Protocol(protocol)))),
        Traffic::Ports { protocols, source, destination } => protocols
            .iter()
            .fold(ServiceSet::empty(), |set, &protocol| set.union(&product(protocol, source, destination))),
        Traffic::Icmp { types, codes } => product(icmp(family), types, codes),
    }
}

/// The matches of a set in a family, each with its set for [`Line`](crate::platform::Line); a single match keeps the set that it was made from.
pub(in crate::platform) fn matches_with_sets(
    services: &Arc<ServiceSet>,
    family: Family,
) -> Vec<(Traffic, Arc<ServiceSet>)> {
    let all = matches(services, family);
    if all.len() == 1 {
        return all.into_iter().map(|traffic| (traffic, services.clone())).collect();
    }
    all.into_iter().map(|traffic| (traffic.clone(), Arc::new(set_of(&traffic, family)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::ServicePoint;

    fn port(p: u16) -> Interval<u16> {
        Interval::single(p)
    }

    /// PLATFORMS.md trap 16.
    #[test]
    fn two_groups_match_both_ports_open() {
        let set = ServiceSet::ports(Protocol::TCP, port(80)).union(&ServiceSet::ports(Protocol::UDP, port(53)));
        let all = matches(&set, Family::V4);
        assert_eq!(all.len(), 2, "{all:?}");
        let back = all.iter().fold(ServiceSet::empty(), |sum, t| sum.union(&set_of(t, Family::V4)));
        assert!(!back.contains(ServicePoint { protocol: Protocol::UDP, a: 1, b: 80 }));
        assert_eq!(back, set);
    }

    #[test]
    fn same_ports_share_a_match() {
        let set = ServiceSet::ports(Protocol::TCP, port(53)).union(&ServiceSet::ports(Protocol::UDP, port(53)));
        assert_eq!(matches(&set, Family::V6).len(), 1);
    }

    #[test]
    fn source_ports_come_apart_from_what_all_share() {
        let set = ServiceSet::ports(Protocol::TCP, port(80)).union(&ServiceSet::rectangle(
            Protocol::TCP,
            port(53),
            Interval { first: 1024, last: 65535 },
        ));
        let all = matches(&set, Family::V4);
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!(all.iter().fold(ServiceSet::empty(), |sum, t| sum.union(&set_of(t, Family::V4))), set);
    }

    #[test]
    fn icmp_of_the_other_family_has_no_match() {
        assert!(matches(&ServiceSet::protocol(Protocol::ICMP6), Family::V4).is_empty());
        assert!(matches(&ServiceSet::rectangle(Protocol::ICMP, port(8), port(0)), Family::V6).is_empty());
    }
}
