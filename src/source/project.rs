//! A policy project on disk: which of its files are what.
//!
//! Every `*.yaml` (and `*.yml`) is inventory, every `*.policy` is policy, in any sub-directory; `sekisho.yaml` at the root is
//! settings. Files are taken in the order of their paths, so that nothing depends on the order of the file system. Hidden
//! directories are passed over, symbolic links to directories are not followed.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::Sources;
use super::span::FileId;

/// Files larger than this are refused (16 MiB of text is far beyond what people write; generated inventory fits).
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// What a file of a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// `sekisho.yaml` at the root.
    Settings,
    /// Any other `*.yaml` or `*.yml`.
    Inventory,
    /// `*.policy`.
    Policy,
}

/// The files of a policy project, sorted by path.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// Where the project is; feeds are looked for in it.
    pub root: PathBuf,
    /// All files that were read.
    pub sources: Sources,
    /// Each file with what it is.
    pub files: Vec<(FileId, FileKind)>,
}

impl Project {
    /// The files of one kind, in the order of their paths.
    pub fn of_kind(&self, kind: FileKind) -> impl Iterator<Item = FileId> + '_ {
        self.files.iter().filter(move |(_, k)| *k == kind).map(|(id, _)| *id)
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
    let mut errors = Vec::new();
    let mut paths = Vec::new();
    collect(root, "", &mut paths, &mut errors);
    paths.sort();
    let mut project = Project { root: root.to_path_buf(), ..Project::default() };
    for (relative, path, kind) in paths {
        match read_text(&path) {
            Ok(text) => {
                let id = project.sources.add(relative, text);
                project.files.push((id, kind));
            }
            Err(message) => errors.push(ProjectError { path: relative, message }),
        }
    }
    if errors.is_empty() { Ok(project) } else { Err(errors) }
}

/// Reads a feed: a text file inside the project, by its path relative to the root.
///
/// # Errors
///
/// It cannot be read, is not UTF-8, or lies outside the project, by `..` or by a symbolic link; the message is in the user's words.
pub fn read_feed(root: &Path, relative: &str) -> Result<String, String> {
    let inside = |path: PathBuf| path.canonicalize().map_err(|error| error.to_string());
    let (root, path) = (inside(root.to_path_buf())?, inside(root.join(relative))?);
    if !path.starts_with(&root) {
        return Err("it lies outside the project".to_owned());
    }
    read_text(&path)
}

fn read_text(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("{size} bytes are more than the {MAX_FILE_BYTES} that one file may have"));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| format!("not UTF-8 text at byte {}", error.utf8_error().valid_up_to()))
}

fn collect(
    directory: &Path,
    prefix: &str,
    found: &mut Vec<(String, PathBuf, FileKind)>,
    errors: &mut Vec<ProjectError>,
) {
    let shown = if prefix.is_empty() { directory.display().to_string() } else { prefix.to_owned() };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return errors.push(ProjectError { path: shown, message: error.to_string() }),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                errors.push(ProjectError { path: shown.clone(), message: error.to_string() });
                continue;
            }
        };
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            errors.push(ProjectError { path: shown.clone(), message: "holds a file whose name is not UTF-8".into() });
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        let relative = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, &relative, found, errors);
        } else if let Some(kind) = kind_of(&relative) {
            found.push((relative, path, kind));
        }
    }
}

fn kind_of(relative: &str) -> Option<FileKind> {
    if relative == "sekisho.yaml" {
        return Some(FileKind::Settings);
    }
    match Path::new(relative).extension()?.to_str()? {
        "yaml" | "yml" => Some(FileKind::Inventory),
        "policy" => Some(FileKind::Policy),
        _ => None,
    }
}
