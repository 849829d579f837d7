//! Sets of flows as unions of products, over classes and over addresses.

use std::collections::{BTreeMap, HashMap};

use super::access::Access;
use super::classes::ClassSet;
use crate::model::Model;
use crate::packet::{
    AddressRange, AddressSet, Family, Flow, Interval, IntervalSet, Protocol, ServicePoint, ServiceSet, Value,
};

/// Every flow from a source class to a destination class of the same family on a service class that occurs in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClassProduct {
    /// Sources.
    pub sources: ClassSet,
    /// Destinations.
    pub destinations: ClassSet,
    /// Service classes, ascending.
    pub services: Vec<u32>,
}

/// Every flow of one family from a source to a destination on a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowProduct {
    /// Sources, of one family.
    pub sources: AddressSet,
    /// Destinations, of the same family.
    pub destinations: AddressSet,
    /// Services that occur in the family; `any` where it is all of them.
    pub services: ServiceSet,
}

/// Joins products that are equal in two of the three dimensions, until none are. The union stays the same.
#[must_use]
pub fn merge(products: Vec<ClassProduct>) -> Vec<ClassProduct> {
    let mut result = products;
    loop {
        let before = result.len();
        result = merge_by(
            result,
            |p| (p.destinations.clone(), p.services.clone()),
            |kept, p| {
                kept.sources = kept.sources.union(&p.sources);
            },
        );
        result = merge_by(
            result,
            |p| (p.sources.clone(), p.services.clone()),
            |kept, p| {
                kept.destinations = kept.destinations.union(&p.destinations);
            },
        );
        result = merge_by(
            result,
            |p| (p.sources.clone(), p.destinations.clone()),
            |kept, p| {
                kept.services.extend(&p.services);
                kept.services.sort_unstable();
                kept.services.dedup();
            },
        );
        if result.len() == before {
            result.sort();
            return result;
        }
    }
}

fn merge_by<K: Ord>(
    products: Vec<ClassProduct>,
    key: impl Fn(&ClassProduct) -> K,
    join: impl Fn(&mut ClassProduct, &ClassProduct),
) -> Vec<ClassProduct> {
    let mut known: BTreeMap<K, ClassProduct> = BTreeMap::new();
    for product in products {
        match known.entry(key(&product)) {
            std::collections::btree_map::Entry::Occupied(mut kept) => join(kept.get_mut(), &product),
            std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(product)),
        }
    }
    known.into_values().collect()
}

impl Access<'_> {
    /// Whether a product holds any flow: a source and a destination of one family, and a service that occurs in it.
    #[must_use]
    pub fn holds_a_flow(&self, product: &ClassProduct) -> bool {
        Family::BOTH.into_iter().any(|family| {
            let has = |set: &ClassSet| self.classes.members(set).any(|(_, class)| class.family == family);
            product.services.iter().any(|&class| self.services.occurs_in(class, family))
                && has(&product.sources)
                && has(&product.destinations)
        })
    }

    /// The flows of products over addresses, IPv4 first.
    #[must_use]
    pub fn exact(&self, products: &[ClassProduct]) -> Vec<FlowProduct> {
        // Thousands of products have the same few lists of services.
        let mut services: HashMap<(&[u32], Family), ServiceSet> = HashMap::new();
        let mut result = Families::default();
        for product in products {
            let sources = self.classes.addresses(&product.sources);
            let destinations = self.classes.addresses(&product.destinations);
            for family in Family::BOTH {
                if sources.is_empty_in(family) || destinations.is_empty_in(family) {
                    continue;
                }
                let key = (product.services.as_slice(), family);
                let services = services.entry(key).or_insert_with(|| self.services.services(key.0, family));
                if !services.is_empty() {
                    let (sources, destinations) = (sources.only(family), destinations.only(family));
                    result.of(family).push(FlowProduct { sources, destinations, services: services.clone() });
                }
            }
        }
        let Families { mut v4, mut v6 } = result;
        v4.append(&mut v6);
        v4
    }
}

/// Products of each family.
#[derive(Default)]
struct Families {
    v4: Vec<FlowProduct>,
    v6: Vec<FlowProduct>,
}

impl Families {
    fn of(&mut self, family: Family) -> &mut Vec<FlowProduct> {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }
}

/// Destination ports that a person recognises, the most telling first.
const TELLING: [u16; 12] = [443, 22, 445, 3389, 80, 53, 1433, 5432, 389, 25, 123, 8443];

/// The first port that clients use by custom (RFC 6335, section 6).
const DYNAMIC: u16 = 49_152;

/// One flow of a product, the same one each time: between hosts with a name where there are any, on a port that a person recognises.
#[must_use]
pub fn witness(model: &Model, product: &FlowProduct) -> Option<Flow> {
    let service = pick_service(&product.services)?;
    let source = pick_address(model, &product.sources)?;
    let destination = pick_address(model, &product.destinations)?;
    if source != destination {
        return Some(Flow { source, destination, service });
    }
    // An address that sends to itself tells little, so another end is looked for.
    let own = AddressSet::from(AddressRange::single(source));
    let other = pick_address(model, &product.destinations.difference(&own));
    if let Some(destination) = other {
        return Some(Flow { source, destination, service });
    }
    let source = pick_address(model, &product.sources.difference(&own)).unwrap_or(source);
    Some(Flow { source, destination, service })
}

/// An address of a set that a person recognises: of a host with a name if there is one, and not the first of its range.
#[must_use]
pub fn pick_address(model: &Model, set: &AddressSet) -> Option<std::net::IpAddr> {
    let named = set.ranges().find_map(|range| model.first_named_in(range));
    named.or_else(|| set.ranges().next().map(second))
}

/// The second address of a range that has at least four.
fn second(range: AddressRange) -> std::net::IpAddr {
    match range {
        AddressRange::V4(range) if range.last - range.first >= 3 => {
            std::net::Ipv4Addr::from_bits(range.first.saturating_add(1)).into()
        }
        AddressRange::V6(range) if range.last - range.first >= 3 => {
            std::net::Ipv6Addr::from_bits(range.first.saturating_add(1)).into()
        }
        short => short.first(),
    }
}

fn pick_service(services: &ServiceSet) -> Option<ServicePoint> {
    let rectangles = services.rectangles();
    let of = |protocol: Protocol| {
        rectangles.iter().find(|piece| piece.protocols.contains(protocol.0)).map(|piece| (protocol, piece))
    };
    let known = [Protocol::TCP, Protocol::UDP, Protocol::ICMP, Protocol::ICMP6].into_iter().find_map(of);
    let (protocol, piece) =
        known.or_else(|| rectangles.first().map(|piece| (Protocol(piece.protocols.first), piece)))?;
    let full = || IntervalSet::from(Interval { first: 0, last: protocol.largest() });
    let (a, b) = if piece.whole {
        (Interval { first: 0, last: protocol.largest() }, full())
    } else {
        (piece.a, piece.b.clone())
    };
    let b = match TELLING.iter().find(|&&port| protocol.has_ports() && b.contains(port)) {
        Some(port) => *port,
        None => first_above(&b, u16::from(protocol.has_ports()))?,
    };
    let a = if protocol.has_ports() && a.contains(DYNAMIC) { DYNAMIC } else { a.last };
    let a = if protocol == Protocol::ICMP && piece.whole { 8 } else { a };
    let a = if protocol == Protocol::ICMP6 && piece.whole { 128 } else { a };
    Some(ServicePoint { protocol, a, b })
}

/// The smallest member not below a value, else the smallest one.
fn first_above<T: Value>(set: &IntervalSet<T>, least: T) -> Option<T> {
    let above =
        set.intervals().iter().find(|interval| interval.last >= least).map(|interval| interval.first.max(least));
    above.or_else(|| set.first())
}
