//! Lints: what is legal but wrong or unwise. One file a lint, a trait, and the registry [`ALL`].
//!
//! A lint sees the resolved model, the tree and the graph, asks no disk and no clock (the date is in the [`Context`]), and pushes diagnostics of its own codes at their default level; levels from
//! `sekisho.yaml` are applied after. Lints that only resolving can see (an expression that comes out empty, a feed with unknown addresses, a statement that is never active) are pushed there.
//! To add one: a file, a line in [`ALL`].

mod across;
mod bypassed;
mod due;
mod endless;
mod enforceable;
mod held;
mod lapsed;
mod mergeable;
mod own;
mod redefined;
mod redundant;
mod shared;
mod soon;
mod swallowed;
mod unowned;
mod unused;
mod vacuous;

use jiff::civil::Date;

use crate::diag::{Code, Sink};
use crate::graph::Topology;
use crate::model::{Model, RuleId};
use crate::reach::{Finding, Prover};
use crate::syntax::ast::File;

/// What lints look at.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The resolved project.
    pub model: &'a Model,
    /// Its policy files.
    pub files: &'a [File],
    /// Its graph.
    pub topology: &'a Topology,
    /// The day that is asked about.
    pub at: Date,
    /// The policy of that day over classes.
    pub prover: &'a Prover<'a>,
    /// What became of the assertions.
    pub findings: &'a [Finding],
}

/// Looks for one kind of thing that is legal but unwise.
pub trait Lint: Sync {
    /// The codes that it pushes.
    fn codes(&self) -> &'static [&'static Code];

    /// Pushes what it finds.
    fn run(&self, context: &Context<'_>, sink: &mut Sink);
}

/// Every lint.
pub const ALL: &[&dyn Lint] = &[
    &across::AcrossTiers,
    &bypassed::Bypassed,
    &due::ReviewDue,
    &endless::Endless,
    &enforceable::Enforceable,
    &held::Held,
    &lapsed::Lapsed,
    &mergeable::Mergeable,
    &own::OwnAddresses,
    &redefined::Redefined,
    &redundant::Redundant,
    &shared::SharedAddresses,
    &soon::Soon,
    &swallowed::Swallowed,
    &unowned::Unowned,
    &unused::Unused,
    &vacuous::VacuousAssertion,
];

/// Runs every lint of [`ALL`].
pub fn run_all(context: &Context<'_>, sink: &mut Sink) {
    ALL.iter().for_each(|lint| lint.run(context, sink));
}

/// Whether a quarantine keeps a rule, or a waiver is about it: then it is a decision of its own, which nobody can remove or merge without the other.
fn is_own_decision(model: &Model, rule: RuleId) -> bool {
    model.quarantines.iter().any(|quarantine| quarantine.keep.contains(&rule))
        || model.waivers.iter().any(|waiver| waiver.rule == rule)
}
