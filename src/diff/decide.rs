//! What rules do with flows, and whether that is written down.

use crate::model::RuleId;
use crate::reach::{Access, Cell, ClassProduct, Prover, Question};

/// What rules do with a flow that has a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It passes.
    Passes,
    /// A deny or a quarantine drops it.
    Stopped,
}

/// Whether it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Logged {
    /// A firewall on the way writes a line about each.
    Yes,
    /// None does.
    No,
}

/// Flows that exactly the same rules decide.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What becomes of them.
    pub fate: Fate,
    /// Whether it is logged.
    pub logged: Logged,
    /// The allows that let them pass, or the denies that stop them; ascending.
    pub rules: Vec<RuleId>,
    /// The quarantines that stop them: indices into the model, ascending.
    pub quarantines: Vec<u32>,
    /// The flows, disjoint.
    pub flows: Vec<ClassProduct>,
}

/// The flows in question that a rule or a quarantine decides. What no rule mentions is dropped too, and is not among them.
#[must_use]
pub fn decisions(prover: &Prover<'_>, question: Question<'_>) -> Vec<Decision> {
    let mut result = Vec::new();
    for row in prover.access.overlay(question).rows {
        for column in row.columns {
            for cell in &column.cells {
                let Some(decision) = decide(&prover.access, cell, &column.held) else { continue };
                let flows = prover.routable(&column.sources, &row.destinations, &cell.services);
                if !flows.is_empty() {
                    result.push(Decision { flows, ..decision });
                }
            }
        }
    }
    result
}

/// What rules do with the flows of a cell; `None` where no rule decides.
fn decide(access: &Access<'_>, cell: &Cell, held: &[u32]) -> Option<Decision> {
    let model = access.model;
    let logs = |rules: &[RuleId]| {
        let any = rules.iter().filter_map(|rule| model.rules.get(rule.index())).any(|rule| rule.log);
        if any { Logged::Yes } else { Logged::No }
    };
    let decision = |fate, logged, rules: &[RuleId], quarantines| Decision {
        fate,
        logged,
        rules: rules.to_vec(),
        quarantines,
        flows: Vec::new(),
    };
    if access.passes(cell, held, &[]) {
        return Some(decision(Fate::Passes, logs(&cell.allows), &cell.allows, Vec::new()));
    }
    let stops = |number: &&u32| {
        let quarantine = model.quarantines.get(**number as usize);
        quarantine.is_some_and(|one| !one.keep.iter().any(|kept| cell.allows.contains(kept)))
    };
    let quarantines: Vec<u32> = held.iter().filter(stops).copied().collect();
    // A quarantine drops before any deny is asked, and always logs.
    let logged = if quarantines.is_empty() { logs(&cell.denies) } else { Logged::Yes };
    let is_stopped = !quarantines.is_empty() || !cell.denies.is_empty();
    is_stopped.then(|| decision(Fate::Stopped, logged, &cell.denies, quarantines))
}
