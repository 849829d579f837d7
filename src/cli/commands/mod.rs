//! One file a command: it takes the arguments, calls one function, and renders what comes back.

mod check;
mod compile;
mod explain;
mod explain_code;
mod fmt;
mod graph;
mod init;
mod pages;

use std::path::Path;

use jiff::civil::Date;

use super::args::{Cli, Command, Common};
use super::{Exit, clock, output};
use crate::diag::{Diagnostic, Severity};
use crate::pipeline::{self, Loaded};
use crate::source::Sources;

pub use pages::PAGES;

/// Runs the command of some arguments.
pub fn run(cli: &Cli) -> Exit {
    match &cli.command {
        Command::Init(arguments) => init::run(&cli.common, arguments),
        Command::Fmt(arguments) => fmt::run(&cli.common, arguments),
        Command::Check(arguments) => check::run(&cli.common, arguments),
        Command::ExplainCode(arguments) => explain_code::run(arguments),
        Command::Compile(arguments) => compile::run(&cli.common, arguments),
        Command::Explain(arguments) => explain::run(&cli.common, arguments),
        Command::Graph(arguments) => graph::run(&cli.common, arguments),
    }
}

/// Reads and resolves a project; what cannot be read is said and ends the command.
fn load(directory: &Path) -> Result<Loaded, Exit> {
    pipeline::load(directory).map_err(|errors| {
        for error in errors {
            output::error_line(&format!("`{}`: {}", error.path, error.message));
        }
        Exit::BadInput
    })
}

/// Reads and resolves a project for a command that computes from it: bad input is reported, as JSON on standard output if `format` is that, and ends the command.
fn load_sound(common: &Common, directory: &Path, format: &str) -> Result<Loaded, Exit> {
    let loaded = load(directory)?;
    if loaded.is_sound() {
        return Ok(loaded);
    }
    Err(report(common, format, &loaded.project.sources, &loaded.diagnostics()))
}

/// The day that a command asks about.
fn day(common: &Common) -> Date {
    common.at.unwrap_or_else(clock::today)
}

/// Prints what was found: JSON as the result, everything else for people.
fn report(common: &Common, format: &str, sources: &Sources, found: &[Diagnostic]) -> Exit {
    let outcome = outcome(found);
    if format == "json" {
        let text = crate::diag::render::by_name(format)
            .map(|json| json.render(sources, found, output::options(common)))
            .unwrap_or_default();
        return outcome.worst(output::result(&text));
    }
    output::diagnostics(common, format, sources, found);
    outcome
}

/// The exit code that some diagnostics call for.
fn outcome(found: &[Diagnostic]) -> Exit {
    let of = |one: &Diagnostic| match (one.severity, one.code.lint) {
        (Severity::Error, false) => Exit::BadInput,
        (Severity::Error, true) => Exit::Finding,
        (Severity::Warning | Severity::Note, _) => Exit::Ok,
    };
    found.iter().map(of).fold(Exit::Ok, Exit::worst)
}
