//! The summary of a step as Markdown, for the page that a build server shows.
//!
//! Every name is escaped by [`crate::report::markdown`]. A table is cut between rows, with a count of what is left out: GitHub takes a mebibyte a step and shows nothing of what is longer.

use std::fmt::Write as _;

use super::{CaseOutcome, Run, Weight, worst_first};
use crate::report::markdown::{escape, table};

/// Rows of a table that are shown.
const SHOWN: usize = 200;

/// Bytes of a cell that are shown.
const WIDEST: usize = 600;

/// All that was found, as Markdown.
#[must_use]
pub fn summary(run: &Run<'_>) -> String {
    let mut out = format!("## sekisho {}\n\n", escape(run.command));
    let count = |outcome| run.cases.iter().filter(|case| case.outcome == outcome).count();
    let outcomes = [
        (CaseOutcome::Proved, "proved"),
        (CaseOutcome::Violated, "violated"),
        (CaseOutcome::Unproven, "unproven"),
        (CaseOutcome::Inactive, "inactive"),
    ];
    let counts: Vec<String> = outcomes.iter().map(|(outcome, word)| format!("{} {word}", count(*outcome))).collect();
    let _ = writeln!(out, "Assertions: {}. Diagnostics: {}.", counts.join(", "), run.found.len());
    cases(&mut out, run);
    diagnostics(&mut out, run);
    out
}

fn cases(out: &mut String, run: &Run<'_>) {
    let open = run.cases.iter().filter(|case| matches!(case.outcome, CaseOutcome::Violated | CaseOutcome::Unproven));
    let row = |case| {
        let case: &super::Case = case;
        let what = match (case.outcome, case.weight) {
            (CaseOutcome::Violated, Weight::Binding) => "violated",
            (CaseOutcome::Violated, Weight::Advisory) => "violated (advisory)",
            (_, Weight::Binding) => "unproven",
            (_, Weight::Advisory) => "unproven (advisory)",
        };
        let said = run.about(case).map_or("", |found| found.message.as_str());
        vec![case.name.clone(), what.to_owned(), cut(case.title.as_deref().unwrap_or("")), cut(said)]
    };
    rows(out, &["assertion", "outcome", "says", "what is wrong"], open.map(row).collect());
}

fn diagnostics(out: &mut String, run: &Run<'_>) {
    let others = worst_first(run.found).into_iter().filter(|found| run.case_of(found).is_none());
    let row = |found: &crate::diag::Diagnostic| {
        let place = run.place_of(found).map_or_else(String::new, |place| format!("{}:{}", place.path, place.line));
        vec![found.severity.as_str().to_owned(), found.code.id.to_owned(), place, cut(&found.message)]
    };
    rows(out, &["severity", "code", "place", "what is wrong"], others.map(row).collect());
}

fn rows(out: &mut String, columns: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let shown = rows.get(..SHOWN).unwrap_or(&rows);
    let _ = write!(out, "\n{}", table(columns, shown));
    if rows.len() > shown.len() {
        let _ = writeln!(out, "\nand {} more; `sekisho check` shows all", rows.len() - shown.len());
    }
}

fn cut(text: &str) -> String {
    if text.len() <= WIDEST {
        return text.to_owned();
    }
    let end = (0..=WIDEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{} ...", text.get(..end).unwrap_or(""))
}
