//! Rule sets from files, for commands that look at them without a project.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::{Exit, output};
use crate::listing::Listing;
use crate::platform;

/// Reads the rule set of one device: files, and all files directly in directories. What cannot be read, or is of no platform, is said and ends the command.
pub(super) fn read(paths: &[PathBuf], platform: Option<&str>) -> Result<Listing, Exit> {
    let mut files: Vec<(String, String)> = Vec::new();
    for path in paths {
        let found = add(path, &mut files);
        found.map_err(|error| output::error_line(&format!("`{}`: {error}", path.display())))?;
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let known = platform::ALL.iter().filter(|one| platform.is_none_or(|name| one.name() == name));
    known.into_iter().find_map(|platform| platform.read(&files)).ok_or_else(|| {
        let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        let wanted = platform.map_or_else(|| "any known platform".to_owned(), |name| format!("`{name}`"));
        output::error_line(&format!("{} is no rule set of {wanted}", names.join(", ")))
    })
}

fn add(path: &Path, files: &mut Vec<(String, String)>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        files.push((path.display().to_string(), text));
        return Ok(());
    }
    let mut inside: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(path)? {
        inside.push(entry?.path());
    }
    inside.sort();
    inside.iter().filter(|path| path.is_file()).try_for_each(|path| add(path, files))
}

/// Says that sets grew too large to prove anything.
pub(super) fn too_large() -> Exit {
    output::error_text("not proved: the sets of packets are too large\n");
    Exit::Unproven
}
