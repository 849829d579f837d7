//! Rules: `allow` and `deny`.

use pest::iterators::{Pair, Pairs};

use super::clause::{self, Kind};
use super::{Context, text};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Clauses, Effect, Name, Rule as RuleStatement};
use crate::syntax::grammar::Rule;

/// `allow NAME ...`, `deny NAME ...`; `None` if `from`, `to` or `on` is missing or could not be read, which is reported.
pub(super) fn rule(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<RuleStatement> {
    let span = context.span(&pair);
    let mut inner = pair.into_inner();
    let keyword = inner.next()?;
    let (effect, kind) = match keyword.as_rule() {
        Rule::kw_allow => (Effect::Allow, Kind::Allow),
        _ => (Effect::Deny, Kind::Deny),
    };
    let at = context.span(&keyword);
    let (name, title, clauses) = rest(context, kind, at, inner)?;
    let complete = clauses.from.is_some() && clauses.to.is_some() && clauses.on.is_some();
    complete.then_some(RuleStatement { effect: Spanned::new(effect, at), name, title, clauses, span })
}

/// What follows the keyword of a rule or an assertion: its name, its title, its clauses.
pub(super) fn rest(
    context: &mut Context<'_>,
    kind: Kind,
    keyword: Span,
    mut inner: Pairs<'_, Rule>,
) -> Option<(Name, Option<Name>, Clauses)> {
    let name = context.name(&inner.next()?);
    let title = inner.peek().filter(|pair| pair.as_rule() == Rule::string);
    let title = title.map(|pair| text::word(context, &pair));
    let clauses = inner.filter(|pair| pair.as_rule() != Rule::string);
    let clauses = clause::clauses(context, kind, &name.value, keyword.to(name.span), clauses);
    Some((name, title, clauses))
}
