//! What is said of rules, sizes and tiers in a row.

use std::sync::Arc;

use super::objects::{RuleWords, Size, Tiers};
use super::rows::Project;
use crate::diff::Which;
use crate::model::{Meta, Model, Period, Product, Quarantine, RuleId};
use crate::packet::{AddressSet, Family};
use crate::source::{Span, Spanned};
use crate::syntax::ast::Effect;

/// A rule of one side, held against the one of its name on the other.
pub(super) fn rule(project: &Project<'_>, other: &Project<'_>, id: RuleId) -> Option<RuleWords> {
    let rule = project.model().rules.get(id.index())?;
    let theirs = other.model().rules.iter().find(|one| one.name.value == rule.name.value);
    let change = match theirs {
        None => project.alone(),
        Some(theirs) => {
            let is_like = rule.effect == theirs.effect
                && rule.log == theirs.log
                && same_products((project.model(), &rule.products), (other.model(), &theirs.products));
            change((project, rule.span, rule.period), (other, theirs.span, theirs.period), is_like)
        }
    };
    let effect = if rule.effect == Effect::Allow { "allow" } else { "deny" };
    Some(words(project, &rule.name, (effect, change), rule.period, &rule.meta))
}

/// A quarantine of one side, by its number in the model.
pub(super) fn quarantine(project: &Project<'_>, other: &Project<'_>, number: u32) -> Option<RuleWords> {
    let one = project.model().quarantines.get(number as usize)?;
    let theirs = other.model().quarantines.iter().find(|theirs| theirs.name.value == one.name.value);
    let change = match theirs {
        None => project.alone(),
        Some(theirs) => {
            let is_like = same_quarantine((project, one), (other, theirs));
            change((project, one.span, one.period), (other, theirs.span, theirs.period), is_like)
        }
    };
    Some(words(project, &one.name, ("quarantine", change), one.period, &one.meta))
}

fn words(
    project: &Project<'_>,
    name: &Spanned<String>,
    (effect, change): (&'static str, &'static str),
    period: Period,
    meta: &Meta,
) -> RuleWords {
    let sources = &project.sources;
    RuleWords {
        name: name.value.clone(),
        effect,
        change,
        title: meta.title.clone(),
        purpose: meta.purpose.clone(),
        owner: meta.owner.clone(),
        ticket: meta.ticket.clone(),
        start: period.start.map(|date| date.to_string()),
        until: period.until.map(|date| date.to_string()),
        file: sources.path(name.span.file).to_owned(),
        line: sources.position(name.span).line,
    }
}

/// What became of a statement that both sides have. It is told of one that is in force on its side.
fn change(
    (mine, own, period): (&Project<'_>, Span, Period),
    (other, theirs, their_period): (&Project<'_>, Span, Period),
    is_like: bool,
) -> &'static str {
    let text = |project: &Project<'_>, span: Span| {
        let text = project.sources.text(span.file).get(span.start as usize..span.end as usize);
        text.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let is_in_force = |project: &Project<'_>, period: Period| period.contains(project.side.at);
    match (is_like, is_in_force(mine, period) == is_in_force(other, their_period)) {
        (true, true) => "same",
        (_, false) => {
            if mine.which == Which::After {
                "starts"
            } else {
                "lapses"
            }
        }
        (false, true) if text(mine, own) == text(other, theirs) => "same-words",
        (false, true) => "changed",
    }
}

fn same_quarantine((old, one): (&Project<'_>, &Quarantine), (new, other): (&Project<'_>, &Quarantine)) -> bool {
    let keeps = |project: &Project<'_>, quarantine: &Quarantine| -> Vec<String> {
        let rules = quarantine.keep.iter().filter_map(|rule| project.model().rules.get(rule.index()));
        rules.map(|rule| rule.name.value.clone()).collect()
    };
    old.model().endpoint(one.held) == new.model().endpoint(other.held) && keeps(old, one) == keeps(new, other)
}

/// Whether two lists of products are the same sets in the same order.
pub(super) fn same_products((old, one): (&Model, &[Product]), (new, other): (&Model, &[Product])) -> bool {
    let same = |(a, b): (&Product, &Product)| {
        old.endpoint(a.source) == new.endpoint(b.source)
            && old.endpoint(a.destination) == new.endpoint(b.destination)
            && old.service(a.services) == new.service(b.services)
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}

/// How many addresses: of IPv4 where there are any, because a number beyond 2^64 tells nobody anything.
pub(super) fn size(from: &AddressSet, to: &AddressSet) -> Size {
    let both = !from.is_empty_in(Family::V4) && !to.is_empty_in(Family::V4);
    let count = |set: &AddressSet| if both { set.only(Family::V4).size() } else { set.size() }.to_string();
    Size { from: count(from), to: count(to) }
}

/// The addresses of each value of `tier`.
pub(super) type TierSets = Vec<(String, Arc<AddressSet>)>;

/// The tiers of two ends, and how far up the trust goes.
pub(super) fn tiers(sets: &TierSets, model: &Model, from: &AddressSet, to: &AddressSet) -> Tiers {
    let of = |end: &AddressSet| -> Vec<String> {
        let met = sets.iter().filter(|(_, set)| set.intersects(end));
        met.map(|(value, _)| value.clone()).collect()
    };
    let (from_tiers, to_tiers) = (of(from), of(to));
    let direction = match (range(&from_tiers, model, from), range(&to_tiers, model, to)) {
        (Some((_, last)), Some((first, _))) if last > first => Some("inward"),
        (Some((_, last)), Some((first, _))) if last < first => Some("outward"),
        (Some(_), Some(_)) => Some("level"),
        _ => None,
    };
    Tiers { from: from_tiers, to: to_tiers, direction }
}

/// The internet counts as further out than any tier.
const OUTSIDE: i64 = i64::MAX;

/// The lowest and the highest tier of an end; `None` where none is a number.
fn range(tiers: &[String], model: &Model, end: &AddressSet) -> Option<(i64, i64)> {
    let numbers = tiers.iter().filter_map(|tier| tier.parse::<i64>().ok());
    let outside = end.intersects(&model.internet).then_some(OUTSIDE);
    let all: Vec<i64> = numbers.chain(outside).collect();
    Some((all.iter().copied().min()?, all.iter().copied().max()?))
}

/// How many steps inward the trust goes, for sorting: the worst pair of ends.
pub(super) fn depth(sets: &TierSets, model: &Model, from: &AddressSet, to: &AddressSet) -> i64 {
    let tiers = tiers(sets, model, from, to);
    match (range(&tiers.from, model, from), range(&tiers.to, model, to)) {
        (Some((_, last)), Some((first, _))) => last.saturating_sub(first),
        _ => 0,
    }
}
