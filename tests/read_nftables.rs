//! What is read from nftables rule sets: documents under `tests/golden/read/nftables/`, and the kernel's own words for the same rules.
//!
//! A document holds rule sets (`nft` or `json` blocks) each with the listing that is read from it (a `text` block); `UPDATE_GOLDEN=1` rewrites these.
//! As root, every rule set that says `nft` is loaded in a network namespace of its own, and the file, `nft list ruleset` and `nft -j list ruleset` must be read
//! alike; otherwise that test says that it was skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test may fail by panicking, its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};

use sekisho::platform::nftables::read;

mod reading;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/read/nftables")
}

fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// The blocks of a document: the lines before each, its word, its content.
fn blocks(text: &str) -> Vec<(String, String, String)> {
    let (mut found, mut before, mut lines) = (Vec::new(), String::new(), text.lines());
    while let Some(line) = lines.next() {
        let Some(word) = line.strip_prefix("```") else {
            before += &format!("{line}\n");
            continue;
        };
        let content: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        found.push((std::mem::take(&mut before), word.to_owned(), content));
    }
    found
}

#[test]
fn documents_say_what_is_read() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        let (mut now, mut last) = (String::new(), String::new());
        for (before, word, content) in blocks(&text) {
            let content = if word == "text" { reading::shown(&read(&last)) } else { content };
            now += &format!("{before}```{word}\n{content}```\n");
            last = content;
        }
        if update {
            fs::write(&path, &now).unwrap();
        } else {
            let difference = similar::TextDiff::from_lines(text.as_str(), &now);
            assert!(text == now, "{}\n{}", path.display(), difference.unified_diff().context_radius(2));
        }
    }
}
