//! What a platform wrote, and which line decides what.

use std::sync::Arc;

use crate::packet::{AddressSet, ServiceSet};
use crate::plan::RuleLabel;

/// What a platform is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The files.
    Files,
    /// The files, and [`Written::lines`].
    Lines,
}

/// One config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Its name inside the device's folder, such as `ruleset.nft`.
    pub name: &'static str,
    /// Its text.
    pub text: String,
    /// The policy rules and quarantines that some line of it stands for, sorted by name.
    pub rules: Vec<Arc<RuleLabel>>,
}

/// Which packets a line sees at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineScope {
    /// Every forwarded packet, before the interface pairs.
    Forward,
    /// Packets of one interface pair: an index into `DevicePlan::pairs`.
    Pair(usize),
    /// Packets to the firewall itself that arrive on an interface: an index into `DevicePlan::interfaces`.
    Input(usize),
}

/// What a line does with a flow that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// It passes.
    Accept,
    /// It is dropped.
    Drop,
    /// It is kept by a quarantine: the lines after those of this quarantine decide.
    Keep,
}

/// One line of a config that decides flows. Inside a scope the first match in list order decides (`Forward` lines come before all others);
/// nothing matches: the default, drop, at [`Written::default_drop`].
#[derive(Debug, Clone)]
pub struct Line {
    /// Index into [`Written::files`].
    pub file: usize,
    /// The line, from 1.
    pub line: usize,
    /// Which packets see it.
    pub scope: LineScope,
    /// Source addresses.
    pub source: Arc<AddressSet>,
    /// Destination addresses.
    pub destination: Arc<AddressSet>,
    /// Services.
    pub services: Arc<ServiceSet>,
    /// What happens.
    pub decision: Decision,
    /// The policy rules that the line belongs to.
    pub labels: Vec<Arc<RuleLabel>>,
}

/// What a platform wrote for one device.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// The files.
    pub files: Vec<WrittenFile>,
    /// The lines that decide flows, in the order in which they are tried; empty unless [`Detail::Lines`] asked for them.
    pub lines: Vec<Line>,
    /// Where a forwarded flow that no line matches is dropped: per file (index) the line.
    pub default_drop: Vec<(usize, usize)>,
    /// Commands that an operator must run beside loading the files (for instance to clear sessions), with the reason; mostly empty.
    pub commands: Vec<String>,
}
