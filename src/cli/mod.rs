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

use clap::Parser as _;

pub use exit::Exit;

/// Runs one command and returns the exit code of the process (see [`Exit`]).
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    exit::guarded(|| match args::Cli::try_parse_from(arguments) {
        Ok(cli) => commands::run(&cli),
        Err(answer) => usage(&answer),
    })
    .code()
}

/// `--help` and `--version` are results; everything else that clap has to say is a usage error.
fn usage(answer: &clap::Error) -> Exit {
    let _ = answer.print();
    if answer.use_stderr() { Exit::BadInput } else { Exit::Ok }
}
