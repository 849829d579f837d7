//! A policy project as it lies on disk.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::project::{Entry, EntryKind, MAX_FILE_BYTES, text_of, too_long};

/// What a directory of the project holds; entries that cannot be looked at stand as errors.
pub(super) fn list(root: &Path, directory: &str) -> Result<Vec<Result<Entry, String>>, String> {
    let at = if directory.is_empty() { root.to_path_buf() } else { root.join(directory) };
    let entries = fs::read_dir(&at).map_err(|error| error.to_string())?;
    Ok(entries.map(|entry| entry.map(|entry| looked_at(&entry)).map_err(|error| error.to_string())).collect())
}

fn looked_at(entry: &fs::DirEntry) -> Entry {
    let kind = match entry.file_type() {
        // Another repository, such as a submodule: what it holds is in no commit of this one.
        Ok(kind) if kind.is_dir() && entry.path().join(".git").exists() => EntryKind::Elsewhere,
        Ok(kind) if kind.is_dir() => EntryKind::Directory,
        Ok(kind) if kind.is_symlink() && entry.path().is_dir() => EntryKind::Elsewhere,
        _ => EntryKind::File,
    };
    Entry { name: entry.file_name().to_str().map(str::to_owned), kind }
}

/// Reads a regular file; a symbolic link may lead to one inside the project only.
pub(super) fn read(root: &Path, relative: &str) -> Result<String, String> {
    let inside = |path: &Path| path.canonicalize().map_err(|error| error.to_string());
    let (root, path) = (inside(root)?, inside(&root.join(relative))?);
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
        return Err(too_long());
    }
    text_of(bytes)
}
