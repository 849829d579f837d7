//! `sekisho check`: what is wrong with a project.

use super::super::args::{Check, Common, ReportFormat};
use super::super::{Exit, output, progress::Progress};
use super::{day, load, outcome, report};
use crate::graph::Topology;
use crate::pipeline::Loaded;
use crate::report::json::{self, AssertionObject, CheckReport};
use crate::syntax::ast::AssertionKind;

pub(super) fn run(common: &Common, arguments: &Check) -> Exit {
    let progress = Progress::start(common, "reading");
    let loaded = match load(common, "check", &arguments.directory, arguments.format.name()) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    progress.stage("checking");
    let at = day(common);
    // The lints rest on a model that was resolved whole.
    let found = if loaded.is_sound() { loaded.lint(&Topology::new(&loaded.model), at) } else { loaded.diagnostics() };
    drop(progress);
    if arguments.format != ReportFormat::Json {
        let exit = report(common, "check", arguments.format.name(), &loaded.project.sources, &found);
        if loaded.is_sound() && !common.quiet {
            said_of_assertions(&loaded, at);
        }
        return exit;
    }
    let assertions = if loaded.is_sound() { assertions(&loaded, at) } else { Vec::new() };
    let diagnostics = json::objects(&loaded.project.sources, &found);
    let object = CheckReport { schema: "sekisho/check/1", diagnostics, assertions };
    outcome(&found).worst(output::result(&json::to_text(&object)))
}

/// What became of each assertion. None is proved yet: a proof is a later stage, and silence would be taken for one.
fn assertions(loaded: &Loaded, at: jiff::civil::Date) -> Vec<AssertionObject> {
    let object = |assertion: &crate::model::Assertion| {
        let active = assertion.period.contains(at);
        AssertionObject {
            name: assertion.name.value.clone(),
            kind: match assertion.kind {
                AssertionKind::Never => "never",
                AssertionKind::Only => "only",
                AssertionKind::Must => "must",
            },
            outcome: if active { "unproven" } else { "inactive" },
            hops: Vec::new(),
            mend: Vec::new(),
            because: active.then(|| NOT_YET.to_owned()),
        }
    };
    loaded.model.assertions.iter().map(object).collect()
}

const NOT_YET: &str = "this version does not prove assertions";

fn said_of_assertions(loaded: &Loaded, at: jiff::civil::Date) {
    let all = &loaded.model.assertions;
    let active = all.iter().filter(|assertion| assertion.period.contains(at)).count();
    if !all.is_empty() {
        let inactive = all.len() - active;
        output::error_text(&format!("assertions: {active} unproven, because {NOT_YET}; {inactive} inactive\n"));
    }
}
