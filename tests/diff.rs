//! `diff` at the command line: changes of the sample as people make them, byte for byte; exit codes; git; what hostile names and short pages do.
//!
//! Goldens are in `tests/golden/diff/`; `UPDATE_GOLDEN=1 cargo test --test diff` rewrites them. Whether the flows are right is held by `reference_diff.rs`.

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
use std::path::Path;

use serde_json::Value;
use support::{copy, git, root, sekisho};

/// The day on which the sample is compared.
const DAY: &str = "2026-11-21";

/// A directory with the sample twice.
fn twice(sample: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for side in ["old", "new"] {
        copy(&root().join("policies").join(sample), &home.path().join(side));
    }
    home
}

fn edit(directory: &Path, file: &str, from: &str, to: &str) {
    let path = directory.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn add(directory: &Path, file: &str, text: &str) {
    let path = directory.join(file);
    let before = fs::read_to_string(&path).unwrap_or_default();
    fs::write(path, before + text).unwrap();
}

/// A vendor gets a way in, and somebody takes away the promise that stood against it.
fn vendor(new: &Path) {
    add(
        new,
        "policy/vendor.policy",
        "purpose vendor \"A vendor in Bangkok maintains the drawings server\" {\n    owner team-th\n    ticket CHG-4901\n\n    \
         allow TH-PLM from bangkok/office to dc/plm on https, ssh until 2027-03-31 log\n    \
         allow TH-ERP-ADMIN from bangkok/office to dc/erp on ssh until 2027-03-31\n}\n",
    );
    edit(
        new,
        "policy/defence.policy",
        "    deny EXPORT-01 \"Export-controlled data stays in Japan\"\n        from any except country:JP\n        to class:secret\n        on any\n        log\n",
        "",
    );
}

/// A new office: inventory alone, and tags do the rest.
fn office(new: &Path) {
    edit(
        new,
        "inventory/overseas.yaml",
        "  chicago:\n    country: US",
        "  hanoi:\n    country: VN\n    tier: 2\n    tags: [overseas]\n    networks:\n      office: { address: [10.85.0.0/22, \"2001:db8:85::/64\"], tags: [terminal], terminals: 300 }\n  chicago:\n    country: US",
    );
    add(
        new,
        "inventory/overseas.yaml",
        "  fw-hanoi:\n    site: hanoi\n    platform: nftables\n    interfaces: { eth0: wan-asia, eth1: hanoi/office }\n",
    );
}

/// The portal has opened: files are no longer sent, and the exception goes with its waiver.
fn cleaning(new: &Path) {
    edit(
        new,
        "policy/offices.policy",
        "    allow TH-FILES \"Drawings for Thailand\" from bangkok/office to dc/file-exchange on smb\n        until 2027-01-31 log\n",
        "",
    );
    edit(
        new,
        "policy/assertions.policy",
        "waive W-01 for NEV-03 allow TH-FILES\n    ticket RISK-12 because \"No other way to send drawings before the portal opens\" by ciso\n    until 2027-01-31\n",
        "",
    );
    edit(
        new,
        "policy/administration.policy",
        "allow ADM-DESK from osaka/admin to dc/jump on ssh, rdp log",
        "allow ADM-DESK from osaka/admin to dc/jump on ssh log",
    );
}

/// The same in other words: rules renamed and moved, a group, a prefix as two halves, another order.
fn rewording(new: &Path) {
    edit(new, "policy/plants.policy", "allow MES-REPORT", "allow LINE-REPORT");
    edit(new, "policy/erp.policy", "    allow ERP-SQL from dc/erp to dc/erp-db on oracle\n", "");
    add(
        new,
        "policy/databases.policy",
        "group orders = dc/erp\npurpose databases \"Servers and their databases\" {\n    owner team-erp\n    ticket CHG-4711\n    allow DB-ERP from orders to dc/erp-db on oracle\n}\n",
    );
    edit(new, "inventory/overseas.yaml", "[10.83.0.0/22, ", "[10.83.0.0/23, 10.83.2.0/23, ");
    fs::rename(new.join("inventory/wan.yaml"), new.join("inventory/lines.yaml")).unwrap();
}

/// The inner firewall is replaced by a router, and one rule stops logging.
fn router(new: &Path) {
    edit(
        new,
        "inventory/datacentre.yaml",
        "  fw-defence:\n    site: dc\n    platform: iptables\n",
        "  rt-defence:\n    site: dc\n",
    );
    edit(new, "policy/defence.policy", "        via fw-defence\n", "");
    edit(
        new,
        "policy/administration.policy",
        "allow ADM-DESK from osaka/admin to dc/jump on ssh, rdp log",
        "allow ADM-DESK from osaka/admin to dc/jump on ssh, rdp",
    );
}

/// What is done to the new side.
type Change = fn(&Path);

fn golden(name: &str, got: &str, wrong: &mut Vec<String>) {
    let path = root().join("tests/golden/diff").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, got).unwrap();
    } else if fs::read_to_string(&path).unwrap_or_default() != got {
        wrong.push(format!("{name}:\n{got}"));
    }
}

#[test]
fn changes_of_the_sample_are_told_as_before() {
    let changes: [(&str, Change, i32); 5] = [
        ("vendor", vendor, 1),
        ("office", office, 1),
        ("cleaning", cleaning, 1),
        ("rewording", rewording, 0),
        ("router", router, 1),
    ];
    let mut wrong = Vec::new();
    for (name, change, exit) in changes {
        let home = twice("incident-2020");
        change(&home.path().join("new"));
        for (format, ending) in [("text", "txt"), ("md", "md"), ("json", "json")] {
            let done = sekisho(home.path(), &["diff", "old", "new", "--at", DAY, "--format", format]);
            assert_eq!(done.code, exit, "{name}: {}{}", done.out, done.err);
            assert_eq!(done.err, "");
            golden(&format!("{name}.{ending}"), &done.out, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn time_alone_opens_and_closes() {
    let sample = root().join("policies");
    let between = ["diff", "incident-2020", "--between", DAY, "2027-02-01"];
    let done = sekisho(&sample, &between);
    let mut wrong = Vec::new();
    golden("between.txt", &done.out, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(done.code, 1);
    let done = sekisho(&sample, &["diff", "incident-2020", "--between", DAY, DAY]);
    assert_eq!((done.code, done.out.as_str()), (0, "no access change: proved equal for all packets\n"));
}

#[test]
fn a_change_and_its_reverse_are_mirrors() {
    let home = twice("incident-2020");
    vendor(&home.path().join("new"));
    let json = |old: &str, new: &str| -> Value {
        let done = sekisho(home.path(), &["diff", old, new, "--at", DAY, "--format", "json"]);
        serde_json::from_str(&done.out).unwrap()
    };
    let (there, back) = (json("old", "new"), json("new", "old"));
    let done = sekisho(home.path(), &["diff", "old", "new", "--at", DAY, "--format", "json", "--no-files"]);
    let bare: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&bare["devices"], &bare["opens"]), (&Value::Null, &there["opens"]));
    let exact = |rows: &Value| rows.as_array().unwrap().iter().map(|row| row["exact"].to_string()).collect::<Vec<_>>();
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(exact(&there["opens"])), sorted(exact(&back["closes"])));
    assert_eq!(exact(&there["closes"]), exact(&back["opens"]));
    assert_eq!(back["digest"], json("old", "old")["digest"], "nothing opened has one digest");
    assert_ne!(there["digest"], back["digest"]);
}

#[test]
fn bad_input_is_2_and_says_of_which_side() {
    let home = twice("quickstart");
    add(&home.path().join("new"), "broken.policy", "allow X from nowhere to any on any\n");
    for (arguments, side) in [(["old", "new"], "the new"), (["new", "old"], "the old")] {
        let done = sekisho(home.path(), &["diff", arguments[0], arguments[1]]);
        assert_eq!(done.code, 2);
        assert!(done.err.contains(&format!("{side} project")), "{}", done.err);
        let done = sekisho(home.path(), &["diff", arguments[0], arguments[1], "--format", "json"]);
        let object: Value = serde_json::from_str(&done.out).unwrap();
        assert_eq!((object["schema"].as_str(), done.code), (Some("sekisho/diff/1"), 2));
        assert_eq!(object["diagnostics"].as_array().unwrap().len(), 1);
    }
    for arguments in [
        &["diff"][..],
        &["diff", "old"],
        &["diff", "old", "gone"],
        &["diff", "old", "new", "--base", "main"],
        &["diff", "old", "--between", "2026-01-01"],
        &["diff", "old", "--between", "2026-01-01", "2026-01-02", "--at", DAY],
        &["diff", "old", "new", "--limit", "100"],
    ] {
        let done = sekisho(home.path(), arguments);
        assert_eq!(done.code, 2, "{arguments:?} {}", done.out);
        assert!(!done.err.is_empty() && done.out.is_empty());
    }
}

#[test]
fn sides_are_read_from_git() {
    let home = twice("quickstart");
    git(home.path(), &["init", "-q", "-b", "main"]);
    git(home.path(), &["add", "."]);
    git(home.path(), &["commit", "-q", "-m", "first"]);
    git(home.path(), &["checkout", "-q", "-b", "topic"]);
    let rule = "allow WEB-2 from branch to head/erp on http owner a ticket b\n";
    add(&home.path().join("old"), "more.policy", rule);
    // The work tree alone: what is not committed counts on the side of the directory.
    let done = sekisho(home.path(), &["diff", "--base", "main", "old"]);
    assert_eq!(done.code, 1, "{}{}", done.out, done.err);
    assert!(done.out.starts_with("opens 1"), "{}", done.out);
    let done = sekisho(home.path(), &["diff", "HEAD:old", "HEAD:new"]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    git(home.path(), &["add", "."]);
    git(home.path(), &["commit", "-q", "-m", "second"]);
    let done = sekisho(home.path(), &["diff", "main:old", "HEAD:old"]);
    assert!(done.out.starts_with("opens 1"), "{}{}", done.out, done.err);
    let done = sekisho(home.path(), &["diff", "HEAD:old", "main:old"]);
    assert!(done.out.starts_with("opens 0, closes 1"), "{}{}", done.out, done.err);
    for arguments in [
        &["diff", "nothere:old", "HEAD:old"][..],
        &["diff", "HEAD:gone", "HEAD:old"],
        &["diff", "--base", "nothere", "old"],
    ] {
        assert_eq!(sekisho(home.path(), arguments).code, 2, "{arguments:?}");
    }
    // A directory of that very name wins.
    copy(&home.path().join("new"), &home.path().join("HEAD:old"));
    let done = sekisho(home.path(), &["diff", "HEAD:old", "new"]);
    assert_eq!(done.code, 0, "{}", done.out);
}

/// Forty rules that are each a row of its own.
fn many(new: &Path) {
    let rules: String = (0..120)
        .map(|number| format!("allow NEW-{number} \"Row {number}\" from branch to head/erp on tcp/{} owner a ticket b until 2027-01-{:02}\n", 10_000 + 2 * number, number % 28 + 1))
        .collect();
    add(new, "many.policy", &rules);
}

#[test]
fn a_page_is_cut_between_rows_and_counts_what_is_left_out() {
    let home = twice("quickstart");
    many(&home.path().join("new"));
    let page = |limit: &str| {
        let done = sekisho(home.path(), &["diff", "old", "new", "--at", DAY, "--format", "md", "--limit", limit]);
        assert_eq!(done.code, 1);
        done.out
    };
    let whole = page("65536");
    let rows: Vec<&str> = whole.lines().filter(|line| line.starts_with("- ")).collect();
    assert!(rows.len() > 120 && !whole.contains("Left out"), "{whole}");
    for limit in [2_000, 3_000, 5_000, 9_999] {
        let cut = page(&limit.to_string());
        assert!(cut.chars().count() <= limit, "{} of {limit}", cut.chars().count());
        let kept: Vec<&str> = cut.lines().filter(|line| line.starts_with("- ")).collect();
        assert!(!kept.is_empty() && kept.iter().all(|line| rows.contains(line)), "{cut}");
        let left: usize = cut
            .split_once("Left out")
            .map(|(_, text)| text.split(" of ").next().unwrap())
            .and_then(|text| text.rsplit(' ').next())
            .and_then(|number| number.parse().ok())
            .unwrap();
        let opens = kept.iter().filter(|line| line.contains("Row ")).count();
        assert_eq!(left + opens, 120, "{cut}");
    }
    let screen = sekisho(home.path(), &["diff", "old", "new", "--at", DAY]);
    assert!(screen.out.lines().count() < 70 && screen.out.contains("and 110 more"), "{}", screen.out);
}

#[test]
fn names_are_no_markup() {
    let home = twice("quickstart");
    let title = "<img src=x> **bold** [link](http://evil.example) @team \\u{1b}[31m | `code` # head";
    let rule = format!(
        "allow WEB-2 \"{}\" from branch to head/erp on http owner \"<b>\" ticket \"](x)\"\n",
        title.replace('\\', "\\\\")
    );
    add(&home.path().join("new"), "more.policy", &rule);
    let done = sekisho(home.path(), &["diff", "old", "new", "--at", DAY, "--format", "md"]);
    let page = done.out;
    for markup in ["<img", "[link](", "@team", "<b>", " **bold**", "ticket ](x)"] {
        assert!(!page.contains(markup), "{markup} in {page}");
    }
    let text = sekisho(home.path(), &["diff", "old", "new", "--at", DAY]).out;
    assert!(!text.contains('\u{1b}') && text.starts_with("opens 1"), "{text}");
}
