//! The assertions of a project over what devices really run.
//!
//! What really passes lies between two bounds: the flows that surely do, and those that may. A `never` or an `only`, and a chain, are about flows that pass on *some* way: violated if flows that surely
//! pass do it, unproven if only flows that may pass do. A `must` is about flows that pass on *every* way, with their later packets and answers: violated if some surely do not, unproven if some may
//! not. Each bound is the policy with what is [`Otherwise`] put over it, and is judged by the prover that judges the policy itself.

use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;

use super::across::{Across, across};
use super::observed::{Observed, Side};
use crate::graph::Topology;
use crate::model::Model;
use crate::packet::{AddressSet, Product, ServiceSet};
use crate::proof::BlamedLine;
use crate::reach::{Extra, Finding, FlowsBetween, Hop, Mend, Otherwise, Outcome, Prover};
use crate::syntax::ast::AssertionKind;

/// What became of an assertion over what devices run.
#[derive(Debug, Clone)]
pub struct RealFinding {
    /// The same as of an assertion over the policy; its flows are in the classes of the prover at `bound`.
    pub finding: Finding,
    /// Index into [`Real::provers`].
    pub bound: usize,
    /// What became of it over the policy.
    pub by_policy: Outcome,
    /// For each hop the lines of configs because of which it passes, or does not; empty where the policy itself says so.
    pub lines: Vec<Vec<ConfigLine>>,
}

/// A line of a config.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigLine {
    /// The device.
    pub device: String,
    /// Its file.
    pub file: String,
    /// The line.
    pub line: BlamedLine,
}

/// The assertions over what devices run.
pub struct Real<'m> {
    /// What findings are in the classes of.
    pub provers: Vec<Prover<'m>>,
    /// In the order of the model.
    pub findings: Vec<RealFinding>,
}

/// Judges every assertion of the model over what was seen of all its firewalls; `of_policy` are the findings of the policy itself, all of them.
#[must_use]
pub fn assertions<'m>(
    model: &'m Model,
    topology: &'m Topology,
    at: Date,
    seen: &[Observed],
    of_policy: &[Finding],
) -> Real<'m> {
    let Ok(across) = across(model, topology, seen) else {
        return undecided(model, topology, at, of_policy);
    };
    let bounds = Bounds::new(model, &across);
    let provers: Vec<Prover<'m>> = bounds
        .otherwise
        .into_par_iter()
        .map(|otherwise| Prover::new(model, topology, at, &Extra { otherwise, ..Extra::default() }))
        .collect();
    let judging = Judging { model, provers: &provers, seen };
    let findings = of_policy
        .par_iter()
        .filter_map(|policy| {
            let kind = model.assertions.get(policy.assertion)?.kind;
            let [sure, perhaps] = if kind == AssertionKind::Must { bounds.every_way } else { bounds.some_way };
            judging.judge(policy, sure, perhaps)
        })
        .collect();
    Real { provers, findings }
}

/// Each bound once, and which two are of which kind of assertion: the one in which a violation is sure, and the one in which it may be.
struct Bounds {
    otherwise: Vec<Otherwise>,
    some_way: [usize; 2],
    every_way: [usize; 2],
}

impl Bounds {
    fn new(model: &Model, across: &Across) -> Self {
        let mut known: Vec<[&[Product]; 2]> = Vec::new();
        let mut number = |open, shut| {
            let bound: [&[Product]; 2] = [open, shut];
            known.iter().position(|one| *one == bound).unwrap_or_else(|| {
                known.push(bound);
                known.len() - 1
            })
        };
        let some_way = [number(&across.open, &across.perhaps_shut), number(&across.perhaps_open, &across.shut)];
        let has_must = model.assertions.iter().any(|one| one.kind == AssertionKind::Must);
        let every_way = if has_must {
            // What passes as an extra does so on some way; whether on every one is not asked, so it meets no `must` for sure.
            [number(&across.perhaps_open, &across.impaired), number(&[], &across.perhaps_impaired)]
        } else {
            some_way
        };
        let shared = |products: &[Product]| products.iter().map(flows_between).collect();
        let otherwise = known.iter().map(|[open, shut]| Otherwise { open: shared(open), shut: shared(shut) });
        Self { otherwise: otherwise.collect(), some_way, every_way }
    }
}

fn flows_between(product: &Product) -> FlowsBetween {
    FlowsBetween {
        sources: Arc::new(product.sources.clone()),
        destinations: Arc::new(product.destinations.clone()),
        services: Arc::new(product.services.clone()),
    }
}

/// Nothing could be computed: nothing is decided.
fn undecided<'m>(model: &'m Model, topology: &'m Topology, at: Date, of_policy: &[Finding]) -> Real<'m> {
    let finding = |policy: &Finding| {
        let mut finding = policy.clone();
        if policy.outcome != Outcome::Inactive {
            finding = without_hops(policy, Outcome::Unproven);
            finding.because = Some("what devices do otherwise is too many sets of flows to be compared".to_owned());
        }
        RealFinding { finding, bound: 0, by_policy: policy.outcome, lines: Vec::new() }
    };
    let provers = vec![Prover::new(model, topology, at, &Extra::default())];
    Real { provers, findings: of_policy.iter().map(finding).collect() }
}

fn without_hops(policy: &Finding, outcome: Outcome) -> Finding {
    Finding {
        assertion: policy.assertion,
        outcome,
        hops: Vec::new(),
        mend: Mend::default(),
        because: None,
        vacuous: None,
    }
}

struct Judging<'a, 'm> {
    model: &'m Model,
    provers: &'a [Prover<'m>],
    seen: &'a [Observed],
}

impl Judging<'_, '_> {
    fn judge(&self, policy: &Finding, sure: usize, perhaps: usize) -> Option<RealFinding> {
        let found = self.provers.get(sure)?.assertion(policy.assertion)?;
        if found.outcome != Outcome::Proved || sure == perhaps {
            return Some(self.told(found, sure, policy));
        }
        let possible = self.provers.get(perhaps)?.assertion(policy.assertion)?;
        if possible.outcome != Outcome::Violated {
            return Some(self.told(possible, perhaps, policy));
        }
        let mut finding = without_hops(policy, Outcome::Unproven);
        finding.because = Some(self.doubts(perhaps, &possible));
        Some(RealFinding { finding, bound: perhaps, by_policy: policy.outcome, lines: Vec::new() })
    }

    /// A finding with the lines to blame. Rules that stand for what is otherwise are taken out of it, and taking rules away mends nothing then.
    fn told(&self, mut finding: Finding, bound: usize, policy: &Finding) -> RealFinding {
        let is_rule = |rule: &crate::model::RuleId| rule.index() < self.model.rules.len();
        let is_must = self.model.assertions.get(finding.assertion).is_some_and(|one| one.kind == AssertionKind::Must);
        let side = if is_must { Side::Missing } else { Side::Extra };
        let mut lines = Vec::with_capacity(finding.hops.len());
        let mut is_otherwise = !finding.mend.rules.iter().all(is_rule);
        for hop in &mut finding.hops {
            let is_policys = hop.rules.iter().all(is_rule);
            is_otherwise |= !is_policys;
            hop.rules.retain(is_rule);
            lines.push(if is_policys { Vec::new() } else { self.lines(bound, hop, side) });
        }
        if is_otherwise {
            finding.mend = Mend::default();
        }
        RealFinding { finding, bound, by_policy: policy.outcome, lines }
    }

    /// The lines that have to do with the flows of a hop.
    fn lines(&self, bound: usize, hop: &Hop, side: Side) -> Vec<ConfigLine> {
        let mut lines: Vec<ConfigLine> = Vec::new();
        for one in self.seen {
            let of_side = one.deviations.iter().filter(|deviation| deviation.side == side);
            for deviation in of_side.filter(|deviation| self.meets(bound, hop, &deviation.flows)) {
                let line = |line: &BlamedLine| ConfigLine {
                    device: one.device.clone(),
                    file: one.file.clone(),
                    line: line.clone(),
                };
                lines.extend(deviation.lines.iter().map(line));
            }
        }
        lines.sort();
        lines.dedup();
        lines
    }

    /// Whether some flows of a hop are among others.
    fn meets(&self, bound: usize, hop: &Hop, flows: &[Product]) -> bool {
        let Some(prover) = self.provers.get(bound) else { return false };
        let exact = prover.access.exact(&hop.flows);
        let meets = |sources: &AddressSet, destinations: &AddressSet, services: &ServiceSet, other: &Product| {
            sources.intersects(&other.sources)
                && destinations.intersects(&other.destinations)
                && services.intersects(&other.services)
        };
        exact.iter().any(|one| flows.iter().any(|other| meets(&one.sources, &one.destinations, &one.services, other)))
    }

    /// Why flows may pass, or may not: what is not known of the devices that have to do with them.
    fn doubts(&self, bound: usize, possible: &Finding) -> String {
        let is_near = |one: &&Observed| {
            let flows = one.deviations.iter().map(|deviation| &deviation.flows);
            flows.into_iter().any(|flows| possible.hops.iter().any(|hop| self.meets(bound, hop, flows)))
        };
        let near: Vec<&str> = self.seen.iter().filter(is_near).filter_map(|one| one.doubt.as_deref()).collect();
        match near.as_slice() {
            [] => "the policy does not permit it, and whether what devices let through beside it takes every way is not decided"
                .to_owned(),
            [one] => (*one).to_owned(),
            [one, rest @ ..] if rest.len() == 1 => format!("{one}, and {}", rest.join("")),
            [one, other, rest @ ..] => format!("{one}, {other}, and so on for {} more devices", rest.len()),
        }
    }
}
