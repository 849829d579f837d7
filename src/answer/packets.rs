//! Rows of flows that rule sets were found to treat: products of addresses, not of classes.
//!
//! A rule set knows more addresses than the inventory. What of a set the inventory does not know has no name, and is said to be that.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::rows::{flow_object, product, said};
use super::tables::OWN_ICMP;
use super::{Names, ServiceWords};
use crate::model::{Location, Model};
use crate::packet::{AddressSet, Family, Flow, Product, ServiceSet};
use crate::reach::{FlowProduct, witness};
use crate::report::json::Row;

/// Ranges without a name, and names behind `except`, that are said at most.
const SHOWN: usize = 2;

/// Makes rows of products of one project.
#[derive(Debug)]
pub struct PacketRows<'a> {
    /// The project.
    pub model: &'a Model,
    /// Its names.
    pub names: &'a Names<'a>,
    /// Its words for services.
    pub words: &'a ServiceWords,
}

/// Some flows: products with one flow of each, all of the same rules.
pub type Flows = [(Product, Flow)];

impl PacketRows<'_> {
    /// The row of some flows and the names of the rules that have to do with them. Its witness is `example`, which must be one of them, or one between hosts with names where
    /// there are any.
    #[must_use]
    pub fn row(&self, flows: &Flows, rules: &[String], example: Option<Flow>) -> Row {
        let exact: Vec<FlowProduct> = flows.iter().flat_map(|(product, _)| by_family(product)).collect();
        let (set, absent) = services(flows);
        let given = flows.first().map(|(_, flow)| *flow);
        let witness = example.or_else(|| exact.first().and_then(|product| self.example(product))).or(given);
        Row {
            from: self.line(&sources(flows)),
            to: self.line(&destinations(flows)),
            services: said(&set, &absent),
            rules: rules.to_vec(),
            exact: exact.iter().map(product).collect(),
            witness: flow_object(&witness.unwrap_or(NOWHERE)),
        }
    }

    /// Groups of products that read as one: what is called the same, mostly in both families.
    #[must_use]
    pub fn joined(&self, flows: &Flows) -> Vec<Vec<(Product, Flow)>> {
        let mut groups: Vec<Vec<(Product, Flow)>> = Vec::new();
        let mut known: HashMap<_, usize> = HashMap::new();
        for one in flows {
            let words = (self.of(&one.0.sources), self.of(&one.0.destinations), spoken(one));
            let group = *known.entry(words).or_insert(groups.len());
            match groups.get_mut(group) {
                Some(group) => group.push(one.clone()),
                None => groups.push(vec![one.clone()]),
            }
        }
        groups
    }

    /// What people call some addresses, those included that the inventory does not know. Addresses of one family are called what they are called in both.
    #[must_use]
    pub fn of(&self, set: &AddressSet) -> Vec<String> {
        if is_everything(set) {
            return vec!["any address".to_owned()];
        }
        let known = set.intersection(&self.model.known);
        let missing = whole(set).difference(set);
        if !known.is_empty() && missing.is_subset(&self.model.known) {
            let missing = self.names.of(&self.in_both_families(&missing));
            if missing.len() <= SHOWN {
                return vec![format!("any address except {}", missing.join(" and "))];
            }
        }
        let mut names = self.names.of(&self.in_both_families(&known));
        let unknown = set.difference(&known);
        let ranges: Vec<String> = unknown.ranges().take(SHOWN + 1).map(|range| range.to_string()).collect();
        match (ranges.len(), names.is_empty()) {
            (0, _) => {}
            (1..=SHOWN, true) => names.push(format!("{} (not in the inventory)", ranges.join(" and "))),
            _ => names.push("addresses that are not in the inventory".to_owned()),
        }
        names
    }

    /// The family that must be said of some flows: they are of one, and their ends have addresses in both.
    #[must_use]
    pub fn only_family(&self, flows: &Flows) -> Option<&'static str> {
        let has_both = |set: &AddressSet| {
            let known = set.intersection(&self.model.known);
            known != *set || self.in_both_families(&known) != known
        };
        let mut families: Vec<Family> = flows.iter().map(|(_, flow)| Family::of(flow.source)).collect();
        families.dedup();
        match families.as_slice() {
            [family] if has_both(&sources(flows)) && has_both(&destinations(flows)) => Some(match family {
                Family::V4 => "IPv4",
                Family::V6 => "IPv6",
            }),
            _ => None,
        }
    }

    /// A set with the other family's addresses of each network and host of which one family is wholly in it.
    fn in_both_families(&self, set: &AddressSet) -> AddressSet {
        let (Some(family), model) = (one_family(set), self.model) else { return set.clone() };
        let mut places: BTreeSet<&Arc<AddressSet>> = BTreeSet::new();
        for (_, location) in model.located.meet(set) {
            let mut network = match location {
                Location::Network(network) => Some(network),
                Location::Internet => {
                    places.insert(&model.internet);
                    None
                }
            };
            while let Some(known) = network.and_then(|network| model.networks.get(network.index())) {
                places.insert(&known.addresses);
                network = known.subnet_of;
            }
        }
        let hosts = set.ranges().flat_map(|range| model.hosts_in(range));
        places.extend(hosts.filter_map(|host| model.hosts.get(host.index())).map(|host| &host.addresses));
        let own = |place: &AddressSet| place.only(family);
        let held = places.into_iter().filter(|place| !own(place).is_empty() && own(place).is_subset(set));
        AddressSet::union_all(held.map(|place| &**place).chain([set]))
    }

    fn line(&self, set: &AddressSet) -> String {
        self.of(set).join(", ")
    }

    /// The services of some flows, by name where they have one.
    #[must_use]
    pub fn services(&self, flows: &Flows) -> Vec<String> {
        let (set, absent) = services(flows);
        self.words.among(&set, &absent)
    }

    /// One flow of a product, between known addresses if there are any.
    #[must_use]
    pub fn example(&self, product: &FlowProduct) -> Option<Flow> {
        let known = |set: &AddressSet| {
            let known = set.intersection(&self.model.known);
            if known.is_empty() { set.clone() } else { known }
        };
        let FlowProduct { sources, destinations, services } = product;
        let narrow =
            FlowProduct { sources: known(sources), destinations: known(destinations), services: services.clone() };
        witness(self.model, &narrow)
    }
}

/// Never shown: a row has a flow.
const NOWHERE: Flow = Flow {
    source: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
    destination: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
    service: crate::packet::ServicePoint { protocol: crate::packet::Protocol::TCP, a: 0, b: 0 },
};

/// Where some flows come from.
#[must_use]
pub fn sources(flows: &Flows) -> AddressSet {
    AddressSet::union_all(flows.iter().map(|(product, _)| &product.sources))
}

/// Where they go.
#[must_use]
pub fn destinations(flows: &Flows) -> AddressSet {
    AddressSet::union_all(flows.iter().map(|(product, _)| &product.destinations))
}

/// Every address of the families that a set has members in.
fn whole(set: &AddressSet) -> AddressSet {
    one_family(set).map_or_else(AddressSet::full, |family| AddressSet::full().only(family))
}

/// The one family that a set has members in.
fn one_family(set: &AddressSet) -> Option<Family> {
    match (set.is_empty_in(Family::V4), set.is_empty_in(Family::V6)) {
        (false, true) => Some(Family::V4),
        (true, false) => Some(Family::V6),
        (true, true) | (false, false) => None,
    }
}

/// Whether a set holds every address of the families that it has members in.
#[must_use]
pub fn is_everything(set: &AddressSet) -> bool {
    !set.is_empty() && *set == whole(set)
}

/// The services of a product, the ICMP of each family standing for that of the other: all but ICMP, whether there is any, and what there is if it is not all.
fn spoken((product, flow): &(Product, Flow)) -> (ServiceSet, Option<ServiceSet>, bool) {
    let family = Family::of(flow.source);
    let icmp = OWN_ICMP.map(|(_, protocol)| ServiceSet::protocol(protocol));
    let ported = icmp.iter().fold(product.services.clone(), |set, own| set.difference(own));
    let own = OWN_ICMP.into_iter().zip(&icmp).find(|((known, _), _)| *known == family).map(|(_, own)| own);
    let held = own.map(|own| own.intersection(&product.services)).unwrap_or_default();
    let is_all = own.is_some_and(|own| *own == held);
    let is_any = !held.is_empty();
    (ported, Some(held).filter(|_| is_any && !is_all), is_any)
}

/// The services of some flows, and those that cannot occur in their families.
fn services(flows: &Flows) -> (ServiceSet, ServiceSet) {
    let (mut all, mut absent) = (ServiceSet::empty(), ServiceSet::empty());
    for (family, own) in OWN_ICMP {
        let mut here = flows.iter().filter(|(_, flow)| Family::of(flow.source) == family).peekable();
        if here.peek().is_none() {
            absent = absent.union(&ServiceSet::protocol(own));
        }
        for (product, _) in here {
            all = all.union(&product.services.only(family));
        }
    }
    (all, absent)
}

/// The flows of a product in each family.
pub(super) fn by_family(product: &Product) -> Vec<FlowProduct> {
    let of = |family| FlowProduct {
        sources: product.sources.only(family),
        destinations: product.destinations.only(family),
        services: if product.services.is_any() { ServiceSet::any() } else { product.services.only(family) },
    };
    let is_whole =
        |one: &FlowProduct| !(one.sources.is_empty() || one.destinations.is_empty() || one.services.is_empty());
    Family::BOTH.into_iter().map(of).filter(is_whole).collect()
}
