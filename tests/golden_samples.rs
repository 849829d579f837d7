//! What people read and what firewalls load, for every project under `policies/`, byte for byte.
//!
//! `tests/golden/samples/PROJECT/` holds the emitted files (`out/`), drawings, and documents whose `console` blocks are commands with
//! their answers. `UPDATE_GOLDEN=1 cargo test --test golden_samples` rewrites them from what the program says; the difference is for a
//! person to read. Commands run in the project, at [`DAY`] unless they say another. As root, every emitted file is also loaded, twice, in a
//! network namespace of its own; otherwise that test says that it was skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use support::root;

/// The day on which the samples are judged.
const DAY: &str = "2026-11-21";

/// What is asked of a project, with the folder of its goldens.
type Kind = fn(&Path, &Path) -> Result<(), String>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for project in projects() {
        let name = project.file_name().unwrap().to_string_lossy().into_owned();
        let golden = root().join("tests/golden/samples").join(&name);
        let kinds: [(&str, Kind); 4] =
            [("emitted", emitted), ("drawings", drawings), ("documents", documents), ("loads", loads)];
        for (kind, run) in kinds {
            let (project, golden) = (project.clone(), golden.clone());
            trials.push(Trial::test(format!("{name}::{kind}"), move || run(&project, &golden).map_err(Failed::from)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn projects() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(root().join("policies")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Exit code, standard output, standard error.
fn sekisho(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let day: &[&str] = if arguments.contains(&"--at") { &[] } else { &["--at", DAY] };
    let said = support::sekisho(directory, &[arguments, day].concat());
    (said.code, said.out, said.err)
}

/// Compares one file with what it should be, or rewrites it.
fn agree(path: &Path, wanted: &str) -> Result<(), String> {
    let known = fs::read_to_string(path).unwrap_or_default();
    if known == wanted {
        return Ok(());
    }
    if updates() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, wanted).unwrap();
        return Ok(());
    }
    let difference = similar::TextDiff::from_lines(known.as_str(), wanted);
    let shown = difference.unified_diff().context_radius(2).header("golden", "now").to_string();
    let name = path.strip_prefix(root()).unwrap_or(path);
    Err(format!("{} differs; UPDATE_GOLDEN=1 rewrites it\n{shown}", name.display()))
}

fn updates() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// All files below a directory, by path.
fn files(below: &Path) -> BTreeMap<PathBuf, String> {
    fn walk(base: &Path, at: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(at).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(base, &path, found);
            } else {
                found.insert(path.strip_prefix(base).unwrap().to_owned(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(below, below, &mut found);
    found
}

fn compiled(project: &Path) -> Result<(tempfile::TempDir, PathBuf), String> {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let (code, _, said) = sekisho(project, &["compile", "-o", out.to_str().unwrap()]);
    if code == 0 { Ok((home, out)) } else { Err(format!("compile: exit {code}\n{said}")) }
}

/// The files that `compile` writes.
fn emitted(project: &Path, golden: &Path) -> Result<(), String> {
    let (_home, out) = compiled(project)?;
    let (now, known) = (files(&out), files(&golden.join("out")));
    for (path, text) in &now {
        agree(&golden.join("out").join(path), text)?;
    }
    for path in known.keys().filter(|path| !now.contains_key(*path)) {
        if !updates() {
            return Err(format!("{} is written no more", path.display()));
        }
        fs::remove_file(golden.join("out").join(path)).unwrap();
    }
    Ok(())
}

fn drawings(project: &Path, golden: &Path) -> Result<(), String> {
    if project.ends_with("incident-2020") {
        let (_, picture, _) = sekisho(project, &["graph", "--format", "svg"]);
        agree(&root().join("docs/images/incident-2020.svg"), &picture)?;
    }
    for (kind, format, file) in [
        ("topology", "dot", "topology.dot"),
        ("topology", "mermaid", "topology.mmd"),
        ("access", "dot", "access.dot"),
        ("access", "mermaid", "access.mmd"),
    ] {
        let (code, text, said) = sekisho(project, &["graph", "--of", kind, "--format", format]);
        if code != 0 {
            return Err(format!("graph: exit {code}\n{said}"));
        }
        agree(&golden.join(file), &text)?;
    }
    Ok(())
}

/// Documents: in a `console` block, what follows a line `$ sekisho ...` is its answer.
fn documents(project: &Path, golden: &Path) -> Result<(), String> {
    let mut pages: Vec<PathBuf> = fs::read_dir(golden).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    if pages.is_empty() {
        return Err("no document asks anything about this project".to_owned());
    }
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        agree(&page, &answered(project, &text)?)?;
    }
    Ok(())
}

fn answered(project: &Path, page: &str) -> Result<String, String> {
    let mut now = String::new();
    let mut inside = false;
    for line in page.lines() {
        let fence = line.starts_with("```");
        if fence {
            inside = line == "```console";
        }
        if !inside || fence || line.starts_with("$ ") {
            now.push_str(line);
            now.push('\n');
        }
        let Some(command) = line.strip_prefix("$ ").filter(|_| inside) else { continue };
        let words: Vec<&str> = command.split(' ').collect();
        let Some(arguments) = words.strip_prefix(&["sekisho"]) else {
            return Err(format!("`{command}` is not a command of sekisho"));
        };
        let (code, out, said) = sekisho(project, arguments);
        now.push_str(&out);
        now.push_str(&said);
        if code != 0 {
            now.push_str(&format!("exit {code}\n"));
        }
    }
    Ok(now)
}

/// Every file loads, twice, and the second time changes nothing; iptables files with and without `--noflush`.
fn loads(project: &Path, _: &Path) -> Result<(), String> {
    if let Some(reason) = unable() {
        println!("skipped: the files of {} are not loaded: {reason}", project.display());
        return Ok(());
    }
    let (_home, out) = compiled(project)?;
    for path in files(&out).keys() {
        let file = out.join(path);
        let twice = |load: &str, list: &str| {
            format!(
                "set -e; {load} < \"$0\"; first=$({list}); {load} < \"$0\"; test \"$first\" = \"$({list})\"; test -n \"$first\""
            )
        };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let scripts = match name.as_str() {
            "ruleset.nft" => vec![twice("nft -f -", "nft -s list ruleset")],
            "rules.v4" | "rules.v6" => {
                let tool = if name == "rules.v4" { "iptables" } else { "ip6tables" };
                let list = format!("{tool}-save | grep -v '^#'");
                let flushed = twice(&format!("{tool}-restore"), &list);
                vec![flushed, twice(&format!("{tool}-restore --noflush"), &list)]
            }
            _ => continue,
        };
        for script in scripts {
            let done = Command::new("unshare").args(["-n", "sh", "-c", &script]).arg(&file).output().unwrap();
            if !done.status.success() {
                let said = String::from_utf8_lossy(&done.stderr).into_owned();
                return Err(format!("{}: {script}\n{said}", path.display()));
            }
        }
    }
    Ok(())
}

/// Why files cannot be loaded here.
fn unable() -> Option<&'static str> {
    let works = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|done| done.status.success())
    };
    if !works("unshare", &["-n", "true"]) {
        return Some("no network namespace can be made (not root?)");
    }
    let tools = [["-n", "nft", "list", "tables"].as_slice(), &["-n", "iptables-save"], &["-n", "ip6tables-save"]];
    if !tools.iter().all(|tool| works("unshare", tool)) {
        return Some("nft, iptables or ip6tables is missing or does not work");
    }
    None
}
