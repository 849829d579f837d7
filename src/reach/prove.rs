//! Assertions: proved for every flow, or violated with the flows that do it.
//!
//! `never` and `only` ask which flows that pass (or are unenforced) must not be, `must` asks which do neither: three questions about an [`Overlay`], cut by what lies between the
//! ends. A violated assertion is answered with the whole set of its violating flows, not with an example; the example is drawn from it when it is shown.
//! Transitive assertions are chains, in [`super::chain`]; `via` is in [`super::via`].

use std::sync::OnceLock;

use jiff::civil::Date;

use super::access::{Access, Cell, Extra, Overlay, Question, Want, common};
use super::chain::Hops;
use super::classes::ClassSet;
use super::closure::Chains;
use super::flows::{ClassProduct, merge};
use super::mend::{self, Mend};
use super::movement::Movement;
use super::relation::Relation;
use super::search::Senders;
use super::via;
use crate::graph::Topology;
use crate::model::{Assertion, Model, Product, RuleId};
use crate::syntax::ast::AssertionKind;

/// What became of an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It holds for every flow.
    Proved,
    /// Some flows violate it.
    Violated,
    /// It could be neither proved nor refuted.
    Unproven,
    /// It is not in force on this date.
    Inactive,
}

impl Outcome {
    /// As programs see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Violated => "violated",
            Self::Unproven => "unproven",
            Self::Inactive => "inactive",
        }
    }
}

/// A step of a violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Whether it crosses firewalls or moves inside a zone.
    pub kind: HopKind,
    /// The flows. Empty only where movement changes the address family on its way: no flow does that.
    pub flows: Vec<ClassProduct>,
    /// Those of them that rules decide: an example is drawn from these first.
    pub by_rules: Vec<ClassProduct>,
    /// The first and the last classes, where no flow says them.
    pub ends: Option<(ClassSet, ClassSet)>,
    /// The rules that decide them, ascending: allows that permit, or for a `must` denies.
    pub rules: Vec<RuleId>,
}

/// What a hop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HopKind {
    /// Flows by rules.
    Flow,
    /// Free movement: inside a zone, or on a host with both families.
    Movement,
}

/// What became of an assertion, and why.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Index into [`Model::assertions`].
    pub assertion: usize,
    /// Whether it holds.
    pub outcome: Outcome,
    /// What violates it: one step, or for a transitive assertion a shortest chain.
    pub hops: Vec<Hop>,
    /// Rules whose removal would mend it, if rules alone can.
    pub mend: Mend,
    /// What else one must know; for an unproven assertion why it is.
    pub because: Option<String>,
    /// Whether no flow at all could ever violate it, whatever the rules.
    pub vacuous: Option<Vacuous>,
}

/// Why an assertion says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vacuous {
    /// It has no sources.
    NoSource,
    /// It has no destinations.
    NoDestination,
    /// No rule could make a flow that violates it.
    NothingToViolate,
}

/// Flows that exactly the same rules and quarantines decide, and that violate an assertion.
#[derive(Debug, Clone)]
pub(super) struct Violating {
    pub flows: Vec<ClassProduct>,
    pub cell: Cell,
    pub held: Vec<u32>,
    /// Whether the rules are what decides: flows without a path, inside a zone, or beside a `via` are not.
    pub by_rules: bool,
}

/// Everything that proofs share.
pub struct Prover<'m> {
    /// The policy over classes.
    pub access: Access<'m>,
    /// The graph.
    pub topology: &'m Topology,
    /// What lies between classes.
    pub relation: Relation<'m>,
    at: Date,
    whole: OnceLock<Overlay>,
    movement: OnceLock<Movement>,
    senders: OnceLock<Senders>,
    chains: OnceLock<Chains>,
}

impl<'m> Prover<'m> {
    /// Prepares the proofs of a date; `extra` are the sets that other questions will be about.
    #[must_use]
    pub fn new(model: &'m Model, topology: &'m Topology, at: Date, extra: &Extra) -> Self {
        let access = Access::new(model, topology, at, extra);
        let relation = Relation::new(topology, &access.classes);
        Self {
            access,
            topology,
            relation,
            at,
            whole: OnceLock::new(),
            movement: OnceLock::new(),
            senders: OnceLock::new(),
            chains: OnceLock::new(),
        }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &'m Model {
        self.access.model
    }

    /// The date.
    #[must_use]
    pub fn at(&self) -> Date {
        self.at
    }

    /// Every flow that an allow covers, cut by the rules that cover it. Made once.
    #[must_use]
    pub fn whole(&self) -> &Overlay {
        self.whole.get_or_init(|| {
            let (all, services) = (self.access.classes.all(), self.access.services.all());
            self.access.overlay(Question { from: &all, to: &all, on: &services, want: Want::Allowed })
        })
    }

    /// Where movement is free. Made once.
    #[must_use]
    pub fn movement(&self) -> &Movement {
        self.movement.get_or_init(|| Movement::new(self.model(), self.topology, &self.access.classes))
    }

    /// The chains on any service. Made once.
    fn all_chains(&self) -> &Chains {
        self.chains.get_or_init(|| self.chains(&self.access.services.all(), &[]))
    }

    /// Who can send in which column of [`Self::whole`]. Made once.
    pub(super) fn senders(&self) -> &Senders {
        self.senders.get_or_init(|| Senders::new(self.whole(), self.access.classes.len()))
    }

    /// Judges every assertion of the model, in its order.
    #[must_use]
    pub fn all(&self) -> Vec<Finding> {
        use rayon::prelude::*;
        (0..self.model().assertions.len()).into_par_iter().filter_map(|number| self.assertion(number)).collect()
    }

    /// Judges one assertion; `None` only for an index of another model.
    #[must_use]
    pub fn assertion(&self, number: usize) -> Option<Finding> {
        let assertion = self.model().assertions.get(number)?;
        let mut finding = Finding {
            assertion: number,
            outcome: Outcome::Inactive,
            hops: Vec::new(),
            mend: Mend::default(),
            because: None,
            vacuous: None,
        };
        if !assertion.period.contains(self.at) {
            return Some(finding);
        }
        let without = self.waived(number);
        if assertion.transitive {
            self.transitive(assertion, &without, &mut finding);
        } else {
            self.direct(assertion, &without, &mut finding);
        }
        if finding.outcome == Outcome::Proved {
            finding.vacuous = self.vacuous(assertion);
        }
        Some(finding)
    }

    /// The rules that an assertion is judged without today.
    fn waived(&self, assertion: usize) -> Vec<RuleId> {
        let active = self.model().waivers.iter().filter(|waiver| waiver.period.contains(self.at));
        active.filter(|waiver| waiver.assertion == assertion).map(|waiver| waiver.rule).collect()
    }

    fn direct(&self, assertion: &Assertion, without: &[RuleId], finding: &mut Finding) {
        let mut violating = self.violating(assertion, without);
        if assertion.kind == AssertionKind::Must && !assertion.via.is_empty() {
            let beside = via::beside(self, assertion);
            violating.extend(beside.violating);
            if violating.is_empty() {
                finding.because = beside.undecided;
            }
        }
        finding.outcome = match (violating.is_empty(), &finding.because) {
            (false, _) => Outcome::Violated,
            (true, Some(_)) => Outcome::Unproven,
            (true, None) => Outcome::Proved,
        };
        if violating.is_empty() {
            return;
        }
        let is_must = assertion.kind == AssertionKind::Must;
        let flows = merge(violating.iter().flat_map(|one| one.flows.iter().cloned()).collect());
        let decided = || violating.iter().filter(|one| one.by_rules);
        let by_rules = merge(decided().flat_map(|one| one.flows.iter().cloned()).collect());
        let rules = decided();
        let named = |one: &Violating| if is_must { one.cell.denies.clone() } else { one.cell.allows.clone() };
        let mut rules: Vec<RuleId> = rules.flat_map(named).filter(|rule| !without.contains(rule)).collect();
        rules.sort_unstable();
        rules.dedup();
        finding.mend = mend::direct(&self.access, &violating, assertion.kind, without);
        finding.hops = vec![Hop { kind: HopKind::Flow, flows, by_rules, ends: None, rules }];
    }

    fn transitive(&self, assertion: &Assertion, without: &[RuleId], finding: &mut Finding) {
        let leads = |product: &Product| {
            self.all_chains().lead(
                self,
                self.access.endpoint(product.source),
                self.access.endpoint(product.destination),
            )
        };
        if !assertion.products.iter().any(leads) {
            // Not even on other services, nor with the waived rules.
            finding.outcome = Outcome::Proved;
            return;
        }
        let chains: Vec<Hops<'_>> = assertion.products.iter().map(|product| self.hops(product)).collect();
        let shortest = chains.iter().filter_map(|hops| hops.chain(without)).min_by_key(Vec::len);
        finding.outcome = if shortest.is_some() { Outcome::Violated } else { Outcome::Proved };
        if let Some(chain) = shortest {
            finding.mend = mend::transitive(&self.access, &chains, without);
            finding.hops = chain.into_iter().map(|link| link.hop).collect();
        }
    }

    fn hops(&self, product: &Product) -> Hops<'_> {
        let access = &self.access;
        Hops::new(
            self,
            access.endpoint(product.source),
            access.endpoint(product.destination),
            access.service(product.services),
        )
    }

    /// The flows that violate an assertion, by the rules that decide them.
    fn violating(&self, assertion: &Assertion, without: &[RuleId]) -> Vec<Violating> {
        let mut result = Vec::new();
        for product in &assertion.products {
            let (from, to) = (self.access.endpoint(product.source), self.access.endpoint(product.destination));
            let on = self.access.service(product.services);
            match assertion.kind {
                AssertionKind::Never => {
                    result.extend(self.unenforced(from, to, on));
                    result.extend(self.passing(from, to, on, without));
                }
                AssertionKind::Only => {
                    let others = self.access.classes.all().difference(from);
                    result.extend(self.passing(&others, to, on, without));
                }
                AssertionKind::Must => result.extend(self.stopped(from, to, on)),
            }
        }
        result
    }

    fn unenforced(&self, from: &ClassSet, to: &ClassSet, on: &[u32]) -> Option<Violating> {
        let pairs = self.relation.unenforced(&self.access.classes, from, to);
        let flows = self.products(pairs, on);
        let cell = Cell { services: Vec::new(), allows: Vec::new(), denies: Vec::new() };
        (!flows.is_empty()).then_some(Violating { flows, cell, held: Vec::new(), by_rules: false })
    }

    /// The flows in question that pass, if the rules in `without` did not exist.
    pub(super) fn passing(&self, from: &ClassSet, to: &ClassSet, on: &[u32], without: &[RuleId]) -> Vec<Violating> {
        let overlay = self.access.overlay(Question { from, to, on, want: Want::Allowed });
        let passes = |cell: &Cell, held: &[u32]| self.access.passes(cell, held, without);
        self.cut(overlay, passes, |sources, destinations| {
            vec![(self.relation.routable(&self.access.classes, sources, destinations), true)]
        })
    }

    /// The flows in question that neither pass nor are unenforced.
    fn stopped(&self, from: &ClassSet, to: &ClassSet, on: &[u32]) -> Vec<Violating> {
        let classes = &self.access.classes;
        let overlay = self.access.overlay(Question { from, to, on, want: Want::All });
        let lost = self.cut(
            overlay.clone(),
            |cell, held| self.access.passes(cell, held, &[]),
            |sources, destinations| vec![(self.relation.unroutable(classes, sources, destinations), false)],
        );
        let dropped = self.cut(
            overlay,
            |cell, held| !self.access.passes(cell, held, &[]),
            |sources, destinations| {
                vec![
                    (self.relation.routable(classes, sources, destinations), true),
                    (self.relation.unroutable(classes, sources, destinations), false),
                ]
            },
        );
        dropped.into_iter().chain(lost).collect()
    }

    /// The flows of some cells of an overlay, between ends that lie as asked.
    fn cut(
        &self,
        overlay: Overlay,
        keep: impl Fn(&Cell, &[u32]) -> bool,
        between: impl Fn(&ClassSet, &ClassSet) -> Vec<(super::relation::Pairs, bool)>,
    ) -> Vec<Violating> {
        let mut result = Vec::new();
        for row in overlay.rows {
            for column in row.columns {
                let cells: Vec<Cell> = column.cells.into_iter().filter(|cell| keep(cell, &column.held)).collect();
                if cells.is_empty() {
                    continue;
                }
                for (pairs, by_rules) in between(&column.sources, &row.destinations) {
                    for cell in &cells {
                        let flows = self.products(pairs.clone(), &cell.services);
                        if !flows.is_empty() {
                            result.push(Violating { flows, cell: cell.clone(), held: column.held.clone(), by_rules });
                        }
                    }
                }
            }
        }
        result
    }

    /// Pairs of sets with services, where they hold a flow at all.
    pub(super) fn products(&self, pairs: super::relation::Pairs, services: &[u32]) -> Vec<ClassProduct> {
        let product = |(sources, destinations)| ClassProduct { sources, destinations, services: services.to_vec() };
        pairs.into_iter().map(product).filter(|product| self.access.holds_a_flow(product)).collect()
    }

    /// Whether no rule could ever make a flow that violates an assertion.
    fn vacuous(&self, assertion: &Assertion) -> Option<Vacuous> {
        let model = self.model();
        let all_empty = |end: fn(&Product) -> crate::model::EndpointId| {
            assertion.products.iter().all(|product| model.endpoint(end(product)).is_empty())
        };
        if all_empty(|product| product.source) && assertion.kind != AssertionKind::Only {
            return Some(Vacuous::NoSource);
        }
        if all_empty(|product| product.destination) {
            return Some(Vacuous::NoDestination);
        }
        let could = |product: &Product| match assertion.transitive {
            true => self.could_chain(product),
            false => self.could_violate(assertion, product),
        };
        (!assertion.products.iter().any(could)).then_some(Vacuous::NothingToViolate)
    }

    /// Whether there would be a chain if every flow with a path were permitted.
    fn could_chain(&self, product: &Product) -> bool {
        let classes = &self.access.classes;
        let (to, all) = (self.access.endpoint(product.destination), classes.all());
        let mut reached = self.access.endpoint(product.source).clone();
        let mut senders = reached.clone();
        while !reached.intersects(to) {
            let pairs = self.relation.routable(classes, &senders, &all);
            let next = pairs.iter().fold(reached.clone(), |next, (_, to)| next.union(to));
            let stones = next.difference(classes.public());
            let zones = classes.zones(&stones).into_iter().flat_map(|zone| classes.of_zone(zone).intervals());
            let next = next.union(&zones.copied().collect());
            if next == reached {
                return false;
            }
            senders = next.difference(classes.public());
            reached = next;
        }
        true
    }

    fn could_violate(&self, assertion: &Assertion, product: &Product) -> bool {
        let (from, to) = (self.access.endpoint(product.source), self.access.endpoint(product.destination));
        let on = self.access.service(product.services);
        let has =
            |from: &ClassSet, pairs: super::relation::Pairs| !from.is_empty() && !self.products(pairs, on).is_empty();
        let routable = |from: &ClassSet| self.relation.routable(&self.access.classes, from, to);
        match assertion.kind {
            AssertionKind::Never | AssertionKind::Must => has(from, routable(from)),
            AssertionKind::Only => {
                let others = self.access.classes.all().difference(from);
                has(&others, routable(&others))
            }
        }
    }
}

/// The services of a cell that are in question.
pub(super) fn cut_services(cell: &Cell, on: &[u32]) -> Vec<u32> {
    common(&cell.services, on)
}
