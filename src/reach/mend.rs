//! Which rules, taken away, would mend a violated assertion.
//!
//! Flows that several allows cover pass until all of them are gone; flows that a quarantine holds pass until those that it keeps are gone. So each set of alike flows is a
//! choice between sets of rules (mostly one set), and the answer is the smallest union of one choice each. For chains the sets are found as the search goes: cutting any one hop
//! breaks a chain, and the next shortest is looked for. Both searches are exact within a budget; beyond it the answer is minimal (no rule of it can be left out), and says so.

use std::collections::BTreeSet;

use super::access::{Access, Cell};
use super::chain::{Hops, Link};
use super::prove::Violating;
use crate::model::RuleId;
use crate::syntax::ast::AssertionKind;

/// Rules whose removal mends an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mend {
    /// The rules, ascending; empty where no removal of rules can mend it.
    pub rules: Vec<RuleId>,
    /// Whether no smaller set would do; else only no part of this one would.
    pub certainty: Certainty,
}

/// How good a mend is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certainty {
    /// No smaller set of rules mends it.
    #[default]
    Smallest,
    /// No part of this set mends it; a smaller one may exist.
    Minimal,
}

/// Searches for smaller sets that are tried, each with a look at every choice or chain.
const BUDGET: usize = 2_000;

type Rules = BTreeSet<RuleId>;

/// The mend of an assertion about flows.
pub(super) fn direct(access: &Access<'_>, violating: &[Violating], kind: AssertionKind, without: &[RuleId]) -> Mend {
    if violating.iter().any(|one| !one.by_rules) {
        return Mend::default();
    }
    if kind == AssertionKind::Must {
        return denies(access, violating);
    }
    let choices: BTreeSet<Vec<Rules>> =
        violating.iter().map(|one| ways_to_stop(access, &one.cell, &one.held, without)).collect();
    let mut search = Search { budget: BUDGET, best: None };
    let choices: Vec<Vec<Rules>> = choices.into_iter().collect();
    search.choose(&choices, &Rules::new());
    match (search.best, search.budget) {
        (Some(best), 1..) => Mend { rules: best.into_iter().collect(), certainty: Certainty::Smallest },
        _ => minimal(choices.iter().flatten().flatten().copied().collect(), |rules| {
            choices.iter().all(|ways| ways.iter().any(|way| way.is_subset(rules)))
        }),
    }
}

/// A `must` is mended by taking denials away, if every flow has an allow that then lets it through.
fn denies(access: &Access<'_>, violating: &[Violating]) -> Mend {
    let all: Rules = violating.iter().flat_map(|one| one.cell.denies.iter().copied()).collect();
    let rules: Vec<RuleId> = all.into_iter().collect();
    let mended = violating.iter().all(|one| access.passes(&one.cell, &one.held, &rules));
    if mended { Mend { rules, certainty: Certainty::Smallest } } else { Mend::default() }
}

/// Each set of rules whose removal stops the flows of a cell, none of them part of another.
fn ways_to_stop(access: &Access<'_>, cell: &Cell, held: &[u32], without: &[RuleId]) -> Vec<Rules> {
    let standing: Rules = cell.allows.iter().copied().filter(|rule| !without.contains(rule)).collect();
    let kept = held.iter().filter_map(|number| access.model.quarantines.get(*number as usize));
    let kept = kept.map(|quarantine| standing.iter().copied().filter(|rule| quarantine.keep.contains(rule)).collect());
    let all: BTreeSet<Rules> = kept.chain([standing.clone()]).collect();
    let is_least = |way: &&Rules| !all.iter().any(|other| other != *way && other.is_subset(way));
    all.iter().filter(is_least).cloned().collect()
}

struct Search {
    budget: usize,
    best: Option<Rules>,
}

impl Search {
    fn improves(&self, size: usize) -> bool {
        self.best.as_ref().is_none_or(|best| size < best.len())
    }

    /// Takes one way for the first choice that the rules so far do not make.
    fn choose(&mut self, choices: &[Vec<Rules>], so_far: &Rules) {
        self.budget = self.budget.saturating_sub(1);
        if self.budget == 0 || !self.improves(so_far.len()) {
            return;
        }
        let open = choices.iter().filter(|ways| !ways.iter().any(|way| way.is_subset(so_far)));
        // Where there is one way only, it must be taken; so such choices come first.
        let Some(ways) = open.min_by_key(|ways| ways.len()) else {
            self.best = Some(so_far.clone());
            return;
        };
        for way in ways {
            self.choose(choices, &so_far.union(way).copied().collect());
        }
    }

    /// Cuts one hop of a shortest chain that is left.
    fn cut(&mut self, access: &Access<'_>, chains: &[Hops<'_>], waived: &[RuleId], so_far: &Rules) {
        self.budget = self.budget.saturating_sub(1);
        if self.budget == 0 || !self.improves(so_far.len()) {
            return;
        }
        let Some(chain) = left(chains, waived, so_far) else {
            self.best = Some(so_far.clone());
            return;
        };
        let gone = removed(waived, so_far);
        for way in ways_to_cut(access, &chain, &gone) {
            if self.improves(so_far.len().saturating_add(way.len())) {
                self.cut(access, chains, waived, &so_far.union(&way).copied().collect());
            }
        }
    }
}

fn removed(waived: &[RuleId], rules: &Rules) -> Vec<RuleId> {
    waived.iter().chain(rules).copied().collect()
}

fn left(chains: &[Hops<'_>], waived: &[RuleId], rules: &Rules) -> Option<Vec<Link>> {
    let gone = removed(waived, rules);
    chains.iter().filter_map(|hops| hops.chain(&gone)).min_by_key(Vec::len)
}

/// The sets of rules that break a chain at one of its hops, small ones first.
fn ways_to_cut(access: &Access<'_>, chain: &[Link], gone: &[RuleId]) -> Vec<Rules> {
    let ways = chain.iter().filter_map(|link| link.by.as_ref());
    let ways: BTreeSet<Rules> = ways.flat_map(|(cell, held)| ways_to_stop(access, cell, held, gone)).collect();
    let mut ways: Vec<Rules> = ways.into_iter().filter(|way| !way.is_empty()).collect();
    ways.sort_by_key(BTreeSet::len);
    ways
}

/// The mend of an assertion about chains.
pub(super) fn transitive(access: &Access<'_>, chains: &[Hops<'_>], waived: &[RuleId]) -> Mend {
    // Rules that cut every chain, if any do: everything on one chain after the other.
    let mut cut = Rules::new();
    while let Some(chain) = left(chains, waived, &cut) {
        let ways = ways_to_cut(access, &chain, &removed(waived, &cut));
        if ways.is_empty() {
            return Mend::default();
        }
        cut.extend(ways.into_iter().flatten());
    }
    let budget = BUDGET / (1 + access.classes.len() / 500);
    let mut search = Search { budget: budget.max(2), best: None };
    search.best = Some(minimal(cut, |rules| left(chains, waived, rules).is_none()).rules.into_iter().collect());
    search.cut(access, chains, waived, &Rules::new());
    let certainty = if search.budget > 0 { Certainty::Smallest } else { Certainty::Minimal };
    Mend { rules: search.best.unwrap_or_default().into_iter().collect(), certainty }
}

/// Leaves out every rule that is not needed, in their order.
fn minimal(rules: Rules, mends: impl Fn(&Rules) -> bool) -> Mend {
    let mut rules = rules;
    for rule in rules.clone() {
        rules.remove(&rule);
        if !mends(&rules) {
            rules.insert(rule);
        }
    }
    Mend { rules: rules.into_iter().collect(), certainty: Certainty::Minimal }
}
