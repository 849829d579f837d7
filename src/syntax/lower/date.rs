//! Dates: `2026-06-30`.

use jiff::civil::Date;
use pest::iterators::Pair;

use super::Context;
use crate::diag::Diagnostic;
use crate::diag::codes::syntax;
use crate::source::Spanned;
use crate::syntax::grammar::Rule;

/// A date of the calendar; `None` if there is no such day, which is reported.
pub(super) fn date(context: &mut Context<'_>, pair: &Pair<'_, Rule>) -> Option<Spanned<Date>> {
    let span = context.span(pair);
    let text = pair.as_str();
    if let Ok(date) = text.parse::<Date>() {
        return Some(Spanned::new(date, span));
    }
    let error = Diagnostic::new(&syntax::NO_SUCH_DATE, span, format!("there is no day `{text}`"));
    context.report(explain(error, text));
    None
}

fn explain(error: Diagnostic, text: &str) -> Diagnostic {
    let mut parts = text.split('-').map(|part| part.parse::<i16>().unwrap_or(0));
    let (year, month) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let first = i8::try_from(month).ok().and_then(|month| Date::new(year, month, 1).ok());
    match first {
        Some(first) => {
            let last = first.last_of_month();
            error.label(format!("this month has {} days", last.day())).help(format!("use `{last}` for its last day"))
        }
        None => error.label("months go from 01 to 12").help("write year, month and day, as in `2026-06-30`"),
    }
}
