//! The verdict of one flow, and the rules that decide it.

use std::net::IpAddr;

use jiff::civil::Date;

use super::index::AddressIndex;
use crate::graph::{OnTheWay, PairGraph, PlaceId, Topology};
use crate::model::{EndpointId, Model, Product, RuleId, ServiceId};
use crate::packet::{AddressSet, Flow, ServicePoint};
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
#[derive(Debug, Clone, Copy)]
struct Half {
    source: EndpointId,
    services: ServiceId,
    rule: RuleId,
}

/// The policy at one date, ready to be asked.
pub struct Reach<'m> {
    /// The model.
    pub model: &'m Model,
    /// Its graph.
    pub topology: &'m Topology,
    sources: AddressIndex,
    destinations: AddressIndex,
    /// For each endpoint set the active products that have it as destination.
    by_destination: Vec<Vec<Half>>,
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
        let active = model.quarantines.iter().enumerate().filter(|(_, quarantine)| quarantine.period.contains(at));
        Self {
            model,
            topology,
            sources: index(model, used.iter().map(|(source, _)| *source).collect()),
            destinations: index(model, used.iter().map(|(_, destination)| *destination).collect()),
            by_destination,
            quarantines: active.map(|(number, _)| number).collect(),
        }
    }

    /// The place that an address lies in; `None` if the inventory does not know it.
    #[must_use]
    pub fn place(&self, address: IpAddr) -> Option<PlaceId> {
        self.topology.zones.place_at(self.model.located.of(address)?)
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
        if !self.topology.is_connected(from, to) {
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

    /// The active rules that cover a flow, ascending, each once.
    #[must_use]
    pub fn covering(&self, flow: &Flow) -> Vec<RuleId> {
        let from = self.sources.sets(flow.source);
        let mut found = Vec::new();
        for destination in self.destinations.sets(flow.destination) {
            let halves = self.by_destination.get(destination.index()).map(Vec::as_slice).unwrap_or_default();
            let covers =
                |half: &&Half| from.binary_search(&half.source).is_ok() && self.on(half.services, flow.service);
            found.extend(halves.iter().filter(covers).map(|half| half.rule));
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
