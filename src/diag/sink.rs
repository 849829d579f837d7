//! Where the stages put what they find.

use super::code::Severity;
use super::diagnostic::Diagnostic;

/// Collects diagnostics; sorted by place when taken out, so that no order of work shows.
#[derive(Debug, Clone, Default)]
pub struct Sink {
    found: Vec<Diagnostic>,
}

impl Extend<Diagnostic> for Sink {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, found: I) {
        self.found.extend(found);
    }
}

impl Sink {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Adds all findings of another sink.
    pub fn append(&mut self, other: Self) {
        self.found.extend(other.found);
    }

    /// Whether anything found is *bad input* (not a lint): then nothing is computed.
    #[must_use]
    pub fn has_bad_input(&self) -> bool {
        self.found.iter().any(|found| !found.code.lint && found.severity == Severity::Error)
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// What was found so far, in the order of finding.
    #[must_use]
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.found
    }

    /// Takes everything out, sorted by file, place and code, without repetitions.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Diagnostic> {
        let mut found = self.found;
        let key = |d: &Diagnostic| (d.primary.as_ref().map(|label| label.span), d.code.id, d.message.clone());
        found.sort_by_key(key);
        found.dedup();
        found
    }
}
