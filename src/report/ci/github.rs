//! Annotations of GitHub: `::error file=erp.policy,line=10::...` on standard output.
//!
//! A line feed in a message would begin a line that could itself be a command, so `%`, line feeds and carriage returns are written as `%25`, `%0A`, `%0D`, and in properties `:` and `,` too;
//! other control characters are made visible. GitHub shows ten errors and ten warnings of a step, so errors come first.

use std::fmt::Write as _;

use super::{Run, Writer, words, worst_first};
use crate::diag::Severity;

/// The format `github`.
pub struct Github;

impl Writer for Github {
    fn name(&self) -> &'static str {
        "github"
    }

    fn write(&self, run: &Run<'_>) -> String {
        let mut out = String::new();
        for found in worst_first(run.found) {
            let command = match found.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "notice",
            };
            let _ = write!(out, "::{command} ");
            if let Some(place) = run.place_of(found) {
                let _ = write!(out, "file={},line={},endLine={}", property(&place.path), place.line, place.end_line);
                if place.line == place.end_line {
                    let _ = write!(out, ",col={},endColumn={}", place.column, place.end_column);
                }
                out.push(',');
            }
            let _ = writeln!(out, "title={}::{}", property(&format!("sekisho {}", found.code.id)), data(&words(found)));
        }
        out
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
