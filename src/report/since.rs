//! The JSON of `sekisho since`.

use serde::Serialize;

/// `sekisho since`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SinceReport {
    /// `sekisho/since/1`
    pub schema: &'static str,
    /// What was asked.
    pub question: QuestionObject,
    /// The one date at which all commits were judged; `null` where each was judged at its own.
    pub at: Option<String>,
    /// The date up to which the last commit was judged.
    pub as_of: String,
    /// How many commits were looked at.
    pub commits: usize,
    /// How many of them are the first one or changed the project.
    pub versions: usize,
    /// The oldest of these; `null` if there is none.
    pub first: Option<VersionObject>,
    /// The newest of these; `null` if there is none.
    pub last: Option<VersionObject>,
    /// Whether this clone lacks older ones.
    pub cut_off: bool,
    /// When the flows were open, or it is not known, in the order of time.
    pub intervals: Vec<IntervalObject>,
}

/// What was asked, in the words of the language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuestionObject {
    /// Sources.
    pub from: String,
    /// Destinations.
    pub to: String,
    /// Services.
    pub on: String,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionObject {
    /// All its digits.
    pub hash: String,
    /// Who wrote it.
    pub author: String,
    /// When it was written, UTC.
    pub authored: String,
    /// When it became part of the history, UTC.
    pub committed: String,
    /// The first line of its message.
    pub subject: String,
}

/// A time in which the same holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntervalObject {
    /// `permitted`, `unenforced` (no firewall stands between the ends), `unproven` or `unknown` (no such name then).
    pub state: &'static str,
    /// `all` or `some` of the flows that could pass; `null` where none did for certain.
    pub flows: Option<&'static str>,
    /// Whether no firewall stands before some of the flows.
    pub unenforced: bool,
    /// Where it begins.
    pub since: PointObject,
    /// The first moment after it; `null` if it lasts.
    pub until: Option<PointObject>,
    /// The rules that did it, each with its own time.
    pub rules: Vec<RuleIntervalObject>,
    /// Why it is unproven or unknown.
    pub because: Option<String>,
}

/// Where a time begins or ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PointObject {
    /// `commit`, or `date` where time alone did it.
    pub by: &'static str,
    /// The date that was judged.
    pub date: String,
    /// The commit in force from then on: the last one that changed the project.
    pub commit: Option<VersionObject>,
}

/// A time in which a rule let some of the flows through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleIntervalObject {
    /// What it is called.
    pub name: String,
    /// The file that it stood in at the beginning.
    pub file: String,
    /// Its line then, from 1.
    pub line: usize,
    /// Where it begins.
    pub since: PointObject,
    /// The first moment after it; `null` if it lasts.
    pub until: Option<PointObject>,
}
