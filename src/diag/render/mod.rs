//! Diagnostics to text, one output format a file.
//!
//! A format is a [`Renderer`]; [`ALL`] is the registry. Add one by a file and a line there. Nothing here prints, reads the
//! environment or knows a terminal: colour and width come in as [`Options`]. Text that people see goes through `sanitize`
//! first, because names and source lines are input and could otherwise move the cursor or turn the line around.

mod concise;
pub mod json;
mod sanitize;
mod text;

pub use concise::Concise;
pub use json::Json;
pub use sanitize::{one_line, printable};
pub use text::Text;

use super::diagnostic::Diagnostic;
use crate::source::Sources;

/// How the output looks, beside its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// With or without terminal colours.
    pub color: Color,
    /// Columns that a line of text may take.
    pub width: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { color: Color::Plain, width: 140 }
    }
}

/// Whether ANSI colours are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// No escape sequences at all.
    Plain,
    /// ANSI escape sequences.
    Ansi,
}

/// One output format of diagnostics.
pub trait Renderer: Sync {
    /// What `--format` calls it.
    fn name(&self) -> &'static str;

    /// All diagnostics, in the order given, as one text that ends in a line feed; empty for a format for people when there is none.
    fn render(&self, sources: &Sources, diagnostics: &[Diagnostic], options: Options) -> String;
}

/// Every format, the default first.
pub static ALL: &[&dyn Renderer] = &[&Text, &Concise, &Json];

/// The format of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Renderer> {
    ALL.iter().copied().find(|renderer| renderer.name() == name)
}

/// Renders diagnostics in a format of the registry.
#[must_use]
pub fn render(format: &dyn Renderer, sources: &Sources, diagnostics: &[Diagnostic], options: Options) -> String {
    format.render(sources, diagnostics, options)
}
