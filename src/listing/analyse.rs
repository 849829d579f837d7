//! What in a rule set does nothing, whatever the policy behind it.
//!
//! A line is dead if on every crossing, of every kind of interface and state, no packet that comes to its chain and can match it gets past the lines above it. What is unknown never
//! hides another line, and is dead only if nothing that it could match is left. Chains that no crossing changes are looked at once, with all that comes to them from
//! anywhere.
//!
//! A line is redundant if the rest of its chain does the same with what it decides, with dead lines and without; each on its own: of two lines that do each other's work both are
//! named, and one must stay. That a caller would do the same after the chain is not looked for.

use std::collections::{BTreeMap, BTreeSet};

use super::calls::{Trouble, acting, called, targets, troubles};
use super::crossing::{Crossing, crossings, interfaces, states};
use super::decide::{List, Part, Reached, Tidy, Visitor, Waiting, halves, of};
use super::evaluate::{Evaluator, in_some_order};
use super::redundant::{After, needed};
use super::types::{Action, ChainId, Hook, Listing, Rule};
use super::unusual::unusual;
use crate::packet::{FlowSet, FlowSpace, TooLarge};

/// Why a line or chain does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// No packet comes to this chain.
    Unreachable,
    /// No packet meets the conditions of this rule.
    Empty,
    /// What comes to this chain is never what the rule matches.
    Elsewhere,
    /// This earlier rule of the chain ends it for every packet.
    Behind(usize),
    /// These earlier rules of the chain take everything that it could match.
    Shadowed(Vec<usize>),
    /// Without it the chain does the same.
    Redundant,
}

/// A line or chain that does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The chain.
    pub chain: ChainId,
    /// The place among its rules; `None` for the chain itself.
    pub rule: Option<usize>,
    /// The line, from 1; 0 if the file does not say.
    pub line: usize,
    /// Why.
    pub what: What,
}

/// What [`analyse`] finds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Analysis {
    /// In the order of the file.
    pub findings: Vec<Finding>,
    /// What is wrong with how chains ask each other.
    pub troubles: Vec<Trouble>,
    /// The lines of rules of which something is not known.
    pub unknown: Vec<usize>,
}

/// A rule: its chain, and its place there.
pub(super) type Place = (ChainId, usize);

/// The lines and chains that do nothing, on any way through, to or from the device.
///
/// # Errors
/// [`TooLarge`] if the sets of some chain are, in every order of fields.
pub fn analyse(listing: &Listing) -> Result<Analysis, TooLarge> {
    let listing = &*unusual(listing);
    let names = interfaces(&[listing]);
    let states = states(&[listing]);
    let ways: Vec<Crossing<'_>> =
        [Hook::Forward, Hook::Input, Hook::Output].iter().flat_map(|hook| crossings(*hook, &names, &states)).collect();
    let (_, findings) = in_some_order(|space| {
        let mut evaluator = Evaluator::new(listing);
        let mut alive = Alive::default();
        everywhere(&mut evaluator, space, &ways, &mut alive)?;
        let mut reasons = Reasons {
            listing,
            called: called(listing),
            acting: acting(listing),
            alive,
            takers: BTreeMap::new(),
            needed: BTreeSet::new(),
        };
        everywhere(&mut evaluator, space, &ways, &mut reasons)?;
        Ok(reasons.findings())
    })?;
    Ok(Analysis { findings, troubles: troubles(listing), unknown: unknown_lines(listing) })
}

/// Shows a visitor every chain on every way; chains that are the same on all of them once.
fn everywhere(
    evaluator: &mut Evaluator<'_>,
    space: &mut FlowSpace,
    ways: &[Crossing<'_>],
    visitor: &mut dyn Visitor,
) -> Result<(), TooLarge> {
    let mut waiting = Waiting::with_later();
    for way in ways {
        evaluator.tour(space, way, FlowSet::FULL, &mut waiting, visitor)?;
    }
    waiting.release();
    match ways.first() {
        Some(way) => evaluator.visit(space, way, &mut waiting, visitor),
        None => Ok(()),
    }
}

/// What packets come to.
#[derive(Default)]
struct Alive {
    chains: BTreeSet<ChainId>,
    /// Rules that some packet comes to and can match.
    rules: BTreeSet<Place>,
    /// Rules that some packet could match, if it came.
    possible: BTreeSet<Place>,
}

impl Visitor for Alive {
    fn list(&mut self, _space: &mut FlowSpace, list: &List<'_>) -> Result<(), TooLarge> {
        self.chains.insert(list.chain);
        self.possible.extend(list.lines.iter().map(|line| (list.chain, line.index)));
        Ok(())
    }

    fn reached(&mut self, _space: &mut FlowSpace, reached: &Reached<'_>) -> Result<(), TooLarge> {
        self.rules.insert((reached.chain, reached.rule));
        Ok(())
    }
}

/// Why dead rules are dead, and which of the others matter.
struct Reasons<'a> {
    listing: &'a Listing,
    /// Chains that others ask.
    called: BTreeSet<usize>,
    /// Chains in which something does more than decide, or that lead to one.
    acting: BTreeSet<usize>,
    alive: Alive,
    /// The rules that take what a dead one could match.
    takers: BTreeMap<Place, BTreeSet<usize>>,
    needed: BTreeSet<Place>,
}

impl Visitor for Reasons<'_> {
    fn list(&mut self, space: &mut FlowSpace, list: &List<'_>) -> Result<(), TooLarge> {
        let (mark, mut tidy) = (space.mark(), Tidy::new(space));
        let (mut dead, mut lines) = (Vec::new(), Vec::with_capacity(list.lines.len()));
        for (at, line) in list.lines.iter().enumerate() {
            match self.alive.rules.contains(&(list.chain, line.index)) {
                true => lines.push(*line),
                false => dead.push(at),
            }
        }
        if !dead.is_empty() {
            let hides = halves(space, list.lines.iter().map(|line| line.hides).collect())?;
            for at in dead {
                self.blame(space, list, &hides, at)?;
            }
            tidy.tidy(space, mark, &mut []);
        }
        let end = self.end(list.chain);
        let mut found = needed(space, end, list)?;
        tidy.tidy(space, mark, &mut []);
        if lines.len() < list.lines.len() {
            found.extend(needed(space, end, &List { lines: &lines, ..*list })?);
        }
        tidy.tidy(space, mark, &mut []);
        self.needed.extend(found.into_iter().map(|index| (list.chain, index)));
        Ok(())
    }

    fn reached(&mut self, _space: &mut FlowSpace, _reached: &Reached<'_>) -> Result<(), TooLarge> {
        Ok(())
    }
}

impl Reasons<'_> {
    /// Notes the rules that take what the dead line at `at` could match of what comes.
    fn blame(
        &mut self,
        space: &mut FlowSpace,
        list: &List<'_>,
        hides: &[Vec<FlowSet>],
        at: usize,
    ) -> Result<(), TooLarge> {
        let Some(line) = list.lines.get(at) else { return Ok(()) };
        let rest = space.intersection(list.input, line.asked.may)?;
        let mut found = Vec::new();
        take(space, hides, Part::whole(hides), at, rest, &mut found)?;
        let indices = found.iter().filter_map(|place| list.lines.get(*place)).map(|line| line.index);
        self.takers.entry((list.chain, line.index)).or_default().extend(indices);
        Ok(())
    }

    /// What becomes of packets after the last rule. Where callers or several policies may follow, a chain is judged by what it gives back.
    fn end(&self, chain: ChainId) -> After {
        let mut policies: Vec<&Action> =
            self.listing.bases.iter().filter(|base| base.chain == chain).map(|base| &base.policy).collect();
        policies.dedup();
        match policies.as_slice() {
            [Action::Accept] if !self.called.contains(&chain.0) => After { accept: FlowSet::FULL, ..After::NOTHING },
            [Action::Drop] if !self.called.contains(&chain.0) => After { drop: FlowSet::FULL, ..After::NOTHING },
            _ => After { leave: FlowSet::FULL, ..After::NOTHING },
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for (number, chain) in self.listing.chains.iter().enumerate() {
            let id = ChainId(number);
            if !self.alive.chains.contains(&id) {
                found.push(Finding { chain: id, rule: None, line: chain.line, what: What::Unreachable });
                continue;
            }
            // Whoever decides keeps packets from what acts further down.
            let acting = chain.rules.iter().rposition(|rule| self.acts(rule));
            for (index, rule) in chain.rules.iter().enumerate() {
                let what = self.of_rule((id, index), &rule.action);
                let what = what.filter(|what| *what != What::Redundant || acting.is_none_or(|last| last < index));
                found.extend(what.map(|what| Finding { chain: id, rule: Some(index), line: rule.line, what }));
            }
        }
        found.sort_by_key(|one| (one.line, one.chain, one.rule));
        found
    }

    /// Whether a rule, or a chain that it leads to, does more than decide.
    fn acts(&self, rule: &Rule) -> bool {
        let mut leads = Vec::new();
        targets(&rule.action, &mut leads);
        rule.acts || leads.iter().any(|chain| self.acting.contains(chain))
    }

    fn of_rule(&self, place: Place, action: &Action) -> Option<What> {
        if self.alive.rules.contains(&place) {
            let decides = matches!(action, Action::Accept | Action::Drop | Action::Return);
            return (decides && !self.needed.contains(&place)).then_some(What::Redundant);
        }
        if !self.alive.possible.contains(&place) {
            return Some(What::Empty);
        }
        let takers: Vec<usize> = self.takers.get(&place).into_iter().flatten().copied().collect();
        let rules = self.listing.chains.get(place.0.0).map_or(&[][..], |chain| &chain.rules);
        Some(match takers.as_slice() {
            [] => What::Elsewhere,
            [.., last] if rules.get(*last).is_some_and(|rule| rule.when.is_empty()) => What::Behind(*last),
            _ => What::Shadowed(takers),
        })
    }
}

/// The places before `end` that take something of `rest`, in order; returns what they leave.
fn take(
    space: &mut FlowSpace,
    hides: &[Vec<FlowSet>],
    part: Part,
    end: usize,
    rest: FlowSet,
    found: &mut Vec<usize>,
) -> Result<FlowSet, TooLarge> {
    let set = of(hides, part);
    if part.number << part.round >= end || rest.is_empty() || !space.intersects(rest, set) {
        return Ok(rest);
    }
    match part.halves() {
        None => {
            found.push(part.number);
            space.difference(rest, set)
        }
        Some((left, right)) => {
            let rest = take(space, hides, left, end, rest, found)?;
            take(space, hides, right, end, rest, found)
        }
    }
}

/// The lines of rules of which something is not known, ascending.
fn unknown_lines(listing: &Listing) -> Vec<usize> {
    let rules = listing.chains.iter().flat_map(|chain| &chain.rules);
    let lines: BTreeSet<usize> = rules.filter(|rule| rule.is_unknown()).map(|rule| rule.line).collect();
    lines.into_iter().collect()
}
