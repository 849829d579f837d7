//! The contents of a git repository by their names, from one `git cat-file --batch` that stays.
//!
//! Directories are read as git keeps them, not by `git ls-tree`: a history has thousands of trees, and a process for each would take longer than all the rest. What was read once is kept,
//! because one commit shares nearly all its directories and files with the next one, until [`Objects::forget`].

use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::{Arc, Mutex, PoisonError};

use super::git::{Commit, Repository};
use super::kept::Kept;
use super::project::{MAX_FILE_BYTES, text_of, too_long};
use crate::checksum::hexadecimal;

/// Contents, one after the other, from one `git` that stays.
#[derive(Debug)]
pub struct Blobs {
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    child: Child,
}

/// What git answers to a name.
enum Answer {
    Missing,
    TooLong,
    Object { name: String, kind: String, content: Vec<u8> },
}

impl Blobs {
    pub(super) fn new(input: ChildStdin, output: ChildStdout, child: Child) -> Self {
        Self { input: Some(input), output: BufReader::new(output), child }
    }

    /// The content of a name.
    ///
    /// # Errors
    /// There is none, or git went away.
    pub fn read(&mut self, blob: &str) -> Result<Vec<u8>, String> {
        match self.ask(blob, u64::MAX)? {
            Answer::Object { kind, content, .. } if kind == "blob" => Ok(content),
            _ => Err("git does not have its content".to_owned()),
        }
    }

    fn ask(&mut self, name: &str, longest: u64) -> Result<Answer, String> {
        self.answer(name, longest).map_err(|error| error.to_string())
    }

    fn answer(&mut self, name: &str, longest: u64) -> io::Result<Answer> {
        let Some(input) = &mut self.input else { return Ok(Answer::Missing) };
        input.write_all(format!("{name}\n").as_bytes())?;
        input.flush()?;
        let mut header = String::new();
        self.output.read_line(&mut header)?;
        let mut words = header.split_whitespace();
        let (Some(name), Some(kind), Some(size)) = (words.next(), words.next(), words.next()) else {
            return Ok(Answer::Missing);
        };
        let Ok(size) = size.parse::<u64>() else { return Ok(Answer::Missing) };
        if size > longest {
            io::copy(&mut (&mut self.output).take(size + 1), &mut io::sink())?;
            return Ok(Answer::TooLong);
        }
        let mut content = Vec::new();
        (&mut self.output).take(size).read_to_end(&mut content)?;
        self.output.read_exact(&mut [0])?;
        Ok(Answer::Object { name: name.to_owned(), kind: kind.to_owned(), content })
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

/// One name in a directory of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// `None` if it is no UTF-8 text.
    pub name: Option<String>,
    pub kind: EntryKind,
    /// The name of the content.
    pub object: String,
}

/// What a name in a directory of a commit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    Directory,
    File,
    Link,
    /// Another repository, of which this one knows only the commit.
    Submodule,
}

/// A directory of a commit, in the order in which git keeps it.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub entries: Vec<Entry>,
}

impl Tree {
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.as_deref() == Some(name))
    }
}

/// The directories and files of a repository, for several threads.
#[derive(Debug)]
pub(super) struct Objects {
    blobs: Mutex<Blobs>,
    trees: Kept<String, Arc<Tree>>,
    texts: Kept<String, Arc<str>>,
}

impl Objects {
    /// Begins to read.
    ///
    /// # Errors
    /// git does not start.
    pub(super) fn new(repository: &Repository) -> Result<Self, String> {
        Ok(Self { blobs: Mutex::new(repository.blobs()?), trees: Kept::default(), texts: Kept::default() })
    }

    /// The name of the root directory of a commit.
    ///
    /// # Errors
    /// git does not have it.
    pub(super) fn root(&self, commit: &Commit) -> Result<String, String> {
        match self.ask(&format!("{}^{{tree}}", commit.name()), u64::MAX)? {
            Answer::Object { name, kind, content } if kind == "tree" => {
                self.keep(&name, &content);
                Ok(name)
            }
            _ => Err("git does not have its content".to_owned()),
        }
    }

    /// A directory, by the name of its content.
    ///
    /// # Errors
    /// git does not have it.
    pub(super) fn tree(&self, name: &str) -> Result<Arc<Tree>, String> {
        if let Some(tree) = self.trees.get(&name.to_owned()) {
            return Ok(tree);
        }
        match self.ask(name, u64::MAX)? {
            Answer::Object { kind, content, .. } if kind == "tree" => Ok(self.keep(name, &content)),
            _ => Err("git does not have its content".to_owned()),
        }
    }

    /// The name of a directory's content, by its path from another one; `None` if there is no directory of that path.
    ///
    /// # Errors
    /// git does not have what leads there.
    pub(super) fn directory(&self, from: &str, path: &str) -> Result<Option<String>, String> {
        let mut name = from.to_owned();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            match self.tree(&name)?.entry(part) {
                Some(entry) if entry.kind == EntryKind::Directory => name.clone_from(&entry.object),
                _ => return Ok(None),
            }
        }
        Ok(Some(name))
    }

    /// The text of a file of a project, by the name of its content.
    ///
    /// # Errors
    /// git does not have it, it is too large, or no UTF-8; the message is in the user's words.
    pub(super) fn text(&self, name: &str) -> Result<Arc<str>, String> {
        if let Some(text) = self.texts.get(&name.to_owned()) {
            return Ok(text);
        }
        let bytes = self.blob(name, MAX_FILE_BYTES)?.ok_or_else(too_long)?;
        let text: Arc<str> = text_of(bytes)?.into();
        self.texts.keep(name.to_owned(), Arc::clone(&text));
        Ok(text)
    }

    /// Lets go of what was not asked for since the last call.
    pub(super) fn forget(&self) {
        self.trees.forget();
        self.texts.forget();
    }

    /// The content of a file, by its name; `None` if it has more bytes than `longest`.
    ///
    /// # Errors
    /// git does not have it.
    pub(super) fn blob(&self, name: &str, longest: u64) -> Result<Option<Vec<u8>>, String> {
        match self.ask(name, longest)? {
            Answer::Object { kind, content, .. } if kind == "blob" => Ok(Some(content)),
            Answer::TooLong => Ok(None),
            _ => Err("git does not have its content".to_owned()),
        }
    }

    fn ask(&self, name: &str, longest: u64) -> Result<Answer, String> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).ask(name, longest)
    }

    fn keep(&self, name: &str, content: &[u8]) -> Arc<Tree> {
        let tree = Arc::new(Tree { entries: entries(content, name.len() / 2) });
        self.trees.keep(name.to_owned(), Arc::clone(&tree));
        tree
    }
}

/// `100644 erp.policy<NUL>` and the bytes of the name of its content, over and over.
fn entries(mut content: &[u8], digest: usize) -> Vec<Entry> {
    let mut found = Vec::new();
    while let Some(end) = content.iter().position(|byte| *byte == 0) {
        let (Some(header), Some(object), rest) =
            (content.get(..end), content.get(end + 1..end + 1 + digest), content.get(end + 1 + digest..))
        else {
            break;
        };
        if let Some(entry) = entry(header, object) {
            found.push(entry);
        }
        content = rest.unwrap_or_default();
    }
    found
}

fn entry(header: &[u8], object: &[u8]) -> Option<Entry> {
    let blank = header.iter().position(|byte| *byte == b' ')?;
    let kind = match header.get(..blank)? {
        b"40000" | b"040000" => EntryKind::Directory,
        b"120000" => EntryKind::Link,
        b"160000" => EntryKind::Submodule,
        _ => EntryKind::File,
    };
    let name = String::from_utf8(header.get(blank + 1..)?.to_vec()).ok();
    Some(Entry { name, kind, object: hexadecimal(object) })
}
