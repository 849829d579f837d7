//! A well-known service that the project defines anew.

use super::{Context, Lint};
use crate::diag::codes::names::SERVICE_REDEFINED;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::well_known;
use crate::syntax::ast::Statement;

/// Notes definitions with the name of a well-known service: a reader of a rule may expect the usual ports.
pub(super) struct Redefined;

impl Lint for Redefined {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&SERVICE_REDEFINED] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        for statement in context.files.iter().flat_map(|file| &file.statements) {
            if let Statement::Service(service) = statement
                && well_known(&service.name.value).is_some()
            {
                let message = format!("the well-known service `{}` is defined anew", service.name.value);
                let found = Diagnostic::new(&SERVICE_REDEFINED, service.name.span, message);
                sink.push(found.label("this definition counts in the whole project"));
            }
        }
    }
}
