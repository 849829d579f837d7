//! Tests in the real kernel: see `harness/mod.rs` for what they need and how they work.
//!
//! They run under a runner of their own because they must say plainly when they cannot run. Where something is missing they are
//! listed as ignored, with the reason; with `SEKISHO_REQUIRE_KERNEL=1` that is a failure instead.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these are tests, though clippy takes them for a program because they bring their own runner"
)]

#[path = "../mutants/asked.rs"]
mod asked;
#[path = "../mutants/change.rs"]
mod change;
#[path = "../dumps/mod.rs"]
mod dumps;
mod harness;
#[path = "../mutants/judge/mod.rs"]
mod judge;
#[path = "../reference/mod.rs"]
mod reference;
#[path = "../mutants/source.rs"]
mod source;
#[path = "../traps/mod.rs"]
mod traps;
#[path = "../mutants/words.rs"]
mod words;
#[path = "../worlds/mod.rs"]
mod worlds;

mod borders;
mod conversations;
mod dumped;
mod emitted;
mod forwarding;
mod limits;
mod mutants;
mod speed;
mod tricky;
mod witnesses;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A test: its name and what it does. It fails by panicking.
pub type Test = (&'static str, fn());

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let unavailable = harness::available().err();
    let required = std::env::var("SEKISHO_REQUIRE_KERNEL").is_ok_and(|value| value == "1");
    if let Some(reason) = &unavailable {
        eprintln!("skipped: {reason}");
    }
    // A machine with two cores loses nothing by it, and the throughput tests gain.
    arguments.test_threads = arguments.test_threads.or(Some(1));
    let tests = [
        forwarding::TESTS,
        conversations::TESTS,
        limits::TESTS,
        emitted::TESTS,
        witnesses::TESTS,
        tricky::TESTS,
        dumped::TESTS,
        mutants::TESTS,
        speed::TESTS,
    ]
    .concat();
    let trials = tests.into_iter().map(|(name, test)| {
        let reason = unavailable.as_ref().filter(|_| required).map(ToString::to_string);
        let trial = Trial::test(name, move || match reason {
            Some(reason) => Err(Failed::from(reason)),
            None => {
                test();
                Ok(())
            }
        });
        trial.with_ignored_flag(unavailable.is_some() && !required)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
