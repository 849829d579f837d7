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
        let rest = self.rest.trim_start();
        rest.split(|c: char| c.is_whitespace() || c == '{').next().unwrap_or_default()
    }

    /// Reads a word, without quotes.
    pub fn next(&mut self) -> &'t str {
        let word = self.peek();
        self.rest = self.rest.trim_start().strip_prefix(word).unwrap_or_default();
        word.trim_matches('"')
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
