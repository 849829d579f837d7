//! Allows that denies take flows from.
//!
//! An allow that loses everything is said at the allow: its name promises what is not so. What a deny takes in part is said once, at the deny: that is mostly what it is for.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Lint};
use crate::diag::codes::meaning::{PARTLY_SWALLOWED, SWALLOWED};
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::RuleId;

/// Finds allows that denies swallow.
pub(super) struct Swallowed;

/// What becomes of the flows of an allow.
#[derive(Default)]
struct Fate {
    is_open: bool,
    denies: BTreeSet<RuleId>,
}

impl Lint for Swallowed {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&SWALLOWED, &PARTLY_SWALLOWED] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let mut fates: BTreeMap<RuleId, Fate> = BTreeMap::new();
        let cells = context.prover.whole().rows.iter().flat_map(|row| &row.columns).flat_map(|column| &column.cells);
        for cell in cells {
            for allow in &cell.allows {
                let fate = fates.entry(*allow).or_default();
                fate.is_open |= cell.denies.is_empty();
                fate.denies.extend(&cell.denies);
            }
        }
        let mut in_part: BTreeMap<RuleId, Vec<RuleId>> = BTreeMap::new();
        for (allow, fate) in &fates {
            if !fate.is_open {
                sink.extend(whole(context, *allow, &fate.denies));
                continue;
            }
            for deny in &fate.denies {
                in_part.entry(*deny).or_default().push(*allow);
            }
        }
        sink.extend(in_part.iter().filter_map(|(deny, allows)| part(context, *deny, allows)));
    }
}

fn whole(context: &Context<'_>, allow: RuleId, denies: &BTreeSet<RuleId>) -> Option<Diagnostic> {
    let rule = context.model.rules.get(allow.index())?;
    let denies: Vec<_> = denies.iter().filter_map(|deny| context.model.rules.get(deny.index())).collect();
    let names: Vec<String> = denies.iter().take(3).map(|deny| format!("`{}`", deny.name.value)).collect();
    let more = if denies.len() > 3 { format!(" and {} more", denies.len() - 3) } else { String::new() };
    let message = format!("the allow `{}` opens nothing: {}{more} denies all of it", rule.name.value, names.join(", "));
    let found = Diagnostic::new(&SWALLOWED, rule.name.span, message).label("none of its flows passes");
    let found = denies.iter().take(3).fold(found, |found, deny| found.also(deny.name.span, "denies it"));
    Some(found.help("remove it, or narrow the deny"))
}

fn part(context: &Context<'_>, deny: RuleId, allows: &[RuleId]) -> Option<Diagnostic> {
    let rule = context.model.rules.get(deny.index())?;
    let names = allows.iter().filter_map(|allow| context.model.rules.get(allow.index()));
    let names: Vec<&str> = names.map(|allow| allow.name.value.as_str()).collect();
    let shown = names.get(..5).unwrap_or(&names).join(", ");
    let more = if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
    let message = format!("the deny `{}` takes flows from {shown}{more}", rule.name.value);
    Some(Diagnostic::new(&PARTLY_SWALLOWED, rule.name.span, message).label("beats them where they meet"))
}
