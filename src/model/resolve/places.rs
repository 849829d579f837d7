//! Sites, networks and hosts become lists with ids; duplicates inside a list are reported and left out.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::problem::twice;
use crate::diag::Sink;
use crate::inventory::{self, Attributes, Inventory};
use crate::model::types::{Host, HostId, Model, Network, NetworkId, Site, SiteId, Transit};
use crate::packet::{AddressRange, AddressSet};
use crate::source::Spanned;

/// The inventory entries behind the ids of the model, and the way from names to ids.
#[derive(Debug, Default)]
pub(super) struct Places<'a> {
    /// By [`SiteId`].
    pub(super) sites: Vec<&'a inventory::Site>,
    /// By [`NetworkId`].
    pub(super) networks: Vec<&'a inventory::Network>,
    /// By [`HostId`].
    pub(super) hosts: Vec<&'a inventory::Host>,
    /// By [`SiteId`]: which networks are of it.
    networks_of: Vec<Range<usize>>,
    /// By [`SiteId`]: which hosts are of it.
    hosts_of: Vec<Range<usize>>,
    site_ids: FxHashMap<&'a str, SiteId>,
}

/// What `site/name` can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// A network.
    Network(NetworkId),
    /// A host.
    Host(HostId),
}

impl<'a> Places<'a> {
    /// The site of a name.
    pub(super) fn site(&self, name: &str) -> Option<SiteId> {
        self.site_ids.get(name).copied()
    }

    /// The networks of a site, sorted by name.
    pub(super) fn networks_of(&self, site: SiteId) -> &[&'a inventory::Network] {
        part(&self.networks, &self.networks_of, site)
    }

    /// The hosts of a site, sorted by name.
    pub(super) fn hosts_of(&self, site: SiteId) -> &[&'a inventory::Host] {
        part(&self.hosts, &self.hosts_of, site)
    }

    /// The network of a name inside a site.
    pub(super) fn network(&self, site: SiteId, name: &str) -> Option<NetworkId> {
        let at = self.networks_of(site).binary_search_by(|network| network.name.value.as_str().cmp(name)).ok()?;
        Some(NetworkId::from_index(self.networks_of.get(site.index())?.start + at))
    }

    /// The host of a name inside a site.
    pub(super) fn host(&self, site: SiteId, name: &str) -> Option<HostId> {
        let at = self.hosts_of(site).binary_search_by(|host| host.name.value.as_str().cmp(name)).ok()?;
        Some(HostId::from_index(self.hosts_of.get(site.index())?.start + at))
    }

    /// The network or host of a name inside a site.
    pub(super) fn inside(&self, site: SiteId, name: &str) -> Option<Inside> {
        let network = self.network(site, name).map(Inside::Network);
        network.or_else(|| self.host(site, name).map(Inside::Host))
    }
}

fn part<'t, T>(list: &'t [T], ranges: &[Range<usize>], site: SiteId) -> &'t [T] {
    ranges.get(site.index()).and_then(|range| list.get(range.clone())).unwrap_or(&[])
}

/// Fills sites, networks, hosts and transits of the model; addresses of networks still include those of inner ones.
pub(super) fn collect<'a>(inventory: &'a Inventory, model: &mut Model, sink: &mut Sink) -> Places<'a> {
    let mut places = Places::default();
    for site in unique(inventory.sites.iter(), |site| &site.name, "site", sink) {
        add_site(site, &mut places, model, sink);
    }
    for transit in unique(inventory.transits.iter(), |transit| &transit.name, "transit", sink) {
        model.transits.push(Transit { name: transit.name.clone(), internet: transit.internet });
    }
    places
}

fn add_site<'a>(site: &'a inventory::Site, places: &mut Places<'a>, model: &mut Model, sink: &mut Sink) {
    let id = SiteId::from_index(places.sites.len());
    places.site_ids.insert(&site.name.value, id);
    places.sites.push(site);
    let first_network = places.networks.len();
    for network in unique(site.networks.iter(), |network| &network.name, "network", sink) {
        model.networks.push(network_of(site, id, network));
        places.networks.push(network);
    }
    places.networks_of.push(first_network..places.networks.len());
    let first_host = places.hosts.len();
    for host in unique(site.hosts.iter(), |host| &host.name, "host", sink) {
        if let Some(network) = places.network(id, &host.name.value).and_then(|id| places.networks.get(id.index())) {
            let what = format!("`{}` is both a network and a host of `{}`", host.name.value, site.name.value);
            sink.push(twice(&host.name, &network.name, what, "a network"));
        }
        model.hosts.push(host_of(site, id, host));
        places.hosts.push(host);
    }
    places.hosts_of.push(first_host..places.hosts.len());
    model.sites.push(site_of(site, id, first_network, model));
}

fn site_of(site: &inventory::Site, id: SiteId, first: usize, model: &Model) -> Site {
    let own = model.networks.get(first..).unwrap_or(&[]);
    debug_assert!(own.iter().all(|network| network.site == id));
    Site {
        name: site.name.clone(),
        transit: site.transit,
        networks: (first..model.networks.len()).map(NetworkId::from_index).collect(),
        attributes: texts(&site.attributes),
        tags: tags(&site.tags),
        addresses: Arc::new(AddressSet::union_all(own.iter().map(|network| &*network.addresses))),
    }
}

fn network_of(site: &inventory::Site, id: SiteId, network: &inventory::Network) -> Network {
    let addresses: Arc<AddressSet> =
        Arc::new(network.addresses.iter().map(|prefix| AddressRange::from(prefix.value)).collect());
    Network {
        name: network.name.clone(),
        full_name: full_name(site, &network.name.value),
        site: id,
        subnet_of: None,
        own: Arc::clone(&addresses),
        addresses,
    }
}

fn host_of(site: &inventory::Site, id: SiteId, host: &inventory::Host) -> Host {
    Host {
        name: host.name.clone(),
        full_name: full_name(site, &host.name.value),
        site: id,
        addresses: Arc::new(host.addresses.iter().map(|range| range.value).collect()),
    }
}

fn full_name(site: &inventory::Site, name: &str) -> String {
    [site.name.value.as_str(), "/", name].concat()
}

fn texts(attributes: &Attributes) -> Vec<(String, String)> {
    attributes.iter().map(|(key, value)| (key.clone(), value.value.clone())).collect()
}

fn tags(tags: &[Spanned<String>]) -> Vec<String> {
    let mut names: Vec<String> = tags.iter().map(|tag| tag.value.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Sorts a list by name and leaves out what has the name of the one before; of two, the one that stands first is kept.
pub(super) fn unique<'a, T>(
    list: impl Iterator<Item = &'a T>,
    name: impl Fn(&T) -> &Spanned<String>,
    kind: &str,
    sink: &mut Sink,
) -> Vec<&'a T> {
    let mut sorted: Vec<&'a T> = list.collect();
    let order = |a: &&T, b: &&T| (&name(a).value, name(a).span).cmp(&(&name(b).value, name(b).span));
    if !sorted.is_sorted_by(|a, b| order(a, b).is_le()) {
        sorted.sort_by(order);
    }
    let mut kept: Vec<&'a T> = Vec::with_capacity(sorted.len());
    for entry in sorted {
        match kept.last() {
            Some(first) if name(first).value == name(entry).value => {
                let what = format!("two {kind}s are called `{}`", name(entry).value);
                sink.push(twice(name(entry), name(first), what, "the first one"));
            }
            _ => kept.push(entry),
        }
    }
    kept
}
