//! Holds the two projects of a change against each other for the gate: what the change does on its day and on later ones, what it takes back, and who must have approved that.
//!
//! Input: two [`Party`]s and a day; output: a [`Gate`]. The single judgements are those of [`crate::diff`] and [`crate::gate`]; here they are made of the right side and for the right days.
//!
//! The decision a reader would doubt: later days are judged too, and one is told only if it opens something else, or changes other assertions, than the one told before it. A rule that starts
//! next month is opened by whoever merges it now. Absent on purpose: how a ruling is worded, which [`Gate`] does, and the files of devices.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::diff::{Diff, Project, diff};
use super::gate::{Gate, Stage};
use crate::diff::dates;
use crate::gate::{Approvals, Opening, Promises, Rules, guards, guards_digest, opens_digest, together};
use crate::packet::{Product, TooLarge};
use crate::settings::{Approval, Settings};

/// A side of a change, with all that the gate asks it.
pub struct Party<'a> {
    /// The side with its words; its day is not looked at.
    pub project: Project<'a>,
    /// Its settings.
    pub settings: &'a Settings,
    /// Who must approve what, resolved.
    pub rules: &'a Rules,
    /// The approvals that lie in it.
    pub approvals: &'a [Approval],
}

impl Party<'_> {
    fn promises(&self) -> Promises<'_> {
        Promises { model: self.project.side.model, settings: self.settings, rules: self.rules }
    }
}

/// Judges a change on a day and for the days after it.
///
/// # Errors
///
/// [`TooLarge`]: what differs on some day has too many parts to be held.
pub fn gate<'a>(before: &Party<'_>, after: &Party<'a>, at: Date) -> Result<Gate<'a>, TooLarge> {
    let later = dates(before.project.on(at).side, after.project.on(at).side);
    let stages = stages(at, later, |day| diff(&before.project.on(day), &after.project.on(day)))?;
    let flows: Vec<Product> = stages.iter().flat_map(|stage| &stage.diff.changes.opens).cloned().collect();
    let openings: Vec<Opening<'_>> = stages.iter().map(opening).collect();
    let opens = opens_digest(&openings);
    let guards = guards(before.promises(), after.promises(), at);
    let weakens = (!guards.is_empty()).then(|| guards_digest(&guards));
    let approvals = Approvals::new(after.approvals, before.approvals, (opens.as_deref(), weakens.as_deref()), at);
    Ok(Gate {
        flow_needs: together([before.rules, after.rules].map(|rules| rules.for_flows(&flows))),
        guard_needs: together([before.rules, after.rules].map(|rules| rules.for_guards())),
        stages,
        opens,
        guards,
        weakens,
        approvals,
        sources: after.project.sources,
    })
}

/// What a change does on a day, and on those later ones on which it does something else; the days are in order.
fn stages(
    at: Date,
    later: impl IntoIterator<Item = Date>,
    compare: impl Fn(Date) -> Result<Diff, TooLarge>,
) -> Result<Vec<Stage>, TooLarge> {
    let mut stages: Vec<Stage> = Vec::new();
    for from in std::iter::once(at).chain(later) {
        let diff = compare(from)?;
        let is_news =
            stages.last().is_none_or(|last| last.diff.digest != diff.digest || verdicts(&last.diff) != verdicts(&diff));
        if is_news {
            stages.push(Stage { from, diff });
        }
    }
    Ok(stages)
}

/// What of the assertions a comparison tells: each that changes, with its verdict after the change.
fn verdicts(diff: &Diff) -> BTreeSet<(&str, Option<&'static str>)> {
    diff.assertions.iter().map(|one| (one.name.as_str(), one.after)).collect()
}

fn opening(stage: &Stage) -> Opening<'_> {
    Opening { from: stage.from, flows: &stage.diff.changes.opens, digest: &stage.diff.digest }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::answer::AssertionChange;
    use crate::diff::Changes;

    fn does(digest: &str, violates: &[&str]) -> Diff {
        let change = |name: &&str| AssertionChange {
            name: (*name).to_owned(),
            kind: "never",
            title: None,
            advisory: false,
            before: Some("proved"),
            after: Some("violated"),
            hops: Vec::new(),
        };
        Diff {
            changes: Changes::default(),
            opens: Vec::new(),
            closes: Vec::new(),
            path_changed: Vec::new(),
            logging_changed: Vec::new(),
            assertions: violates.iter().map(change).collect(),
            digest: digest.to_owned(),
        }
    }

    #[test]
    fn only_days_that_do_something_else_are_told() {
        let told = |days: &[(&str, &[&str])]| -> Vec<i8> {
            let later = (2..=days.len()).map(|day| date(2027, 1, day.try_into().unwrap()));
            let compare = |day: Date| {
                let (digest, violates) = days[usize::try_from(day.day()).unwrap() - 1];
                Ok(does(digest, violates))
            };
            let stages = stages(date(2027, 1, 1), later, compare).unwrap();
            stages.iter().map(|stage| stage.from.day()).collect()
        };
        assert_eq!(told(&[("none", &[])]), [1]);
        assert_eq!(told(&[("a", &[]), ("a", &[]), ("b", &[]), ("b", &[]), ("a", &[])]), [1, 3, 5]);
        assert_eq!(told(&[("a", &[]), ("a", &["NEV-01"]), ("a", &["NEV-01"]), ("a", &[])]), [1, 2, 4]);
    }

    #[test]
    fn a_day_that_is_too_large_is_no_answer() {
        let compare = |day: Date| if day.day() == 1 { Ok(does("a", &[])) } else { Err(TooLarge { budget: 1 }) };
        assert!(stages(date(2027, 1, 1), [date(2027, 1, 2)], compare).is_err());
    }
}
