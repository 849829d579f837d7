//! `sekisho check`: what is wrong with a project, and what became of its assertions.

use rayon::prelude::*;

use super::super::args::{Check, Common, ReportFormat};
use super::super::{Exit, output, progress::Progress};
use super::ci::Found;
use super::configs::{Configs, Held};
use super::{day, outcome, read_project, report, tell};
use crate::answer::{self, Names};
use crate::diag::Diagnostic;
use crate::drift::{self, Observed, Real};
use crate::graph::Topology;
use crate::model::Model;
use crate::pipeline::Loaded;
use crate::plan::Placement;
use crate::reach::{Extra, Finding, Outcome, Prover};
use crate::report::ci::{self, Case};
use crate::report::json::{self, AssertionObject, CheckReport, SeenObject};
use crate::source::{Sources, path_in_repository};

pub(super) fn run(common: &Common, arguments: &Check) -> Exit {
    let (directory, format) = (&arguments.directory, arguments.format);
    let progress = Progress::start(common, "reading");
    let within = path_in_repository(directory);
    let stopped = |sources: &Sources, found: &[Diagnostic]| match ci::by_name(format.name()) {
        Some(writer) => {
            let exit = outcome(found);
            Found { command: "check", directory: &within, sources, found, cases: &[], exit }.print(writer)
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
    let configs = arguments.configs.as_deref().map(|directory| {
        let held = Held::Backups { revision: arguments.rev.as_deref(), max_age: arguments.max_age };
        Configs::open(directory, held, &loaded.model)
    });
    let checked = match configs.transpose() {
        Ok(configs) => Checked::new(&loaded, day(common), format, configs.as_ref()),
        Err(found) => {
            drop(progress);
            return stopped(&loaded.project.sources, &found);
        }
    };
    drop(progress);
    checked.print(common, arguments, &loaded)
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
    cases: Vec<Case>,
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
        let is_for_people = matches!(format, ReportFormat::Text | ReportFormat::Concise);
        if let Some(configs) = configs {
            let (seen, real) = over_configs(&loaded.model, &topology, at, configs, &findings);
            return Self::over(loaded, found, (&seen, &real), &prover, configs);
        }
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
        Self { found, assertions, cases, configs: None, summary: answer::summary(&prover, &findings), exit }
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
        let cases = answer::real_cases(real, &names, &loaded.project.sources);
        Self { found, assertions, cases, configs: Some(answer::seen_objects(seen)), summary: Some(summary), exit }
    }

    fn print(self, common: &Common, arguments: &Check, loaded: &Loaded) -> Exit {
        let (sources, format) = (&loaded.project.sources, arguments.format);
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
        if let Some(writer) = ci::by_name(format.name()) {
            let Self { found, cases, exit, .. } = &self;
            let directory = path_in_repository(&arguments.directory);
            return Found { command: "check", directory: &directory, sources, found, cases, exit: *exit }.print(writer);
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
