//! Which approvals count.

use jiff::civil::Date;

use super::needs::Need;
use crate::settings::Approval;

/// What became of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It counts.
    Counts,
    /// It was there before the change: it agreed to another one.
    WasThere,
    /// It is about other flows, or other promises.
    OtherDigest,
    /// It is dated after the day.
    NotYet,
    /// Its last day is over.
    Over,
}

/// An approval and what became of it.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// The approval.
    pub approval: &'a Approval,
    /// Whether it counts, and if not why.
    pub why: Why,
}

/// The approvals of a project, held against a change.
#[derive(Debug, Clone)]
pub struct Approvals<'a> {
    /// Each of them, in the order of their files.
    pub all: Vec<Standing<'a>>,
}

/// What an approval may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests<'a> {
    /// Of the flows that are opened; `None` if none are.
    pub opens: Option<&'a str>,
    /// Of the promises that are taken back; `None` if none are.
    pub weakens: Option<&'a str>,
}

impl<'a> Approvals<'a> {
    /// Judges the approvals of the new side on a day; `old` are those of the side before.
    #[must_use]
    pub fn new(new: &'a [Approval], old: &[Approval], digests: (Option<&str>, Option<&str>), at: Date) -> Self {
        let digests = Digests { opens: digests.0, weakens: digests.1 };
        let is_same = |one: &Approval, other: &Approval| {
            let one_says = (&one.opens, &one.weakens, &one.approved_by, &one.ticket, one.date, one.until);
            one_says == (&other.opens, &other.weakens, &other.approved_by, &other.ticket, other.date, other.until)
        };
        let standing = |approval: &'a Approval| {
            let why = if old.iter().any(|one| is_same(one, approval)) {
                Why::WasThere
            } else if !is_about(approval, digests) {
                Why::OtherDigest
            } else if approval.date > at {
                Why::NotYet
            } else if approval.until.is_some_and(|until| until < at) {
                Why::Over
            } else {
                Why::Counts
            };
            Standing { approval, why }
        };
        Self { all: new.iter().map(standing).collect() }
    }

    /// The approval by which flows with this digest are approved by whom a need names.
    #[must_use]
    pub fn of_flows(&self, digest: &str, need: &Need) -> Option<&'a Approval> {
        self.find(need, |approval| approval.opens.as_deref() == Some(digest))
    }

    /// The same for promises that are taken back.
    #[must_use]
    pub fn of_guards(&self, digest: &str, need: &Need) -> Option<&'a Approval> {
        self.find(need, |approval| approval.weakens.as_deref() == Some(digest))
    }

    fn find(&self, need: &Need, is_about: impl Fn(&Approval) -> bool) -> Option<&'a Approval> {
        let counting = self.all.iter().filter(|one| one.why == Why::Counts).map(|one| one.approval);
        counting
            .filter(|approval| is_about(approval))
            .find(|approval| need.approver.as_ref().is_none_or(|name| approval.approved_by.contains(name)))
    }
}

fn is_about(approval: &Approval, digests: Digests<'_>) -> bool {
    let fits = |said: &Option<String>, wanted: Option<&str>| said.is_some() && said.as_deref() == wanted;
    fits(&approval.opens, digests.opens) || fits(&approval.weakens, digests.weakens)
}
