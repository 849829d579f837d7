//! The command line: arguments in, exit code out.
//!
//! Beside `source`, the only part that touches disk, clock, environment and terminal. `commands/` has one file a command:
//! it takes the arguments, calls one function, and renders what comes back. Start at [`run`].

pub mod args;
pub mod clock;
pub mod commands;
pub mod exit;
pub mod output;
pub mod progress;
pub mod write;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _};

pub use exit::Exit;

/// Runs one command and returns the exit code of the process (see [`Exit`]).
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    exit::guarded(|| {
        let program = args::Cli::command().color(colour_of_help(&arguments));
        let parsed = program.try_get_matches_from(arguments).and_then(|found| args::Cli::from_arg_matches(&found));
        match parsed {
            Ok(cli) => commands::run(&cli),
            Err(answer) => usage(&answer),
        }
    })
    .code()
}

/// What `--color` says to help and to errors of usage, which come before the arguments are understood.
fn colour_of_help(arguments: &[OsString]) -> clap::ColorChoice {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let after =
        words.windows(2).filter(|pair| pair.first() == Some(&"--color")).filter_map(|pair| pair.get(1).copied());
    match after.chain(words.iter().filter_map(|word| word.strip_prefix("--color="))).last() {
        Some("always") => clap::ColorChoice::Always,
        Some("never") => clap::ColorChoice::Never,
        _ => clap::ColorChoice::Auto,
    }
}

/// `--help` and `--version` are results; everything else that clap has to say is a usage error.
fn usage(answer: &clap::Error) -> Exit {
    let _ = answer.print();
    if answer.use_stderr() { Exit::BadInput } else { Exit::Ok }
}
