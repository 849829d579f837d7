//! Rules of a plan as a writer wants them: by runs of equal treatment, one family at a time.

use std::sync::Arc;

use crate::packet::{AddressSet, Family};
use crate::plan::PlannedRule;
use crate::platform::{Decision, Line, LineScope};
use crate::syntax::ast::Effect;

/// Consecutive rules with the same effect that are all logged or all not. Inside a run any rule that matches does the same,
/// so a writer may look them up in any order.
pub(in crate::platform) fn runs(rules: &[PlannedRule]) -> impl Iterator<Item = &[PlannedRule]> {
    rules.chunk_by(|a, b| a.effect == b.effect && a.log == b.log)
}

/// Whether a rule holds any flow of a family.
pub(in crate::platform) fn occurs(rule: &PlannedRule, family: Family) -> bool {
    !rule.source.is_empty_in(family) && !rule.destination.is_empty_in(family)
}

/// Destinations of a rule for a line of one family: cut down only where the rule has flows of the other family too.
pub(in crate::platform) fn destination_in(rule: &PlannedRule, family: Family) -> Arc<AddressSet> {
    let other = if family == Family::V4 { Family::V6 } else { Family::V4 };
    if occurs(rule, other) { Arc::new(rule.destination.only(family)) } else { rule.destination.clone() }
}

/// What a rule does.
pub(in crate::platform) fn decision(rule: &PlannedRule) -> Decision {
    match rule.effect {
        Effect::Allow => Decision::Accept,
        Effect::Deny => Decision::Drop,
    }
}

/// The word for what a rule does.
pub(in crate::platform) fn word(rule: &PlannedRule) -> &'static str {
    match rule.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

/// The line of a rule in one family, for all its services; the line number is set by the caller.
pub(in crate::platform) fn line_of(rule: &PlannedRule, family: Family, scope: LineScope) -> Line {
    Line {
        file: 0,
        line: 0,
        scope,
        source: rule.source.clone(),
        destination: destination_in(rule, family),
        services: rule.services.clone(),
        decision: decision(rule),
        labels: vec![rule.label.clone()],
    }
}
