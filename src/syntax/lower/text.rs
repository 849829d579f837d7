//! Strings and words.

use pest::iterators::Pair;

use super::Context;
use crate::diag::Diagnostic;
use crate::diag::codes::syntax;
use crate::source::Spanned;
use crate::syntax::ast::Name;
use crate::syntax::grammar::Rule;

/// A STRING without its quotes and escapes, or a plain name as it stands. The span includes the quotes.
///
/// Unknown escapes and control characters are reported, each at its place, and left out of the value.
pub(super) fn word(context: &mut Context<'_>, pair: &Pair<'_, Rule>) -> Name {
    let text = pair.as_str();
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return context.name(pair);
    };
    if !inner.contains(|c: char| c == '\\' || c.is_control()) {
        return Spanned::new(inner.to_owned(), context.span(pair));
    }
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner.char_indices();
    while let Some((at, character)) = rest.next() {
        if character == '\\' {
            match rest.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                other => unknown_escape(context, pair, at, other.map(|(_, escaped)| escaped)),
            }
        } else if character.is_control() {
            control_character(context, pair, at, character);
        } else {
            value.push(character);
        }
    }
    Spanned::new(value, context.span(pair))
}

fn unknown_escape(context: &mut Context<'_>, pair: &Pair<'_, Rule>, at: usize, escaped: Option<char>) {
    let shown: String = std::iter::once('\\').chain(escaped.filter(|c| !c.is_control())).collect();
    let span = context.part(pair, at + 1, 1 + escaped.map_or(0, char::len_utf8));
    context.report(
        Diagnostic::new(&syntax::STRING_CONTENT, span, format!("strings have no escape `{shown}`"))
            .label("the only escapes are `\\\"` and `\\\\`")
            .help(format!("write `\\{shown}` for the backslash itself")),
    );
}

fn control_character(context: &mut Context<'_>, pair: &Pair<'_, Rule>, at: usize, character: char) {
    let span = context.part(pair, at + 1, character.len_utf8());
    let shown = if character == '\t' {
        "a tab".to_owned()
    } else {
        format!("the control character U+{:04X}", u32::from(character))
    };
    context.report(
        Diagnostic::new(&syntax::STRING_CONTENT, span, format!("a string holds {shown}"))
            .label("it would end up in device configurations")
            .help("write a blank in its place"),
    );
}
