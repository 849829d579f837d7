//! The devices whose files change, and by how many lines.
//!
//! Only firewalls whose plans may differ are planned, and only those whose plans do are written. Lines are counted as a pile, not as a sequence: a line that only moved is neither added nor removed.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::answer::DeviceChange;
use crate::diag::{Diagnostic, Severity, Sink};
use crate::diff::{Both, Side};
use crate::pipeline;
use crate::plan::{DevicePlan, Placement, suspects};
use crate::platform::{Detail, Written};

/// What became of the files.
#[derive(Debug, Default)]
pub(in crate::cli::commands) struct Files {
    /// The devices whose files change, by name.
    pub devices: Vec<DeviceChange>,
    /// Why some could not be written, and so not compared.
    pub unwritten: Vec<String>,
}

/// Compares the files of both sides.
pub(in crate::cli::commands) fn changes(sides: Both<Side<'_>>) -> Files {
    let Both { before, after } = sides;
    let before = Placement::new(before.model, before.topology, before.at);
    let after = Placement::new(after.model, after.topology, after.at);
    let pairs = suspects(&before, &after);
    let each = |(old, new): &(Option<usize>, Option<usize>)| one(&before, &after, *old, *new);
    let found: Vec<Result<Option<DeviceChange>, Vec<String>>> = pairs.par_iter().map(each).collect();
    let mut files = Files::default();
    for one in found {
        match one {
            Ok(change) => files.devices.extend(change),
            Err(why) => files.unwritten.extend(why),
        }
    }
    files.devices.sort_by(|a, b| a.device.cmp(&b.device));
    files.unwritten.sort();
    files.unwritten.dedup();
    files
}

/// What becomes of the files of one device.
fn one(
    before: &Placement<'_>,
    after: &Placement<'_>,
    old: Option<usize>,
    new: Option<usize>,
) -> Result<Option<DeviceChange>, Vec<String>> {
    let plans = (old.and_then(|old| before.plan(old)), new.and_then(|new| after.plan(new)));
    if matches!(&plans, (Some(old), Some(new)) if old.is_like(new)) {
        return Ok(None);
    }
    let device = plans.0.as_ref().or(plans.1.as_ref()).map(|plan| plan.device.clone()).unwrap_or_default();
    let (old, new) = (written(plans.0)?, written(plans.1)?);
    let texts = |files: &Option<Written>| -> Vec<(&'static str, String)> {
        let files = files.iter().flat_map(|written| &written.files);
        files.map(|file| (file.name, file.text.clone())).collect()
    };
    let (old, new) = (texts(&old), texts(&new));
    if old == new {
        return Ok(None);
    }
    let (lines_added, lines_removed) = lines(&old, &new);
    Ok(Some(DeviceChange { device, lines_added, lines_removed }))
}

/// The files of a firewall; what its platform refuses is why they are not there.
fn written(plan: Option<DevicePlan>) -> Result<Option<Written>, Vec<String>> {
    let mut sink = Sink::default();
    let device = plan.and_then(|plan| pipeline::write_plan(plan, Detail::Files, &mut sink));
    let refused: Vec<Diagnostic> =
        sink.into_sorted().into_iter().filter(|found| found.severity == Severity::Error).collect();
    if refused.is_empty() {
        return Ok(device.map(|device| device.written));
    }
    Err(refused.into_iter().map(|found| format!("{}: {}", found.code.id, found.message)).collect())
}

/// How many lines only the new and only the old files have.
fn lines(old: &[(&str, String)], new: &[(&str, String)]) -> (usize, usize) {
    let mut pile: HashMap<(&str, &str), isize> = HashMap::new();
    for (files, step) in [(old, -1), (new, 1)] {
        for (name, text) in files {
            text.lines().for_each(|line| *pile.entry((name, line)).or_default() += step);
        }
    }
    let count = |counts: Vec<isize>| counts.into_iter().map(isize::unsigned_abs).sum();
    let (added, removed): (Vec<isize>, Vec<isize>) = pile.into_values().partition(|count| *count > 0);
    (count(added), count(removed))
}
