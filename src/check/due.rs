//! A review date that has passed.

use jiff::civil::Date;

use super::{Context, Lint};
use crate::diag::codes::statements::REVIEW_DUE;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Meta, Period};
use crate::source::Spanned;

/// Finds statements whose review date is before the day that is asked about; one that has lapsed needs none.
pub(super) struct ReviewDue;

impl Lint for ReviewDue {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&REVIEW_DUE] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let model = context.model;
        let rules = model.rules.iter().map(|rule| (&rule.name, &rule.meta, rule.period));
        let assertions = model.assertions.iter().map(|found| (&found.name, &found.meta, found.period));
        let quarantines = model.quarantines.iter().map(|found| (&found.name, &found.meta, found.period));
        for (name, meta, period) in rules.chain(assertions).chain(quarantines) {
            check(name, meta, period, context.at, sink);
        }
    }
}

fn check(name: &Spanned<String>, meta: &Meta, period: Period, at: Date, sink: &mut Sink) {
    let Some(review) = meta.review.filter(|&review| review < at) else { return };
    if period.is_never() || period.until.is_some_and(|until| until < at) {
        return;
    }
    let who = meta.owner.as_ref().map_or_else(String::new, |owner| format!(" by {owner}"));
    let found =
        Diagnostic::new(&REVIEW_DUE, name.span, format!("`{}` was to be reviewed{who} until {review}", name.value));
    let found = match &meta.purpose {
        Some(purpose) => found.label(format!("in purpose `{purpose}`")),
        None => found.label("still needed?"),
    };
    sink.push(found.help("review it and write the next date, or remove it"));
}
