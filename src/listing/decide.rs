//! Which lines decide what becomes of some packets.
//!
//! The same halves as in the evaluation, now from the top: of the packets that come to a list, each part gets those that it can match and that no earlier part surely took. Parts that
//! get none are left at once, so few packets in a long list cost few steps. What comes to a chain is collected from all its callers before the chain is looked at.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::crossing::Crossing;
use super::evaluate::{Evaluator, Line};
use super::types::{Action, Base, ChainId, Listing};
use crate::packet::{FlowSet, FlowSpace, TooLarge};

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
        let mut alive = flows;
        for stage in crossing.stages() {
            for base in self.bases(stage.hook) {
                let whole = self.base(space, base, &stage)?;
                let input = space.intersection(alive, whole.seen)?;
                self.visit(space, &stage, base.chain, input, &mut |space, reached| found.note(space, &reached))?;
                let left = space.intersection(input, whole.effect.leave)?;
                found.policy(space, base, left)?;
                let unseen = space.difference(alive, whole.seen)?;
                let accepted = space.intersection(input, whole.effect.accept)?;
                alive = space.union(unseen, accepted)?;
            }
        }
        Ok(found.into_decided(self.listing))
    }

    /// Calls `visit` for every rule that packets come to, and every entry of a verdict map in it; callers before what they call.
    pub(super) fn visit(
        &mut self,
        space: &mut FlowSpace,
        stage: &Crossing<'_>,
        from: ChainId,
        input: FlowSet,
        visit: &mut Visit<'_>,
    ) -> Result<(), TooLarge> {
        let mut waiting = Waiting::default();
        waiting.add(space, self, from, input)?;
        while let Some(((_, chain), input)) = waiting.inputs.pop_first() {
            let lines = self.lines(space, chain, stage)?;
            let rules = self.listing.chains.get(chain.0).map_or(&[][..], |chain| &chain.rules);
            for (line, live) in reached(space, &lines, input)? {
                let Some(rule) = rules.get(line.index) else { continue };
                self.tell(space, Reached { chain, rule: line.index, action: &rule.action, live }, visit)?;
                self.follow(space, stage, (chain, line.index), &rule.action, live, &mut waiting, visit)?;
            }
        }
        Ok(())
    }

    /// A jump to a chain of which nothing can be said is as good as an unknown action.
    fn tell(&self, space: &mut FlowSpace, reached: Reached<'_>, visit: &mut Visit<'_>) -> Result<(), TooLarge> {
        match reached.action {
            Action::Jump(target) | Action::Goto(target) if self.calls.is_unknowable(*target) => {
                visit(space, Reached { action: &Action::Unknown(String::new()), ..reached })
            }
            _ => visit(space, reached),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one step of `visit`, which holds all of it")]
    fn follow(
        &mut self,
        space: &mut FlowSpace,
        stage: &Crossing<'_>,
        (chain, rule): (ChainId, usize),
        action: &Action,
        live: FlowSet,
        waiting: &mut Waiting,
        visit: &mut Visit<'_>,
    ) -> Result<(), TooLarge> {
        match action {
            Action::Jump(target) | Action::Goto(target) if !self.calls.is_unknowable(*target) => {
                waiting.add(space, self, *target, live)
            }
            Action::Choose(entries) => {
                let lines = self.entries(space, entries, stage)?;
                for (line, live) in reached(space, &lines, live)? {
                    let Some((_, action)) = entries.get(line.index) else { continue };
                    self.tell(space, Reached { chain, rule, action, live }, visit)?;
                    self.follow(space, stage, (chain, rule), action, live, waiting, visit)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// What is told of each rule, or entry, that packets come to.
pub(super) type Visit<'a> = dyn FnMut(&mut FlowSpace, Reached<'_>) -> Result<(), TooLarge> + 'a;

/// A rule, or an entry of its verdict map, with the packets that possibly come to it and match.
pub(super) struct Reached<'a> {
    pub(super) chain: ChainId,
    pub(super) rule: usize,
    pub(super) action: &'a Action,
    pub(super) live: FlowSet,
}

/// What comes to chains that were not looked at yet, callers first.
#[derive(Default)]
struct Waiting {
    inputs: BTreeMap<(Reverse<usize>, ChainId), FlowSet>,
}

impl Waiting {
    fn add(
        &mut self,
        space: &mut FlowSpace,
        evaluator: &Evaluator<'_>,
        chain: ChainId,
        input: FlowSet,
    ) -> Result<(), TooLarge> {
        if input.is_empty() {
            return Ok(());
        }
        let known = self.inputs.entry((Reverse(evaluator.calls.height(chain)), chain)).or_insert(FlowSet::EMPTY);
        *known = space.union(*known, input)?;
        Ok(())
    }
}

/// The lines that some of the packets `input` come to and can match, with these packets.
pub(super) fn reached(space: &mut FlowSpace, lines: &[Line], input: FlowSet) -> Result<Vec<(Line, FlowSet)>, TooLarge> {
    if input.is_empty() {
        return Ok(Vec::new());
    }
    let asks = halves(space, lines.iter().map(|line| line.asked.may).collect())?;
    let hides = halves(space, lines.iter().map(|line| line.hides).collect())?;
    let mut search = Search { asks, hides, lines, found: Vec::new() };
    let Some(round) = search.asks.len().checked_sub(1) else { return Ok(Vec::new()) };
    let top = Part { round, number: 0 };
    let rest = space.intersection(input, of(&search.asks, top))?;
    search.descend(space, top, rest)?;
    Ok(search.found)
}

/// The unions of parts of a list: `[r][n]` is that of places `n << r .. (n + 1) << r`.
fn halves(space: &mut FlowSpace, sets: Vec<FlowSet>) -> Result<Vec<Vec<FlowSet>>, TooLarge> {
    let mut rounds = Vec::new();
    let mut current = sets;
    while current.len() > 1 {
        let mut merged = Vec::with_capacity(current.len().div_ceil(2));
        for pair in current.chunks(2) {
            merged.push(match pair {
                [left, right] => space.union(*left, *right)?,
                _ => pair.first().copied().unwrap_or(FlowSet::EMPTY),
            });
        }
        rounds.push(std::mem::replace(&mut current, merged));
    }
    rounds.push(current);
    Ok(rounds)
}

#[derive(Clone, Copy)]
struct Part {
    round: usize,
    number: usize,
}

fn of(rounds: &[Vec<FlowSet>], part: Part) -> FlowSet {
    rounds.get(part.round).and_then(|round| round.get(part.number)).copied().unwrap_or(FlowSet::EMPTY)
}

struct Search<'a> {
    asks: Vec<Vec<FlowSet>>,
    hides: Vec<Vec<FlowSet>>,
    lines: &'a [Line],
    found: Vec<(Line, FlowSet)>,
}

impl Search<'_> {
    /// `rest` is what comes to the part and some line of it can match.
    fn descend(&mut self, space: &mut FlowSpace, part: Part, rest: FlowSet) -> Result<(), TooLarge> {
        if rest.is_empty() {
            return Ok(());
        }
        let Some(round) = part.round.checked_sub(1) else {
            self.found.extend(self.lines.get(part.number).map(|line| (*line, rest)));
            return Ok(());
        };
        let left = Part { round, number: part.number * 2 };
        let right = Part { round, number: left.number + 1 };
        let first = space.intersection(rest, of(&self.asks, left))?;
        self.descend(space, left, first)?;
        let later = space.difference(rest, of(&self.hides, left))?;
        let later = space.intersection(later, of(&self.asks, right))?;
        self.descend(space, right, later)
    }
}

/// What was found per line, in the order of the file.
#[derive(Default)]
struct Found {
    lines: BTreeMap<(ChainId, Option<usize>), (FlowSet, FlowSet)>,
}

impl Found {
    fn note(&mut self, space: &mut FlowSpace, reached: &Reached<'_>) -> Result<(), TooLarge> {
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
