//! `sekisho completions`: what makes a shell complete commands and options.

use clap::CommandFactory as _;

use super::super::args::{Cli, Completions};
use super::super::{Exit, output};

pub(super) fn run(arguments: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "sekisho", &mut script);
    output::result(&String::from_utf8_lossy(&script))
}
