//! Questions without a claim: which flows pass, by which rules, and which of them rest on one rule alone.
//!
//! The flows are a partition: each lies in exactly one product of one set of rules, so that a count over products is a count of flows (in classes, which is enough to compare two sets
//! that are unions of classes, and needs no arithmetic on 2^64 addresses). Absent on purpose: names, which [`crate::answer`] gives.

use std::collections::BTreeMap;

use super::classes::ClassSet;
use super::flows::{ClassProduct, merge};
use super::prove::Prover;
use super::relation::Pairs;
use crate::model::RuleId;
use crate::packet::Family;

/// Flows that pass by exactly the same allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// The allows that cover them, in name order.
    pub rules: Vec<RuleId>,
    /// The flows, disjoint.
    pub flows: Vec<ClassProduct>,
    /// Those rules without which some of the flows would not pass, in name order.
    pub alone: Vec<RuleId>,
}

impl Prover<'_> {
    /// The flows in question that pass, by the allows that cover them, in the order of these. A flow is in exactly one product.
    #[must_use]
    pub fn permitted(&self, from: &ClassSet, to: &ClassSet, on: &[u32]) -> Vec<Permitted> {
        let mut found: BTreeMap<Vec<RuleId>, (Vec<ClassProduct>, Vec<RuleId>)> = BTreeMap::new();
        for passing in self.passing(from, to, on, &[]) {
            let stops = |rule: &RuleId| !self.access.passes(&passing.cell, &passing.held, &[*rule]);
            let alone: Vec<RuleId> = passing.cell.allows.iter().copied().filter(stops).collect();
            let (flows, known) = found.entry(passing.cell.allows).or_default();
            flows.extend(passing.flows);
            known.extend(alone);
        }
        let permitted = |(rules, (flows, mut alone)): (Vec<RuleId>, (Vec<ClassProduct>, Vec<RuleId>))| {
            alone.sort_unstable();
            alone.dedup();
            Permitted { rules, flows: merge(flows), alone }
        };
        found.into_iter().map(permitted).collect()
    }

    /// The flows in question between ends that no firewall stands between, disjoint.
    #[must_use]
    pub fn free(&self, from: &ClassSet, to: &ClassSet, on: &[u32]) -> Vec<ClassProduct> {
        self.of_pairs(self.relation.unenforced(&self.access.classes, from, to), on)
    }

    /// The flows in question whose ends lie in different zones and have a path, whatever the rules, disjoint.
    #[must_use]
    pub fn routable(&self, from: &ClassSet, to: &ClassSet, on: &[u32]) -> Vec<ClassProduct> {
        self.of_pairs(self.relation.routable(&self.access.classes, from, to), on)
    }

    fn of_pairs(&self, pairs: Pairs, on: &[u32]) -> Vec<ClassProduct> {
        if on.is_empty() { Vec::new() } else { merge(self.products(pairs, on)) }
    }

    /// How many flows some disjoint products hold, counted in classes of sources, destinations and services.
    #[must_use]
    pub fn size(&self, flows: &[ClassProduct]) -> u128 {
        let of_product = |product: &ClassProduct| {
            let of = |set: &ClassSet| {
                let v4 = self.access.classes.members(set).filter(|(_, class)| class.family == Family::V4).count();
                [v4, self.access.classes.members(set).count().saturating_sub(v4)]
            };
            flow_count(of(&product.sources), of(&product.destinations), self.services_in(&product.services))
        };
        flows.iter().map(of_product).fold(0, u128::saturating_add)
    }

    /// How many of some service classes occur in packets of each family, IPv4 first.
    #[must_use]
    pub fn services_in(&self, services: &[u32]) -> [usize; 2] {
        let occur = |family| services.iter().filter(|class| self.access.services.occurs_in(**class, family)).count();
        Family::BOTH.map(occur)
    }
}

/// How many flows there are between some sources and destinations on some services, each counted in classes of each family, IPv4 first: no flow leads from one family to the other.
#[must_use]
pub fn flow_count(sources: [usize; 2], destinations: [usize; 2], services: [usize; 2]) -> u128 {
    let wide = |count: usize| u128::try_from(count).unwrap_or(u128::MAX);
    let families = sources.into_iter().zip(destinations).zip(services);
    families.map(|((a, b), c)| wide(a).saturating_mul(wide(b)).saturating_mul(wide(c))).fold(0, u128::saturating_add)
}
