//! The topology as it is written in the inventory: sites as boxes, what is in them, what joins them.

use crate::model::{Attachment, Model, SiteId};
use crate::packet::AddressSet;
use crate::report::graph::{Drawing, Edge, EdgeKind, Group, Node, NodeKind};

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
