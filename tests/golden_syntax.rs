//! Runs the documents under `tests/golden/syntax/`, and the examples of `docs/errors/E01xx.md`.
//!
//! A document has a heading per behaviour, a sentence that says why, a fenced `policy` block, and fenced blocks with what comes of it:
//! `errors` (the diagnostics, concise form) or `formatted` (the canonical form). `UPDATE_GOLDEN=1` rewrites these blocks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use sekisho::diag::Sink;
use sekisho::source::Sources;
use sekisho::syntax;

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut trials: Vec<Trial> = markdown(&root.join("tests/golden/syntax"))
        .into_iter()
        .map(|path| Trial::test(name(&path), move || document(&path)))
        .collect();
    for path in markdown(&root.join("docs/errors")) {
        if name(&path).starts_with("E01") && name(&path) != "E0125" {
            trials.push(Trial::test(format!("page {}", name(&path)), move || page(&path)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn markdown(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The concise form of everything that is wrong with a text, and its canonical form if nothing is.
fn outcome(text: &str) -> (String, String, Vec<&'static str>) {
    let mut sources = Sources::default();
    let file = sources.add("a.policy", text);
    let mut sink = Sink::default();
    let tree = syntax::parse(file, text, &mut sink);
    let formatted = if sink.is_empty() { syntax::format(text, &tree) } else { String::new() };
    let mut errors = String::new();
    let mut codes = Vec::new();
    for found in sink.into_sorted() {
        let at = sources.position(found.primary.as_ref().expect("a place").span);
        errors += &format!("a.policy:{}:{}: error[{}]: {}\n", at.line, at.column, found.code.id, found.message);
        if let Some(help) = &found.help {
            errors += &format!("  help: {help}\n");
        }
        codes.push(found.code.id);
    }
    (errors, formatted, codes)
}

fn document(path: &Path) -> Result<(), Failed> {
    let old = fs::read_to_string(path)?;
    let new = rewrite(&old);
    if old == new {
        return Ok(());
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, new)?;
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(&old, &new).unified_diff().header("expected", "found").to_string();
    Err(format!("{}:\n{diff}", path.display()).into())
}

/// The document with its `errors` and `formatted` blocks made anew.
fn rewrite(text: &str) -> String {
    let (mut out, mut errors, mut formatted) = (String::new(), String::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        out += &format!("{line}\n");
        let Some(language) = line.strip_prefix("```").filter(|language| !language.is_empty()) else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let body: String = body.iter().map(|line| format!("{line}\n")).collect();
        match language {
            "policy" => {
                (errors, formatted, _) = outcome(&body);
                out += &body;
            }
            "errors" => out += &errors,
            "formatted" => {
                assert_eq!(outcome(&formatted).1, formatted, "formatting twice differs");
                out += &formatted;
            }
            _ => out += &body,
        }
        out += "```\n";
    }
    out
}

/// The bad example of a page gives exactly its code, the good one nothing.
fn page(path: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let policies: Vec<String> = text
        .split("```policy erp.policy\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or("").to_owned())
        .collect();
    let [bad, good] = policies.as_slice() else { return Err("a page has one bad and one good example".into()) };
    let (_, _, codes) = outcome(bad);
    if codes != [name(path)] {
        return Err(format!("the bad example gives {codes:?}").into());
    }
    let (errors, _, _) = outcome(good);
    if errors.is_empty() { Ok(()) } else { Err(format!("the good example gives {errors}").into()) }
}
