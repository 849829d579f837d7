//! What assertions come out as. Their weight is their own (`advisory`), not a level of the project.

use crate::diag::{Code, Severity};

/// Some flow does what must never be, or cannot do what it must.
pub static VIOLATED: Code = Code::lint("A0001", Severity::Error, "an assertion that is violated");
/// It could be neither proved nor refuted.
pub static UNPROVEN: Code = Code::lint("A0002", Severity::Warning, "an assertion that could not be decided");

/// All of this file.
pub const ALL: &[&Code] = &[&VIOLATED, &UNPROVEN];
