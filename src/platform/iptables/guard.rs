//! Quarantines, and what a device with `protect: true` lets in to itself.
//!
//! Each quarantine is two chains: one for packets of connections, which judges by the connection's first packet, and one for all other packets.
//! What is kept or not held goes on to the next quarantine and at last to the rules, whose chain always decides; so a jump never
//! comes back, and helper chains may go on from any depth.

use std::sync::Arc;

use super::dispatch::Bits;
use super::emit::{Action, file_of};
use super::matching::{By, Side, addresses, services};
use super::write::Writer;
use crate::packet::{AddressSet, Family, ServiceSet};
use crate::plan::PlannedQuarantine;
use crate::platform::common::rules::{destination_in, occurs};
use crate::platform::common::text::put;
use crate::platform::{Decision, Line, LineScope};

impl Writer<'_> {
    /// Writes the quarantines behind `chain`; returns the chain that the rules belong in (`chain` itself if there is no quarantine).
    pub(super) fn quarantines(&mut self, chain: &str, kind: &str, scope: Option<LineScope>) -> String {
        let plan = self.plan;
        if plan.quarantines.is_empty() {
            return chain.to_owned();
        }
        let rules = format!("SEKISHO-{kind}");
        self.declare(&rules);
        for by in [By::Connection, By::Packet] {
            let first = self.chain("q");
            let state = if by == By::Connection { "-m conntrack --ctstate ESTABLISHED,RELATED " } else { "" };
            put!(self.body, "-A {chain} {state}-j {first}");
            self.body.end();
            let mut at = first;
            for (index, quarantine) in plan.quarantines.iter().enumerate() {
                let last = index + 1 == plan.quarantines.len();
                let next = if last { rules.clone() } else { self.chain("q") };
                let scope = scope.filter(|_| by == By::Packet);
                self.quarantine(&at, &next, quarantine, by, scope);
                at = next;
            }
        }
        rules
    }

    fn quarantine(
        &mut self,
        chain: &str,
        next: &str,
        quarantine: &PlannedQuarantine,
        by: By,
        scope: Option<LineScope>,
    ) {
        let family = self.family;
        let label = &quarantine.label;
        let line = |source: &Arc<AddressSet>, destination: &Arc<AddressSet>, services: &Arc<ServiceSet>| Line {
            file: file_of(family),
            line: 0,
            scope: scope.unwrap_or(LineScope::Forward),
            source: source.clone(),
            destination: destination.clone(),
            services: services.clone(),
            decision: Decision::Keep,
            labels: vec![label.clone()],
        };
        let on = format!("-j {next}");
        for rule in quarantine.keep.iter().filter(|rule| occurs(rule, family)) {
            let destination = destination_in(rule, family);
            let dimensions = [
                addresses(&rule.source, family, Side::Source, by),
                addresses(&destination, family, Side::Destination, by),
                services(&rule.services, family, by),
            ];
            let labels = vec![label.clone(), rule.label.clone()];
            let decides = Line { labels, ..line(&rule.source, &destination, &rule.services) };
            let comment = format!("{} keeps {}", label.name, rule.label.name);
            let action = Action { jump: &on, comment: &comment, decides: scope.map(|_| &decides) };
            self.product(chain, &dimensions, &action);
        }
        let held = Arc::new(quarantine.held.only(family));
        if !held.is_empty() {
            let drop = self.logged("held", &label.name, "DROP");
            let (all, any) = (Arc::new(AddressSet::full().only(family)), Arc::new(ServiceSet::any()));
            for (side, source, destination) in [(Side::Source, &held, &all), (Side::Destination, &all, &held)] {
                let decides = Line { decision: Decision::Drop, ..line(source, destination, &any) };
                let action = Action { jump: &drop, comment: &label.name, decides: scope.map(|_| &decides) };
                self.product(chain, &[addresses(&held, family, side, by)], &action);
            }
        }
        put!(self.body, "-A {chain} {on}");
        self.body.end();
    }

    /// Writes the chains of a device that protects itself.
    pub(super) fn input<T: Bits>(&mut self) {
        let plan = self.plan;
        let Some(input) = &plan.input else { return };
        if T::of(&input.addresses).is_empty() {
            return;
        }
        self.body.line("-A INPUT -j SEKISHO-INPUT");
        self.declare("SEKISHO-own");
        let own = Arc::new(input.addresses.only(self.family));
        let action = Action { jump: "-j SEKISHO-own", comment: "", decides: None };
        self.product("SEKISHO-INPUT", &[addresses(&own, self.family, Side::Destination, By::Packet)], &action);
        self.body.line("-A SEKISHO-own -i lo -j ACCEPT");
        self.icmp("SEKISHO-own", &[], &[133, 134, 135, 136], "neighbour discovery");
        let noted = self.decided.len();
        let rules = self.quarantines("SEKISHO-own", "own-rules", Some(LineScope::Input(0)));
        self.repeat_for_interfaces(noted);
        self.established(&rules);
        self.icmp(&rules, &[3, 11, 12], &[1, 2, 3, 4], "ICMP errors");
        let mut chains = Vec::new();
        for (index, list) in &input.rules {
            let chain = format!("SEKISHO-in-{index}");
            self.declare(&chain);
            let name = self.interface(*index).to_owned();
            put!(self.body, "-A {rules} -i {name} -j {chain}");
            self.body.end();
            chains.push((chain, list, *index));
        }
        put!(self.body, "-A {rules} -m comment --comment \"no rule permits it\" -j DROP");
        self.body.end();
        for (chain, list, index) in chains {
            self.rules::<T>(&chain, list, LineScope::Input(index));
        }
    }

    /// Quarantines decide on every interface.
    fn repeat_for_interfaces(&mut self, from: usize) {
        let first = self.decided.split_off(from.min(self.decided.len()));
        for index in 0..self.plan.interfaces.len() {
            let lines = first.iter().map(|line| Line { scope: LineScope::Input(index), ..line.clone() });
            self.decided.extend(lines);
        }
    }

    fn icmp(&mut self, chain: &str, v4: &[u8], v6: &[u8], comment: &str) {
        let (types, word) = match self.family {
            Family::V4 => (v4, "-p icmp -m icmp --icmp-type"),
            Family::V6 => (v6, "-p ipv6-icmp -m icmp6 --icmpv6-type"),
        };
        for kind in types {
            put!(self.body, "-A {chain} {word} {kind} -m comment --comment \"{comment}\" -j ACCEPT");
            self.body.end();
        }
    }
}
