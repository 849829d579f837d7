//! The commands that the harness runs, and whether they can be run at all.

use std::fmt;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Why the kernel cannot be tested here, in words for whoever runs the tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable(pub String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the rules that are there are cleared before a restore file is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// `iptables-restore`: a table that the file names is replaced.
    Table,
    /// `iptables-restore --noflush`: it is added to.
    Nothing,
}

/// What a loader said: nothing, or its complaint.
pub type Loaded = Result<(), String>;

/// Says whether kernel tests can run here.
///
/// # Errors
/// The first thing that is missing.
pub fn available() -> Result<(), Unavailable> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Unavailable("kernel tests need root".to_owned()));
    }
    for (program, argument) in
        [("nft", "--version"), ("iptables-restore", "--version"), ("ip6tables-restore", "--version"), ("ip", "-V")]
    {
        if Command::new(program).arg(argument).output().is_err() {
            return Err(Unavailable(format!("kernel tests need the program `{program}`")));
        }
    }
    if !std::path::Path::new("/dev/net/tun").exists() {
        return Err(Unavailable("kernel tests need the device /dev/net/tun".to_owned()));
    }
    Ok(())
}

/// Runs a program with `input` and gives its output.
///
/// # Errors
/// What it wrote to standard error if it did not end well, with its exit status.
pub fn run(program: &str, arguments: &[String], input: &str) -> Result<String, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    let text = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(|error| format!("{program}: {error}"))?;
    // A program that refuses its input early closes the pipe: its own complaint says more than ours would.
    let _broken_pipe = writer.join();
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{program} {}: {}\n{}", arguments.join(" "), output.status, String::from_utf8_lossy(&output.stderr)))
}
