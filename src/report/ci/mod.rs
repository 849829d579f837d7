//! What a command found, in the formats that forges and build servers read: one file a format.
//!
//! A command hands over a [`Run`]: its diagnostics, and the cases it judged (assertions). Each [`Writer`] makes one text of it; [`ALL`] is the registry. Every text of the input, names and
//! titles above all, is hostile to some of these formats, so each file says how it keeps what is text from becoming markup, a command or another line.
//!
//! Paths are relative to the root of the repository, because that is where a forge looks for them; [`Run::prefix`] leads there from the project. Identity is in [`fingerprint`]. Absent on purpose: time, duration, the
//! name of the machine: the same input gives the same bytes.

pub mod fingerprint;
mod github;
mod gitlab;
mod junit;
mod sarif;
mod summary;

use crate::diag::render::printable;
use crate::diag::{Diagnostic, Severity};
use crate::source::{Sources, Span};

pub use github::Github;
pub use gitlab::Gitlab;
pub use junit::Junit;
pub use sarif::Sarif;
pub use summary::summary;

/// What a command found.
pub struct Run<'r> {
    /// The command: `check`.
    pub command: &'r str,
    /// From the root of the repository to the project: empty, or with `/` at its end.
    pub prefix: &'r str,
    /// The files that places are in.
    pub sources: &'r Sources,
    /// What is to be said, in the order of places.
    pub found: &'r [Diagnostic],
    /// What was judged, in the order of names.
    pub cases: &'r [Case],
    /// The page of a code, as Markdown.
    pub page: &'r dyn Fn(&str) -> Option<&'static str>,
    /// How the command ends.
    pub exit: u8,
}

/// Something that was judged: an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// `never`, `only` or `must`.
    pub kind: &'static str,
    /// What it says, in a sentence of its author.
    pub title: Option<String>,
    /// What became of it.
    pub outcome: CaseOutcome,
    /// Whether it binds a build.
    pub weight: Weight,
    /// Where its name stands; the diagnostic about it has the same place.
    pub span: Span,
    /// The steps of the chain that violates it, if it is a chain.
    pub steps: Vec<Step>,
}

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseOutcome {
    /// It holds.
    Proved,
    /// It does not.
    Violated,
    /// It is not known.
    Unproven,
    /// It was not asked on this date.
    Inactive,
}

/// Whether a violated case fails a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It does.
    Binding,
    /// It does not.
    Advisory,
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happens in it.
    pub text: String,
    /// The rules that let it happen; none for movement inside a zone.
    pub spans: Vec<Span>,
}

/// One format.
pub trait Writer: Sync {
    /// What `--format` calls it.
    fn name(&self) -> &'static str;

    /// All that was found, as one text that ends in a line feed, if it is not empty.
    fn write(&self, run: &Run<'_>) -> String;
}

/// Every format.
pub static ALL: &[&dyn Writer] = &[&Sarif, &Junit, &Github, &Gitlab];

/// The format of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Writer> {
    ALL.iter().copied().find(|writer| writer.name() == name)
}

/// A place as forges count it: all numbers from 1, columns in characters, the end behind the last character.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// Relative to the root of the repository.
    path: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl Run<'_> {
    fn place(&self, span: Span) -> Place {
        let (start, end) = (self.sources.position(span), self.sources.position(Span { start: span.end, ..span }));
        let path = format!("{}{}", self.prefix, self.sources.path(span.file));
        let end = if (end.line, end.column) > (start.line, start.column) { end } else { start };
        Place { path, line: start.line, column: start.column, end_line: end.line, end_column: end.column }
    }

    fn place_of(&self, found: &Diagnostic) -> Option<Place> {
        found.primary.as_ref().map(|primary| self.place(primary.span))
    }

    /// The case that a diagnostic is about.
    fn case_of(&self, found: &Diagnostic) -> Option<&Case> {
        let span = found.primary.as_ref()?.span;
        self.cases.iter().find(|case| found.code.id.starts_with('A') && case.span == span)
    }

    /// The diagnostic about a case.
    fn about(&self, case: &Case) -> Option<&Diagnostic> {
        let is_about = |found: &&Diagnostic| self.case_of(found).is_some_and(|about| std::ptr::eq(about, case));
        self.found.iter().find(is_about)
    }
}

/// All that a diagnostic says beside its places, a line each.
fn words(found: &Diagnostic) -> String {
    let mut lines = vec![found.message.clone()];
    lines.extend(found.notes.iter().cloned());
    lines.extend(found.help.as_ref().map(|help| format!("help: {help}")));
    let lines: Vec<String> = lines.iter().map(|line| printable(&line.replace('\n', " ")).into_owned()).collect();
    lines.join("\n")
}

/// The worst first, otherwise as they come: forges show the first few.
fn worst_first(found: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut sorted: Vec<&Diagnostic> = found.iter().collect();
    sorted.sort_by_key(|one| match one.severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Note => 2,
    });
    sorted
}
