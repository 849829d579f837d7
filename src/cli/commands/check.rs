//! `sekisho check`: what is wrong with a project, and what became of its assertions.

use super::super::args::{Check, Common, ReportFormat};
use super::super::{Exit, output, progress::Progress};
use super::{day, load, outcome, report};
use crate::answer::{self, Names};
use crate::graph::Topology;
use crate::model::Model;
use crate::pipeline::Loaded;
use crate::reach::{Extra, Finding, Outcome, Prover};
use crate::report::json::{self, AssertionObject, CheckReport};

pub(super) fn run(common: &Common, arguments: &Check) -> Exit {
    let progress = Progress::start(common, "reading");
    let loaded = match load(common, "check", &arguments.directory, arguments.format.name()) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    progress.stage("checking");
    // Lints and proofs rest on a model that was resolved whole.
    if !loaded.is_sound() {
        drop(progress);
        return report(common, "check", arguments.format.name(), &loaded.project.sources, &loaded.diagnostics());
    }
    let checked = Checked::new(&loaded, day(common), arguments.format);
    drop(progress);
    checked.print(common, arguments.format, &loaded)
}

/// What was found.
struct Checked {
    found: Vec<crate::diag::Diagnostic>,
    assertions: Vec<AssertionObject>,
    summary: Option<String>,
    exit: Exit,
}

impl Checked {
    fn new(loaded: &Loaded, at: jiff::civil::Date, format: ReportFormat) -> Self {
        let topology = Topology::new(&loaded.model);
        let prover = Prover::new(&loaded.model, &topology, at, &Extra::default());
        let findings = prover.all();
        let mut found = loaded.lint(&prover, &findings);
        let needs_words =
            format == ReportFormat::Json || findings.iter().any(|finding| finding.outcome != Outcome::Proved);
        let mut assertions = Vec::new();
        if needs_words {
            let names = Names::new(&loaded.model);
            found.extend(answer::diagnostics(&prover, &names, &loaded.project.sources, &findings));
            found.sort_by(|a, b| place(a).cmp(&place(b)));
            assertions = answer::assertions(&prover, &names, &findings);
        }
        let exit = outcome(&found).worst(proofs(&loaded.model, &findings));
        Self { found, assertions, summary: answer::summary(&prover, &findings), exit }
    }

    fn print(self, common: &Common, format: ReportFormat, loaded: &Loaded) -> Exit {
        let sources = &loaded.project.sources;
        if format == ReportFormat::Json {
            let diagnostics = json::objects(sources, &self.found);
            let object = CheckReport { schema: "sekisho/check/1", diagnostics, assertions: self.assertions };
            return self.exit.worst(output::result(&json::to_text(&object)));
        }
        output::diagnostics(common, format.name(), sources, &self.found);
        if let Some(summary) = self.summary.filter(|_| !common.quiet) {
            output::error_text(&summary);
        }
        self.exit
    }
}

fn place(found: &crate::diag::Diagnostic) -> Option<(crate::source::Span, &'static str)> {
    found.primary.as_ref().map(|primary| (primary.span, found.code.id))
}

/// Something unproven is no finding, and not nothing either. An advisory assertion fails no build.
fn proofs(model: &Model, findings: &[Finding]) -> Exit {
    let binds = |finding: &&Finding| model.assertions.get(finding.assertion).is_some_and(|found| !found.advisory);
    let unproven = findings.iter().filter(binds).any(|finding| finding.outcome == Outcome::Unproven);
    if unproven { Exit::Unproven } else { Exit::Ok }
}
