//! Waivers: `waive NAME for ASSERTION allow RULE until DATE`.

use pest::iterators::Pair;

use super::Context;
use super::clause::{self, Kind};
use crate::syntax::ast::Waiver;
use crate::syntax::grammar::Rule;

/// `waive ...`; `None` if `until` is missing or no date, which is reported.
pub(super) fn waiver(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Waiver> {
    let span = context.span(&pair);
    let mut inner = pair.into_inner();
    let keyword = context.span(&inner.next()?);
    let mut name = || inner.find(|part| part.as_rule() == Rule::name);
    let (own, assertion, rule) = (name()?, name()?, name()?);
    let (own, assertion, rule) = (context.name(&own), context.name(&assertion), context.name(&rule));
    let clauses = clause::clauses(context, Kind::Waive, &own.value, keyword.to(own.span), inner);
    clauses.meta.until.is_some().then_some(Waiver { name: own, assertion, rule, meta: clauses.meta, span })
}
