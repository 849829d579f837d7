//! A comparison as diagnostics and cases, for the formats of forges and build servers.
//!
//! A diagnostic stands at the rule of the new project that lets the flows pass now; what has no rule there, because it closes or because the network changed, has no place.

use super::rows::{Diff, Project, Shown};
use crate::answer::{Names, cases, diagnostics};
use crate::diag::codes::changes::{CLOSED, OPENED, RELOGGED, REROUTED};
use crate::diag::render::one_line;
use crate::diag::{Code, Diagnostic};
use crate::reach::{Extra, Prover};
use crate::report::ci::Case;
use crate::source::Span;

impl Diff {
    /// What the change does, and the assertions of the new project that it brings to be violated or unproven; then what became of every assertion there.
    #[must_use]
    pub fn findings(&self, after: &Project<'_>) -> (Vec<Diagnostic>, Vec<Case>) {
        let side = after.side;
        let prover = Prover::new(side.model, side.topology, side.at, &Extra::default());
        let judged = prover.all();
        let names = Names::new(side.model);
        let mut found: Vec<Diagnostic> = Vec::new();
        let kinds: [(&'static Code, &[Shown], &str); 4] = [
            (&OPENED, &self.opens, "can now travel"),
            (&CLOSED, &self.closes, "can travel no more"),
            (&REROUTED, &self.path_changed, "takes other firewalls"),
            (&RELOGGED, &self.logging_changed, "is logged otherwise"),
        ];
        for (code, rows, what) in kinds {
            found.extend(rows.iter().map(|shown| diagnostic(code, shown, what, after)));
        }
        let changed = judged.iter().filter(|finding| {
            let name = side.model.assertions.get(finding.assertion).map(|one| one.name.value.as_str());
            self.assertions.iter().any(|one| Some(one.name.as_str()) == name)
        });
        let changed: Vec<_> = changed.cloned().collect();
        found.extend(diagnostics(&prover, &names, after.sources, &changed));
        found.sort_by_key(|one| (one.primary.is_none(), one.primary.as_ref().map(|primary| primary.span)));
        (found, cases(&prover, &names, after.sources, &judged))
    }
}

fn diagnostic(code: &'static Code, shown: &Shown, what: &str, after: &Project<'_>) -> Diagnostic {
    let row = &shown.row;
    let services = shown.services.join(", ");
    let message = format!("from {} to {} on {services} {what}", row.row.from, row.row.to);
    let message = one_line(&message);
    let mut found = match place(shown, after) {
        Some(span) => Diagnostic::new(code, span, message),
        None => Diagnostic::without_place(code, message),
    };
    found = found.note(format!("{} addresses to {}", row.size.from, row.size.to));
    for rule in &row.behind {
        let mut words = format!("{} ({})", rule.name, rule.change);
        let meta = [("owner", &rule.owner), ("ticket", &rule.ticket), ("until", &rule.until)];
        for (key, value) in meta.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
            words.push_str(&format!(", {key} {value}"));
        }
        found = found.note(one_line(&words));
    }
    let witness = &row.row.witness;
    found.note(one_line(&format!("such as {} -> {}", witness.src, witness.dst)))
}

/// A rule of the new project that has to do with a row: one that is new or changed, if there is one.
fn place(shown: &Shown, after: &Project<'_>) -> Option<Span> {
    let model = after.side.model;
    let rule = |name: &str| {
        let rule = model.rules.get(model.rule_by_name(name)?.index())?;
        Some(rule.name.span)
    };
    let told = shown.row.behind.iter().find(|rule| rule.change != "same").or(shown.row.behind.first());
    told.and_then(|told| rule(&told.name))
}
