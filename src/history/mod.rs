//! When, over the git history of a policy, some flows were permitted: `sekisho since`.
//!
//! Input: the versions of a project ([`crate::source::History`]) and a question; output: [`Since`], the intervals in which all or some of the flows passed, with the rules that did it and the
//! commits that opened and closed them. Permission comes and goes, so nothing is bisected: every version is judged, each distinct content once, in parallel ([`judge`]); the verdicts become
//! intervals in [`intervals`].
//!
//! A version is judged at the date of its own commit, because that is what was in force then; and at every later date, up to the next commit, on which a rule about these flows starts or
//! lapses, because time alone opens and closes too. A name means what it meant in that version. What a version that is bad input permitted is not known, and is said to be so.
//!
//! Absent on purpose: what was deployed. A commit is what people decided; whether a firewall ran it is the business of `drift`.

pub mod intervals;
pub mod judge;
mod question;
mod text;

use jiff::civil::Date;

pub use intervals::{Interval, Kind, Point, RuleInterval};
pub use judge::{Flows, RuleAt, State};
pub use question::Question;

use crate::diag::Diagnostic;
use crate::report::since::{
    IntervalObject, PointObject, QuestionObject, RuleIntervalObject, SinceReport, VersionObject,
};
use crate::source::{History, Version};

/// At which dates versions are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// All at this one.
    At(Date),
    /// Each from the date of its commit up to the one of the next; the last up to this one.
    Then(Date),
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Since {
    /// Sources, destinations and services as they were asked for.
    pub question: [String; 3],
    /// At which dates it was judged.
    pub judged: Judged,
    /// The first commit, and those that changed the project; the oldest first.
    pub versions: Vec<Version>,
    /// How many commits there are, with those that did not.
    pub commits: usize,
    /// Whether older commits are missing in this clone.
    pub is_cut_off: bool,
    /// In the order of time; what is between them is closed.
    pub intervals: Vec<Interval>,
}

/// Answers a question over a history.
///
/// # Errors
///
/// Something in the question is known in no version; the diagnostics are about the files of the question.
pub fn since(history: &History, question: &Question, judged: Judged) -> Result<Since, Vec<Diagnostic>> {
    let states = judge::states(history, question, judged)?;
    Ok(Since {
        question: question.text.clone(),
        judged,
        versions: history.versions.clone(),
        commits: history.commits,
        is_cut_off: history.is_cut_off,
        intervals: intervals::intervals(states),
    })
}

impl Since {
    /// Whether it is not known of some version.
    #[must_use]
    pub fn is_unproven(&self) -> bool {
        self.intervals.iter().any(|interval| matches!(interval.kind, Kind::Unproven(_)))
    }

    /// The object of `--format json`.
    #[must_use]
    pub fn to_json(&self) -> SinceReport {
        let [from, to, on] = self.question.clone();
        let (at, as_of) = match self.judged {
            Judged::At(at) => (Some(at.to_string()), at),
            Judged::Then(today) => (None, today),
        };
        SinceReport {
            schema: "sekisho/since/1",
            question: QuestionObject { from, to, on },
            at,
            as_of: as_of.to_string(),
            commits: self.commits,
            versions: self.versions.len(),
            first: self.versions.first().map(version),
            last: self.versions.last().map(version),
            cut_off: self.is_cut_off,
            intervals: self.intervals.iter().map(|interval| self.interval(interval)).collect(),
        }
    }

    fn interval(&self, interval: &Interval) -> IntervalObject {
        let (state, flows, unenforced, because) = match &interval.kind {
            Kind::Open { flows, by_rules, unenforced } => {
                let state = if *by_rules { "permitted" } else { "unenforced" };
                (state, Some(flows.as_str()), *unenforced, None)
            }
            Kind::Unproven(because) => ("unproven", None, false, Some(because.clone())),
            Kind::Unknown(because) => ("unknown", None, false, Some(because.clone())),
        };
        let rule = |rule: &RuleInterval| RuleIntervalObject {
            name: rule.rule.name.clone(),
            file: rule.rule.file.clone(),
            line: rule.rule.line,
            since: self.point(rule.since),
            until: rule.until.map(|point| self.point(point)),
        };
        IntervalObject {
            state,
            flows,
            unenforced,
            since: self.point(interval.since),
            until: interval.until.map(|point| self.point(point)),
            rules: interval.rules.iter().map(rule).collect(),
            because,
        }
    }

    fn point(&self, point: Point) -> PointObject {
        PointObject {
            by: if point.by_time { "date" } else { "commit" },
            date: point.date.to_string(),
            commit: self.versions.get(point.version).map(version),
        }
    }
}

fn version(version: &Version) -> VersionObject {
    VersionObject {
        hash: version.commit.name().to_owned(),
        author: version.author.clone(),
        authored: version.authored.to_string(),
        committed: version.committed.to_string(),
        subject: version.subject.clone(),
    }
}
