//! The reader of iptables: the documents under `tests/golden/read/iptables/`, each section of which is also loaded into the kernel.
//!
//! A section has a heading, a sentence that says why, fences `rules.v4`, `rules.v6` and `ipset.save`, and a fence `listing` with what is read (`UPDATE_GOLDEN=1` rewrites it). Rules are
//! loaded with `iptables-restore` in a network namespace of their own; what `iptables-save` prints afterwards must mean the same, packet by packet, with the unknown in the same places. A fence
//! `rules.v4 refused` must be refused by the program; `rules.v4 elsewhere` is not tried: it is in a form of other versions, or needs what a machine may lack.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

#[path = "read_iptables/counters.rs"]
mod counters;
#[path = "read_iptables/listings.rs"]
mod listings;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use listings::{compare, shown};
use sekisho::listing::Listing;
use sekisho::platform::{by_name, read_iptables};

/// A section of a document.
#[derive(Default)]
struct Section {
    heading: String,
    /// What stands before the fence `listing`, and behind it.
    before: String,
    files: Vec<(String, String)>,
    listing: String,
}

impl Section {
    fn file(&self, name: &str) -> Option<&str> {
        let is = |info: &str| info.split(' ').next() == Some(name);
        self.files.iter().find(|(info, _)| is(info)).map(|(_, text)| text.as_str())
    }

    fn says(&self, word: &str) -> bool {
        self.files.iter().any(|(info, _)| info.split(' ').any(|known| known == word))
    }

    fn read(&self) -> Listing {
        read_iptables(self.file("rules.v4"), self.file("rules.v6"), self.file("ipset.save"))
    }
}

fn documents() -> Vec<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/read/iptables");
    let mut found: Vec<PathBuf> = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn sections(text: &str) -> Vec<Section> {
    let mut found = vec![Section::default()];
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            found.push(Section { heading: heading.to_owned(), ..Section::default() });
        }
        let last = found.last_mut().unwrap();
        let Some(info) = line.strip_prefix("```") else {
            last.before += &format!("{line}\n");
            continue;
        };
        let body: String = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        if info == "listing" {
            last.listing = body;
        } else {
            last.before += &format!("```{info}\n{body}```\n");
            last.files.push((info.to_owned(), body));
        }
    }
    found
}

#[test]
fn documents_say_what_is_read() {
    let mut wrong = Vec::new();
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        let mut rewritten = String::new();
        for section in sections(&text) {
            rewritten += section.before.trim_end();
            rewritten += "\n\n";
            if section.files.is_empty() {
                continue;
            }
            let read = shown(&section.read());
            if read != section.listing {
                let name = path.file_name().unwrap().to_string_lossy();
                wrong.push(format!("{name}: {}\n{read}\ninstead of\n{}", section.heading, section.listing));
            }
            rewritten += &format!("```listing\n{read}```\n\n");
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, rewritten.trim_end().to_owned() + "\n").unwrap();
        }
    }
    assert!(wrong.is_empty() || std::env::var_os("UPDATE_GOLDEN").is_some(), "{}", wrong.join("\n"));
}

/// Whether rules can be loaded here.
fn can_load() -> bool {
    let fine = |command: &str| {
        let mut shell = Command::new("unshare");
        shell.args(["-n", "sh", "-c", command]).stdout(Stdio::null()).stderr(Stdio::null());
        shell.status().is_ok_and(|status| status.success())
    };
    let can = fine("iptables-save && ip6tables-save && printf '*filter\\nCOMMIT\\n' | iptables-restore");
    if !can {
        eprintln!("skipped: this needs root, unshare and iptables");
    }
    can
}

/// What the programs print after they loaded the files of a section, by program; or why they refused.
fn loaded(section: &Section, home: &Path) -> Result<Vec<(&'static str, String)>, String> {
    let mut script = String::from("set -e\n");
    for (name, text) in &section.files {
        let name = name.split(' ').next().unwrap();
        fs::File::create(home.join(name)).unwrap().write_all(text.as_bytes()).unwrap();
    }
    for (file, load) in
        [("ipset.save", "ipset restore"), ("rules.v4", "iptables-restore"), ("rules.v6", "ip6tables-restore")]
    {
        if section.file(file).is_some() {
            script += &format!("{load} < {file}\n");
        }
    }
    script += "ipset save > ipset.out 2>/dev/null || true\niptables-save > v4.out\niptables-save -c > v4c.out\nip6tables-save > v6.out\n";
    let done = Command::new("unshare").args(["-n", "sh", "-c", &script]).current_dir(home).output().unwrap();
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    let out = |name: &'static str| (name, fs::read_to_string(home.join(name)).unwrap_or_default());
    Ok(["ipset.out", "v4.out", "v4c.out", "v6.out"].map(out).into())
}

fn reread(section: &Section, printed: &[(&str, String)], v4: &str) -> Listing {
    let of = |name: &str| printed.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str());
    let given = |file: &str, out: &str| section.file(file).and_then(|_| of(out));
    read_iptables(given("rules.v4", v4), given("rules.v6", "v6.out"), given("ipset.save", "ipset.out"))
}

#[test]
fn what_the_programs_print_means_what_was_written() {
    if !can_load() {
        return;
    }
    let has_ipset = Command::new("ipset").arg("--version").output().is_ok();
    let (mut tried, mut wrong) = (0, Vec::new());
    for path in documents() {
        for section in sections(&fs::read_to_string(&path).unwrap()) {
            let needs_ipset = section.file("ipset.save").is_some();
            if section.files.is_empty() || section.says("elsewhere") || needs_ipset && !has_ipset {
                continue;
            }
            tried += 1;
            let home = tempfile::tempdir().unwrap();
            match loaded(&section, home.path()) {
                Ok(_) if section.says("refused") => wrong.push(format!("{}: it loads", section.heading)),
                Err(_) if section.says("refused") => {}
                Err(why) => wrong.push(format!("{}: it does not load: {why}", section.heading)),
                Ok(printed) => {
                    let as_written = section.read();
                    for v4 in ["v4.out", "v4c.out"] {
                        let again = reread(&section, &printed, v4);
                        if let Err(why) = compare(&as_written, &again) {
                            wrong.push(format!("{}: {why}\n{}", section.heading, shown(&again)));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    eprintln!("{tried} rule sets loaded");
}

#[test]
fn files_are_recognised_by_name_and_by_what_is_in_them() {
    let platform = by_name("iptables").unwrap();
    let rules = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n";
    let v6 = "*filter\n-A INPUT -p ipv6-icmp -j ACCEPT\nCOMMIT\n";
    let sets = "create a hash:ip family inet\nadd a 10.0.0.1\n";
    assert_eq!(
        platform.read(&[("rules.v4", rules), ("rules.v6", v6)]).unwrap(),
        read_iptables(Some(rules), Some(v6), None)
    );
    let by_text = platform.read(&[("1.txt", v6), ("2.txt", sets), ("3.txt", rules)]).unwrap();
    assert_eq!(by_text, read_iptables(Some(rules), Some(v6), Some(sets)));
    assert_eq!(platform.read(&[("ruleset.nft", "table inet filter {\n}\n")]), None);
    assert_eq!(platform.read(&[]), None);
    let both = platform
        .read(&[("fw1", &format!("# Generated by iptables-save\n{rules}# Generated by ip6tables-save\n{v6}"))])
        .unwrap();
    assert_eq!(both.bases, read_iptables(Some(rules), Some(v6), None).bases);
    assert_eq!(both.chains.iter().flat_map(|chain| &chain.rules).map(|rule| rule.line).collect::<Vec<_>>(), [7]);
    let twice = platform.read(&[("a/rules.v4", rules), ("b/rules.v4", rules)]).unwrap();
    assert!(twice.noticed.iter().any(|one| one.text == "b/rules.v4" && one.blurs()));
}

/// The projects of `policies/`: what `compile` writes for iptables holds nothing unknown for the first packet of a connection.
/// Of later packets only what a quarantine asks of the connection is unknown: a packet's header does not show it.
#[test]
fn what_compile_writes_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let out = tempfile::tempdir().unwrap();
    let mut read = 0;
    for project in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let to = out.path().join(project.file_name().unwrap());
        let mut compile = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        assert!(
            compile
                .arg("compile")
                .arg(&project)
                .args(["--at", "2026-11-22", "-o"])
                .arg(&to)
                .output()
                .unwrap()
                .status
                .success()
        );
        for device in fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().path()) {
            let file = |name: &str| fs::read_to_string(device.join(name)).ok();
            let (Some(v4), Some(v6)) = (file("rules.v4"), file("rules.v6")) else { continue };
            let listing = read_iptables(Some(&v4), Some(&v6), None);
            assert_eq!(listing.noticed, [], "{}", device.display());
            for text in listings::unknowns(&listing) {
                assert!(text.starts_with("--ct"), "{}: {text}", device.display());
            }
            read += 1;
        }
    }
    assert!(read > 5, "{read}");
}

/// No line is without an answer: it is a rule of a chain, a chain, a policy, or noticed.
#[test]
fn a_text_of_anything_is_noticed() {
    let text = "hello\n\u{0}\n-A\n-A INPUT -j\n*filter\nCOMMIT now\n:\n: X\n[1:2]\n-A INPUT \"open\n";
    let listing = read_iptables(Some(text), None, Some("add\ncreate\n\"\n"));
    for line in [1, 2, 3, 6, 7, 9, 10] {
        assert!(listing.noticed.iter().any(|one| one.line == line && one.blurs()), "{line}: {}", shown(&listing));
    }
}
