//! A policy project on disk: which of its files are what.
//!
//! Every `*.yaml` (and `*.yml`) is inventory, every `*.policy` is policy, in any sub-directory; `sekisho.yaml` at the root is
//! settings. Files are taken in the order of their paths, so that nothing depends on the order of the file system. Hidden
//! files and directories are passed over, symbolic links to directories are not followed; what looks like policy and is not read is listed. A link to a file may not lead out of the project: what is
//! read can show in diagnostics.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::files::Sources;
use super::span::FileId;

/// Files larger than this are refused: far beyond what people write, and generated inventory fits.
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
    /// Paths that look like policy or inventory and were not read: hidden ones, names in other letters (`x.Policy`), and directories behind symbolic links.
    pub unread: Vec<String>,
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
    let mut unread = Vec::new();
    collect(root, "", &mut paths, &mut unread, &mut errors);
    paths.sort();
    unread.sort();
    let mut project = Project { root: root.to_path_buf(), unread, ..Project::default() };
    for (relative, path, kind) in paths {
        match read_inside(root, &path) {
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
    let text = read_inside(root, &root.join(relative))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Reads a regular file; a symbolic link may lead to one inside the project only.
fn read_inside(root: &Path, path: &Path) -> Result<String, String> {
    let inside = |path: &Path| path.canonicalize().map_err(|error| error.to_string());
    let (root, path) = (inside(root)?, inside(path)?);
    if !path.starts_with(&root) {
        return Err("it lies outside the project".to_owned());
    }
    if !fs::metadata(&path).map_err(|error| error.to_string())?.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(&path).map_err(|error| error.to_string())?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("it has more than the {MAX_FILE_BYTES} bytes that one file may have"));
    }
    String::from_utf8(bytes).map_err(|error| format!("not UTF-8 text at byte {}", error.utf8_error().valid_up_to()))
}

fn collect(
    directory: &Path,
    prefix: &str,
    found: &mut Vec<(String, PathBuf, FileKind)>,
    unread: &mut Vec<String>,
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
        let relative = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let path = entry.path();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if name.starts_with('.') {
            // Directories such as `.git` and `.github` hold other people's YAML.
            if !is_directory && name.ends_with(".policy") {
                unread.push(relative);
            }
        } else if is_directory {
            collect(&path, &relative, found, unread, errors);
        } else if path.is_dir() {
            unread.push(relative);
        } else if let Some(kind) = kind_of(&relative) {
            found.push((relative, path, kind));
        } else if kind_of(&relative.to_lowercase()).is_some() {
            unread.push(relative);
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
