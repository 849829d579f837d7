//! The words of the language that mean something by themselves.
//!
//! The grammar has them too (`kw_*`, `keyword`); a test holds the two lists together. What is absent on purpose: protocol
//! names and well-known services, which are reserved only where a service stands.

use pest::Parser as _;

use super::grammar::{Grammar, Rule};

/// Keywords that a statement begins with.
pub const STATEMENTS: [&str; 11] =
    ["service", "group", "feed", "purpose", "allow", "deny", "never", "only", "must", "waive", "quarantine"];

/// Keywords that a clause begins with and that want something after them.
pub const CLAUSES_WITH_OPERAND: [&str; 16] = [
    "from", "to", "on", "via", "owner", "ticket", "because", "by", "start", "until", "review", "ref", "except", "for",
    "of", "keep",
];

/// Keywords that stand alone.
pub const ALONE: [&str; 5] = ["both-ways", "transitive", "log", "advisory", "any"];

/// Whether a statement begins with this word.
#[must_use]
pub fn is_statement(word: &str) -> bool {
    STATEMENTS.contains(&word)
}

/// Whether something has to follow this word.
#[must_use]
pub fn wants_operand(word: &str) -> bool {
    is_statement(word) || CLAUSES_WITH_OPERAND.contains(&word)
}

/// Whether a word is reserved: no site, transit, device, group, feed, service or rule can have it as its name. After a `/`
/// it is legal (`tokyo/log`).
#[must_use]
pub fn is_keyword(word: &str) -> bool {
    wants_operand(word) || ALONE.contains(&word)
}

/// Whether a text is a NAME of the language, keywords included: a letter, digit or `_`, then these, `-` and `.`; no address,
/// date or whole number.
#[must_use]
pub fn is_name(text: &str) -> bool {
    matches!(Grammar::parse(Rule::local, text), Ok(pairs) if pairs.as_str().len() == text.len())
}

/// Whether a text can stand unquoted where a WORD stands: a NAME that is no keyword.
#[must_use]
pub fn is_plain_word(text: &str) -> bool {
    !is_keyword(text) && is_name(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar_reserves_the_same_words() {
        for word in STATEMENTS.iter().chain(&CLAUSES_WITH_OPERAND).chain(&ALONE) {
            assert!(Grammar::parse(Rule::name, word).is_err(), "`{word}` is not reserved by the grammar");
            assert!(is_name(word));
        }
        let grammar = include_str!("../../grammar/policy.pest");
        let of_grammar = grammar.lines().filter(|line| line.starts_with("kw_")).count();
        assert_eq!(of_grammar, STATEMENTS.len() + CLAUSES_WITH_OPERAND.len() + ALONE.len());
    }

    #[test]
    fn names() {
        for name in ["tcp-alt", "a", "1a", "_x", "バンコク", "กรุงเทพ", "v1.2", "from-1", "10.0", "2026-02", "-"]
        {
            assert_eq!(is_plain_word(name), name != "-", "{name}");
        }
        for other in ["", "10", "10.0.0.1", "fd00::1", "2026-01-31", "a b", "a/b", "a:b", "from", "\"x\""] {
            assert!(!is_plain_word(other), "{other}");
        }
    }
}
