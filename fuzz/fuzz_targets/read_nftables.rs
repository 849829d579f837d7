//! Reading any text as a rule set ends without panic, every chain that is named is there, and the grammar alone reads the same;
//! so does a reader that has read the text before, and every text before it.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use sekisho::listing::{Action, Listing};
use sekisho::platform::nftables::Reader;

fn named(listing: &Listing, action: &Action) {
    match action {
        Action::Jump(chain) | Action::Goto(chain) => assert!(chain.0 < listing.chains.len()),
        Action::Choose(entries) => entries.iter().for_each(|(_, action)| named(listing, action)),
        _ => {}
    }
}

thread_local! {
    static READER: RefCell<Reader> = RefCell::default();
}

fuzz_target!(|text: &str| {
    let listing = sekisho::platform::nftables::read(text);
    assert_eq!(listing, sekisho::platform::nftables::read_by_grammar(text));
    for _ in 0..2 {
        assert_eq!(listing, READER.with_borrow_mut(|reader| reader.read_text(text)));
    }
    for base in &listing.bases {
        assert!(base.chain.0 < listing.chains.len());
    }
    for rule in listing.chains.iter().flat_map(|chain| &chain.rules) {
        named(&listing, &rule.action);
    }
});
