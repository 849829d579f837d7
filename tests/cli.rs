//! The program at the command line: exit codes, and what goes where.

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
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use support::sekisho;

#[test]
fn help_and_version_are_results() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&["--help"][..], &["--version"], &["check", "--help"], &["help", "compile"]] {
        let done = sekisho(home.path(), arguments);
        assert_eq!(done.code, 0, "{arguments:?}");
        assert!(!done.out.is_empty() && done.err.is_empty());
    }
}

#[test]
fn wrong_usage_is_2_and_says_so_on_standard_error() {
    let home = tempfile::tempdir().unwrap();
    let cases: [&[&str]; 9] = [
        &[],
        &["nonsense"],
        &["check", "--format", "sarf"],
        &["check", "--at", "2026-13-01"],
        &["check", "--at", "20261122"],
        &["compile"],
        &["explain"],
        &["explain", "--from", "10.0.0.1", "--to", "10.0.0.2"],
        &["explain", "--from", "10.0.0.1", "--to", "10.0.0.2", "--on", "ssh", "--batch", "-"],
    ];
    for arguments in cases {
        let done = sekisho(home.path(), arguments);
        assert_eq!(done.code, 2, "{arguments:?}");
        assert!(done.out.is_empty() && !done.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_starter_project_checks_and_is_formatted() {
    let home = tempfile::tempdir().unwrap();
    let made = sekisho(home.path(), &["init", "net"]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(home.path().join("net/.gitignore").exists());
    let checked = sekisho(home.path(), &["check", "net", "--at", "2026-11-22"]);
    assert!(checked.code == 0 && !checked.err.contains("["), "{}", checked.err);
    let formatted = sekisho(home.path(), &["fmt", "--check", "net"]);
    assert_eq!((formatted.code, formatted.out.as_str()), (0, ""));
}

#[test]
fn init_writes_over_nothing() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("mine.policy"), "# mine\n").unwrap();
    let refused = sekisho(home.path(), &["init"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("mine.policy"), "{}", refused.err);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn bad_input_is_2_in_every_format() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("a.policy"), "allow A from x to\n").unwrap();
    for format in ["text", "concise"] {
        let done = sekisho(home.path(), &["check", "--format", format]);
        assert_eq!(done.code, 2);
        assert!(done.out.is_empty() && done.err.contains("a.policy:"), "{}", done.err);
    }
    let done = sekisho(home.path(), &["check", "--format", "json"]);
    assert_eq!(done.code, 2);
    let report: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(report["schema"], "sekisho/check/1");
    assert_eq!(report["diagnostics"][0]["file"], "a.policy");
    assert!(done.err.is_empty());
}

#[test]
fn colour_is_a_choice() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("a.policy"), "allow A from x to\n").unwrap();
    assert!(!sekisho(home.path(), &["check"]).err.contains('\u{1b}'));
    assert!(sekisho(home.path(), &["check", "--color", "always"]).err.contains('\u{1b}'));
}

#[test]
fn a_missing_project_is_2() {
    let home = tempfile::tempdir().unwrap();
    let done = sekisho(home.path(), &["check", "nowhere"]);
    assert_eq!(done.code, 2);
    assert!(done.err.contains("nowhere"));
}

#[test]
fn fmt_leaves_a_file_with_errors_alone() {
    let home = tempfile::tempdir().unwrap();
    let text = "allow   A from x to\n";
    fs::write(home.path().join("a.policy"), text).unwrap();
    assert_eq!(sekisho(home.path(), &["fmt"]).code, 2);
    assert_eq!(fs::read_to_string(home.path().join("a.policy")).unwrap(), text);
    assert_eq!(sekisho(home.path(), &["fmt", "nowhere.policy"]).code, 2);
}

#[test]
fn fmt_mends_and_check_lists() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a.policy");
    fs::write(&path, "service   a =tcp/1\n").unwrap();
    let listed = sekisho(home.path(), &["fmt", "--check"]);
    assert_eq!(listed.code, 1);
    assert_eq!(listed.out, "a.policy:1: not in canonical form\n  -service   a =tcp/1\n  +service a = tcp/1\n");
    assert_eq!(sekisho(home.path(), &["fmt"]).code, 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), "service a = tcp/1\n");
    assert_eq!(sekisho(home.path(), &["fmt", "--check"]).code, 0);
}

#[test]
fn fmt_reads_standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["fmt", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"service a = tcp/1\n").unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!((done.status.code(), done.stdout.as_slice()), (Some(0), &b"service a = tcp/1\n"[..]));
}

#[test]
fn explain_code_knows_its_codes() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(sekisho(home.path(), &["explain-code"]).code, 0);
    assert_eq!(sekisho(home.path(), &["explain-code", "E9999"]).code, 2);
}

/// A reader that goes away is no error.
#[test]
fn a_closed_pipe_is_no_error() {
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_sekisho")).arg("explain-code").stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// An answer that does not arrive is one.
#[test]
#[cfg(target_os = "linux")]
fn a_full_device_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .arg("explain-code")
        .stdout(full)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

/// A panic is exit 70, with the place and without a backtrace.
#[test]
fn a_panic_is_a_bug_and_70() {
    let exit = sekisho::cli::exit::guarded(|| panic!("for the test"));
    assert_eq!(exit.code(), 70);
}

/// A project of two sites behind firewalls, with a policy.
fn two_sites(policy: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let network = "sites:
  a: { networks: { net: { address: 10.1.0.0/24 }, lab: { address: 10.1.8.0/24 } } }
  b: { networks: { net: { address: [10.2.0.0/24, \"2001:db8:2::/64\"] } } }
transit: { wan: {} }
devices:
  fw-a: { site: a, platform: nftables, interfaces: { eth0: wan, eth1: a/net } }
  fw-b: { site: b, platform: iptables, interfaces: { eth0: wan, eth1: b/net } }
  switch: { site: a, interfaces: { one: a/net, two: a/lab } }
";
    fs::write(home.path().join("network.yaml"), network).unwrap();
    fs::write(home.path().join("rules.policy"), policy).unwrap();
    home
}

const ALLOW: &str = "allow WEB from a/net to b/net on https owner me ticket T-1 review 2099-01-01\n";
/// Nothing stands between the two networks.
const UNENFORCEABLE: &str = "deny LAB from a/net to a/lab on any owner me ticket T-2 review 2099-01-01\n";

#[test]
fn a_lint_at_level_error_is_1_for_check_and_stops_nothing_else() {
    let home = two_sites(&format!("{ALLOW}{UNENFORCEABLE}"));
    let checked = sekisho(home.path(), &["check"]);
    assert_eq!(checked.code, 1);
    assert!(checked.err.contains("error[E0512]"), "{}", checked.err);
    assert_eq!(sekisho(home.path(), &["compile", "-o", "out"]).code, 0);
    let asked = sekisho(home.path(), &["explain", "--from", "10.1.0.1", "--to", "10.2.0.1", "--on", "https"]);
    assert!(asked.code == 0 && asked.out.contains(": pass\n"), "{}", asked.out);
}

#[test]
fn levels_come_from_the_settings() {
    let home = two_sites(&format!("{ALLOW}{UNENFORCEABLE}"));
    let levels = |text: &str| {
        fs::write(home.path().join("sekisho.yaml"), text).unwrap();
        let done = sekisho(home.path(), &["check"]);
        (done.code, done.err)
    };
    let (code, said) = levels("lints: { E0512: warn }\n");
    assert!(code == 0 && said.contains("warning[E0512]"), "{said}");
    let (code, said) = levels("lints: { E0512: allow }\n");
    assert_eq!((code, said.as_str()), (0, ""));
    fs::write(home.path().join("rules.policy"), ALLOW.replace(" review 2099-01-01", " until 2026-01-01")).unwrap();
    let (code, said) = levels("lints: { W0411: error }\n");
    assert!(code == 1 && said.contains("error[W0411]"), "{said}");
    let (code, said) = levels("lints: { W9999: error }\n");
    assert!(code == 2 && said.contains("E0326"), "{said}");
    let (code, said) = levels("lints: { E0203: allow }\n");
    assert!(code == 2 && said.contains("E0327"), "{said}");
}

#[test]
fn bad_input_is_json_for_every_command_that_speaks_it() {
    let home = two_sites("allow A from a/net to nowhere on https\n");
    let explain = ["explain", "--from", "10.1.0.1", "--to", "10.2.0.1", "--on", "https"];
    for arguments in [&["check"][..], &["compile", "-o", "out"], &explain] {
        let done = sekisho(home.path(), &[arguments, &["--format", "json"]].concat());
        assert_eq!(done.code, 2, "{arguments:?}");
        let report: serde_json::Value = serde_json::from_str(&done.out).unwrap();
        assert_eq!(report["diagnostics"][0]["code"], "E0203", "{arguments:?}");
        assert_eq!(report["diagnostics"][0]["line"], 1);
        assert!(done.err.is_empty(), "{}", done.err);
    }
    assert!(!home.path().join("out").exists());
}

#[test]
fn all_independent_errors_come_in_one_run() {
    let home = two_sites(
        "allow A from a/nett to b/net on https\nallow B from a/net to to b/net on ssh\ndeny C from a/net to b/net on tcp/9-1\n",
    );
    let said = sekisho(home.path(), &["check", "--format", "concise"]).err;
    for place in ["rules.policy:1:14: error[E0203]", "rules.policy:2:", "rules.policy:3:"] {
        assert!(said.contains(place), "{place}: {said}");
    }
}

#[test]
fn the_date_decides_and_both_bounds_are_inclusive() {
    let home =
        two_sites("allow A from a/net to b/net on https start 2026-06-01 until 2026-06-30 owner me ticket T-1\n");
    let asked = |at: &str| {
        let explain = ["explain", "--from", "10.1.0.1", "--to", "10.2.0.1", "--on", "https", "--at", at];
        sekisho(home.path(), &explain).out.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    for (at, verdict) in
        [("2026-05-31", "drop"), ("2026-06-01", "pass"), ("2026-06-30", "pass"), ("2026-07-01", "drop")]
    {
        assert_eq!(asked(at), verdict, "{at}");
    }
    for (at, changes) in [("2026-05-01", "2026-06-01"), ("2026-06-01", "2026-07-01")] {
        let done = sekisho(home.path(), &["compile", "-o", "out", "--at", at, "--format", "json"]);
        let manifest: serde_json::Value = serde_json::from_str(&done.out).unwrap();
        assert_eq!(manifest["changes_on"], changes, "{at}");
    }
    let done = sekisho(home.path(), &["compile", "-o", "out", "--at", "2026-07-01", "--format", "json"]);
    let manifest: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert!(manifest["changes_on"].is_null());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let home = two_sites(ALLOW);
    let compile = |to: &str| {
        assert_eq!(sekisho(home.path(), &["compile", "-o", to]).code, 0);
        ["manifest.json", "fw-a/ruleset.nft", "fw-b/rules.v4", "fw-b/rules.v6"]
            .map(|file| fs::read(home.path().join(to).join(file)).unwrap())
    };
    assert_eq!(compile("one"), compile("two"));
}

#[test]
fn what_is_written_is_proved_unless_told_otherwise() {
    let home = two_sites(ALLOW);
    let compiled = |more: &[&str]| {
        let done = sekisho(home.path(), &[&["compile", "-o", "out"], more].concat());
        assert_eq!(done.code, 0, "{}", done.err);
        let manifest = fs::read(home.path().join("out/manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        (done.out, manifest["proof"].as_str().unwrap().to_owned())
    };
    let (text, word) = compiled(&[]);
    assert!(text.contains("\nproved: each of them means what the policy asks") && word == "proved", "{text}{word}");
    let (text, word) = compiled(&["--no-proof"]);
    assert!(text.contains("\nnot proved: `--no-proof` was given") && word == "skipped", "{text}{word}");
}

#[test]
fn a_compile_that_fails_leaves_the_old_files_alone() {
    let home = two_sites(ALLOW);
    assert_eq!(sekisho(home.path(), &["compile", "-o", "out"]).code, 0);
    let before = fs::read(home.path().join("out/manifest.json")).unwrap();
    let rules = fs::read(home.path().join("out/fw-a/ruleset.nft")).unwrap();
    fs::write(home.path().join("rules.policy"), format!("{ALLOW}allow B from a/net to nowhere on ssh\n")).unwrap();
    assert_eq!(sekisho(home.path(), &["compile", "-o", "out"]).code, 2);
    // What a platform refuses is found while writing.
    fs::write(home.path().join("rules.policy"), ALLOW).unwrap();
    let network = fs::read_to_string(home.path().join("network.yaml")).unwrap();
    fs::write(home.path().join("network.yaml"), network.replace("eth1: b/net", "\"eth+\": b/net")).unwrap();
    let refused = sekisho(home.path(), &["compile", "-o", "out"]);
    assert!(refused.code == 2 && refused.err.contains("E0602"), "{}", refused.err);
    assert_eq!(sekisho(home.path(), &["check"]).code, 2);
    assert_eq!(fs::read(home.path().join("out/manifest.json")).unwrap(), before);
    assert_eq!(fs::read(home.path().join("out/fw-a/ruleset.nft")).unwrap(), rules);
}

#[test]
fn compile_writes_over_nothing_of_others() {
    let home = two_sites(ALLOW);
    fs::create_dir(home.path().join("mine")).unwrap();
    fs::write(home.path().join("mine/letter.txt"), "dear\n").unwrap();
    let refused = sekisho(home.path(), &["compile", "-o", "mine"]);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert_eq!(fs::read_to_string(home.path().join("mine/letter.txt")).unwrap(), "dear\n");
}

fn batch(home: &Path, text: &str) -> (i32, String, String) {
    fs::write(home.join("flows.csv"), text).unwrap();
    let done = sekisho(home, &["explain", "--batch", "flows.csv"]);
    (done.code, done.out, done.err)
}

#[test]
fn a_batch_keeps_order_columns_and_every_verdict() {
    let home = two_sites(ALLOW);
    let (code, said, _) = batch(
        home.path(),
        "src,dst,protocol,sport,dport,ticket\r\n\
         10.1.0.1,10.2.0.1,tcp,1024,443,\"a,b\"\r\n\
         10.1.0.1,10.2.0.1,6,,443,c\r\n\
         10.1.0.1,10.2.0.1,icmp,8,0,\r\n\
         10.1.0.1,10.1.8.1,gre,,,\r\n\
         10.9.0.1,10.2.0.1,protocol/89,,,\r\n",
    );
    let wanted = "src,dst,protocol,sport,dport,ticket,verdict,rules\n\
         10.1.0.1,10.2.0.1,tcp,1024,443,\"a,b\",pass,WEB\n\
         10.1.0.1,10.2.0.1,6,,443,c,pass,WEB\n\
         10.1.0.1,10.2.0.1,icmp,8,0,,drop,\n\
         10.1.0.1,10.1.8.1,gre,,,,unenforced,\n\
         10.9.0.1,10.2.0.1,protocol/89,,,,unroutable,\n";
    assert_eq!((code, said.replace('\r', "").as_str()), (0, wanted));
}

#[test]
fn several_rules_of_a_batch_are_joined_by_semicolons() {
    let home = two_sites(&format!("{ALLOW}{}", ALLOW.replace("WEB", "ALSO")));
    let (_, said, _) = batch(home.path(), "src,dst,protocol,sport,dport\n10.1.0.1,10.2.0.1,tcp,1,443\n");
    assert!(said.ends_with(",pass,ALSO;WEB\n"), "{said}");
}

#[test]
fn a_broken_line_of_a_batch_is_2_with_its_number() {
    let home = two_sites(ALLOW);
    let header = "src,dst,protocol,sport,dport\n";
    let good = "10.1.0.1,10.2.0.1,tcp,1,443\n";
    let cases = [
        ("", "flows.csv:1: "),
        (good, "flows.csv:1: "),
        ("src,dst,protocol,sport\n", "`dport`"),
        (&format!("{header}{good}10.1.0.1,10.2.0.1,tcp,1\n"), "flows.csv:3: "),
        (&format!("{header}10.1.0.1,10.2.0.1,tcp,1,65536\n"), "flows.csv:2: "),
        (&format!("{header}10.1.0.1,10.2.0.1,tcp,1,\n"), "flows.csv:2: "),
        (&format!("{header}10.1.0.1,2001:db8:2::1,tcp,1,443\n"), "flows.csv:2: "),
        (&format!("{header}10.1.0.1,10.2.0.1,icmp6,128,0\n"), "flows.csv:2: "),
        (&format!("{header}10.1.0.1,10.2.0.1,icmp,256,0\n"), "flows.csv:2: "),
        (&format!("{header}10.1.0.1,somewhere,tcp,1,443\n"), "flows.csv:2: "),
        (&format!("{header}10.1.0.1,10.2.0.1,tpc,1,443\n"), "flows.csv:2: "),
    ];
    for (text, wanted) in cases {
        let (code, _, said) = batch(home.path(), text);
        assert!(code == 2 && said.contains(wanted), "{text:?} gives {code:?} {said}");
    }
    let (code, said, _) = batch(home.path(), header);
    assert_eq!((code, said.as_str()), (0, "src,dst,protocol,sport,dport,verdict,rules\n"));
    let missing = sekisho(home.path(), &["explain", "--batch", "nowhere.csv"]);
    assert!(missing.code == 2 && missing.err.contains("nowhere.csv"));
}

/// The starter project, as it is written.
#[test]
fn the_starter_project_is_golden() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(sekisho(home.path(), &["init"]).code, 0);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/init");
    let mut names: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(&golden).unwrap();
        for name in &names {
            fs::copy(home.path().join(name), golden.join(name)).unwrap();
        }
    }
    let mut known: Vec<_> = fs::read_dir(&golden).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    known.sort();
    assert_eq!(names, known);
    for name in names {
        let text = |base: &Path| fs::read_to_string(base.join(&name)).unwrap();
        assert_eq!(text(home.path()), text(&golden), "{name:?}");
    }
}

#[test]
fn every_code_has_its_page_in_the_program() {
    let home = tempfile::tempdir().unwrap();
    for code in sekisho::diag::codes::all() {
        let done = sekisho(home.path(), &["explain-code", code.id]);
        assert!(done.code == 0 && done.out.contains(code.id), "{}", code.id);
    }
}

/// `--verbose` lists what was written, `--quiet` nothing at all.
#[test]
fn compile_says_as_much_as_it_is_asked_to() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(sekisho(home.path(), &["init", "."]).code, 0);
    let compile = |option: &str| sekisho(home.path(), &["compile", "-o", "rules", option]).out;
    let said = compile("-v");
    assert!(said.starts_with("wrote "), "{said}");
    assert!(
        said.lines().skip(1).any(|line| line.contains("ruleset.nft: ") && line.contains(" rules of the policy")),
        "{said}"
    );
    assert_eq!(compile("-q"), "");
}
