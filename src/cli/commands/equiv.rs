//! `sekisho equiv`: whether two rule sets mean the same.

use super::super::args::{AnswerFormat, Common, Equiv};
use super::super::{Exit, output};
use super::ruleset;
use crate::answer::equiv_report;
use crate::listing::{Comparison, compare};
use crate::report::json;

pub(super) fn run(common: &Common, arguments: &Equiv) -> Exit {
    if [&arguments.first, &arguments.second].iter().all(|path| path.as_os_str() == "-") {
        return output::error_line("standard input can be read once: only one of the two rule sets may be `-`");
    }
    let read = |path: &std::path::PathBuf| ruleset::read(common, std::slice::from_ref(path), None);
    let (first, second) = match (read(&arguments.first), read(&arguments.second)) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(exit), _) | (_, Err(exit)) => return exit,
    };
    // The same texts mean the same, whatever it is, if they are of the same families: that may stand in the names of their files.
    let is_same = first.texts == second.texts && first.listing == second.listing;
    let compared = if is_same { Ok(Comparison::default()) } else { compare(&first.listing, &second.listing) };
    let Ok(comparison) = compared else { return ruleset::too_large() };
    let report = equiv_report(&first.listing, &second.listing, &comparison);
    let exit = match report.verdict {
        "equal" => Exit::Ok,
        "different" => Exit::Finding,
        _ => Exit::Unproven,
    };
    exit.worst(output::result(&match arguments.format {
        AnswerFormat::Text => report.to_text(),
        AnswerFormat::Json => json::to_text(&report),
    }))
}
