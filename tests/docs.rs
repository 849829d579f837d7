//! The examples of `docs/language.md` and the sample policies are projects that `check` accepts.
//!
//! In `docs/language.md`, every section of level two with fenced blocks that carry a file name (```` ```policy erp.policy ````) is one
//! project. A block without a name is prose.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{copy, root};

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

/// The large sample is meant to warn of the rule that lapsed and of the claim that it says openly does not hold, and of nothing else.
#[test]
fn the_large_sample_warns_of_what_it_shows_alone() {
    let output = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["check", "--at", DAY, "--format", "json"])
        .arg(root().join("policies/incident-2020"))
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    let found = report["diagnostics"].as_array().unwrap().iter().filter(|each| each["severity"] != "note");
    let messages: Vec<&str> = found.map(|each| each["message"].as_str().unwrap()).collect();
    let expected = |messages: &[&str]| matches!(messages, [a, b] if a.contains("ADV-01") && b.contains("TH-MIG-02"));
    assert!(expected(&messages), "{messages:#?}");
}

/// The reference lists exactly the services that are predefined.
#[test]
fn the_list_of_predefined_services_is_whole() {
    let page = fs::read_to_string(root().join("docs/language.md")).unwrap();
    let from = page.find("These are predefined").unwrap();
    let list = &page[page[from..].find("\n\n").unwrap() + from..];
    let list = &list[..list[2..].find("\n\n").unwrap() + 2];
    let listed: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    let known: Vec<&str> = sekisho::model::well_known_names().collect();
    assert_eq!(listed, known);
}

/// The fenced blocks of a page, by the word behind the fence.
fn blocks<'p>(page: &'p str, kind: &str) -> Vec<&'p str> {
    let fence = format!("```{kind}\n");
    page.split(fence.as_str()).skip(1).map(|rest| &rest[..rest.find("```").unwrap()]).collect()
}

fn all_text(below: &Path) -> String {
    let mut text = String::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        text.push_str(&if path.is_dir() { all_text(&path) } else { fs::read_to_string(&path).unwrap() });
    }
    text
}

/// What the README shows is what the program reads, writes and says.
#[test]
fn excerpts_of_the_readme_are_real() {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let whole = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let (policy, ruleset) = (
        whole(&all_text(&root().join("policies/incident-2020/policy"))),
        whole(&all_text(&root().join("tests/golden/samples/incident-2020/out/fw-bangkok"))),
    );
    for (kind, source) in [("policy", policy), ("nft", ruleset)] {
        let shown = blocks(&page, kind);
        assert_eq!(shown.len(), 1, "{kind}");
        for line in shown[0].lines().map(str::trim).filter(|line| !line.is_empty() && *line != "...") {
            assert!(source.iter().any(|known| known == line), "{kind}: {line}");
        }
    }
    for block in blocks(&page, "console") {
        let (command, wanted) = block.split_once('\n').unwrap();
        let words: Vec<&str> = command.strip_prefix("$ sekisho ").unwrap().split(' ').collect();
        let done = Command::new(env!("CARGO_BIN_EXE_sekisho")).args(words).current_dir(root()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stdout), wanted);
    }
    let home = tempfile::tempdir().unwrap();
    copy(&root().join("policies/incident-2020"), home.path());
    let rules = home.path().join("policy/erp.policy");
    let text = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, text.replacen("to dc/erp on", "to dc/erpp on", 1)).unwrap();
    let said = check(home.path()).unwrap_err();
    assert!(said.contains(blocks(&page, "text")[0]), "{said}");
}

/// Step by step: every command of the page that is one of ours, in the directory where the page is by then.
#[test]
fn the_five_minutes_work() {
    let page = fs::read_to_string(root().join("docs/getting-started.md")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut at = home.path().to_owned();
    let mut verdicts = Vec::new();
    for command in page.lines().filter_map(|line| line.strip_prefix("    ")) {
        let words: Vec<&str> = command.split(' ').collect();
        match words.as_slice() {
            ["cd", directory] => at.push(directory),
            ["cat", file] => assert!(at.join(file).is_file(), "{command}"),
            ["sekisho", arguments @ ..] => {
                let done =
                    Command::new(env!("CARGO_BIN_EXE_sekisho")).args(arguments).current_dir(&at).output().unwrap();
                let said = String::from_utf8_lossy(&done.stdout).into_owned();
                assert!(done.status.success(), "{command}: {said}{}", String::from_utf8_lossy(&done.stderr));
                if arguments[0] == "explain" {
                    verdicts.push(said.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned());
                }
            }
            ["sudo" | "cargo", ..] => {}
            _ => panic!("what does `{command}` do?"),
        }
    }
    assert_eq!(verdicts, ["pass", "drop"]);
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
