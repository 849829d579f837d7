//! `sekisho gate`: whether a change may be merged.

use jiff::civil::Date;

use super::super::args::{Common, Gate, GateFormat};
use super::super::{Exit, output, progress::Progress};
use super::diff::{base, files, load, project};
use super::{day, report, too_different};
use crate::answer::{self, Beside, Limit, Party, Ruling};
use crate::diag::Diagnostic;
use crate::diag::codes::input::NO_REVISION;
use crate::diff::{Both, Side, Which};
use crate::graph::Topology;
use crate::packet::TooLarge;
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
        Err(_) => too_different(),
    }
}

fn judge(old: &Loaded, new: &Loaded, at: Date, arguments: &Gate) -> Result<(String, Exit), TooLarge> {
    let (old_topology, new_topology) = (Topology::new(&old.model), Topology::new(&new.model));
    let before = Side { model: &old.model, topology: &old_topology, at };
    let after = Side { model: &new.model, topology: &new_topology, at };
    let gate = answer::gate(&party(old, before, Which::Before), &party(new, after, Which::After), at)?;
    let files = files::changes(Both { before, after });
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

fn party<'a>(loaded: &'a Loaded, side: Side<'a>, which: Which) -> Party<'a> {
    Party {
        project: project(loaded, side, which),
        settings: &loaded.settings,
        rules: &loaded.gate,
        approvals: &loaded.approvals,
    }
}
