//! Which assertions come to be violated or cease to be.

use std::collections::BTreeMap;

use super::objects::AssertionChange;
use super::rows::Project;
use super::words::same_products;
use crate::answer::{Names, assertions};
use crate::model::{Assertion, Model, Via};
use crate::reach::{Finding, Outcome, Prover};

/// The assertions whose verdict changes, by name; those that come and those that go as well, unless one of the same meaning and verdict takes their place. `before` and `after` are what the provers of
/// the two sides found.
pub(super) fn changes(
    (old, before): (&Project<'_>, &[Finding]),
    (new, after, prover): (&Project<'_>, &[Finding], &Prover<'_>),
) -> Vec<AssertionChange> {
    let old_by_name = by_name(old.model(), before);
    let new_by_name = by_name(new.model(), after);
    let gone: Vec<Judged<'_>> =
        old_by_name.values().filter(|(one, _)| !new_by_name.contains_key(name(one))).copied().collect();
    let come: Vec<Judged<'_>> =
        new_by_name.values().filter(|(one, _)| !old_by_name.contains_key(name(one))).copied().collect();
    let renamed = |one: &Judged<'_>, others: &[Judged<'_>], (mine, theirs): (&Project<'_>, &Project<'_>)| {
        others
            .iter()
            .any(|other| one.1.outcome == other.1.outcome && same((mine.model(), one.0), (theirs.model(), other.0)))
    };
    let mut result = Vec::new();
    for (name, (assertion, finding)) in &new_by_name {
        let was = old_by_name.get(name).map(|(_, finding)| finding.outcome);
        let is_new = was.is_none() && !renamed(&(assertion, finding), &gone, (new, old));
        if is_new || was.is_some_and(|was| was != finding.outcome) {
            result.push(change(assertion, (was, Some(finding.outcome))));
        }
    }
    let lost = gone.iter().filter(|one| !renamed(one, &come, (old, new)));
    result.extend(lost.map(|(assertion, finding)| change(assertion, (Some(finding.outcome), None))));
    result.sort_by(|a, b| a.name.cmp(&b.name));
    add_hops(&mut result, prover, after);
    result
}

type Judged<'f> = (&'f Assertion, &'f Finding);

fn name(assertion: &Assertion) -> &str {
    &assertion.name.value
}

fn by_name<'f>(model: &'f Model, findings: &'f [Finding]) -> BTreeMap<&'f str, Judged<'f>> {
    let all = findings.iter().filter_map(|finding| Some((model.assertions.get(finding.assertion)?, finding)));
    all.map(|(assertion, finding)| (name(assertion), (assertion, finding))).collect()
}

fn change(assertion: &Assertion, (before, after): (Option<Outcome>, Option<Outcome>)) -> AssertionChange {
    AssertionChange {
        name: assertion.name.value.clone(),
        kind: crate::answer::assertions::kind(assertion.kind),
        title: assertion.meta.title.clone(),
        advisory: assertion.advisory,
        before: before.map(Outcome::as_str),
        after: after.map(Outcome::as_str),
        hops: Vec::new(),
    }
}

/// What violates those that are violated after.
fn add_hops(changes: &mut [AssertionChange], prover: &Prover<'_>, findings: &[Finding]) {
    let is_violated = |name: &str| changes.iter().any(|one| one.name == name && one.after == Some("violated"));
    let of = |finding: &Finding| prover.model().assertions.get(finding.assertion).map(|one| name(one).to_owned());
    let shown: Vec<Finding> =
        findings.iter().filter(|finding| of(finding).is_some_and(|name| is_violated(&name))).cloned().collect();
    if shown.is_empty() {
        return;
    }
    let names = Names::new(prover.model());
    for object in assertions(prover, &names, &shown) {
        if let Some(change) = changes.iter_mut().find(|one| one.name == object.name) {
            change.hops = object.hops;
        }
    }
}

/// Whether two assertions claim the same.
fn same((old, one): (&Model, &Assertion), (new, other): (&Model, &Assertion)) -> bool {
    one.kind == other.kind
        && one.transitive == other.transitive
        && one.advisory == other.advisory
        && same_products((old, &one.products), (new, &other.products))
        && via(old, one) == via(new, other)
}

fn via<'m>(model: &'m Model, assertion: &Assertion) -> Vec<&'m str> {
    let name = |via: &Via| match via {
        Via::Device(id) => model.devices.get(id.index()).map(|one| one.name.value.as_str()),
        Via::Network(id) => model.networks.get(id.index()).map(|one| one.full_name.as_str()),
        Via::Transit(id) => model.transits.get(id.index()).map(|one| one.name.value.as_str()),
    };
    assertion.via.iter().filter_map(name).collect()
}

/// Whether both sides make the same claims on their days, and waive none of them.
pub(super) fn are_same(old: &Project<'_>, new: &Project<'_>) -> bool {
    let waives = |one: &Project<'_>| one.model().waivers.iter().any(|waiver| waiver.period.contains(one.side.at));
    let (before, after) = (&old.model().assertions, &new.model().assertions);
    let is_same = |(one, other): (&Assertion, &Assertion)| {
        name(one) == name(other)
            && one.period.contains(old.side.at) == other.period.contains(new.side.at)
            && same((old.model(), one), (new.model(), other))
    };
    !waives(old) && !waives(new) && before.len() == after.len() && before.iter().zip(after).all(is_same)
}
