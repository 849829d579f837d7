//! What makes a finding the same one in the next run.
//!
//! Lines move, so a fingerprint is made of meaning: the code, the words that it is about as they stand in the file, and its headline without numbers outside of names (days that are left,
//! lines). A violated assertion is the same finding as long as it is violated, by whatever chain. The path is no part of it: a file that is renamed or split keeps its findings. Findings
//! that are alike in all that are told apart by their order.

use std::collections::HashMap;

use crate::checksum;
use crate::diag::Diagnostic;
use crate::source::Sources;

/// The name of this way of making fingerprints; another way gets another name.
pub const NAME: &str = "sekisho/v1";

/// A fingerprint for each finding, 64 hexadecimal digits, no two alike.
#[must_use]
pub fn fingerprints(sources: &Sources, found: &[Diagnostic]) -> Vec<String> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut one = |found: &Diagnostic| {
        let meaning = meaning(sources, found);
        let count = known.entry(meaning.clone()).or_default();
        *count += 1;
        checksum::sha256(format!("{meaning}\0{count}"))
    };
    found.iter().map(&mut one).collect()
}

fn meaning(sources: &Sources, found: &Diagnostic) -> String {
    let words = found.primary.as_ref().map_or("", |primary| {
        let (start, end) = (primary.span.start as usize, primary.span.end as usize);
        sources.text(primary.span.file).get(start..end).unwrap_or("")
    });
    let words: Vec<&str> = words.split_whitespace().collect();
    let is_about_an_assertion = found.code.id.starts_with('A');
    let headline = if is_about_an_assertion { String::new() } else { without_numbers(&found.message) };
    format!("{}\0{}\0{headline}", found.code.id, words.join(" "))
}

/// The text with each number outside of backticks as `#`.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_quoted = false;
    for character in text.chars() {
        is_quoted ^= character == '`';
        match character.is_ascii_digit() && !is_quoted {
            true if out.ends_with('#') => {}
            true => out.push('#'),
            false => out.push(character),
        }
    }
    out
}
