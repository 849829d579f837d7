//! What a change does. For forges and build servers: where `diff` speaks to people it shows rows.

use crate::diag::{Code, Severity};

/// Flows that did not travel before travel after.
pub static OPENED: Code = Code::lint("D0001", Severity::Warning, "access that a change opens");
/// Flows that travelled before do not travel after.
pub static CLOSED: Code = Code::lint("D0002", Severity::Note, "access that a change closes");
/// Flows travel over other firewalls.
pub static REROUTED: Code = Code::lint("D0003", Severity::Note, "access that takes other firewalls");
/// Flows are logged on one side alone.
pub static RELOGGED: Code = Code::lint("D0004", Severity::Note, "flows that are logged otherwise");

/// All of this file.
pub const ALL: &[&Code] = &[&OPENED, &CLOSED, &REROUTED, &RELOGGED];
