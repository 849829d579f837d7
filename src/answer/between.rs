//! The firewalls between two ends, by name.

use crate::graph::{PairGraph, PlaceId};
use crate::packet::Flow;
use crate::reach::Prover;

/// The firewalls between two places, nearest to the first one first; none if they lie in one zone or have no path.
pub(super) fn firewalls_between(prover: &Prover<'_>, from: PlaceId, to: PlaceId) -> Vec<String> {
    let graph = PairGraph::new(prover.topology, from, to);
    let way = graph.map(|graph| graph.on_the_way()).unwrap_or_default();
    let firewalls = way.iter().filter_map(|on| prover.topology.firewalls.get(on.firewall));
    firewalls
        .filter_map(|firewall| prover.model().devices.get(firewall.device.index()))
        .map(|device| device.name.value.clone())
        .collect()
}

/// The firewalls between the ends of a flow, nearest to the source first; none if an end is unknown.
pub(super) fn devices_between(prover: &Prover<'_>, flow: &Flow) -> Vec<String> {
    let place = |address| prover.topology.zones.place_at(prover.model().located.of(address)?);
    match (place(flow.source), place(flow.destination)) {
        (Some(from), Some(to)) => firewalls_between(prover, from, to),
        _ => Vec::new(),
    }
}
