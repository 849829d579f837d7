//! Families that a hook lets pass unseen, while it judges the other one.
//!
//! Rules for IPv4 say nothing of IPv6: where no chain sees it, or only chains without rules that accept, it is open. That is what the rule set means, and
//! seldom what was meant. Absent on purpose: families of which no file was given; nothing is known of them, and that is noticed by the reader.

use super::types::{Action, Base, Hook, Listing};
use crate::packet::Family;

/// The hooks on which everything of a family passes because no rule judges it, though the other family is judged there.
#[must_use]
pub fn unjudged(listing: &Listing) -> Vec<(Hook, Family)> {
    let judges = |base: &Base| {
        let rules = listing.chains.get(base.chain.0).is_none_or(|chain| !chain.rules.is_empty());
        base.policy != Action::Accept || rules
    };
    let judged = |hooks: &[Hook], family: Family| {
        let seen = |base: &&Base| hooks.contains(&base.hook) && base.families.contains(&family);
        listing.bases.iter().filter(seen).any(judges)
    };
    // What blurs and has no line is something that was not given: whether there are rules in it nobody knows.
    let incomplete = listing.blurs().any(|noticed| noticed.line == 0);
    let given = |family: Family| !incomplete || listing.bases.iter().any(|base| base.families.contains(&family));
    let mut found = Vec::new();
    for hook in [Hook::Input, Hook::Forward] {
        for (family, other) in [(Family::V4, Family::V6), (Family::V6, Family::V4)] {
            if given(family) && judged(&[hook], other) && !judged(&[hook, Hook::Prerouting], family) {
                found.push((hook, family));
            }
        }
    }
    found
}
