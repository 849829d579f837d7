//! A digest of a set of flows: the same for the same flows, however they are cut into products, and for whatever reason they pass.
//!
//! It ends in files that people commit, so it rests on nothing that a later version might do otherwise: no diagram, no class, no order of products. The canonical form is the coarsest one: destinations
//! from which the same sources are seen on the same services are one set; below them, sources with the same services are one set. Both are determined by the flows alone.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use crate::checksum;
use crate::packet::{AddressRange, AddressSet, Family, Product, Protocol, Rectangle, ServiceSet, sweep};

/// Services by the sources that use them.
type Row = Vec<(AddressSet, Arc<str>)>;

/// `sha256:` and 64 hexadecimal digits over the flows of some products, which may overlap.
#[must_use]
pub fn digest(flows: &[Product]) -> String {
    let mut text = String::from("sekisho flows 1\n");
    for family in Family::BOTH {
        for (destinations, row) in canonical(flows, family) {
            let _ = writeln!(text, "to {}", ranges(&destinations));
            for (sources, services) in row {
                let _ = writeln!(text, "  from {} on {services}", ranges(&sources));
            }
        }
    }
    checksum::named_sha256(text)
}

/// The canonical form of the flows of one family.
fn canonical(flows: &[Product], family: Family) -> Vec<(AddressSet, Row)> {
    let mut words = Words::default();
    let flows: Vec<Own> = flows.iter().map(|one| Own::new(one, family, &mut words)).collect();
    let destinations: Vec<&AddressSet> = flows.iter().map(|one| &one.destinations).collect();
    let mut rows: HashMap<Row, Vec<AddressRange>> = HashMap::new();
    for (holders, here) in cut(&destinations) {
        let flows: Vec<&Own> = holders.iter().filter_map(|at| flows.get(*at)).collect();
        rows.entry(row(&flows, &mut words)).or_default().extend(here);
    }
    let rows = rows.into_iter().filter(|(row, _)| !row.is_empty());
    let mut result: Vec<(AddressSet, Row)> = rows.map(|(row, to)| (to.into_iter().collect(), row)).collect();
    result.sort();
    result
}

/// What a product has in one family.
struct Own {
    sources: AddressSet,
    destinations: AddressSet,
    /// By number.
    services: u32,
}

impl Own {
    fn new(product: &Product, family: Family, words: &mut Words) -> Self {
        Self {
            sources: product.sources.only(family),
            destinations: product.destinations.only(family),
            services: words.number(existing(&product.services, family)),
        }
    }
}

/// Sets of services by number, and the words of their unions: thousands of pieces have the same few.
#[derive(Default)]
struct Words {
    sets: Vec<ServiceSet>,
    numbers: HashMap<ServiceSet, u32>,
    unions: HashMap<Vec<u32>, Arc<str>>,
}

impl Words {
    fn number(&mut self, set: ServiceSet) -> u32 {
        *self.numbers.entry(set).or_insert_with_key(|set| {
            self.sets.push(set.clone());
            u32::try_from(self.sets.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// The words of the union of some sets; empty if it is.
    fn of(&mut self, numbers: Vec<u32>) -> Arc<str> {
        let Self { sets, unions, .. } = self;
        let union = unions.entry(numbers).or_insert_with_key(|numbers| {
            let sets = numbers.iter().filter_map(|number| sets.get(*number as usize));
            words(&sets.fold(ServiceSet::empty(), |all, one| all.union(one))).into()
        });
        union.clone()
    }
}

fn row(flows: &[&Own], words: &mut Words) -> Row {
    let sources: Vec<&AddressSet> = flows.iter().map(|one| &one.sources).collect();
    let mut by_services: BTreeMap<Arc<str>, Vec<AddressRange>> = BTreeMap::new();
    for (holders, here) in cut(&sources) {
        let mut numbers: Vec<u32> = holders.iter().filter_map(|at| Some(flows.get(*at)?.services)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let services = words.of(numbers);
        if !services.is_empty() {
            by_services.entry(services).or_default().extend(here);
        }
    }
    let mut row: Row = by_services.into_iter().map(|(services, from)| (from.into_iter().collect(), services)).collect();
    row.sort();
    row
}

/// The services of which there are flows in a family.
fn existing(services: &ServiceSet, family: Family) -> ServiceSet {
    let foreign = match family {
        Family::V4 => Protocol::ICMP6,
        Family::V6 => Protocol::ICMP,
    };
    services.difference(&ServiceSet::protocol(foreign))
}

/// The members of some sets, cut by which of them hold them.
fn cut(sets: &[&AddressSet]) -> BTreeMap<Vec<usize>, Vec<AddressRange>> {
    let mut parts: BTreeMap<Vec<usize>, Vec<AddressRange>> = BTreeMap::new();
    let mut enter = |holders: &[usize], range| {
        if !holders.is_empty() {
            parts.entry(holders.to_vec()).or_default().push(range);
        }
    };
    let sets = || sets.iter().copied().enumerate();
    let v4 = sets().flat_map(|(number, set)| set.v4.intervals().iter().map(move |range| (number, *range)));
    sweep(v4, |range, holders| enter(holders, AddressRange::V4(range)));
    let v6 = sets().flat_map(|(number, set)| set.v6.intervals().iter().map(move |range| (number, *range)));
    sweep(v6, |range, holders| enter(holders, AddressRange::V6(range)));
    parts
}

fn ranges(set: &AddressSet) -> String {
    set.ranges().map(|range| format!("{}-{}", range.first(), range.last())).collect::<Vec<_>>().join(" ")
}

fn words(services: &ServiceSet) -> String {
    services.rectangles().iter().map(rectangle).collect::<Vec<_>>().join(" ")
}

fn rectangle(piece: &Rectangle) -> String {
    let protocols = format!("{}-{}", piece.protocols.first, piece.protocols.last);
    if piece.whole {
        return protocols;
    }
    let ports: Vec<String> =
        piece.b.intervals().iter().map(|ports| format!("{}-{}", ports.first, ports.last)).collect();
    format!("{protocols}/{}-{}:{}", piece.a.first, piece.a.last, ports.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Interval;

    fn set(text: &str) -> AddressSet {
        text.split(' ').map(|net| AddressRange::from(net.parse::<ipnet::IpNet>().unwrap())).collect()
    }

    fn tcp(first: u16, last: u16) -> ServiceSet {
        ServiceSet::ports(Protocol::TCP, Interval { first, last })
    }

    fn product(from: &str, to: &str, services: ServiceSet) -> Product {
        Product { sources: set(from), destinations: set(to), services }
    }

    #[test]
    fn the_same_flows_give_the_same_digest() {
        let whole = [product("10.0.0.0/24", "10.1.0.0/24", tcp(80, 90))];
        let cut = [
            product("10.0.0.128/25", "10.1.0.0/24", tcp(80, 90)),
            product("10.0.0.0/25", "10.1.0.0/25", tcp(80, 85)),
            product("10.0.0.0/25", "10.1.0.0/25", tcp(84, 90)),
            product("10.0.0.0/24", "10.1.0.128/25", tcp(80, 90)),
        ];
        assert_eq!(digest(&whole), digest(&cut));
        let more = [whole.to_vec(), vec![product("10.0.0.0/32", "10.1.0.0/32", tcp(91, 91))]].concat();
        assert_ne!(digest(&whole), digest(&more));
        assert_ne!(digest(&whole), digest(&[]));
        assert_ne!(digest(&whole), digest(&[product("10.1.0.0/24", "10.0.0.0/24", tcp(80, 90))]));
    }

    #[test]
    fn what_is_no_flow_is_not_in_the_digest() {
        let any = [product("10.0.0.0/24", "10.1.0.0/24", ServiceSet::any())];
        let without = ServiceSet::any().difference(&ServiceSet::protocol(Protocol::ICMP6));
        assert_eq!(digest(&any), digest(&[product("10.0.0.0/24", "10.1.0.0/24", without)]));
        let mixed = [product("10.0.0.0/24 2001:db8::/64", "10.1.0.0/24", ServiceSet::any())];
        assert_eq!(digest(&any), digest(&mixed));
        assert_eq!(digest(&[]), digest(&[product("10.0.0.0/24", "2001:db8::/64", tcp(1, 1))]));
    }
}
