//! Tags, attributes and `*/NAME`: indexes over the inventory, built once and only if something asks.
//!
//! What a site carries, its networks carry, and their addresses: so an index entry is the outermost thing that carries the value, and the set of an entry
//! is a union over its things.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::places::Places;
use crate::inventory::Attributes;
use crate::model::types::Model;
use crate::packet::AddressSet;
use crate::source::{Span, Spanned};

/// Something that carries tags and attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Carrier {
    /// By place in [`Model::sites`].
    Site(usize),
    /// By place in [`Model::networks`].
    Network(usize),
    /// By place in [`Model::hosts`].
    Host(usize),
}

/// Values with what carries them, and where that is said.
type Index<'a> = FxHashMap<&'a str, Vec<(Carrier, Span)>>;

/// The indexes.
#[derive(Debug, Default)]
pub(super) struct Selectors<'a> {
    tags: Index<'a>,
    attributes: FxHashMap<&'a str, Index<'a>>,
    names: Index<'a>,
}

impl<'a> Selectors<'a> {
    /// Indexes everything that the inventory says.
    pub(super) fn build(places: &Places<'a>) -> Self {
        let mut index = Self::default();
        for (at, site) in places.sites.iter().enumerate() {
            index.carry(Carrier::Site(at), &site.tags, &site.attributes);
        }
        for (at, network) in places.networks.iter().enumerate() {
            index.carry(Carrier::Network(at), &network.tags, &network.attributes);
            index.names.entry(&network.name.value).or_default().push((Carrier::Network(at), network.name.span));
        }
        for (at, host) in places.hosts.iter().enumerate() {
            index.carry(Carrier::Host(at), &host.tags, &host.attributes);
            index.names.entry(&host.name.value).or_default().push((Carrier::Host(at), host.name.span));
        }
        index
    }

    fn carry(&mut self, carrier: Carrier, tags: &'a [Spanned<String>], attributes: &'a Attributes) {
        for tag in tags {
            self.tags.entry(&tag.value).or_default().push((carrier, tag.span));
        }
        for (key, value) in attributes {
            let values = self.attributes.entry(key).or_default();
            values.entry(&value.value).or_default().push((carrier, value.span));
        }
    }

    /// What carries a tag; empty if nothing does.
    pub(super) fn tagged(&self, tag: &str) -> &[(Carrier, Span)] {
        self.tags.get(tag).map_or(&[], Vec::as_slice)
    }

    /// What has an attribute; empty if nothing does.
    pub(super) fn with(&self, key: &str, value: &str) -> &[(Carrier, Span)] {
        self.attributes.get(key).and_then(|values| values.get(value)).map_or(&[], Vec::as_slice)
    }

    /// The networks and hosts of a name; empty if there are none.
    pub(super) fn called(&self, name: &str) -> &[(Carrier, Span)] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    /// All tags, in no order.
    pub(super) fn tag_names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.tags.keys().copied()
    }

    /// All attribute keys, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.attributes.keys().copied()
    }

    /// All values of a key, in no order; `None` if nothing has the key.
    pub(super) fn values(&self, key: &str) -> Option<impl Iterator<Item = &'a str> + '_> {
        self.attributes.get(key).map(|values| values.keys().copied())
    }

    /// All names of networks and hosts, in no order.
    pub(super) fn inner_names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.names.keys().copied()
    }
}

/// The addresses of a carrier.
pub(super) fn addresses(carrier: Carrier, model: &Model) -> Option<&Arc<AddressSet>> {
    match carrier {
        Carrier::Site(at) => model.sites.get(at).map(|site| &site.addresses),
        Carrier::Network(at) => model.networks.get(at).map(|network| &network.addresses),
        Carrier::Host(at) => model.hosts.get(at).map(|host| &host.addresses),
    }
}

/// The addresses of all carriers of a list; shared where there is one.
pub(super) fn union(carriers: &[(Carrier, Span)], model: &Model) -> Arc<AddressSet> {
    if let [(only, _)] = carriers {
        return addresses(*only, model).cloned().unwrap_or_default();
    }
    Arc::new(AddressSet::union_all(
        carriers.iter().filter_map(|(carrier, _)| addresses(*carrier, model)).map(|set| &**set),
    ))
}

/// The full name of a carrier.
pub(super) fn full_name(carrier: Carrier, model: &Model) -> &str {
    match carrier {
        Carrier::Site(at) => model.sites.get(at).map_or("", |site| &site.name.value),
        Carrier::Network(at) => model.networks.get(at).map_or("", |network| &network.full_name),
        Carrier::Host(at) => model.hosts.get(at).map_or("", |host| &host.full_name),
    }
}
