//! What differs, with the rules of the plan that have to do with it.
//!
//! The interfaces of a way are those that rules tell apart, and one that stands for all others has a name that nobody gave: it becomes `*`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::listing::{Hook, Way};
use crate::packet::{AddressSet, Family, Flow, Product};
use crate::plan::{DevicePlan, PlannedRule};
use crate::proof::{self, BlamedLine, Lacks};
use crate::syntax::ast::Effect;

/// Flows that are treated otherwise than asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// The flows.
    pub product: Product,
    /// One of them.
    pub witness: Flow,
    /// Of what is missing the allows that cover some of it, of what is too much the denies and quarantines that cover all of it; in name order.
    pub rules: Vec<String>,
}

/// Packets that pass and should not, or should pass and do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What kind of packets.
    pub kind: Lacks,
    /// The ways on which they do; an interface that neither the plan nor the config names is called `*`.
    pub ways: Vec<Way>,
    /// Which.
    pub flows: Vec<Differing>,
    /// The lines that accept them, or drop them.
    pub lines: Vec<BlamedLine>,
}

/// A plan, to be looked things up in.
pub(super) struct Plan<'p> {
    plan: &'p DevicePlan,
    texts: &'p [(&'p str, &'p str)],
    numbers: HashMap<&'p str, usize>,
    pairs: HashMap<(usize, usize), &'p [PlannedRule]>,
}

impl<'p> Plan<'p> {
    /// The plan of a device whose config has these texts.
    pub(super) fn new(plan: &'p DevicePlan, texts: &'p [(&'p str, &'p str)]) -> Self {
        let names = plan.interfaces.iter().enumerate();
        let pairs = plan.pairs.iter();
        Self {
            plan,
            texts,
            numbers: names.map(|(number, interface)| (interface.name.as_str(), number)).collect(),
            pairs: pairs.map(|pair| ((pair.in_interface, pair.out_interface), pair.rules.as_slice())).collect(),
        }
    }

    /// A gap with the rules of one effect: allows that cover some of its flows, denies that cover all.
    pub(super) fn gap(&self, gap: proof::Gap, effect: Effect) -> Gap {
        let asked = self.asked(&gap, effect);
        let rules = |product: &Product, witness: &Flow| match effect {
            Effect::Allow => covering_some(&asked, product, witness),
            Effect::Deny => self.covering_all(&asked, product, witness),
        };
        let flows = gap.flows.into_iter().map(|(product, witness)| {
            let rules: BTreeSet<String> = rules(&product, &witness);
            Differing { product, witness, rules: rules.into_iter().collect() }
        });
        let flows = flows.collect();
        Gap { kind: gap.kind, ways: self.known(gap.ways), flows, lines: gap.lines }
    }

    /// The rules of one effect on the ways of a gap, each once. Answers take the way of their connection backwards, errors either way.
    fn asked(&self, gap: &proof::Gap, effect: Effect) -> Vec<&'p PlannedRule> {
        let number = |name: &Option<String>| self.numbers.get(name.as_deref()?).copied();
        let pair = |first: Option<usize>, second: Option<usize>| self.pairs.get(&(first?, second?)).copied();
        let mut found: Vec<&PlannedRule> = Vec::new();
        for (hook, incoming, outgoing, _) in &gap.ways {
            let (first, second) = (number(incoming), number(outgoing));
            if *hook == Hook::Forward {
                let forwards = (gap.kind != Lacks::Answers).then(|| pair(first, second)).flatten();
                let is_back = matches!(gap.kind, Lacks::Answers | Lacks::Errors);
                let backwards = is_back.then(|| pair(second, first)).flatten();
                found.extend([forwards, backwards].into_iter().flatten().flatten());
            } else if let Some(input) = &self.plan.input {
                let over = input.rules.iter().filter(|(number, _)| Some(*number) == first);
                found.extend(over.flat_map(|(_, rules)| rules));
            }
        }
        let mut known = BTreeSet::new();
        let sets = |rule: &PlannedRule| {
            (Arc::as_ptr(&rule.source), Arc::as_ptr(&rule.destination), Arc::as_ptr(&rule.services))
        };
        found.retain(|rule| rule.effect == effect && known.insert((&rule.label.name, sets(rule))));
        found
    }

    fn covering_all(&self, asked: &[&PlannedRule], product: &Product, witness: &Flow) -> BTreeSet<String> {
        let services = product.services.only(Family::of(witness.source));
        let covers = |rule: &&&PlannedRule| {
            product.sources.is_subset(&rule.source)
                && product.destinations.is_subset(&rule.destination)
                && services.is_subset(&rule.services)
        };
        let denies = asked.iter().filter(covers).map(|rule| &rule.label);
        let holds = |held: &AddressSet| product.sources.is_subset(held) || product.destinations.is_subset(held);
        let quarantines = self.plan.quarantines.iter().filter(|one| holds(&one.held)).map(|one| &one.label);
        denies.chain(quarantines).map(|label| label.name.clone()).collect()
    }

    /// Ways by the names that somebody gave.
    fn known(&self, mut ways: Vec<Way>) -> Vec<Way> {
        let mut spelled: HashMap<String, bool> = HashMap::new();
        for name in ways.iter_mut().flat_map(|way| [&mut way.1, &mut way.2]).flatten() {
            let is_known = *spelled.entry(name.clone()).or_insert_with_key(|name| {
                self.numbers.contains_key(name.as_str()) || self.texts.iter().any(|(_, text)| has_word(text, name))
            });
            if !is_known {
                "*".clone_into(name);
            }
        }
        ways.sort();
        ways.dedup();
        ways
    }
}

fn covering_some(asked: &[&PlannedRule], product: &Product, witness: &Flow) -> BTreeSet<String> {
    let services = product.services.only(Family::of(witness.source));
    let covers = |rule: &&&PlannedRule| {
        rule.source.intersects(&product.sources)
            && rule.destination.intersects(&product.destinations)
            && rule.services.intersects(&services)
    };
    asked.iter().filter(covers).map(|rule| rule.label.name.clone()).collect()
}

/// Whether a text has a name as a word of its own; a name that stands for all others is not there.
fn has_word(text: &str, name: &str) -> bool {
    let is_part = |character: Option<char>| character.is_some_and(|character| character.is_alphanumeric());
    text.match_indices(name).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        !is_part(before.chars().next_back()) && !is_part(rest.chars().nth(name.chars().count()))
    })
}
