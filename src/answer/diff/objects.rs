//! The JSON of `diff`. Declarations only, in the order in which they are printed.

use serde::Serialize;

use crate::report::json::Row;

/// `sekisho diff`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffReport {
    /// `sekisho/diff/1`
    pub schema: &'static str,
    /// Whether every flow that travels on one side travels on the other: proved, for all packets.
    pub equal: bool,
    /// The flows that come to pass or become unenforced, the most telling first.
    pub opens: Vec<ChangeRow>,
    /// The flows that cease to.
    pub closes: Vec<ChangeRow>,
    /// Flows that travel on both sides, over other firewalls.
    pub path_changed: Vec<ChangeRow>,
    /// Flows that rules let pass, or stop, on both sides, and that are logged on one side alone.
    pub logging_changed: Vec<ChangeRow>,
    /// Assertions that change their verdict, come or go, by name.
    pub assertions: Vec<AssertionChange>,
    /// Devices whose files change, by name; `null` with `--no-files`.
    pub devices: Option<Vec<DeviceChange>>,
    /// Why files could not be compared; mostly absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unwritten: Vec<String>,
    /// `sha256:` and the digest of exactly the flows in `opens`.
    pub digest: String,
}

/// A set of flows that fare differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeRow {
    /// The flows. `rules` are those that let them pass: after for what opens, before for what closes.
    #[serde(flatten)]
    pub row: Row,
    /// `pass`, `drop` or `unenforced`: after for what opens, before for what closes; both have it for the rest.
    pub verdict: &'static str,
    /// The rules behind the row, by name.
    pub behind: Vec<RuleWords>,
    /// The denies and quarantines that stop some of them on the other side, by name.
    pub stopped_by: Vec<RuleWords>,
    /// How many addresses.
    pub size: Size,
    /// The values of `tier` at the two ends, where the inventory says so.
    pub tiers: Tiers,
    /// What becomes reachable over what opens, in further hops; `null` where it was not looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<Vec<Then>>,
    /// The firewalls that the witness crosses before and after; only of changed paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<Through>,
    /// Whether the flows are logged before and after; only of changed logging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logged: Option<LoggedWords>,
}

/// A rule or quarantine with its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleWords {
    /// What it is called.
    pub name: String,
    /// `allow`, `deny` or `quarantine`.
    pub effect: &'static str,
    /// Against the other side: `new` and `gone` (only one side has it), `starts` and `lapses` (it is in force on one side alone), `changed`, `same-words` (its names stand for other addresses) or `same`.
    pub change: &'static str,
    /// The text after the name.
    pub title: Option<String>,
    /// The purpose that it stands in.
    pub purpose: Option<String>,
    /// `owner`
    pub owner: Option<String>,
    /// `ticket`
    pub ticket: Option<String>,
    /// The first day.
    pub start: Option<String>,
    /// The last day.
    pub until: Option<String>,
    /// The file that it stands in.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// How many addresses at each end, as people read it: `65,536`, `2^64`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Sources.
    pub from: String,
    /// Destinations.
    pub to: String,
}

/// The values of `tier`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tiers {
    /// Of the sources, sorted.
    pub from: Vec<String>,
    /// Of the destinations, sorted.
    pub to: Vec<String>,
    /// `inward` if some source has a higher number than some destination (less trusted to more trusted), `outward` if every one has a lower number, else `level`; `null` where that is not known. The internet counts as outside of all tiers.
    pub direction: Option<&'static str>,
}

/// What is reached in a further hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Then {
    /// 2 or 3.
    pub hop: u32,
    /// What becomes reachable, as a person would say it.
    pub to: String,
}

/// The firewalls on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Through {
    /// Before.
    pub before: Vec<String>,
    /// After.
    pub after: Vec<String>,
}

/// Whether something is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LoggedWords {
    /// Before.
    pub before: bool,
    /// After.
    pub after: bool,
}

/// An assertion whose verdict changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssertionChange {
    /// What it is called.
    pub name: String,
    /// `never`, `only` or `must`.
    pub kind: &'static str,
    /// The text after the name.
    pub title: Option<String>,
    /// Whether it fails no build.
    pub advisory: bool,
    /// `proved`, `violated`, `unproven` or `inactive`; `null` if there is none of this name before.
    pub before: Option<&'static str>,
    /// The same; `null` if there is none after.
    pub after: Option<&'static str>,
    /// What violates it after.
    pub hops: Vec<Row>,
}

/// A device whose files change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceChange {
    /// What it is called.
    pub device: String,
    /// Lines that only the new files have.
    pub lines_added: usize,
    /// Lines that only the old files have.
    pub lines_removed: usize,
}
