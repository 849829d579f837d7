//! The two files: chains declared first, then their lines, and the line numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::dispatch::Bits;
use super::emit::file_of;
use crate::packet::{AddressSet, Family};
use crate::plan::{DevicePlan, PlannedRule, RuleLabel};
use crate::platform::common::names::{fit, safe, slug};
use crate::platform::common::rules::word;
use crate::platform::common::text::{Text, put};
use crate::platform::{Detail, Line, LineScope, Written, WrittenFile};
use crate::syntax::ast::Effect;

/// The longest log prefix, in bytes.
const PREFIX: usize = 29;

/// One family's file under construction.
pub(super) struct Writer<'p> {
    /// What to write.
    pub(super) plan: &'p DevicePlan,
    /// Which family.
    pub(super) family: Family,
    /// The chains, in order of their first line.
    declared: Vec<String>,
    /// Their lines; numbers count inside until the file is put together.
    pub(super) body: Text,
    /// Lines that decide.
    pub(super) decided: Vec<Line>,
    /// Chains that log and decide, by word and name.
    logs: BTreeMap<(&'static str, String), String>,
    /// Chains that hold the sources of one rule.
    pub(super) shared: BTreeMap<(LineScope, String, Arc<AddressSet>), String>,
}

/// Writes the files of a device.
pub(super) fn write(plan: &DevicePlan, detail: Detail) -> Written {
    let mut written = Written::default();
    file::<u32>(plan, &mut written);
    file::<u128>(plan, &mut written);
    // Quarantines before all pairs, whichever file they stand in.
    match detail {
        Detail::Lines => written.lines.sort_by_key(|line| line.scope != LineScope::Forward),
        Detail::Files => written.lines = Vec::new(),
    }
    written
}

fn file<T: Bits>(plan: &DevicePlan, written: &mut Written) {
    let mut writer = Writer {
        plan,
        family: T::FAMILY,
        declared: Vec::new(),
        body: Text::default(),
        decided: Vec::new(),
        logs: BTreeMap::new(),
        shared: BTreeMap::new(),
    };
    // FORWARD holds the one jump and nothing else, however the file is loaded and how often: a rule before it could let packets past, one after it is never reached.
    writer.body.line("-F FORWARD");
    writer.body.line("-A FORWARD -j SEKISHO");
    writer.declare("SEKISHO");
    // Declared even where nothing is protected: a jump that an earlier load with --noflush left in INPUT must find no old rules.
    writer.declare("SEKISHO-INPUT");
    let drop = writer.forward::<T>();
    writer.input::<T>();
    writer.finish(drop, written);
}

impl Writer<'_> {
    /// Declares a chain of a name.
    pub(super) fn declare(&mut self, name: &str) {
        self.declared.push(name.to_owned());
    }

    /// Declares a chain of a generated name.
    pub(super) fn chain(&mut self, kind: &str) -> String {
        let name = format!("SEKISHO-{kind}{}", self.declared.len());
        self.declare(&name);
        name
    }

    /// What the device calls an interface.
    pub(super) fn interface(&self, index: usize) -> &str {
        self.plan.interfaces.get(index).map_or("", |interface| &interface.name)
    }

    /// The jump that does what a rule says.
    pub(super) fn target(&mut self, rule: &PlannedRule) -> String {
        let verdict = if rule.effect == Effect::Allow { "ACCEPT" } else { "DROP" };
        if rule.log { self.logged(word(rule), &rule.label.name, verdict) } else { format!("-j {verdict}") }
    }

    /// The jump to a chain that logs and decides.
    pub(super) fn logged(&mut self, word: &'static str, name: &str, verdict: &str) -> String {
        if let Some(chain) = self.logs.get(&(word, name.to_owned())) {
            return format!("-j {chain}");
        }
        let chain = self.chain("l");
        let room = PREFIX - "sekisho : ".len() - word.len() - 1;
        put!(self.body, "-A {chain} -j LOG --log-prefix \"sekisho {word} {}: \"", fit(name, room));
        self.body.end();
        put!(self.body, "-A {chain} -j {verdict}");
        self.body.end();
        self.logs.insert((word, name.to_owned()), chain.clone());
        format!("-j {chain}")
    }

    /// Writes the chain that every forwarded packet goes through; returns the line of the default drop.
    fn forward<T: Bits>(&mut self) -> usize {
        let plan = self.plan;
        let rules = self.quarantines("SEKISHO", "rules", Some(LineScope::Forward));
        self.established(&rules);
        let mut pairs = Vec::new();
        for (at, pair) in plan.pairs.iter().enumerate() {
            let (from, to) =
                (self.interface(pair.in_interface).to_owned(), self.interface(pair.out_interface).to_owned());
            let chain = format!("SEKISHO-{at}-{}-{}", slug(&from, 6), slug(&to, 6));
            self.declare(&chain);
            put!(self.body, "-A {rules} -i {from} -o {to} -j {chain}");
            self.body.end();
            pairs.push(chain);
        }
        let drop = self.body.line(&format!("-A {rules} -m comment --comment \"no rule permits it\" -j DROP"));
        for (at, (pair, chain)) in plan.pairs.iter().zip(&pairs).enumerate() {
            self.rules::<T>(chain, &pair.rules, LineScope::Pair(at));
        }
        drop
    }

    /// Accepts answers, and ICMP errors about what is permitted: nothing else is an answer.
    pub(super) fn established(&mut self, chain: &str) {
        let icmp = if self.family == Family::V4 { "icmp" } else { "ipv6-icmp" };
        put!(self.body, "-A {chain} -m conntrack --ctstate ESTABLISHED -j ACCEPT");
        self.body.end();
        put!(self.body, "-A {chain} -p {icmp} -m conntrack --ctstate RELATED -j ACCEPT");
        self.body.end();
    }

    fn finish(self, drop: usize, written: &mut Written) {
        let (name, loader) = match self.family {
            Family::V4 => ("rules.v4", "iptables-restore"),
            Family::V6 => ("rules.v6", "ip6tables-restore"),
        };
        let mut file = Text::default();
        put!(file, "# sekisho: what {} lets through (for {loader})", safe(&self.plan.device));
        file.end();
        put!(
            file,
            "# Chains of its own, and FORWARD, which holds one jump to them. With --noflush all else stays as it is."
        );
        file.end();
        file.line("*filter");
        for chain in &self.declared {
            put!(file, ":{chain} - [0:0]");
            file.end();
        }
        let offset = file.append(&self.body);
        file.line("COMMIT");
        let at = file_of(self.family);
        written.default_drop.push((at, drop + offset));
        let mut rules: Vec<&Arc<RuleLabel>> = self.decided.iter().flat_map(|line| &line.labels).collect();
        rules.sort_by_key(|label| &label.name);
        rules.dedup_by_key(|label| &label.name);
        let rules = rules.into_iter().cloned().collect();
        written.lines.extend(self.decided.into_iter().map(|line| Line { line: line.line + offset, ..line }));
        written.files.push(WrittenFile { name, text: file.finish(), rules });
    }
}
