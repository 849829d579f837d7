//! `sekisho.yaml`: how much each lint weighs in this project, and who approves what changes of it open; `approvals/`: who did.
//!
//! Input: the settings file, if there is one, and the approvals; output: [`Settings`], that a stage's findings are passed through, and what the gate asks. Bad input has
//! no level: it cannot be allowed. Absent on purpose: anything that changes what a policy means.

mod approval;
mod gate;
mod read;

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Severity};

pub use approval::{Approval, read_approvals};
pub use gate::Gate;
pub use read::read;

/// How much a lint weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is not reported.
    Allow,
    /// It is reported; exit 0.
    Warn,
    /// It is a finding of `check`; exit 1.
    Error,
}

/// What a project has set; the default is what the tool ships with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The levels that differ from the default, by code (`W0207`).
    pub levels: BTreeMap<&'static str, Level>,
    /// Who must approve what a change opens; `None` if nothing is said of it.
    pub gate: Option<Gate>,
}

impl Settings {
    /// The finding at the level of this project; `None` if it is allowed. Bad input comes back as it is.
    #[must_use]
    pub fn apply(&self, mut found: Diagnostic) -> Option<Diagnostic> {
        if found.code.lint {
            match self.levels.get(found.code.id) {
                None => {}
                Some(Level::Allow) => return None,
                Some(Level::Warn) => found.severity = Severity::Warning,
                Some(Level::Error) => found.severity = Severity::Error,
            }
        }
        Some(found)
    }
}
