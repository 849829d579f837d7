//! Which chains ask which, and what a chain's meaning depends on.
//!
//! A device refuses chains that ask each other in a circle, so a listing with one is no rule set that runs: what such a chain does is unknown. The same holds for
//! chains nested deeper than [`BOUND`], which keeps every recursion over chains shallow.

use std::collections::BTreeSet;

use super::types::{Action, Chain, ChainId, Condition, Listing, Rule};

/// How deep jumps may nest in nftables.
pub const DEEPEST: usize = 16;

/// How deep chains may nest here.
const BOUND: usize = 100;

/// What a chain's meaning depends on, other than the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Depends {
    pub(super) interfaces: bool,
    pub(super) state: bool,
}

impl Depends {
    fn or(self, other: Self) -> Self {
        Self { interfaces: self.interfaces || other.interfaces, state: self.state || other.state }
    }

    fn of_rule(rule: &Rule) -> Self {
        let mut found = Self::default();
        rule.each_condition(&mut |condition| found = found.or(Self::of_one(condition)));
        found
    }

    pub(super) fn of_conditions(conditions: &[Condition]) -> Self {
        let mut found = Self::default();
        Condition::each(conditions, &mut |condition| found = found.or(Self::of_one(condition)));
        found
    }

    fn of_one(condition: &Condition) -> Self {
        Self {
            interfaces: matches!(condition, Condition::In(_) | Condition::Out(_)),
            state: matches!(condition, Condition::State(_) | Condition::First(_)),
        }
    }
}

/// What is wrong with how chains ask each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// These chains are part of circles.
    Circle(Vec<ChainId>),
    /// More than [`DEEPEST`] chains are below this base chain.
    Deep(ChainId),
}

/// The circles of a listing, and base chains that are nested deeper than nftables allows. A listing with a circle means nothing certain.
#[must_use]
pub fn troubles(listing: &Listing) -> Vec<Trouble> {
    let calls = Calls::new(listing);
    let circle: Vec<ChainId> =
        calls.circular.iter().enumerate().filter(|(_, in_it)| **in_it).map(|(at, _)| ChainId(at)).collect();
    let mut found = if circle.is_empty() { Vec::new() } else { vec![Trouble::Circle(circle)] };
    let deep =
        listing.bases.iter().filter(|base| calls.heights.get(base.chain.0).is_some_and(|height| *height > DEEPEST));
    found.extend(deep.map(|base| Trouble::Deep(base.chain)));
    found
}

/// The structure of a listing.
#[derive(Debug)]
pub(super) struct Calls {
    circular: Vec<bool>,
    /// The longest way down.
    heights: Vec<usize>,
    depends: Vec<Depends>,
}

impl Calls {
    pub(super) fn new(listing: &Listing) -> Self {
        let targets: Vec<Vec<usize>> =
            listing.chains.iter().map(|chain| below(&chain.rules, listing.chains.len())).collect();
        let mut callers = vec![Vec::new(); targets.len()];
        for (caller, below) in targets.iter().enumerate() {
            for target in below {
                if let Some(callers) = callers.get_mut(*target) {
                    callers.push(caller);
                }
            }
        }
        let upward = peeled(&targets, &callers);
        let downward = peeled(&callers, &targets);
        let mut free = vec![false; targets.len()];
        upward.iter().chain(&downward).for_each(|at| set(&mut free, *at, true));
        let mut calls = Self {
            circular: free.iter().map(|free| !free).collect(),
            heights: vec![0; targets.len()],
            depends: listing.chains.iter().map(|chain| own(&chain.rules)).collect(),
        };
        // Those above a circle are no part of `upward`; the order of `downward` has callers first.
        let mut order = upward;
        order.extend((0..targets.len()).filter(|at| calls.circular.get(*at) == Some(&true)));
        order.extend(downward.into_iter().rev());
        for at in order {
            calls.settle(at, targets.get(at).map_or(&[], Vec::as_slice));
        }
        calls
    }

    fn settle(&mut self, at: usize, targets: &[usize]) {
        let (mut height, mut depends) = (0, self.depends.get(at).copied().unwrap_or_default());
        for target in targets.iter().filter(|target| self.circular.get(**target) == Some(&false)) {
            height = height.max(self.heights.get(*target).copied().unwrap_or(0) + 1);
            depends = depends.or(self.depends.get(*target).copied().unwrap_or_default());
        }
        set(&mut self.heights, at, height);
        set(&mut self.depends, at, depends);
    }

    /// Whether what a chain does is unknown as a whole: it is part of a circle, nested too deep, or not there.
    pub(super) fn is_unknowable(&self, chain: ChainId) -> bool {
        let circular = self.circular.get(chain.0).copied().unwrap_or(true);
        circular || self.heights.get(chain.0).is_none_or(|height| *height > BOUND)
    }

    /// The longest way down; of any caller it is larger.
    pub(super) fn height(&self, chain: ChainId) -> usize {
        self.heights.get(chain.0).copied().unwrap_or(0)
    }

    pub(super) fn depends(&self, chain: ChainId) -> Depends {
        self.depends.get(chain.0).copied().unwrap_or_default()
    }
}

fn set<T>(list: &mut [T], at: usize, value: T) {
    if let Some(place) = list.get_mut(at) {
        *place = value;
    }
}

/// The chains from which one gets to an end, each after all that it leads to.
fn peeled(below: &[Vec<usize>], above: &[Vec<usize>]) -> Vec<usize> {
    let mut left: Vec<usize> = below.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..below.len()).filter(|at| below.get(*at).is_some_and(Vec::is_empty)).collect();
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        next += 1;
        for caller in above.get(at).into_iter().flatten() {
            if let Some(left) = left.get_mut(*caller) {
                *left -= 1;
                if *left == 0 {
                    order.push(*caller);
                }
            }
        }
    }
    order
}

/// The chains that some rules ask, each once.
fn below(rules: &[Rule], chains: usize) -> Vec<usize> {
    let mut found = Vec::new();
    rules.iter().for_each(|rule| targets(&rule.action, &mut found));
    found.retain(|target| *target < chains);
    found.sort_unstable();
    found.dedup();
    found
}

/// The chains that any rule asks.
pub(super) fn called(listing: &Listing) -> BTreeSet<usize> {
    let rules = listing.chains.iter().map(|chain| below(&chain.rules, listing.chains.len()));
    rules.flatten().collect()
}

/// The chains in which some rule does more than decide, and those that lead to one.
pub(super) fn acting(listing: &Listing) -> BTreeSet<usize> {
    let of = |chain: &Chain| below(&chain.rules, listing.chains.len());
    let mut found: BTreeSet<usize> = (0..)
        .zip(&listing.chains)
        .filter(|(_, chain)| chain.rules.iter().any(|rule| rule.acts))
        .map(|(at, _)| at)
        .collect();
    if found.is_empty() {
        return found;
    }
    let leads: Vec<Vec<usize>> = listing.chains.iter().map(of).collect();
    loop {
        let is_new =
            |(at, below): &(usize, &Vec<usize>)| !found.contains(at) && below.iter().any(|one| found.contains(one));
        let more: Vec<usize> = (0..).zip(&leads).filter(is_new).map(|(at, _)| at).collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// The chains that an action leads to.
pub(super) fn targets(action: &Action, found: &mut Vec<usize>) {
    match action {
        Action::Jump(chain) | Action::Goto(chain) => found.push(chain.0),
        Action::Choose(entries) => entries.iter().for_each(|(_, action)| targets(action, found)),
        Action::Continue | Action::Accept | Action::Drop | Action::Return | Action::Unknown(_) => {}
    }
}

fn own(rules: &[Rule]) -> Depends {
    rules.iter().map(Depends::of_rule).fold(Depends::default(), Depends::or)
}
