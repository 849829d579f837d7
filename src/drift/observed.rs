//! What one firewall does otherwise than the policy asks, from zone to zone, as far as new connections go.
//!
//! A flow is the first packet of a connection, so what passes too much is a matter of first packets alone; a connection of which later packets or answers are dropped is of no use, so
//! what is missing is a matter of all three. ICMP errors and packets of no connection open and close nothing.

use std::sync::Arc;

use super::gaps::Gap;
use super::judge::{Judged, Outcome, Reason};
use crate::graph::{Topology, ZoneId};
use crate::listing::Hook;
use crate::model::Model;
use crate::packet::{AddressSet, Product, ServiceSet};
use crate::plan::{DevicePlan, PairPlan, PlannedRule};
use crate::proof::{self, BlamedLine, Lacks};
use crate::syntax::ast::Effect;

/// One firewall, as it was seen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Index into [`Topology::firewalls`].
    pub firewall: usize,
    /// What the device is called.
    pub device: String,
    /// What came of it when its config was held against its plan.
    pub outcome: Outcome,
    /// The file of its config; empty if there is none.
    pub file: String,
    /// Why not everything about it is known; `None` if it is.
    pub doubt: Option<String>,
    /// What is asked of it.
    pub(super) plan: DevicePlan,
    /// What it does otherwise.
    pub(super) deviations: Vec<Deviation>,
}

/// A way through a firewall, or to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Door {
    /// The interface that the first packet comes in by.
    pub incoming: usize,
    /// The one that it goes out by; `None` if it is to the firewall itself.
    pub outgoing: Option<usize>,
}

/// Which way something is otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// It passes and should not.
    Extra,
    /// It should pass and does not.
    Missing,
}

/// Whether something is surely otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    Surely,
    Perhaps,
}

/// Flows that are treated otherwise.
#[derive(Debug, Clone)]
pub(super) struct Deviation {
    pub door: Door,
    pub side: Side,
    pub how: How,
    /// Whether these are first packets. What is missing of later ones leaves them as they are.
    pub is_first: bool,
    pub flows: Arc<[Product]>,
    pub lines: Arc<[BlamedLine]>,
}

impl Observed {
    /// What is seen of a firewall of which this plan is asked.
    #[must_use]
    pub fn new(model: &Model, topology: &Topology, firewall: usize, plan: DevicePlan, judged: &Judged) -> Self {
        let mut observed = Self {
            firewall,
            device: plan.device.clone(),
            outcome: judged.outcome,
            file: judged.files.first().cloned().unwrap_or_default(),
            doubt: doubt(judged),
            plan,
            deviations: Vec::new(),
        };
        let names = Names { model, topology, firewall };
        match judged.perhaps.as_ref().filter(|_| judged.beyond.is_none()) {
            Some(perhaps) => {
                for (side, gaps) in [(Side::Extra, &judged.extra), (Side::Missing, &judged.missing)] {
                    gaps.iter().for_each(|gap| observed.take_gap(&names, side, gap));
                }
                for (side, gaps) in [(Side::Extra, &perhaps.extra), (Side::Missing, &perhaps.missing)] {
                    gaps.iter().for_each(|gap| observed.take_doubt(&names, side, gap));
                }
            }
            None => observed.nothing_known(topology),
        }
        observed
    }

    /// Whether it surely does what the policy asks.
    #[must_use]
    pub fn is_as_asked(&self) -> bool {
        self.deviations.is_empty()
    }

    fn take_gap(&mut self, names: &Names<'_>, side: Side, gap: &Gap) {
        let flows: Vec<Product> = gap.flows.iter().map(|flows| flows.product.clone()).collect();
        self.add(names, (side, How::Surely), gap.kind, &gap.ways, (flows, &gap.lines));
    }

    fn take_doubt(&mut self, names: &Names<'_>, side: Side, gap: &proof::Gap) {
        let flows: Vec<Product> = gap.flows.iter().map(|(product, _)| product.clone()).collect();
        self.add(names, (side, How::Perhaps), gap.kind, &gap.ways, (flows, &gap.lines));
    }

    fn add(
        &mut self,
        names: &Names<'_>,
        (side, how): (Side, How),
        kind: Lacks,
        ways: &[crate::listing::Way],
        (flows, lines): (Vec<Product>, &[BlamedLine]),
    ) {
        let counts = match side {
            Side::Extra => kind == Lacks::New,
            Side::Missing => matches!(kind, Lacks::New | Lacks::Later | Lacks::Answers),
        };
        if !counts {
            return;
        }
        let is_first = kind == Lacks::New;
        let mut doors: Vec<(Door, How)> = Vec::new();
        for way in ways {
            match names.door(way, kind) {
                Ok(door) => doors.extend(door.map(|door| (door, how))),
                // One that stands for all others (`*`) is there only if the inventory forgot it and no rule names it: nothing says that it is.
                Err(around) if side == Side::Extra && ![&way.1, &way.2].contains(&&Some("*".to_owned())) => {
                    doors.extend(around.into_iter().map(|door| (door, How::Perhaps)));
                    let line = lines.first().map_or(0, |line| line.line);
                    self.doubt.get_or_insert_with(|| foreign(&self.device, line));
                }
                // What is asked is asked of interfaces that the inventory knows.
                Err(_) => {}
            }
        }
        doors.sort_unstable();
        doors.dedup();
        let (flows, lines): (Arc<[Product]>, Arc<[BlamedLine]>) = (flows.into(), lines.into());
        let deviation =
            |(door, how)| Deviation { door, side, how, is_first, flows: flows.clone(), lines: lines.clone() };
        self.deviations.extend(doors.into_iter().map(deviation));
    }

    /// Anything may pass, and of what should pass nothing may.
    fn nothing_known(&mut self, topology: &Topology) {
        let all = AddressSet::full();
        let everything: Arc<[Product]> =
            Arc::new([Product { sources: all.clone(), destinations: all, services: ServiceSet::any() }]);
        let zones = topology.firewalls.get(self.firewall).map(|one| one.interface_zones.as_slice()).unwrap_or_default();
        let to_itself = self.plan.input.is_some().then_some(None);
        for incoming in 0..zones.len() {
            let others = (0..zones.len()).filter(|outgoing| zones.get(*outgoing) != zones.get(incoming)).map(Some);
            for outgoing in others.chain(to_itself) {
                self.perhaps(Side::Extra, Door { incoming, outgoing }, everything.clone());
            }
        }
        let asked: Vec<(Door, Arc<[Product]>)> =
            self.asked().map(|(door, rules)| (door, rules.map(product).collect())).collect();
        for (door, flows) in asked {
            self.perhaps(Side::Missing, door, flows);
        }
    }

    /// Its own addresses, if it protects them.
    pub(super) fn own(&self) -> Option<&AddressSet> {
        self.plan.input.as_ref().map(|input| &*input.addresses)
    }

    /// What the policy allows over each way. What it denies of that is in it too: as it is not permitted, it is missing nowhere.
    pub(super) fn asked(&self) -> impl Iterator<Item = (Door, impl Iterator<Item = &PlannedRule>)> {
        let pair = |pair: &'_ PairPlan| Door { incoming: pair.in_interface, outgoing: Some(pair.out_interface) };
        let pairs = self.plan.pairs.iter().map(move |one| (pair(one), one.rules.as_slice()));
        let input = self.plan.input.iter().flat_map(|input| &input.rules);
        let input = input.map(|(incoming, rules)| (Door { incoming: *incoming, outgoing: None }, rules.as_slice()));
        pairs.chain(input).map(|(door, rules)| (door, rules.iter().filter(|rule| rule.effect == Effect::Allow)))
    }

    fn perhaps(&mut self, side: Side, door: Door, flows: Arc<[Product]>) {
        let (how, is_first, lines) = (How::Perhaps, true, Arc::new([]));
        self.deviations.push(Deviation { door, side, how, is_first, flows, lines });
    }
}

/// The interfaces of a firewall by their names.
struct Names<'a> {
    model: &'a Model,
    topology: &'a Topology,
    firewall: usize,
}

impl Names<'_> {
    fn interface(&self, name: Option<&str>) -> Option<usize> {
        let firewall = self.topology.firewalls.get(self.firewall)?;
        let device = self.model.devices.get(firewall.device.index())?;
        device.interfaces.iter().position(|interface| Some(interface.name.value.as_str()) == name)
    }

    fn zone(&self, interface: usize) -> Option<ZoneId> {
        self.topology.firewalls.get(self.firewall)?.interface_zones.get(interface).copied()
    }

    /// The way of the first packets; `None` if it stays in one zone. Answers take the interfaces backwards. Where the inventory does not know an interface, all ways that it could stand for.
    fn door(&self, way: &crate::listing::Way, kind: Lacks) -> Result<Option<Door>, Vec<Door>> {
        let (hook, incoming, outgoing, _) = way;
        let (incoming, outgoing) = (self.interface(incoming.as_deref()), self.interface(outgoing.as_deref()));
        let count = self.topology.firewalls.get(self.firewall).map_or(0, |one| one.interface_zones.len());
        let any = |known: Option<usize>| known.map_or(0..count, |known| known..known + 1);
        if *hook != Hook::Forward {
            let to_itself = |incoming| Door { incoming, outgoing: None };
            return incoming
                .map(|incoming| Some(to_itself(incoming)))
                .ok_or_else(|| any(None).map(to_itself).collect());
        }
        let ends = if kind == Lacks::Answers { (outgoing, incoming) } else { (incoming, outgoing) };
        let through = |incoming: usize, outgoing: usize| {
            let crosses = self.zone(incoming) != self.zone(outgoing);
            crosses.then_some(Door { incoming, outgoing: Some(outgoing) })
        };
        match ends {
            (Some(incoming), Some(outgoing)) => Ok(through(incoming, outgoing)),
            (incoming, outgoing) => {
                let each = |incoming| any(outgoing).filter_map(move |outgoing| through(incoming, outgoing));
                Err(any(incoming).flat_map(each).collect())
            }
        }
    }
}

fn foreign(device: &str, line: usize) -> String {
    format!("`{device}` lets flows pass over an interface that the inventory does not know, line {line}")
}

fn product(rule: &PlannedRule) -> Product {
    Product {
        sources: (*rule.source).clone(),
        destinations: (*rule.destination).clone(),
        services: (*rule.services).clone(),
    }
}

/// Why not everything about a device is known.
fn doubt(judged: &Judged) -> Option<String> {
    let device = &judged.device;
    if judged.outcome == Outcome::NotCollected {
        return Some(format!("there is no config of `{device}`"));
    }
    if let Some(Reason { line, because, .. }) = &judged.beyond {
        return Some(format!("behind `{device}` nothing is followed, line {line}: {because}"));
    }
    let first = judged.unproven.first()?;
    let more = match judged.unproven.len() {
        1 => String::new(),
        many => format!(" (and {} more)", many - 1),
    };
    Some(match first.line {
        0 => format!("of `{device}`, {}{more}", first.because),
        line => format!("of `{device}`, line {line}: {}{more}", first.because),
    })
}
