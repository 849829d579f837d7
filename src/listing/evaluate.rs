//! What a listing does with every packet at once.
//!
//! The meaning of a list of rules is a function from packets to what can become of them: accepted, dropped, given back to the caller. Unknown conditions and actions make
//! several outcomes possible. Two lists in a row compose, and composition is associative, so a chain is folded in halves; runs of plain accepts and drops, most of a long list, go
//! through [`FlowSpace::first_match`]. A chain is computed once for all packets and all its callers, and again for another crossing only if it, or a chain below it, asks
//! for interfaces or states. A chain that no packet of a crossing gets to is not looked at.
//!
//! A packet passes *possibly* if some resolution of what is unknown lets it pass, *surely* if none drops it. As every packet ends somewhere, these are the sets of packets with a
//! passing and without a dropping outcome.

use rustc_hash::FxHashMap;

use super::calls::{Calls, Depends};
use super::condition::{self, Match};
use super::crossing::{Crossing, Direction};
use super::types::{Action, Base, Blur, ChainId, Condition, Hook, Listing, Noticed, Sees, State};
use crate::packet::{Action as Verdict, FlowSet, FlowSpace, Order, TooLarge};

/// What passes a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// However what is unknown is resolved.
    pub surely: FlowSet,
    /// If what is unknown is resolved that way.
    pub possibly: FlowSet,
}

/// What can become of packets; a packet may be in several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) accept: FlowSet,
    pub(super) drop: FlowSet,
    /// The chain is left for its caller.
    pub(super) leave: FlowSet,
    /// The next rule is asked; for a whole chain always empty.
    pub(super) on: FlowSet,
}

impl Effect {
    pub(super) const NONE: Self =
        Self { accept: FlowSet::EMPTY, drop: FlowSet::EMPTY, leave: FlowSet::EMPTY, on: FlowSet::EMPTY };
    /// Of a rule whose action is not known: it may be one that only marks.
    pub(super) const UNKNOWN: Self =
        Self { accept: FlowSet::FULL, drop: FlowSet::FULL, leave: FlowSet::EMPTY, on: FlowSet::FULL };
}

/// A rule, or an entry of a verdict map, that a crossing can meet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// Its place among the rules or entries.
    pub(super) index: usize,
    /// The packets that it can match, and surely matches.
    pub(super) asked: Match,
    /// What becomes of those that it matches.
    pub(super) effect: Effect,
    /// The packets that surely get no further.
    pub(super) hides: FlowSet,
}

impl Line {
    fn verdict(&self) -> Option<Verdict> {
        if !self.asked.is_known() || self.hides != self.asked.may {
            return None;
        }
        let accept = Effect { accept: FlowSet::FULL, ..Effect::NONE };
        let drop = Effect { drop: FlowSet::FULL, ..Effect::NONE };
        match self.effect {
            effect if effect == accept => Some(Verdict::Permit),
            effect if effect == drop => Some(Verdict::Deny),
            _ => None,
        }
    }
}

impl Listing {
    /// What makes the reading less certain as a whole: if there is any, neither "surely" nor "not possibly" holds beyond what stands in the rules.
    pub fn blurs(&self) -> impl Iterator<Item = &Noticed> {
        self.noticed.iter().filter(|noticed| noticed.blurs())
    }

    /// The first thing because of which what passes this device is known, and not what comes of it from end to end.
    #[must_use]
    pub fn beyond(&self) -> Option<&Noticed> {
        self.noticed.iter().find(|noticed| noticed.blur == Blur::Beyond)
    }
}

/// What passes a device on one crossing. For many crossings of one listing an [`Evaluator`] is cheaper.
///
/// # Errors
/// [`TooLarge`] if the space has no room; another order of fields may ([`in_some_order`]).
pub fn passed(listing: &Listing, space: &mut FlowSpace, crossing: &Crossing<'_>) -> Result<Passed, TooLarge> {
    Evaluator::new(listing).passed(space, crossing)
}

/// Computes in a fresh space; where that is too large, in one with another order of fields. Sets in the answer are of the space beside it.
///
/// # Errors
/// [`TooLarge`] if it is in every order.
pub fn in_some_order<T>(
    mut compute: impl FnMut(&mut FlowSpace) -> Result<T, TooLarge>,
) -> Result<(FlowSpace, T), TooLarge> {
    let mut attempt = |order| {
        let mut space = FlowSpace::new(order);
        compute(&mut space).map(|answer| (space, answer))
    };
    attempt(Order::DestinationFirst).or_else(|_| attempt(Order::ServiceFirst)).or_else(|_| attempt(Order::SourceFirst))
}

/// A listing with what is known already of its chains, in one space. The sets that it remembers are never freed: give the same space to every call, and do not
/// [`FlowSpace::keep`] past the first one.
#[derive(Debug)]
pub struct Evaluator<'a> {
    pub(super) listing: &'a Listing,
    pub(super) calls: Calls,
    chains: FxHashMap<(ChainId, Option<State>), Effect>,
    /// Of chains that ask for interfaces, on the crossing of `at`.
    here: FxHashMap<ChainId, Effect>,
    at: Option<(Hook, Option<String>, Option<String>, State)>,
    /// In which direction what is known was asked.
    direction: Option<Direction>,
    rules: FxHashMap<(ChainId, usize), Match>,
}

impl<'a> Evaluator<'a> {
    /// Nothing is computed yet.
    #[must_use]
    pub fn new(listing: &'a Listing) -> Self {
        Self {
            listing,
            calls: Calls::new(listing),
            chains: FxHashMap::default(),
            here: FxHashMap::default(),
            at: None,
            direction: None,
            rules: FxHashMap::default(),
        }
    }

    /// What passes on one crossing.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room.
    pub fn passed(&mut self, space: &mut FlowSpace, crossing: &Crossing<'_>) -> Result<Passed, TooLarge> {
        let (mut alive, mut dropped) = (FlowSet::FULL, Vec::new());
        for stage in crossing.stages() {
            for base in self.bases(stage.hook) {
                let whole = self.base(space, base, &stage)?;
                let unseen = space.difference(alive, whole.seen)?;
                let accepted = space.intersection(alive, whole.effect.accept)?;
                dropped.push(space.intersection(alive, whole.effect.drop)?);
                alive = space.union(unseen, accepted)?;
            }
        }
        let diverted = self.diverted(space, crossing)?;
        let dropped = space.union_all(&dropped)?;
        let dropped = space.union(dropped, diverted)?;
        Ok(Passed { surely: space.complement(dropped)?, possibly: space.union(alive, diverted)? })
    }

    /// The base chains of a hook, in the order in which they are asked.
    pub(super) fn bases(&self, hook: Hook) -> Vec<&'a Base> {
        let mut found: Vec<&Base> = self.listing.bases.iter().filter(|base| base.hook == hook).collect();
        found.sort_by_key(|base| base.priority);
        found
    }

    /// What a base chain with its policy does with the packets that it sees.
    pub(super) fn base(&mut self, space: &mut FlowSpace, base: &Base, stage: &Crossing<'_>) -> Result<Whole, TooLarge> {
        let families: Vec<FlowSet> = base.families.iter().map(|family| FlowSet::FULL.only(*family)).collect();
        let seen = space.union_all(&families)?;
        let chain = self.entered(space, base.chain, stage)?;
        if base.sees == Sees::First && !stage.may_begin() {
            return Ok(Whole { seen: FlowSet::EMPTY, effect: Effect::NONE });
        }
        let (accepts, drops) = match base.policy {
            Action::Accept => (chain.leave, FlowSet::EMPTY),
            Action::Drop => (FlowSet::EMPTY, chain.leave),
            _ => (chain.leave, chain.leave),
        };
        let accept = space.union(chain.accept, accepts)?;
        let drop = space.union(chain.drop, drops)?;
        // An ICMP error passes such a chain by, an announced connection does not.
        let passes_by = base.sees == Sees::First && stage.state == State::Related && stage.direction.is_none();
        let accept = if passes_by { seen } else { space.intersection(accept, seen)? };
        let drop = space.intersection(drop, seen)?;
        let leave = space.intersection(chain.leave, seen)?;
        Ok(Whole { seen, effect: Effect { accept, drop, leave, on: FlowSet::EMPTY } })
    }

    fn entered(&mut self, space: &mut FlowSpace, id: ChainId, stage: &Crossing<'_>) -> Result<Effect, TooLarge> {
        if self.listing.chains.get(id.0).is_none() {
            return Ok(Effect { on: FlowSet::EMPTY, ..Effect::UNKNOWN });
        }
        let here = (stage.hook, stage.incoming.map(str::to_owned), stage.outgoing.map(str::to_owned), stage.state);
        if self.direction != stage.direction {
            self.direction = stage.direction;
            self.chains.clear();
            self.rules.clear();
            self.at = None;
        }
        if self.at.as_ref() != Some(&here) {
            self.here.clear();
            self.at = Some(here);
        }
        self.chain(space, id, stage)
    }

    /// What a chain does with every packet.
    fn chain(&mut self, space: &mut FlowSpace, id: ChainId, stage: &Crossing<'_>) -> Result<Effect, TooLarge> {
        let depends = self.calls.depends(id);
        let key = (id, depends.state.then_some(stage.state));
        let known = if depends.interfaces { self.here.get(&id) } else { self.chains.get(&key) };
        if let Some(effect) = known {
            return Ok(*effect);
        }
        // Nothing below a rule that ends the chain for every packet is looked at: often most of the rule set, for packets of known connections.
        let mut lines = self.lines_until(space, id, stage, FlowSet::is_full)?;
        lines.iter_mut().for_each(|line| line.effect.on = FlowSet::EMPTY);
        let whole = folded(space, up_to_the_end(&lines))?;
        let rest = space.complement(whole.hides)?;
        let leave = space.union(whole.leave, rest)?;
        let effect = Effect { accept: whole.accept, drop: whole.drop, leave, on: FlowSet::EMPTY };
        if depends.interfaces {
            self.here.insert(id, effect);
        } else {
            self.chains.insert(key, effect);
        }
        Ok(effect)
    }

    /// The rules of a chain that some packet of a crossing can meet, in order. After [`Self::base`] of the crossing, everything that it needs is known.
    pub(super) fn lines(
        &mut self,
        space: &mut FlowSpace,
        id: ChainId,
        stage: &Crossing<'_>,
    ) -> Result<Vec<Line>, TooLarge> {
        self.lines_until(space, id, stage, |_| false)
    }

    /// The same up to the first that hides what `ends` says.
    fn lines_until(
        &mut self,
        space: &mut FlowSpace,
        id: ChainId,
        stage: &Crossing<'_>,
        ends: impl Fn(FlowSet) -> bool,
    ) -> Result<Vec<Line>, TooLarge> {
        let listing = self.listing;
        let rules = listing.chains.get(id.0).map_or(&[][..], |chain| &chain.rules);
        let mut lines = Vec::with_capacity(rules.len());
        for (index, rule) in rules.iter().enumerate() {
            if condition::is_elsewhere(&rule.when, stage) {
                continue;
            }
            let asked = self.asked(space, (id, index), &rule.when, stage)?;
            if asked.may.is_empty() {
                continue;
            }
            let effect = self.effect(space, &rule.action, stage)?;
            let hides = space.difference(asked.must, effect.on)?;
            lines.push(Line { index, asked, effect, hides });
            if ends(hides) {
                break;
            }
        }
        Ok(lines)
    }

    fn asked(
        &mut self,
        space: &mut FlowSpace,
        key: (ChainId, usize),
        when: &[Condition],
        stage: &Crossing<'_>,
    ) -> Result<Match, TooLarge> {
        if let Some(known) = self.rules.get(&key) {
            return Ok(*known);
        }
        let asked = condition::all(space, when, stage)?;
        if Depends::of_conditions(when) == Depends::default() {
            self.rules.insert(key, asked);
        }
        Ok(asked)
    }

    /// The entries of a verdict map that some packet of a crossing can meet.
    pub(super) fn entries(
        &mut self,
        space: &mut FlowSpace,
        entries: &[(Vec<Condition>, Action)],
        stage: &Crossing<'_>,
    ) -> Result<Vec<Line>, TooLarge> {
        let mut lines = Vec::new();
        for (index, (when, action)) in entries.iter().enumerate() {
            let asked = condition::all(space, when, stage)?;
            if !asked.may.is_empty() {
                let effect = self.effect(space, action, stage)?;
                lines.push(Line { index, asked, effect, hides: asked.must });
            }
        }
        Ok(lines)
    }

    /// What an action does with every packet.
    pub(super) fn effect(
        &mut self,
        space: &mut FlowSpace,
        action: &Action,
        stage: &Crossing<'_>,
    ) -> Result<Effect, TooLarge> {
        Ok(match action {
            Action::Continue => Effect { on: FlowSet::FULL, ..Effect::NONE },
            Action::Accept => Effect { accept: FlowSet::FULL, ..Effect::NONE },
            Action::Drop => Effect { drop: FlowSet::FULL, ..Effect::NONE },
            Action::Return => Effect { leave: FlowSet::FULL, ..Effect::NONE },
            Action::Jump(target) | Action::Goto(target) if self.calls.is_unknowable(*target) => Effect::UNKNOWN,
            Action::Jump(target) => {
                let below = self.chain(space, *target, stage)?;
                Effect { leave: FlowSet::EMPTY, on: below.leave, ..below }
            }
            Action::Goto(target) => self.chain(space, *target, stage)?,
            Action::Choose(entries) => {
                let lines = self.entries(space, entries, stage)?;
                let Folded { accept, drop, leave, on, hides } = folded(space, &lines)?;
                let rest = space.complement(hides)?;
                Effect { accept, drop, leave, on: space.union(on, rest)? }
            }
            Action::Unknown(_) => Effect::UNKNOWN,
        })
    }
}

/// A base chain with its policy.
pub(super) struct Whole {
    /// The families that it sees.
    pub(super) seen: FlowSet,
    /// What becomes of what it sees. `leave` is what the policy decides, and part of `accept` or `drop` already.
    pub(super) effect: Effect,
}

/// What some lines in a row do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folded {
    pub(super) accept: FlowSet,
    pub(super) drop: FlowSet,
    pub(super) leave: FlowSet,
    /// Of entries of a verdict map: the rule after it is asked.
    pub(super) on: FlowSet,
    /// The packets that surely get no further.
    pub(super) hides: FlowSet,
}

impl Folded {
    pub(super) const NOTHING: Self = Self {
        accept: FlowSet::EMPTY,
        drop: FlowSet::EMPTY,
        leave: FlowSet::EMPTY,
        on: FlowSet::EMPTY,
        hides: FlowSet::EMPTY,
    };

    pub(super) fn of(space: &mut FlowSpace, line: &Line) -> Result<Self, TooLarge> {
        let mut part = |set| space.intersection(line.asked.may, set);
        Ok(Self {
            accept: part(line.effect.accept)?,
            drop: part(line.effect.drop)?,
            leave: part(line.effect.leave)?,
            on: part(line.effect.on)?,
            hides: line.hides,
        })
    }

    fn run(space: &mut FlowSpace, lines: &[(FlowSet, Verdict)]) -> Result<Self, TooLarge> {
        let accept = space.first_match(lines)?;
        let sets: Vec<FlowSet> = lines.iter().map(|(set, _)| *set).collect();
        let hides = space.union_all(&sets)?;
        Ok(Self { accept, drop: space.difference(hides, accept)?, hides, ..Self::NOTHING })
    }

    pub(super) fn then(self, space: &mut FlowSpace, later: Self) -> Result<Self, TooLarge> {
        let mut both = |earlier, later| {
            let rest = space.difference(later, self.hides)?;
            space.union(earlier, rest)
        };
        Ok(Self {
            accept: both(self.accept, later.accept)?,
            drop: both(self.drop, later.drop)?,
            leave: both(self.leave, later.leave)?,
            on: both(self.on, later.on)?,
            hides: space.union(self.hides, later.hides)?,
        })
    }
}

/// The lines up to the first that surely ends the list for every packet.
pub(super) fn up_to_the_end(lines: &[Line]) -> &[Line] {
    let end = lines.iter().position(|line| line.hides.is_full()).map_or(lines.len(), |last| last + 1);
    lines.get(..end).unwrap_or(lines)
}

/// Lines in a row, in halves. Those that only go on do nothing, and are left out.
fn folded(space: &mut FlowSpace, lines: &[Line]) -> Result<Folded, TooLarge> {
    let mut parts = Vec::new();
    let mut run: Vec<(FlowSet, Verdict)> = Vec::new();
    for line in lines.iter().filter(|line| line.effect != Effect::NONE || !line.hides.is_empty()) {
        if let Some(verdict) = line.verdict() {
            run.push((line.asked.may, verdict));
            continue;
        }
        if !run.is_empty() {
            parts.push(Folded::run(space, &std::mem::take(&mut run))?);
        }
        parts.push(Folded::of(space, line)?);
    }
    if !run.is_empty() {
        parts.push(Folded::run(space, &run)?);
    }
    let whole = in_halves(parts, |earlier, later| earlier.then(space, later))?.pop();
    Ok(whole.and_then(|mut round| round.pop()).unwrap_or(Folded::NOTHING))
}

/// An associative operation over parts of a list: `[r][n]` is that of places `n << r .. (n + 1) << r`. There is at least one round.
pub(super) fn in_halves<T: Copy>(
    parts: Vec<T>,
    mut join: impl FnMut(T, T) -> Result<T, TooLarge>,
) -> Result<Vec<Vec<T>>, TooLarge> {
    let mut rounds = Vec::new();
    let mut current = parts;
    while current.len() > 1 {
        let mut merged = Vec::with_capacity(current.len().div_ceil(2));
        for pair in current.chunks(2) {
            match pair {
                [earlier, later] => merged.push(join(*earlier, *later)?),
                _ => merged.extend_from_slice(pair),
            }
        }
        rounds.push(std::mem::replace(&mut current, merged));
    }
    rounds.push(current);
    Ok(rounds)
}
