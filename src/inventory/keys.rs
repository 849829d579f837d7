//! Keys and single values that all kinds of entries share: what is known, what is misspelt, what is an attribute.

use std::borrow::Cow;
use std::fmt;

use super::name::{self, name_fault};
use super::types::Attributes;
use crate::diag::codes::inventory::{BAD_NAME, MISSPELT_KEY, NOT_BOOLEAN, NULL_VALUE, UNKNOWN_KEY, WRONG_KIND};
use crate::diag::{Diagnostic, Sink, closest};
use crate::source::Spanned;
use crate::yaml::{Entry, Map, Node, Value};

/// Who a message is about: "host `erp`".
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    /// "host"
    pub kind: &'a str,
    /// "erp"
    pub name: &'a str,
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.name)
    }
}

/// The known key that `key` is a slip of the fingers away from: also `Tags`, and `subnet-of`.
fn slip<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let key = key.to_lowercase();
    closest(&key, known.iter().copied().filter(|known| may_be_close(&key, known)))
}

/// Whether two words share enough characters for [`closest`] to look at them: nearly all attributes do not, and a hundred
/// thousand of them cost more there than in the parser.
fn may_be_close(key: &str, known: &str) -> bool {
    let shared = key.chars().filter(|&c| known.contains(c)).count();
    let longer = key.chars().count().max(known.chars().count());
    longer - shared.min(longer) <= (longer / 3).max(1)
}

/// Whether some entry that passes a test has the key `wanted`, or nearly so. The exact key is looked for first: it is there as a rule.
pub(super) fn has_nearly(map: &Map<'_>, wanted: &str, test: impl Fn(&Entry<'_>) -> bool) -> bool {
    let nearly = |entry: &Entry<'_>| closest(&entry.key.value.to_lowercase(), [wanted]).is_some();
    map.entries.iter().any(|entry| entry.key.value == wanted && test(entry))
        || map.entries.iter().any(|entry| test(entry) && nearly(entry))
}

/// Reports a key that is not taken at all; `of` is "the device `fw`" or "an inventory".
pub(crate) fn unknown_key(key: &Spanned<Cow<'_, str>>, of: impl fmt::Display, known: &[&str], sink: &mut Sink) {
    let text = &key.value;
    if let Some(meant) = slip(text, known) {
        let message = format!("{of} has a key `{text}`, which looks like `{meant}`");
        sink.push(Diagnostic::new(&MISSPELT_KEY, key.span, message).help(format!("write `{meant}`")));
        return;
    }
    let list: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
    let message = format!("{of} takes no key `{text}`");
    sink.push(Diagnostic::new(&UNKNOWN_KEY, key.span, message).help(format!("its keys are {}", list.join(", "))));
}

/// Takes a key that is not a known one as an attribute, with the text of its scalar.
pub(super) fn attribute(
    entry: &Entry<'_>,
    owner: Owner<'_>,
    known: &[&str],
    attributes: &mut Attributes,
    sink: &mut Sink,
) {
    let key = &entry.key;
    if let Some(meant) = slip(&key.value, known) {
        let message = format!("{owner} has a key `{}`, which looks like `{meant}`", key.value);
        let help = format!("write `{meant}`; an attribute needs a name that differs more");
        return sink.push(Diagnostic::new(&MISSPELT_KEY, key.span, message).help(help));
    }
    if let Some(fault) = name_fault(&key.value) {
        let message = format!("`{}` cannot be the name of an attribute: {fault}", key.value);
        let help = "a policy selects by `key:value`, and the key is a name";
        return sink.push(Diagnostic::new(&BAD_NAME, key.span, message).help(help));
    }
    match &entry.value.value {
        Value::Scalar(scalar) => {
            let text = Spanned::new(scalar.text.clone().into_owned(), entry.value.span);
            attributes.insert(key.value.clone().into_owned(), text);
        }
        Value::Null => {
            let message = format!("attribute `{}` of {owner} has no value", key.value);
            let help = "write a value, or leave the key out";
            sink.push(Diagnostic::new(&NULL_VALUE, entry.value.span, message).help(help));
        }
        Value::List(_) | Value::Map(_) => {
            let message = format!("attribute `{}` of {owner} is {}, not a single value", key.value, entry.value.kind());
            let help =
                format!("write one value, or `tags: [...]`; the known keys of a {} are {}", owner.kind, ticked(known));
            sink.push(Diagnostic::new(&WRONG_KIND, key.span, message).help(help));
        }
        Value::Broken => {}
    }
}

fn ticked(known: &[&str]) -> String {
    let list: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
    list.join(", ")
}

/// `true` or `false`, without quotes; anything else is reported.
pub(super) fn boolean(node: &Node<'_>, key: &str, owner: Owner<'_>, sink: &mut Sink) -> Option<Spanned<bool>> {
    let scalar = node.scalar(format_args!("`{key}` of {owner}"), "`true` or `false`", sink)?;
    let value = match scalar.text.as_ref() {
        "true" if scalar.plain => Some(true),
        "false" if scalar.plain => Some(false),
        _ => None,
    };
    if value.is_none() {
        let message = format!("`{key}` of {owner} is `{}`, neither true nor false", scalar.text);
        let help = "write `true` or `false`, in lower case and without quotes";
        sink.push(Diagnostic::new(&NOT_BOOLEAN, node.span, message).help(help));
    }
    Some(Spanned::new(value?, node.span))
}

/// A name that stands as a value; only its kind is judged here, who it means is for `model`.
pub(super) fn reference(node: &Node<'_>, key: &str, owner: Owner<'_>, sink: &mut Sink) -> Option<Spanned<String>> {
    let scalar = node.scalar(format_args!("`{key}` of {owner}"), "a name", sink)?;
    Some(Spanned::new(scalar.text.clone().into_owned(), node.span))
}

/// The tags of a list, each once.
pub(super) fn tags(node: &Node<'_>, owner: Owner<'_>, sink: &mut Sink) -> Vec<Spanned<String>> {
    let mut found: Vec<Spanned<String>> = Vec::new();
    for item in node.items(format_args!("`tags` of {owner}"), "a list of names", sink) {
        let Some(scalar) = item.scalar(format_args!("a tag of {owner}"), "a name", sink) else { continue };
        if let Some(tag) = name::tag(&scalar.text, item.span, sink)
            && !found.iter().any(|other| other.value == tag.value)
        {
            found.push(tag);
        }
    }
    found
}

/// The addresses of a scalar or list, each read by `read`; `None` where something was reported.
pub(super) fn addresses<T>(
    node: &Node<'_>,
    owner: Owner<'_>,
    read: impl Fn(&str, crate::source::Span, &mut Sink) -> Option<T>,
    sink: &mut Sink,
) -> Vec<Spanned<T>> {
    let mut found = Vec::new();
    for item in node.items(format_args!("`address` of {owner}"), "an address or a list of them", sink) {
        let Some(scalar) = item.scalar(format_args!("an address of {owner}"), "an address", sink) else { continue };
        if let Some(address) = read(&scalar.text, item.span, sink) {
            found.push(Spanned::new(address, item.span));
        }
    }
    found
}

/// The entries of a mapping under `key` of `owner`.
pub(super) fn section<'n, 't>(
    node: &'n Node<'t>,
    key: &str,
    owner: impl fmt::Display,
    sink: &mut Sink,
) -> &'n [Entry<'t>] {
    let map: Option<&Map<'t>> = node.map(format_args!("`{key}` of {owner}"), "a mapping of names", sink);
    map.map_or(&[], |map| map.entries.as_slice())
}
