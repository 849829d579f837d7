//! Assertions that hold whatever the rules are: they guard nothing, and look as if they did.

use super::{Context, Lint};
use crate::diag::codes::meaning::VACUOUS;
use crate::diag::{Code, Diagnostic, Sink};
use crate::reach::Vacuous;

/// Finds assertions that nothing could violate.
pub(super) struct VacuousAssertion;

impl Lint for VacuousAssertion {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&VACUOUS] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        for finding in context.findings {
            let Some(assertion) = context.model.assertions.get(finding.assertion) else { continue };
            let Some(vacuous) = finding.vacuous else { continue };
            let why = match vacuous {
                Vacuous::NoSource => "no address is in its `from`",
                Vacuous::NoDestination => "no address is in its `to`",
                Vacuous::NothingToViolate => "no path leads from any source to any destination of it",
            };
            let message = format!("`{}` could never be violated: {why}", assertion.name.value);
            sink.push(
                Diagnostic::new(&VACUOUS, assertion.name.span, message)
                    .label("guards nothing")
                    .help("mend its `from`, `to` or `on`, or remove it"),
            );
        }
    }
}
