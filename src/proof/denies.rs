//! Which denies of the policy can cover a part of which of its allows.
//!
//! Whatever a firewall lets through of a rule is a part of the rule, so a deny that meets no product of the rule need not be looked for on any of them. Asked once for the whole policy, and by pairs of
//! *sets*: rules share them.

use jiff::civil::Date;
use rustc_hash::FxHashMap;

use crate::model::{EndpointId, Model, Product, Rule, RuleId};
use crate::syntax::ast::Effect;

/// The active denies of a policy.
pub(super) struct Denies {
    products: Vec<Product>,
    /// For each rule the places of those that meet it; empty for those that are not active allows.
    meeting: Vec<Vec<u32>>,
}

impl Denies {
    /// Of a model at a date.
    pub(super) fn new(model: &Model, at: Date) -> Self {
        let active = |rule: &&Rule, effect| rule.effect == effect && rule.period.contains(at);
        let denies = model.rules.iter().filter(|rule| active(rule, Effect::Deny));
        let products: Vec<Product> = denies.flat_map(|rule| rule.products.iter().copied()).collect();
        let mut near = Near { model, products: &products, known: FxHashMap::default() };
        let meeting = model.rules.iter().map(|rule| {
            if products.is_empty() || !active(&rule, Effect::Allow) {
                return Vec::new();
            }
            let mut found: Vec<u32> = rule.products.iter().flat_map(|product| near.to(product)).collect();
            found.sort_unstable();
            found.dedup();
            found
        });
        Self { meeting: meeting.collect(), products }
    }

    /// The products of denies that have a source and a destination in common with a rule.
    pub(super) fn meeting(&self, rule: RuleId) -> impl Iterator<Item = &Product> {
        let places = self.meeting.get(rule.index()).into_iter().flatten();
        places.filter_map(|place| self.products.get(*place as usize))
    }
}

/// The denies by a set of destinations that they have an address of.
struct Near<'a> {
    model: &'a Model,
    products: &'a [Product],
    known: FxHashMap<EndpointId, Vec<u32>>,
}

impl Near<'_> {
    /// The denies that meet a product.
    fn to(&mut self, product: &Product) -> Vec<u32> {
        let Self { model, products, known } = self;
        let near = known.entry(product.destination).or_insert_with(|| {
            let set = model.endpoint(product.destination);
            let mut by_set: FxHashMap<EndpointId, bool> = FxHashMap::default();
            let mut meets = |deny: &Product| {
                *by_set.entry(deny.destination).or_insert_with(|| model.endpoint(deny.destination).intersects(set))
            };
            (0..).zip(*products).filter(|(_, deny)| meets(deny)).map(|(place, _)| place).collect()
        });
        let source = model.endpoint(product.source);
        let meets = |deny: &Product| model.endpoint(deny.source).intersects(source);
        near.iter().copied().filter(|place| products.get(*place as usize).is_some_and(meets)).collect()
    }
}
