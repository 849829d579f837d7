//! Chains of an intruder: hops of flows that pass, and free movement where no firewall stands.
//!
//! A hop is a new connection, so a chain is no intersection of rules: whoever reaches any address of a zone can go on from every address of it. The search therefore goes from
//! *movement group* to movement group, breadth first, and its length counts what a person would count: each passing hop, and movement at the start or the end (between two passing
//! hops it is free). Public addresses are never a stepping stone.
//!
//! Cost: each level looks at those products of the overlay that still lead somewhere new; no pair of zones is ever enumerated.

use super::access::Cell;
use super::classes::{AddressClasses, ClassSet};
use super::prove::{Hop, HopKind, Prover, cut_services};
use super::search::{Last, NEVER, Reached, Search, Step};
use crate::model::RuleId;

/// A hop of a chain, and the rules and quarantines that let it pass.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub hop: Hop,
    /// `None` for movement.
    pub by: Option<(Cell, Vec<u32>)>,
}

/// The question whether chains lead from some classes to others on some services.
pub(super) struct Hops<'p> {
    prover: &'p Prover<'p>,
    from: &'p ClassSet,
    to: &'p ClassSet,
    on: &'p [u32],
}

impl Prover<'_> {
    /// Where an intruder gets from some classes on some service classes, if the rules in `without` did not exist.
    #[must_use]
    pub fn spread(&self, from: &ClassSet, on: &[u32], without: &[RuleId]) -> Reached<'_> {
        Search::new(self, from, on, without).run(None)
    }
}

impl<'p> Hops<'p> {
    pub(super) fn new(prover: &'p Prover<'p>, from: &'p ClassSet, to: &'p ClassSet, on: &'p [u32]) -> Self {
        Self { prover, from, to, on }
    }

    /// A shortest chain, if the rules in `without` did not exist.
    pub(super) fn chain(&self, without: &[RuleId]) -> Option<Vec<Link>> {
        let reached = Search::new(self.prover, self.from, self.on, without).run(Some(self.to));
        let goals = AddressClasses::numbers(self.to).filter_map(|class| Some((reached.distance(class)?, class)));
        let ((length, last), goal) =
            goals.min_by_key(|((length, last), class)| (*length, *last == Last::Movement, *class))?;
        Some(self.links(&reached, goal, (length, last), without))
    }

    /// Walks a shortest chain back from its end.
    fn links(&self, reached: &Reached<'_>, goal: u32, (length, last): (u32, Last), without: &[RuleId]) -> Vec<Link> {
        let movement = reached.movement;
        let (mut class, mut length, mut ends, mut moves_to) = (goal, length, self.to.clone(), None);
        if let (Last::Movement, Some(group)) = (last, movement.group(goal)) {
            let goals = self.to.intersection(movement.members(group));
            if length == 1 {
                return vec![self.moving(&self.from.intersection(movement.members(group)), &goals)];
            }
            class = reached.entered.get(group).map_or(goal, |(_, stone)| *stone);
            (length, ends, moves_to) = (length.saturating_sub(1), movement.stones(group).clone(), Some(goals));
        }
        let mut backwards = Vec::new();
        while let Some(step) = reached.last.get(class as usize).copied().flatten() {
            let starts = if length == 1 { self.from.clone() } else { self.stones_around(reached, step.source) };
            let Some(link) = self.passing(step, &starts, &ends, without) else { break };
            backwards.extend(moves_to.take().map(|goals| self.moving(&destinations(&link.hop), &goals)));
            let senders = sources(&link.hop);
            backwards.push(link);
            let Some(group) = movement.group(step.source).filter(|_| length > 1) else { break };
            let (entered, stone) = reached.entered.get(group).copied().unwrap_or((NEVER, class));
            if entered != length - 1 {
                // A group that was not entered is one that the chain starts in.
                backwards.push(self.moving(&self.from.intersection(movement.members(group)), &senders));
                break;
            }
            (class, length, ends) = (stone, entered, movement.stones(group).clone());
        }
        backwards.reverse();
        backwards
    }

    fn stones_around(&self, reached: &Reached<'_>, class: u32) -> ClassSet {
        reached.movement.group(class).map(|group| reached.movement.stones(group).clone()).unwrap_or_default()
    }

    fn passing(&self, step: Step, starts: &ClassSet, ends: &ClassSet, without: &[RuleId]) -> Option<Link> {
        let row = self.prover.whole().rows.get(step.row)?;
        let column = row.columns.get(step.column)?;
        let cell = column.cells.get(step.cell)?;
        let (from, to) = (column.sources.intersection(starts), row.destinations.intersection(ends));
        let pairs = self.prover.relation.routable(&self.prover.access.classes, &from, &to);
        let flows = super::flows::merge(self.prover.products(pairs, &cut_services(cell, self.on)));
        let rules = cell.allows.iter().copied().filter(|rule| !without.contains(rule)).collect();
        let hop = Hop { kind: HopKind::Flow, flows, by_rules: Vec::new(), ends: None, rules };
        Some(Link { hop, by: Some((cell.clone(), column.held.clone())) })
    }

    fn moving(&self, from: &ClassSet, to: &ClassSet) -> Link {
        let prover = self.prover;
        let services = prover.access.services.all();
        let pairs = prover.relation.unenforced(&prover.access.classes, from, to);
        let flows = super::flows::merge(prover.products(pairs, &services));
        // From one family to the other, on a host or through a neighbour: no single flow does it.
        let ends = flows.is_empty().then(|| (from.clone(), to.clone()));
        Link { hop: Hop { kind: HopKind::Movement, flows, by_rules: Vec::new(), ends, rules: Vec::new() }, by: None }
    }
}

fn destinations(hop: &Hop) -> ClassSet {
    hop.flows.iter().fold(ClassSet::empty(), |all, product| all.union(&product.destinations))
}

fn sources(hop: &Hop) -> ClassSet {
    hop.flows.iter().fold(ClassSet::empty(), |all, product| all.union(&product.sources))
}
