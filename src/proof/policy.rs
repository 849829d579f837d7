//! Whether the plans of all firewalls together are the policy: nothing else passes any of them, and what is permitted arrives.
//!
//! Placement decides which firewall gets which part of a rule; this asks the policy itself, in two parts that share nothing with placement:
//!
//! - *no more*: on every pair of interfaces, what a rule lets through is a part of the policy's rule of that name, and what a deny or a quarantine of the policy covers of it is denied there too. So
//!   whatever passes a firewall is permitted. Nor is anything denied or quarantined that the policy does not.
//! - *no less*: the flows of each allow rule are sent off in the zones of their sources and go from zone to zone through what the firewalls let through of the rule. They arrive in the zones of
//!   their destinations, all of them that have a way there.
//!
//! A rule has all its services wherever any part of it is, so the second part need not look at them. Of what a firewall that protects itself lets in, the first part is asked, and that it protects all of its
//! addresses.
//!
//! The flows arrive over at least one way; that every *other* way carries them too rests on placement, which the tests hold against the definition pair by pair.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::arrive::{Carried, Parts, Spread, arrives};
use super::denies::Denies;
use crate::graph::Topology;
use crate::model::{EndpointId, Model, Product, Quarantine, Rule, RuleId};
use crate::packet::{AddressSet, FlowSpace, Order, ServiceSet};
use crate::plan::{DevicePlan, PlannedQuarantine, PlannedRule};
use crate::syntax::ast::Effect;

/// What is wrong with the plans of a project, in words; always a bug.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The rule or quarantine.
    pub rule: String,
    /// The firewall; empty if it is about none.
    pub device: String,
    /// What is wrong.
    pub what: String,
}

/// Collects the plans of all firewalls.
pub struct Composition<'m> {
    model: &'m Model,
    topology: &'m Topology,
    at: Date,
    rules: HashMap<&'m str, RuleId, FxBuildHasher>,
    devices: HashMap<&'m str, usize, FxBuildHasher>,
    denies: Denies,
    quarantines: Vec<&'m Quarantine>,
    /// What firewalls let through of allow rules, as they were taken in.
    carried: Mutex<Vec<Carried>>,
}

impl<'m> Composition<'m> {
    /// Of a model at a date.
    #[must_use]
    pub fn new(model: &'m Model, topology: &'m Topology, at: Date) -> Self {
        let name = |(number, rule): (usize, &'m Rule)| (rule.name.value.as_str(), RuleId::from_index(number));
        let device = |(number, firewall): (usize, &crate::graph::Firewall)| {
            Some((model.devices.get(firewall.device.index())?.name.value.as_str(), number))
        };
        let is_active =
            |quarantine: &&Quarantine| quarantine.period.contains(at) && !model.endpoint(quarantine.held).is_empty();
        Self {
            model,
            topology,
            at,
            rules: model.rules.iter().enumerate().map(name).collect(),
            devices: topology.firewalls.iter().enumerate().filter_map(device).collect(),
            denies: Denies::new(model, at),
            quarantines: model.quarantines.iter().filter(is_active).collect(),
            carried: Mutex::default(),
        }
    }

    /// Takes in the plan of one firewall, in any order; what it permits beyond the policy.
    #[must_use]
    pub fn add(&self, plan: &DevicePlan) -> Vec<Problem> {
        let mut problems = self.quarantines(plan);
        problems.extend(self.input(plan));
        let firewall = self.devices.get(plan.device.as_str()).and_then(|at| self.topology.firewalls.get(*at));
        let zone = |interface: usize| firewall.and_then(|firewall| firewall.interface_zones.get(interface)).copied();
        let mut carried = Vec::new();
        for pair in &plan.pairs {
            let ids = self.list(plan, &pair.rules, &mut problems);
            if let (Some(from), Some(to)) = (zone(pair.in_interface), zone(pair.out_interface)) {
                let allows = pair.rules.iter().zip(&ids).filter(|(rule, _)| rule.effect == Effect::Allow);
                carried.extend(allows.filter_map(|(planned, rule)| {
                    let (source, destination) = (planned.source.clone(), planned.destination.clone());
                    Some(Carried { rule: (*rule)?, from, to, source, destination })
                }));
            }
        }
        self.carried.lock().unwrap_or_else(PoisonError::into_inner).append(&mut carried);
        for (_, rules) in plan.input.iter().flat_map(|input| &input.rules) {
            self.list(plan, rules, &mut problems);
        }
        problems
    }

    /// Whether each permitted flow arrives, after all firewalls have been taken in; the rules of which some do not.
    #[must_use]
    pub fn finish(self) -> Vec<Problem> {
        let Self { model, topology, at, carried, .. } = self;
        let mut carried = carried.into_inner().unwrap_or_else(PoisonError::into_inner);
        carried.sort_unstable_by_key(|one| (one.rule, one.from, one.to));
        let mut carried = carried.as_slice();
        let mut problems = Vec::new();
        let mut spread = Spread::new(topology);
        let mut known: FxHashMap<EndpointId, Rc<Parts>> = FxHashMap::default();
        let mut parts = |id: EndpointId| {
            known.entry(id).or_insert_with(|| Rc::new(Parts::of(model, topology, model.endpoint(id)))).clone()
        };
        for (number, rule) in model.rules.iter().enumerate() {
            let own = carried.iter().take_while(|one| one.rule.index() == number).count();
            let own = carried.split_off(..own).unwrap_or_default();
            if rule.effect != Effect::Allow || !rule.period.contains(at) {
                continue;
            }
            for product in rule.products.iter().filter(|product| !model.service(product.services).is_empty()) {
                let (from, to) = (parts(product.source), parts(product.destination));
                let destinations = model.endpoint(product.destination);
                if let Some((from, to)) = arrives(topology, &mut spread, [&from, &to], destinations, own) {
                    let what = format!("flows from {from} to {to} do not arrive");
                    problems.push(Problem { rule: rule.name.value.clone(), device: String::new(), what });
                }
            }
        }
        problems
    }

    /// One list of rules; their numbers in the policy.
    fn list(&self, plan: &DevicePlan, rules: &[PlannedRule], problems: &mut Vec<Problem>) -> Vec<Option<RuleId>> {
        let mut wrong = |rule: &PlannedRule, what: &str| {
            let (rule, device) = (rule.label.name.clone(), plan.device.clone());
            problems.push(Problem { rule, device, what: what.to_owned() });
        };
        let ids: Vec<Option<RuleId>> =
            rules.iter().map(|rule| self.rules.get(rule.label.name.as_str()).copied()).collect();
        let allows = || rules.iter().zip(&ids).filter(|(rule, _)| rule.effect == Effect::Allow);
        for (rule, _) in rules.iter().zip(&ids).filter(|(rule, id)| !self.is_of_the_policy(rule, **id)) {
            wrong(
                rule,
                match rule.effect {
                    Effect::Allow => "it lets more through than the rule of the policy, or not all of its services",
                    Effect::Deny => "it denies more than the rule of the policy, or not all of its services",
                },
            );
        }
        let own: Vec<&PlannedRule> = rules.iter().filter(|rule| rule.effect == Effect::Deny).collect();
        for (rule, id) in allows() {
            let Some(id) = id else { continue };
            if self.denies.meeting(*id).any(|deny| !self.is_denied(rule, deny, &own)) {
                wrong(rule, "a deny of the policy is missing before it");
            }
        }
        ids
    }

    fn is_of_the_policy(&self, planned: &PlannedRule, id: Option<RuleId>) -> bool {
        id.and_then(|id| self.model.rules.get(id.index())).is_some_and(|rule| {
            rule.effect == planned.effect && rule.period.contains(self.at) && self.is_part(planned, rule)
        })
    }

    fn is_part(&self, planned: &PlannedRule, rule: &Rule) -> bool {
        rule.products.iter().any(|product| {
            is_same(&planned.services, self.model.service(product.services))
                && addresses_within(&planned.source, self.model.endpoint(product.source))
                && addresses_within(&planned.destination, self.model.endpoint(product.destination))
        })
    }

    /// Whether what a deny of the policy covers of a rule is denied in the same list.
    fn is_denied(&self, rule: &PlannedRule, deny: &Product, own: &[&PlannedRule]) -> bool {
        let (from, to) = (self.model.endpoint(deny.source), self.model.endpoint(deny.destination));
        if !rule.source.intersects(from) || !rule.destination.intersects(to) {
            return true;
        }
        let services = rule.services.intersection(self.model.service(deny.services));
        if services.is_empty() {
            return true;
        }
        let source = rule.source.intersection(from);
        let destination = rule.destination.intersection(to);
        let covers = |own: &&&PlannedRule| {
            services_within(&services, &own.services)
                && source.is_subset(&own.source)
                && destination.is_subset(&own.destination)
        };
        if !is_flow(&source, &destination) || own.iter().any(|own| covers(&own)) {
            return true;
        }
        let mut space = FlowSpace::new(Order::DestinationFirst);
        let covered = space.product(&source, &destination, &services).and_then(|wanted| {
            let mut sets = Vec::with_capacity(own.len());
            for own in own {
                sets.push(space.product(&own.source, &own.destination, &own.services)?);
            }
            let denied = space.union_all(&sets)?;
            Ok(space.is_subset(wanted, denied))
        });
        covered.unwrap_or(false)
    }

    /// A device protects itself, and all of its addresses, if and only if the inventory says so.
    fn input(&self, plan: &DevicePlan) -> Option<Problem> {
        let firewall = self.devices.get(plan.device.as_str()).and_then(|at| self.topology.firewalls.get(*at));
        let device = firewall.and_then(|firewall| self.model.devices.get(firewall.device.index()));
        let is_right = match (device.filter(|device| device.protect), &plan.input) {
            (Some(device), Some(input)) => input.addresses == device.addresses,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let what = "what it lets in to itself is not what the inventory asks for".to_owned();
        (!is_right).then(|| Problem { rule: "protect".to_owned(), device: plan.device.clone(), what })
    }

    /// Every active quarantine is on every firewall, with exactly what it holds and keeps, and no other one.
    fn quarantines(&self, plan: &DevicePlan) -> Vec<Problem> {
        let planned: BTreeMap<&str, &PlannedQuarantine> =
            plan.quarantines.iter().map(|one| (one.label.name.as_str(), one)).collect();
        let mut problems = Vec::new();
        let is_active = |name: &str| self.quarantines.iter().any(|quarantine| quarantine.name.value == name);
        for name in planned.keys().filter(|name| !is_active(name)) {
            let what = "no quarantine of the policy in force has this name".to_owned();
            problems.push(Problem { rule: (*name).to_owned(), device: plan.device.clone(), what });
        }
        for quarantine in &self.quarantines {
            let is_same = planned.get(quarantine.name.value.as_str()).is_some_and(|one| self.is_same(one, quarantine));
            if !is_same {
                let (rule, device) = (quarantine.name.value.clone(), plan.device.clone());
                let what = "the quarantine of the policy is not on it as it is written".to_owned();
                problems.push(Problem { rule, device, what });
            }
        }
        problems
    }

    fn is_same(&self, planned: &PlannedQuarantine, quarantine: &Quarantine) -> bool {
        let kept = || {
            let rules = quarantine.keep.iter().filter_map(|id| self.model.rules.get(id.index()));
            rules.filter(|rule| rule.period.contains(self.at))
        };
        let is_kept =
            |one: &PlannedRule| kept().any(|rule| rule.name.value == one.label.name && self.is_part(one, rule));
        let is_planned = |rule: &Rule, product: &Product| {
            let (source, destination) = (self.model.endpoint(product.source), self.model.endpoint(product.destination));
            let services = self.model.service(product.services);
            services.is_empty()
                || !is_flow(source, destination)
                || planned.keep.iter().any(|one| {
                    one.label.name == rule.name.value
                        && services_within(services, &one.services)
                        && source.is_subset(&one.source)
                        && destination.is_subset(&one.destination)
                })
        };
        *planned.held == **self.model.endpoint(quarantine.held)
            && planned.keep.iter().all(is_kept)
            && kept().all(|rule| rule.products.iter().all(|product| is_planned(rule, product)))
    }
}

fn is_same(one: &ServiceSet, other: &ServiceSet) -> bool {
    std::ptr::eq(one, other) || one == other
}

fn addresses_within(small: &AddressSet, large: &AddressSet) -> bool {
    std::ptr::eq(small, large) || small.is_subset(large)
}

fn services_within(small: &ServiceSet, large: &ServiceSet) -> bool {
    std::ptr::eq(small, large) || small.is_subset(large)
}

/// Whether the two can be the ends of one flow: of one family.
fn is_flow(source: &AddressSet, destination: &AddressSet) -> bool {
    use crate::packet::Family;
    Family::BOTH.iter().any(|family| !source.is_empty_in(*family) && !destination.is_empty_in(*family))
}
