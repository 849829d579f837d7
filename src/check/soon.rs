//! Rules whose last day or review is within 30 days, so that nobody is surprised.

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use super::{Context, Lint};
use crate::diag::codes::meaning::SOON;
use crate::diag::{Code, Diagnostic, Sink};
use crate::syntax::ast::Effect;

/// Finds active rules that end or are to be reviewed within 30 days.
pub(super) struct Soon;

/// How near is near.
const DAYS: i64 = 30;

impl Lint for Soon {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&SOON] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let window: Span = DAYS.days();
        let last = context.at.checked_add(window).unwrap_or(Date::MAX);
        let is_near = |date: &Date| context.at <= *date && *date <= last;
        for rule in context.model.rules.iter().filter(|rule| rule.period.contains(context.at)) {
            let name = &rule.name.value;
            if let Some(until) = rule.period.until.filter(is_near) {
                let (what, help) = match rule.effect {
                    Effect::Allow => ("permits nothing after that day", "extend `until`, or let it end"),
                    Effect::Deny => ("what it closes is open after that day", "extend `until`, or let it open"),
                };
                let message = format!("`{name}` ends on {until}");
                sink.push(Diagnostic::new(&SOON, rule.name.span, message).label(what).help(help));
            } else if let Some(review) = rule.meta.review.filter(is_near) {
                let who = rule.meta.owner.as_ref().map_or_else(String::new, |owner| format!(" by {owner}"));
                let message = format!("`{name}` is to be reviewed{who} until {review}");
                sink.push(Diagnostic::new(&SOON, rule.name.span, message).help("review it and write the next date"));
            }
        }
    }
}
