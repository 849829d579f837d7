//! What may be called what.
//!
//! The same NAME as in `grammar/policy.pest`, told by hand here because an inventory has a hundred thousand of them.

use std::borrow::Cow;
use std::fmt;

use pest::unicode::{DECIMAL_NUMBER, LETTER, MARK};

use crate::diag::codes::inventory::{BAD_NAME, BAD_TAG, KEYWORD_NAME};
use crate::diag::{Diagnostic, Sink};
use crate::source::Spanned;

/// The reserved words of the policy language, sorted.
const KEYWORDS: &[&str] = &[
    "advisory",
    "allow",
    "any",
    "because",
    "both-ways",
    "by",
    "deny",
    "except",
    "feed",
    "for",
    "from",
    "group",
    "keep",
    "log",
    "must",
    "never",
    "of",
    "on",
    "only",
    "owner",
    "purpose",
    "quarantine",
    "ref",
    "review",
    "service",
    "start",
    "ticket",
    "to",
    "transitive",
    "until",
    "via",
    "waive",
];

/// Why a text is no NAME.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameFault {
    /// It is empty.
    Empty,
    /// It reads as a whole number.
    Number,
    /// It reads as a date.
    Date,
    /// It reads as an address or a range of them.
    Address,
    /// It begins with this character.
    Start(char),
    /// It holds this character.
    Character(char),
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Number => f.write_str("it reads as a number"),
            Self::Date => f.write_str("it reads as a date"),
            Self::Address => f.write_str("it reads as an address"),
            Self::Start(' ') => f.write_str("it begins with a blank"),
            Self::Start(c) => write!(f, "it begins with `{}`", c.escape_debug()),
            Self::Character(' ') => f.write_str("it holds a blank"),
            Self::Character(c) => write!(f, "it holds `{}`", c.escape_debug()),
        }
    }
}

/// Why `text` is no NAME; `None` if it is one.
pub(super) fn name_fault(text: &str) -> Option<NameFault> {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return Some(NameFault::Empty) };
    if first.is_ascii_digit() {
        return number_like(text).or_else(|| characters.find(|&c| !is_inner(c)).map(NameFault::Character));
    }
    if text.contains(':') && text.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '/' | '-')) {
        return Some(NameFault::Address);
    }
    if !(first.is_ascii_alphabetic() || first == '_' || (!first.is_ascii() && (LETTER(first) || DECIMAL_NUMBER(first))))
    {
        return Some(NameFault::Start(first));
    }
    characters.find(|&c| !is_inner(c)).map(NameFault::Character)
}

fn is_inner(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    }
    LETTER(c) || MARK(c) || DECIMAL_NUMBER(c)
}

/// The literal that a text with a digit in front would be read as.
fn number_like(text: &str) -> Option<NameFault> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(NameFault::Number);
    }
    let bytes = text.as_bytes();
    let shape = |(at, byte): (usize, &u8)| if matches!(at, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() };
    if bytes.len() == 10 && bytes.iter().enumerate().all(shape) {
        return Some(NameFault::Date);
    }
    if !bytes.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'/' | b'-')) {
        return None;
    }
    (text.contains(':') || begins_with_ipv4(text)).then_some(NameFault::Address)
}

fn begins_with_ipv4(text: &str) -> bool {
    let mut parts = text.splitn(4, '.');
    let digits =
        |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let last_begins = |part: Option<&str>| part.is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    digits(parts.next()) && digits(parts.next()) && digits(parts.next()) && last_begins(parts.next())
}

/// The name at a key of `what` ("site", "host"), any NAME; anything else is reported.
pub(super) fn local_name(key: &Spanned<Cow<'_, str>>, what: &str, sink: &mut Sink) -> Option<Spanned<String>> {
    if let Some(fault) = name_fault(&key.value) {
        let message = format!("`{}` cannot be the name of a {what}: {fault}", key.value);
        sink.push(Diagnostic::new(&BAD_NAME, key.span, message).help(proposal(&key.value, what)));
        return None;
    }
    Some(Spanned::new(key.value.clone().into_owned(), key.span))
}

/// Like [`local_name`], for what a policy calls by the bare name: keywords are reported too.
pub(super) fn global_name(key: &Spanned<Cow<'_, str>>, what: &str, sink: &mut Sink) -> Option<Spanned<String>> {
    if KEYWORDS.binary_search(&key.value.as_ref()).is_ok() {
        let message = format!("`{}` is a keyword of the policy language and cannot be the name of a {what}", key.value);
        let help = format!("call it `{}-{what}`, for example", key.value);
        sink.push(Diagnostic::new(&KEYWORD_NAME, key.span, message).help(help));
        return None;
    }
    local_name(key, what, sink)
}

/// A tag; what is no NAME is reported.
pub(super) fn tag(text: &str, span: crate::source::Span, sink: &mut Sink) -> Option<Spanned<String>> {
    if let Some(fault) = name_fault(text) {
        let message = format!("`{text}` cannot be a tag: {fault}");
        sink.push(Diagnostic::new(&BAD_TAG, span, message).help(proposal(text, "tag")));
        return None;
    }
    Some(Spanned::new(text.to_owned(), span))
}

/// The nearest NAME.
fn proposal(text: &str, what: &str) -> String {
    let mut mended: String = text.chars().map(|c| if is_inner(c) { c } else { '-' }).collect();
    let at = mended.find(|c: char| c != '-' && c != '.').unwrap_or(mended.len());
    mended.drain(..at);
    if name_fault(&mended).is_some() {
        mended = format!("{what}-{mended}");
    }
    let mended = mended.trim_end_matches('-');
    format!("write a letter, digit or `_`, then these, `-` and `.`: `{mended}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_script() {
        for name in
            ["a", "1a", "_x", "東京", "กรุงเทพ", "ศูนย์ข้อมูล", "v1.2", "1.5", "10.0", "2026-02", "r2-d2", "0x10", "1e3"]
        {
            assert_eq!(name_fault(name), None, "{name}");
        }
    }

    #[test]
    fn what_reads_as_something_else() {
        for (text, fault) in [
            ("", NameFault::Empty),
            ("12", NameFault::Number),
            ("2026-01-01", NameFault::Date),
            ("10.0.0.1", NameFault::Address),
            ("10.0.0.300", NameFault::Address),
            ("10.0.0.1-10.0.0.9", NameFault::Address),
            ("10.0.0.0/24", NameFault::Address),
            ("fd00::1", NameFault::Address),
            ("::1", NameFault::Address),
            ("2001:db8::1", NameFault::Address),
            ("-a", NameFault::Start('-')),
            ("a b", NameFault::Character(' ')),
            ("a/b", NameFault::Character('/')),
            ("1/b", NameFault::Character('/')),
        ] {
            assert_eq!(name_fault(text), Some(fault), "{text}");
        }
    }

    #[test]
    fn keywords_are_sorted() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn proposals_are_names() {
        for text in ["", "12", "a b", "--", "10.0.0.1", "ü/ö", "2026-01-01", " x", "🙂"] {
            let help = proposal(text, "site");
            let mended = help.rsplit('`').nth(1).unwrap();
            assert_eq!(name_fault(mended), None, "{text} -> {mended}");
        }
    }
}
