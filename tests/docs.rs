//! The examples of `docs/language.md` and the sample policies are projects that `check` accepts.
//!
//! In `docs/language.md`, every section of level two with fenced blocks that carry a file name (```` ```policy erp.policy ````) is one
//! project. A block without a name is prose.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking, its helpers too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The day on which the examples are judged.
const DAY: &str = "2026-11-21";

/// One section that shows files.
struct Example {
    title: String,
    files: Vec<(String, String)>,
}

#[test]
fn every_example_of_the_language_reference_checks() {
    let page = fs::read_to_string(root().join("docs/language.md")).unwrap();
    let examples = examples(&page);
    assert!(examples.len() >= 10, "the page lost its examples: {} are left", examples.len());
    let mut failures = String::new();
    for example in &examples {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in &example.files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        if let Err(report) = check(directory.path()) {
            failures.push_str(&format!("## {}\n{report}\n", example.title));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_sample_policy_checks() {
    let mut failures = String::new();
    for sample in samples() {
        if let Err(report) = check(&sample) {
            failures.push_str(&format!("{}\n{report}\n", sample.display()));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// Samples teach the canonical form too.
#[test]
fn every_sample_policy_is_formatted() {
    for sample in samples() {
        let output =
            Command::new(env!("CARGO_BIN_EXE_sekisho")).args(["fmt", "--check"]).arg(&sample).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", sample.display());
    }
}

/// The one warning that the large sample is meant to give is about the rule that lapsed.
#[test]
fn the_large_sample_warns_of_its_lapsed_rule_alone() {
    let output = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["check", "--at", DAY, "--format", "json"])
        .arg(root().join("policies/incident-2020"))
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let messages: Vec<&str> =
        report["diagnostics"].as_array().unwrap().iter().map(|each| each["message"].as_str().unwrap()).collect();
    assert!(matches!(messages.as_slice(), [one] if one.contains("TH-MIG-02")), "{messages:#?}");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn samples() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(root().join("policies")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(found.len() >= 6, "{found:?}");
    found
}

fn check(project: &Path) -> Result<(), String> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_sekisho")).args(["check", "--at", DAY]).arg(project).output().unwrap();
    if output.status.code() == Some(0) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Err(format!("exit {:?}\n{said}", output.status.code()))
}

/// The sections of a page that show files, in order.
fn examples(page: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut title = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            title = heading.to_owned();
        }
        let Some(fence) = line.strip_prefix("```") else { continue };
        let body: String = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
        let Some((_, name)) = fence.split_once(' ') else { continue };
        if found.last().is_none_or(|last| last.title != title) {
            found.push(Example { title: title.clone(), files: Vec::new() });
        }
        if let Some(example) = found.last_mut() {
            example.files.push((name.to_owned(), body));
        }
    }
    found
}
