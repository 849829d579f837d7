//! Purposes: their head and the meta clauses that are defaults for what stands in them. Members are lowered as the statements that they are.

use pest::iterators::Pair;

use super::clause::{self, Kind};
use super::{Context, text};
use crate::source::Span;
use crate::syntax::ast::{Meta, Name};
use crate::syntax::grammar::Rule;

/// `purpose NAME "title" {`
pub(in crate::syntax) fn head(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<(Name, Option<Name>)> {
    let mut inner = pair.into_inner();
    let name = inner.find(|part| part.as_rule() == Rule::name)?;
    let title = inner.next().filter(|part| part.as_rule() == Rule::string);
    Some((context.name(&name), title.map(|part| text::word(context, &part))))
}

/// The meta clauses at the beginning of the purpose `name`, whose head stands at `head`.
pub(in crate::syntax) fn body(context: &mut Context<'_>, name: &str, head: Span, pair: Pair<'_, Rule>) -> Meta {
    let inner = pair.into_inner().filter(|part| part.as_rule() != Rule::EOI);
    clause::clauses(context, Kind::Purpose, name, head, inner).meta
}
