//! Reading any text as a rule set ends without panic, every chain that is named is there, and the grammar alone reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho::listing::{Action, Listing};

fn named(listing: &Listing, action: &Action) {
    match action {
        Action::Jump(chain) | Action::Goto(chain) => assert!(chain.0 < listing.chains.len()),
        Action::Choose(entries) => entries.iter().for_each(|(_, action)| named(listing, action)),
        _ => {}
    }
}

fuzz_target!(|text: &str| {
    let listing = sekisho::platform::nftables::read(text);
    assert_eq!(listing, sekisho::platform::nftables::read_by_grammar(text));
    for base in &listing.bases {
        assert!(base.chain.0 < listing.chains.len());
    }
    for rule in listing.chains.iter().flat_map(|chain| &chain.rules) {
        named(&listing, &rule.action);
    }
});
