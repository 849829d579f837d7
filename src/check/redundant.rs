//! Allows that could be removed without closing anything.
//!
//! Each flow of the rule must be covered by another allow that lives at least as long and logs at least as much; rules that a quarantine keeps or a waiver names say more than
//! their flows do, and are left alone. Of several rules that make each other redundant the one written first stays.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Lint, is_own_decision};
use crate::diag::codes::meaning::REDUNDANT;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Model, Rule, RuleId};

/// Finds allows that others make redundant.
pub(super) struct Redundant;

/// The allows beside a rule on some of its flows, for each set of flows.
type Beside = BTreeMap<RuleId, BTreeSet<Vec<RuleId>>>;

impl Lint for Redundant {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&REDUNDANT] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let model = context.model;
        let beside = beside(context);
        let mut order: Vec<RuleId> = beside.keys().copied().collect();
        order.sort_by_key(|rule| std::cmp::Reverse(rule_of(model, *rule).map(|rule| rule.name.span)));
        let mut removed: BTreeSet<RuleId> = BTreeSet::new();
        for id in order {
            let Some(rule) = rule_of(model, id).filter(|_| !is_own_decision(model, id)) else { continue };
            let others = beside.get(&id).into_iter().flatten();
            let cover = others.map(|others| {
                others.iter().copied().find(|other| !removed.contains(other) && stands_in(model, *other, rule))
            });
            if let Some(cover) = cover.collect::<Option<BTreeSet<RuleId>>>().filter(|cover| !cover.is_empty()) {
                removed.insert(id);
                sink.push(found(model, rule, &cover));
            }
        }
    }
}

/// For each rule that shares flows the allows beside it. A rule that is alone on some flow has an empty list among them.
fn beside(context: &Context<'_>) -> Beside {
    let mut result = Beside::new();
    let mut alone: BTreeSet<RuleId> = BTreeSet::new();
    let cells = context.prover.whole().rows.iter().flat_map(|row| &row.columns).flat_map(|column| &column.cells);
    for cell in cells {
        match cell.allows.as_slice() {
            [only] => drop(alone.insert(*only)),
            many => {
                for rule in many.iter().filter(|rule| !alone.contains(rule)) {
                    let others = many.iter().copied().filter(|other| other != rule).collect();
                    result.entry(*rule).or_default().insert(others);
                }
            }
        }
    }
    result.retain(|rule, _| !alone.contains(rule));
    result
}

fn rule_of(model: &Model, id: RuleId) -> Option<&Rule> {
    model.rules.get(id.index())
}

/// Whether a rule lives at least as long as another and logs at least as much.
fn stands_in(model: &Model, id: RuleId, rule: &Rule) -> bool {
    rule_of(model, id).is_some_and(|other| {
        let starts = other.period.start.is_none_or(|start| rule.period.start.is_some_and(|own| start <= own));
        let ends = other.period.until.is_none_or(|until| rule.period.until.is_some_and(|own| own <= until));
        starts && ends && (other.log || !rule.log)
    })
}

fn found(model: &Model, rule: &Rule, cover: &BTreeSet<RuleId>) -> Diagnostic {
    let others: Vec<&Rule> = cover.iter().filter_map(|id| rule_of(model, *id)).collect();
    let names: Vec<String> = others.iter().take(3).map(|other| format!("`{}`", other.name.value)).collect();
    let more = if others.len() > 3 { format!(" and {} more", others.len() - 3) } else { String::new() };
    let message =
        format!("the allow `{}` opens nothing that {}{more} does not open", rule.name.value, names.join(", "));
    let found = Diagnostic::new(&REDUNDANT, rule.name.span, message).label("could be removed");
    let found = others.iter().take(3).fold(found, |found, other| found.also(other.name.span, "opens the same"));
    found.help("remove it, or narrow what makes it redundant")
}
