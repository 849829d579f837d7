//! What a rule set with quarantines does before it comes to its rules.
//!
//! Quarantines stand in front: they drop what they hold and let everything else go on, and then come the rules as on any other day. So a rule set is taken in two parts: what stands before the
//! rules, a few lines that are computed as sets of flows once for a device, and the rules, which are compared in products for each pair of interfaces. What passes is what comes to the rules and what
//! these let through.
//!
//! A reader may doubt that the place where the rules begin is guessed: nothing rests on the guess. What stands before it must drop exactly what the quarantines hold and bring all else there, however
//! it does that; otherwise the comparison of sets decides.

use std::collections::{BTreeMap, BTreeSet};

use crate::listing::{Action, Base, Chain, ChainId, Condition, Crossing, Direction, Evaluator, Listing, Rule, State};
use crate::packet::{FlowSet, FlowSpace, TooLarge};

/// Where the packets of a base chain come to the rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begin<'a> {
    pub(super) base: &'a Base,
    /// The chain in which the rules are.
    pub(super) chain: ChainId,
    /// The first of them in it.
    pub(super) from: usize,
}

impl<'a> Begin<'a> {
    /// At the beginning of the base chain: nothing stands before the rules.
    pub(super) fn at_once(base: &'a Base) -> Self {
        Self { base, chain: base.chain, from: 0 }
    }

    /// Behind what may be quarantines. The last line of a chain leads on; where it does not, leading jumps to chains that let nothing through are passed.
    pub(super) fn behind_guards(listing: &Listing, base: &'a Base) -> Self {
        let mut chain = base.chain;
        for _ in 0..DEEPEST {
            let last = rules(listing, chain).last().filter(|rule| rule.when.is_empty());
            match last.map(|rule| &rule.action) {
                Some(Action::Jump(next) | Action::Goto(next)) => chain = *next,
                _ => break,
            }
        }
        let is_guard = |rule: &&Rule| matches!(rule.action, Action::Jump(there) if only_drops(listing, there, 0));
        Self { base, chain, from: rules(listing, chain).iter().take_while(is_guard).count() }
    }

    /// Whether all that does not leave the rules by a decision of theirs is decided by the policy of the base chain.
    pub(super) fn is_in_base(&self) -> bool {
        self.chain == self.base.chain
    }
}

/// Chains that lead to each other further than this are not followed.
const DEEPEST: usize = 16;
/// More rules than this before the rules are not looked at: they are no quarantines.
const MOST: usize = 20_000;

fn rules(listing: &Listing, chain: ChainId) -> &[Rule] {
    listing.chains.get(chain.0).map(|chain| chain.rules.as_slice()).unwrap_or_default()
}

/// Whether a chain drops some packets and gives the others back.
fn only_drops(listing: &Listing, chain: ChainId, depth: usize) -> bool {
    depth < DEEPEST
        && rules(listing, chain).iter().all(|rule| match rule.action {
            Action::Drop | Action::Return | Action::Continue => true,
            Action::Jump(there) => only_drops(listing, there, depth + 1),
            _ => false,
        })
}

/// Whether what stands before the rules surely drops the flows of a set, and brings all others to them: by their own headers in first packets, by those of the first packets of connections in later ones, in
/// every direction. Packets of no connection, in the states `stray`, come there only if they would as first ones.
///
/// # Errors
/// [`TooLarge`] if the space has no room.
pub(super) fn drops_exactly(
    listing: &Listing,
    begins: &[Begin<'_>],
    held: FlowSet,
    stray: &[State],
    space: &mut FlowSpace,
) -> Result<bool, TooLarge> {
    let Some(before) = before(listing, begins) else { return Ok(false) };
    let free = space.complement(held)?;
    let mut evaluator = Evaluator::new(&before);
    // No rule there asks for interfaces.
    let first = Crossing::forward("", "");
    for state in stray {
        let arrives = evaluator.passed(space, &first.in_state(*state))?;
        if !space.is_subset(arrives.possibly, free) {
            return Ok(false);
        }
    }
    let later = [Direction::Original, Direction::Reply, Direction::Error].map(|one| first.of_connection(one));
    for crossing in [&[first], later.as_slice()].concat() {
        let arrives = evaluator.passed(space, &crossing)?;
        if arrives.surely != free || arrives.possibly != free {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A rule set that accepts what comes to the rules, and says of all else what the whole one says; `None` if something stands before them that is no quarantine. A packet that is left to the policy is unknown
/// in it.
fn before(listing: &Listing, begins: &[Begin<'_>]) -> Option<Listing> {
    let ends: BTreeMap<ChainId, usize> = begins.iter().map(|begin| (begin.chain, begin.from)).collect();
    let mut wanted: Vec<ChainId> = begins.iter().map(|begin| begin.base.chain).collect();
    let mut copied: BTreeSet<ChainId> = BTreeSet::new();
    let mut chains = vec![Chain::default(); listing.chains.len()];
    let mut room = MOST;
    while let Some(id) = wanted.pop() {
        if !copied.insert(id) {
            continue;
        }
        let (all, end) = (rules(listing, id), ends.get(&id));
        let own = all.get(..end.copied().unwrap_or(all.len()))?;
        room = room.checked_sub(own.len())?;
        for rule in own {
            match rule.action {
                Action::Continue | Action::Drop | Action::Return => {}
                Action::Jump(there) | Action::Goto(there) => wanted.push(there),
                Action::Accept | Action::Choose(_) | Action::Unknown(_) => return None,
            }
            let mut asks = false;
            rule.each_condition(&mut |one| asks |= matches!(one, Condition::In(_) | Condition::Out(_)));
            if asks {
                return None;
            }
        }
        let chain = chains.get_mut(id.0)?;
        chain.rules = own.iter().map(nameless).collect();
        let accept = || Rule { line: 0, text: String::new(), when: Vec::new(), action: Action::Accept, acts: false };
        chain.rules.extend(end.map(|_| accept()));
    }
    let base = |begin: &Begin<'_>| Base { policy: Action::Unknown(String::new()), ..begin.base.clone() };
    Some(Listing { bases: begins.iter().map(base).collect(), chains, ..Listing::default() })
}

/// A rule without its text, which decides nothing.
fn nameless(rule: &Rule) -> Rule {
    let (when, action) = (rule.when.clone(), rule.action.clone());
    Rule { line: rule.line, text: String::new(), when, action, acts: rule.acts }
}
