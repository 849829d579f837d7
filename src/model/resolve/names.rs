//! The name space of sites, transits, devices, groups and feeds. That no name is a keyword was seen to when it was read.

use rustc_hash::FxHashMap;

use super::places::Places;
use super::problem::twice;
use crate::diag::Sink;
use crate::model::types::{DeviceId, Model, SiteId, TransitId};
use crate::source::Spanned;
use crate::syntax::ast::{self, Statement};

/// What a bare name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// A site.
    Site(SiteId),
    /// A transit.
    Transit(TransitId),
    /// A device.
    Device(DeviceId),
    /// A group, by its place in [`Definitions::groups`].
    Group(usize),
    /// A feed, by its place in [`Definitions::feeds`].
    Feed(usize),
}

impl Named {
    fn kind(self) -> &'static str {
        match self {
            Self::Site(_) => "a site",
            Self::Transit(_) => "a transit",
            Self::Device(_) => "a device",
            Self::Group(_) => "a group",
            Self::Feed(_) => "a feed",
        }
    }
}

/// Groups, feeds and services of all files, each name once.
#[derive(Debug, Default)]
pub(super) struct Definitions<'a> {
    pub(super) groups: Vec<&'a ast::Group>,
    pub(super) feeds: Vec<&'a ast::Feed>,
    pub(super) services: Vec<&'a ast::ServiceDefinition>,
}

/// The name space: what a bare name stands for, and where it was given.
#[derive(Debug, Default)]
pub(super) struct NameTable<'a> {
    entries: FxHashMap<&'a str, (Named, &'a Spanned<String>)>,
}

impl<'a> NameTable<'a> {
    /// What a name stands for.
    pub(super) fn get(&self, name: &str) -> Option<Named> {
        self.entries.get(name).map(|(named, _)| *named)
    }

    /// What a name stands for, in words, and where it was given.
    pub(super) fn described(&self, name: &str) -> Option<(&'static str, &'a Spanned<String>)> {
        self.entries.get(name).map(|(named, place)| (named.kind(), *place))
    }

    /// All names, in no order: only for questions whose answer does not depend on it.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.entries.keys().copied()
    }

    fn add(&mut self, name: &'a Spanned<String>, named: Named, sink: &mut Sink) -> bool {
        if let Some((first, place)) = self.entries.get(name.value.as_str()) {
            let message = if first.kind() == named.kind() {
                format!("`{}` is defined twice as {}", name.value, named.kind())
            } else {
                format!("`{}` is both {} and {}", name.value, first.kind(), named.kind())
            };
            sink.push(twice(name, place, message, first.kind()));
            return false;
        }
        self.entries.insert(&name.value, (named, name));
        true
    }
}

/// Enters everything that has a bare name: the inventory first, then the policy in the order of files.
pub(super) fn enter<'a>(
    places: &Places<'a>,
    inventory: &'a crate::inventory::Inventory,
    files: &'a [ast::File],
    model: &Model,
    sink: &mut Sink,
) -> (NameTable<'a>, Definitions<'a>) {
    let mut table = NameTable::default();
    table.entries.reserve(places.sites.len() + model.devices.len());
    for (at, site) in places.sites.iter().enumerate() {
        table.add(&site.name, Named::Site(SiteId::from_index(at)), sink);
    }
    for transit in &inventory.transits {
        if let Ok(at) = model.transits.binary_search_by(|known| known.name.cmp(&transit.name)) {
            table.add(&transit.name, Named::Transit(TransitId::from_index(at)), sink);
        }
    }
    for device in &inventory.devices {
        if let Ok(at) = model.devices.binary_search_by(|known| known.name.cmp(&device.name)) {
            table.add(&device.name, Named::Device(DeviceId::from_index(at)), sink);
        }
    }
    let mut definitions = Definitions::default();
    for statement in files.iter().flat_map(|file| &file.statements) {
        define(statement, &mut table, &mut definitions, sink);
    }
    (table, definitions)
}

fn define<'a>(statement: &'a Statement, table: &mut NameTable<'a>, definitions: &mut Definitions<'a>, sink: &mut Sink) {
    match statement {
        Statement::Group(group) => {
            // A second group of one name is still looked into, so that its own mistakes are found.
            table.add(&group.name, Named::Group(definitions.groups.len()), sink);
            definitions.groups.push(group);
        }
        Statement::Feed(feed) => {
            table.add(&feed.name, Named::Feed(definitions.feeds.len()), sink);
            definitions.feeds.push(feed);
        }
        Statement::Service(service) => definitions.services.push(service),
        Statement::Purpose(_)
        | Statement::Rule(_)
        | Statement::Assertion(_)
        | Statement::Waiver(_)
        | Statement::Quarantine(_) => {}
    }
}
