//! The file: sections in order, the forward chain, and the line numbers.

use std::sync::Arc;

use super::guard;
use super::matching::Addresses;
use super::services::Services;
use crate::packet::Family;
use crate::plan::{DevicePlan, PairPlan, PlannedRule, RuleLabel};
use crate::platform::common::names::{safe, slug};
use crate::platform::common::rules::occurs;
use crate::platform::common::text::{Text, put};
use crate::platform::{Detail, Line, LineScope, Written, WrittenFile};

/// A part of the file; line numbers are counted inside a section until the file is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// Maps and the chains that they lead to.
    Lookups,
    /// Chains of interface pairs, of quarantines and of the hooks.
    Chains,
}

/// A device's file under construction.
pub(super) struct Writer<'p> {
    /// What to write.
    pub(super) plan: &'p DevicePlan,
    /// Whether lines are noted.
    pub(super) detail: Detail,
    /// Address sets.
    pub(super) addresses: Addresses<'p>,
    /// What services match.
    pub(super) services: Services,
    /// The section [`Section::Lookups`].
    pub(super) lookups: Text,
    /// The section [`Section::Chains`].
    pub(super) chains: Text,
    /// Lines that decide, with the section that their number counts in.
    pub(super) decided: Vec<(Section, Line)>,
    /// Names of shared service chains.
    pub(super) chains_of: super::lookup::ServiceChains,
    /// A number for the next generated name.
    pub(super) serial: usize,
}

impl Writer<'_> {
    /// The next number for a generated name.
    pub(super) fn number(&mut self) -> usize {
        self.serial += 1;
        self.serial
    }

    /// Notes a line that decides, if lines are asked for.
    pub(super) fn decide(&mut self, section: Section, line: usize, decided: impl FnOnce() -> Line) {
        if self.detail == Detail::Lines {
            self.decided.push((section, Line { line, ..decided() }));
        }
    }
}

/// Writes the file of a device.
pub(super) fn write(plan: &DevicePlan, detail: Detail) -> Written {
    let addresses = Addresses::of(plan);
    let mut writer = Writer {
        plan,
        detail,
        services: Services::new(addresses.sparing, detail),
        addresses,
        lookups: Text::default(),
        chains: Text::default(),
        decided: Vec::new(),
        chains_of: super::lookup::ServiceChains::default(),
        serial: 0,
    };
    guard::quarantines(&mut writer);
    for (at, pair) in plan.pairs.iter().enumerate() {
        writer.pair(at, pair);
    }
    let drop = writer.forward();
    guard::input(&mut writer);
    writer.finish(drop)
}

impl<'p> Writer<'p> {
    fn pair(&mut self, at: usize, pair: &'p PairPlan) {
        let name = self.pair_chain(at, pair);
        put!(self.chains, "\tchain {name} {{");
        self.chains.end();
        self.rules(&pair.rules, LineScope::Pair(at));
        self.chains.line("\t}");
    }

    fn pair_chain(&self, at: usize, pair: &PairPlan) -> String {
        format!(
            "pair_{at}_{}_{}",
            slug(self.interface(pair.in_interface), 15),
            slug(self.interface(pair.out_interface), 15)
        )
    }

    /// What the device calls an interface.
    pub(super) fn interface(&self, index: usize) -> &str {
        self.plan.interfaces.get(index).map_or("", |interface| &interface.name)
    }

    /// Writes the forward chain; returns the line of the default drop.
    fn forward(&mut self) -> usize {
        self.chains.line("\tchain forward {");
        self.chains.line("\t\ttype filter hook forward priority filter; policy drop;");
        guard::calls(self);
        self.chains.line("\t\tct state established accept");
        self.chains.line("\t\tct state related meta l4proto { icmp, ipv6-icmp } accept");
        if !self.plan.pairs.is_empty() {
            self.chains.line("\t\tiifname . oifname vmap {");
            for (at, pair) in self.plan.pairs.iter().enumerate() {
                let chain = self.pair_chain(at, pair);
                let (from, to) =
                    (self.interface(pair.in_interface).to_owned(), self.interface(pair.out_interface).to_owned());
                let comma = if at + 1 < self.plan.pairs.len() { "," } else { "" };
                put!(self.chains, "\t\t\t\"{from}\" . \"{to}\" : jump {chain}{comma}");
                self.chains.end();
            }
            self.chains.line("\t\t}");
        }
        let drop = self.chains.line("\t\tcounter drop comment \"no rule permits it\"");
        self.chains.line("\t}");
        drop
    }

    /// The rules and quarantines that have a line, sorted by name.
    fn names(&mut self) -> Vec<Arc<RuleLabel>> {
        let plan = self.plan;
        let pairs = plan.pairs.iter().flat_map(|pair| &pair.rules);
        let input = plan.input.iter().flat_map(|input| input.rules.iter().flat_map(|(_, rules)| rules));
        let mut names: Vec<&Arc<RuleLabel>> =
            pairs.chain(input).filter(|rule| self.has_line(rule)).map(|rule| &rule.label).collect();
        for quarantine in &plan.quarantines {
            let before = names.len();
            names.extend(quarantine.keep.iter().filter(|rule| self.has_line(rule)).map(|rule| &rule.label));
            if names.len() > before || !quarantine.held.is_empty() {
                names.push(&quarantine.label);
            }
        }
        names.sort_by_key(|label| &label.name);
        names.dedup_by_key(|label| &label.name);
        names.into_iter().cloned().collect()
    }

    fn has_line(&mut self, rule: &PlannedRule) -> bool {
        Family::BOTH
            .into_iter()
            .any(|family| occurs(rule, family) && !self.services.of(&rule.services, family).is_empty())
    }

    fn finish(mut self, drop: usize) -> Written {
        let rules = self.names();
        let mut file = Text::default();
        file.line("#!/usr/sbin/nft -f");
        put!(file, "# sekisho: what {} lets through (nftables)", safe(&self.plan.device));
        file.end();
        file.line("# Loading it replaces table inet sekisho in one transaction and touches nothing else.");
        file.line("table inet sekisho");
        file.line("delete table inet sekisho");
        file.line("table inet sekisho {");
        file.reserve(&[&self.services.sets, &self.addresses.sets, &self.lookups, &self.chains]);
        file.append(&self.services.sets);
        file.append(&self.addresses.sets);
        let lookups = file.append(&self.lookups);
        let chains = file.append(&self.chains);
        file.line("}");
        let place = |(section, line): (Section, Line)| {
            let offset = if section == Section::Lookups { lookups } else { chains };
            Line { line: line.line + offset, ..line }
        };
        Written {
            lines: self.decided.into_iter().map(place).collect(),
            default_drop: vec![(0, drop + chains)],
            files: vec![WrittenFile { name: "ruleset.nft", text: file.finish(), rules }],
            commands: Vec::new(),
        }
    }
}
