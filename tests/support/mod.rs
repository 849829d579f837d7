//! What tests at the command line share: a directory of a test's own, git in it, the program and what it said, and documents to compare with.
//!
//! A test that needs more words for its world has a type that holds a [`Home`] and derefs to it. Nothing here knows what the program is asked: the network, the policy, the day and
//! the question stand in the test that a reader looks at.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "every test target uses another part, and may fail by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a command said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Its results.
    pub out: String,
    /// Its diagnostics.
    pub err: String,
}

impl Said {
    /// Of a command that has ended, by itself and not by a signal.
    pub fn of(done: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: done.status.code().unwrap(), out: text(done.stdout), err: text(done.stderr) }
    }

    /// The results, then the diagnostics.
    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// The results, which are JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}

/// The program in a directory, about to be run with nothing to read.
pub fn program(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    command
}

/// Runs the program in a directory.
pub fn sekisho(directory: &Path, arguments: &[&str]) -> Said {
    Said::of(program(directory, arguments).output().unwrap())
}

/// Runs git in a directory, now; what it printed.
pub fn git(directory: &Path, arguments: &[&str]) -> String {
    run(&mut by_aiko(directory, arguments))
}

/// Runs git in a directory on a day such as `2024-01-03`; what it printed.
pub fn git_on(day: &str, directory: &Path, arguments: &[&str]) -> String {
    let time = format!("{day}T08:00:00Z");
    run(by_aiko(directory, arguments).env("GIT_AUTHOR_DATE", &time).env("GIT_COMMITTER_DATE", &time))
}

/// git, as Aiko, whatever the settings of whoever runs the tests.
fn by_aiko(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .args(["-c", "user.name=Aiko", "-c", "user.email=aiko@example.net", "-c", "init.defaultBranch=main"])
        .args(["-c", "protocol.file.allow=always", "-c", "core.autocrlf=false", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .current_dir(directory);
    command
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// A directory that is gone with its test.
pub struct Home(TempDir);

impl Home {
    /// An empty one.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A repository without a commit, on `main`.
    pub fn repository() -> Self {
        let home = Self::new();
        home.git(&["init", "-q"]);
        home
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        self.0.path()
    }

    /// Where a file in it is.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root().join(relative)
    }

    /// Writes a file, with the directories above it.
    pub fn write(&self, relative: &str, contents: impl AsRef<[u8]>) -> &Self {
        fs::write(self.with_parent(relative), contents).unwrap();
        self
    }

    /// Makes a symbolic link, with the directories above it.
    #[cfg(unix)]
    pub fn link(&self, relative: &str, target: &str) -> &Self {
        std::os::unix::fs::symlink(target, self.with_parent(relative)).unwrap();
        self
    }

    fn with_parent(&self, relative: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// Runs git in it; see [`git`].
    pub fn git(&self, arguments: &[&str]) -> String {
        git(self.root(), arguments)
    }

    /// Commits everything in it, ignored files too, even if nothing has changed.
    pub fn commit(&self, message: &str) -> &Self {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self
    }

    /// Runs the program in it.
    pub fn sekisho(&self, arguments: &[&str]) -> Said {
        sekisho(self.root(), arguments)
    }
}

/// The root of this crate.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Copies a directory with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Compares a text with a file below `tests/golden/`; `UPDATE_GOLDEN=1` writes it there first.
pub fn golden(name: &str, actual: &str) {
    let path = root().join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{} differs; UPDATE_GOLDEN=1 rewrites it\n{actual}", path.display());
}
