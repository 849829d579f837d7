//! Literate goldens of the inventory, and the pages of its codes.
//!
//! A document under `tests/golden/inventory/` is a row of cases: a `##` heading, a sentence that says why, fenced files
//! (a `yaml` fence with the file's name), and one `text` fence with the diagnostics in their concise form, help included.
//! `UPDATE_GOLDEN=1 cargo test --test golden_inventory` writes the `text` fences anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use sekisho::diag::{Diagnostic, Sink};
use sekisho::source::{FileId, Sources};
use sekisho::{inventory, settings};

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut trials = Vec::new();
    for path in markdown(&root.join("tests/golden/inventory")) {
        trials.push(Trial::test(stem(&path), move || document(&path)));
    }
    for path in markdown(&root.join("docs/errors")) {
        let code = stem(&path);
        if code.get(1..3) == Some("03") {
            trials.push(Trial::test(format!("page of {code}"), move || page(&path)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// Runs all cases of a document, and compares it with what it would be.
fn document(path: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let actual = rewritten(&text);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, &actual)?;
    } else if actual != text {
        let diff = similar::TextDiff::from_lines(&text, &actual).unified_diff().to_string();
        return Err(format!("{} has changed (UPDATE_GOLDEN=1 rewrites it)\n{diff}", path.display()).into());
    }
    Ok(())
}

/// The document with the `text` fence of every case as it comes out.
fn rewritten(text: &str) -> String {
    let mut out = String::new();
    let mut case: Vec<(String, String)> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if line.starts_with("## ") {
            case.clear();
        }
        let Some(fence) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if fence == "text" {
            out.push_str(&report(&case));
        } else {
            let name = fence.strip_prefix("yaml ").unwrap_or("network.yaml").to_owned();
            case.push((name, body.iter().map(|line| format!("{line}\n")).collect()));
            body.iter().for_each(|line| out.push_str(&format!("{line}\n")));
        }
        out.push_str("```\n");
    }
    out
}

fn read(files: &[(String, String)]) -> (Sources, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let mut sink = Sink::default();
    let mut inventories: Vec<FileId> = Vec::new();
    let mut levels = settings::Settings::default();
    for (name, text) in files {
        let id = sources.add(name.as_str(), text.as_str());
        if name == "sekisho.yaml" {
            levels = settings::read(&sources, id, &mut sink);
        } else {
            inventories.push(id);
        }
    }
    inventory::read(&sources, &inventories, &mut sink);
    let found = sink.into_sorted().into_iter().filter_map(|found| levels.apply(found)).collect();
    (sources, found)
}

/// `file:line:column: error[E0301]: ...`, other places and help on lines of their own.
fn report(files: &[(String, String)]) -> String {
    let (sources, found) = read(files);
    let mut out = String::new();
    let place = |span| {
        let at = sources.position(span);
        format!("{}:{}:{}", sources.path(span.file), at.line, at.column)
    };
    for found in &found {
        let primary = found.primary.as_ref().unwrap();
        let marked = &sources.text(primary.span.file)[primary.span.start as usize..primary.span.end as usize];
        let (severity, code) = (found.severity.as_str(), found.code.id);
        writeln!(out, "{}: {severity}[{code}]: {}", place(primary.span), found.message).unwrap();
        writeln!(out, "  at: {}", marked.escape_debug()).unwrap();
        for other in &found.secondary {
            writeln!(out, "  also: {}: {}", place(other.span), other.text).unwrap();
        }
        if let Some(help) = &found.help {
            writeln!(out, "  help: {help}").unwrap();
        }
    }
    out
}

/// The bad example gives exactly the code of the page, the good one gives nothing.
fn page(path: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let (bad, good) = text.split_once("## Good").ok_or("no `## Good`")?;
    let codes = |part: &str| -> Vec<&'static str> {
        let (_, found) = read(&files_of(part));
        found.iter().map(|found| found.code.id).collect()
    };
    if codes(bad) != [stem(path)] {
        return Err(format!("the bad example gives {:?}\n{}", codes(bad), report(&files_of(bad))).into());
    }
    if !codes(good).is_empty() {
        return Err(format!("the good example gives\n{}", report(&files_of(good))).into());
    }
    Ok(())
}

fn files_of(part: &str) -> Vec<(String, String)> {
    let fences = part.split("```yaml ").skip(1);
    let files = fences.filter_map(|fence| fence.split_once('\n'));
    files.map(|(name, rest)| (name.to_owned(), rest.split("```").next().unwrap().to_owned())).collect()
}
