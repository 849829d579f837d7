//! Whether a change may be merged, for people and for programs.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::civil::Date;
use serde::Serialize;

use super::diff::{Beside, ChangeRow, Diff, Limit};
use crate::diag::render::one_line;
use crate::gate::{Approvals, Guard, Need, Why};
use crate::report::markdown::escape;
use crate::settings::Approval;
use crate::source::Sources;

/// Promises that a comment lists at most.
const SHOWN: usize = 40;

/// What a change does from a day on.
#[derive(Debug)]
pub struct Stage {
    /// The day.
    pub from: Date,
    /// What is otherwise then.
    pub diff: Diff,
}

/// What a gate found.
pub struct Gate<'a> {
    /// What the change does, from the day that it is judged at, and from later days on which it does something else; in order.
    pub stages: Vec<Stage>,
    /// The digest of all that is opened, whenever; `None` if nothing is.
    pub opens: Option<String>,
    /// Who must approve that.
    pub flow_needs: Vec<Need>,
    /// The promises that are taken back.
    pub guards: Vec<Guard>,
    /// Their digest; `None` if there are none.
    pub weakens: Option<String>,
    /// Who must approve that.
    pub guard_needs: Vec<Need>,
    /// The approvals.
    pub approvals: Approvals<'a>,
    /// The files of the new project.
    pub sources: &'a Sources,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Nothing is opened and nothing taken back.
    Nothing,
    /// Something is, and approved by everybody who must.
    Approved,
    /// Something is not approved, or cannot be.
    Refused,
    /// Something could not be proved.
    Unproven,
}

impl Ruling {
    /// As programs see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing-opened",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Unproven => "unproven",
        }
    }
}

/// `sekisho gate`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GateReport {
    /// `sekisho/gate/1`
    pub schema: &'static str,
    /// `nothing-opened`, `approved`, `refused` or `unproven`.
    pub ruling: &'static str,
    /// The digest of all flows that are opened; `null` if none are.
    pub opens: Option<String>,
    /// What is opened, from which day on.
    pub stages: Vec<StageObject>,
    /// Who must approve that.
    pub opens_needs: Vec<NeedObject>,
    /// The digest of the promises that are taken back; `null` if none are.
    pub weakens: Option<String>,
    /// These, each in a sentence.
    pub guards: Vec<String>,
    /// Who must approve that.
    pub weakens_needs: Vec<NeedObject>,
    /// Assertions that come to be violated, by name: nobody can approve that.
    pub violates: Vec<String>,
    /// Assertions that can no longer be proved.
    pub unproven: Vec<String>,
    /// The approvals of the project, by file.
    pub approvals: Vec<ApprovalObject>,
}

/// What is opened from a day on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageObject {
    /// The day.
    pub from: String,
    /// The flows.
    pub opens: Vec<ChangeRow>,
}

/// Somebody who must approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NeedObject {
    /// Who; `null` is anybody.
    pub approver: Option<String>,
    /// The conditions that call for it.
    pub because: Vec<String>,
    /// The file of the approval; `null` if there is none that counts.
    pub approved_by: Option<String>,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalObject {
    /// Its file.
    pub file: String,
    /// Who agreed.
    pub approved_by: Vec<String>,
    /// Where it was discussed.
    pub ticket: String,
    /// When they agreed.
    pub date: String,
    /// Whether it counts for this change.
    pub counts: bool,
    /// Why it does not.
    pub because: Option<&'static str>,
}

impl Gate<'_> {
    /// What comes of it.
    #[must_use]
    pub fn ruling(&self) -> Ruling {
        let flows = self
            .opens
            .as_deref()
            .map(|digest| self.flow_needs.iter().all(|need| self.approvals.of_flows(digest, need).is_some()));
        let guards = self
            .weakens
            .as_deref()
            .map(|digest| self.guard_needs.iter().all(|need| self.approvals.of_guards(digest, need).is_some()));
        if !self.violates().is_empty() || flows == Some(false) || guards == Some(false) {
            Ruling::Refused
        } else if !self.unproven().is_empty() {
            Ruling::Unproven
        } else if flows.is_none() && guards.is_none() {
            Ruling::Nothing
        } else {
            Ruling::Approved
        }
    }

    /// Binding assertions that come to be violated.
    fn violates(&self) -> Vec<String> {
        self.coming_to("violated")
    }

    fn unproven(&self) -> Vec<String> {
        self.coming_to("unproven")
    }

    fn coming_to(&self, outcome: &str) -> Vec<String> {
        let changes = self.stages.iter().flat_map(|stage| &stage.diff.assertions);
        let changes = changes.filter(|one| !one.advisory && one.after == Some(outcome));
        let names: BTreeSet<&str> = changes.map(|one| one.name.as_str()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn path(&self, approval: &Approval) -> String {
        self.sources.path(approval.file).to_owned()
    }

    /// Each need with the file that meets it.
    fn met(&self) -> Vec<(&'static str, &Need, Option<String>)> {
        let flows = self.opens.iter().flat_map(|digest| {
            self.flow_needs.iter().map(move |need| ("what opens", need, self.approvals.of_flows(digest, need)))
        });
        let guards = self.weakens.iter().flat_map(|digest| {
            self.guard_needs
                .iter()
                .map(move |need| ("what is taken back", need, self.approvals.of_guards(digest, need)))
        });
        flows.chain(guards).map(|(what, need, by)| (what, need, by.map(|by| self.path(by)))).collect()
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> GateReport {
        let need = |(_, need, by): &(&'static str, &Need, Option<String>)| NeedObject {
            approver: need.approver.clone(),
            because: need.because.iter().cloned().collect(),
            approved_by: by.clone(),
        };
        let met = self.met();
        let (flows, guards): (Vec<_>, Vec<_>) = met.iter().partition(|(what, _, _)| *what == "what opens");
        let stage = |stage: &Stage| StageObject {
            from: stage.from.to_string(),
            opens: stage.diff.opens.iter().map(|shown| shown.row.clone()).collect(),
        };
        let opening = self.stages.iter().enumerate();
        let opening = opening.filter(|(at, stage)| *at > 0 || !stage.diff.opens.is_empty());
        GateReport {
            schema: "sekisho/gate/1",
            ruling: self.ruling().as_str(),
            opens: self.opens.clone(),
            stages: opening.map(|(_, one)| stage(one)).collect(),
            opens_needs: flows.into_iter().map(need).collect(),
            weakens: self.weakens.clone(),
            guards: self.guards.iter().map(|guard| guard.what.clone()).collect(),
            weakens_needs: guards.into_iter().map(need).collect(),
            violates: self.violates(),
            unproven: self.unproven(),
            approvals: self.approvals.all.iter().map(|one| self.approval(one.approval, one.why)).collect(),
        }
    }

    fn approval(&self, approval: &Approval, why: Why) -> ApprovalObject {
        ApprovalObject {
            file: self.path(approval),
            approved_by: approval.approved_by.clone(),
            ticket: approval.ticket.clone(),
            date: approval.date.to_string(),
            counts: why == Why::Counts,
            because: reason(why),
        }
    }

    /// The verdict on one line.
    fn headline(&self) -> String {
        let open = self.met().iter().filter(|(_, _, by)| by.is_none()).count();
        match self.ruling() {
            Ruling::Nothing => "may be merged: nothing is opened, and nothing taken back".to_owned(),
            Ruling::Approved => "may be merged: everything that is opened or taken back is approved".to_owned(),
            Ruling::Unproven => {
                format!("may not be merged: {} can no longer be proved", listed(&self.unproven()))
            }
            Ruling::Refused if !self.violates().is_empty() => {
                format!("may not be merged: it violates {}, which nobody can approve", listed(&self.violates()))
            }
            Ruling::Refused => {
                let approvals = if open == 1 { "an approval is" } else { "approvals are" };
                format!("may not be merged: {approvals} missing")
            }
        }
    }

    /// For people.
    #[must_use]
    pub fn to_text(&self, beside: Beside<'_>) -> String {
        let mut text = format!("{}\n", self.headline());
        for (at, stage) in self.stages.iter().enumerate() {
            if at == 0 {
                let _ = write!(text, "\n{}", stage.diff.to_text(beside));
                continue;
            }
            let earlier: Vec<&Diff> = self.stages.iter().take(at).map(|stage| &stage.diff).collect();
            let _ = write!(text, "\nfrom {} on\n{}", stage.from, stage.diff.later_text(&earlier));
        }
        if !self.guards.is_empty() {
            text.push_str("\ntaken back\n");
            for guard in &self.guards {
                let _ = writeln!(text, "  {}", one_line(&guard.what));
            }
        }
        if !self.met().is_empty() {
            text.push_str("\napproval\n");
        }
        for (what, need, by) in self.met() {
            let _ = writeln!(text, "  {}", one_line(&need_words(what, need, by.as_deref(), str::to_owned)));
        }
        for one in self.approvals.all.iter().filter(|one| is_worth_a_word(one.why)) {
            let reason = reason(one.why).unwrap_or_default();
            let _ = writeln!(text, "  {} does not count: {reason}", one_line(&self.path(one.approval)));
        }
        if let Some(form) = self.form() {
            let _ = write!(text, "\nto approve, commit a file such as approvals/CHANGE.yaml:\n{form}");
        }
        if !self.violates().is_empty() {
            text.push_str("\nwhat violates an assertion is narrowed, or waived in the policy until a date\n");
        }
        text
    }

    /// Markdown for the comment under a change.
    #[must_use]
    pub fn to_markdown(&self, beside: Beside<'_>, limit: Limit) -> String {
        let mut tail = String::new();
        for (at, stage) in self.stages.iter().enumerate().skip(1) {
            let earlier: Vec<&Diff> = self.stages.iter().take(at).map(|stage| &stage.diff).collect();
            let _ = write!(tail, "\n#### From {} on\n\n{}", stage.from, stage.diff.later_markdown(&earlier));
        }
        if !self.guards.is_empty() {
            tail.push_str("\n#### Promises that are taken back\n\n");
            for guard in self.guards.iter().take(SHOWN) {
                let _ = writeln!(tail, "- {}", escape(&one_line(&guard.what)));
            }
            if self.guards.len() > SHOWN {
                let _ = writeln!(tail, "- and {} more", self.guards.len() - SHOWN);
            }
        }
        if !self.met().is_empty() {
            tail.push_str("\n#### Approval\n\n");
        }
        for (what, need, by) in self.met() {
            let mark = if by.is_some() { "x" } else { " " };
            let words = need_words(what, need, by.as_deref(), escape);
            let _ = writeln!(tail, "- [{mark}] {}", one_line(&words));
        }
        for one in self.approvals.all.iter().filter(|one| is_worth_a_word(one.why)) {
            let reason = reason(one.why).unwrap_or_default();
            let _ = writeln!(tail, "- {} does not count: {reason}", escape(&one_line(&self.path(one.approval))));
        }
        if let Some(form) = self.form() {
            let _ =
                write!(tail, "\nTo approve, commit a file such as `approvals/CHANGE.yaml`:\n\n```yaml\n{form}```\n");
        }
        let verdict = format!("**This change {}.**\n\n", escape(&self.headline()));
        let room = limit.0.saturating_sub(verdict.chars().count() + tail.chars().count());
        let body = self.stages.first().map(|stage| stage.diff.to_markdown(beside, Limit(room))).unwrap_or_default();
        format!("{verdict}{body}{tail}")
    }

    /// What an approval that is missing looks like.
    fn form(&self) -> Option<String> {
        let missing: Vec<(&'static str, &Need, Option<String>)> =
            self.met().into_iter().filter(|(_, _, by)| by.is_none()).collect();
        if missing.is_empty() {
            return None;
        }
        let lacks = |wanted: &str| missing.iter().any(|(what, _, _)| *what == wanted);
        let mut form = String::new();
        if let Some(digest) = self.opens.as_ref().filter(|_| lacks("what opens")) {
            let _ = writeln!(form, "opens: {digest}");
        }
        if let Some(digest) = self.weakens.as_ref().filter(|_| lacks("what is taken back")) {
            let _ = writeln!(form, "weakens: {digest}");
        }
        let names: BTreeSet<&str> = missing.iter().filter_map(|(_, need, _)| need.approver.as_deref()).collect();
        let names: Vec<String> = names.into_iter().map(quoted).collect();
        let by = if names.is_empty() { "NAME".to_owned() } else { names.join(", ") };
        let day = self.stages.first().map(|stage| stage.from.to_string()).unwrap_or_default();
        let _ = write!(form, "approved_by: [{by}]\nticket: TICKET\ndate: {day}\n");
        Some(form)
    }
}

/// A name as YAML.
fn quoted(name: &str) -> String {
    let is_plain = name.chars().all(|one| one.is_alphanumeric() || "-_.".contains(one));
    if is_plain { name.to_owned() } else { format!("{:?}", one_line(name)) }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{}`", one_line(name))).collect::<Vec<_>>().join(", ")
}

fn need_words(what: &str, need: &Need, by: Option<&str>, safe: impl Fn(&str) -> String) -> String {
    let who = need.approver.as_deref().map_or_else(|| "anybody".to_owned(), &safe);
    let because = match need.because.len() {
        0 => String::new(),
        _ => format!(" ({})", need.because.iter().map(|one| safe(one)).collect::<Vec<_>>().join("; ")),
    };
    match by {
        Some(file) => format!("{who} has approved {what}{because}: {}", safe(file)),
        None => format!("{who} must approve {what}{because}"),
    }
}

/// Approvals of other changes are left without a word.
fn is_worth_a_word(why: Why) -> bool {
    matches!(why, Why::OtherDigest | Why::NotYet | Why::Over)
}

fn reason(why: Why) -> Option<&'static str> {
    match why {
        Why::Counts => None,
        Why::WasThere => Some("it was there before this change, and approved another one"),
        Why::OtherDigest => Some("it approves other flows than those that are opened now"),
        Why::NotYet => Some("its date is yet to come"),
        Why::Over => Some("its last day is over"),
    }
}
