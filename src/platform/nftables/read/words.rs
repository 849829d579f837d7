//! The words of a command.

use super::ruleset::{TableFamily, TableKey};

/// The words of a command, one after another.
pub struct Words<'t> {
    /// What was not read yet.
    pub rest: &'t str,
}

impl<'t> Words<'t> {
    /// The next word, without reading it.
    pub fn peek(&self) -> &'t str {
        first(self.rest.trim_start())
    }

    /// Reads a word, without quotes.
    pub fn next(&mut self) -> &'t str {
        let rest = self.rest.trim_start();
        let word = first(rest);
        self.rest = rest.get(word.len()..).unwrap_or_default();
        if word.contains('"') { word.trim_matches('"') } else { word }
    }

    fn family(&mut self) -> TableFamily {
        let family = TableFamily::by_name(self.peek());
        if family.is_some() {
            self.next();
        }
        family.unwrap_or(TableFamily::Ip)
    }

    /// Reads the family and the name of a table.
    pub fn table(&mut self) -> TableKey {
        let family = self.family();
        (family, self.next().into())
    }
}

/// What stands before the first blank or brace.
fn first(text: &str) -> &str {
    let ends = |byte: &u8| !byte.is_ascii() || matches!(byte, b' ' | b'\t'..=b'\r' | b'{');
    match text.bytes().position(|byte| ends(&byte)).map(|at| text.split_at(at)) {
        None => text,
        Some((word, rest)) if rest.starts_with(|c: char| c.is_ascii()) => word,
        // There are blanks beyond ASCII.
        Some(_) => text.split(|c: char| c.is_whitespace() || c == '{').next().unwrap_or_default(),
    }
}
