//! Text to lines: the grammar `grammar/iptables_save.pest`, one line at a time.
//!
//! A reader would ask why not the whole file at once: pest stops at the first line that does not fit, and everything behind it would be lost.
//!
//! Commands whose quotes close are cut into words here, without the grammar, which is slow at it; a test holds the two together.

use std::borrow::Cow;

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
pub struct Word<'t> {
    /// Without quotes and escapes.
    pub text: Cow<'t, str>,
    /// Whether any of it stood in quotes: then it is no `!`.
    pub quoted: bool,
}

impl Word<'_> {
    /// As it could be written.
    pub fn written(&self) -> Cow<'_, str> {
        if self.quoted {
            return format!("\"{}\"", self.text.replace('\\', "\\\\").replace('"', "\\\"")).into();
        }
        Cow::Borrowed(&self.text)
    }

    /// Whether it turns the next option round.
    pub fn is_bang(&self) -> bool {
        self.text == "!" && !self.quoted
    }
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<'t> {
    /// Nothing, or a remark; its text.
    Remark(&'t str),
    /// `*filter`
    Table(&'t str),
    /// `COMMIT`
    Commit,
    /// `:FORWARD DROP [0:0]`; no policy is `-`.
    Chain {
        /// Its name.
        name: &'t str,
        /// `ACCEPT`, `DROP` or `-`.
        policy: &'t str,
    },
    /// Words that begin with an option.
    Command(Vec<Word<'t>>),
    /// It fits no form.
    Unreadable,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'t> {
    /// From 1.
    pub number: usize,
    /// Without blanks around it.
    pub text: &'t str,
    /// What it is.
    pub content: Content<'t>,
}

/// The lines of a file; those that hold nothing are left out.
pub fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let numbered = text.split('\n').map(|line| line.trim_matches([' ', '\t', '\r'])).zip(1..);
    let held = numbered.filter(|(line, _)| !line.is_empty());
    held.map(|(line, number)| Line {
        number,
        text: line,
        content: plain_command(line).unwrap_or_else(|| content(line)),
    })
}

fn content(line: &str) -> Content<'_> {
    let parsed = Grammar::parse(Rule::line, line).ok().and_then(|mut pairs| pairs.next());
    let Some(inside) = parsed.and_then(|line| line.into_inner().next()) else { return Content::Unreadable };
    let rule = inside.as_rule();
    let written = inside.as_str();
    let mut parts = inside.into_inner();
    let mut text = || parts.next().map(|part| part.as_str());
    match rule {
        Rule::remark => Content::Remark(written),
        Rule::table => Content::Table(text().unwrap_or_default()),
        Rule::commit => Content::Commit,
        Rule::chain => Content::Chain { name: text().unwrap_or_default(), policy: text().unwrap_or("-") },
        Rule::command => Content::Command(parts.filter(|part| part.as_rule() == Rule::word).map(word).collect()),
        _ => Content::Unreadable,
    }
}

/// The words of a command; `None` where a quote does not close, and for all other lines: the grammar reads those.
fn plain_command(line: &str) -> Option<Content<'_>> {
    let mut rest = match line.strip_prefix('[') {
        Some(counters) => {
            let (numbers, rest) = counters.split_once(']')?;
            let (packets, bytes) = numbers.split_once(':')?;
            let fine = [packets, bytes].iter().all(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
            fine.then_some(rest)?.trim_start_matches(BLANKS)
        }
        None => line,
    };
    if !rest.starts_with('-') {
        return None;
    }
    let mut words = Vec::with_capacity(16);
    while !rest.is_empty() {
        let (word, after) = plain_word(rest)?;
        words.push(word);
        rest = after.trim_start_matches(BLANKS);
    }
    Some(Content::Command(words))
}

const BLANKS: [char; 2] = [' ', '\t'];

/// The word at the beginning, and what is behind it.
fn plain_word(text: &str) -> Option<(Word<'_>, &str)> {
    let end = text.bytes().position(|byte| matches!(byte, b' ' | b'\t' | b'"')).unwrap_or(text.len());
    let (bare, rest) = text.split_at_checked(end)?;
    let Some(quoted) = rest.strip_prefix('"') else { return Some((Word { text: bare.into(), quoted: false }, rest)) };
    let mut escaped = false;
    let length = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    let (inner, rest) = (quoted.get(..length)?, quoted.get(length + 1..)?);
    let text = match plain(inner) {
        Cow::Borrowed(inner) if bare.is_empty() => inner.into(),
        inner => format!("{bare}{inner}").into(),
    };
    Some((Word { text, quoted: true }, rest))
}

fn word(pair: Pair<'_, Rule>) -> Word<'_> {
    let mut found = Word { text: Cow::Borrowed(""), quoted: false };
    for part in pair.into_inner() {
        if part.as_rule() == Rule::quoted {
            found.quoted = true;
            part.into_inner().for_each(|inner| found.text.to_mut().push_str(&plain(inner.as_str())));
        } else {
            found.text += part.as_str();
        }
    }
    found
}

/// Without the escapes that stand within quotes.
fn plain(inner: &str) -> Cow<'_, str> {
    if !inner.contains('\\') {
        return inner.into();
    }
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        let meant = if character == '\\' { characters.next() } else { Some(character) };
        text.extend(meant);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        /// What is cut into words here, the grammar cuts into the same words.
        #[test]
        fn the_grammar_agrees(line in r#"(\[[0-9]{0,2}:[0-9]?\][ \t]?)?-([a-z!\[\]:=é,-]|[ \t"\\]){0,24}"#) {
            let line = line.trim_matches([' ', '\t', '\r']);
            if let Some(found) = plain_command(line) {
                prop_assert_eq!(content(line), found, "{}", line);
            }
        }
    }

    #[test]
    fn reads_what_iptables_prints() {
        for line in [
            "-A FORWARD -s 10.0.0.0/8 -j ACCEPT",
            "[1:2] -A X -m comment --comment \"a \\\"b\\\" c\" -j LOG --log-prefix \"x \"",
        ] {
            assert!(plain_command(line).is_some(), "{line}");
            assert_eq!(plain_command(line), Some(content(line)));
        }
    }
}
