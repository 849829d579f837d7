//! Text to lines: the grammar `grammar/iptables_save.pest`, one line at a time.
//!
//! A reader would ask why not the whole file at once: pest stops at the first line that does not fit, and everything behind it would be lost.

use pest::Parser as _;
use pest::iterators::Pair;

/// The parser that pest makes of the grammar.
mod grammar {
    #![allow(missing_docs, reason = "the rules are documented in the grammar")]

    use pest_derive::Parser;

    #[derive(Parser)]
    #[grammar = "../grammar/iptables_save.pest"]
    pub struct Grammar;
}

use grammar::{Grammar, Rule};

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Without quotes and escapes.
    pub text: String,
    /// Whether any of it stood in quotes: then it is no `!`.
    pub quoted: bool,
}

impl Word {
    /// As it could be written.
    pub fn written(&self) -> String {
        if self.quoted {
            return format!("\"{}\"", self.text.replace('\\', "\\\\").replace('"', "\\\""));
        }
        self.text.clone()
    }

    /// Whether it turns the next option round.
    pub fn is_bang(&self) -> bool {
        self.text == "!" && !self.quoted
    }
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing, or a remark; its text.
    Remark(String),
    /// `*filter`
    Table(String),
    /// `COMMIT`
    Commit,
    /// `:FORWARD DROP [0:0]`; no policy is `-`.
    Chain {
        /// Its name.
        name: String,
        /// `ACCEPT`, `DROP` or `-`.
        policy: String,
    },
    /// Words that begin with an option.
    Command(Vec<Word>),
    /// It fits no form.
    Unreadable,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: usize,
    /// Without blanks around it.
    pub text: String,
    /// What it is.
    pub content: Content,
}

/// The lines of a file; those that hold nothing are left out.
pub fn lines(text: &str) -> impl Iterator<Item = Line> + '_ {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let numbered = text.split('\n').map(|line| line.trim_matches([' ', '\t', '\r'])).zip(1..);
    let held = numbered.filter(|(line, _)| !line.is_empty());
    held.map(|(line, number)| Line { number, text: line.to_owned(), content: content(line) })
}

fn content(line: &str) -> Content {
    let parsed = Grammar::parse(Rule::line, line).ok().and_then(|mut pairs| pairs.next());
    let Some(inside) = parsed.and_then(|line| line.into_inner().next()) else { return Content::Unreadable };
    let rule = inside.as_rule();
    let written = inside.as_str().to_owned();
    let mut parts = inside.into_inner();
    let mut text = || parts.next().map(|part| part.as_str().to_owned());
    match rule {
        Rule::remark => Content::Remark(written),
        Rule::table => Content::Table(text().unwrap_or_default()),
        Rule::commit => Content::Commit,
        Rule::chain => {
            Content::Chain { name: text().unwrap_or_default(), policy: text().unwrap_or_else(|| "-".to_owned()) }
        }
        Rule::command => Content::Command(parts.filter(|part| part.as_rule() == Rule::word).map(word).collect()),
        _ => Content::Unreadable,
    }
}

fn word(pair: Pair<'_, Rule>) -> Word {
    let mut found = Word { text: String::new(), quoted: false };
    for part in pair.into_inner() {
        if part.as_rule() == Rule::quoted {
            found.quoted = true;
            found.text.push_str(&part.into_inner().map(|inner| plain(inner.as_str())).collect::<String>());
        } else {
            found.text.push_str(part.as_str());
        }
    }
    found
}

/// Without the escapes that stand within quotes.
fn plain(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        let meant = if character == '\\' { characters.next() } else { Some(character) };
        text.extend(meant);
    }
    text
}
