//! What `--from`, `--to` and `--on` say: expressions of the language, with the names of the project.
//!
//! Each argument is a file of its own to the diagnostics, so that a mistake in it is shown with a caret under it; all mistakes of all arguments are shown at once.

use std::sync::Arc;

use super::super::args::{Common, TableFormat};
use super::super::{Exit, output};
use super::report;
use crate::answer::Asked;
use crate::diag::{Diagnostic, Severity, Sink};
use crate::model::resolve_services;
use crate::packet::ServiceSet;
use crate::pipeline::Loaded;
use crate::syntax;

/// The arguments of a question; what is left out stands for any.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Question<'a> {
    pub(super) from: Option<&'a str>,
    pub(super) to: Option<&'a str>,
    pub(super) on: Option<&'a str>,
}

/// Resolves the arguments of a command; what is wrong with them is reported and ends it, what is doubtful is reported.
pub(super) fn resolve(
    common: &Common,
    command: &str,
    format: TableFormat,
    loaded: &mut Loaded,
    question: Question<'_>,
) -> Result<Asked, Exit> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let asked = sets(loaded, question, &mut found);
    match asked {
        Some(asked) if found.iter().all(|one| one.severity != Severity::Error) => {
            output::diagnostics(common, "text", &loaded.project.sources, &found);
            Ok(asked)
        }
        _ => Err(report(common, command, format.diagnostics(), &loaded.project.sources, &found)),
    }
}

fn sets(loaded: &mut Loaded, question: Question<'_>, found: &mut Vec<Diagnostic>) -> Option<Asked> {
    let mut add = |option: &str, text: Option<&str>| {
        let text = text.unwrap_or("any").to_owned();
        (loaded.project.sources.add(option, text.as_str()), text)
    };
    let (from, to, on) = (add("--from", question.from), add("--to", question.to), add("--on", question.on));
    let (from, to) = (syntax::parse_endpoints(from.0, &from.1), syntax::parse_endpoints(to.0, &to.1));
    let on = syntax::parse_services(on.0, &on.1);
    let mut sink = Sink::default();
    let expressions: Vec<_> = [&from, &to].into_iter().filter_map(|one| one.as_ref().ok()).collect();
    let mut resolved = loaded.endpoints(&expressions, &mut sink).into_iter();
    let mut set = |parsed: Result<_, Vec<Diagnostic>>| match parsed {
        Ok(_) => resolved.next().flatten(),
        Err(wrong) => {
            found.extend(wrong);
            None
        }
    };
    let (from, to) = (set(from), set(to));
    let on: Option<ServiceSet> = match on {
        Ok(services) => resolve_services(&loaded.files, &services, &mut sink),
        Err(wrong) => {
            found.extend(wrong);
            None
        }
    };
    found.extend(sink.into_sorted());
    found.sort_by_key(|one| one.primary.as_ref().map(|primary| primary.span));
    Some(Asked { from: from?, to: to?, on: Arc::new(on?) })
}
