//! The verdict of one flow, and the rules that decide it.

use std::net::IpAddr;
use std::sync::OnceLock;

use jiff::civil::Date;

use super::index::{AddressIndex, Table};
use crate::graph::{OnTheWay, PairGraph, PlaceId, Topology};
use crate::model::{EndpointId, Location, Model, Product, RuleId, ServiceId};
use crate::packet::{AddressRange, AddressSet, Flow, ServicePoint, Value};
use crate::syntax::ast::Effect;

/// What becomes of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It is permitted, and there is a path.
    Pass,
    /// It is not permitted, and every path has a managed firewall that drops it.
    Drop,
    /// Both ends lie in one zone: no firewall stands between them.
    Unenforced,
    /// An end is unknown, both are in the internet, or there is no path.
    Unroutable,
}

impl Verdict {
    /// As programs see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Drop => "drop",
            Self::Unenforced => "unenforced",
            Self::Unroutable => "unroutable",
        }
    }
}

/// The verdict of a flow, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// For `pass` the allows that cover it; for `drop` the denies that do.
    pub rules: Vec<RuleId>,
    /// For `drop`: the quarantines that hold an end and keep none of the allows that cover it (indices into the model).
    pub quarantines: Vec<usize>,
}

/// A product of an active rule, without its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Half {
    source: EndpointId,
    services: ServiceId,
    rule: RuleId,
}

/// The policy at one date, ready to be asked.
///
/// A question costs a few look-ups: what an answer needs of a place or of a destination is made when it is first asked for, and kept.
pub struct Reach<'m> {
    /// The model.
    pub model: &'m Model,
    /// Its graph.
    pub topology: &'m Topology,
    sources: AddressIndex,
    destinations: AddressIndex,
    /// For each endpoint set the active products that have it as destination.
    by_destination: Vec<Vec<Half>>,
    /// For each list of destination sets the products of all of them, by source.
    by_list: Vec<OnceLock<Box<[Half]>>>,
    /// The place of each address, counted from 1.
    places: Table,
    /// For each place the parts of the core that it reaches.
    parts: Vec<OnceLock<Box<[usize]>>>,
    /// For each place whether a path leads to the public addresses.
    to_public: Vec<OnceLock<bool>>,
    /// Indices of the active quarantines.
    quarantines: Vec<usize>,
}

impl<'m> Reach<'m> {
    /// Prepares the answers for a date.
    #[must_use]
    pub fn new(model: &'m Model, topology: &'m Topology, at: Date) -> Self {
        let mut by_destination: Vec<Vec<Half>> = vec![Vec::new(); model.endpoints.len()];
        let mut used: Vec<(EndpointId, EndpointId)> = Vec::new();
        for (number, rule) in model.rules.iter().enumerate().filter(|(_, rule)| rule.period.contains(at)) {
            for &Product { source, destination, services } in &rule.products {
                if let Some(list) = by_destination.get_mut(destination.index()) {
                    list.push(Half { source, services, rule: RuleId::from_index(number) });
                    used.push((source, destination));
                }
            }
        }
        let destinations = index(model, used.iter().map(|(_, destination)| *destination).collect());
        let places = topology.zones.places.len();
        let active = model.quarantines.iter().enumerate().filter(|(_, quarantine)| quarantine.period.contains(at));
        Self {
            model,
            topology,
            sources: index(model, used.iter().map(|(source, _)| *source).collect()),
            by_list: vec![OnceLock::new(); destinations.lists()],
            destinations,
            by_destination,
            places: place_table(model, topology),
            parts: vec![OnceLock::new(); places],
            to_public: vec![OnceLock::new(); places],
            quarantines: active.map(|(number, _)| number).collect(),
        }
    }

    /// The place that an address lies in; `None` if the inventory does not know it.
    #[must_use]
    pub fn place(&self, address: IpAddr) -> Option<PlaceId> {
        self.places.of(address).checked_sub(1).map(PlaceId)
    }

    /// Judges a flow. Cost: two look-ups and the rules whose sources and destinations hold its ends.
    #[must_use]
    pub fn judge(&self, flow: &Flow) -> Judgement {
        let nothing = |verdict| Judgement { verdict, rules: Vec::new(), quarantines: Vec::new() };
        let (Some(from), Some(to)) = (self.place(flow.source), self.place(flow.destination)) else {
            return nothing(Verdict::Unroutable);
        };
        let zones = &self.topology.zones;
        if zones.is_public(from) && zones.is_public(to) {
            return nothing(Verdict::Unroutable);
        }
        if zones.place(from).map(|place| place.zone) == zones.place(to).map(|place| place.zone) {
            return nothing(Verdict::Unenforced);
        }
        if !self.is_connected(from, to) {
            return nothing(Verdict::Unroutable);
        }
        self.decide(flow)
    }

    /// Whether the rules permit a flow, wherever its ends are, and which of them say so.
    fn decide(&self, flow: &Flow) -> Judgement {
        let (mut allows, mut denies) = (Vec::new(), Vec::new());
        for rule in self.covering(flow) {
            match self.model.rules.get(rule.index()).map(|rule| rule.effect) {
                Some(Effect::Allow) => allows.push(rule),
                Some(Effect::Deny) => denies.push(rule),
                None => {}
            }
        }
        let quarantines = self.holding(flow, &allows);
        if allows.is_empty() || !denies.is_empty() || !quarantines.is_empty() {
            return Judgement { verdict: Verdict::Drop, rules: denies, quarantines };
        }
        Judgement { verdict: Verdict::Pass, rules: allows, quarantines }
    }

    /// Whether any path leads from one place to another: two places with a common part of the core have one, for all others the graph is asked.
    fn is_connected(&self, from: PlaceId, to: PlaceId) -> bool {
        let zones = &self.topology.zones;
        let (own, other) = if zones.is_public(from) { (to, from) } else { (from, to) };
        if zones.is_public(other) {
            let known = self.to_public.get(own.index());
            let ask = || self.topology.is_connected(own, other);
            return known.map_or_else(ask, |known| *known.get_or_init(ask));
        }
        let (near, far) = (self.parts(from), self.parts(to));
        near.iter().any(|part| far.contains(part)) || self.topology.is_connected(from, to)
    }

    fn parts(&self, place: PlaceId) -> &[usize] {
        let known = self.parts.get(place.index());
        known.map(|known| &**known.get_or_init(|| self.topology.reaches(place).into())).unwrap_or_default()
    }

    /// The active products of which the destination holds an address, by source.
    fn products_to(&self, destination: IpAddr) -> &[Half] {
        let list = self.destinations.list(destination);
        let merged = || {
            let sets = self.destinations.sets_of(list).iter();
            let mut halves: Vec<Half> =
                sets.filter_map(|set| self.by_destination.get(set.index())).flatten().copied().collect();
            halves.sort_unstable();
            halves.into()
        };
        self.by_list.get(list).map(|known| &**known.get_or_init(merged)).unwrap_or_default()
    }

    /// The active rules that cover a flow, ascending, each once.
    #[must_use]
    pub fn covering(&self, flow: &Flow) -> Vec<RuleId> {
        let mut rest = self.products_to(flow.destination);
        let mut found = Vec::new();
        for source in self.sources.sets(flow.source) {
            rest = rest.get(rest.partition_point(|half| half.source < *source)..).unwrap_or_default();
            let own = rest.iter().take_while(|half| half.source == *source);
            found.extend(own.filter(|half| self.on(half.services, flow.service)).map(|half| half.rule));
            if rest.is_empty() {
                break;
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn on(&self, services: ServiceId, point: ServicePoint) -> bool {
        self.model.service(services).contains(point)
    }

    /// The active quarantines that hold an end of a flow and keep none of the given allows.
    fn holding(&self, flow: &Flow, allows: &[RuleId]) -> Vec<usize> {
        let holds = |number: &&usize| {
            self.model.quarantines.get(**number).is_some_and(|quarantine| {
                let held = self.model.endpoint(quarantine.held);
                (held.contains(flow.source) || held.contains(flow.destination))
                    && !quarantine.keep.iter().any(|kept| allows.contains(kept))
            })
        };
        self.quarantines.iter().filter(holds).copied().collect()
    }

    /// The firewalls on the way of a flow, nearest to the source first, each with the zones between which it passes it.
    #[must_use]
    pub fn on_the_way(&self, flow: &Flow) -> Vec<OnTheWay> {
        let (Some(from), Some(to)) = (self.place(flow.source), self.place(flow.destination)) else { return Vec::new() };
        PairGraph::new(self.topology, from, to).map(|graph| graph.on_the_way()).unwrap_or_default()
    }

    /// The managed firewall, if any, whose own interface address the destination of a flow is, that filters nothing addressed to itself (no `protect`),
    /// and that stands next to the source: then no firewall drops the flow, whatever the verdict says of the way behind it.
    #[must_use]
    pub fn unprotected_end(&self, flow: &Flow) -> Option<&'m str> {
        let zone = self.topology.zones.place(self.place(flow.source)?)?.zone;
        let next: Vec<usize> = self.topology.touching(zone).to_vec();
        next.into_iter()
            .filter_map(|at| self.model.devices.get(self.topology.firewalls.get(at)?.device.index()))
            .find(|device| !device.protect && device.addresses.contains(flow.destination))
            .map(|device| device.name.value.as_str())
    }
}

fn index(model: &Model, mut used: Vec<EndpointId>) -> AddressIndex {
    used.sort_unstable();
    used.dedup();
    let sets: Vec<(EndpointId, &AddressSet)> = used.into_iter().map(|id| (id, &**model.endpoint(id))).collect();
    AddressIndex::new(&sets)
}

/// Where the places begin and end.
fn place_table(model: &Model, topology: &Topology) -> Table {
    let number = |location: Location| topology.zones.place_at(location).map_or(0, |place| place.0.saturating_add(1));
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for (range, location) in model.located.ranges() {
        match range {
            AddressRange::V4(range) => enter(&mut v4, range.first, range.last, number(location)),
            AddressRange::V6(range) => enter(&mut v6, range.first, range.last, number(location)),
        }
    }
    Table::new(v4, v6)
}

/// Adds a piece behind all others, and the gap that follows it.
fn enter<T: Value>(pieces: &mut Vec<(T, u32)>, first: T, last: T, number: u32) {
    pieces.pop_if(|(start, _)| *start == first);
    pieces.push((first, number));
    pieces.extend(last.next().map(|after| (after, 0)));
}
