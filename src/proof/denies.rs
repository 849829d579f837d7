//! Which denies of the policy can cover a part of which of its allows.
//!
//! Whatever a firewall lets through of a rule is a part of the rule, so a deny that meets no product of the rule need not be looked for on any of them. Asked once for the whole policy, and by pairs of
//! *sets*: rules share them.

use jiff::civil::Date;
use rustc_hash::FxHashMap;

use super::overlaps::Overlaps;
use crate::model::{EndpointId, Model, Product, Rule, RuleId};
use crate::packet::AddressSet;
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
        let mut near = Near::new(model, &products);
        let meeting = model.rules.iter().map(|rule| {
            if products.is_empty() || !active(&rule, Effect::Allow) {
                return Vec::new();
            }
            let mut found = Vec::new();
            rule.products.iter().for_each(|product| found.extend(near.to(product)));
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

/// Denies by a set that they share.
type BySet = Vec<(EndpointId, Vec<u32>)>;

/// Puts denies together that have the same set at one end.
fn by_set(denies: impl Iterator<Item = (EndpointId, u32)>) -> BySet {
    let mut sorted: Vec<(EndpointId, u32)> = denies.collect();
    sorted.sort_unstable();
    let groups = sorted.chunk_by(|one, other| one.0 == other.0);
    groups.filter_map(|group| Some((group.first()?.0, group.iter().map(|(_, place)| *place).collect()))).collect()
}

/// The denies that have an address in common with sets of rules.
struct Near<'a> {
    model: &'a Model,
    products: &'a [Product],
    /// All denies, by their destinations.
    by_destination: BySet,
    /// Those destinations.
    destinations: Overlaps<'a>,
    /// By a set of destinations those that have one of them, by their sources.
    known: FxHashMap<EndpointId, BySet>,
}

impl<'a> Near<'a> {
    fn new(model: &'a Model, products: &'a [Product]) -> Self {
        let by_destination = by_set(products.iter().map(|deny| deny.destination).zip(0..));
        let sets: Vec<&AddressSet> = by_destination.iter().map(|(id, _)| &**model.endpoint(*id)).collect();
        let destinations = Overlaps::new(&sets);
        Self { model, products, by_destination, destinations, known: FxHashMap::default() }
    }

    /// The denies that meet a product.
    fn to(&mut self, product: &Product) -> impl Iterator<Item = u32> {
        let Self { model, products, by_destination, destinations, known } = self;
        let near = known.entry(product.destination).or_insert_with(|| {
            let met = destinations.with(model.endpoint(product.destination)).into_iter();
            let places = met.filter_map(|at| by_destination.get(at as usize)).flat_map(|(_, places)| places);
            by_set(places.filter_map(|place| Some((products.get(*place as usize)?.source, *place))))
        });
        let source = model.endpoint(product.source);
        near.iter()
            .filter(|(other, _)| model.endpoint(*other).intersects(source))
            .flat_map(|(_, places)| places)
            .copied()
    }
}
