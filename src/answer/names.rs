//! A set of addresses or services as a person would say it.
//!
//! Exact: what the words mean in the language is the set. The whole of a group, a tag or an attribute is called by it; else sites, networks and hosts are named, with what is missing
//! from one (`a except b`) where that is shorter; an address that no name covers is written with the network that it lies in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use crate::model::{HostId, Location, Model, NetworkId, SiteId, well_known_name};
use crate::packet::{AddressRange, AddressSet, ServiceSet};

/// Host names that stand after `except` at most.
const EXCEPTIONS: usize = 3;

/// The names of a project, by what they stand for.
#[derive(Debug)]
pub struct Names<'m> {
    model: &'m Model,
    of_set: HashMap<Arc<AddressSet>, String>,
    of_services: HashMap<Arc<ServiceSet>, String>,
    /// The groups, those in many networks first.
    groups: Vec<&'m (String, Arc<AddressSet>)>,
}

impl<'m> Names<'m> {
    /// Collects what groups, tags, attributes and services of a project stand for.
    #[must_use]
    pub fn new(model: &'m Model) -> Self {
        let mut of_set: HashMap<Arc<AddressSet>, String> = HashMap::new();
        let mut enter = |set: Arc<AddressSet>, name: &str| {
            if !set.is_empty() {
                of_set.entry(set).or_insert_with(|| name.to_owned());
            }
        };
        enter(model.known.clone(), "any");
        for site in &model.sites {
            enter(site.addresses.clone(), &site.name.value);
        }
        for network in &model.networks {
            enter(network.addresses.clone(), &network.full_name);
        }
        for (name, set) in model.groups.iter().chain(&model.feeds) {
            enter(set.clone(), name);
        }
        for (selector, set) in selectors(model) {
            enter(Arc::new(set), &selector);
        }
        let mut of_services: HashMap<Arc<ServiceSet>, String> = HashMap::new();
        for (name, set) in &model.named_services {
            of_services.entry(set.clone()).or_insert_with(|| name.clone());
        }
        let mut groups: Vec<_> = model.groups.iter().map(|group| (places(model, &group.1), group)).collect();
        groups.retain(|(places, _)| *places > 1);
        groups.sort_by_key(|(places, _)| std::cmp::Reverse(*places));
        Self { model, of_set, of_services, groups: groups.into_iter().map(|(_, group)| group).collect() }
    }

    /// What people call a set of addresses: a list of names whose union it is. Empty for the empty set.
    #[must_use]
    pub fn of(&self, set: &AddressSet) -> Vec<String> {
        match self.of_set.get(set) {
            Some(name) => vec![name.clone()],
            None => exceptions_last(self.composed(set)),
        }
    }

    /// Groups first, where one says what several names would have to; then places.
    fn composed(&self, set: &AddressSet) -> Vec<String> {
        let (mut names, mut named) = (Vec::new(), AddressSet::empty());
        for (name, group) in &self.groups {
            if !group.intersects(set) {
                continue;
            }
            let left = group.difference(set);
            let whole = left.is_empty().then(|| name.clone());
            let said = whole.or_else(|| Some(format!("{name} except {}", feed_of(self.model, group, &left, set)?)));
            let part = group.difference(&left).difference(&named);
            if let Some(said) = said.filter(|_| places(self.model, &part) > 1) {
                names.push(said);
                named = named.union(&part);
            }
        }
        let rest = set.difference(&named);
        names.extend(match self.of_set.get(&rest) {
            Some(name) => vec![name.clone()],
            None => Spelling { model: self.model, set, rest: &rest }.names(),
        });
        names
    }

    /// [`Self::of`] on one line.
    #[must_use]
    pub fn line(&self, set: &AddressSet) -> String {
        self.of(set).join(", ")
    }

    /// What people call a set of services: the name of the project or the well-known one where it is exactly that, else as written in the language.
    #[must_use]
    pub fn of_services(&self, set: &ServiceSet) -> String {
        let named = self.of_services.get(set).map(String::as_str).or_else(|| well_known_name(set));
        named.map_or_else(|| super::rows::literals(set).join(", "), str::to_owned)
    }
}

/// What every tag and every attribute of sites selects.
fn selectors(model: &Model) -> BTreeMap<String, AddressSet> {
    let mut sites: BTreeMap<String, Vec<&AddressSet>> = BTreeMap::new();
    for site in &model.sites {
        for tag in &site.tags {
            sites.entry(format!("tag:{tag}")).or_default().push(&site.addresses);
        }
        for (key, value) in &site.attributes {
            sites.entry(format!("{key}:{value}")).or_default().push(&site.addresses);
        }
    }
    sites.into_iter().map(|(selector, sets)| (selector, AddressSet::union_all(sets))).collect()
}

/// Names for the rest of a set, none of which reaches beyond the whole set; so what one leaves out after `except` is in no other either.
struct Spelling<'m, 's> {
    model: &'m Model,
    set: &'s AddressSet,
    rest: &'s AddressSet,
}

/// In the language `except` takes from everything before it, so all exceptions stand behind all names. None of them is in the set, so none takes more than it should.
fn exceptions_last(names: Vec<String>) -> Vec<String> {
    let (mut result, mut exceptions) = (Vec::with_capacity(names.len()), Vec::new());
    for name in names {
        match name.split_once(" except ") {
            Some((base, missing)) => {
                result.push(base.to_owned());
                exceptions.extend(missing.split(" and ").map(str::to_owned));
            }
            None => result.push(name),
        }
    }
    if let (Some(last), false) = (result.last_mut(), exceptions.is_empty()) {
        exceptions.sort_unstable();
        exceptions.dedup();
        let _ = write!(last, " except {}", exceptions.join(", "));
    }
    result
}

impl Spelling<'_, '_> {
    fn names(&self) -> Vec<String> {
        let mut networks: BTreeSet<NetworkId> = BTreeSet::new();
        let mut internet = false;
        for (_, location) in self.model.located.meet(self.rest) {
            match location {
                Location::Network(network) => drop(networks.insert(network)),
                Location::Internet => internet = true,
            }
        }
        let mut by_site: BTreeMap<SiteId, Vec<NetworkId>> = BTreeMap::new();
        for network in networks {
            if let Some(site) = self.model.networks.get(network.index()).map(|network| network.site) {
                by_site.entry(site).or_default().push(network);
            }
        }
        let mut names: Vec<String> =
            by_site.into_iter().flat_map(|(site, networks)| self.in_site(site, &networks)).collect();
        if internet {
            names.extend(self.in_internet());
        }
        names
    }

    fn in_site(&self, site: SiteId, networks: &[NetworkId]) -> Vec<String> {
        let Some(site) = self.model.sites.get(site.index()) else { return Vec::new() };
        if site.addresses.is_subset(self.set) {
            return vec![site.name.value.clone()];
        }
        if let Some(but) = self.all_but(&site.addresses) {
            return vec![format!("{} except {but}", site.name.value)];
        }
        let mut named = AddressSet::empty();
        let mut names = Vec::new();
        // Outer networks first, so that the inner ones are not named again.
        let mut networks: Vec<NetworkId> = networks.to_vec();
        networks.extend(networks.clone().iter().flat_map(|network| self.outer(*network)));
        networks.sort_by_key(|network| (self.depth(*network), *network));
        networks.dedup();
        for network in networks.iter().filter_map(|network| self.model.networks.get(network.index())) {
            let own = network.addresses.difference(&named);
            if own.is_empty() {
                continue;
            }
            if network.addresses.is_subset(self.set) {
                names.push(network.full_name.clone());
                named = named.union(&network.addresses);
            } else if let Some(but) = self.all_but(&network.addresses) {
                names.push(format!("{} except {but}", network.full_name));
                named = named.union(&network.addresses);
            } else {
                let part = network.own.intersection(self.rest).difference(&named);
                names.extend(self.hosts(&part, &network.full_name));
                named = named.union(&part);
            }
        }
        names
    }

    fn outer(&self, network: NetworkId) -> Option<NetworkId> {
        self.model.networks.get(network.index()).and_then(|network| network.subnet_of)
    }

    fn depth(&self, network: NetworkId) -> usize {
        std::iter::successors(self.outer(network), |outer| self.outer(*outer)).take(64).count()
    }

    /// What is missing from a set of which most is there, if few hosts are exactly that.
    fn all_but(&self, whole: &AddressSet) -> Option<String> {
        let missing = whole.difference(self.set);
        if let Some(feed) = feed_of(self.model, whole, &missing, self.set) {
            return Some(feed.to_owned());
        }
        if missing.ranges().count() > 2 * EXCEPTIONS {
            return None;
        }
        let (hosts, rest) = self.hosts_of(&missing);
        let is_short = rest.is_empty() && hosts.len() <= EXCEPTIONS && whole.ranges().any(is_wide);
        is_short.then(|| hosts.join(", ").replace(", ", " and "))
    }

    /// The hosts that lie wholly in a set, and what of it no host covers.
    fn hosts_of(&self, set: &AddressSet) -> (Vec<String>, AddressSet) {
        let candidates: BTreeSet<HostId> = set.ranges().flat_map(|range| self.model.hosts_in(range)).collect();
        let hosts = candidates.into_iter().filter_map(|host| self.model.hosts.get(host.index()));
        let hosts: Vec<_> = hosts.filter(|host| host.addresses.is_subset(set)).collect();
        let covered = AddressSet::union_all(hosts.iter().map(|host| &*host.addresses));
        (hosts.into_iter().map(|host| host.full_name.clone()).collect(), set.difference(&covered))
    }

    /// Hosts by name, and what is left with the network that it lies in. A host of which only some addresses are in the set is no name for them.
    fn hosts(&self, part: &AddressSet, network: &str) -> Vec<String> {
        let candidates: BTreeSet<HostId> = part.ranges().flat_map(|range| self.model.hosts_in(range)).collect();
        let hosts = candidates.into_iter().filter_map(|host| self.model.hosts.get(host.index()));
        let hosts: Vec<_> = hosts.filter(|host| host.addresses.is_subset(self.set)).collect();
        let covered = AddressSet::union_all(hosts.iter().map(|host| &*host.addresses));
        let rest = part.difference(&covered);
        let mut names: Vec<String> = hosts.into_iter().map(|host| host.full_name.clone()).collect();
        names.extend(rest.ranges().map(|range| format!("{range} in {network}")));
        names
    }

    fn in_internet(&self) -> Vec<String> {
        let name = self.model.internet_name().unwrap_or("internet");
        if self.model.internet.is_subset(self.set) {
            return vec![name.to_owned()];
        }
        let part = self.model.internet.intersection(self.rest);
        let all: Vec<AddressRange> = part.ranges().collect();
        let missing: Vec<AddressRange> = self.model.internet.difference(self.set).ranges().collect();
        if missing.len() < all.len() && missing.len() <= EXCEPTIONS {
            let missing: Vec<String> = missing.iter().map(AddressRange::to_string).collect();
            return vec![format!("{name} except {}", missing.join(" and "))];
        }
        all.iter().map(|range| format!("{range} in {name}")).collect()
    }
}

/// In how many networks some addresses lie.
fn places(model: &Model, set: &AddressSet) -> usize {
    let places: BTreeSet<Location> = model.located.meet(set).into_iter().map(|(_, at)| at).collect();
    places.len()
}

/// The feed that is exactly what is missing from a group, and of which nothing is in the set that is named.
fn feed_of<'m>(model: &'m Model, whole: &AddressSet, missing: &AddressSet, set: &AddressSet) -> Option<&'m str> {
    let is_it =
        |feed: &AddressSet| !missing.is_empty() && feed.intersection(whole) == *missing && !feed.intersects(set);
    model.feeds.iter().find(|(_, feed)| is_it(feed)).map(|(name, _)| name.as_str())
}

/// Whether a range is more than a few addresses: only then is naming what is missing shorter.
fn is_wide(range: AddressRange) -> bool {
    match range {
        AddressRange::V4(range) => range.last - range.first >= 15,
        AddressRange::V6(range) => range.last - range.first >= 15,
    }
}
