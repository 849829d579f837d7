//! The diagnostics objects of the schema `sekisho/check/1`.
//!
//! Strings are passed on as they are: programs want the data, and JSON escapes control characters itself. A diagnostic
//! without a place has `null` for file, line and column, so that every object has every key.

use serde::Serialize;

use super::{Options, Renderer};
use crate::diag::{Diagnostic, Label};
use crate::source::Sources;

/// The format `json`.
pub struct Json;

/// One diagnostic, as programs see it.
#[derive(Debug, Clone, Serialize)]
pub struct DiagnosticObject {
    /// `E0203`
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The headline.
    pub message: String,
    /// The file, relative to the project.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// What is at that place, in a few words.
    pub label: Option<String>,
    /// Other places.
    pub labels: Vec<LabelObject>,
    /// Facts.
    pub notes: Vec<String>,
    /// What to type.
    pub help: Option<String>,
}

/// A secondary place.
#[derive(Debug, Clone, Serialize)]
pub struct LabelObject {
    /// The file, relative to the project.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is there, in a few words.
    pub text: String,
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    diagnostics: Vec<DiagnosticObject>,
    assertions: [(); 0],
}

impl Renderer for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    /// A whole `sekisho/check/1` object without assertions: what a command prints that ends at bad input.
    fn render(&self, sources: &Sources, diagnostics: &[Diagnostic], _: Options) -> String {
        let report = Report { schema: "sekisho/check/1", diagnostics: objects(sources, diagnostics), assertions: [] };
        let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// The objects of some diagnostics, in their order.
#[must_use]
pub fn objects(sources: &Sources, diagnostics: &[Diagnostic]) -> Vec<DiagnosticObject> {
    diagnostics.iter().map(|diagnostic| object(sources, diagnostic)).collect()
}

fn object(sources: &Sources, diagnostic: &Diagnostic) -> DiagnosticObject {
    let place = diagnostic.primary.as_ref().map(|label| label_object(sources, label));
    DiagnosticObject {
        code: diagnostic.code.id,
        severity: diagnostic.severity.as_str(),
        message: diagnostic.message.clone(),
        line: place.as_ref().map(|place| place.line),
        column: place.as_ref().map(|place| place.column),
        label: place.as_ref().map(|place| place.text.clone()).filter(|text| !text.is_empty()),
        file: place.map(|place| place.file),
        labels: diagnostic.secondary.iter().map(|label| label_object(sources, label)).collect(),
        notes: diagnostic.notes.clone(),
        help: diagnostic.help.clone(),
    }
}

fn label_object(sources: &Sources, label: &Label) -> LabelObject {
    let at = sources.position(label.span);
    let file = sources.path(label.span.file).to_owned();
    LabelObject { file, line: at.line, column: at.column, text: label.text.clone() }
}
