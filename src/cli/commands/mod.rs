//! One file a command: it takes the arguments, calls one function, and renders what comes back.

mod blast;
mod check;
mod ci;
mod compile;
mod completions;
mod configs;
mod diff;
mod drift;
mod equiv;
mod explain;
mod explain_code;
mod fmt;
mod gate;
mod graph;
mod held;
mod init;
mod lines;
mod man;
mod matrix;
mod pages;
mod query;
mod question;
mod ruleset;
mod since;
mod verify;

use std::path::Path;

use jiff::civil::Date;

use super::args::{Cli, Command, Common};
use super::{Exit, clock, output};
use crate::diag::codes::input::{NO_REVISION, UNREADABLE};
use crate::diag::{Diagnostic, Severity};
use crate::pipeline::{self, Loaded};
use crate::report::json::{self, DiagnosticReport};
use crate::source::{self, FileKind, ProjectError, Sources};

pub use pages::PAGES;

/// Runs the command of some arguments.
pub fn run(cli: &Cli) -> Exit {
    match &cli.command {
        Command::Init(arguments) => init::run(&cli.common, arguments),
        Command::Fmt(arguments) => fmt::run(&cli.common, arguments),
        Command::Check(arguments) => check::run(&cli.common, arguments),
        Command::ExplainCode(arguments) => explain_code::run(arguments),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Man(arguments) => man::run(&cli.common, arguments),
        Command::Compile(arguments) => compile::run(&cli.common, arguments),
        Command::Explain(arguments) => explain::run(&cli.common, arguments),
        Command::Query(arguments) => query::run(&cli.common, arguments),
        Command::Blast(arguments) => blast::run(&cli.common, arguments),
        Command::Matrix(arguments) => matrix::run(&cli.common, arguments),
        Command::Diff(arguments) => diff::run(&cli.common, arguments),
        Command::Graph(arguments) => graph::run(&cli.common, arguments),
        Command::Verify(arguments) => verify::run(&cli.common, arguments),
        Command::Gate(arguments) => gate::run(&cli.common, arguments),
        Command::Drift(arguments) => drift::run(&cli.common, arguments),
        Command::Lines(arguments) => lines::run(&cli.common, arguments),
        Command::Since(arguments) => since::run(&cli.common, arguments),
        Command::Equiv(arguments) => equiv::run(&cli.common, arguments),
    }
}

/// Reads and resolves a project; what cannot be read is reported and ends the command.
fn load(common: &Common, command: &str, directory: &Path, format: &str) -> Result<Loaded, Exit> {
    let loaded =
        read_project(directory).map_err(|found| report(common, command, format, &Sources::default(), &found))?;
    tell(common, &loaded);
    Ok(loaded)
}

/// Says with `--verbose` what was read.
fn tell(common: &Common, loaded: &Loaded) {
    if !common.verbose {
        return;
    }
    let (model, kinds) = (&loaded.model, [FileKind::Policy, FileKind::Inventory]);
    let [policies, inventories] = kinds.map(|kind| loaded.project.of_kind(kind).count());
    let counts = [
        (policies, "policy file"),
        (inventories, "inventory file"),
        (model.sites.len(), "site"),
        (model.devices.len(), "device"),
        (model.rules.len(), "rule"),
        (model.assertions.len(), "assertion"),
    ];
    let counts = counts.map(|(number, word)| format!("{number} {word}{}", if number == 1 { "" } else { "s" }));
    output::error_text(&format!("read {}; judged at {}\n", counts.join(", "), day(common)));
}

/// Reads and resolves a project: a directory, or `REV:DIR` of the git repository around here.
fn read_project(directory: &Path) -> Result<Loaded, Vec<Diagnostic>> {
    let one =
        |error: &ProjectError| Diagnostic::without_place(&UNREADABLE, format!("`{}`: {}", error.path, error.message));
    let is_place = !directory.exists() && directory.as_os_str().as_encoded_bytes().contains(&b':');
    let loaded = if is_place {
        let place = source::place(directory, Path::new(""));
        pipeline::load_place(&place.map_err(|message| vec![Diagnostic::without_place(&NO_REVISION, message)])?)
    } else {
        pipeline::load(directory)
    };
    loaded.map_err(|errors| errors.iter().map(one).collect())
}

/// Reads and resolves a project for a command that computes from it: bad input is reported, as JSON on standard output if `format` is that, and ends the command.
fn load_sound(common: &Common, command: &str, directory: &Path, format: &str) -> Result<Loaded, Exit> {
    let loaded = load(common, command, directory, format)?;
    if loaded.is_sound() {
        return Ok(loaded);
    }
    Err(report(common, command, format, &loaded.project.sources, &loaded.diagnostics()))
}

/// Says that a difference has more parts than fit, so that nobody takes silence for an answer.
fn too_different() -> Exit {
    output::error_text(
        "the two differ in too many ways to say in which: nothing is proved\n  = help: change less at a time, or name fewer sources and destinations than `any` on so large a network\n",
    );
    Exit::Unproven
}

/// The day that a command asks about.
fn day(common: &Common) -> Date {
    common.at.unwrap_or_else(clock::today)
}

/// Prints what was found: JSON as the result, under the schema of the command, everything else for people.
fn report(common: &Common, command: &str, format: &str, sources: &Sources, found: &[Diagnostic]) -> Exit {
    let outcome = outcome(found);
    if format == "json" {
        let object =
            DiagnosticReport { schema: format!("sekisho/{command}/1"), diagnostics: json::objects(sources, found) };
        return outcome.worst(output::result(&json::to_text(&object)));
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
