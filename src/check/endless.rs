//! An allow that has neither a last day nor a review date.

use super::{Context, Lint};
use crate::diag::codes::statements::ENDLESS;
use crate::diag::{Code, Diagnostic, Sink};
use crate::syntax::ast::Effect;

/// Finds allows that nobody will ever look at again.
pub(super) struct Endless;

impl Lint for Endless {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&ENDLESS] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let open =
            context.model.rules.iter().filter(|rule| {
                rule.effect == Effect::Allow && rule.period.until.is_none() && rule.meta.review.is_none()
            });
        for rule in open {
            let message = format!("`{}` allows without end and without a review", rule.name.value);
            sink.push(
                Diagnostic::new(&ENDLESS, rule.name.span, message)
                    .label("no last day")
                    .help("give it, or its purpose, `until DATE` or `review DATE`"),
            );
        }
    }
}
