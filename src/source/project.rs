//! A policy project, on disk or as it was at a commit: which of its files are what.
//!
//! Every `*.yaml` (and `*.yml`) is inventory, every `*.policy` is policy, in any sub-directory; `sekisho.yaml` at the root is
//! settings, and what lies below `approvals` at the root is approvals of changes. Files are taken in the order of their paths, so that nothing depends on the order of the file system. Hidden
//! files and directories are passed over, symbolic links to directories are not followed; what looks like policy and is not read is listed. A link to a file may not lead out of the project: what is
//! read can show in diagnostics. These rules are written once, here; `disk` and `commit` only list and read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::commit::Snapshot;
use super::disk;
use super::files::Sources;
use super::span::FileId;

/// Files larger than this are refused: far beyond what people write, and generated inventory fits.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// No work tree has paths of more parts; a commit made to harm might.
const DEEPEST: usize = 256;

/// What a file of a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// `sekisho.yaml` at the root.
    Settings,
    /// Any other `*.yaml` or `*.yml`.
    Inventory,
    /// `*.policy`.
    Policy,
    /// A `*.yaml` or `*.yml` below `approvals` at the root.
    Approval,
}

/// The files of a policy project, sorted by path.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// Where it was read from; feeds are looked for there.
    origin: Origin,
    /// All files that were read.
    pub sources: Sources,
    /// Each file with what it is.
    pub files: Vec<(FileId, FileKind)>,
    /// Paths that look like policy or inventory and were not read: hidden ones, names in other letters (`x.Policy`), directories behind symbolic links, and submodules of a commit.
    pub unread: Vec<String>,
}

/// Where a project is read from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Directory(PathBuf),
    Commit(Snapshot),
}

impl Default for Origin {
    fn default() -> Self {
        Self::Directory(PathBuf::new())
    }
}

/// One name in a directory of a project.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// `None` if it is no UTF-8 text.
    pub name: Option<String>,
    pub kind: EntryKind,
}

/// What a name in a directory of a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    Directory,
    /// A directory that is not entered: behind a symbolic link, or of another repository.
    Elsewhere,
    /// Anything else; reading it finds out.
    File,
}

impl Origin {
    fn list(&self, directory: &str) -> Result<Vec<Result<Entry, String>>, String> {
        match self {
            Self::Directory(root) => disk::list(root, directory),
            Self::Commit(snapshot) => snapshot.list(directory),
        }
    }

    fn read(&self, relative: &str) -> Result<Arc<str>, String> {
        match self {
            Self::Directory(root) => disk::read(root, relative).map(Arc::from),
            Self::Commit(snapshot) => snapshot.read(relative),
        }
    }

    fn shown(&self, directory: &str) -> String {
        match self {
            Self::Directory(root) if directory.is_empty() => root.display().to_string(),
            Self::Commit(snapshot) if directory.is_empty() => snapshot.shown(),
            _ => directory.to_owned(),
        }
    }
}

impl Project {
    /// The files of one kind, in the order of their paths.
    pub fn of_kind(&self, kind: FileKind) -> impl Iterator<Item = FileId> + '_ {
        self.files.iter().filter(move |(_, k)| *k == kind).map(|(id, _)| *id)
    }

    /// Reads a feed: a text file inside the project, by its path relative to the root, from where the project itself was read.
    ///
    /// # Errors
    ///
    /// It cannot be read, is not UTF-8, or lies outside the project, by `..` or by a symbolic link; the message is in the user's words.
    pub fn feed(&self, relative: &str) -> Result<String, String> {
        let text = self.origin.read(relative)?;
        Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
    }
}

/// A file or directory of the project could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectError {
    /// The path as the user would write it.
    pub path: String,
    /// What went wrong, in the user's words.
    pub message: String,
}

/// Reads a policy project from a directory.
///
/// # Errors
///
/// Every file that cannot be read (missing, not UTF-8, too large) is reported; nothing is left out in silence.
pub fn load_directory(root: &Path) -> Result<Project, Vec<ProjectError>> {
    load(Origin::Directory(root.to_path_buf()))
}

/// Reads a policy project from where it is.
pub(super) fn load(origin: Origin) -> Result<Project, Vec<ProjectError>> {
    let mut found = Found::default();
    found.enter(&origin, "", 0);
    let Found { mut paths, mut unread, mut errors } = found;
    paths.sort();
    unread.sort();
    let mut project = Project { unread, ..Project::default() };
    for (relative, kind) in paths {
        match origin.read(&relative) {
            Ok(text) => {
                let id = project.sources.add(relative, text);
                project.files.push((id, kind));
            }
            Err(message) => errors.push(ProjectError { path: relative, message }),
        }
    }
    project.origin = origin;
    if errors.is_empty() { Ok(project) } else { Err(errors) }
}

pub(super) fn too_long() -> String {
    format!("it has more than the {MAX_FILE_BYTES} bytes that one file may have")
}

pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| format!("not UTF-8 text at byte {}", error.utf8_error().valid_up_to()))
}

/// What was found below a directory.
#[derive(Default)]
struct Found {
    paths: Vec<(String, FileKind)>,
    unread: Vec<String>,
    errors: Vec<ProjectError>,
}

impl Found {
    fn enter(&mut self, origin: &Origin, directory: &str, depth: usize) {
        let mut refuse = |message: String| {
            self.errors.push(ProjectError { path: origin.shown(directory), message });
        };
        if depth > DEEPEST {
            return refuse(format!("lies more than {DEEPEST} directories deep"));
        }
        let entries = match origin.list(directory) {
            Ok(entries) => entries,
            Err(message) => return refuse(message),
        };
        for entry in entries {
            match entry {
                Ok(Entry { name: Some(name), kind }) => self.take(origin, directory, &name, kind, depth),
                Ok(Entry { name: None, .. }) => {
                    let message = "holds a file whose name is not UTF-8".to_owned();
                    self.errors.push(ProjectError { path: origin.shown(directory), message });
                }
                Err(message) => self.errors.push(ProjectError { path: origin.shown(directory), message }),
            }
        }
    }

    fn take(&mut self, origin: &Origin, directory: &str, name: &str, kind: EntryKind, depth: usize) {
        let relative = if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
        if name.starts_with('.') {
            // Directories such as `.git` and `.github` hold other people's YAML.
            if kind != EntryKind::Directory && name.ends_with(".policy") {
                self.unread.push(relative);
            }
        } else if kind == EntryKind::Directory {
            self.enter(origin, &relative, depth + 1);
        } else if kind == EntryKind::Elsewhere {
            self.unread.push(relative);
        } else if let Some(kind) = kind_of(&relative) {
            self.paths.push((relative, kind));
        } else if kind_of(&relative.to_lowercase()).is_some() {
            self.unread.push(relative);
        }
    }
}

pub(super) fn kind_of(relative: &str) -> Option<FileKind> {
    if relative == "sekisho.yaml" {
        return Some(FileKind::Settings);
    }
    match Path::new(relative).extension()?.to_str()? {
        "yaml" | "yml" if relative.starts_with("approvals/") => Some(FileKind::Approval),
        "yaml" | "yml" => Some(FileKind::Inventory),
        "policy" => Some(FileKind::Policy),
        _ => None,
    }
}
