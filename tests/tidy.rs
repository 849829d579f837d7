//! What the source tree promises: who may use whom, short files, module docs, a page for every code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sekisho::diag::codes;

/// Each folder of `src` in the order of the stages, and the folders of ours that it may name. `docs/ARCHITECTURE.md` has the same table.
const MAY_USE: &[(&str, &[&str])] = &[
    ("checksum.rs", &[]),
    ("source", &["checksum"]),
    ("packet", &[]),
    ("diag", &["source"]),
    ("yaml", &["source", "diag"]),
    ("syntax", &["source", "diag", "packet"]),
    ("inventory", &["source", "diag", "packet", "yaml"]),
    ("settings", &["source", "diag", "yaml", "inventory"]),
    ("model", &["source", "diag", "packet", "syntax", "inventory"]),
    ("graph", &["model"]),
    ("reach", &["packet", "syntax", "model", "graph"]),
    ("diff", &["checksum", "packet", "syntax", "model", "graph", "reach"]),
    ("gate", &["checksum", "diag", "packet", "syntax", "model", "settings", "source", "diff"]),
    ("plan", &["source", "packet", "syntax", "model", "graph"]),
    ("listing", &["packet"]),
    ("platform", &["source", "diag", "packet", "syntax", "plan", "listing"]),
    ("proof", &["packet", "syntax", "model", "graph", "plan", "listing"]),
    (
        "drift",
        &["checksum", "source", "packet", "syntax", "model", "graph", "reach", "plan", "listing", "platform", "proof"],
    ),
    ("check", &["source", "diag", "packet", "syntax", "model", "graph", "reach"]),
    ("report", &["checksum", "source", "diag", "packet"]),
    ("draw", &["packet", "model", "graph", "reach", "answer", "report"]),
    (
        "pipeline.rs",
        &[
            "source",
            "diag",
            "packet",
            "syntax",
            "inventory",
            "settings",
            "model",
            "gate",
            "graph",
            "reach",
            "check",
            "plan",
            "platform",
            "proof",
        ],
    ),
    (
        "answer",
        &[
            "source", "diag", "packet", "syntax", "settings", "model", "gate", "graph", "reach", "diff", "listing",
            "proof", "drift", "report",
        ],
    ),
    (
        "explain",
        &[
            "source", "diag", "packet", "syntax", "model", "graph", "pipeline", "plan", "platform", "reach", "report",
            "answer",
        ],
    ),
    ("history", &["source", "diag", "packet", "syntax", "model", "graph", "reach", "report", "pipeline", "answer"]),
    (
        "cli",
        &[
            "checksum", "source", "diag", "packet", "syntax", "model", "gate", "graph", "plan", "listing", "platform",
            "proof", "drift", "reach", "diff", "report", "pipeline", "answer", "explain", "draw", "history",
        ],
    ),
];

/// Files that may have more than 600 lines, with the reason.
const LONG: &[(&str, &str)] = &[
    ("tests/worlds/mod.rs", "what a world is, and its shrinking, are read together"),
    ("tests/worlds/random.rs", "one generator; its parts draw from each other"),
];

/// Pages without examples, with the reason.
const NO_EXAMPLE: &[(&str, &str)] = &[
    ("A0002", "the bad example is a network of dozens of zones"),
    ("D0001", "it is about two projects"),
    ("D0002", "it is about two projects"),
    ("D0003", "it is about two projects"),
    ("D0004", "it is about two projects"),
    ("E0125", "the bad example is a file of many megabytes"),
];
const LONGEST: usize = 600;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(below: &str, extension: &str) -> Vec<PathBuf> {
    fn walk(at: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(at).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, extension, found);
            } else if path.extension().is_some_and(|known| known == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(below), extension, &mut found);
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// The modules named by `crate::...` on a line of code, `use crate::{a, b::c}` included.
fn named(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    let first =
        |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let end = list.find(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                depth < 0
            });
            let mut depth = 0;
            for part in list[..end.unwrap_or(0)].split(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                c == ',' && depth == 0
            }) {
                found.insert(first(part));
            }
        } else {
            found.insert(first(rest));
        }
    }
    found.remove("");
    found
}

#[test]
fn folders_name_only_what_is_above_them() {
    let mut wrong = Vec::new();
    for path in files("src", "rs") {
        let name = shown(&path);
        let folder = name.split('/').nth(1).unwrap();
        if ["lib.rs", "main.rs"].contains(&folder) {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == folder) else {
            wrong.push(format!("{name}: `{folder}` is not in the table of tests/tidy.rs"));
            continue;
        };
        for used in named(&fs::read_to_string(&path).unwrap()) {
            if used != folder.trim_end_matches(".rs") && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{name} names `crate::{used}`, which `{folder}` must not know"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_architecture_page_has_the_same_table() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    for (folder, allowed) in MAY_USE {
        let allowed: Vec<String> = allowed.iter().map(|name| format!("`{name}`")).collect();
        let row = format!("| `{folder}` | {} |", if allowed.is_empty() { "-".into() } else { allowed.join(", ") });
        assert!(page.contains(&row), "docs/ARCHITECTURE.md lacks this row:\n{row}");
    }
}

#[test]
fn files_are_short_and_say_what_they_do() {
    let mut wrong = Vec::new();
    for path in files("src", "rs").into_iter().chain(files("tests", "rs")) {
        let (name, text) = (shown(&path), fs::read_to_string(&path).unwrap());
        let lines = text.lines().count();
        if lines > LONGEST && !LONG.iter().any(|(known, _)| *known == name) {
            wrong.push(format!("{name} has {lines} lines, {LONGEST} are allowed"));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{name} does not begin with a module doc"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn has_no_example(page: &str) -> bool {
    NO_EXAMPLE.iter().any(|(known, _)| *known == page)
}

/// The codes by id, and the ids of the pages.
fn codes_and_pages() -> (BTreeMap<&'static str, &'static str>, BTreeSet<String>) {
    let codes = codes::all().map(|code| (code.id, code.title)).collect();
    let pages =
        files("docs/errors", "md").into_iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
    (codes, pages.filter(|page| page != "README").collect())
}

#[test]
fn every_code_is_declared_once() {
    let ids: Vec<&str> = codes::all().map(|code| code.id).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len());
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let (codes, pages) = codes_and_pages();
    let mut wrong = Vec::new();
    for id in codes.keys().filter(|id| !pages.contains(**id)) {
        wrong.push(format!("docs/errors/{id}.md is missing"));
    }
    for page in &pages {
        let text = fs::read_to_string(root().join(format!("docs/errors/{page}.md"))).unwrap();
        if !codes.contains_key(page.as_str()) {
            wrong.push(format!("docs/errors/{page}.md explains no code"));
        }
        for wanted in [format!("# {page}: "), "\n## Bad\n".into(), "\n## Good\n".into()] {
            let needed = wanted.starts_with("# ") || !has_no_example(page);
            if needed && !text.contains(&wanted) {
                wrong.push(format!("docs/errors/{page}.md lacks `{}`", wanted.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_program_holds_every_page() {
    let (_, pages) = codes_and_pages();
    let path = root().join("src/cli/commands/pages.rs");
    let text = fs::read_to_string(&path).unwrap();
    let start = text.find("/// Each code with its page").unwrap();
    let mut wanted = text[..start].to_owned();
    wanted.push_str("/// Each code with its page, by code.\npub const PAGES: &[(&str, &str)] = &[");
    for page in &pages {
        wanted.push_str(&format!("\n    (\"{page}\", include_str!(\"../../../docs/errors/{page}.md\")),"));
    }
    wanted.push_str(if pages.is_empty() { "];\n" } else { "\n];\n" });
    if std::env::var_os("UPDATE_GOLDEN").is_some() && text != wanted {
        fs::write(&path, &wanted).unwrap();
    }
    assert!(
        text == wanted,
        "src/cli/commands/pages.rs is not up to date; UPDATE_GOLDEN=1 cargo test --test tidy rewrites it"
    );
}

/// The files of one section of a page: fences such as "```policy erp.policy".
fn section(page: &str, heading: &str) -> Vec<(String, String)> {
    let from = page.find(&format!("\n## {heading}\n")).unwrap() + 4;
    let body = &page[from..];
    let body = &body[..body.find("\n## ").unwrap_or(body.len())];
    let mut found = Vec::new();
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        let Some((_, name)) = line.strip_prefix("```").and_then(|fence| fence.split_once(' ')) else { continue };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        found.push((name.trim().to_owned(), text.join("\n") + "\n"));
    }
    found
}

/// The codes that `check` finds in a project.
fn found_in(project: &[(String, String)]) -> BTreeSet<String> {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in project {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["check", "--format", "json", "--at", "2026-11-22"])
        .arg(home.path())
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap_or_default();
    let found = report["diagnostics"].as_array().cloned().unwrap_or_default();
    found.iter().map(|one| one["code"].as_str().unwrap_or("").to_owned()).collect()
}

/// The codes that the commands of a section about the input of commands (x07xx) find: a `console` fence with lines `$ sekisho ...`,
/// asked of the starter project.
fn found_by(page: &str, heading: &str) -> BTreeSet<String> {
    let sekisho = || std::process::Command::new(env!("CARGO_BIN_EXE_sekisho"));
    let home = tempfile::tempdir().unwrap();
    assert!(sekisho().arg("init").arg(home.path()).output().unwrap().status.success());
    let from = page.find(&format!("\n## {heading}\n")).unwrap() + 4;
    let body = &page[from..];
    let body = &body[..body.find("\n## ").unwrap_or(body.len())];
    let mut found = BTreeSet::new();
    let mut commands = 0;
    for command in body.lines().filter_map(|line| line.strip_prefix("$ sekisho ")) {
        let mut asked = sekisho();
        asked.args(command.split(' ')).args(["--format", "json"]).current_dir(home.path());
        let answer: serde_json::Value = serde_json::from_slice(&asked.output().unwrap().stdout).unwrap();
        let codes = answer["diagnostics"].as_array().cloned().unwrap_or_default();
        found.extend(codes.iter().map(|one| one["code"].as_str().unwrap_or("").to_owned()));
        commands += 1;
    }
    assert!(commands > 0, "no command in:\n{body}");
    found
}

/// Codes of the input of commands (x07xx) mostly cannot show in a project; their pages show commands.
#[test]
fn examples_of_the_pages_do_what_they_say() {
    let mut wrong = Vec::new();
    for page in codes_and_pages().1.into_iter().filter(|page| !has_no_example(page)) {
        let text = fs::read_to_string(root().join(format!("docs/errors/{page}.md"))).unwrap();
        let codes = |heading| {
            if text.contains("```console") { found_by(&text, heading) } else { found_in(&section(&text, heading)) }
        };
        let (bad, good) = (codes("Bad"), codes("Good"));
        if bad != BTreeSet::from([page.clone()]) {
            wrong.push(format!("the bad example of {page} gives {bad:?}"));
        }
        if good.contains(&page) {
            wrong.push(format!("the good example of {page} gives it too"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What only makes sense on one machine does not belong here.
#[test]
fn no_path_of_a_machine_is_named() {
    let needles = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
    let places = [
        ("src", "rs"),
        ("tests", "rs"),
        ("docs", "md"),
        ("policies", "policy"),
        ("policies", "yaml"),
        ("grammar", "pest"),
    ];
    let all = places.iter().flat_map(|(below, extension)| files(below, extension));
    let wrong: Vec<String> = all
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            needles.iter().any(|needle| text.contains(needle))
        })
        .map(|path| shown(&path))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
