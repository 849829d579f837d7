//! Endpoint expressions.

use pest::iterators::Pair;

use super::{Context, address, text};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{All, Endpoints, Name, Primary};
use crate::syntax::grammar::Rule;

/// `item, item except item`; `None` if nothing of what is in it could be read, which is reported.
///
/// Spans are taken from the first and the last token: the pair of pest may reach over the blanks after it.
pub(in crate::syntax) fn endpoints(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Endpoints> {
    let (mut items, mut except) = (Vec::new(), Vec::new());
    let mut excepting = false;
    let mut span = context.span(&pair);
    span.end = span.start;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::kw_except => excepting = true,
            Rule::all => {
                let (whole, item) = all(context, part);
                span = span.to(whole);
                if excepting { &mut except } else { &mut items }.extend(item);
            }
            _ => {}
        }
    }
    (!items.is_empty()).then_some(Endpoints { items, except, span })
}

/// The span of an item, and the item; `None` if one of its primaries could not be read: without it the rest would mean more
/// than what was written.
fn all(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> (Span, Option<All>) {
    let mut span = context.span(&pair);
    span.end = span.start;
    let mut primaries = Vec::new();
    let mut whole = true;
    for part in pair.into_inner().filter(|part| part.as_rule() != Rule::amp) {
        span = span.to(context.span(&part));
        match primary(context, part) {
            Some(primary) => primaries.push(primary),
            None => whole = false,
        }
    }
    (span, whole.then_some(All { primaries, span }))
}

fn primary(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Spanned<Primary>> {
    let span = context.span(&pair);
    let value = match pair.as_rule() {
        Rule::kw_any => Primary::Any,
        Rule::name => Primary::Name(pair.as_str().to_owned()),
        Rule::address => Primary::Address(address::address(context, &pair)?),
        Rule::everywhere => Primary::Everywhere(context.name(&pair.into_inner().next()?)),
        Rule::qualified => {
            let (site, name) = two(pair)?;
            Primary::Qualified { site: context.name(&site), name: context.name(&name) }
        }
        Rule::attribute => {
            let (key, value) = two(pair)?;
            Primary::Attribute { key: context.name(&key), value: text::word(context, &value) }
        }
        _ => return None,
    };
    Some(Spanned::new(value, span))
}

fn two<'i>(pair: Pair<'i, Rule>) -> Option<(Pair<'i, Rule>, Pair<'i, Rule>)> {
    let mut parts = pair.into_inner();
    Some((parts.next()?, parts.next()?))
}

/// A place on the way (`via`): a name, or `site/name` in one string.
pub(super) fn place(context: &Context<'_>, pair: &Pair<'_, Rule>) -> Name {
    context.name(pair)
}
