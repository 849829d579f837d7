//! Rules as lines, one for each family and product of services; long runs go to [`lookup`](super::lookup).

use super::matching::{Named, put_comment, put_log};
use super::write::{Section, Writer};
use crate::packet::{Family, IntervalSet};
use crate::plan::PlannedRule;
use crate::platform::common::rules::{line_of, occurs, runs, word};
use crate::platform::common::text::Text;
use crate::platform::{Line, LineScope};
use crate::syntax::ast::Effect;

/// A run of more rules than this in one family is looked up in maps.
const LONG: usize = 16;

impl<'p> Writer<'p> {
    /// Writes rules into the open chain.
    pub(super) fn rules(&mut self, rules: &'p [PlannedRule], scope: LineScope) {
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
    pub(super) fn rule(&mut self, rule: &'p PlannedRule, family: Family, scope: LineScope) {
        if !occurs(rule, family) {
            return;
        }
        for product in self.services.of(&rule.services, family).iter() {
            self.chains.push("\t\t");
            match family {
                Family::V4 => self.addresses_of::<u32>(&rule.source.v4, &rule.destination.v4),
                Family::V6 => self.addresses_of::<u128>(&rule.source.v6, &rule.destination.v6),
            }
            put_rest(&mut self.chains, rule, &product.text);
            let line = self.chains.end();
            self.decide(Section::Chains, line, || {
                let proto = line_of(rule, family, scope);
                Line { services: product.services.clone().unwrap_or_else(|| rule.services.clone()), ..proto }
            });
        }
    }

    /// Appends the match of two addresses to the open chain; the line holds for their family alone, even where both are full.
    fn addresses_of<T: Named>(&mut self, source: &'p IntervalSet<T>, destination: &'p IntervalSet<T>) {
        if source.is_full() && destination.is_full() {
            for part in ["meta nfproto ipv", T::DIGIT, " "] {
                self.chains.push(part);
            }
        }
        for (word, set) in [(" saddr ", source), (" daddr ", destination)] {
            if !set.is_full() {
                self.chains.push(T::WORD);
                self.chains.push(word);
                self.addresses.put(&mut self.chains, set.intervals());
                self.chains.push(" ");
            }
        }
    }
}

/// Appends services, log, counter, verdict and comment of a rule.
pub(super) fn put_rest(text: &mut Text, rule: &PlannedRule, services: &str) {
    text.push(services);
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
