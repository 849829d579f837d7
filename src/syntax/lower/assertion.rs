//! Assertions: `never`, `only` and `must`.

use pest::iterators::Pair;

use super::Context;
use super::clause::Kind;
use super::rule::rest;
use crate::source::Spanned;
use crate::syntax::ast::{Assertion, AssertionKind};
use crate::syntax::grammar::Rule;

/// `never NAME ...`; `None` if `from` or `to` is missing or could not be read, which is reported.
pub(super) fn assertion(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Assertion> {
    let span = context.span(&pair);
    let mut inner = pair.into_inner();
    let keyword = inner.next()?;
    let (kind, takes) = match keyword.as_rule() {
        Rule::kw_never => (AssertionKind::Never, Kind::Never),
        Rule::kw_only => (AssertionKind::Only, Kind::Only),
        _ => (AssertionKind::Must, Kind::Must),
    };
    let at = context.span(&keyword);
    let (name, title, clauses) = rest(context, takes, at, inner)?;
    let complete = clauses.from.is_some() && clauses.to.is_some();
    complete.then_some(Assertion { kind: Spanned::new(kind, at), name, title, clauses, span })
}
