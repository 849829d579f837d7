//! Packets that a device treats otherwise than the policy asks, and the lines that do it.

use std::collections::BTreeMap;

use crate::listing::{Crossing, Direction, Evaluator, Way};
use crate::packet::{Family, Flow, FlowSet, FlowSpace, Product, TooLarge, Wishes};

/// What kind of packet a gap is about; the flows of a gap are always those of the first packet of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lacks {
    /// New connections.
    New,
    /// Later packets of connections, in the direction of the first.
    Later,
    /// Answers of connections; the interfaces of a way are those that the answer takes.
    Answers,
    /// ICMP errors about connections, either way.
    Errors,
    /// Connections that others announced, over a helper.
    Announced,
    /// Packets that belong to no connection.
    Stray,
}

impl Lacks {
    pub(super) fn of(way: &Crossing<'_>) -> Self {
        use crate::listing::State;
        match (way.direction, way.state) {
            (Some(Direction::Original), _) => Self::Later,
            (Some(Direction::Reply), _) => Self::Answers,
            (Some(Direction::Error), _) => Self::Errors,
            (None, State::New) => Self::New,
            (None, State::Related) => Self::Announced,
            (None, _) => Self::Stray,
        }
    }
}

/// A line of a rule set that causes a gap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlamedLine {
    /// From 1; 0 if the file does not say.
    pub line: usize,
    /// Its text on one line, or `policy accept` and `policy drop`.
    pub text: String,
}

/// Packets that pass and should not, or should pass and do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What kind of packets.
    pub kind: Lacks,
    /// The ways on which exactly these packets are treated so.
    pub ways: Vec<Way>,
    /// Which: maximal products, each with one of its flows.
    pub flows: Vec<(Product, Flow)>,
    /// The lines that accept them, or drop them, ascending; empty if no chain judges such packets at all.
    pub lines: Vec<BlamedLine>,
}

/// Gaps by what is in them.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    found: BTreeMap<(Lacks, FlowSet), (Vec<Way>, Vec<BlamedLine>)>,
}

/// Whether lines are to blame that let packets pass, or that drop them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    Accepting,
    Dropping,
}

impl Gaps {
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Adds what is wrong on a way, if anything is.
    pub(super) fn add(
        &mut self,
        space: &mut FlowSpace,
        evaluator: &mut Evaluator<'_>,
        way: &Crossing<'_>,
        flows: FlowSet,
        blame: Blame,
    ) -> Result<(), TooLarge> {
        if flows.is_empty() {
            return Ok(());
        }
        let deciders = evaluator.deciders(space, way, flows)?;
        let guilty = deciders.into_iter().filter(|one| match blame {
            Blame::Accepting => !one.accepts.is_empty(),
            Blame::Dropping => !one.drops.is_empty(),
        });
        let (ways, lines) = self.found.entry((Lacks::of(way), flows)).or_default();
        ways.push(named(way));
        lines.extend(guilty.map(|one| BlamedLine { line: one.line, text: one.text }));
        Ok(())
    }

    /// The gaps in the order of their ways, with their packets.
    pub(super) fn shown(self, space: &mut FlowSpace) -> Result<Vec<Gap>, TooLarge> {
        let mut gaps = Vec::with_capacity(self.found.len());
        for ((kind, flows), (ways, mut lines)) in self.found {
            lines.sort();
            lines.dedup();
            gaps.push(Gap { kind, ways, flows: products(space, flows)?, lines });
        }
        gaps.sort_by(|a, b| (a.kind, &a.ways).cmp(&(b.kind, &b.ways)));
        Ok(gaps)
    }
}

pub(super) fn named(way: &Crossing<'_>) -> Way {
    (way.hook, way.incoming.map(str::to_owned), way.outgoing.map(str::to_owned), way.state)
}

/// A set as maximal products, or where these are too many as disjoint ones, each with one of its flows.
fn products(space: &mut FlowSpace, set: FlowSet) -> Result<Vec<(Product, Flow)>, TooLarge> {
    let products = space.maximal(set).or_else(|_| space.products(set))?;
    let mut shown = Vec::with_capacity(products.len());
    for product in products {
        let one = space.product(&product.sources, &product.destinations, &product.services)?;
        let family = if product.sources.is_empty_in(Family::V4) { Family::V6 } else { Family::V4 };
        let witness = space.witness(one.only(family), &Wishes::default());
        shown.extend(witness.map(|witness| (product, witness)));
    }
    Ok(shown)
}
