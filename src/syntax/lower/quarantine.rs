//! Quarantines: `quarantine NAME of endpoints keep RULE, RULE`.

use pest::iterators::Pair;

use super::clause::{self, Kind};
use super::{Context, endpoint};
use crate::syntax::ast::Quarantine;
use crate::syntax::grammar::Rule;

/// `quarantine ...`; `None` if nothing of its endpoints could be read, which is reported.
pub(super) fn quarantine(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Quarantine> {
    let span = context.span(&pair);
    let mut inner = pair.into_inner();
    let keyword = context.span(&inner.next()?);
    let name = context.name(&inner.next()?);
    let of = inner.find(|part| part.as_rule() == Rule::endpoints)?;
    let of = endpoint::endpoints(context, of);
    let mut keep = Vec::new();
    if let Some(pair) = inner.peek().filter(|pair| pair.as_rule() == Rule::keep) {
        keep.extend(pair.into_inner().filter(|part| part.as_rule() == Rule::name).map(|part| context.name(&part)));
        inner.next();
    }
    let clauses = clause::clauses(context, Kind::Quarantine, &name.value, keyword.to(name.span), inner);
    Some(Quarantine { name, of: of?, keep, meta: clauses.meta, span })
}
