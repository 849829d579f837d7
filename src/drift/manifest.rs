//! What the manifest of `compile` says of the files beside it.
//!
//! It decides nothing: what a file means is proved, whatever its sum. But a file that is not as it was written tells where to look, and one that is gone cannot.

use jiff::civil::Date;
use serde::Deserialize;

use crate::checksum;

/// What the `schema` of a manifest begins with.
const SCHEMA: &str = "sekisho/compile/";

#[derive(Debug, Deserialize)]
struct Written {
    schema: String,
    changes_on: Option<String>,
    files: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    path: String,
    device: String,
    sha256: String,
}

/// A manifest.
#[derive(Debug)]
pub struct Manifest {
    written: Written,
}

impl Manifest {
    /// Reads the text of a manifest; `None` if it is none of `compile`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let written: Written = serde_json::from_str(text).ok()?;
        written.schema.starts_with(SCHEMA).then_some(Self { written })
    }

    /// What is to be said of the files of a device: those with a text, by path.
    #[must_use]
    pub fn notes(&self, device: &str, files: &[(&str, &str)]) -> Vec<String> {
        let mut notes = Vec::new();
        for entry in self.written.files.iter().filter(|entry| entry.device == device) {
            let path = &entry.path;
            match files.iter().find(|(known, _)| known == path) {
                None => notes.push(format!("the manifest names `{path}`, which is not there or cannot be read")),
                Some((_, text)) if checksum::sha256(text) != entry.sha256 => {
                    notes.push(format!("`{path}` is not as it was written: its SHA-256 is not that of the manifest"));
                }
                Some(_) => {}
            }
        }
        let is_named = |path: &str| self.written.files.iter().any(|entry| entry.path == path);
        let unnamed = files.iter().filter(|(path, _)| !is_named(path));
        notes.extend(unnamed.map(|(path, _)| format!("`{path}` is not in the manifest")));
        notes.sort_unstable();
        notes
    }

    /// The day up to `at` on which the policy came to ask for something else than was written.
    #[must_use]
    pub fn outdated(&self, at: Date) -> Option<Date> {
        let changes: Option<Date> = self.written.changes_on.as_deref().and_then(|date| date.parse().ok());
        changes.filter(|date| *date <= at)
    }
}
