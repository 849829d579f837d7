//! `sekisho check`: what is wrong with a project, and what became of its assertions.

use super::super::args::{Check, Common, ReportFormat};
use super::super::{Exit, output, progress::Progress};
use super::ci::Found;
use super::{day, outcome, read_project, report, tell};
use crate::answer::{self, Names};
use crate::diag::Diagnostic;
use crate::graph::Topology;
use crate::model::Model;
use crate::pipeline::Loaded;
use crate::reach::{Extra, Finding, Outcome, Prover};
use crate::report::ci::{self, Case};
use crate::report::json::{self, AssertionObject, CheckReport};
use crate::source::Sources;

pub(super) fn run(common: &Common, arguments: &Check) -> Exit {
    let (directory, format) = (&arguments.directory, arguments.format);
    let progress = Progress::start(common, "reading");
    let stopped = |sources: &Sources, found: &[Diagnostic]| match ci::by_name(format.name()) {
        Some(writer) => {
            let exit = outcome(found);
            Found { command: "check", directory, sources, found, cases: &[], exit }.print(writer)
        }
        None => report(common, "check", format.name(), sources, found),
    };
    let loaded = match read_project(directory) {
        Ok(loaded) => loaded,
        Err(found) => {
            drop(progress);
            return stopped(&Sources::default(), &found);
        }
    };
    tell(common, &loaded);
    progress.stage("checking");
    // Lints and proofs rest on a model that was resolved whole.
    if !loaded.is_sound() {
        drop(progress);
        return stopped(&loaded.project.sources, &loaded.diagnostics());
    }
    let checked = Checked::new(&loaded, day(common), format);
    drop(progress);
    checked.print(common, arguments, &loaded)
}

/// What was found.
struct Checked {
    found: Vec<Diagnostic>,
    assertions: Vec<AssertionObject>,
    cases: Vec<Case>,
    summary: Option<String>,
    exit: Exit,
}

impl Checked {
    fn new(loaded: &Loaded, at: jiff::civil::Date, format: ReportFormat) -> Self {
        let topology = Topology::new(&loaded.model);
        let prover = Prover::new(&loaded.model, &topology, at, &Extra::default());
        let findings = prover.all();
        let mut found = loaded.lint(&prover, &findings);
        let is_for_people = matches!(format, ReportFormat::Text | ReportFormat::Concise);
        let needs_words = !is_for_people || findings.iter().any(|finding| finding.outcome != Outcome::Proved);
        let (mut assertions, mut cases) = (Vec::new(), Vec::new());
        if needs_words {
            let (names, sources) = (Names::new(&loaded.model), &loaded.project.sources);
            found.extend(answer::diagnostics(&prover, &names, sources, &findings));
            found.sort_by(|a, b| place(a).cmp(&place(b)));
            match format {
                ReportFormat::Json => assertions = answer::assertions(&prover, &names, &findings),
                _ if is_for_people => {}
                _ => cases = answer::cases(&prover, &names, sources, &findings),
            }
        }
        let exit = outcome(&found).worst(proofs(&loaded.model, &findings));
        Self { found, assertions, cases, summary: answer::summary(&prover, &findings), exit }
    }

    fn print(self, common: &Common, arguments: &Check, loaded: &Loaded) -> Exit {
        let (sources, format) = (&loaded.project.sources, arguments.format);
        if format == ReportFormat::Json {
            let diagnostics = json::objects(sources, &self.found);
            let object = CheckReport { schema: "sekisho/check/1", diagnostics, assertions: self.assertions };
            return self.exit.worst(output::result(&json::to_text(&object)));
        }
        if let Some(writer) = ci::by_name(format.name()) {
            let Self { found, cases, exit, .. } = &self;
            let directory = &arguments.directory;
            return Found { command: "check", directory, sources, found, cases, exit: *exit }.print(writer);
        }
        output::diagnostics(common, format.name(), sources, &self.found);
        if let Some(summary) = self.summary.filter(|_| !common.quiet) {
            output::error_text(&summary);
        }
        self.exit
    }
}

fn place(found: &Diagnostic) -> Option<(crate::source::Span, &'static str)> {
    found.primary.as_ref().map(|primary| (primary.span, found.code.id))
}

/// Something unproven is no finding, and not nothing either. An advisory assertion fails no build.
fn proofs(model: &Model, findings: &[Finding]) -> Exit {
    let binds = |finding: &&Finding| model.assertions.get(finding.assertion).is_some_and(|found| !found.advisory);
    let unproven = findings.iter().filter(binds).any(|finding| finding.outcome == Outcome::Unproven);
    if unproven { Exit::Unproven } else { Exit::Ok }
}
