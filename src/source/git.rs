//! What a git repository holds at a revision, and when each file of it came to be.
//!
//! By the `git` command, not by a library: reading trees, blobs and history needs four sub-commands, and whoever keeps backups in git has it, while `gix` with as few
//! features as will do is 69 more crates to build and to audit (`docs/decisions/0006`). It also decides, as git does, whose repositories may be trusted (`safe.directory`).
//!
//! Nothing of the environment that would point to another repository is passed on, a revision is never taken for an option, no index is refreshed and no hook, pager, filter
//! or network is asked. Absent on purpose: writing, and the index.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use super::objects::Blobs;

/// What is set whatever the user's own settings say.
const SETTINGS: [&str; 6] = [
    "core.fsmonitor=false",
    "core.quotePath=false",
    "log.showSignature=false",
    "log.follow=false",
    "log.showRoot=true",
    "protocol.allow=never",
];

/// A repository, seen from one of its directories.
#[derive(Debug, Clone)]
pub struct Repository {
    directory: PathBuf,
    /// The directory in the repository: empty, or with `/` at its end.
    prefix: String,
    /// Whether its history was cut off when it was cloned.
    is_shallow: bool,
}

/// A commit, by its full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit(String);

impl Commit {
    pub(super) fn named(name: String) -> Self {
        Self(name)
    }

    /// All its hexadecimal digits.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// One file at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Relative to the directory, with `/` between the parts.
    pub path: String,
    /// What it is.
    pub kind: TreeKind,
    /// The name of its content.
    pub blob: String,
    /// Bytes.
    pub size: u64,
}

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeKind {
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// Another repository.
    Submodule,
}

impl Repository {
    /// The repository that a directory lies in; `None` if it lies in none.
    ///
    /// # Errors
    /// There is no `git` command, or git refuses the repository; the message is in the user's words.
    pub fn around(directory: &Path) -> Result<Option<Self>, String> {
        let real = directory.canonicalize().map_err(|error| error.to_string())?;
        if !real.ancestors().any(|above| above.join(".git").exists()) && !is_bare(&real) {
            return Ok(None);
        }
        let mut repository = Self { directory: real, prefix: String::new(), is_shallow: false };
        let said = repository.ask(&["rev-parse", "--is-shallow-repository", "--show-prefix"])?;
        let mut lines = said.lines();
        repository.is_shallow = lines.next() == Some("true");
        repository.prefix = lines.next().unwrap_or("").to_owned();
        Ok(Some(repository))
    }

    /// The commit of a revision: a branch, a tag, `HEAD~3`, `main@{yesterday}`.
    ///
    /// # Errors
    /// There is none; the message is in the user's words.
    pub fn commit(&self, revision: &str) -> Result<Commit, String> {
        let wanted = format!("{revision}^{{commit}}");
        let said = self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]);
        let name = said.unwrap_or_default().trim().to_owned();
        let is_name = name.len() >= 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_name { Ok(Commit(name)) } else { Err(format!("no commit is called `{revision}`")) }
    }

    /// The commit that `HEAD` and a revision last had in common: what a change is compared with.
    ///
    /// # Errors
    /// One of the two is not there, or they have nothing in common; the message is in the user's words.
    pub fn merge_base(&self, revision: &str) -> Result<Commit, String> {
        let (theirs, ours) = (self.commit(revision)?, self.commit("HEAD")?);
        let said = self.ask(&["merge-base", &theirs.0, &ours.0]).unwrap_or_default();
        match (said.lines().next(), self.is_shallow) {
            (Some(name), _) if !name.is_empty() => Ok(Commit(name.to_owned())),
            (_, true) => Err(format!(
                "this clone holds too little of the history to know what `{revision}` and `HEAD` have in common; \
                 `git fetch --unshallow` gets the rest"
            )),
            (_, false) => Err(format!("`{revision}` and `HEAD` have no commit in common")),
        }
    }

    /// The directory that the repository is seen from, relative to its root, with `/` between the parts; empty at the root.
    #[must_use]
    pub fn directory(&self) -> &str {
        self.prefix.trim_end_matches('/')
    }

    /// The commits that led to a commit, the newest first, each as the given fields of `git log`, following first parents.
    ///
    /// # Errors
    /// What git says.
    pub(super) fn first_parents<const N: usize>(
        &self,
        commit: &Commit,
        fields: [&str; N],
    ) -> Result<Vec<[String; N]>, String> {
        let format = format!("--format=tformat:{}", fields.join("%x00"));
        let said =
            self.ask(&["log", "--first-parent", "-z", "--encoding=UTF-8", &format, "--end-of-options", &commit.0])?;
        let said: Vec<&str> = said.split('\0').collect();
        let (rows, _) = said.as_chunks::<N>();
        Ok(rows.iter().map(|row| row.map(str::to_owned)).collect())
    }

    /// Whether the history was cut off when the repository was cloned.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        self.is_shallow
    }

    /// Every file below the directory at a commit.
    ///
    /// # Errors
    /// What git says.
    pub fn files(&self, commit: &Commit) -> Result<Vec<TreeFile>, String> {
        let said = self.ask(&["ls-tree", "-r", "-z", "--long", "--end-of-options", &commit.0])?;
        Ok(said.split('\0').filter_map(tree_file).collect())
    }

    /// Begins to read contents.
    ///
    /// # Errors
    /// git does not start.
    pub fn blobs(&self) -> Result<Blobs, String> {
        let mut command = self.command(&["cat-file", "--batch"]);
        let mut child =
            command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|error| not_started(&error))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Blobs::new(input, output, child)),
            _ => Err("git does not answer".to_owned()),
        }
    }

    /// The date of the last commit, up to one, in which each of some files got the content that it has there. The name of the content goes with each path.
    ///
    /// Of the two dates of a commit (written, committed) the earlier one counts: a rebase makes no backup younger. Files that the history does not show, because a clone
    /// holds only a part of it, are left out. Reading ends as soon as all are found.
    ///
    /// # Errors
    /// What git says.
    pub fn dates(&self, commit: &Commit, wanted: &[(String, String)]) -> Result<HashMap<String, Date>, String> {
        let mut missing: HashMap<String, &str> =
            wanted.iter().map(|(path, blob)| (format!("{}{path}", self.prefix), blob.as_str())).collect();
        let mut found = HashMap::new();
        if missing.is_empty() {
            return Ok(found);
        }
        let mut arguments = vec!["log", "-c", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff"];
        arguments.extend(["--no-textconv", "--format=%at %ct %P", "--end-of-options", &commit.0]);
        if !self.prefix.is_empty() {
            arguments.extend(["--", "."]);
        }
        let mut child = self.command(&arguments).stderr(Stdio::null()).spawn().map_err(|error| not_started(&error))?;
        if let Some(output) = child.stdout.take() {
            self.walk(BufReader::new(output), &mut missing, &mut found).map_err(|error| error.to_string())?;
        }
        if missing.is_empty() {
            let _ = child.kill();
        }
        let ended = child.wait().map_err(|error| error.to_string())?;
        if !missing.is_empty() && !ended.success() {
            return Err("git cannot read the history".to_owned());
        }
        Ok(found)
    }

    /// Reads a log until every file is found. An entry is a line of `:` and a path, each ended by NUL; anything else begins a commit.
    fn walk(
        &self,
        mut log: impl BufRead,
        missing: &mut HashMap<String, &str>,
        found: &mut HashMap<String, Date>,
    ) -> std::io::Result<()> {
        let mut date = None;
        let mut part = Vec::new();
        while !missing.is_empty() {
            if !next(&mut log, &mut part)? {
                break;
            }
            let line = String::from_utf8_lossy(&part).trim_start_matches('\n').to_owned();
            if !line.starts_with(':') {
                date = self.date_of(&line);
                continue;
            }
            if !next(&mut log, &mut part)? {
                break;
            }
            let path = String::from_utf8_lossy(&part).into_owned();
            let made = line.rsplit(' ').nth(1).unwrap_or("");
            if let Some(blob) = missing.get(&path).filter(|blob| **blob == made).copied() {
                missing.remove(&path);
                let inside = path.strip_prefix(&self.prefix).unwrap_or(&path).to_owned();
                found.extend(date.filter(|_| !blob.is_empty()).map(|date| (inside, date)));
            }
        }
        Ok(())
    }

    /// The date of a commit; `None` where the clone ends: what stands there was not made then.
    fn date_of(&self, line: &str) -> Option<Date> {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let (written, committed) = (words.next()?.parse::<i64>().ok()?, words.next()?.parse::<i64>().ok()?);
        if words.next().is_none() && self.is_shallow {
            return None;
        }
        let time = Timestamp::from_second(written.min(committed)).ok()?;
        Some(time.to_zoned(TimeZone::UTC).date())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.directory).args(["--no-pager", "--no-optional-locks", "--literal-pathspecs"]);
        command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting])).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // `GIT_DIR`, `GIT_INDEX_FILE` and many others would make git look elsewhere.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
        command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_NO_REPLACE_OBJECTS", "1");
        command
    }

    fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        let done = self.command(arguments).output().map_err(|error| not_started(&error))?;
        if done.status.success() {
            return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason");
        Err(format!("git says: {}", first.trim_start_matches("fatal: ")))
    }
}

/// Whether a directory is a repository without a work tree, as backups are often kept in.
#[must_use]
pub fn is_bare(directory: &Path) -> bool {
    directory.join("HEAD").is_file() && directory.join("objects").is_dir() && directory.join("refs").is_dir()
}

fn not_started(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "the `git` command is not installed".to_owned(),
        _ => format!("the `git` command does not start: {error}"),
    }
}

/// `100644 blob 6178...      12<tab>fw-tokyo`
fn tree_file(entry: &str) -> Option<TreeFile> {
    let (words, path) = entry.split_once('\t')?;
    let mut words = words.split(' ').filter(|word| !word.is_empty());
    let (mode, _, blob, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let kind = match mode {
        "120000" => TreeKind::Link,
        "160000" => TreeKind::Submodule,
        _ => TreeKind::File,
    };
    Some(TreeFile { path: path.to_owned(), kind, blob: blob.to_owned(), size: size.parse().unwrap_or(0) })
}

/// Reads up to the next NUL; whether there was anything.
fn next(log: &mut impl BufRead, part: &mut Vec<u8>) -> std::io::Result<bool> {
    part.clear();
    log.read_until(0, part)?;
    if part.last() == Some(&0) {
        part.pop();
        return Ok(true);
    }
    Ok(!part.is_empty())
}
