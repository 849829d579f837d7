//! The JSON objects that commands print, as `LANGUAGE.md` section 5 states them.
//!
//! Declarations only. Fields stand in the order in which they are printed; lists are sorted by whoever fills them, so that
//! the same input gives the same bytes. Nothing here holds a time of day.

use serde::Serialize;

pub use crate::diag::render::json::{DiagnosticObject, LabelObject, objects};

/// A flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowObject {
    /// The source address.
    pub src: String,
    /// The destination address.
    pub dst: String,
    /// The protocol's name in the language, else `protocol/N`.
    pub protocol: String,
    /// The source port; `null` where none is meant.
    pub source_port: Option<u16>,
    /// The destination port; `null` where the protocol has none.
    pub destination_port: Option<u16>,
    /// The type; only of ICMP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp_type: Option<u8>,
    /// The code; only of ICMP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp_code: Option<u8>,
}

/// A rule that decided a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleObject {
    /// What it is called.
    pub name: String,
    /// `allow`, `deny` or `quarantine`.
    pub effect: String,
    /// The file that it stands in.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// A rule that nearly decides a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NearlyObject {
    /// What it is called.
    pub rule: String,
    /// `allow` or `deny`.
    pub effect: String,
    /// The file that it stands in.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What would have to be different for it to cover the flow: `date`, `service`, `source`, `destination`; empty if it covers it.
    pub differs: Vec<&'static str>,
    /// A sentence for people.
    pub because: String,
}

/// A device on the way and the line of its file that decides the flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HopObject {
    /// The device.
    pub device: String,
    /// Its file.
    pub file: String,
    /// The line, from 1; `null` where it is the final drop of a file that does not spell it out.
    pub line: Option<usize>,
}

/// `sekisho explain`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainReport {
    /// `sekisho/explain/1`
    pub schema: &'static str,
    /// The flow that was asked about.
    pub flow: FlowObject,
    /// What the source address is called; `null` if the inventory does not know it.
    pub from: Option<String>,
    /// What the destination address is called; `null` if the inventory does not know it.
    pub to: Option<String>,
    /// `pass`, `drop`, `unenforced` or `unroutable`.
    pub verdict: &'static str,
    /// The rules that decide, by name.
    pub rules: Vec<RuleObject>,
    /// The rules that nearly decide, the nearest first.
    pub nearly: Vec<NearlyObject>,
    /// The devices on the way, in its order.
    pub path: Vec<HopObject>,
    /// What else one must know; mostly empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What any command prints when its input is bad.
#[derive(Debug, Clone, Serialize)]
pub struct DiagnosticReport {
    /// `sekisho/<command>/1`
    pub schema: String,
    /// What was found, by place.
    pub diagnostics: Vec<DiagnosticObject>,
}

/// `sekisho check`
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// `sekisho/check/1`
    pub schema: &'static str,
    /// What was found, by place.
    pub diagnostics: Vec<DiagnosticObject>,
    /// What became of each assertion, by name.
    pub assertions: Vec<AssertionObject>,
    /// What was seen of each firewall, by name, where the assertions are judged over configs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configs: Option<Vec<SeenObject>>,
}

/// What became of an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssertionObject {
    /// What it is called.
    pub name: String,
    /// `never`, `only` or `must`.
    pub kind: &'static str,
    /// `proved`, `violated`, `unproven` or `inactive`.
    pub outcome: &'static str,
    /// The chain of flows that violates it.
    pub hops: Vec<Row>,
    /// The rules to narrow.
    pub mend: Vec<String>,
    /// Why it is not proved.
    pub because: Option<String>,
    /// What became of it over the policy, where it is judged over configs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_policy: Option<&'static str>,
    /// The lines of configs that violate it, where it is judged over configs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<ConfigLineObject>>,
}

/// A line of a device's config.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ConfigLineObject {
    /// The device.
    pub device: String,
    /// The file, relative to the directory of configs.
    pub file: String,
    /// From 1; 0 if it is about no line.
    pub line: usize,
    /// Its text.
    pub text: String,
}

/// What was seen of a firewall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenObject {
    /// What it is called.
    pub device: String,
    /// The file of its config, relative to the directory of configs; `null` if there is none.
    pub file: Option<String>,
    /// As in `drift`.
    pub outcome: &'static str,
    /// Why not everything about it is known.
    pub because: Option<String>,
}

/// A set of flows as people say it, and exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The sources, as a person would say it.
    pub from: String,
    /// The destinations.
    pub to: String,
    /// The services, as written in the language.
    pub services: Vec<String>,
    /// The rules that permit them.
    pub rules: Vec<String>,
    /// The set itself, as a union of products.
    pub exact: Vec<Product>,
    /// One flow of it.
    pub witness: FlowObject,
}

/// All flows from any of `src` to any of `dst` on any of `services`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Product {
    /// Prefixes, single addresses or ranges.
    pub src: Vec<String>,
    /// Prefixes, single addresses or ranges.
    pub dst: Vec<String>,
    /// Literal services.
    pub services: Vec<String>,
}

/// `sekisho query`
#[derive(Debug, Clone, Serialize)]
pub struct QueryReport {
    /// `sekisho/query/1`
    pub schema: &'static str,
    /// The flows that pass; each lies in one row, whose rules are the allows that cover it.
    pub rows: Vec<Row>,
    /// The flows that no firewall stands between; they have no rules.
    pub unenforced: Vec<Row>,
}

/// `sekisho blast`
#[derive(Debug, Clone, Serialize)]
pub struct BlastReport {
    /// `sekisho/blast/1`
    pub schema: &'static str,
    /// Where the chains start, as a person would say it.
    pub from: String,
    /// What each hop reaches that no hop before it does.
    pub hops: Vec<BlastHop>,
    /// The hosts that are reached, and the networks in which no host is named, by hop and name.
    pub servers: Vec<ServerObject>,
    /// How many hosts are reached.
    pub total: usize,
    /// Rules without which fewer hosts are reached, the most telling first.
    pub shrinks: Vec<ShrinkObject>,
    /// How many rules could be such.
    pub candidates: usize,
    /// How many of them were tried.
    pub tried: usize,
}

/// One hop of all chains.
#[derive(Debug, Clone, Serialize)]
pub struct BlastHop {
    /// From 1.
    pub hop: u32,
    /// The flows that lead to what is new; rows without rules are free movement.
    pub rows: Vec<Row>,
}

/// A host or network that is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerObject {
    /// The length of a shortest chain to it.
    pub hop: u32,
    /// What it is called.
    pub name: String,
    /// `host`, `network` or `internet`.
    pub kind: &'static str,
    /// The services of the last step, as written in the language; `any` for free movement.
    pub services: Vec<String>,
    /// The rules that permit the last step; none for free movement.
    pub rules: Vec<String>,
    /// The firewalls that the last step crosses, from the source on.
    pub through: Vec<String>,
}

/// What one rule is worth to an intruder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShrinkObject {
    /// The rule.
    pub rule: String,
    /// How many hosts are reached with it.
    pub before: usize,
    /// How many without it.
    pub after: usize,
}

/// `sekisho matrix`
#[derive(Debug, Clone, Serialize)]
pub struct MatrixReport {
    /// `sekisho/matrix/1`
    pub schema: &'static str,
    /// `site`, `network`, or the key of an attribute.
    pub by: String,
    /// The rows and columns, in their order; the internet is the last one.
    pub parties: Vec<String>,
    /// The cells in which anything passes or is unenforced, row by row.
    pub cells: Vec<MatrixCell>,
}

/// What one party may reach of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatrixCell {
    /// The sources.
    pub from: String,
    /// The destinations.
    pub to: String,
    /// `some`, `all` (each flow passes or is unenforced), or `unenforced`: nothing passes a firewall, and some flows need not.
    pub access: &'static str,
    /// Between how much of them no firewall stands: `none`, `some` or `all`.
    pub unenforced: &'static str,
    /// The services that pass, by name where they have one.
    pub services: Vec<String>,
    /// The rules that permit them, in name order.
    pub rules: Vec<String>,
}

/// `manifest.json`, which `sekisho compile --format json` prints too.
///
/// `files` with `path` is what `cli::write` knows an output directory by. The date of the compilation is absent on purpose:
/// nothing changes in it before `changes_on`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// `sekisho/compile/1`
    pub schema: &'static str,
    /// `proved` if every file was read back and means what the policy asks, for all packets; `unproven` if that is not known of some; `skipped` with `--no-proof`.
    pub proof: &'static str,
    /// The next date, `YYYY-MM-DD`, at which the output differs; `null` if no date changes it.
    pub changes_on: Option<String>,
    /// Every file but this one, by path.
    pub files: Vec<ManifestFile>,
}

/// One file of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManifestFile {
    /// Relative to the output directory: `fw-tokyo/ruleset.nft`.
    pub path: String,
    /// The device that it is for.
    pub device: String,
    /// The platform whose language it is in.
    pub platform: String,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// The rules that shaped it, by name.
    pub rules: Vec<String>,
}

/// An object as indented JSON with a line feed at its end.
#[must_use]
pub fn to_text(object: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(object).unwrap_or_default();
    text.push('\n');
    text
}
