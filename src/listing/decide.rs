//! Which lines decide what becomes of some packets.
//!
//! The same halves as in the evaluation, now from the top: of the packets that come to a list, each part gets those that it can match and that no earlier part surely took. Parts that
//! get none are left at once, so few packets in a long list cost few steps. What comes to a chain is collected from all its callers before the chain is looked at.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::calls::{Calls, Depends};
use super::crossing::{Crossing, Direction};
use super::evaluate::{Evaluator, Line, in_halves, up_to_the_end};
use super::types::{Action, Base, ChainId, Condition, Listing, Rule};
use crate::packet::{FlowSet, FlowSpace, Moment, TooLarge};

/// What one line does with some packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The chain.
    pub chain: ChainId,
    /// The place among its rules; `None` for the policy of a base chain.
    pub rule: Option<usize>,
    /// The line, from 1; 0 if the file does not say.
    pub line: usize,
    /// Its text, or `policy accept` and `policy drop`.
    pub text: String,
    /// Those that it accepts, or may accept. A packet that passes is accepted once in each base chain that sees it.
    pub accepts: FlowSet,
    /// Those that it drops, or may drop.
    pub drops: FlowSet,
}

/// The lines that decide some packets on a crossing, in the order of the file; policies too. Together they accept all packets among `flows` that possibly pass and drop all that
/// are possibly dropped, if any base chain sees them.
///
/// # Errors
/// [`TooLarge`] if the space has no room.
pub fn deciders(
    listing: &Listing,
    space: &mut FlowSpace,
    crossing: &Crossing<'_>,
    flows: FlowSet,
) -> Result<Vec<Decided>, TooLarge> {
    Evaluator::new(listing).deciders(space, crossing, flows)
}

impl Evaluator<'_> {
    /// [`deciders`] with what is known already.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room.
    pub fn deciders(
        &mut self,
        space: &mut FlowSpace,
        crossing: &Crossing<'_>,
        flows: FlowSet,
    ) -> Result<Vec<Decided>, TooLarge> {
        let mut found = Found::default();
        self.tour(space, crossing, flows, &mut Waiting::default(), &mut found)?;
        Ok(found.into_decided(self.listing))
    }

    /// The rules with something unknown that some packets come to on a crossing, by chain and place in it.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room.
    pub fn unknown(
        &mut self,
        space: &mut FlowSpace,
        crossing: &Crossing<'_>,
        flows: FlowSet,
    ) -> Result<BTreeSet<(ChainId, usize)>, TooLarge> {
        let is_error = crossing.direction == Some(Direction::Error);
        let mut found = Vague { listing: self.listing, is_error, places: BTreeSet::new() };
        self.tour(space, crossing, flows, &mut Waiting::default(), &mut found)?;
        Ok(found.places)
    }

    /// Shows a visitor all that some packets come to on a crossing.
    pub(super) fn tour(
        &mut self,
        space: &mut FlowSpace,
        crossing: &Crossing<'_>,
        flows: FlowSet,
        waiting: &mut Waiting,
        visitor: &mut dyn Visitor,
    ) -> Result<(), TooLarge> {
        let mut alive = flows;
        for stage in crossing.stages() {
            for base in self.bases(stage.hook) {
                let whole = self.base(space, base, &stage)?;
                let input = space.intersection(alive, whole.seen)?;
                waiting.add(space, &self.calls, base.chain, input)?;
                self.visit(space, &stage, waiting, visitor)?;
                let left = space.intersection(input, whole.effect.leave)?;
                visitor.policy(space, base, left)?;
                let unseen = space.difference(alive, whole.seen)?;
                let accepted = space.intersection(input, whole.effect.accept)?;
                alive = space.union(unseen, accepted)?;
            }
        }
        Ok(())
    }

    /// Shows a visitor every chain that packets come to, and in it every rule, callers before what they call.
    pub(super) fn visit(
        &mut self,
        space: &mut FlowSpace,
        stage: &Crossing<'_>,
        waiting: &mut Waiting,
        visitor: &mut dyn Visitor,
    ) -> Result<(), TooLarge> {
        while let Some((chain, input)) = waiting.next() {
            let lines = self.lines(space, chain, stage)?;
            visitor.list(space, &List { chain, lines: &lines, input })?;
            let rules = self.listing.chains.get(chain.0).map_or(&[][..], |chain| &chain.rules);
            for (line, live) in reached(space, &lines, input)? {
                let Some(rule) = rules.get(line.index) else { continue };
                let reached = Reached { chain, rule: line.index, action: &rule.action, live };
                self.follow(space, stage, &reached, waiting, visitor)?;
            }
        }
        Ok(())
    }

    fn follow(
        &mut self,
        space: &mut FlowSpace,
        stage: &Crossing<'_>,
        reached: &Reached<'_>,
        waiting: &mut Waiting,
        visitor: &mut dyn Visitor,
    ) -> Result<(), TooLarge> {
        match reached.action {
            Action::Jump(target) | Action::Goto(target) if self.calls.is_unknowable(*target) => {
                // As good as an unknown action.
                visitor.reached(space, &Reached { action: &Action::Unknown(String::new()), ..*reached })
            }
            Action::Jump(target) | Action::Goto(target) => {
                visitor.reached(space, reached)?;
                waiting.add(space, &self.calls, *target, reached.live)
            }
            Action::Choose(entries) => {
                visitor.reached(space, reached)?;
                let lines = self.entries(space, entries, stage)?;
                for (line, live) in self::reached(space, &lines, reached.live)? {
                    let Some((_, action)) = entries.get(line.index) else { continue };
                    self.follow(space, stage, &Reached { action, live, ..*reached }, waiting, visitor)?;
                }
                Ok(())
            }
            _ => visitor.reached(space, reached),
        }
    }
}

/// Who is shown what packets come to.
pub(super) trait Visitor {
    /// A chain, before its rules.
    fn list(&mut self, _space: &mut FlowSpace, _list: &List<'_>) -> Result<(), TooLarge> {
        Ok(())
    }

    /// A rule, or an entry of its verdict map.
    fn reached(&mut self, space: &mut FlowSpace, reached: &Reached<'_>) -> Result<(), TooLarge>;

    /// The policy of a base chain, with the packets that possibly come to it.
    fn policy(&mut self, _space: &mut FlowSpace, _base: &Base, _left: FlowSet) -> Result<(), TooLarge> {
        Ok(())
    }
}

/// A chain with the packets that possibly come to it.
pub(super) struct List<'a> {
    pub(super) chain: ChainId,
    pub(super) lines: &'a [Line],
    pub(super) input: FlowSet,
}

/// A rule, or an entry of its verdict map, with the packets that possibly come to it and match.
#[derive(Clone, Copy)]
pub(super) struct Reached<'a> {
    pub(super) chain: ChainId,
    pub(super) rule: usize,
    pub(super) action: &'a Action,
    pub(super) live: FlowSet,
}

/// What comes to chains that were not looked at yet, callers first.
#[derive(Default)]
pub(super) struct Waiting {
    inputs: BTreeMap<(Reverse<usize>, ChainId), FlowSet>,
    /// What comes to chains that are the same on every crossing, if they are to be looked at once for all of them.
    later: Option<BTreeMap<(Reverse<usize>, ChainId), FlowSet>>,
}

impl Waiting {
    /// Chains that are the same on every crossing wait until [`Self::release`].
    pub(super) fn with_later() -> Self {
        Self { inputs: BTreeMap::new(), later: Some(BTreeMap::new()) }
    }

    /// From now on, what was kept for later is looked at, and nothing more is kept.
    pub(super) fn release(&mut self) {
        self.inputs.append(&mut self.later.take().unwrap_or_default());
    }

    pub(super) fn add(
        &mut self,
        space: &mut FlowSpace,
        calls: &Calls,
        chain: ChainId,
        input: FlowSet,
    ) -> Result<(), TooLarge> {
        if input.is_empty() {
            return Ok(());
        }
        let inputs = match &mut self.later {
            Some(later) if calls.depends(chain) == Depends::default() => later,
            _ => &mut self.inputs,
        };
        let known = inputs.entry((Reverse(calls.height(chain)), chain)).or_insert(FlowSet::EMPTY);
        *known = space.union(*known, input)?;
        Ok(())
    }

    fn next(&mut self) -> Option<(ChainId, FlowSet)> {
        self.inputs.pop_first().map(|((_, chain), input)| (chain, input))
    }
}

/// The lines that some of the packets `input` come to and can match, with these packets.
pub(super) fn reached(space: &mut FlowSpace, lines: &[Line], input: FlowSet) -> Result<Vec<(Line, FlowSet)>, TooLarge> {
    if input.is_empty() {
        return Ok(Vec::new());
    }
    let lines = up_to_the_end(lines);
    let asks = halves(space, lines.iter().map(|line| line.asked.may).collect())?;
    let hides = halves(space, lines.iter().map(|line| line.hides).collect())?;
    let mut search = Search { asks, hides, lines, found: Vec::new(), tidy: Tidy::new(space) };
    let top = Part::whole(&search.asks);
    let rest = space.intersection(input, of(&search.asks, top))?;
    search.descend(space, top, rest)?;
    Ok(search.found)
}

/// The unions of parts of a list.
pub(super) fn halves(space: &mut FlowSpace, sets: Vec<FlowSet>) -> Result<Vec<Vec<FlowSet>>, TooLarge> {
    in_halves(sets, |left, right| space.union(left, right))
}

/// A part of a list in halves.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) round: usize,
    pub(super) number: usize,
}

impl Part {
    /// The whole of a list.
    pub(super) fn whole<T>(rounds: &[Vec<T>]) -> Self {
        Self { round: rounds.len().saturating_sub(1), number: 0 }
    }

    /// Its halves; `None` for a single place.
    pub(super) fn halves(self) -> Option<(Self, Self)> {
        let round = self.round.checked_sub(1)?;
        let left = Self { round, number: self.number * 2 };
        Some((left, Self { round, number: left.number + 1 }))
    }
}

/// What belongs to a part.
pub(super) fn of(rounds: &[Vec<FlowSet>], part: Part) -> FlowSet {
    rounds.get(part.round).and_then(|round| round.get(part.number)).copied().unwrap_or(FlowSet::EMPTY)
}

struct Search<'a> {
    asks: Vec<Vec<FlowSet>>,
    hides: Vec<Vec<FlowSet>>,
    lines: &'a [Line],
    found: Vec<(Line, FlowSet)>,
    tidy: Tidy,
}

impl Search<'_> {
    /// Frees what was made since `mark` and is not what comes to the lines found from `from` on.
    fn tidy(&mut self, space: &mut FlowSpace, mark: Moment, from: usize) {
        if !self.tidy.is_due(space) {
            return;
        }
        let mut live: Vec<FlowSet> = self.found.iter().skip(from).map(|(_, live)| *live).collect();
        self.tidy.tidy(space, mark, &mut live);
        self.found.iter_mut().skip(from).zip(live).for_each(|((_, old), new)| *old = new);
    }

    /// `rest` is what comes to the part and some line of it can match.
    fn descend(&mut self, space: &mut FlowSpace, part: Part, rest: FlowSet) -> Result<(), TooLarge> {
        if rest.is_empty() {
            return Ok(());
        }
        let Some((left, right)) = part.halves() else {
            self.found.extend(self.lines.get(part.number).map(|line| (*line, rest)));
            return Ok(());
        };
        let (mark, from) = (space.mark(), self.found.len());
        let first = space.intersection(rest, of(&self.asks, left))?;
        self.descend(space, left, first)?;
        self.tidy(space, mark, from);
        let later = space.difference(rest, of(&self.hides, left))?;
        let later = space.intersection(later, of(&self.asks, right))?;
        self.descend(space, right, later)?;
        self.tidy(space, mark, from);
        Ok(())
    }
}

/// When to free sets that nothing needs any more: whenever they outnumber the rest.
pub(super) struct Tidy {
    kept: usize,
}

impl Tidy {
    /// Freeing costs a pass over the rest, so a few sets are left alone.
    const LEAST: usize = 500_000;

    pub(super) fn new(space: &FlowSpace) -> Self {
        Self { kept: space.edges() }
    }

    /// Frees what was made since `mark` but for `sets`, if that is worth it.
    pub(super) fn tidy(&mut self, space: &mut FlowSpace, mark: Moment, sets: &mut [FlowSet]) {
        if self.is_due(space) {
            space.keep(mark, sets);
            self.kept = space.edges();
        }
    }

    fn is_due(&self, space: &FlowSpace) -> bool {
        space.edges() > self.kept.saturating_mul(2).max(Self::LEAST)
    }
}

/// What was found per line, in the order of the file.
#[derive(Default)]
struct Found {
    lines: BTreeMap<(ChainId, Option<usize>), (FlowSet, FlowSet)>,
}

/// Rules with something unknown.
struct Vague<'a> {
    listing: &'a Listing,
    /// Whether what comes is an ICMP error, of which only the connection is known that it is about.
    is_error: bool,
    places: BTreeSet<(ChainId, usize)>,
}

impl Visitor for Vague<'_> {
    fn reached(&mut self, _space: &mut FlowSpace, reached: &Reached<'_>) -> Result<(), TooLarge> {
        let rule = self.listing.chains.get(reached.chain.0).and_then(|chain| chain.rules.get(reached.rule));
        let is_unknown = |rule: &&Rule| {
            let drops = rule.action == Action::Drop;
            rule.is_unknown()
                || rule.asks_for_first()
                || matches!(reached.action, Action::Unknown(_))
                || self.is_error && drops && rule.when.iter().any(Condition::is_of_header)
        };
        self.places.extend(rule.filter(is_unknown).map(|_| (reached.chain, reached.rule)));
        Ok(())
    }
}

impl Visitor for Found {
    fn reached(&mut self, space: &mut FlowSpace, reached: &Reached<'_>) -> Result<(), TooLarge> {
        let (accepts, drops) = match reached.action {
            Action::Accept => (reached.live, FlowSet::EMPTY),
            Action::Drop => (FlowSet::EMPTY, reached.live),
            Action::Unknown(_) => (reached.live, reached.live),
            _ => return Ok(()),
        };
        self.add(space, (reached.chain, Some(reached.rule)), accepts, drops)
    }

    fn policy(&mut self, space: &mut FlowSpace, base: &Base, left: FlowSet) -> Result<(), TooLarge> {
        let (accepts, drops) = match base.policy {
            Action::Accept => (left, FlowSet::EMPTY),
            Action::Drop => (FlowSet::EMPTY, left),
            _ => (left, left),
        };
        self.add(space, (base.chain, None), accepts, drops)
    }
}

impl Found {
    fn add(
        &mut self,
        space: &mut FlowSpace,
        key: (ChainId, Option<usize>),
        accepts: FlowSet,
        drops: FlowSet,
    ) -> Result<(), TooLarge> {
        if accepts.is_empty() && drops.is_empty() {
            return Ok(());
        }
        let known = self.lines.entry(key).or_insert((FlowSet::EMPTY, FlowSet::EMPTY));
        *known = (space.union(known.0, accepts)?, space.union(known.1, drops)?);
        Ok(())
    }

    fn into_decided(self, listing: &Listing) -> Vec<Decided> {
        let decided = |((chain, rule), (accepts, drops)): ((ChainId, Option<usize>), _)| {
            let within = listing.chains.get(chain.0);
            let written = rule.and_then(|rule| within?.rules.get(rule));
            let policy = listing.bases.iter().find(|base| base.chain == chain).map(|base| &base.policy);
            let (line, text) = match (written, policy) {
                (Some(rule), _) => (rule.line, rule.text.clone()),
                (None, Some(Action::Accept)) => (within.map_or(0, |chain| chain.line), "policy accept".to_owned()),
                (None, Some(Action::Drop)) => (within.map_or(0, |chain| chain.line), "policy drop".to_owned()),
                (None, _) => (within.map_or(0, |chain| chain.line), "policy".to_owned()),
            };
            Decided { chain, rule, line, text, accepts, drops }
        };
        let mut found: Vec<Decided> = self.lines.into_iter().map(decided).collect();
        found.sort_by_key(|one| (one.line, one.chain, one.rule));
        found
    }
}
