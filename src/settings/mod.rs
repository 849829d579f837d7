//! `sekisho.yaml`: how much each lint weighs in this project.
//!
//! Input: the settings file, if there is one; output: [`Settings`], that a stage's findings are passed through. Bad input has
//! no level: it cannot be allowed. Absent on purpose: anything that changes what a policy means.

mod read;

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Severity};

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
