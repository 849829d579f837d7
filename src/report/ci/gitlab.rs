//! The code quality report of GitLab: a JSON list of findings.
//!
//! GitLab compares the lists of two branches by `fingerprint`, which therefore is made of meaning and occurs once. A finding without a place is put on the first line of the project's
//! first file, because GitLab knows none without. Bad input is `blocker` (nothing was computed), a lint at level error or a violated assertion `critical`, an unproven one `major`.

use serde::Serialize;

use super::fingerprint::fingerprints;
use super::{Run, Writer, words};
use crate::diag::{Diagnostic, Severity};

/// The format `gitlab`.
pub struct Gitlab;

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

impl Writer for Gitlab {
    fn name(&self) -> &'static str {
        "gitlab"
    }

    fn write(&self, run: &Run<'_>) -> String {
        let issue = |(found, fingerprint): (&Diagnostic, String)| Issue {
            description: words(found),
            check_name: found.code.id,
            fingerprint,
            severity: severity(found),
            location: location(run, found),
        };
        let issues: Vec<Issue> = run.found.iter().zip(fingerprints(run.sources, run.found)).map(issue).collect();
        let mut text = serde_json::to_string_pretty(&issues).unwrap_or_default();
        text.push('\n');
        text
    }
}

fn severity(found: &Diagnostic) -> &'static str {
    match (found.severity, found.code.lint) {
        (Severity::Error, false) => "blocker",
        (Severity::Error, true) if found.code.id == "A0002" => "major",
        (Severity::Error, true) => "critical",
        (Severity::Warning, _) if found.code.id == "A0002" => "major",
        (Severity::Warning, _) => "minor",
        (Severity::Note, _) => "info",
    }
}

fn location(run: &Run<'_>, found: &Diagnostic) -> Location {
    match run.place_of(found) {
        Some(place) => Location { path: place.path, lines: Lines { begin: place.line, end: place.end_line } },
        None => {
            let first = run.sources.iter().next().map_or("sekisho.yaml", |(_, file)| file.path.as_str());
            Location { path: format!("{}{first}", run.prefix), lines: Lines { begin: 1, end: 1 } }
        }
    }
}
