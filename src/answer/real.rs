//! The assertions over what devices really run, in the words of those over the policy, with the lines of configs that are to blame.

use super::{Names, assertions, cases, diagnostics};
use crate::diag::Diagnostic;
use crate::diag::render::one_line;
use crate::drift::{ConfigLine, Observed, Outcome as SeenAs, Real, RealFinding};
use crate::model::Model;
use crate::reach::{Finding, Outcome};
use crate::report::ci::Case;
use crate::report::json::{AssertionObject, ConfigLineObject, SeenObject};
use crate::source::Sources;

/// Lines that a message shows at most for a hop.
const SHOWN: usize = 4;

/// The objects of `check --configs --format json`, in the order of names.
#[must_use]
pub fn real_assertions(real: &Real<'_>, names: &Names<'_>) -> Vec<AssertionObject> {
    let object = |found: &RealFinding| {
        let prover = real.provers.get(found.bound)?;
        let mut object = assertions(prover, names, std::slice::from_ref(&found.finding)).pop()?;
        object.by_policy = Some(found.by_policy.as_str());
        let mut lines: Vec<ConfigLineObject> = found.lines.iter().flatten().map(line_object).collect();
        lines.sort();
        lines.dedup();
        object.lines = Some(lines);
        Some(object)
    };
    real.findings.iter().filter_map(object).collect()
}

/// What was seen of each firewall, by name.
#[must_use]
pub fn seen_objects(seen: &[Observed]) -> Vec<SeenObject> {
    let object = |one: &Observed| SeenObject {
        device: one.device.clone(),
        file: (!one.file.is_empty()).then(|| one.file.clone()),
        outcome: one.outcome.as_str(),
        because: one.doubt.clone(),
    };
    seen.iter().map(object).collect()
}

/// How many firewalls do what, in one line, and which files are of none.
#[must_use]
pub fn seen_summary(seen: &[Observed], strangers: &[String]) -> String {
    let words = [
        (SeenAs::Equal, "as the policy asks"),
        (SeenAs::TextDiffers, "as the policy asks, in other words"),
        (SeenAs::Differs, "different"),
        (SeenAs::Unproven, "unproven"),
        (SeenAs::NotCollected, "not collected"),
    ];
    let count = |outcome| seen.iter().filter(|one| one.outcome == outcome).count();
    let counts = words.into_iter().map(|(outcome, word)| (count(outcome), word)).filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    let mut text = format!("firewalls: {}\n", counts.join(", "));
    for stranger in strangers {
        text.push_str(&format!(
            "`{}` has a config and is not in the inventory: nothing was looked at in it\n",
            one_line(stranger)
        ));
    }
    text
}

/// A diagnostic for each assertion that is violated or unproven.
#[must_use]
pub fn real_diagnostics(real: &Real<'_>, model: &Model, names: &Names<'_>, sources: &Sources) -> Vec<Diagnostic> {
    let diagnostic = |found: &RealFinding| {
        let prover = real.provers.get(found.bound)?;
        let said = diagnostics(prover, names, sources, std::slice::from_ref(&found.finding)).pop()?;
        let is_advisory = model.assertions.get(found.finding.assertion).is_some_and(|one| one.advisory);
        Some(if found.finding.outcome == Outcome::Violated { blaming(said, found, is_advisory) } else { said })
    };
    real.findings.iter().filter_map(diagnostic).collect()
}

/// A case for each assertion, for the reports of CI systems.
#[must_use]
pub fn real_cases(real: &Real<'_>, names: &Names<'_>, sources: &Sources) -> Vec<Case> {
    let case = |found: &RealFinding| {
        let prover = real.provers.get(found.bound)?;
        cases(prover, names, sources, std::slice::from_ref(&found.finding)).pop()
    };
    real.findings.iter().filter_map(case).collect()
}

/// The findings alone.
#[must_use]
pub fn real_findings(real: &Real<'_>) -> Vec<Finding> {
    real.findings.iter().map(|found| found.finding.clone()).collect()
}

fn line_object(line: &ConfigLine) -> ConfigLineObject {
    ConfigLineObject {
        device: line.device.clone(),
        file: line.file.clone(),
        line: line.line.line,
        text: line.line.text.clone(),
    }
}

/// Adds what devices have to do with a violation.
fn blaming(mut said: Diagnostic, found: &RealFinding, is_advisory: bool) -> Diagnostic {
    let is_chain = found.lines.len() > 1;
    let mut is_config = false;
    for (number, lines) in (1..).zip(&found.lines) {
        is_config |= !lines.is_empty();
        let head = if is_chain { format!("hop {number}: ") } else { String::new() };
        for line in lines.iter().take(SHOWN) {
            said = said.note(format!("{head}{}", blamed(line)));
        }
        if lines.len() > SHOWN {
            said = said.note(format!("{head}and {} more lines", lines.len() - SHOWN));
        }
    }
    if found.by_policy == Outcome::Proved {
        said = said.note("the policy keeps it, and what devices run does not");
        is_config = true;
    }
    if is_config && !is_advisory {
        said = said
            .help("bring the devices back to what `sekisho compile` writes; `sekisho drift` lists all that differs");
    }
    said
}

fn blamed(line: &ConfigLine) -> String {
    let text = one_line(&line.line.text);
    match line.line.line {
        0 => format!("`{}` does it by `{text}`", line.device),
        number => format!("`{}` does it by line {number}: `{text}`", line.device),
    }
}
