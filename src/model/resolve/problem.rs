//! Diagnostics that several constructs share.

use std::cell::Cell;

use crate::diag::codes::names;
use crate::diag::{Code, Diagnostic};
use crate::source::{Span, Spanned};

/// What is wrong with a name, wherever it is used: a diagnostic without its place.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) code: &'static Code,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) also: Vec<(Span, String)>,
    pub(super) help: Option<String>,
}

impl Problem {
    /// A problem with a headline and a word at its place.
    pub(super) fn new(code: &'static Code, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { code, message: message.into(), label: label.into(), also: Vec::new(), help: None }
    }

    /// Says what to type.
    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Adds another place.
    pub(super) fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.also.push((span, text.into()));
        self
    }

    /// The diagnostic at one of the places where the name is used.
    pub(super) fn at(&self, span: Span) -> Diagnostic {
        let start = Diagnostic::new(self.code, span, self.message.clone()).label(self.label.clone());
        let mut found = self.also.iter().fold(start, |found, (span, text)| found.also(*span, text.clone()));
        found.help.clone_from(&self.help);
        found
    }
}

/// Two things with one name; points at both.
pub(super) fn twice(
    second: &Spanned<String>,
    first: &Spanned<String>,
    message: impl Into<String>,
    what_first: &str,
) -> Diagnostic {
    Diagnostic::new(&names::NAME_TWICE, second.span, message)
        .label("the second one")
        .also(first.span, what_first)
        .help("rename one of them")
}

/// "Did you mean" with a budget: a project in which thousands of names are wrong must not cost thousands of searches in all names.
#[derive(Debug)]
pub(super) struct Guesses {
    left: Cell<usize>,
}

impl Default for Guesses {
    fn default() -> Self {
        Self { left: Cell::new(1_000_000) }
    }
}

impl Guesses {
    /// The candidate that was probably meant, if there is one and the budget lasts.
    pub(super) fn closest<'c>(&self, wanted: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
        let left = &self.left;
        crate::diag::closest(
            wanted,
            candidates.take_while(|_| {
                left.set(left.get().saturating_sub(1));
                left.get() > 0
            }),
        )
    }
}
