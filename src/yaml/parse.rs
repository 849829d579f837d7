//! Events of the YAML parser to trees. The only file that names the YAML crate.
//!
//! The parser's events are used, not its serde layer: they give byte offsets for keys and values alike, go on after a
//! duplicate key, and let a later document be read after one that is broken.

use std::borrow::Cow;
use std::collections::HashMap;

pub(super) use serde_yaml::granit_parser::ErrorKind;
use serde_yaml::granit_parser::{self as events, Event, Parser, ScalarStyle, ScanError};

use super::message::explain;
use super::node::{Entry, Map, Node, Scalar, Value};
use crate::diag::codes::inventory::{
    ALIAS_LIMIT, ALIAS_UNKNOWN, DUPLICATE_KEY, KEY_NOT_TEXT, MERGE_KEY, NULL_VALUE, YAML_SYNTAX, YAML_TAG,
};
use crate::diag::{Diagnostic, Sink};
use crate::source::{FileId, Span, Spanned};

/// Lists and mappings inside each other; an inventory needs six.
const MAX_DEPTH: usize = 64;
/// Nodes that aliases may add to one file: far beyond use, far below a bomb.
const MAX_ALIASED: usize = 250_000;

/// Reads one file: a tree for each document that is not empty.
///
/// What is wrong with the YAML itself goes to `sink`; the trees then hold what can be judged without it: of a document
/// with a syntax error, the entries of the first two levels that end before it.
pub fn parse<'t>(file: FileId, text: &'t str, sink: &mut Sink) -> Vec<Node<'t>> {
    let options = events::options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        block_nesting_limit: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH,
    };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder::new(file, text, sink);
    loop {
        match parser.next_event() {
            None => break,
            Some(Ok((event, span))) => builder.event(event, span),
            Some(Err(error)) => {
                builder.broken(&error);
                if !parser.proceed_next_document().unwrap_or(false) {
                    break;
                }
            }
        }
    }
    builder.documents
}

/// A list or mapping whose end is still to come.
struct Open<'t> {
    span: Span,
    anchor: usize,
    kind: OpenKind<'t>,
    size: usize,
    depth: usize,
}

enum OpenKind<'t> {
    List(Vec<Node<'t>>),
    Map { entries: Vec<Entry<'t>>, key: Option<Key<'t>> },
}

/// A key whose value is still to come; `None` where the key was refused.
type Key<'t> = Option<Spanned<Cow<'t, str>>>;

/// A finished anchored node, with how many nodes it has and how deep it is.
struct Anchored<'t> {
    node: Node<'t>,
    size: usize,
    depth: usize,
}

struct Builder<'t, 's> {
    file: FileId,
    text: &'t str,
    sink: &'s mut Sink,
    open: Vec<Open<'t>>,
    anchors: HashMap<usize, Anchored<'t>>,
    aliased: usize,
    documents: Vec<Node<'t>>,
}

impl<'t, 's> Builder<'t, 's> {
    fn new(file: FileId, text: &'t str, sink: &'s mut Sink) -> Self {
        Self { file, text, sink, open: Vec::new(), anchors: HashMap::new(), aliased: 0, documents: Vec::new() }
    }

    fn event(&mut self, event: Event<'t>, at: events::Span) {
        let span = self.span(at);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.tag(tag.is_some(), at, span);
                let node = self.scalar(text, style, span);
                self.add(node, anchor, 1, 0);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.is_some(), at, span);
                self.start(OpenKind::List(Vec::new()), anchor, span);
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tag(tag.is_some(), at, span);
                self.start(OpenKind::Map { entries: Vec::new(), key: None }, anchor, span);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(id) => self.alias(id, span),
            Event::UnresolvedAlias(name) => {
                let message = format!("no anchor `&{name}` stands before this alias");
                self.sink.push(
                    Diagnostic::new(&ALIAS_UNKNOWN, span, message)
                        .help("write the value itself, or quote it if the `*` belongs to it"),
                );
                self.add(Node { span, value: Value::Broken }, 0, 1, 0);
            }
            _ => {}
        }
    }

    fn span(&self, at: events::Span) -> Span {
        let range = at.byte_range().unwrap_or(0..0);
        Span::new(self.file, range.start, range.end)
    }

    fn tag(&mut self, tagged: bool, at: events::Span, node: Span) {
        if tagged {
            let span = at.tag_span().map_or(node, |tag| self.span(tag));
            self.sink.push(
                Diagnostic::new(&YAML_TAG, span, "a YAML tag has no meaning in an inventory")
                    .help("leave the tag out; put the value into quotes where it is a text"),
            );
        }
    }

    fn scalar(&self, text: Cow<'t, str>, style: ScalarStyle, span: Span) -> Node<'t> {
        let plain = style == ScalarStyle::Plain;
        if plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL") {
            return Node { span, value: Value::Null };
        }
        let span = match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted if span.end > span.start + 2 => {
                Span { start: span.start + 1, end: span.end - 1, ..span }
            }
            ScalarStyle::Literal | ScalarStyle::Folded => self.trimmed(span),
            ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => span,
        };
        Node { span, value: Value::Scalar(Scalar { text, plain }) }
    }

    fn trimmed(&self, span: Span) -> Span {
        let (start, end) = (span.start as usize, span.end as usize);
        let length = self.text.get(start..end).map_or(0, |text| text.trim_end().len());
        Span::new(self.file, start, start + length)
    }

    fn start(&mut self, kind: OpenKind<'t>, anchor: usize, span: Span) {
        self.open.push(Open { span, anchor, kind, size: 1, depth: 1 });
    }

    fn end(&mut self, end: Span) {
        let Some(open) = self.open.pop() else { return };
        let Open { mut span, anchor, kind, size, depth } = open;
        let last = match &kind {
            OpenKind::List(items) => items.last().map(|item| item.span),
            OpenKind::Map { entries, .. } => entries.last().map(|entry| entry.value.span),
        };
        // The end of a block collection is where the next thing begins; of a flow collection it is the bracket.
        let bracket = matches!(self.text.as_bytes().get(span.start as usize), Some(b'[' | b'{')) && end.start < end.end;
        span.end = if bracket { end.end } else { last.map_or(span.end, |last| last.end) }.max(span.end);
        let value = match kind {
            OpenKind::List(items) => Value::List(items),
            OpenKind::Map { entries, .. } => Value::Map(Map { entries: self.without_repetitions(entries) }),
        };
        self.add(Node { span, value }, anchor, size, depth);
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node<'t>, anchor: usize, size: usize, depth: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored { node: node.clone(), size, depth });
        }
        let Some(open) = self.open.last_mut() else {
            if !matches!(node.value, Value::Null) {
                self.documents.push(node);
            }
            return;
        };
        open.size += size;
        open.depth = open.depth.max(depth + 1);
        match &mut open.kind {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map { entries, key } => match key.take() {
                Some(Some(key)) => entries.push(Entry { key, value: node }),
                Some(None) => {}
                None => *key = Some(accept_key(node, self.sink)),
            },
        }
    }

    fn alias(&mut self, id: usize, span: Span) {
        let Some(Anchored { node, size, depth }) = self.anchors.get(&id) else {
            let message = "this alias stands inside what it is an alias for";
            self.sink.push(Diagnostic::new(&ALIAS_LIMIT, span, message).help("write the value itself"));
            return self.add(Node { span, value: Value::Broken }, 0, 1, 0);
        };
        let (size, depth) = (*size, *depth);
        if self.aliased.saturating_add(size) > MAX_ALIASED || self.open.len() + depth > MAX_DEPTH {
            let message = format!("the aliases up to here stand for more than {MAX_ALIASED} values, or nest too deep");
            if self.aliased <= MAX_ALIASED {
                self.sink.push(Diagnostic::new(&ALIAS_LIMIT, span, message).help("write the values themselves"));
            }
            self.aliased = MAX_ALIASED + 1;
            return self.add(Node { span, value: Value::Broken }, 0, 1, 0);
        }
        self.aliased += size;
        let node = node.clone();
        self.add(node, 0, size, depth);
    }

    /// Reports keys that occur again, and keeps the first of each.
    fn without_repetitions(&mut self, mut entries: Vec<Entry<'t>>) -> Vec<Entry<'t>> {
        if are_few_and_distinct(&entries) {
            return entries;
        }
        let mut order: Vec<usize> = (0..entries.len()).collect();
        let text_of = |at: usize| entries.get(at).map(|entry| entry.key.value.as_ref());
        order.sort_unstable_by_key(|&at| (text_of(at), at));
        let mut again = Vec::new();
        let mut first: Option<usize> = None;
        for &at in &order {
            match first.filter(|&first| text_of(first) == text_of(at)) {
                Some(first) => again.push((at, first)),
                None => first = Some(at),
            }
        }
        if again.is_empty() {
            return entries;
        }
        again.sort_unstable();
        for &(at, first) in again.iter().rev() {
            if let Some(first) = entries.get(first).map(|entry| entry.key.span) {
                let entry = entries.remove(at);
                self.sink.push(
                    Diagnostic::new(&DUPLICATE_KEY, entry.key.span, format!("`{}` stands here twice", entry.key.value))
                        .label("again here")
                        .also(first, "first here")
                        .help("keep one of the two"),
                );
            }
        }
        entries
    }

    /// A syntax error: keeps what ended before it, so that its mistakes are reported in the same run.
    fn broken(&mut self, error: &ScanError) {
        let at = error.marker().byte_offset().unwrap_or(0).min(self.text.len());
        let end = self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |next| at + next.len_utf8());
        let (message, help) = explain(error.kind());
        let found = Diagnostic::new(&YAML_SYNTAX, Span::new(self.file, at, end), message).label("reading stops here");
        self.sink.push(match help {
            Some(help) => found.help(help),
            None => found,
        });
        self.salvage();
    }

    /// Closes the root and its section; deeper, and last, things may be other than they seem.
    fn salvage(&mut self) {
        let deeper = self.open.len() > 2;
        self.open.truncate(2);
        if let (false, Some(open)) = (deeper, self.open.last_mut()) {
            forget_last(&mut open.kind);
        }
        while let Some(open) = self.open.last_mut() {
            if matches!(open.kind, OpenKind::List(_)) {
                let span = open.span;
                self.open.pop();
                self.add(Node { span, value: Value::Broken }, 0, 1, 0);
                continue;
            }
            let end = Span { end: open.span.start, ..open.span };
            self.end(end);
        }
    }
}

/// Whether a mapping is short, as nearly all are, and no key stands in it twice: seen without a list of its own.
fn are_few_and_distinct(entries: &[Entry<'_>]) -> bool {
    let is_new = |at, key: &str| !entries.iter().take(at).any(|before| before.key.value == key);
    entries.len() <= 8 && entries.iter().enumerate().all(|(at, entry)| is_new(at, &entry.key.value))
}

/// Takes away the last entry of a section, or of the last section of a root.
fn forget_last(kind: &mut OpenKind<'_>) {
    if let OpenKind::Map { entries, .. } = kind {
        match entries.last_mut().map(|entry| &mut entry.value.value) {
            Some(Value::Map(section)) => drop(section.entries.pop()),
            _ => drop(entries.pop()),
        }
    }
}

/// The text of a key; `None`, reported, where it has none or must not be used.
fn accept_key<'t>(node: Node<'t>, sink: &mut Sink) -> Key<'t> {
    let Node { span, value } = node;
    match value {
        Value::Scalar(Scalar { text, plain: true }) if text == "<<" => {
            sink.push(
                Diagnostic::new(&MERGE_KEY, span, "`<<` would merge values that are written elsewhere")
                    .help("write the values here, or use an alias for one whole value"),
            );
            None
        }
        Value::Scalar(Scalar { text, .. }) => Some(Spanned::new(text, span)),
        Value::Null => {
            sink.push(
                Diagnostic::new(&NULL_VALUE, span, "a key is missing before this `:`")
                    .help("write a key; put it into quotes if it is the word `null`"),
            );
            None
        }
        Value::List(_) | Value::Map(_) => {
            let message = "a list or mapping stands where a key belongs";
            sink.push(
                Diagnostic::new(&KEY_NOT_TEXT, span, message)
                    .help("write a name before the `:`; quote it if it begins with `[` or `{`"),
            );
            None
        }
        Value::Broken => None,
    }
}
