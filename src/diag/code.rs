//! What a diagnostic is called and how bad it is.

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something worth knowing; never changes the exit code.
    Note,
    /// Legal but suspicious; exit 0.
    Warning,
    /// Bad input (exit 2), or a lint at level error (a finding of `check`, exit 1).
    Error,
}

impl Severity {
    /// The word that people and programs see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A stable name of one kind of diagnostic, such as `E0203`. Declared in `codes/`, explained in `docs/errors/`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    /// `E0203`: a letter and four digits.
    pub id: &'static str,
    /// What it is about, one line, without names.
    pub title: &'static str,
    /// The default weight.
    pub severity: Severity,
    /// `true` for a *lint*: legal input, level configurable in `sekisho.yaml`, never stops a computation.
    /// `false` for *bad input*: nothing is computed, exit 2.
    pub lint: bool,
}

impl Code {
    /// Declares bad input.
    #[must_use]
    pub const fn error(id: &'static str, title: &'static str) -> Self {
        Self { id, title, severity: Severity::Error, lint: false }
    }

    /// Declares a lint with its default level.
    #[must_use]
    pub const fn lint(id: &'static str, severity: Severity, title: &'static str) -> Self {
        Self { id, title, severity, lint: true }
    }
}
