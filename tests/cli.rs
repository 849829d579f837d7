//! The program at the command line: exit codes, and what goes where.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn sekisho(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn help_and_version_are_results() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&["--help"][..], &["--version"], &["check", "--help"], &["help", "compile"]] {
        let done = sekisho(home.path(), arguments);
        assert_eq!(done.status.code(), Some(0), "{arguments:?}");
        assert!(!done.stdout.is_empty() && done.stderr.is_empty());
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
        assert_eq!(done.status.code(), Some(2), "{arguments:?}");
        assert!(done.stdout.is_empty() && !done.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_starter_project_checks_and_is_formatted() {
    let home = tempfile::tempdir().unwrap();
    let made = sekisho(home.path(), &["init", "net"]);
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    assert!(home.path().join("net/.gitignore").exists());
    let checked = sekisho(home.path(), &["check", "net", "--at", "2026-11-22"]);
    assert_eq!((checked.status.code(), err(&checked).as_str()), (Some(0), ""));
    let formatted = sekisho(home.path(), &["fmt", "--check", "net"]);
    assert_eq!((formatted.status.code(), out(&formatted).as_str()), (Some(0), ""));
}

#[test]
fn init_writes_over_nothing() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("mine.policy"), "# mine\n").unwrap();
    let refused = sekisho(home.path(), &["init"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("mine.policy"), "{}", err(&refused));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn bad_input_is_2_in_every_format() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("a.policy"), "allow A from x to\n").unwrap();
    for format in ["text", "concise"] {
        let done = sekisho(home.path(), &["check", "--format", format]);
        assert_eq!(done.status.code(), Some(2));
        assert!(done.stdout.is_empty() && err(&done).contains("a.policy:"), "{}", err(&done));
    }
    let done = sekisho(home.path(), &["check", "--format", "json"]);
    assert_eq!(done.status.code(), Some(2));
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["schema"], "sekisho/check/1");
    assert_eq!(report["diagnostics"][0]["file"], "a.policy");
    assert!(done.stderr.is_empty());
}

#[test]
fn colour_is_a_choice() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("a.policy"), "allow A from x to\n").unwrap();
    assert!(!err(&sekisho(home.path(), &["check"])).contains('\u{1b}'));
    assert!(err(&sekisho(home.path(), &["check", "--color", "always"])).contains('\u{1b}'));
}

#[test]
fn a_missing_project_is_2() {
    let home = tempfile::tempdir().unwrap();
    let done = sekisho(home.path(), &["check", "nowhere"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(err(&done).contains("nowhere"));
}

#[test]
fn fmt_leaves_a_file_with_errors_alone() {
    let home = tempfile::tempdir().unwrap();
    let text = "allow   A from x to\n";
    fs::write(home.path().join("a.policy"), text).unwrap();
    assert_eq!(sekisho(home.path(), &["fmt"]).status.code(), Some(2));
    assert_eq!(fs::read_to_string(home.path().join("a.policy")).unwrap(), text);
    assert_eq!(sekisho(home.path(), &["fmt", "nowhere.policy"]).status.code(), Some(2));
}

#[test]
#[ignore = "waits for the formatter"]
fn fmt_mends_and_check_lists() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a.policy");
    fs::write(&path, "service   a =tcp/1\n").unwrap();
    let listed = sekisho(home.path(), &["fmt", "--check"]);
    assert_eq!(listed.status.code(), Some(1));
    assert_eq!(out(&listed), "a.policy:1: not in canonical form\n  -service   a =tcp/1\n  +service a = tcp/1\n");
    assert_eq!(sekisho(home.path(), &["fmt"]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&path).unwrap(), "service a = tcp/1\n");
    assert_eq!(sekisho(home.path(), &["fmt", "--check"]).status.code(), Some(0));
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
    assert_eq!(sekisho(home.path(), &["explain-code"]).status.code(), Some(0));
    assert_eq!(sekisho(home.path(), &["explain-code", "E9999"]).status.code(), Some(2));
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
