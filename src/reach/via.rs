//! `must ... via X`: does every path cross one of the named things?
//!
//! Take the named things out of the network. Where two places still have a path, that path crosses none of them. What is taken out may split a zone (a router, a network), and
//! then a way that is left could come through that zone twice, which no path does. So a way is looked for that does not, within a budget: beyond it the answer is *unproven*,
//! never a guess.

use std::collections::BTreeMap;

use super::access::Cell;
use super::classes::ClassSet;
use super::prove::{Prover, Violating};
use super::relation::Pairs;
use crate::graph::{PairGraph, PlaceId, Topology, ZoneId};
use crate::model::{Assertion, Attachment, Location, Model, NetworkId, TransitId, Via};
use crate::packet::Interval;

/// Steps of the search for a way through each zone once, for one pair of networks.
const STEPS: usize = 20_000;

/// What a `must` with `via` finds.
pub(super) struct Beside {
    /// The flows that have a path beside the named things.
    pub violating: Option<Violating>,
    /// Why it could not be decided.
    pub undecided: Option<String>,
}

/// The flows of an assertion that can go beside what it names.
pub(super) fn beside(prover: &Prover<'_>, assertion: &Assertion) -> Beside {
    let reduced = without(prover.model(), &assertion.via);
    let rest = Topology::new(&reduced);
    let ways = Ways {
        model: prover.model(),
        topology: prover.topology,
        origin: origin(prover.model(), &rest, prover.topology),
        rest,
        via: &assertion.via,
    };
    let mut flows = Vec::new();
    let mut undecided = None;
    for product in &assertion.products {
        let from = by_segment(prover, prover.access.endpoint(product.source));
        let to = by_segment(prover, prover.access.endpoint(product.destination));
        let mut pairs = Pairs::new();
        for (source, here) in &from {
            let mut beside = ClassSet::empty();
            for (destination, there) in &to {
                match ways.between(*source, *destination) {
                    Way::Through => {}
                    Way::Beside => beside = beside.union(there),
                    Way::Unclear => {
                        undecided = undecided.or_else(|| Some(unclear(prover.model(), *source, *destination)))
                    }
                }
            }
            pairs.push((here.clone(), beside));
        }
        flows.extend(prover.products(pairs, prover.access.service(product.services)));
    }
    let cell = Cell { services: Vec::new(), allows: Vec::new(), denies: Vec::new() };
    let violating = (!flows.is_empty()).then_some(Violating { flows, cell, held: Vec::new(), by_rules: false });
    Beside { violating, undecided }
}

fn unclear(model: &Model, source: Location, destination: Location) -> String {
    let name = |location| match location {
        Location::Network(id) => model.networks.get(id.index()).map(|network| network.full_name.as_str()),
        Location::Internet => model.internet_name(),
    };
    let (from, to) = (name(source).unwrap_or_default(), name(destination).unwrap_or_default());
    format!(
        "no way from `{from}` to `{to}` beside what `via` names was found that goes through each zone once, and there are too many to try"
    )
}

/// A model in which some things join nothing.
fn without(model: &Model, via: &[Via]) -> Model {
    let mut reduced = model.clone();
    for (at, device) in reduced.devices.iter_mut().enumerate() {
        let is_gone = via.iter().any(|via| matches!(via, Via::Device(id) if id.index() == at));
        device.interfaces.retain(|interface| {
            let network_gone = match interface.attachment {
                Attachment::Network(network) => via.contains(&Via::Network(network)),
                // The internet is never on the way: taking it out would only let paths through its zone.
                Attachment::Transit(transit) => {
                    let internet = model.transits.get(transit.index()).is_some_and(|transit| transit.internet);
                    !internet && via.contains(&Via::Transit(transit))
                }
            };
            !is_gone && !network_gone
        });
    }
    reduced
}

/// For each zone of the reduced network the zone that it is part of.
fn origin(model: &Model, rest: &Topology, whole: &Topology) -> BTreeMap<ZoneId, ZoneId> {
    let networks = (0..model.networks.len()).map(|at| Attachment::Network(NetworkId::from_index(at)));
    let transits = (0..model.transits.len()).map(|at| Attachment::Transit(TransitId::from_index(at)));
    let pair = |attachment| Some((rest.zones.of(attachment)?, whole.zones.of(attachment)?));
    networks.chain(transits).filter_map(pair).collect()
}

fn by_segment(prover: &Prover<'_>, set: &ClassSet) -> BTreeMap<Location, ClassSet> {
    let mut result: BTreeMap<Location, Vec<Interval<u32>>> = BTreeMap::new();
    for (number, class) in prover.access.classes.members(set) {
        let location = class.ranges.first().and_then(|range| prover.model().located.of(range.first()));
        if let Some(location) = location {
            result.entry(location).or_default().push(Interval::single(number));
        }
    }
    result.into_iter().map(|(location, members)| (location, members.into_iter().collect())).collect()
}

enum Way {
    /// Every path crosses a named thing, or there is no path at all.
    Through,
    /// Some path crosses none.
    Beside,
    /// Neither could be shown.
    Unclear,
}

struct Ways<'t> {
    model: &'t Model,
    topology: &'t Topology,
    rest: Topology,
    origin: BTreeMap<ZoneId, ZoneId>,
    via: &'t [Via],
}

impl Ways<'_> {
    fn between(&self, source: Location, destination: Location) -> Way {
        let place = |topology: &Topology, location| topology.zones.place_at(location);
        let (Some(from), Some(to)) = (place(self.topology, source), place(self.topology, destination)) else {
            return Way::Through;
        };
        let (Some(rest_from), Some(rest_to)) = (place(&self.rest, source), place(&self.rest, destination)) else {
            return Way::Through;
        };
        let public = |place| self.topology.zones.is_public(place);
        if self.is_named(source) || self.is_named(destination) || (public(from) && public(to)) {
            return Way::Through;
        }
        let same = |topology: &Topology, a, b| {
            topology.zones.place(a).map(|place| place.zone) == topology.zones.place(b).map(|place| place.zone)
        };
        if same(self.topology, from, to) {
            return if same(&self.rest, rest_from, rest_to) { Way::Beside } else { Way::Through };
        }
        if !self.topology.is_connected(from, to) || !self.is_left(from, to, rest_from, rest_to) {
            return Way::Through;
        }
        self.simple(rest_from, rest_to)
    }

    /// Whether an end lies in a named network or transit.
    fn is_named(&self, location: Location) -> bool {
        self.via.iter().any(|via| match (via, location) {
            (Via::Network(named), Location::Network(network)) => *named == network,
            (Via::Transit(named), Location::Internet) => {
                self.model.transits.get(named.index()).is_some_and(|transit| transit.internet)
            }
            _ => false,
        })
    }

    /// Whether a path is left. Where only paths within the site counted before, only these count now.
    fn is_left(&self, from: PlaceId, to: PlaceId, rest_from: PlaceId, rest_to: PlaceId) -> bool {
        let inner =
            |topology: &Topology, a, b| topology.inner_of(a).is_some() && topology.inner_of(a) == topology.inner_of(b);
        if inner(self.topology, from, to) {
            return inner(&self.rest, rest_from, rest_to);
        }
        self.rest.is_connected(rest_from, rest_to)
    }

    /// Whether the reduced network has a way that is a path of the whole one: through each of its zones once.
    fn simple(&self, from: PlaceId, to: PlaceId) -> Way {
        if self.via.iter().all(|via| self.is_firewall(*via)) {
            return Way::Beside;
        }
        let Some(graph) = PairGraph::new(&self.rest, from, to) else { return Way::Through };
        let origin = |zone: ZoneId| self.origin.get(&zone).copied().unwrap_or(zone);
        match graph.has_way_through_each_once(origin, STEPS) {
            Some(true) => Way::Beside,
            Some(false) => Way::Through,
            None => Way::Unclear,
        }
    }

    fn is_firewall(&self, via: Via) -> bool {
        matches!(via, Via::Device(id) if self.topology.firewalls.iter().any(|firewall| firewall.device == id))
    }
}
