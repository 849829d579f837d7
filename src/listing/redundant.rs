//! Which lines of a chain change what it does.
//!
//! From the top down in halves: each part gets what comes to it and what becomes of a packet after it, both cut down to what the part can match. A line changes nothing if, for
//! the packets that it decides, what comes after it surely does the same. (What is unknown below it may turn out otherwise each time.)

use super::decide::{List, Part, Tidy, halves, of};
use super::evaluate::{Folded, Line, in_halves};
use crate::packet::{FlowSet, FlowSpace, TooLarge};

/// What becomes of packets after some lines.
#[derive(Clone, Copy)]
pub(super) struct After {
    pub(super) accept: FlowSet,
    pub(super) drop: FlowSet,
    /// The chain is left for its caller.
    pub(super) leave: FlowSet,
}

impl After {
    pub(super) const NOTHING: Self = Self { accept: FlowSet::EMPTY, drop: FlowSet::EMPTY, leave: FlowSet::EMPTY };

    fn within(self, space: &mut FlowSpace, set: FlowSet) -> Result<Self, TooLarge> {
        Ok(Self {
            accept: space.intersection(self.accept, set)?,
            drop: space.intersection(self.drop, set)?,
            leave: space.intersection(self.leave, set)?,
        })
    }

    /// What becomes of packets if some lines come first.
    fn behind(self, space: &mut FlowSpace, first: Folded) -> Result<Self, TooLarge> {
        let later = Folded { accept: self.accept, drop: self.drop, leave: self.leave, ..Folded::NOTHING };
        let Folded { accept, drop, leave, .. } = first.then(space, later)?;
        Ok(Self { accept, drop, leave })
    }

    /// Whether each packet has one outcome.
    fn is_certain(self, space: &mut FlowSpace) -> bool {
        !space.intersects(self.accept, self.drop)
            && !space.intersects(self.accept, self.leave)
            && !space.intersects(self.drop, self.leave)
    }

    fn is_same(self, other: Self) -> bool {
        self.accept == other.accept && self.drop == other.drop && self.leave == other.leave
    }
}

/// The rules of a list without which it would do something else with what comes to it, by index; `end` is what follows its last rule.
pub(super) fn needed(space: &mut FlowSpace, end: After, list: &List<'_>) -> Result<Vec<usize>, TooLarge> {
    let lines = list.lines;
    let mut parts = Vec::with_capacity(lines.len());
    for line in lines {
        parts.push(Folded::of(space, line)?);
    }
    let folds = in_halves(parts, |earlier, later| earlier.then(space, later))?;
    let asks = halves(space, lines.iter().map(|line| line.asked.may).collect())?;
    let mut search = Search { folds, asks, lines, needed: Vec::new(), tidy: Tidy::new(space) };
    let top = Part::whole(&search.asks);
    let set = of(&search.asks, top);
    let input = space.intersection(list.input, set)?;
    let after = end.within(space, set)?;
    search.descend(space, top, input, after)?;
    Ok(search.needed)
}

struct Search<'a> {
    folds: Vec<Vec<Folded>>,
    asks: Vec<Vec<FlowSet>>,
    lines: &'a [Line],
    needed: Vec<usize>,
    tidy: Tidy,
}

impl Search<'_> {
    fn descend(&mut self, space: &mut FlowSpace, part: Part, rest: FlowSet, after: After) -> Result<(), TooLarge> {
        if rest.is_empty() {
            return Ok(());
        }
        let Some((left, right)) = part.halves() else { return self.judge(space, part, rest, after) };
        let (first, second) = (of(&self.asks, left), of(&self.asks, right));
        let folded = |part: Part| self.folds.get(part.round).and_then(|round| round.get(part.number)).copied();
        let (earlier, later) = (folded(left).unwrap_or(Folded::NOTHING), folded(right).unwrap_or(Folded::NOTHING));
        let mark = space.mark();
        let behind = after.behind(space, later)?.within(space, first)?;
        let come = space.intersection(rest, first)?;
        self.descend(space, left, come, behind)?;
        self.tidy.tidy(space, mark, &mut []);
        let come = space.difference(rest, earlier.hides)?;
        let come = space.intersection(come, second)?;
        let after = after.within(space, second)?;
        self.descend(space, right, come, after)?;
        self.tidy.tidy(space, mark, &mut []);
        Ok(())
    }

    /// A single line: with it, and without.
    fn judge(&mut self, space: &mut FlowSpace, part: Part, rest: FlowSet, after: After) -> Result<(), TooLarge> {
        let (Some(line), Some(folded)) =
            (self.lines.get(part.number), self.folds.first().and_then(|round| round.get(part.number)).copied())
        else {
            return Ok(());
        };
        let with = after.behind(space, folded)?.within(space, rest)?;
        let without = after.within(space, rest)?;
        if !with.is_same(without) || !without.is_certain(space) {
            self.needed.push(line.index);
        }
        Ok(())
    }
}
