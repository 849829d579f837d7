//! What became of the assertions: for programs, as diagnostics, and counted.

use std::fmt::Write as _;

use super::between::devices_between;
use super::rows::flow_object;
use super::{Names, Rows};
use crate::diag::codes::assertions::{UNPROVEN, VIOLATED};
use crate::diag::render::one_line;
use crate::diag::{Diagnostic, Severity};
use crate::model::{Assertion, RuleId};
use crate::packet::Flow;
use crate::reach::{Certainty, Finding, Hop, HopKind, Mend, Outcome, Prover};
use crate::report::ci::{Case, CaseOutcome, Step, Weight};
use crate::report::json::{AssertionObject, FlowObject};
use crate::source::Sources;
use crate::syntax::ast::AssertionKind;

/// Hops and rules that a message spells out at most.
const SHOWN: usize = 8;

/// The objects of `check --format json`, in the order of names.
#[must_use]
pub fn assertions(prover: &Prover<'_>, names: &Names<'_>, findings: &[Finding]) -> Vec<AssertionObject> {
    let rows = Rows { access: &prover.access, names };
    let object = |finding: &Finding| {
        let assertion = prover.model().assertions.get(finding.assertion)?;
        Some(AssertionObject {
            name: assertion.name.value.clone(),
            kind: kind(assertion.kind),
            outcome: finding.outcome.as_str(),
            hops: finding.hops.iter().map(|hop| rows.hop(hop)).collect(),
            mend: rows.rules(&finding.mend.rules),
            because: because(finding),
            by_policy: None,
            lines: None,
        })
    };
    findings.iter().filter_map(object).collect()
}

/// As programs see it.
pub(super) fn kind(kind: AssertionKind) -> &'static str {
    match kind {
        AssertionKind::Never => "never",
        AssertionKind::Only => "only",
        AssertionKind::Must => "must",
    }
}

fn because(finding: &Finding) -> Option<String> {
    let minimal = !finding.mend.rules.is_empty() && finding.mend.certainty == Certainty::Minimal;
    let minimal =
        minimal.then(|| "`mend` is minimal; whether a smaller set of rules would do was not decided".to_owned());
    finding.because.clone().or(minimal)
}

/// What became of each assertion, a line each in the order of names, and then how many came out how; `None` if there is none.
#[must_use]
pub fn summary(prover: &Prover<'_>, findings: &[Finding]) -> Option<String> {
    let mut text = String::new();
    for finding in findings {
        let Some(assertion) = prover.model().assertions.get(finding.assertion) else { continue };
        let title = assertion.meta.title.as_deref().map(|title| format!("  {}", one_line(title))).unwrap_or_default();
        let _ = writeln!(text, "{:9} {}{title}", finding.outcome.as_str(), one_line(&assertion.name.value));
    }
    let count = |outcome| findings.iter().filter(|finding| finding.outcome == outcome).count();
    let of = |outcome: Outcome| format!("{} {}", count(outcome), outcome.as_str());
    let all = [Outcome::Proved, Outcome::Violated, Outcome::Unproven, Outcome::Inactive];
    let _ = writeln!(text, "assertions: {}", all.map(of).join(", "));
    (!findings.is_empty()).then_some(text)
}

/// What became of each assertion, for the formats of [`crate::report::ci`], in the order of names.
#[must_use]
pub fn cases(prover: &Prover<'_>, names: &Names<'_>, sources: &Sources, findings: &[Finding]) -> Vec<Case> {
    let words = Words { prover, rows: Rows { access: &prover.access, names }, sources };
    let case = |finding: &Finding| {
        let assertion = prover.model().assertions.get(finding.assertion)?;
        Some(Case {
            name: assertion.name.value.clone(),
            kind: kind(assertion.kind),
            title: assertion.meta.title.clone(),
            outcome: match finding.outcome {
                Outcome::Proved => CaseOutcome::Proved,
                Outcome::Violated => CaseOutcome::Violated,
                Outcome::Unproven => CaseOutcome::Unproven,
                Outcome::Inactive => CaseOutcome::Inactive,
            },
            weight: if assertion.advisory { Weight::Advisory } else { Weight::Binding },
            span: assertion.name.span,
            steps: words.steps(finding),
        })
    };
    findings.iter().filter_map(case).collect()
}

/// A diagnostic for each assertion that is violated or unproven.
#[must_use]
pub fn diagnostics(prover: &Prover<'_>, names: &Names<'_>, sources: &Sources, findings: &[Finding]) -> Vec<Diagnostic> {
    let words = Words { prover, rows: Rows { access: &prover.access, names }, sources };
    findings.iter().filter_map(|finding| words.diagnostic(finding)).collect()
}

struct Words<'a> {
    prover: &'a Prover<'a>,
    rows: Rows<'a>,
    sources: &'a Sources,
}

impl Words<'_> {
    fn diagnostic(&self, finding: &Finding) -> Option<Diagnostic> {
        let assertion = self.prover.model().assertions.get(finding.assertion)?;
        match finding.outcome {
            Outcome::Proved | Outcome::Inactive => None,
            Outcome::Unproven => {
                let why = finding.because.as_deref().unwrap_or("it could not be decided");
                let message = format!("`{}` is unproven, because {why}", assertion.name.value);
                Some(Diagnostic::new(&UNPROVEN, assertion.name.span, message))
            }
            Outcome::Violated => Some(self.violated(assertion, finding)),
        }
    }

    fn violated(&self, assertion: &Assertion, finding: &Finding) -> Diagnostic {
        let message = format!("`{}` is violated: {}", assertion.name.value, self.headline(assertion, finding));
        let mut found = Diagnostic::new(&VIOLATED, assertion.name.span, message);
        if assertion.advisory {
            found.severity = Severity::Warning;
        }
        if let Some(title) = &assertion.meta.title {
            found = found.label(title.clone());
        }
        let is_chain = finding.hops.len() > 1;
        for (number, hop) in (1..).zip(finding.hops.iter().take(SHOWN)) {
            found = found.note(self.hop(number, hop, is_chain));
        }
        let witnesses: Vec<String> = finding.hops.iter().take(SHOWN).map(|hop| self.witness(hop)).collect();
        found = found.note(format!("witness: {}", witnesses.join(", then ")));
        for rule in self.deciding(finding) {
            found = found.also(rule.0, rule.1);
        }
        match self.help(assertion, finding) {
            Some(help) => found.help(help),
            None => found,
        }
    }

    fn headline(&self, assertion: &Assertion, finding: &Finding) -> String {
        let ends = |from: &Hop, to: &Hop| {
            let (first, last) = (self.rows.hop(from), self.rows.hop(to));
            (shortened(&first.from), shortened(&last.to), shortened(&last.services.join(", ")))
        };
        let (Some(first), Some(last)) = (finding.hops.first(), finding.hops.last()) else { return String::new() };
        let (from, to, services) = ends(first, last);
        match (assertion.kind, finding.hops.len()) {
            (AssertionKind::Must, _) => format!("{from} cannot reach {to} as it must, on {services}"),
            (AssertionKind::Only, _) => format!("{from} reaches {to} too, on {services}"),
            (AssertionKind::Never, 1) => format!("{from} reaches {to} on {services}"),
            (AssertionKind::Never, hops) => format!("{from} reaches {to} in {hops} hops"),
        }
    }

    fn hop(&self, number: usize, hop: &Hop, is_chain: bool) -> String {
        let row = self.rows.hop(hop);
        let head = if is_chain { format!("hop {number}: ") } else { String::new() };
        let (from, to) = (shortened(&row.from), shortened(&row.to));
        if hop.kind == HopKind::Movement {
            return format!("{head}{from} -> {to}, which no firewall stands between");
        }
        let by = match hop.rules.len() {
            0 => String::new(),
            1..=SHOWN => format!(", by {}", self.rules(&hop.rules).join(", ")),
            many => {
                format!(", by {many} rules, such as {}", self.rules(hop.rules.get(..3).unwrap_or_default()).join(", "))
            }
        };
        format!("{head}{from} -> {to} on {}{by}{}", shortened(&row.services.join(", ")), self.through(hop))
    }

    /// The steps of a chain; none where one flow alone violates.
    fn steps(&self, finding: &Finding) -> Vec<Step> {
        if finding.hops.len() < 2 {
            return Vec::new();
        }
        let step = |(number, hop): (usize, &Hop)| {
            let rules = hop.rules.iter().take(SHOWN).filter_map(|rule| self.prover.model().rules.get(rule.index()));
            Step { text: self.hop(number, hop, true), spans: rules.map(|rule| rule.name.span).collect() }
        };
        (1..).zip(&finding.hops).map(step).collect()
    }

    fn rules(&self, rules: &[RuleId]) -> Vec<String> {
        let rules = rules.iter().filter_map(|rule| self.prover.model().rules.get(rule.index()));
        let place = |span: crate::source::Span| {
            format!("{}:{}", self.sources.path(span.file), self.sources.position(span).line)
        };
        rules.map(|rule| format!("{} ({})", rule.name.value, place(rule.name.span))).collect()
    }

    fn through(&self, hop: &Hop) -> String {
        let way = self.flow(hop).map(|flow| devices_between(self.prover, &flow)).unwrap_or_default();
        if way.is_empty() { String::new() } else { format!(", through {}", way.join(", ")) }
    }

    fn flow(&self, hop: &Hop) -> Option<Flow> {
        self.rows.example(if hop.by_rules.is_empty() { &hop.flows } else { &hop.by_rules })
    }

    fn witness(&self, hop: &Hop) -> String {
        match self.flow(hop) {
            Some(flow) => flow_text(&flow_object(&flow)),
            None => {
                let row = self.rows.hop(hop);
                format!("{} -> {}", row.witness.src, row.witness.dst)
            }
        }
    }

    /// The rules that decide, as other places.
    fn deciding(&self, finding: &Finding) -> Vec<(crate::source::Span, String)> {
        let mut result = Vec::new();
        for (number, hop) in (1..).zip(finding.hops.iter().take(SHOWN)) {
            let text = if finding.hops.len() > 1 { format!("hop {number}") } else { "decides".to_owned() };
            let rules = hop.rules.iter().take(3).filter_map(|rule| self.prover.model().rules.get(rule.index()));
            result.extend(rules.map(|rule| (rule.name.span, text.clone())));
        }
        result
    }

    fn help(&self, assertion: &Assertion, finding: &Finding) -> Option<String> {
        let Mend { rules, certainty } = &finding.mend;
        let names = self.rows.rules(rules);
        let list = match names.len() {
            0 => return no_mend(assertion, finding),
            1..=SHOWN => names.join(" and "),
            many => format!("{many} rules ({}, ...)", names.get(..3).unwrap_or_default().join(", ")),
        };
        let surely = if *certainty == Certainty::Minimal { " (perhaps fewer would do)" } else { "" };
        let waiver = match (assertion.kind, names.as_slice()) {
            (AssertionKind::Must, _) => String::new(),
            (_, [one]) => format!(", or waive `{}` for `{one}` until a date", assertion.name.value),
            _ => String::new(),
        };
        Some(format!("narrow or remove {list}{surely}{waiver}"))
    }
}

fn no_mend(assertion: &Assertion, finding: &Finding) -> Option<String> {
    let moves = finding.hops.iter().any(|hop| hop.kind == HopKind::Movement);
    match assertion.kind {
        AssertionKind::Must => Some("no rule to remove would let it pass: allow it, or mend the path".to_owned()),
        AssertionKind::Never if moves || finding.hops.iter().all(|hop| hop.rules.is_empty()) => {
            Some("both ends lie in one zone: put a firewall between them, or say `only` instead".to_owned())
        }
        AssertionKind::Never | AssertionKind::Only => {
            Some("removing rules alone does not mend it: some of the flows are in one zone".to_owned())
        }
    }
}

/// A flow on one line.
#[must_use]
pub(super) fn flow_text(flow: &FlowObject) -> String {
    let service = match (flow.destination_port, flow.icmp_type, flow.icmp_code) {
        (Some(port), _, _) => format!("{}/{port}", flow.protocol),
        (_, Some(kind), Some(code)) => format!("{}/{kind}/{code}", flow.protocol),
        _ => flow.protocol.clone(),
    };
    format!("{} -> {} {service}", flow.src, flow.dst)
}

/// A list of names cut to what fits into a sentence.
fn shortened(list: &str) -> String {
    super::tables::shortened(&list.split(", ").map(str::to_owned).collect::<Vec<_>>())
}
