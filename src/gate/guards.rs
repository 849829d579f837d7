//! Promises that a change takes back: waivers that it grants, assertions that it removes or weakens, firewalls that protect themselves no more, and settings that ask for less.
//!
//! Nothing is opened by that, and everything can be opened after it. An assertion counts as kept if some assertion afterwards, whatever its name, claims at least as much about
//! the addresses that are still known.

use std::sync::Arc;

use jiff::civil::Date;

use super::needs::Rules;
use crate::checksum;
use crate::diag::{Code, Severity, codes};
use crate::model::{Assertion, Model, Period, Product, Via, Waiver};
use crate::packet::{AddressSet, Product as Flows, ServiceSet};
use crate::settings::{Level, Settings};
use crate::syntax::ast::AssertionKind;

/// A promise that is taken back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guard {
    /// What is done to it, in a sentence.
    pub what: String,
    /// What is left of it, exactly: an approval is of this, not of the sentence.
    left: String,
}

impl Guard {
    fn new(what: String, left: String) -> Self {
        Self { what, left }
    }
}

/// A project, as far as it promises.
#[derive(Debug, Clone, Copy)]
pub struct Promises<'a> {
    /// What it says.
    pub model: &'a Model,
    /// Its settings.
    pub settings: &'a Settings,
    /// Who must approve what, resolved.
    pub rules: &'a Rules,
}

/// What a change takes back, on a day and after it; in order.
#[must_use]
pub fn guards(before: Promises<'_>, after: Promises<'_>, at: Date) -> Vec<Guard> {
    let mut found: Vec<Guard> = after
        .model
        .waivers
        .iter()
        .filter(|waiver| !is_over(waiver.period, at) && !is_known(waiver, before.model, after.model, at))
        .map(|waiver| Guard::new(granted(waiver, after.model), waived(waiver, after.model)))
        .collect();
    for assertion in before.model.assertions.iter().filter(|one| !one.advisory && !is_over(one.period, at)) {
        let name = &assertion.name.value;
        // Another assertion that was there is none to hide behind: it may be violated already.
        let was_there = |new: &Assertion| before.model.assertions.iter().any(|old| old.name.value == new.name.value);
        let mut heirs = after.model.assertions.iter().filter(|new| new.name.value == *name || !was_there(new));
        if heirs.any(|new| keeps(assertion, before.model, new, after.model, at)) {
            continue;
        }
        let left = after.model.assertions.iter().find(|new| new.name.value == *name);
        let what = if left.is_none() { "is taken away" } else { "is weakened" };
        let left = left.map(|new| claim(new, after.model)).unwrap_or_default();
        found.push(Guard::new(format!("the assertion `{name}` {what}"), left));
    }
    let protects =
        |model: &Model, name: &str| model.devices.iter().find(|one| one.name.value == name).map(|one| one.protect);
    for device in before.model.devices.iter().filter(|device| device.protect) {
        let name = device.name.value.as_str();
        if protects(after.model, name) == Some(false) {
            found.push(Guard::new(format!("the firewall `{name}` protects itself no more"), String::new()));
        }
    }
    let loosened = before.rules.loosened(after.rules, &after.model.known);
    let loosened = loosened.into_iter().map(|what| format!("the gate asks less often {what}"));
    found.extend(loosened.map(|what| Guard::new(what, String::new())));
    found.extend(settings(before.settings, after.settings));
    found.sort();
    found
}

/// A digest of what is taken back: `sha256:` and 64 hexadecimal digits.
#[must_use]
pub fn digest(guards: &[Guard]) -> String {
    let mut text = String::from("sekisho guards 1\n");
    for guard in guards {
        // Neither holds a NUL: names are words, and the rest is our own.
        for part in [&guard.what, &guard.left] {
            text.push_str(part);
            text.push('\0');
        }
    }
    checksum::named_sha256(text)
}

fn is_over(period: Period, at: Date) -> bool {
    period.until.is_some_and(|until| until < at)
}

/// Whether a period holds another one, as far as it is not over.
fn covers(outer: Period, inner: Period, at: Date) -> bool {
    let starts = outer.start.is_none_or(|start| start <= at || inner.start.is_some_and(|inner| start <= inner));
    let ends = outer.until.is_none_or(|until| inner.until.is_some_and(|inner| inner <= until));
    starts && ends
}

/// Whether at least as much was waived before, for as long: by whatever names, the same claim for the same flows or more.
fn is_known(waiver: &Waiver, before: &Model, after: &Model, at: Date) -> bool {
    let claimed = |waiver: &Waiver, model: &Model| model.assertions.get(waiver.assertion).map(|one| claim(one, model));
    before.waivers.iter().any(|old| {
        let (Some(rule), Some(old_rule)) = (after.rules.get(waiver.rule.index()), before.rules.get(old.rule.index()))
        else {
            return false;
        };
        let holds = |new: &Product, old: &Product| {
            after.endpoint(new.source).is_subset(before.endpoint(old.source))
                && after.endpoint(new.destination).is_subset(before.endpoint(old.destination))
                && after.service(new.services).is_subset(before.service(old.services))
        };
        covers(old.period, waiver.period, at)
            && claimed(old, before) == claimed(waiver, after)
            && rule.products.iter().all(|new| old_rule.products.iter().any(|old| holds(new, old)))
    })
}

/// What a waiver waives, exactly.
fn waived(waiver: &Waiver, model: &Model) -> String {
    let claim = model.assertions.get(waiver.assertion).map(|one| claim(one, model)).unwrap_or_default();
    let products = model.rules.get(waiver.rule.index()).map(|rule| rule.products.as_slice()).unwrap_or_default();
    let mut flows: Vec<String> = products.iter().map(|one| about(one, model)).collect();
    flows.sort();
    format!("{claim}; for {}", flows.join(" "))
}

fn names<'m>(waiver: &Waiver, model: &'m Model) -> (Option<&'m str>, Option<&'m str>) {
    let assertion = model.assertions.get(waiver.assertion).map(|one| one.name.value.as_str());
    (assertion, model.rules.get(waiver.rule.index()).map(|rule| rule.name.value.as_str()))
}

fn granted(waiver: &Waiver, model: &Model) -> String {
    let (assertion, rule) = names(waiver, model);
    let start = waiver.period.start.map(|day| format!(" from {day}")).unwrap_or_default();
    let until = waiver.period.until.map(|day| format!(" until {day}")).unwrap_or_default();
    format!("`{}` is waived for `{}`{start}{until}", assertion.unwrap_or_default(), rule.unwrap_or_default())
}

/// Whether a later assertion claims all that an earlier one did.
fn keeps(old: &Assertion, before: &Model, new: &Assertion, after: &Model, at: Date) -> bool {
    let is_claim = new.kind == old.kind
        && !new.advisory
        && (new.transitive || !old.transitive)
        && covers(new.period, old.period, at)
        && via(old, before) == via(new, after);
    let known = &after.known;
    // Where nothing is left that both know, what is claimed now is something else.
    let within = |small: &AddressSet, large: &AddressSet| {
        let left = small.intersection(known);
        left.is_subset(large) && (small.is_empty() || !left.is_empty())
    };
    let keeps = |one: &Product, other: &Product| {
        let (from, to) = (before.endpoint(one.source), before.endpoint(one.destination));
        let (new_from, new_to) = (after.endpoint(other.source), after.endpoint(other.destination));
        let sources = match old.kind {
            // `only` permits its sources: they may become fewer, and hold addresses that nobody knew.
            AssertionKind::Only => new_from.intersection(&before.known).is_subset(from),
            AssertionKind::Never | AssertionKind::Must => within(from, new_from),
        };
        sources && within(to, new_to) && before.service(one.services).is_subset(after.service(other.services))
    };
    is_claim && old.products.iter().all(|one| new.products.iter().any(|other| keeps(one, other)))
}

/// What a product is about, as digests.
fn about(one: &Product, model: &Model) -> String {
    let (all, any) = (AddressSet::full(), ServiceSet::any());
    // Each dimension by itself: where one is empty the others still say something.
    let digest = |sources: &AddressSet, destinations: &AddressSet, services: &ServiceSet| {
        let (sources, destinations, services) = (sources.clone(), destinations.clone(), services.clone());
        crate::diff::digest(&[Flows { sources, destinations, services }])
    };
    let from = digest(model.endpoint(one.source), &all, &any);
    let to = digest(&all, model.endpoint(one.destination), &any);
    format!("{from} {to} {}", digest(&all, &all, model.service(one.services)))
}

/// What an assertion claims, whatever it is called.
fn claim(assertion: &Assertion, model: &Model) -> String {
    let mut flows: Vec<String> = assertion.products.iter().map(|one| about(one, model)).collect();
    flows.sort();
    let day = |day: Option<Date>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
    let kind = match assertion.kind {
        AssertionKind::Never => "never",
        AssertionKind::Only => "only",
        AssertionKind::Must => "must",
    };
    let words = [
        kind.to_owned(),
        flows.join(" "),
        format!("transitive {}", assertion.transitive),
        format!("advisory {}", assertion.advisory),
        format!("via {}", via(assertion, model).join(" ")),
        format!("{} {}", day(assertion.period.start), day(assertion.period.until)),
    ];
    words.join("; ")
}

/// What every path must cross, by name.
fn via(assertion: &Assertion, model: &Model) -> Vec<Arc<str>> {
    let name = |via: &Via| match via {
        Via::Device(id) => model.devices.get(id.index()).map(|one| one.name.value.as_str()),
        Via::Network(id) => model.networks.get(id.index()).map(|one| one.full_name.as_str()),
        Via::Transit(id) => model.transits.get(id.index()).map(|one| one.name.value.as_str()),
    };
    let mut names: Vec<Arc<str>> = assertion.via.iter().filter_map(name).map(Arc::from).collect();
    names.sort();
    names
}

fn settings(before: &Settings, after: &Settings) -> Vec<Guard> {
    let mut found = Vec::new();
    let says = |settings: &Settings| {
        let (approvers, otherwise) = settings.gate.as_ref()?.says();
        let one = |(name, conditions): (&str, Vec<&str>)| format!("{name:?}: {conditions:?}");
        let approvers: Vec<String> = approvers.into_iter().map(one).collect();
        Some(format!("{}; otherwise {otherwise:?}", approvers.join(", ")))
    };
    if before.gate.is_some() && says(before) != says(after) {
        let left = says(after).unwrap_or_default();
        found.push(Guard::new("the rules of the gate change".to_owned(), left));
    }
    let fails = |settings: &Settings, code: &'static Code| match settings.levels.get(code.id) {
        Some(level) => *level == Level::Error,
        None => code.severity == Severity::Error,
    };
    for code in codes::all().filter(|code| code.lint && fails(before, code) && !fails(after, code)) {
        found.push(Guard::new(format!("`{}` fails a build no more", code.id), String::new()));
    }
    found
}
