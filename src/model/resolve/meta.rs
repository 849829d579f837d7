//! Dates and words: a statement's own, with the defaults of its purpose.

use jiff::civil::Date;

use crate::diag::codes::statements;
use crate::diag::{Diagnostic, Sink};
use crate::model::types::{Meta, Period};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{self, Name, Purpose};

/// Reports a period that ends before it starts.
pub(super) fn check_dates(meta: &ast::Meta, sink: &mut Sink) {
    let (Some(start), Some(until)) = (&meta.start, &meta.until) else { return };
    if until.value < start.value {
        let message = format!("the last day {} is before the first day {}", until.value, start.value);
        sink.push(
            Diagnostic::new(&statements::ENDS_BEFORE_START, until.span, message)
                .label("ends here")
                .also(start.span, "starts here")
                .help("exchange the two dates, or mend the year"),
        );
    }
}

/// When a statement is active. A lint speaks if purpose and statement have no day in common, each being sound for itself.
pub(super) fn period(
    meta: &ast::Meta,
    purpose: Option<&Purpose>,
    kind: &str,
    name: &Spanned<String>,
    sink: &mut Sink,
) -> Period {
    check_dates(meta, sink);
    let outer = purpose.map(|purpose| &purpose.meta);
    let start = later(meta.start, outer.and_then(|outer| outer.start));
    let until = sooner(meta.until, outer.and_then(|outer| outer.until));
    let period = Period { start: start.map(|date| date.value), until: until.map(|date| date.value) };
    let is_sound = |meta: &ast::Meta| !own_period(meta).is_never();
    if let (Some(start), Some(until), true) = (start, until, period.is_never())
        && is_sound(meta)
        && outer.is_none_or(is_sound)
    {
        sink.push(never_active(kind, name, start, until));
    }
    period
}

fn own_period(meta: &ast::Meta) -> Period {
    Period { start: meta.start.map(|date| date.value), until: meta.until.map(|date| date.value) }
}

fn never_active(kind: &str, name: &Spanned<String>, start: Spanned<Date>, until: Spanned<Date>) -> Diagnostic {
    let message = format!("the {kind} `{}` is never active", name.value);
    Diagnostic::new(&statements::NEVER_ACTIVE, name.span, message)
        .label("has no day in common with its purpose")
        .also(start.span, "not before this day")
        .also(until.span, "not after this day")
        .help("mend the dates, or remove it")
}

fn later(a: Option<Spanned<Date>>, b: Option<Spanned<Date>>) -> Option<Spanned<Date>> {
    a.into_iter().chain(b).max_by_key(|date| date.value)
}

fn sooner(a: Option<Spanned<Date>>, b: Option<Spanned<Date>>) -> Option<Spanned<Date>> {
    a.into_iter().chain(b).min_by_key(|date| date.value)
}

/// The words of a statement: its own where it has them, else those of its purpose.
pub(super) fn words(meta: &ast::Meta, title: Option<&Name>, purpose: Option<&Purpose>) -> Meta {
    let outer = purpose.map(|purpose| &purpose.meta);
    let word = |part: fn(&ast::Meta) -> &Option<Name>| {
        part(meta).as_ref().or_else(|| outer.and_then(|outer| part(outer).as_ref())).map(|name| name.value.clone())
    };
    let refs = if meta.refs.is_empty() { outer.map_or(&[][..], |outer| &outer.refs) } else { &meta.refs };
    Meta {
        owner: word(|meta| &meta.owner),
        ticket: word(|meta| &meta.ticket),
        because: word(|meta| &meta.because),
        by: word(|meta| &meta.by),
        review: meta.review.or(outer.and_then(|outer| outer.review)).map(|date| date.value),
        refs: refs.iter().map(|name| name.value.clone()).collect(),
        purpose: purpose.map(|purpose| purpose.name.value.clone()),
        title: title.map(|title| title.value.clone()),
    }
}

/// Whether a mark such as `log` stands at the statement or at its purpose.
pub(super) fn marked(meta: &ast::Meta, purpose: Option<&Purpose>, mark: fn(&ast::Meta) -> Option<Span>) -> bool {
    mark(meta).or_else(|| purpose.and_then(|purpose| mark(&purpose.meta))).is_some()
}
