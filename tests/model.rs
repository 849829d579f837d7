//! The resolver and its lints, on documents: pages of `docs/errors` (x02xx and x04xx) and `tests/golden/model/*.md`.
//!
//! A golden document is a list of cases: a heading, a sentence that says why, fenced files (language and file name after the fence), and a `text` fence with what the case reports, one diagnostic
//! a line. `UPDATE_GOLDEN=1` rewrites the `text` fences.

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
use std::path::Path;

use sekisho::diag::{Diagnostic, Sink, codes};
use sekisho::model::{self, Input};
use sekisho::source::{FileId, Sources};
use sekisho::{check, graph, inventory, syntax};

const PLATFORMS: &[&str] = &["iptables", "nftables"];

/// A fenced block: what stands after the fence, its text, and where the text lies in the document.
struct Block<'a> {
    info: &'a str,
    text: &'a str,
    start: usize,
    end: usize,
}

fn blocks(document: &str) -> Vec<Block<'_>> {
    let (mut found, mut open, mut at) = (Vec::new(), None::<(&str, usize)>, 0);
    for line in document.split_inclusive('\n') {
        if let Some(info) = line.trim_end().strip_prefix("```") {
            open = match open {
                None => Some((info, at + line.len())),
                Some((info, start)) => {
                    found.push(Block { info, text: &document[start..at], start, end: at });
                    None
                }
            };
        }
        at += line.len();
    }
    found
}

fn run(files: &[(&str, &str)]) -> (Sources, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let mut sink = Sink::default();
    let mut ids: Vec<(FileId, &str)> = Vec::new();
    for (name, text) in files {
        if name.ends_with(".yaml") || name.ends_with(".policy") {
            ids.push((sources.add(*name, *text), name));
        }
    }
    let yaml: Vec<FileId> = ids.iter().filter(|(_, name)| name.ends_with(".yaml")).map(|(id, _)| *id).collect();
    let inventory = inventory::read(&sources, &yaml, &mut sink);
    let policies = ids.iter().filter(|(_, name)| name.ends_with(".policy"));
    let trees: Vec<_> = policies.map(|(id, _)| syntax::parse(*id, sources.text(*id), &mut sink)).collect();
    let feeds = |path: &str| {
        let found = files.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "there is no such file".to_owned())
    };
    let input = Input { inventory: &inventory, files: &trees, sources: &sources, platforms: PLATFORMS, feeds: &feeds };
    let model = model::resolve(input, &mut sink);
    if !sink.has_bad_input() {
        let topology = graph::Topology::new(&model);
        let at = jiff::civil::date(2026, 11, 22);
        let prover = sekisho::reach::Prover::new(&model, &topology, at, &sekisho::reach::Extra::default());
        let findings = prover.all();
        let context = check::Context {
            model: &model,
            files: &trees,
            topology: &topology,
            at,
            prover: &prover,
            findings: &findings,
        };
        check::run_all(&context, &mut sink);
    }
    (sources, sink.into_sorted())
}

fn files_of<'a>(blocks: &[Block<'a>]) -> Vec<(&'a str, &'a str)> {
    blocks.iter().filter_map(|block| Some((block.info.split_once(' ')?.1, block.text))).collect()
}

fn concise(sources: &Sources, found: &[Diagnostic]) -> String {
    let mut text = String::new();
    let place = |span| {
        let at = sources.position(span);
        format!("{}:{}:{}", sources.path(span.file), at.line, at.column)
    };
    for diagnostic in found {
        let at = diagnostic.primary.as_ref().map_or_else(String::new, |label| place(label.span));
        let severity = diagnostic.severity.as_str();
        writeln!(text, "{at}: {severity}[{}]: {}", diagnostic.code.id, diagnostic.message).unwrap();
        for label in &diagnostic.secondary {
            writeln!(text, "  {}: {}", place(label.span), label.text).unwrap();
        }
        for note in &diagnostic.notes {
            writeln!(text, "  note: {note}").unwrap();
        }
        if let Some(help) = &diagnostic.help {
            writeln!(text, "  help: {help}").unwrap();
        }
    }
    text
}

#[test]
fn error_pages_keep_their_word() {
    let mut wrong = String::new();
    for code in codes::names::ALL.iter().chain(codes::statements::ALL) {
        let path = format!("{}/docs/errors/{}.md", env!("CARGO_MANIFEST_DIR"), code.id);
        let Ok(page) = fs::read_to_string(&path) else {
            writeln!(wrong, "{} has no page", code.id).unwrap();
            continue;
        };
        let (bad, good) = page.split_once("## Good").expect("a page has a good example");
        for (example, part, expected) in [("bad", bad, true), ("good", good, false)] {
            let (sources, found) = run(&files_of(&blocks(part)));
            let has = found.iter().any(|diagnostic| diagnostic.code.id == code.id);
            let alone = found.iter().all(|diagnostic| diagnostic.code.id == code.id);
            if has != expected || !alone {
                writeln!(wrong, "{} {example}:\n{}", code.id, concise(&sources, &found)).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn golden_documents() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/model");
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut wrong = String::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let document = fs::read_to_string(path).unwrap();
        let actual = rewritten(&document);
        if actual == document {
            continue;
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(path, actual).unwrap();
        } else {
            let diff = similar::TextDiff::from_lines(&document, &actual);
            writeln!(wrong, "{}\n{}", path.display(), diff.unified_diff()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The document with what its cases report now.
fn rewritten(document: &str) -> String {
    let mut actual = String::new();
    let (mut copied, mut case) = (0, Vec::new());
    for block in blocks(document) {
        if block.info == "text" {
            let (sources, found) = run(&files_of(&case));
            actual.push_str(&document[copied..block.start]);
            actual.push_str(&concise(&sources, &found));
            copied = block.end;
            case.clear();
        } else {
            case.push(block);
        }
    }
    actual.push_str(&document[copied..]);
    actual
}
