//! A proof in words, in addresses and interfaces: for reports of bugs, where the names of the project would hide what happened.

use std::fmt::Write as _;

use super::device::Proof;
use super::gaps::{Gap, Lacks};
use crate::packet::{AddressSet, Flow};

/// How many ranges, ways, products or lines are shown.
const SHOWN: usize = 4;

impl Proof {
    /// A few lines that say what passes and should not, what should pass and does not, and what is not known.
    #[must_use]
    pub fn to_text(&self, device: &str) -> String {
        let mut text = String::new();
        let gaps = self.extra.iter().map(|gap| ("passes and should not", gap));
        for (what, gap) in gaps.chain(self.missing.iter().map(|gap| ("should pass and does not", gap))) {
            text.push_str(&described(device, what, gap));
        }
        for doubt in &self.unproven {
            let line = if doubt.line == 0 { String::new() } else { format!(" line {}: {}:", doubt.line, doubt.text) };
            let _ = writeln!(text, "  {device}: unproven,{line} {}", doubt.because);
        }
        text
    }
}

fn described(device: &str, what: &str, gap: &Gap) -> String {
    let kind = match gap.kind {
        Lacks::New => "new connections",
        Lacks::Later => "later packets of connections",
        Lacks::Answers => "answers of connections",
        Lacks::Errors => "ICMP errors about connections",
        Lacks::Announced => "announced connections",
        Lacks::Stray => "packets of no connection",
    };
    let ways = some(gap.ways.iter().map(|(_, incoming, outgoing, _)| match outgoing {
        Some(outgoing) => format!("{} to {outgoing}", incoming.as_deref().unwrap_or("itself")),
        None => format!("{} to itself", incoming.as_deref().unwrap_or("nowhere")),
    }));
    let mut text = format!("  {device}: {kind} from {ways}: {what}:\n");
    for (product, flow) in gap.flows.iter().take(SHOWN) {
        let (from, to) = (addresses(&product.sources), addresses(&product.destinations));
        let _ = writeln!(text, "    from {from} to {to}, such as {}", example(flow));
    }
    if gap.flows.len() > SHOWN {
        let _ = writeln!(text, "    and {} more sets of packets", gap.flows.len() - SHOWN);
    }
    for line in gap.lines.iter().take(SHOWN) {
        let _ = writeln!(text, "    line {}: {}", line.line, line.text);
    }
    text
}

fn addresses(set: &AddressSet) -> String {
    some(set.ranges().map(|range| range.to_string()))
}

fn example(flow: &Flow) -> String {
    let service = flow.service;
    format!("{} > {} {}/{}:{}", flow.source, flow.destination, service.protocol, service.a, service.b)
}

/// The first few of a list.
fn some(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    let shown = words.iter().take(SHOWN).cloned().collect::<Vec<String>>().join(", ");
    match words.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
