//! A rule of which nobody can say whose it is and why it was made.

use super::{Context, Lint};
use crate::diag::codes::statements::UNOWNED;
use crate::diag::{Code, Diagnostic, Sink};

/// Finds allows and denies without owner or without ticket; one message says all that is missing.
pub(super) struct Unowned;

impl Lint for Unowned {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&UNOWNED] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        for rule in &context.model.rules {
            let (what, help) = match (&rule.meta.owner, &rule.meta.ticket) {
                (None, None) => ("owner and no ticket", "`owner NAME` and `ticket NAME`"),
                (None, Some(_)) => ("owner", "`owner NAME`"),
                (Some(_), None) => ("ticket", "`ticket NAME`"),
                (Some(_), Some(_)) => continue,
            };
            let message = format!("`{}` has no {what}", rule.name.value);
            sink.push(
                Diagnostic::new(&UNOWNED, rule.name.span, message)
                    .label("who is asked about it?")
                    .help(format!("give it, or its purpose, {help}")),
            );
        }
    }
}
