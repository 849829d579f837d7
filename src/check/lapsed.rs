//! Statements whose last day is over.
//!
//! A lapsed allow is litter. A lapsed deny is not: what it closed is open again if any allow covers it, and nothing else would say so; so it has its own code.

use jiff::civil::Date;

use super::{Context, Lint};
use crate::diag::codes::statements::{LAPSED_ALLOW, LAPSED_ASSERTION, LAPSED_DENY};
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Model, Period, Rule};
use crate::source::Spanned;
use crate::syntax::ast::Effect;

/// Finds what was active once and is no more on the day that is asked about.
pub(super) struct Lapsed;

impl Lint for Lapsed {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&LAPSED_ALLOW, &LAPSED_DENY, &LAPSED_ASSERTION] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let model = context.model;
        let over = |period: Period| over(period, context.at);
        for rule in &model.rules {
            if let Some(until) = over(rule.period) {
                sink.push(match rule.effect {
                    Effect::Allow => lapsed_allow(&rule.name, until),
                    Effect::Deny => lapsed_deny(rule, until, context),
                });
            }
        }
        for quarantine in &model.quarantines {
            if let Some(until) = over(quarantine.period) {
                let message =
                    format!("the quarantine `{}` lapsed on {until}: what it held is free again", quarantine.name.value);
                sink.push(again(&quarantine.name, message));
            }
        }
        for assertion in &model.assertions {
            if let Some(until) = over(assertion.period) {
                let message = format!("`{}` lapsed on {until} and is not checked any more", assertion.name.value);
                sink.push(unchecked(&assertion.name, message, "extend `until`, or remove it"));
            }
        }
        for waiver in &model.waivers {
            if let Some(until) = over(waiver.period) {
                let message = format!(
                    "the waiver `{}` lapsed on {until}: {} again",
                    waiver.name.value,
                    counts(model, waiver.assertion)
                );
                sink.push(unchecked(&waiver.name, message, "remove it, or ask for a new date"));
            }
        }
    }
}

/// The last day of a period, if it had days and they are over.
fn over(period: Period, at: Date) -> Option<Date> {
    period.until.filter(|&until| until < at && !period.is_never())
}

fn lapsed_allow(name: &Spanned<String>, until: Date) -> Diagnostic {
    Diagnostic::new(&LAPSED_ALLOW, name.span, format!("the allow `{}` lapsed on {until}", name.value))
        .label("permits nothing any more")
        .help("remove it, or extend `until`")
}

/// Names the allows whose sets meet those of the deny: what they cover of it is what is open again.
fn lapsed_deny(deny: &Rule, until: Date, context: &Context<'_>) -> Diagnostic {
    let message = format!("the deny `{}` lapsed on {until}: what it closed is open again", deny.name.value);
    let found = again(&deny.name, message);
    let mut opened = context.model.rules.iter().filter(|rule| {
        rule.effect == Effect::Allow && rule.period.contains(context.at) && meet(deny, rule, context.model)
    });
    let found = match opened.next() {
        None => return found.note("no allow that is active covers what it closed"),
        Some(first) => found.also(first.name.span, "this allow covers some of what it closed"),
    };
    match opened.count() {
        0 => found,
        more => found.note(format!("{more} more allows cover some of it")),
    }
}

fn meet(a: &Rule, b: &Rule, model: &Model) -> bool {
    let services = |x, y| x == y || model.service(x).intersects(model.service(y));
    let endpoints = |x, y| x == y || model.endpoint(x).intersects(model.endpoint(y));
    a.products.iter().any(|x| {
        b.products.iter().any(|y| {
            services(x.services, y.services) && endpoints(x.source, y.source) && endpoints(x.destination, y.destination)
        })
    })
}

fn again(name: &Spanned<String>, message: String) -> Diagnostic {
    Diagnostic::new(&LAPSED_DENY, name.span, message)
        .label("drops nothing any more")
        .help("extend `until`, or remove it if that is meant to be open")
}

fn unchecked(name: &Spanned<String>, message: String, help: &str) -> Diagnostic {
    Diagnostic::new(&LAPSED_ASSERTION, name.span, message).label("its last day is over").help(help)
}

fn counts(model: &Model, assertion: usize) -> String {
    model.assertions.get(assertion).map_or_else(String::new, |found| format!("`{}` counts", found.name.value))
}
