//! One line a diagnostic, for grep and editors: `erp.policy:10:52: error[E0203]: ...`.
//!
//! Labels, notes and help are left out on purpose: a line that a tool splits at colons holds one fact.

use std::fmt::Write as _;

use super::{Options, Renderer, one_line};
use crate::diag::Diagnostic;
use crate::source::Sources;

/// The format `concise`.
pub struct Concise;

impl Renderer for Concise {
    fn name(&self) -> &'static str {
        "concise"
    }

    fn render(&self, sources: &Sources, diagnostics: &[Diagnostic], _: Options) -> String {
        let mut out = String::new();
        for diagnostic in diagnostics {
            line(&mut out, sources, diagnostic);
        }
        out
    }
}

fn line(out: &mut String, sources: &Sources, diagnostic: &Diagnostic) {
    if let Some(label) = &diagnostic.primary {
        let at = sources.position(label.span);
        let _ = write!(out, "{}:{}:{}: ", one_line(sources.path(label.span.file)), at.line, at.column);
    }
    let (severity, code) = (diagnostic.severity.as_str(), diagnostic.code.id);
    let _ = writeln!(out, "{severity}[{code}]: {}", one_line(&diagnostic.message));
}
