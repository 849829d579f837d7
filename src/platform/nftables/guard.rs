//! Quarantines, and what a device with `protect: true` lets in to itself.
//!
//! A packet that belongs to a connection is judged by the connection's first packet (`ct original`), so a kept flow keeps its answers and a
//! cut one loses them in both directions. Every other packet, new, invalid or untracked, is judged by its own header: none slips by.

use std::sync::Arc;

use super::matching::{put_comment, put_log};
use super::services::{put_numbers, transport, wide};
use super::write::{Section, Writer};
use crate::packet::{AddressSet, Family, IntervalSet, ServiceSet};
use crate::plan::{PlannedQuarantine, PlannedRule};
use crate::platform::common::rules::{destination_in, occurs};
use crate::platform::common::text::{Text, put};
use crate::platform::common::traffic::{Traffic, matches_with_sets};
use crate::platform::{Decision, Line, LineScope};

/// By what a packet is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The first packet of its connection.
    Connection,
    /// Its own header.
    Packet,
}

/// Writes two chains for each quarantine.
pub(super) fn quarantines(writer: &mut Writer<'_>) {
    let plan = writer.plan;
    for (at, quarantine) in plan.quarantines.iter().enumerate() {
        chain(writer, at, quarantine, By::Connection);
        chain(writer, at, quarantine, By::Packet);
    }
}

/// Writes the jumps to the chains of all quarantines into the open chain.
pub(super) fn calls(writer: &mut Writer<'_>) {
    for at in 0..writer.plan.quarantines.len() {
        put!(writer.chains, "\t\tct state {{ established, related }} jump quarantine_{at}_connection");
        writer.chains.end();
        put!(writer.chains, "\t\tct state != {{ established, related }} jump quarantine_{at}_packet");
        writer.chains.end();
    }
}

fn chain<'p>(writer: &mut Writer<'p>, at: usize, quarantine: &'p PlannedQuarantine, by: By) {
    let kind = if by == By::Connection { "connection" } else { "packet" };
    put!(writer.chains, "\tchain quarantine_{at}_{kind} {{");
    writer.chains.end();
    for rule in &quarantine.keep {
        for family in Family::BOTH {
            keep(writer, quarantine, rule, family, by);
        }
    }
    for family in Family::BOTH {
        if !quarantine.held.is_empty_in(family) {
            hold(writer, quarantine, family, by);
        }
    }
    writer.chains.line("\t}");
}

fn keep<'p>(writer: &mut Writer<'p>, quarantine: &'p PlannedQuarantine, rule: &'p PlannedRule, family: Family, by: By) {
    if !occurs(rule, family) {
        return;
    }
    for (traffic, services) in matches_with_sets(&rule.services, family) {
        let mut text = Text::default();
        put_address(writer, &mut text, "saddr", &rule.source, family, by);
        put_address(writer, &mut text, "daddr", &rule.destination, family, by);
        match by {
            By::Connection => put_original(&mut text, &traffic, family),
            By::Packet => writer.services.put(&mut text, &traffic, family),
        }
        text.push("counter return");
        put_comment(&mut text, &format!("{} keeps {}", quarantine.label.name, rule.label.name));
        let sets = (rule.source.clone(), destination_in(rule, family), services);
        let labels = vec![quarantine.label.clone(), rule.label.clone()];
        note(writer, &text.finish(), by, sets, Decision::Keep, labels);
    }
}

fn hold<'p>(writer: &mut Writer<'p>, quarantine: &'p PlannedQuarantine, family: Family, by: By) {
    let held = Arc::new(quarantine.held.only(family));
    let all = Arc::new(AddressSet::full().only(family));
    let any = Arc::new(ServiceSet::any());
    for (word, source, destination) in [("saddr", &held, &all), ("daddr", &all, &held)] {
        let mut text = Text::default();
        put_address(writer, &mut text, word, &quarantine.held, family, by);
        put_log(&mut text, "held", &quarantine.label.name);
        text.push("counter drop");
        put_comment(&mut text, &quarantine.label.name);
        let sets = (source.clone(), destination.clone(), any.clone());
        note(writer, &text.finish(), by, sets, Decision::Drop, vec![quarantine.label.clone()]);
    }
}

/// Writes a line; a new flow meets the lines that judge by packet, so these are the ones that decide.
fn note(
    writer: &mut Writer<'_>,
    text: &str,
    by: By,
    (source, destination, services): (Arc<AddressSet>, Arc<AddressSet>, Arc<ServiceSet>),
    decision: Decision,
    labels: Vec<Arc<crate::plan::RuleLabel>>,
) {
    writer.chains.push("\t\t");
    let line = writer.chains.line(text);
    if by == By::Packet {
        writer.decide(Section::Chains, line, || Line {
            file: 0,
            line,
            scope: LineScope::Forward,
            source,
            destination,
            services,
            decision,
            labels,
        });
    }
}

fn put_address<'p>(writer: &mut Writer<'p>, text: &mut Text, word: &str, set: &'p AddressSet, family: Family, by: By) {
    let full = match family {
        Family::V4 => set.v4.is_full(),
        Family::V6 => set.v6.is_full(),
    };
    let header = if family == Family::V4 { "ip" } else { "ip6" };
    // A full set is written all the same: it says which family the line is about.
    text.push(if by == By::Connection { "ct original " } else { "" });
    put!(text, "{header} {word} ");
    match (family, full) {
        (Family::V4, true) => text.push("0.0.0.0-255.255.255.255"),
        (Family::V6, true) => text.push("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        (Family::V4, false) => writer.addresses.put(text, set.v4.intervals()),
        (Family::V6, false) => writer.addresses.put(text, set.v6.intervals()),
    }
    text.push(" ");
}

/// Appends the match of a service by the first packet of the connection. nft wants a `meta l4proto` before it reads the connection's ports;
/// an ICMP error carries the connection that it is about, so ICMP stands beside the protocols.
fn put_original(text: &mut Text, traffic: &Traffic, family: Family) {
    let icmp = if family == Family::V4 { "icmp" } else { "ipv6-icmp" };
    let number = if family == Family::V4 { 1_u8 } else { 58 };
    match traffic {
        Traffic::Any => {}
        Traffic::Protocols(protocols) => {
            text.push("ct original protocol ");
            put_numbers(text, &wide(protocols));
            text.push(" ");
        }
        Traffic::Ports { protocols, source, destination } => {
            let names: Vec<&str> = protocols.iter().map(|&protocol| transport(protocol)).collect();
            put!(text, "meta l4proto {{ {icmp}, {} }} ct original protocol ", names.join(", "));
            let numbers: IntervalSet<u16> =
                protocols.iter().map(|p| crate::packet::Interval::single(u16::from(p.0))).collect();
            put_numbers(text, &numbers);
            text.push(" ");
            for (word, ports) in [("proto-src", source), ("proto-dst", destination)] {
                if !ports.is_full() {
                    put!(text, "ct original {word} ");
                    put_numbers(text, ports);
                    text.push(" ");
                }
            }
        }
        Traffic::Icmp { types, codes } => {
            // The kernel keeps type and code where a port would be.
            let pairs = types.intervals().iter().flat_map(|t| t.first..=t.last.min(255)).flat_map(|kind| {
                codes.intervals().iter().map(move |code| crate::packet::Interval {
                    first: kind << 8 | code.first,
                    last: kind << 8 | code.last.min(255),
                })
            });
            let pairs: IntervalSet<u16> = pairs.collect();
            put!(text, "meta l4proto {icmp} ct original protocol {number} ct original proto-dst ");
            put_numbers(text, &pairs);
            text.push(" ");
        }
    }
}

/// Writes the input chain of a device that protects itself.
pub(super) fn input(writer: &mut Writer<'_>) {
    let plan = writer.plan;
    let Some(input) = &plan.input else { return };
    for index in 0..plan.interfaces.len() {
        own_quarantine_lines(writer, index);
    }
    for (index, rules) in &input.rules {
        put!(writer.chains, "\tchain input_{index} {{");
        writer.chains.end();
        writer.rules(rules, LineScope::Input(*index));
        writer.chains.line("\t}");
    }
    writer.chains.line("\tchain own {");
    writer.chains.line("\t\tiifname \"lo\" accept");
    writer.chains.line(
        "\t\ticmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept comment \"neighbour discovery\"",
    );
    calls(writer);
    writer.chains.line("\t\tct state established accept");
    writer.chains.line("\t\tct state related meta l4proto { icmp, ipv6-icmp } accept");
    writer.chains.line(
        "\t\ticmp type { destination-unreachable, time-exceeded, parameter-problem } accept comment \"ICMP errors\"",
    );
    writer.chains.line(
        "\t\ticmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept comment \"ICMP errors\"",
    );
    if !input.rules.is_empty() {
        writer.chains.line("\t\tiifname vmap {");
        for (at, (index, _)) in input.rules.iter().enumerate() {
            let comma = if at + 1 < input.rules.len() { "," } else { "" };
            let name = writer.interface(*index).to_owned();
            put!(writer.chains, "\t\t\t\"{name}\" : jump input_{index}{comma}");
            writer.chains.end();
        }
        writer.chains.line("\t\t}");
    }
    writer.chains.line("\t\tcounter drop comment \"no rule permits it\"");
    writer.chains.line("\t}");
    writer.chains.line("\tchain input {");
    writer.chains.line("\t\ttype filter hook input priority filter; policy accept;");
    for family in Family::BOTH {
        if !input.addresses.is_empty_in(family) {
            let mut text = Text::default();
            put_address(writer, &mut text, "daddr", &input.addresses, family, By::Packet);
            text.push("jump own");
            writer.chains.push("\t\t");
            writer.chains.line(&text.finish());
        }
    }
    writer.chains.line("\t}");
}

/// The lines of the quarantines decide about packets to the device itself as well.
fn own_quarantine_lines(writer: &mut Writer<'_>, interface: usize) {
    let own: Vec<(Section, Line)> = writer
        .decided
        .iter()
        .filter(|(_, line)| line.scope == LineScope::Forward)
        .map(|(section, line)| (*section, Line { scope: LineScope::Input(interface), ..line.clone() }))
        .collect();
    writer.decided.extend(own);
}
