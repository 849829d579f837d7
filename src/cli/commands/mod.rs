//! One file a command: it takes the arguments, calls one function, and renders what comes back.

mod check;
mod explain_code;
mod fmt;
mod init;
mod pages;

use std::path::Path;

use super::args::{Cli, Command, Common};
use super::{Exit, output};
use crate::diag::{Diagnostic, Severity};
use crate::source::{Project, Sources, load_directory};

pub use pages::PAGES;

/// Runs the command of some arguments.
pub fn run(cli: &Cli) -> Exit {
    match &cli.command {
        Command::Init(arguments) => init::run(&cli.common, arguments),
        Command::Fmt(arguments) => fmt::run(&cli.common, arguments),
        Command::Check(arguments) => check::run(&cli.common, arguments),
        Command::ExplainCode(arguments) => explain_code::run(arguments),
        Command::Compile(_) | Command::Explain(_) | Command::Graph(_) => {
            output::error_line("this command is not available in this version")
        }
    }
}

/// Reads a project; what cannot be read is said and ends the command.
fn load(directory: &Path) -> Result<Project, Exit> {
    load_directory(directory).map_err(|errors| {
        for error in errors {
            output::error_line(&format!("`{}`: {}", error.path, error.message));
        }
        Exit::BadInput
    })
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
