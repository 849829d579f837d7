//! What a quarantine stops: said once for each quarantine, because it is meant to stop things, and whoever set it wants to see what.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Lint};
use crate::diag::codes::meaning::HELD;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::RuleId;

/// Counts the allows that each active quarantine stops.
pub(super) struct Held;

impl Lint for Held {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&HELD] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let model = context.model;
        let mut stopped: BTreeMap<u32, BTreeSet<RuleId>> = BTreeMap::new();
        let mut open: BTreeSet<RuleId> = BTreeSet::new();
        let columns = context.prover.whole().rows.iter().flat_map(|row| &row.columns);
        for (column, cell) in columns.flat_map(|column| column.cells.iter().map(move |cell| (column, cell))) {
            for number in &column.held {
                let keep = model.quarantines.get(*number as usize).map(|quarantine| quarantine.keep.as_slice());
                if !keep.unwrap_or_default().iter().any(|kept| cell.allows.contains(kept)) {
                    stopped.entry(*number).or_default().extend(&cell.allows);
                }
            }
            if context.prover.access.passes(cell, &column.held, &[]) {
                open.extend(&cell.allows);
            }
        }
        for (number, rules) in stopped {
            let Some(quarantine) = model.quarantines.get(number as usize) else { continue };
            let whole = rules.iter().filter(|rule| !open.contains(rule)).count();
            let part = rules.len() - whole;
            let message =
                format!("the quarantine `{}` stops {whole} allows wholly and {part} in part", quarantine.name.value);
            let names = rules.iter().take(5).filter_map(|rule| model.rules.get(rule.index()));
            let names: Vec<&str> = names.map(|rule| rule.name.value.as_str()).collect();
            let more = if rules.len() > names.len() { ", ..." } else { "" };
            sink.push(
                Diagnostic::new(&HELD, quarantine.name.span, message)
                    .label("in force")
                    .note(format!("among them {}{more}", names.join(", "))),
            );
        }
    }
}
