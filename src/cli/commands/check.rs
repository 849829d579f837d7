//! `sekisho check`: what is wrong with a project, and what became of its assertions.

use rayon::prelude::*;

use super::super::args::{Check, Common, ReportFormat};
use super::super::{Exit, output, progress::Progress};
use super::configs::{Configs, Held};
use super::{day, load, outcome, report};
use crate::answer::{self, Names};
use crate::diag::Diagnostic;
use crate::drift::{self, Observed, Real};
use crate::graph::Topology;
use crate::model::Model;
use crate::pipeline::Loaded;
use crate::plan::Placement;
use crate::reach::{Extra, Finding, Outcome, Prover};
use crate::report::json::{self, AssertionObject, CheckReport, SeenObject};

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
    let configs = arguments.configs.as_deref().map(|directory| {
        let held = Held::Backups { revision: arguments.rev.as_deref(), max_age: arguments.max_age };
        Configs::open(directory, held, &loaded.model)
    });
    let checked = match configs.transpose() {
        Ok(configs) => Checked::new(&loaded, day(common), arguments.format, configs.as_ref()),
        Err(found) => {
            drop(progress);
            return report(common, "check", arguments.format.name(), &loaded.project.sources, &found);
        }
    };
    drop(progress);
    checked.print(common, arguments.format, &loaded)
}

/// Judges the assertions over what was seen of every firewall.
fn over_configs<'m>(
    model: &'m Model,
    topology: &'m Topology,
    at: jiff::civil::Date,
    configs: &Configs<'_>,
    findings: &[Finding],
) -> (Vec<Observed>, Real<'m>) {
    let placement = Placement::new(model, topology, at);
    let by_device = configs.by_device(model);
    let seen: Vec<Option<Observed>> = (0..placement.len())
        .into_par_iter()
        .map(|number| {
            let plan = placement.plan(number)?;
            let (judged, _) = configs.judge(&plan, by_device.get(plan.device.as_str()).copied(), at);
            Some(Observed::new(model, topology, number, plan, &judged))
        })
        .collect();
    let seen: Vec<Observed> = seen.into_iter().flatten().collect();
    let real = drift::assertions(model, topology, at, &seen, findings);
    (seen, real)
}

/// What was found.
struct Checked {
    found: Vec<Diagnostic>,
    assertions: Vec<AssertionObject>,
    configs: Option<Vec<SeenObject>>,
    summary: Option<String>,
    exit: Exit,
}

impl Checked {
    fn new(loaded: &Loaded, at: jiff::civil::Date, format: ReportFormat, configs: Option<&Configs<'_>>) -> Self {
        let topology = Topology::new(&loaded.model);
        let prover = Prover::new(&loaded.model, &topology, at, &Extra::default());
        let findings = prover.all();
        let mut found = loaded.lint(&prover, &findings);
        if let Some(configs) = configs {
            let (seen, real) = over_configs(&loaded.model, &topology, at, configs, &findings);
            return Self::over(loaded, found, (&seen, &real), &prover, configs);
        }
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
        Self { found, assertions, configs: None, summary: answer::summary(&prover, &findings), exit }
    }

    fn over(
        loaded: &Loaded,
        mut found: Vec<Diagnostic>,
        (seen, real): (&[Observed], &Real<'_>),
        prover: &Prover<'_>,
        configs: &Configs<'_>,
    ) -> Self {
        let names = Names::new(&loaded.model);
        found.extend(answer::real_diagnostics(real, &loaded.model, &names, &loaded.project.sources));
        found.sort_by(|a, b| place(a).cmp(&place(b)));
        let findings = answer::real_findings(real);
        let exit = outcome(&found).worst(proofs(&loaded.model, &findings));
        let strangers = configs.strangers().map(|judged| judged.device).collect::<Vec<_>>();
        let mut summary = answer::summary(prover, &findings).unwrap_or_default();
        summary.push_str(&answer::seen_summary(seen, &strangers));
        let assertions = answer::real_assertions(real, &names);
        Self { found, assertions, configs: Some(answer::seen_objects(seen)), summary: Some(summary), exit }
    }

    fn print(self, common: &Common, format: ReportFormat, loaded: &Loaded) -> Exit {
        let sources = &loaded.project.sources;
        if format == ReportFormat::Json {
            let diagnostics = json::objects(sources, &self.found);
            let object = CheckReport {
                schema: "sekisho/check/1",
                diagnostics,
                assertions: self.assertions,
                configs: self.configs,
            };
            return self.exit.worst(output::result(&json::to_text(&object)));
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
