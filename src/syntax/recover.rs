//! Where statements begin and end, without understanding them.
//!
//! A statement ends where the next statement's keyword begins. For a text without errors these borders are exact, because keywords
//! are reserved; the one exception is the `allow` inside a `waive`. For a text with errors they are chosen so that one slip spoils
//! one statement: a statement keyword that is first on its line always begins a statement; elsewhere it does so only if what stands
//! before it is complete (in `group only = any` the word `only` is a bad name, not a new statement). A first word on a line that
//! is nearly a statement keyword (`Allow`, `alow`) is a border as well, where no word could continue the statement.

use super::keywords;
use super::scan::{Kind, Token};
use crate::diag::closest;

/// The tokens of a text, with the questions that recovery asks of them.
pub(super) struct Borders<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: &'t [Token],
}

impl<'t> Borders<'t> {
    /// The text of a token; empty beyond the end.
    pub(super) fn word(&self, at: usize) -> &'t str {
        self.tokens.get(at).filter(|token| token.kind == Kind::Word).map_or("", |token| token.text(self.text))
    }

    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// Whether the token at `at` is a keyword that statements begin with.
    pub(super) fn is_statement(&self, at: usize) -> bool {
        keywords::is_statement(self.word(at))
    }

    /// The end of the statement that begins at `start` (an index of a token): the index of the first token after it.
    pub(super) fn statement_end(&self, start: usize) -> usize {
        let purpose = self.word(start) == "purpose";
        let mut at = start + 1;
        while at < self.tokens.len() {
            if self.kind(at) == Some(Kind::Close) {
                return at;
            }
            if purpose && self.kind(at) == Some(Kind::Open) {
                return at + 1;
            }
            if self.begins_statement(start, at) {
                return at;
            }
            at += 1;
        }
        at
    }

    /// Whether a new statement begins at `at`, when one began at `start`.
    pub(super) fn begins_statement(&self, start: usize, at: usize) -> bool {
        let Some(token) = self.tokens.get(at).filter(|token| token.kind == Kind::Word) else { return false };
        let wanting = self.wants_more(at - 1);
        if self.is_statement(at) {
            let own_allow = self.word(start) == "waive" && at == start + 4 && self.word(at) == "allow";
            return !own_allow && (token.first_on_line || !wanting);
        }
        token.first_on_line && !wanting && looks_like_statement(self.word(at)) && self.kind(at + 1) == Some(Kind::Word)
    }

    /// Whether the token at `at` cannot be the last of a statement.
    fn wants_more(&self, at: usize) -> bool {
        match self.kind(at) {
            Some(Kind::Comma | Kind::Amp | Kind::Equals) => true,
            Some(Kind::Word) => keywords::wants_operand(self.word(at)),
            _ => false,
        }
    }

    /// Where reading goes on after an error before `at`: at the next statement keyword that is first on its line or stands
    /// after a `}`, at a `}`, or at the end.
    pub(super) fn next_safe(&self, at: usize) -> usize {
        let safe = |at: usize| match self.tokens.get(at) {
            None => true,
            Some(token) if token.kind == Kind::Close => true,
            Some(token) => {
                let first = token.first_on_line || self.kind(at.wrapping_sub(1)) == Some(Kind::Close);
                first && (self.is_statement(at) || looks_like_statement(self.word(at)))
            }
        };
        (at..=self.tokens.len()).find(|&at| safe(at)).unwrap_or(self.tokens.len())
    }

    /// How many tokens are of a kind.
    pub(super) fn count(&self, kind: Kind) -> usize {
        self.tokens.iter().filter(|token| token.kind == kind).count()
    }
}

/// The statement keyword that a word was probably meant to be, if it is not one.
pub(super) fn meant_statement(word: &str) -> Option<&'static str> {
    if word.len() > 16 || keywords::is_keyword(word) {
        return None;
    }
    closest(&word.to_lowercase(), keywords::STATEMENTS)
}

fn looks_like_statement(word: &str) -> bool {
    let alphabetic = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    alphabetic && meant_statement(word).is_some()
}
