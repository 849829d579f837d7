//! `sekisho gate`: whether a change may be merged.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::civil::Date;

use super::super::args::{Common, Gate, GateFormat};
use super::super::{Exit, output, progress::Progress};
use super::diff::{base, files, load, project};
use super::{day, report};
use crate::answer::{self, Beside, Limit, Ruling, Stage};
use crate::checksum;
use crate::diag::Diagnostic;
use crate::diag::codes::input::NO_REVISION;
use crate::diff::{Both, Side, Which};
use crate::gate::{Approvals, Need, Promises, guards, guards_digest};
use crate::graph::Topology;
use crate::packet::{Product, TooLarge};
use crate::pipeline::Loaded;
use crate::report::json;
use crate::source::Sources;

pub(super) fn run(common: &Common, arguments: &Gate) -> Exit {
    let progress = Progress::start(common, "reading");
    let places = match base(&arguments.directory, &arguments.base) {
        Ok(places) => places,
        Err(message) => {
            drop(progress);
            let found = [Diagnostic::without_place(&NO_REVISION, message)];
            return report(common, "gate", arguments.format.of_diff().diagnostics(), &Sources::default(), &found);
        }
    };
    let (old, new) = match load(common, "gate", arguments.format.of_diff(), &places) {
        Ok(sides) => match sides.new {
            Some(new) => (sides.old, new),
            None => return Exit::Bug,
        },
        Err(exit) => return exit,
    };
    progress.stage("comparing");
    let told = judge(&old, &new, day(common), arguments);
    drop(progress);
    match told {
        Ok((text, exit)) => exit.worst(output::result(&text)),
        Err(_) => {
            output::error_text("the two differ in too many ways to say in which: nothing is proved\n");
            Exit::Unproven
        }
    }
}

fn judge(old: &Loaded, new: &Loaded, at: Date, arguments: &Gate) -> Result<(String, Exit), TooLarge> {
    let (old_topology, new_topology) = (Topology::new(&old.model), Topology::new(&new.model));
    let before = |at| Side { model: &old.model, topology: &old_topology, at };
    let after = |at| Side { model: &new.model, topology: &new_topology, at };
    let dates = crate::diff::dates(before(at), after(at));
    let mut stages: Vec<Stage> = Vec::new();
    for from in std::iter::once(at).chain(dates) {
        let (before, after) = (project(old, before(from), Which::Before), project(new, after(from), Which::After));
        let diff = answer::diff(&before, &after)?;
        let is_news =
            stages.last().is_none_or(|last| last.diff.digest != diff.digest || verdicts(&last.diff) != verdicts(&diff));
        if is_news {
            stages.push(Stage { from, diff });
        }
    }
    let flows: Vec<&Product> = stages.iter().flat_map(|stage| &stage.diff.changes.opens).collect();
    let flows: Vec<Product> = flows.into_iter().cloned().collect();
    let guards = guards(promises(old), promises(new), at);
    let opens = digest(&stages);
    let weakens = (!guards.is_empty()).then(|| guards_digest(&guards));
    let approvals = Approvals::new(&new.approvals, &old.approvals, (opens.as_deref(), weakens.as_deref()), at);
    let gate = answer::Gate {
        flow_needs: together([&old.gate, &new.gate].map(|rules| rules.for_flows(&flows))),
        guard_needs: together([&old.gate, &new.gate].map(|rules| rules.for_guards())),
        stages,
        opens,
        guards,
        weakens,
        approvals,
        sources: &new.project.sources,
    };
    let files = files::changes(Both { before: before(at), after: after(at) });
    let said = at.to_string();
    let beside = Beside { devices: &files.devices, unwritten: &files.unwritten, dates: &said };
    let text = match arguments.format {
        GateFormat::Text => gate.to_text(beside),
        GateFormat::Md => gate.to_markdown(beside, Limit(arguments.limit)),
        GateFormat::Json => json::to_text(&gate.to_json()),
    };
    let exit = match gate.ruling() {
        Ruling::Nothing | Ruling::Approved => Exit::Ok,
        Ruling::Refused => Exit::Finding,
        Ruling::Unproven => Exit::Unproven,
    };
    Ok((text, exit))
}

fn promises(loaded: &Loaded) -> Promises<'_> {
    Promises { model: &loaded.model, settings: &loaded.settings, rules: &loaded.gate }
}

/// What of the assertions a stage tells.
fn verdicts(diff: &answer::Diff) -> BTreeSet<(&str, Option<&'static str>)> {
    diff.assertions.iter().map(|one| (one.name.as_str(), one.after)).collect()
}

/// The digest of all that is opened: that of the flows, if they are the same on all days, else of each with the first of its days.
fn digest(stages: &[Stage]) -> Option<String> {
    if stages.iter().all(|stage| stage.diff.changes.opens.is_empty()) {
        return None;
    }
    let first = stages.first().map(|stage| stage.diff.digest.clone())?;
    if stages.iter().all(|stage| stage.diff.digest == first) {
        return Some(first);
    }
    let mut text = format!("sekisho flows by day 1\nnow {first}\n");
    let mut last = &first;
    for stage in stages.iter().skip(1).filter(|stage| {
        let is_other = stage.diff.digest != *last;
        last = &stage.diff.digest;
        is_other
    }) {
        let _ = writeln!(text, "{} {}", stage.from, stage.diff.digest);
    }
    Some(checksum::named_sha256(text))
}

/// What either side asks.
fn together(needs: [Vec<Need>; 2]) -> Vec<Need> {
    let mut all: Vec<Need> = Vec::new();
    for need in needs.into_iter().flatten() {
        match all.iter_mut().find(|known| known.approver == need.approver) {
            Some(known) => known.because.extend(need.because),
            None => all.push(need),
        }
    }
    // Whoever is named is somebody.
    if all.iter().any(|need| need.approver.is_some()) {
        all.retain(|need| need.approver.is_some());
    }
    all.sort();
    all
}
