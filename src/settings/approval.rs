//! `approvals/*.yaml`: who has agreed to what a change opens.
//!
//! An approval names flows by their digest and by nothing else, so it holds for exactly those.

use jiff::civil::Date;

use crate::diag::codes::input::NO_APPROVAL;
use crate::diag::{Diagnostic, Sink};
use crate::inventory::keys::unknown_key;
use crate::source::{FileId, Sources, Span, Spanned};
use crate::yaml::{self, Entry, Node, Value};

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its file.
    pub file: FileId,
    /// The digest of the flows that may be opened.
    pub opens: Option<String>,
    /// The digest of the guards that may be weakened.
    pub weakens: Option<String>,
    /// Who agreed.
    pub approved_by: Vec<String>,
    /// Where it was discussed.
    pub ticket: String,
    /// When they agreed.
    pub date: Date,
    /// The last day on which it counts.
    pub until: Option<Date>,
    /// Why, in words.
    pub why: Option<String>,
}

const KEYS: &[&str] = &["opens", "weakens", "approved_by", "ticket", "date", "until", "why"];

/// Reads the approvals of a project; a file with a mistake in it is none, and the mistake is in `sink`.
pub fn read_approvals(sources: &Sources, files: impl Iterator<Item = FileId>, sink: &mut Sink) -> Vec<Approval> {
    let mut found = Vec::new();
    for file in files {
        for document in yaml::parse(file, sources.text(file), sink) {
            found.extend(approval(file, &document, sink));
        }
    }
    found
}

fn approval(file: FileId, document: &Node<'_>, sink: &mut Sink) -> Option<Approval> {
    let map = document.map(format_args!("an approval"), "a mapping with `opens` and `approved_by`", sink)?;
    let mut draft = Draft::default();
    for entry in &map.entries {
        draft.take(entry, sink);
    }
    draft.finish(file, document.span, sink)
}

/// An approval on the way.
#[derive(Default)]
struct Draft {
    opens: Option<String>,
    weakens: Option<String>,
    approved_by: Vec<String>,
    ticket: Option<String>,
    date: Option<Date>,
    until: Option<Date>,
    why: Option<String>,
    is_wrong: bool,
}

impl Draft {
    fn take(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let key = entry.key.value.as_ref();
        match key {
            "opens" => self.opens = self.read(entry, "a digest that `sekisho gate` prints", digest, sink),
            "weakens" => self.weakens = self.read(entry, "a digest that `sekisho gate` prints", digest, sink),
            "approved_by" => self.approved_by = self.names(entry, sink),
            "ticket" => self.ticket = self.read(entry, "the number of a ticket", words, sink),
            "date" => self.date = self.read(entry, "a date such as 2026-11-22", date, sink),
            "until" => self.until = self.read(entry, "a date such as 2026-12-31", date, sink),
            "why" => self.why = self.read(entry, "a reason in words", words, sink),
            _ => {
                self.is_wrong = true;
                unknown_key(&entry.key, "an approval", KEYS, sink);
            }
        }
    }

    fn read<T>(
        &mut self,
        entry: &Entry<'_>,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
        sink: &mut Sink,
    ) -> Option<T> {
        let key = &entry.key.value;
        let found = entry.value.scalar(format_args!("`{key}`"), wanted, sink).map(|scalar| parse(&scalar.text));
        if found.as_ref().is_some_and(Option::is_none) {
            let message = format!("`{key}` of an approval is not {wanted}");
            sink.push(Diagnostic::new(&NO_APPROVAL, entry.value.span, message).help(format!("write {wanted}")));
        }
        let found = found.flatten();
        self.is_wrong |= found.is_none();
        found
    }

    /// One name or a list of them.
    fn names(&mut self, entry: &Entry<'_>, sink: &mut Sink) -> Vec<String> {
        let one = std::slice::from_ref(&entry.value);
        let nodes = if matches!(entry.value.value, Value::List(_)) {
            entry.value.items(format_args!("`approved_by`"), "a list of names", sink)
        } else {
            one
        };
        let mut names: Vec<Spanned<String>> = Vec::new();
        for node in nodes {
            match node.scalar(format_args!("`approved_by`"), "a name", sink).and_then(|scalar| words(&scalar.text)) {
                Some(name) => names.push(Spanned::new(name, node.span)),
                None => self.is_wrong = true,
            }
        }
        names.into_iter().map(|name| name.value).collect()
    }

    fn finish(self, file: FileId, span: Span, sink: &mut Sink) -> Option<Approval> {
        if self.is_wrong {
            return None;
        }
        let missing: Vec<&str> = [
            ("`opens` or `weakens`", self.opens.is_none() && self.weakens.is_none()),
            ("`approved_by`", self.approved_by.is_empty()),
            ("`ticket`", self.ticket.is_none()),
            ("`date`", self.date.is_none()),
        ]
        .into_iter()
        .filter_map(|(key, is_missing)| is_missing.then_some(key))
        .collect();
        if !missing.is_empty() {
            let message = format!("an approval lacks {}", missing.join(" and "));
            let help = "copy what `sekisho gate` prints, and fill in who, why and when";
            sink.push(Diagnostic::new(&NO_APPROVAL, span, message).help(help));
            return None;
        }
        Some(Approval {
            file,
            opens: self.opens,
            weakens: self.weakens,
            approved_by: self.approved_by,
            ticket: self.ticket?,
            date: self.date?,
            until: self.until,
            why: self.why,
        })
    }
}

fn digest(text: &str) -> Option<String> {
    let hex = text.strip_prefix("sha256:")?;
    let is_hex = hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| text.to_owned())
}

fn words(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn date(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == 10)
}
