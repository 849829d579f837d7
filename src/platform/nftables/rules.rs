//! Rules as lines, one for each family and product of services; long runs go to [`lookup`](super::lookup).

use super::matching::{Addresses, Named, put_comment, put_log};
use super::write::{Section, Writer};
use crate::packet::{Family, IntervalSet};
use crate::plan::PlannedRule;
use crate::platform::common::rules::{line_of, occurs, runs, word};
use crate::platform::common::text::{Text, put};
use crate::platform::common::traffic::Traffic;
use crate::platform::{Line, LineScope};
use crate::syntax::ast::Effect;

/// A run of more lines than this in one family is looked up in maps.
const LONG: usize = 16;

impl Writer<'_> {
    /// Writes rules into the open chain.
    pub(super) fn rules(&mut self, rules: &[PlannedRule], scope: LineScope) {
        for run in runs(rules) {
            let long = Family::BOTH.map(|family| is_long(run, family));
            for rule in run {
                for (family, long) in Family::BOTH.into_iter().zip(long) {
                    if !long {
                        self.rule(rule, family, scope);
                    }
                }
            }
            let [long4, long6] = long;
            if long4 {
                self.lookup::<u32>(run, scope);
            }
            if long6 {
                self.lookup::<u128>(run, scope);
            }
        }
    }

    /// Writes the lines of a rule in a family into the open chain.
    pub(super) fn rule(&mut self, rule: &PlannedRule, family: Family, scope: LineScope) {
        if !occurs(rule, family) {
            return;
        }
        let proto = line_of(rule, family, scope);
        for (traffic, services) in self.matches.of(&rule.services, family).iter() {
            let mut text = std::mem::take(&mut self.chains);
            text.push("\t\t");
            match family {
                Family::V4 => self.addresses_of::<u32>(&mut text, &rule.source.v4, &rule.destination.v4),
                Family::V6 => self.addresses_of::<u128>(&mut text, &rule.source.v6, &rule.destination.v6),
            }
            put_rest(&mut self.addresses, &mut text, rule, traffic, family);
            let line = text.end();
            self.chains = text;
            self.decide(Section::Chains, line, Line { services: services.clone(), ..proto.clone() });
        }
    }

    /// Appends the match of two addresses; the line holds for their family alone, even where both are full.
    pub(super) fn addresses_of<T: Named>(
        &mut self,
        text: &mut Text,
        source: &IntervalSet<T>,
        destination: &IntervalSet<T>,
    ) {
        if source.is_full() && destination.is_full() {
            put!(text, "meta nfproto ipv{} ", T::DIGIT);
        }
        for (word, set) in [("saddr", source), ("daddr", destination)] {
            if !set.is_full() {
                put!(text, "{} {word} ", T::WORD);
                self.addresses.put(text, set);
                text.push(" ");
            }
        }
    }
}

/// Appends services, log, counter, verdict and comment of a rule.
pub(super) fn put_rest(
    addresses: &mut Addresses,
    text: &mut Text,
    rule: &PlannedRule,
    traffic: &Traffic,
    family: Family,
) {
    addresses.put_traffic(text, traffic, family);
    if rule.log {
        put_log(text, word(rule), &rule.label.name);
    }
    text.push("counter ");
    text.push(verdict(rule));
    put_comment(text, &rule.label.name);
}

/// The verdict of a rule.
pub(super) fn verdict(rule: &PlannedRule) -> &'static str {
    match rule.effect {
        Effect::Allow => "accept",
        Effect::Deny => "drop",
    }
}

fn is_long(run: &[PlannedRule], family: Family) -> bool {
    run.len() > LONG && run.iter().filter(|rule| occurs(rule, family)).take(LONG + 1).count() > LONG
}
