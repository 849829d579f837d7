//! Chains of an intruder: hops of flows that pass, and free movement where no firewall stands.
//!
//! A hop is a new connection, so a chain is no intersection of rules: whoever reaches any address of a zone can go on from every address of it. The search therefore goes from
//! *movement group* to movement group, breadth first, and its length counts what a person would count: each passing hop, and movement at the start or the end (between two passing
//! hops it is free). Public addresses are never a stepping stone.
//!
//! Cost: each level looks at those products of the overlay that still lead somewhere new; no pair of zones is ever enumerated.

use petgraph::unionfind::UnionFind;

use super::access::{Cell, Column, Overlay};
use super::classes::{AddressClasses, ClassSet};
use super::flows::ClassProduct;
use super::prove::{Hop, HopKind, Prover, cut_services};
use crate::graph::{Topology, ZoneId};
use crate::model::{Model, RuleId};
use crate::packet::{AddressRange, Family, Interval};

/// Zones between which an intruder moves freely, because a host has addresses of both families in them. Mostly each zone is alone.
#[derive(Debug, Clone)]
pub struct Movement {
    /// For each class its group.
    of_class: Vec<usize>,
    /// For each group its classes, public ones included.
    members: Vec<ClassSet>,
    /// For each group its classes that can be a stepping stone.
    stones: Vec<ClassSet>,
    /// The classes of each family.
    families: [ClassSet; 2],
}

impl Movement {
    pub(super) fn new(model: &Model, topology: &Topology, classes: &AddressClasses) -> Self {
        let count = topology.zones.zones.len();
        let mut joined = UnionFind::<usize>::new(count);
        for host in &model.hosts {
            let zones = |family| {
                let set = host.addresses.only(family);
                zones_of(model, topology, &set)
            };
            let (four, six) = (zones(Family::V4), zones(Family::V6));
            if let (Some(first), false) = (four.first(), six.is_empty()) {
                for zone in four.iter().chain(&six) {
                    joined.union(first.index(), zone.index());
                }
            }
        }
        let mut members: Vec<Vec<Interval<u32>>> = vec![Vec::new(); count];
        let mut of_class = Vec::with_capacity(classes.len());
        for (number, class) in classes.members(&classes.all()) {
            let group = joined.find_mut(class.zone.index());
            of_class.push(group);
            if let Some(own) = members.get_mut(group) {
                own.push(Interval::single(number));
            }
        }
        let members: Vec<ClassSet> = members.into_iter().map(|own| own.into_iter().collect()).collect();
        let stones = members.iter().map(|own| own.difference(classes.public())).collect();
        let all = classes.all();
        let families = Family::BOTH.map(|family| classes.of_family(&all, family));
        Self { of_class, members, stones, families }
    }

    /// The group of a class.
    fn group(&self, class: u32) -> Option<usize> {
        self.of_class.get(class as usize).copied()
    }

    fn members(&self, group: usize) -> &ClassSet {
        static EMPTY: ClassSet = ClassSet::empty();
        self.members.get(group).unwrap_or(&EMPTY)
    }

    fn stones(&self, group: usize) -> &ClassSet {
        static EMPTY: ClassSet = ClassSet::empty();
        self.stones.get(group).unwrap_or(&EMPTY)
    }

    /// The groups of some classes, ascending.
    fn groups(&self, set: &ClassSet) -> Vec<usize> {
        let mut groups: Vec<usize> = AddressClasses::numbers(set).filter_map(|class| self.group(class)).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}

fn zones_of(model: &Model, topology: &Topology, set: &crate::packet::AddressSet) -> Vec<ZoneId> {
    let zone = |(_, location): (AddressRange, _)| Some(topology.zones.place(topology.zones.place_at(location)?)?.zone);
    let mut zones: Vec<ZoneId> = model.located.meet(set).into_iter().filter_map(zone).collect();
    zones.dedup();
    zones
}

/// Not reached.
const NEVER: u32 = u32::MAX;

/// Where an intruder gets, and in how many hops.
#[derive(Debug, Clone)]
pub struct Reached<'p> {
    movement: &'p Movement,
    start: ClassSet,
    /// The groups that the start lies in and can move in.
    start_groups: Vec<usize>,
    /// For each class the length of a shortest chain that ends with a flow to it.
    direct: Vec<u32>,
    /// For each such class the last flow.
    last: Vec<Option<Step>>,
    /// For each group the length of a shortest chain of which the last flow ends at one of its stepping stones, and that stone.
    entered: Vec<(u32, u32)>,
}

/// A flow of a chain: where in the overlay it is, and a source class that it can come from.
#[derive(Debug, Clone, Copy)]
struct Step {
    row: usize,
    column: usize,
    cell: usize,
    source: u32,
}

/// How a class is reached last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// By a flow that passes.
    Flow,
    /// By free movement.
    Movement,
}

impl Reached<'_> {
    /// The length of a shortest chain to a class and how it ends; `None` if there is none.
    #[must_use]
    pub fn distance(&self, class: u32) -> Option<(u32, Last)> {
        let direct = self.direct.get(class as usize).copied().unwrap_or(NEVER);
        let moved = self.movement.group(class).map_or(NEVER, |group| self.moved(group));
        match direct.min(moved) {
            NEVER => None,
            shortest if shortest == direct => Some((shortest, Last::Flow)),
            shortest => Some((shortest, Last::Movement)),
        }
    }

    /// The length of a shortest chain that ends with movement in a group.
    fn moved(&self, group: usize) -> u32 {
        if self.start_groups.binary_search(&group).is_ok() {
            return 1;
        }
        self.entered.get(group).map_or(NEVER, |(length, _)| length.saturating_add(1))
    }

    /// The classes that a chain of this length can send its last flow from.
    #[must_use]
    pub fn senders(&self, length: u32) -> ClassSet {
        if length <= 1 {
            return self.start.clone();
        }
        let entered = (0..).zip(&self.entered).filter(|(_, (level, _))| *level == length - 1).map(|(group, _)| group);
        let start = self.start_groups.iter().copied().filter(|_| length == 2);
        let stones = entered.chain(start).map(|group| self.movement.stones(group).intervals());
        stones.flatten().copied().collect()
    }

    /// The classes that an intruder moves among who is at a class, itself included: its zone, and those that a host of both families joins to it.
    #[must_use]
    pub fn around(&self, class: u32) -> &ClassSet {
        static EMPTY: ClassSet = ClassSet::empty();
        self.movement.group(class).map_or(&EMPTY, |group| self.movement.members(group))
    }

    /// The length of the longest of the shortest chains.
    #[must_use]
    pub fn deepest(&self) -> u32 {
        let direct = self.direct.iter().copied().filter(|&level| level != NEVER).max();
        let moved = self.entered.iter().map(|(level, _)| *level).filter(|&level| level != NEVER).max();
        let own = u32::from(!self.start_groups.is_empty());
        direct.unwrap_or(0).max(moved.map_or(0, |level| level.saturating_add(1))).max(own)
    }

    /// Every class that is reached.
    #[must_use]
    pub fn all(&self) -> ClassSet {
        let reached =
            (0_u32..).zip(&self.direct).map(|(class, _)| class).filter(|&class| self.distance(class).is_some());
        reached.map(Interval::single).collect()
    }
}

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
        Some(self.links(&reached, goal, length, last))
    }

    /// Walks a shortest chain back from its end.
    fn links(&self, reached: &Reached<'_>, goal: u32, length: u32, last: Last) -> Vec<Link> {
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
            let Some(link) = self.passing(step, &starts, &ends) else { break };
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

    fn passing(&self, step: Step, starts: &ClassSet, ends: &ClassSet) -> Option<Link> {
        let row = self.prover.whole().rows.get(step.row)?;
        let column = row.columns.get(step.column)?;
        let cell = column.cells.get(step.cell)?;
        let (from, to) = (column.sources.intersection(starts), row.destinations.intersection(ends));
        let pairs = self.prover.relation.routable(&self.prover.access.classes, &from, &to);
        let flows = super::flows::merge(self.prover.products(pairs, &cut_services(cell, self.on)));
        let hop = Hop { kind: HopKind::Flow, flows, rules: cell.allows.clone() };
        Some(Link { hop, by: Some((cell.clone(), column.held.clone())) })
    }

    fn moving(&self, from: &ClassSet, to: &ClassSet) -> Link {
        let prover = self.prover;
        let services = prover.access.services.all();
        let pairs = prover.relation.unenforced(&prover.access.classes, from, to);
        let mut flows = super::flows::merge(prover.products(pairs, &services));
        if flows.is_empty() {
            // From one family to the other, on a host or through a neighbour: no single flow does it.
            flows.push(ClassProduct { sources: from.clone(), destinations: to.clone(), services });
        }
        Link { hop: Hop { kind: HopKind::Movement, flows, rules: Vec::new() }, by: None }
    }
}

fn destinations(hop: &Hop) -> ClassSet {
    hop.flows.iter().fold(ClassSet::empty(), |all, product| all.union(&product.destinations))
}

fn sources(hop: &Hop) -> ClassSet {
    hop.flows.iter().fold(ClassSet::empty(), |all, product| all.union(&product.sources))
}

struct Search<'p, 'q> {
    prover: &'p Prover<'p>,
    whole: &'p Overlay,
    on: &'q [u32],
    without: &'q [RuleId],
    reached: Reached<'p>,
}

impl<'p, 'q> Search<'p, 'q> {
    fn new(prover: &'p Prover<'_>, from: &ClassSet, on: &'q [u32], without: &'q [RuleId]) -> Self {
        let movement = prover.movement();
        let can_move = |group: &usize| !movement.stones(*group).is_empty();
        let count = prover.access.classes.len();
        let reached = Reached {
            movement,
            start: from.clone(),
            start_groups: movement.groups(from).into_iter().filter(can_move).collect(),
            direct: vec![NEVER; count],
            last: vec![None; count],
            entered: vec![(NEVER, 0); movement.members.len()],
        };
        Self { prover, whole: prover.whole(), on, without, reached }
    }

    /// Goes on until nothing new is reached, or a goal is.
    fn run(mut self, goal: Option<&ClassSet>) -> Reached<'p> {
        let mut open: Vec<(usize, ClassSet)> =
            self.whole.rows.iter().map(|row| row.destinations.clone()).enumerate().collect();
        let mut length = 0;
        loop {
            length += 1;
            let done = |class| self.reached.distance(class).is_some_and(|(distance, _)| distance < length);
            if goal.is_some_and(|goal| AddressClasses::numbers(goal).any(done)) {
                break;
            }
            let senders = self.reached.senders(length);
            if senders.is_empty() && length > 2 {
                break;
            }
            for (row, rest) in &mut open {
                self.row(*row, rest, &senders, length);
            }
            open.retain(|(_, rest)| !rest.is_empty());
        }
        self.reached
    }

    fn row(&mut self, number: usize, rest: &mut ClassSet, senders: &ClassSet, length: u32) {
        let whole = self.whole;
        let Some(row) = whole.rows.get(number) else { return };
        for (at, column) in row.columns.iter().enumerate() {
            if rest.is_empty() {
                return;
            }
            if column.sources.intersects(senders) {
                for (cell, _) in column.cells.iter().enumerate() {
                    self.cell((number, at, cell), column, rest, senders, length);
                }
            }
        }
    }

    fn cell(
        &mut self,
        (row, column_at, cell_at): (usize, usize, usize),
        column: &Column,
        rest: &mut ClassSet,
        senders: &ClassSet,
        length: u32,
    ) {
        let access = &self.prover.access;
        let Some(cell) = column.cells.get(cell_at) else { return };
        let services = cut_services(cell, self.on);
        if services.is_empty() || !access.passes(cell, &column.held, self.without) {
            return;
        }
        let sources = column.sources.intersection(senders);
        for (family, own) in Family::BOTH.iter().zip(&self.reached.movement.families) {
            if !services.iter().any(|&class| access.services.occurs_in(class, *family)) {
                continue;
            }
            let (from, to) = (sources.intersection(own), rest.intersection(own));
            for (from, to) in self.prover.relation.routable(&access.classes, &from, &to) {
                let Some(source) = from.first() else { continue };
                self.reach(&to, Step { row, column: column_at, cell: cell_at, source }, length);
                *rest = rest.difference(&to);
            }
        }
    }

    fn reach(&mut self, classes: &ClassSet, step: Step, length: u32) {
        for class in AddressClasses::numbers(classes) {
            if let Some(direct) = self.reached.direct.get_mut(class as usize) {
                *direct = (*direct).min(length);
            }
            if let Some(last) = self.reached.last.get_mut(class as usize) {
                last.get_or_insert(step);
            }
            let movement = self.reached.movement;
            let stone = movement.group(class).filter(|&group| movement.stones(group).contains(class));
            if let Some(entered) = stone.and_then(|group| self.reached.entered.get_mut(group))
                && entered.0 > length
            {
                *entered = (length, class);
            }
        }
    }
}
