//! The tree.

use std::borrow::Cow;
use std::fmt;

use crate::diag::codes::inventory::{NULL_VALUE, WRONG_KIND};
use crate::diag::{Diagnostic, Sink};
use crate::source::{Span, Spanned};

/// A value and where it stands. The span of a quoted scalar is what stands between the quotes.
#[derive(Debug, Clone)]
pub struct Node<'t> {
    /// Where it stands; for lists and mappings from the first to the last item.
    pub span: Span,
    /// What it is.
    pub value: Value<'t>,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Value<'t> {
    /// Nothing, `~` or `null`.
    Null,
    /// Anything with a text: a word, number, date or quoted text.
    Scalar(Scalar<'t>),
    /// `[a, b]`, or lines with `-`.
    List(Vec<Node<'t>>),
    /// `{a: b}`, or lines with `a: b`.
    Map(Map<'t>),
    /// Something that was already reported.
    Broken,
}

/// The text of a scalar.
#[derive(Debug, Clone)]
pub struct Scalar<'t> {
    /// Its text, escapes resolved.
    pub text: Cow<'t, str>,
    /// Whether it stands without quotes.
    pub plain: bool,
}

/// Keys with values, in the order of the file, no key twice.
#[derive(Debug, Clone, Default)]
pub struct Map<'t> {
    /// The entries.
    pub entries: Vec<Entry<'t>>,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub struct Entry<'t> {
    /// The key.
    pub key: Spanned<Cow<'t, str>>,
    /// The value.
    pub value: Node<'t>,
}

impl<'t> Node<'t> {
    /// What it is, with its article, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null | Value::Broken => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// Its scalar; anything else is reported: `what` is not `wanted`.
    pub fn scalar(&self, what: fmt::Arguments<'_>, wanted: &str, sink: &mut Sink) -> Option<&Scalar<'t>> {
        if let Value::Scalar(scalar) = &self.value {
            return Some(scalar);
        }
        self.mismatch(what, wanted, sink);
        None
    }

    /// Its entries; anything else is reported: `what` is not `wanted`.
    pub fn map(&self, what: fmt::Arguments<'_>, wanted: &str, sink: &mut Sink) -> Option<&Map<'t>> {
        if let Value::Map(map) = &self.value {
            return Some(map);
        }
        self.mismatch(what, wanted, sink);
        None
    }

    /// Its items, a scalar being a list of one; anything else is reported: `what` is not `wanted`.
    pub fn items(&self, what: fmt::Arguments<'_>, wanted: &str, sink: &mut Sink) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Scalar(_) => std::slice::from_ref(self),
            Value::Null | Value::Map(_) | Value::Broken => {
                self.mismatch(what, wanted, sink);
                &[]
            }
        }
    }

    fn mismatch(&self, what: fmt::Arguments<'_>, wanted: &str, sink: &mut Sink) {
        match self.value {
            Value::Broken => {}
            Value::Null => sink.push(
                Diagnostic::new(&NULL_VALUE, self.span, format!("{what} has no value"))
                    .label(format!("{wanted} belongs here"))
                    .help(if wanted.starts_with("a mapping") {
                        "write `{}` if there is nothing to say about it, or leave the key out"
                    } else {
                        "write a value, or leave the key out"
                    }),
            ),
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => sink.push(
                Diagnostic::new(&WRONG_KIND, self.span, format!("{what} is {}, not {wanted}", self.kind()))
                    .label(format!("{wanted} belongs here"))
                    .help(self.mend(wanted)),
            ),
        }
    }

    /// What to type in its place.
    fn mend(&self, wanted: &str) -> String {
        match &self.value {
            Value::Scalar(scalar) if wanted.contains("mapping of keys") => {
                format!("write keys with values: `{{ key: {} }}`", scalar.text)
            }
            Value::List(_) if wanted.contains("mapping of names") => {
                "write the names as keys, `name: { ... }`, not as a list".to_owned()
            }
            Value::List(items) if items.len() == 1 && !wanted.contains("mapping") => {
                "leave out the brackets, or the `-`".to_owned()
            }
            Value::Null | Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Broken => {
                format!("write {wanted}")
            }
        }
    }
}
