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
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// What `nft` says of a rule set in a network of its own: its text and its JSON.
fn loaded(text: &str) -> Result<(String, String), String> {
    let run = |list: &str| {
        let mut child = Command::new("unshare")
            .args(["-n", "sh", "-c", &format!("nft -f /dev/stdin && nft {list} ruleset")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        child.stdin.take().unwrap().write_all(text.as_bytes()).map_err(|error| error.to_string())?;
        let done = child.wait_with_output().map_err(|error| error.to_string())?;
        if done.status.success() {
            Ok(String::from_utf8_lossy(&done.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&done.stderr).into_owned())
        }
    };
    Ok((run("list")?, run("-j list")?))
}

fn can_load() -> bool {
    let can = loaded("table inet t\n").is_ok();
    if !can {
        println!("skipped: needs root and `nft`");
    }
    can
}

/// How two listings differ.
fn differ(what: &str, one: &str, other: &str) -> Option<String> {
    let difference = similar::TextDiff::from_lines(one, other);
    (one != other).then(|| format!("{what}\n{}", difference.unified_diff().context_radius(0)))
}

/// The file, the text that `nft` prints of it and the JSON that it prints mean the same, or are unknown in the same places.
#[test]
fn the_kernel_says_the_same_in_text_and_json() {
    if !can_load() {
        return;
    }
    let (mut count, mut found) = (0, Vec::new());
    for path in documents() {
        for (before, word, content) in blocks(&fs::read_to_string(&path).unwrap()) {
            if word != "nft" {
                continue;
            }
            let title = before.lines().find(|line| line.starts_with('#')).unwrap_or_default().to_owned();
            let (text, json) = match loaded(&content) {
                Ok(both) => both,
                Err(error) => {
                    found.push(format!("{title}\n{error}"));
                    continue;
                }
            };
            let file = reading::meaning(&read(&content));
            found.extend(differ(&format!("{title}: file and text"), &file, &reading::meaning(&read(&text))));
            // The JSON of nft 1.0.6 does not say that a table sleeps, and has chains without a name as text.
            if !content.contains("dormant") && !content.contains("jump {\n") {
                found.extend(differ(&format!("{title}: file and json"), &file, &reading::meaning(&read(&json))));
            }
            count += 1;
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(count >= 25, "{count} rule sets");
}

/// What we write holds nothing that is not understood.
#[test]
fn emitted_files_are_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for project in fs::read_dir(root.join("policies")).unwrap() {
        let project = project.unwrap().path();
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("out");
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(["compile", "--at", "2026-11-21", "-o", out.to_str().unwrap()]).current_dir(&project);
        assert!(command.output().unwrap().status.success(), "{}", project.display());
        for device in fs::read_dir(&out).unwrap() {
            let Ok(text) = fs::read_to_string(device.unwrap().path().join("ruleset.nft")) else { continue };
            let listing = read(&text);
            let shown = reading::shown(&listing);
            assert!(!listing.bases.is_empty() && listing.noticed.is_empty(), "{shown}");
            // Of later packets of a connection a listing cannot say what the first one was.
            let later = |line: &str| line.matches("unknown [").count() == line.matches("unknown [ct original ").count();
            let unknown: Vec<&str> = shown.lines().filter(|line| line.contains("unknown [") && !later(line)).collect();
            assert!(unknown.is_empty(), "{}\n{}", project.display(), unknown.join("\n"));
            count += 1;
        }
    }
    assert!(count > 5, "{count} files");
}

/// Cut anywhere, with a sign too many or too few: something is read, and nothing panics.
#[test]
fn damaged_texts_are_read() {
    let signs = ["", "{", "}", ";", "\"", "#", "\\\n", "\n", "(", "@", "$", "-", "\u{e9}"];
    for path in documents() {
        for (_, _, content) in blocks(&fs::read_to_string(&path).unwrap()) {
            for (at, _) in content.char_indices().step_by(23) {
                let _ = read(&content[..at]);
                let sign = signs[at % signs.len()];
                let _ = read(&format!("{}{sign}{}", &content[..at], &content[at + 1..]));
            }
        }
    }
}

/// Nesting and repetition cost no more than reading does.
#[test]
fn hostile_texts_are_read() {
    let rule = |text: &str| format!("table inet t {{\nchain c {{\n{text}\n}}\n}}\n");
    let doubled: String = (1..60).map(|n| format!("define a{n} = {{ $a{}, $a{} }}\n", n - 1, n - 1)).collect();
    let nested: String = (1..5000).map(|n| format!("define a{n} = {{ $a{} }}\n", n - 1)).collect();
    for text in [
        rule(&format!("ip saddr {}", "{".repeat(50_000))),
        rule(&format!("ip saddr {}", "(".repeat(50_000))),
        rule(&format!("meta mark {} 1", "& 1 ".repeat(50_000))),
        rule(&"ip saddr {\n".repeat(5_000)),
        rule(&format!("tcp dport 1{}", "-1".repeat(50_000))),
        "{\"nftables\": ".to_owned() + &"[".repeat(50_000),
        format!("define a0 = {{ 10.0.0.1 }}\n{doubled}{}", rule("ip saddr $a59 accept")),
        format!("define a0 = {{ 10.0.0.1 }}\n{nested}{}", rule("ip saddr $a4999 accept")),
        "table inet t {\n".repeat(5_000),
        "\"".repeat(50_000),
    ] {
        let _ = read(&text);
    }
}
