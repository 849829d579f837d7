//! Emitted rule sets with one change in them: what the program says of the two must be what a judge says that shares no code with it.
//!
//! Everything that two rule sets may differ in is found, to the last packet, and what differs in words alone is called equal. `mutants/judge` is the judge, decision diagrams
//! over the bits of headers; `tests/kernel/mutants.rs` asks the kernel as well. `SEKISHO_WORLDS` is how many random worlds, `SEKISHO_SEED` the first of them,
//! `SEKISHO_MUTANTS` how many changes of each firewall.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may fail by panicking, its helpers too"
)]

#[path = "mutants/asked.rs"]
mod asked;
#[path = "mutants/change.rs"]
mod change;
#[path = "mutants/judge/mod.rs"]
mod judge;
#[path = "mutants/proved.rs"]
mod proved;
#[path = "mutants/source.rs"]
mod source;
#[path = "mutants/trial.rs"]
mod trial;
#[path = "mutants/words.rs"]
mod words;
#[path = "worlds/mod.rs"]
mod worlds;

use source::Firewall;
use trial::{Count, run};
use worlds::World;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

fn seeds(default: usize) -> impl Iterator<Item = u64> {
    let first = setting("SEKISHO_SEED", 1) as u64;
    (first..).take(setting("SEKISHO_WORLDS", default))
}

fn change_all(firewalls: Vec<Firewall>, mutants: usize, seed: u64) -> Count {
    let mut count = Count::default();
    for firewall in firewalls {
        run(&firewall, setting("SEKISHO_MUTANTS", mutants), seed, &mut count);
    }
    println!("{count}");
    assert!(
        count.wrong.is_empty(),
        "{} of {} are wrong:\n{}",
        count.wrong.len(),
        count.mutants,
        count.wrong.join("\n")
    );
    let (of_connections, other) = count.unproven();
    assert!(other * 25 <= count.mutants.max(50), "{other} of {} are not understood", count.mutants);
    assert!(of_connections * 6 <= count.mutants.max(60), "{of_connections} of {} are not proved", count.mutants);
    assert!(count.changed() * 4 >= count.mutants, "too few changes change the meaning to say anything");
    count
}

#[test]
fn changes_of_the_sample_policies_are_found() {
    change_all(source::of_samples(), 6, setting("SEKISHO_SEED", 1) as u64);
}

#[test]
fn changes_of_random_worlds_are_found() {
    let worlds = seeds(6).flat_map(|seed| source::of_world(&format!("world {seed}"), &World::random(seed)));
    change_all(worlds.collect(), 6, setting("SEKISHO_SEED", 1) as u64);
}

#[test]
fn changes_of_long_lists_are_found() {
    let worlds = seeds(2).flat_map(|seed| source::of_world(&format!("long list {seed}"), &source::long(seed)));
    change_all(worlds.collect(), 15, setting("SEKISHO_SEED", 1) as u64);
}
