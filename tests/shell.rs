//! What users of a shell expect: completions, manual pages, colours, `-q` and `-v`, and `-` for standard input.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const LINT: &str = "allow A-1 from any to any on ssh until 2020-01-01\n";

fn run(home: &Path, arguments: &[&str], set: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI", "TERM"] {
        command.env_remove(name);
    }
    let mut child = command
        .args(arguments)
        .envs(set.iter().copied())
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn out(done: &Output) -> String {
    String::from_utf8(done.stdout.clone()).unwrap()
}

fn err(done: &Output) -> String {
    String::from_utf8(done.stderr.clone()).unwrap()
}

/// The starter project in `net`, and what it compiles to in `out`.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&["init", "net"][..], &["compile", "net", "-o", "out"]] {
        let done = run(home.path(), arguments, &[], "");
        assert_eq!(done.status.code(), Some(0), "{}", err(&done));
    }
    home
}

/// The commands that `--help` lists.
fn commands(home: &Path) -> Vec<String> {
    let help = out(&run(home, &["--help"], &[], ""));
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let name =
        |line: &str| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()).map(str::to_owned);
    list.lines().filter_map(name).filter(|name| name != "help").collect()
}

#[test]
fn every_shell_gets_every_command() {
    let home = tempfile::tempdir().unwrap();
    let commands = commands(home.path());
    assert!(commands.len() > 15, "{commands:?}");
    for (shell, program) in [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish"), ("powershell", ""), ("elvish", "")] {
        let done = run(home.path(), &["completions", shell], &[], "");
        assert!(done.status.success() && done.stderr.is_empty());
        let script = out(&done);
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell} lacks {command}");
        }
        fs::write(home.path().join(shell), &script).unwrap();
        // Where the shell is there, it reads the script.
        if let Ok(read) = Command::new(program).arg("-n").arg(home.path().join(shell)).output() {
            assert!(read.status.success(), "{shell}: {}", err(&read));
        }
    }
    assert_eq!(run(home.path(), &["completions", "tcsh"], &[], "").status.code(), Some(2));
}

#[test]
fn bash_completes_formats() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("script"), out(&run(home.path(), &["completions", "bash"], &[], ""))).unwrap();
    let asked = "source ./script; COMP_WORDS=(sekisho check --format sa); COMP_CWORD=3; _sekisho sekisho sa --format; echo \"${COMPREPLY[*]}\"";
    let Ok(done) = Command::new("bash").args(["-c", asked]).current_dir(home.path()).output() else { return };
    assert_eq!(out(&done).trim(), "sarif", "{}", err(&done));
}

#[test]
fn every_command_has_a_manual_page() {
    let home = tempfile::tempdir().unwrap();
    let done = run(home.path(), &["man", "share/man1"], &[], "");
    assert!(done.status.success(), "{}", err(&done));
    for command in commands(home.path()) {
        let page = fs::read_to_string(home.path().join(format!("share/man1/sekisho-{command}.1"))).unwrap();
        assert!(
            page.contains(".SH NAME") && page.contains(&format!("sekisho {}", command.replace('-', "\\-"))),
            "{command}"
        );
        let help = out(&run(home.path(), &[&command, "--help"], &[], ""));
        for option in help.split_whitespace().filter(|word| {
            word.starts_with("--") && word.len() > 3 && word.chars().all(|c| c == '-' || c.is_ascii_lowercase())
        }) {
            assert!(page.contains(&option.replace('-', "\\-")), "{command} {option}");
        }
    }
    let whole = out(&run(home.path(), &["man"], &[], ""));
    assert_eq!(whole, fs::read_to_string(home.path().join("share/man1/sekisho.1")).unwrap());
    assert!(whole.contains("Exit codes"));
    fs::write(home.path().join("file"), "").unwrap();
    assert_eq!(run(home.path(), &["man", "file"], &[], "").status.code(), Some(2));
}

#[test]
fn colours_are_as_asked() {
    let home = home();
    fs::write(home.path().join("net/more.policy"), LINT).unwrap();
    let colours = |arguments: &[&str], set: &[(&str, &str)]| {
        let done = run(home.path(), &[&["check", "net"], arguments].concat(), set, "");
        assert!(!done.stderr.is_empty());
        err(&done).contains('\u{1b}')
    };
    for (arguments, set, wanted) in [
        (&[][..], &[][..], false),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "0")], false),
        (&[], &[("NO_COLOR", "1")], false),
        (&[], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
        (&[], &[("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")], true),
        (&["--color", "always"], &[("NO_COLOR", "1")], true),
        (&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&["--color", "auto"], &[("CLICOLOR_FORCE", "1")], true),
        (&["--color", "always", "--format", "concise"], &[], false),
    ] {
        assert_eq!(colours(arguments, set), wanted, "{arguments:?} {set:?}");
    }
    assert!(out(&run(home.path(), &["--color", "always", "--help"], &[], "")).contains('\u{1b}'));
    assert!(
        !out(&run(home.path(), &["--color", "never", "--help"], &[("CLICOLOR_FORCE", "1")], "")).contains('\u{1b}')
    );
    assert!(err(&run(home.path(), &["check", "--color=always", "--nonsense"], &[], "")).contains('\u{1b}'));
    // Results are for programs too, and have none.
    let query = run(home.path(), &["query", "net", "--color", "always"], &[], "");
    assert!(!out(&query).contains('\u{1b}'));
}

#[test]
fn quiet_says_results_and_errors_alone() {
    let home = home();
    fs::write(home.path().join("net/more.policy"), LINT).unwrap();
    for arguments in [
        &["check", "net", "-q"][..],
        &["compile", "net", "-o", "new", "-q"],
        &["man", "man", "--quiet"],
        &["init", "other", "-q"],
    ] {
        let done = run(home.path(), arguments, &[], "");
        assert_eq!(
            (done.status.code(), out(&done), err(&done)),
            (Some(0), String::new(), String::new()),
            "{arguments:?}"
        );
    }
    let query = run(home.path(), &["query", "net", "-q"], &[], "");
    assert!(!query.stdout.is_empty() && query.stderr.is_empty(), "{}", err(&query));
    fs::write(home.path().join("net/more.policy"), "allow A-1 from nowhere to any on ssh\n").unwrap();
    assert!(err(&run(home.path(), &["check", "net", "-q"], &[], "")).contains("E0203"));
    assert_eq!(run(home.path(), &["check", "net", "-q", "-v"], &[], "").status.code(), Some(2));
}

#[test]
fn verbose_says_what_was_read_on_standard_error() {
    let home = home();
    for (arguments, words) in [
        (&["check", "net"][..], "checking: "),
        (&["compile", "net", "-o", "out"], "judged at "),
        (&["query", "net"], "judged at "),
        (&["matrix", "net"], "judged at "),
        (&["explain", "net", "--from", "10.0.0.1", "--to", "10.0.0.2", "--on", "ssh"], "judged at "),
        (&["verify", "net", "--configs", "out"], "reading: "),
    ] {
        let loud = run(home.path(), &[arguments, &["-v", "--at", "2026-11-22"]].concat(), &[], "");
        let plain = run(home.path(), &[arguments, &["--at", "2026-11-22"]].concat(), &[], "");
        assert!(err(&loud).contains("read 2 policy files, 1 inventory file, "), "{arguments:?}: {}", err(&loud));
        assert!(err(&loud).contains(words), "{arguments:?}: {}", err(&loud));
        assert_eq!(loud.status.code(), plain.status.code());
        assert!(out(&loud).contains(&out(&plain)), "{arguments:?}");
    }
    let device =
        fs::read_dir(home.path().join("out")).unwrap().flatten().find(|entry| entry.path().is_dir()).unwrap().path();
    let done = run(home.path(), &["lines", "-v", device.to_str().unwrap()], &[], "");
    assert!(err(&done).starts_with("read `"), "{}", err(&done));
}

#[test]
fn a_dash_is_standard_input() {
    let home = home();
    let device =
        fs::read_dir(home.path().join("out")).unwrap().flatten().find(|entry| entry.path().is_dir()).unwrap().path();
    let file = device.join("ruleset.nft");
    let (file, text) = (file.to_str().unwrap(), fs::read_to_string(&file).unwrap());
    let by_name = run(home.path(), &["lines", file], &[], "");
    let by_dash = run(home.path(), &["lines", "-"], &[], &text);
    assert_eq!(by_name.status.code(), by_dash.status.code());
    assert_eq!(out(&by_name).replace(file, "<stdin>"), out(&by_dash));
    for arguments in [["equiv", "-", file], ["equiv", file, "-"]] {
        let done = run(home.path(), &arguments, &[], &text);
        assert_eq!(done.status.code(), Some(0), "{}{}", out(&done), err(&done));
    }
    let both = run(home.path(), &["equiv", "-", "-"], &[], &text);
    assert_eq!(both.status.code(), Some(2));
    assert!(err(&both).contains("only one of the two"), "{}", err(&both));
    assert_eq!(run(home.path(), &["lines", "-"], &[], "no rule set\n").status.code(), Some(2));
    let done = run(home.path(), &["fmt", "-"], &[], "allow   X from any to any on ssh");
    assert_eq!(out(&done), "allow X from any to any on ssh\n");
    let flows = "src,dst,protocol,sport,dport\n10.0.0.1,10.0.0.2,tcp,,22\n";
    let done = run(home.path(), &["explain", "net", "--batch", "-"], &[], flows);
    assert_eq!(out(&done).lines().count(), 2, "{}", err(&done));
}

#[test]
fn every_code_is_listed_and_explained() {
    let home = tempfile::tempdir().unwrap();
    let list = out(&run(home.path(), &["explain-code"], &[], ""));
    let codes: Vec<&str> = list.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(codes.len(), sekisho::diag::codes::all().count());
    assert!(codes.is_sorted());
    for code in codes {
        let done = run(home.path(), &["explain-code", &code.to_lowercase()], &[], "");
        assert!(done.status.success() && out(&done).starts_with(&format!("# {code}: ")), "{code}");
    }
    let wrong = run(home.path(), &["explain-code", "E9999"], &[], "");
    assert_eq!(wrong.status.code(), Some(2));
}
