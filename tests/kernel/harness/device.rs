//! One firewall: load its files, send what is expected of it, and say where the kernel disagrees.

use sekisho::packet::Flow;

use super::namespace::{Interface, Namespace, Outcome, Probe};
use super::packet::Packet;
use super::tools::{Flush, Loaded};

/// The files of a firewall, as their loaders read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruleset {
    /// `ruleset.nft`.
    Nftables(String),
    /// `rules.v4` and `rules.v6`.
    Iptables { v4: String, v6: String },
}

impl Ruleset {
    /// Loads it into a namespace; iptables in the mode asked for.
    ///
    /// # Errors
    /// What the loader complained of.
    pub fn load(&self, namespace: &Namespace, flush: Flush) -> Loaded {
        match self {
            Self::Nftables(text) => namespace.load_nft(text),
            Self::Iptables { v4, v6 } => namespace.load_iptables(v4, v6, flush),
        }
    }
}

/// What should become of the first packet of a flow that goes from an interface to an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The interface by which it arrives.
    pub input: String,
    /// The interface to which it is routed.
    pub output: String,
    /// The flow.
    pub flow: Flow,
    /// Whether the firewall lets it through.
    pub passes: bool,
}

/// How many disagreements are told one by one.
const TOLD: usize = 20;

/// Loads the files of a firewall into a fresh namespace, twice, and compares what they do with what is expected.
///
/// # Errors
/// Why they did not load, or that loading them again changed something, or the flows that the kernel judges otherwise.
pub fn check_device(
    device: &str,
    interfaces: &[Interface],
    ruleset: &Ruleset,
    expectations: &[Expectation],
) -> Result<(), String> {
    let told = |error: String| format!("{device}: {error}");
    let mut namespace = Namespace::with_interfaces(interfaces).map_err(|error| told(error.to_string()))?;
    ruleset.load(&namespace, Flush::Table).map_err(told)?;
    let listed = namespace.list().map_err(told)?;
    let before = without_repeats(&listed);
    ruleset.load(&namespace, Flush::Nothing).map_err(told)?;
    if without_repeats(&namespace.list().map_err(told)?) != before {
        return Err(format!("{device}: loading its rules a second time changes them"));
    }
    let found = disagreements(&mut namespace, expectations);
    if found.is_empty() {
        return Ok(());
    }
    let mut text = format!("{device}: the kernel disagrees about {} of {} flows", found.len(), expectations.len());
    for line in found.iter().take(TOLD) {
        text.push_str("\n  ");
        text.push_str(line);
    }
    if found.len() > TOLD {
        text.push_str(&format!("\n  and {} more", found.len() - TOLD));
    }
    Err(text)
}

/// Lines without a second jump to SEKISHO-INPUT: a protected device gets one, idle, from each load with `--noflush`.
fn without_repeats(list: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = list.lines().collect();
    lines.dedup_by(|a, b| a == b && (a.contains("jump SEKISHO-INPUT") || a.contains("-j SEKISHO-INPUT")));
    lines
}

/// Sends what is expected through what is loaded, and says, one line each, where the kernel disagrees.
pub fn disagreements(namespace: &mut Namespace, expectations: &[Expectation]) -> Vec<String> {
    let probes: Vec<Probe> = expectations
        .iter()
        .map(|expectation| Probe {
            input: expectation.input.clone(),
            output: expectation.output.clone(),
            packet: Packet::first(&expectation.flow),
        })
        .collect();
    let outcomes = namespace.send(&probes);
    expectations.iter().zip(&outcomes).filter_map(|(expectation, outcome)| disagreement(expectation, outcome)).collect()
}

fn disagreement(expectation: &Expectation, outcome: &Outcome) -> Option<String> {
    let verdict = match (expectation.passes, outcome) {
        (true, Outcome::Dropped) => "is dropped and should pass".to_owned(),
        (false, Outcome::Delivered) => "is accepted by the firewall itself and should be dropped".to_owned(),
        (_, Outcome::Passed { output }) if *output != expectation.output => format!("leaves by {output}"),
        (false, Outcome::Passed { .. }) => "passes and should be dropped".to_owned(),
        _ => return None,
    };
    let Expectation { input, output, flow, .. } = expectation;
    let service = flow.service;
    let (a, b) = (service.a, service.b);
    let detail = match service.protocol {
        protocol if protocol.has_ports() => format!(" port {a} to {b}"),
        protocol if protocol.is_icmp() => format!(" type {a} code {b}"),
        _ => String::new(),
    };
    Some(format!("{input} -> {output}: {} -> {} {}{detail} {verdict}", flow.source, flow.destination, service.protocol))
}
