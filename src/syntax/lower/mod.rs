//! From the pairs of pest to the tree: one file per construct.
//!
//! Here stands what a grammar cannot count: numbers that are too large, ranges that run backwards, days that no calendar has,
//! clauses given twice. Each is reported at its own token, and what is faulty is left out of the tree; a statement is dropped
//! only if it cannot keep what the tree promises (at least one endpoint, a `from` in every rule), so that later stages still see its name.

mod address;
mod assertion;
mod clause;
mod date;
mod definition;
mod endpoint;
mod purpose;
mod quarantine;
mod rule;
mod service;
mod text;
mod waiver;

use pest::iterators::Pair;

use super::ast::{Name, Statement};
use super::grammar::Rule;
use crate::diag::{Diagnostic, Sink};
use crate::source::{FileId, Span, Spanned};

pub(super) use address::literal;
pub(super) use endpoint::endpoints;
pub(super) use purpose::{body as purpose_body, head as purpose_head};
pub(super) use service::services;

/// Where a piece of text stands, and where its errors go.
pub(super) struct Context<'s> {
    /// The file.
    pub(super) file: FileId,
    /// Offset of the piece in the file.
    pub(super) base: usize,
    /// Where errors go.
    pub(super) sink: &'s mut Sink,
}

impl Context<'_> {
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        Span::new(self.file, self.base + span.start(), self.base + span.end())
    }

    fn part(&self, pair: &Pair<'_, Rule>, from: usize, length: usize) -> Span {
        let start = self.base + pair.as_span().start() + from;
        Span::new(self.file, start, start + length)
    }

    fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Spanned::new(pair.as_str().to_owned(), self.span(pair))
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.sink.push(diagnostic);
    }
}

/// Lowers any statement but a purpose. `None` if it was too broken to keep; then an error was reported.
pub(super) fn statement(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Statement> {
    match pair.as_rule() {
        Rule::service => definition::service(context, pair).map(Statement::Service),
        Rule::group => definition::group(context, pair).map(Statement::Group),
        Rule::feed => definition::feed(context, pair).map(Statement::Feed),
        Rule::rule => rule::rule(context, pair).map(Statement::Rule),
        Rule::assertion => assertion::assertion(context, pair).map(Statement::Assertion),
        Rule::waive => waiver::waiver(context, pair).map(Statement::Waiver),
        Rule::quarantine => quarantine::quarantine(context, pair).map(Statement::Quarantine),
        _ => None,
    }
}
