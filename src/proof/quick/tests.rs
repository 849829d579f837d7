//! Lists that would be flattened to very many products.

use super::*;
use crate::listing::{Chain, Sees, States};
use crate::packet::{AddressRange, Interval};

/// One of very many pairs of addresses.
fn pairs(count: u32) -> Condition {
    let single = |number| Arc::new(AddressSet::from(AddressRange::V4(Interval::single(number))));
    let pair = |number| vec![Condition::Source(single(number)), Condition::Destination(single(number))];
    Condition::AnyOf((0..count).map(pair).collect())
}

fn listing(when: Vec<Condition>) -> Listing {
    let rule = Rule { line: 1, text: String::new(), when, action: Action::Accept, acts: false };
    let chain = Chain { name: "forward".to_owned(), line: 1, rules: vec![rule] };
    let (policy, families) = (Action::Drop, Family::BOTH.to_vec());
    let base = Base { chain: ChainId(0), hook: Hook::Forward, priority: 0, policy, families, sees: Sees::All };
    Listing { bases: vec![base], chains: vec![chain], ..Listing::default() }
}

fn accepted(when: Vec<Condition>) -> Option<usize> {
    let listing = listing(when);
    let begins: Vec<Begin<'_>> = plain_bases(&listing)?.into_iter().map(Begin::at_once).collect();
    Some(Lanes::of_way(&listing, &begins, &Crossing::forward("a", "b"))?.accepts.len())
}

#[test]
fn alternatives_multiply_up_to_a_bound() {
    assert_eq!(accepted(vec![pairs(20), pairs(20)]), Some(20), "the others have no flow");
    assert_eq!(accepted(vec![pairs(100), pairs(100), pairs(100)]), None);
}

#[test]
fn a_rule_of_another_state_is_passed_over_before_its_addresses_are_looked_at() {
    let later = Condition::State(States(vec![State::Established]));
    assert_eq!(accepted(vec![pairs(100), pairs(100), pairs(100), later]), Some(0));
}
