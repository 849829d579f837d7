//! The verdict of one flow, and the rules that decide it.

use std::net::IpAddr;
use std::sync::OnceLock;

use jiff::civil::Date;

use super::boxes::ServiceBoxes;
use super::index::{AddressIndex, Known, Numbers};
use crate::graph::{OnTheWay, PairGraph, PlaceId, Topology};
use crate::model::{EndpointId, Location, Model, Product, RuleId, ServiceId};
use crate::packet::{AddressRange, AddressSet, Flow, Value};
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
    effect: Effect,
}

/// The products of all rules about some destination, by source.
#[derive(Debug, Clone)]
struct Products {
    /// A bit for each source, by the last digits of its number: most sources of a flow have none set and need no search.
    sources: [u64; WORDS],
    halves: Vec<Half>,
}

/// Words of bits in [`Products::sources`].
const WORDS: usize = 64;

impl Products {
    fn new(mut halves: Vec<Half>) -> Self {
        halves.sort_unstable();
        let mut sources = [0; WORDS];
        for half in &halves {
            let (word, bit) = place_of_bit(half.source);
            if let Some(word) = sources.get_mut(word) {
                *word |= bit;
            }
        }
        Self { sources, halves }
    }

    /// The products with a source.
    fn from(&self, source: EndpointId) -> impl Iterator<Item = &Half> {
        let (word, bit) = place_of_bit(source);
        let is_there = self.sources.get(word).is_some_and(|word| word & bit != 0);
        let halves = if is_there { self.halves.as_slice() } else { &[] };
        let first = halves.partition_point(|half| half.source < source);
        halves.iter().skip(first).take_while(move |half| half.source == source)
    }
}

fn place_of_bit(source: EndpointId) -> (usize, u64) {
    (source.index() / 64 % WORDS, 1 << (source.index() % 64))
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
    by_list: Vec<OnceLock<Box<Products>>>,
    /// For each place whether it reaches the main part of the core.
    in_main: OnceLock<Vec<bool>>,
    /// For each place whether a path leads to the public addresses.
    to_public: Vec<OnceLock<bool>>,
    /// The services of the model, flat.
    services: ServiceBoxes,
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
                    list.push(Half { source, services, rule: RuleId::from_index(number), effect: rule.effect });
                    used.push((source, destination));
                }
            }
        }
        let numbers = place_numbers(model, topology);
        let destinations = index(model, used.iter().map(|(_, destination)| *destination).collect(), &numbers);
        let places = topology.zones.places.len();
        let active = model.quarantines.iter().enumerate().filter(|(_, quarantine)| quarantine.period.contains(at));
        Self {
            model,
            topology,
            sources: index(model, used.iter().map(|(source, _)| *source).collect(), &numbers),
            by_list: vec![OnceLock::new(); destinations.lists()],
            destinations,
            by_destination,
            in_main: OnceLock::new(),
            to_public: vec![OnceLock::new(); places],
            services: ServiceBoxes::new(&model.services),
            quarantines: active.map(|(number, _)| number).collect(),
        }
    }

    /// The place that an address lies in; `None` if the inventory does not know it.
    #[must_use]
    pub fn place(&self, address: IpAddr) -> Option<PlaceId> {
        place(self.sources.of(address))
    }

    /// Judges a flow. Cost: two look-ups and the rules whose sources and destinations hold its ends.
    #[must_use]
    pub fn judge(&self, flow: &Flow) -> Judgement {
        let nothing = |verdict| Judgement { verdict, rules: Vec::new(), quarantines: Vec::new() };
        let (source, destination) = (self.sources.of(flow.source), self.destinations.of(flow.destination));
        let (Some(from), Some(to)) = (place(source), place(destination)) else {
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
        self.decide(flow, source, destination)
    }

    /// Whether the rules permit a flow, wherever its ends are, and which of them say so.
    fn decide(&self, flow: &Flow, source: Known, destination: Known) -> Judgement {
        let (mut allows, mut denies) = (Vec::new(), Vec::new());
        for half in self.covering_known(flow, source, destination) {
            match half.effect {
                Effect::Allow => allows.push(half.rule),
                Effect::Deny => denies.push(half.rule),
            }
        }
        for rules in [&mut allows, &mut denies] {
            rules.sort_unstable();
            rules.dedup();
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
        let vote = || self.topology.reach_main_part((0_u32..).zip(&zones.places).map(|(at, _)| PlaceId(at)));
        let in_main = self.in_main.get_or_init(vote);
        let reaches = |place: PlaceId| in_main.get(place.index()).is_some_and(|reaches| *reaches);
        (reaches(from) && reaches(to)) || self.topology.is_connected(from, to)
    }

    /// The active products of which the destination is held by the sets of a list.
    fn products_to(&self, list: u32) -> Option<&Products> {
        let merged = || {
            let sets = self.destinations.sets(list).iter();
            let halves = sets.filter_map(|set| self.by_destination.get(set.index())).flatten().copied();
            Box::new(Products::new(halves.collect()))
        };
        self.by_list.get(list as usize).map(|known| &**known.get_or_init(merged))
    }

    /// The active rules that cover a flow, ascending, each once.
    #[must_use]
    pub fn covering(&self, flow: &Flow) -> Vec<RuleId> {
        let (source, destination) = (self.sources.of(flow.source), self.destinations.of(flow.destination));
        let mut found: Vec<RuleId> = self.covering_known(flow, source, destination).map(|half| half.rule).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The products that cover a flow; a rule with two of them comes twice.
    fn covering_known(&self, flow: &Flow, (from, _): Known, (to, _): Known) -> impl Iterator<Item = &Half> {
        let service = flow.service;
        let products = self.products_to(to).into_iter();
        let own = products.flat_map(move |products| self.sources.sets(from).iter().flat_map(|set| products.from(*set)));
        own.filter(move |half| self.services.contains(half.services, service))
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

fn index(model: &Model, mut used: Vec<EndpointId>, numbers: &Numbers) -> AddressIndex {
    used.sort_unstable();
    used.dedup();
    let sets: Vec<(EndpointId, &AddressSet)> = used.into_iter().map(|id| (id, &**model.endpoint(id))).collect();
    AddressIndex::new(&sets, numbers)
}

/// The place of an address of which an index knows something.
fn place((_, number): Known) -> Option<PlaceId> {
    number.checked_sub(1).map(PlaceId)
}

/// The places, counted from 1.
fn place_numbers(model: &Model, topology: &Topology) -> Numbers {
    let number = |location: Location| topology.zones.place_at(location).map_or(0, |place| place.0.saturating_add(1));
    let mut numbers = Numbers::default();
    for (range, location) in model.located.ranges() {
        match range {
            AddressRange::V4(range) => enter(&mut numbers.v4, range.first, range.last, number(location)),
            AddressRange::V6(range) => enter(&mut numbers.v6, range.first, range.last, number(location)),
        }
    }
    numbers
}

/// Adds a piece behind all others, and the gap that follows it.
fn enter<T: Value>(pieces: &mut Vec<(T, u32)>, first: T, last: T, number: u32) {
    pieces.pop_if(|(start, _)| *start == first);
    pieces.push((first, number));
    pieces.extend(last.next().map(|after| (after, 0)));
}
