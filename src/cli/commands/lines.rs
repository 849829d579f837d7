//! `sekisho lines`: what in a rule set does nothing.

use super::super::args::{AnswerFormat, Common, Lines};
use super::super::{Exit, output};
use super::ruleset;
use crate::answer::lines_report;
use crate::listing::analyse;
use crate::report::json;

pub(super) fn run(common: &Common, arguments: &Lines) -> Exit {
    let listing = match ruleset::read(common, &arguments.files, arguments.platform.map(|one| one.name())) {
        Ok(listing) => listing.listing,
        Err(exit) => return exit,
    };
    let Ok(analysis) = analyse(&listing) else { return ruleset::too_large() };
    let report = lines_report(&listing, &analysis);
    let found = !report.findings.is_empty() || !report.troubles.is_empty();
    let exit = if found { Exit::Finding } else { Exit::Ok };
    exit.worst(output::result(&match arguments.format {
        AnswerFormat::Text => report.to_text(),
        AnswerFormat::Json => json::to_text(&report),
    }))
}
