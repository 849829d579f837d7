//! Any text read as rules of iptables and sets of ipset: no panic, no chain that leads back to itself, every jump has an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho::listing::{Action, Listing};
use sekisho::platform::read_iptables;

/// The chains that a chain leads to.
fn ends(listing: &Listing, chain: usize) -> impl Iterator<Item = usize> + '_ {
    listing.chains[chain].rules.iter().filter_map(|rule| match rule.action {
        Action::Jump(to) | Action::Goto(to) => Some(to.0),
        _ => None,
    })
}

fuzz_target!(|text: &str| {
    let mut parts = text.split('\u{1}');
    let listing = read_iptables(parts.next(), parts.next(), parts.next());
    for base in &listing.bases {
        assert!(base.chain.0 < listing.chains.len());
    }
    // Chains without an end that is left are taken away until none is left.
    let mut left: Vec<Vec<usize>> = (0..listing.chains.len()).map(|chain| ends(&listing, chain).collect()).collect();
    let mut done = vec![false; left.len()];
    loop {
        let Some(free) = (0..left.len()).find(|&chain| !done[chain] && left[chain].iter().all(|&to| done[to])) else { break };
        done[free] = true;
        left[free].clear();
    }
    assert!(done.into_iter().all(|done| done), "chains lead in a circle");
});
