//! Placement: the policy meets the graph, and each firewall gets its rule list.
//!
//! Input: a resolved [`Model`], its [`Topology`], a date. Output: one [`DevicePlan`] for each managed firewall. Two halves: first each product of each active rule
//! finds the firewalls that it concerns (`jobs`), then each firewall works out what it passes of them from door to door (`view`, `cells`), by itself, so that
//! firewalls can be planned in parallel and thrown away as soon as they are written.
//!
//! No path is enumerated, and nothing is asked for each pair of sites: see [`World`](crate::graph::World) for what is shared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::cells::{Crossing, merge};
use super::jobs::{Finder, Job, RuleProduct, Shared};
use super::sets::SetTable;
use super::types::{DevicePlan, PairPlan, PlannedInterface, PlannedRule, RuleLabel};
use super::view::Viewer;
use crate::graph::{Firewall, Topology, ZoneId};
use crate::model::{Model, Rule, RuleId};
use crate::syntax::ast::Effect;

/// All that is needed to plan any firewall at one date.
pub struct Placement<'m> {
    shared: Shared<'m>,
    products: Vec<RuleProduct>,
    jobs: Vec<Vec<Job>>,
    /// One label for each rule of the model.
    labels: Vec<Arc<RuleLabel>>,
    at: Date,
}

/// Where traffic goes through a firewall.
type ZonePair = (ZoneId, ZoneId);

impl<'m> Placement<'m> {
    /// Finds out which rules concern which firewalls at a date.
    #[must_use]
    pub fn new(model: &'m Model, topology: &'m Topology, at: Date) -> Self {
        let active = model.rules.iter().enumerate().filter(|(_, rule)| rule.period.contains(at));
        let products: Vec<RuleProduct> = active.flat_map(|(number, rule)| products(number, rule)).collect();
        Self::of(model, topology, at, products)
    }

    fn of(model: &'m Model, topology: &'m Topology, at: Date, products: Vec<RuleProduct>) -> Self {
        let mut shared = Shared::new(model, topology);
        let mut finder = Finder::new(&mut shared);
        for (number, product) in (0..).zip(&products) {
            finder.add(number, product.product);
        }
        let jobs = finder.jobs;
        let label = |rule: &Rule| Arc::new(RuleLabel { name: rule.name.value.clone(), span: rule.name.span });
        let labels = model.rules.iter().map(label).collect();
        Self { shared, products, jobs, labels, at }
    }

    /// How many firewalls there are; they are counted as in [`Topology::firewalls`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether there is no firewall.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Plans one firewall; `None` only for a number that is none.
    #[must_use]
    pub fn plan(&self, number: usize) -> Option<DevicePlan> {
        let model = self.shared.model;
        let firewall = self.shared.topology.firewalls.get(number)?;
        let device = model.devices.get(firewall.device.index())?;
        let mut sets = SetTable::new(&self.shared.hashes);
        let mut by_pair = self.by_pair(number, firewall, &mut sets);
        let interface = |interface: &crate::model::Interface| PlannedInterface {
            name: interface.name.value.clone(),
            span: interface.name.span,
            addresses: interface.addresses.clone(),
        };
        // Where no two interfaces share a zone, each list has one pair to go to.
        let each_once = firewall.interface_zones.len() == firewall.zones.len();
        let mut pairs = Vec::new();
        for (in_interface, from) in firewall.interface_zones.iter().enumerate() {
            for (out_interface, to) in firewall.interface_zones.iter().enumerate() {
                if let Some(rules) = by_pair.get_mut(&(*from, *to))
                    && in_interface != out_interface
                {
                    let rules = if each_once { std::mem::take(rules) } else { rules.clone() };
                    pairs.push(PairPlan { in_interface, out_interface, rules });
                }
            }
        }
        Some(DevicePlan {
            device: device.name.value.clone(),
            span: device.name.span,
            platform: device.platform.as_ref().map(|platform| platform.value.clone()).unwrap_or_default(),
            interfaces: device.interfaces.iter().map(interface).collect(),
            quarantines: self.quarantines(firewall),
            pairs,
            input: device.protect.then(|| self.input(number, &mut sets)),
        })
    }

    /// For each firewall whether one of some rules concerns it.
    pub(super) fn concerned(&self, rules: &BTreeSet<RuleId>) -> Vec<bool> {
        let is_one = |job: &Job| self.products.get(job.product as usize).is_some_and(|one| rules.contains(&one.rule));
        self.jobs.iter().map(|jobs| !rules.is_empty() && jobs.iter().any(is_one)).collect()
    }

    fn by_pair(
        &self,
        number: usize,
        firewall: &Firewall,
        sets: &mut SetTable<'_>,
    ) -> BTreeMap<ZonePair, Vec<PlannedRule>> {
        let mut viewer = Viewer::new(&self.shared, firewall.serves);
        let mut found: Vec<(ZonePair, u32, Crossing)> = Vec::new();
        for job in self.jobs.get(number).into_iter().flatten() {
            let Some(product) = self.products.get(job.product as usize) else { continue };
            viewer.look(*job, product.product, |pair, crossing| found.push((pair, job.product, crossing)));
        }
        found.sort_by_key(|(pair, product, _)| (*pair, *product));
        let mut result: BTreeMap<ZonePair, Vec<PlannedRule>> = BTreeMap::new();
        let mut found = found.into_iter().peekable();
        while let Some((pair, product, first)) = found.next() {
            let mut crossings = vec![first];
            while let Some((_, _, crossing)) = found.next_if(|next| (next.0, next.1) == (pair, product)) {
                crossings.push(crossing);
            }
            let made = merge(crossings).into_iter().filter_map(|crossing| self.rule(product, crossing, sets));
            result.entry(pair).or_default().extend(made);
        }
        result.retain(|_, rules| !rules.is_empty());
        result.values_mut().for_each(|rules| sort(rules));
        result
    }

    pub(super) fn rule(
        &self,
        product: u32,
        (source, destination): Crossing,
        sets: &mut SetTable<'_>,
    ) -> Option<PlannedRule> {
        let RuleProduct { rule, product } = *self.products.get(product as usize)?;
        let services = self.shared.model.service(product.services);
        let label = self.labels.get(rule.index())?.clone();
        let rule = self.shared.model.rules.get(rule.index())?;
        (!services.is_empty()).then(|| PlannedRule {
            label,
            effect: rule.effect,
            source: sets.share(source),
            destination: sets.share(destination),
            services: services.clone(),
            log: rule.log,
        })
    }

    pub(super) fn shared(&self) -> &Shared<'m> {
        &self.shared
    }

    pub(super) fn products(&self) -> &[RuleProduct] {
        &self.products
    }

    pub(super) fn at(&self) -> Date {
        self.at
    }

    pub(super) fn label(&self, rule: RuleId) -> Option<&Arc<RuleLabel>> {
        self.labels.get(rule.index())
    }

    /// The next date, if any, at which the rules of some firewall differ: a rule or quarantine that is placed starts or ends.
    #[must_use]
    pub fn changes_on(&self) -> Option<Date> {
        let (model, topology) = (self.shared.model, self.shared.topology);
        let mut changes: Vec<(Date, usize)> = model
            .rules
            .iter()
            .enumerate()
            .filter_map(|(number, rule)| Some((rule.period.changes_after(self.at)?, number)))
            .collect();
        changes.sort_unstable();
        let is_placed = |number: usize| {
            let alone = model.rules.get(number).map(|rule| products(number, rule).collect()).unwrap_or_default();
            let placement = Self::of(model, topology, self.at, alone);
            (0..placement.len()).any(|at| {
                placement.plan(at).is_some_and(|plan| {
                    !plan.pairs.is_empty() || plan.input.is_some_and(|input| !input.rules.is_empty())
                })
            })
        };
        let rules = changes.into_iter().find(|(_, number)| is_placed(*number)).map(|(date, _)| date);
        let held = model.quarantines.iter().filter(|quarantine| !model.endpoint(quarantine.held).is_empty());
        let quarantines = held.filter_map(|quarantine| quarantine.period.changes_after(self.at)).min();
        rules.into_iter().chain(quarantines).min()
    }
}

fn products(number: usize, rule: &Rule) -> impl Iterator<Item = RuleProduct> + '_ {
    rule.products.iter().map(move |&product| RuleProduct { rule: RuleId::from_index(number), product })
}

/// Denies before allows, logging rules first in each; inside each the order of names, in which the rules of a model stand, is kept: the order that [`PairPlan`]
/// promises.
pub(super) fn sort(rules: &mut [PlannedRule]) {
    rules.sort_by_key(|rule| (rule.effect == Effect::Allow, !rule.log));
}
