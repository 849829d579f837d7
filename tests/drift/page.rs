//! `docs/drift.md`: its commands are run, and print what it says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a block and returns it with what its commands print.
fn run(block: &str, home: &Path) -> String {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_sekisho"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut text = String::new();
    for command in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let done = Command::new("sh").args(["-c", command]).current_dir(home).env("PATH", &path).output().unwrap();
        assert!(done.stderr.is_empty(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        text.push_str(&format!("$ {command}\n{}", String::from_utf8(done.stdout).unwrap()));
    }
    text
}

#[test]
fn the_page_shows_what_is_printed() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("quickstart")).unwrap();
    for entry in fs::read_dir(root.join("policies/quickstart")).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), home.path().join("quickstart").join(entry.file_name())).unwrap();
    }
    let page = fs::read_to_string(root.join("docs/drift.md")).unwrap();
    let mut real = String::new();
    let mut rest = page.as_str();
    while let Some((before, after)) = rest.split_once("```console\n") {
        let (block, after) = after.split_once("```").unwrap();
        real.push_str(&format!("{before}```console\n{}```", run(block, home.path())));
        rest = after;
    }
    real.push_str(rest);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root.join("docs/drift.md"), &real).unwrap();
    }
    assert!(
        real == fs::read_to_string(root.join("docs/drift.md")).unwrap(),
        "UPDATE_GOLDEN=1 rewrites docs/drift.md:\n{real}"
    );
    assert!(page.contains("breaks ONL-01") && page.contains("ERP-WEB"), "the page lost its example");
}
