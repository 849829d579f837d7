//! From the model to a drawing: the topology, and the access graph between sites.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::model::{Attachment, Location, Model, SiteId};
use crate::packet::AddressSet;
use crate::report::graph::{Drawing, Edge, EdgeKind, Group, Node, NodeKind};
use crate::syntax::ast::Effect;

/// Prefixes that a node shows at most; more are counted.
const SHOWN: usize = 2;

/// Sites as boxes with their networks, the devices that join them, and the transits between.
#[must_use]
pub fn topology(model: &Model) -> Drawing {
    let mut drawing = Drawing { title: "Topology".to_owned(), groups: groups(model), ..Drawing::default() };
    for network in &model.networks {
        drawing.nodes.push(Node {
            label: network.name.value.clone(),
            detail: prefixes(&network.addresses),
            kind: NodeKind::Network,
            group: Some(network.site.index()),
        });
    }
    for transit in &model.transits {
        drawing.nodes.push(Node {
            label: transit.name.value.clone(),
            detail: String::new(),
            kind: if transit.internet { NodeKind::Internet } else { NodeKind::Transit },
            group: None,
        });
    }
    for device in &model.devices {
        let from = drawing.nodes.len();
        drawing.nodes.push(Node {
            label: device.name.value.clone(),
            detail: device.platform.as_ref().map(|platform| platform.value.clone()).unwrap_or_default(),
            kind: if device.platform.is_some() { NodeKind::Firewall } else { NodeKind::Router },
            group: device.site.map(SiteId::index),
        });
        for interface in &device.interfaces {
            let to = match interface.attachment {
                Attachment::Network(network) => network.index(),
                Attachment::Transit(transit) => model.networks.len() + transit.index(),
            };
            drawing.edges.push(Edge { from, to, label: interface.name.value.clone(), kind: EdgeKind::Link });
        }
    }
    drawing
}

fn groups(model: &Model) -> Vec<Group> {
    let group = |site: &crate::model::Site| Group {
        label: site.name.value.clone(),
        detail: site.attributes.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", "),
    };
    model.sites.iter().map(group).collect()
}

fn prefixes(set: &AddressSet) -> String {
    let all: Vec<String> = set.ranges().map(|range| range.to_string()).collect();
    let shown = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN { format!("{shown} +{}", all.len() - SHOWN) } else { shown }
}

/// An end of an arrow: a site, or the internet.
type Party = Option<SiteId>;

/// Which site has a rule that allows it something in which other, labelled with the names of the rules. Rules as written: denies and paths are not looked at.
#[must_use]
pub fn access(model: &Model, at: Date) -> Drawing {
    let mut drawing = Drawing { title: "Access".to_owned(), ..Drawing::default() };
    for site in &model.sites {
        drawing.nodes.push(Node {
            label: site.name.value.clone(),
            detail: String::new(),
            kind: NodeKind::Site,
            group: None,
        });
    }
    let internet = drawing.nodes.len();
    drawing.nodes.extend(model.internet_name().map(|name| Node {
        label: name.to_owned(),
        detail: String::new(),
        kind: NodeKind::Internet,
        group: None,
    }));
    let node = |party: Party| party.map_or(internet, SiteId::index);
    for ((from, to), names) in arrows(model, at) {
        let label = match names.len() {
            0..=2 => names.iter().copied().collect::<Vec<_>>().join(", "),
            many => format!("{many} rules"),
        };
        drawing.edges.push(Edge { from: node(from), to: node(to), label, kind: EdgeKind::Access });
    }
    drawing
}

fn arrows(model: &Model, at: Date) -> BTreeMap<(Party, Party), BTreeSet<&str>> {
    let mut arrows: BTreeMap<(Party, Party), BTreeSet<&str>> = BTreeMap::new();
    let active = model.rules.iter().filter(|rule| rule.effect == Effect::Allow && rule.period.contains(at));
    for rule in active {
        for product in &rule.products {
            let to = parties(model, model.endpoint(product.destination));
            for from in parties(model, model.endpoint(product.source)) {
                for to in to.iter().filter(|to| **to != from) {
                    arrows.entry((from, *to)).or_default().insert(&rule.name.value);
                }
            }
        }
    }
    arrows
}

fn parties(model: &Model, set: &AddressSet) -> BTreeSet<Party> {
    let party = |location| match location {
        Location::Network(network) => model.networks.get(network.index()).map(|network| network.site),
        Location::Internet => None,
    };
    model.located.meet(set).into_iter().map(|(_, location)| party(location)).collect()
}
