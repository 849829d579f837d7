//! Rules that differ in one clause alone could be one rule with both.
//!
//! Everything else must be equal, words included: owner, ticket, dates, log, purpose. Two rules of different tickets are two decisions, and stay two.

use std::collections::BTreeMap;

use super::{Context, Lint, is_own_decision};
use crate::diag::codes::meaning::MERGEABLE;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Model, Product, Rule, RuleId};

/// Finds rules that could be one.
pub(super) struct Mergeable;

/// The clause that two rules differ in.
const CLAUSES: [&str; 3] = ["on", "from", "to"];

impl Lint for Mergeable {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&MERGEABLE] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let model = context.model;
        let mut found: BTreeMap<RuleId, (RuleId, &str)> = BTreeMap::new();
        for (which, clause) in CLAUSES.iter().enumerate() {
            let mut first: BTreeMap<(Vec<u32>, String), RuleId> = BTreeMap::new();
            for id in in_order_of_places(model) {
                let Some(rule) = model.rules.get(id.index()).filter(|_| !is_own_decision(model, id)) else { continue };
                let Some(key) = key(rule, which) else { continue };
                match first.get(&key) {
                    Some(earlier) if contains(model, *earlier, rule) => {}
                    Some(earlier) => drop(found.entry(id).or_insert((*earlier, clause))),
                    None => drop(first.insert(key, id)),
                }
            }
        }
        for (id, (earlier, clause)) in found {
            let (Some(rule), Some(other)) = (model.rules.get(id.index()), model.rules.get(earlier.index())) else {
                continue;
            };
            let message = format!("`{}` and `{}` differ in `{clause}` alone", other.name.value, rule.name.value);
            sink.push(
                Diagnostic::new(&MERGEABLE, rule.name.span, message)
                    .label("could be part of the other")
                    .also(other.name.span, "the other")
                    .help(format!("write both after one `{clause}`, with a comma between")),
            );
        }
    }
}

fn in_order_of_places(model: &Model) -> Vec<RuleId> {
    let mut order: Vec<RuleId> = (0..model.rules.len()).map(RuleId::from_index).collect();
    order.sort_by_key(|id| model.rules.get(id.index()).map(|rule| rule.name.span));
    order
}

/// Whether one of two rules covers the other: then it is redundant, which is said by another lint.
fn contains(model: &Model, earlier: RuleId, rule: &Rule) -> bool {
    let products = |rule: &Rule| rule.products.first().copied();
    let Some((a, b)) = model.rules.get(earlier.index()).and_then(products).zip(products(rule)) else { return false };
    let within = |inner: Product, outer: Product| {
        model.endpoint(inner.source).is_subset(model.endpoint(outer.source))
            && model.endpoint(inner.destination).is_subset(model.endpoint(outer.destination))
            && model.service(inner.services).is_subset(model.service(outer.services))
    };
    within(a, b) || within(b, a)
}

/// All of a rule but its name and one clause; `None` for rules that go both ways, whose ends cannot be joined one by one.
fn key(rule: &Rule, without: usize) -> Option<(Vec<u32>, String)> {
    let [product] = rule.products.as_slice() else { return None };
    let mut sets = vec![product.services.0, product.source.0, product.destination.0];
    sets.remove(without.min(2));
    let meta = &rule.meta;
    let words = format!(
        "{:?}",
        (
            rule.effect,
            rule.period,
            rule.log,
            &meta.owner,
            &meta.ticket,
            &meta.because,
            &meta.by,
            meta.review,
            &meta.refs,
            &meta.purpose,
            &meta.title
        )
    );
    Some((sets, words))
}
