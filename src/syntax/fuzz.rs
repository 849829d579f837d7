//! What must hold of every text, as functions: the bodies of the fuzz targets, replayed over a corpus and random edits by tests.

use super::scan::scan;
use super::{format, parse};
use crate::diag::Sink;
use crate::source::FileId;

/// Reads any text: no panic, and every place that is reported lies in the text, at a border between characters.
///
/// # Errors
///
/// What did not hold.
pub fn check_parse(text: &str) -> Result<(), String> {
    let mut sink = Sink::default();
    parse(FileId(0), text, &mut sink);
    for found in sink.as_slice() {
        for label in found.primary.iter().chain(&found.secondary) {
            let range = usize_of(label.span.start)..usize_of(label.span.end);
            if text.get(range).is_none() {
                return Err(format!("{} points to {:?}, outside the text", found.code.id, label.span));
            }
        }
    }
    Ok(())
}

/// Formats any text that has no errors: the result has no errors and every comment, and formatting it again changes nothing.
///
/// # Errors
///
/// What did not hold.
pub fn check_format(text: &str) -> Result<(), String> {
    let Some(once) = formatted(text) else { return Ok(()) };
    let Some(twice) = formatted(&once) else { return Err(format!("the formatted text has errors:\n{once}")) };
    if once != twice {
        return Err(format!("formatting twice differs:\n{once}\n--- then\n{twice}"));
    }
    if comments(text) != comments(&once) {
        return Err(format!("comments differ:\n{text}\n--- then\n{once}"));
    }
    Ok(())
}

fn formatted(text: &str) -> Option<String> {
    let mut sink = Sink::default();
    let tree = parse(FileId(0), text, &mut sink);
    sink.is_empty().then(|| format(text, &tree))
}

fn comments(text: &str) -> Vec<String> {
    let mut found: Vec<String> =
        scan(text).comments.iter().filter_map(|comment| text.get(comment.range.clone())).map(str::to_owned).collect();
    found.sort();
    found
}

fn usize_of(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
