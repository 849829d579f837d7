//! Breadth first over groups of free movement: where an intruder gets, and in how many hops.
//!
//! Each level looks only at those columns of the overlay that someone reached at the level before can send in, found by an index from classes to columns.

use super::access::{Column, Overlay};
use super::classes::{AddressClasses, ClassSet};
use super::movement::Movement;
use super::prove::{Prover, cut_services};
use crate::model::RuleId;
use crate::packet::{Family, Interval};

/// Not reached.
pub(super) const NEVER: u32 = u32::MAX;

/// Where an intruder gets, and in how many hops.
#[derive(Debug, Clone)]
pub struct Reached<'p> {
    pub(super) movement: &'p Movement,
    start: ClassSet,
    /// The groups that the start lies in and can move in.
    start_groups: Vec<usize>,
    /// For each class the length of a shortest chain that ends with a flow to it.
    direct: Vec<u32>,
    /// For each such class the last flow.
    pub(super) last: Vec<Option<Step>>,
    /// For each group the length of a shortest chain of which the last flow ends at one of its stepping stones, and that stone.
    pub(super) entered: Vec<(u32, u32)>,
}

/// A flow of a chain: where in the overlay it is, and a source class that it can come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub row: usize,
    pub column: usize,
    pub cell: usize,
    pub source: u32,
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
        let moved = self.movement.group(class).map_or(NEVER, |group| self.moved(group, class));
        match direct.min(moved) {
            NEVER => None,
            shortest if shortest == direct => Some((shortest, Last::Flow)),
            shortest => Some((shortest, Last::Movement)),
        }
    }

    /// The length of a shortest chain that ends with movement to a class of a group. From one public address to another nobody moves.
    fn moved(&self, group: usize, class: u32) -> u32 {
        let stones = self.movement.stones(group);
        if self.start_groups.binary_search(&group).is_ok() && (stones.contains(class) || self.start.intersects(stones))
        {
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
        static EMPTY: std::sync::LazyLock<ClassSet> = std::sync::LazyLock::new(ClassSet::empty);
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

/// Which columns of an overlay a class can send in.
#[derive(Debug)]
pub struct Senders {
    /// For each class where its columns begin in `of_class`; one more at the end.
    starts: Vec<usize>,
    /// Columns by number, for each class ascending.
    of_class: Vec<u32>,
    /// Row and place in the row of each column, ascending.
    columns: Vec<(u32, u32)>,
    /// Columns of very many classes, which stand in no list of a class.
    wide: Vec<(u32, ClassSet)>,
}

impl Senders {
    pub(super) fn new(overlay: &Overlay, classes: usize) -> Self {
        let (mut columns, mut wide) = (Vec::new(), Vec::new());
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for (row, found) in (0_u32..).zip(&overlay.rows) {
            for (at, column) in (0_u32..).zip(&found.columns) {
                let number = u32::try_from(columns.len()).unwrap_or(u32::MAX);
                columns.push((row, at));
                let size: usize = column.sources.intervals().iter().map(|i| (i.last - i.first) as usize + 1).sum();
                if size > classes / 16 + 16 {
                    wide.push((number, column.sources.clone()));
                } else {
                    pairs.extend(AddressClasses::numbers(&column.sources).map(|class| (class, number)));
                }
            }
        }
        pairs.sort_unstable();
        let starts = (0..=classes).map(|class| pairs.partition_point(|(of, _)| (*of as usize) < class)).collect();
        Self { starts, of_class: pairs.into_iter().map(|(_, number)| number).collect(), columns, wide }
    }

    /// Row and place of every column that one of some classes can send in, ascending.
    fn columns(&self, senders: &ClassSet) -> Vec<(usize, usize)> {
        let wide = self.wide.iter().filter(|(_, sources)| sources.intersects(senders)).map(|(number, _)| *number);
        let mut numbers: Vec<u32> = wide.collect();
        for interval in senders.intervals() {
            let bounds = (self.starts.get(interval.first as usize), self.starts.get(interval.last as usize + 1));
            if let (Some(&first), Some(&end)) = bounds {
                numbers.extend(self.of_class.get(first..end).unwrap_or_default());
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        let place = |number: u32| self.columns.get(number as usize).map(|&(row, at)| (row as usize, at as usize));
        numbers.into_iter().filter_map(place).collect()
    }
}

pub(super) struct Search<'p, 'q> {
    prover: &'p Prover<'p>,
    whole: &'p Overlay,
    index: &'p Senders,
    on: &'q [u32],
    without: &'q [RuleId],
    reached: Reached<'p>,
}

impl<'p, 'q> Search<'p, 'q> {
    pub(super) fn new(prover: &'p Prover<'_>, from: &ClassSet, on: &'q [u32], without: &'q [RuleId]) -> Self {
        let movement = prover.movement();
        let can_move = |group: &usize| !movement.stones(*group).is_empty();
        let count = prover.access.classes.len();
        let reached = Reached {
            movement,
            start: from.clone(),
            start_groups: movement.groups(from).into_iter().filter(can_move).collect(),
            direct: vec![NEVER; count],
            last: vec![None; count],
            entered: vec![(NEVER, 0); movement.len()],
        };
        Self { prover, whole: prover.whole(), index: prover.senders(), on, without, reached }
    }

    /// Goes on until nothing new is reached, or a goal is.
    pub(super) fn run(mut self, goal: Option<&ClassSet>) -> Reached<'p> {
        let whole = self.whole;
        // What of each row is not reached yet, once a sender was found for it.
        let mut rest: Vec<Option<ClassSet>> = vec![None; whole.rows.len()];
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
            for (row, column) in self.index.columns(&senders) {
                let Some(found) = whole.rows.get(row) else { continue };
                let Some(slot) = rest.get_mut(row) else { continue };
                let rest = slot.get_or_insert_with(|| found.destinations.clone());
                if let Some(column_found) = found.columns.get(column).filter(|_| !rest.is_empty()) {
                    for (cell, _) in column_found.cells.iter().enumerate() {
                        self.cell((row, column, cell), column_found, rest, &senders, length);
                    }
                }
            }
        }
        self.reached
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
