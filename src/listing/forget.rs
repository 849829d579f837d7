//! Conditions that say nothing where they are asked.

use super::calls::targets;
use super::types::{Action, ChainId, Condition, Listing, Rule};

/// Shows each rule of some chains, and of all that they lead to.
pub fn each_below(listing: &Listing, chains: &[ChainId], show: &mut dyn FnMut(&Rule)) {
    let mut waiting: Vec<usize> = chains.iter().map(|chain| chain.0).collect();
    let mut seen = vec![false; listing.chains.len()];
    while let Some(at) = waiting.pop() {
        let Some(seen) = seen.get_mut(at).filter(|seen| !**seen) else { continue };
        *seen = true;
        for rule in listing.chains.get(at).into_iter().flat_map(|chain| &chain.rules) {
            targets(&rule.action, &mut waiting);
            show(rule);
        }
    }
}

/// Makes unknown what some conditions ask, in some chains and all that they lead to. Chains that others lead to as well are less certain for these, too.
pub fn forget(listing: &mut Listing, chains: &[ChainId], asks: impl Fn(&Condition) -> bool) {
    let mut waiting: Vec<usize> = chains.iter().map(|chain| chain.0).collect();
    let mut seen = vec![false; listing.chains.len()];
    while let Some(at) = waiting.pop() {
        let Some(seen) = seen.get_mut(at).filter(|seen| !**seen) else { continue };
        *seen = true;
        for rule in listing.chains.get_mut(at).into_iter().flat_map(|chain| &mut chain.rules) {
            targets(&rule.action, &mut waiting);
            let text = rule.text.clone();
            within(&mut rule.when, &text, &asks);
            within_action(&mut rule.action, &text, &asks);
        }
    }
}

fn within(conditions: &mut [Condition], text: &str, asks: &impl Fn(&Condition) -> bool) {
    for condition in conditions {
        if asks(condition) {
            *condition = Condition::Unknown(text.to_owned());
            continue;
        }
        match condition {
            Condition::Not(inner) | Condition::First(inner) => within(inner, text, asks),
            Condition::AnyOf(lists) => lists.iter_mut().for_each(|list| within(list, text, asks)),
            _ => {}
        }
    }
}

fn within_action(action: &mut Action, text: &str, asks: &impl Fn(&Condition) -> bool) {
    if let Action::Choose(entries) = action {
        for (conditions, action) in entries {
            within(conditions, text, asks);
            within_action(action, text, asks);
        }
    }
}
