//! Rule sets from files, for commands that look at them without a project.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::super::args::Common;
use super::super::{Exit, output};
use crate::diag::render::one_line;
use crate::listing::Listing;
use crate::platform;

/// A rule set, and the texts that it was read from.
pub(super) struct RuleSet {
    pub(super) listing: Listing,
    pub(super) texts: Vec<String>,
}

/// Reads the rule set of one device: files, all files directly in directories, and `-` for standard input. What cannot be read, or is of no platform, is said and ends the command.
pub(super) fn read(common: &Common, paths: &[PathBuf], platform: Option<&str>) -> Result<RuleSet, Exit> {
    let mut files: Vec<(String, String)> = Vec::new();
    for path in paths {
        let found = add(path, &mut files);
        found.map_err(|error| output::error_line(&format!("`{}`: {error}", path.display())))?;
    }
    let parts: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let mut known = platform::ALL.iter().filter(|one| platform.is_none_or(|name| one.name() == name));
    let read = known.find_map(|platform| Some((platform.name(), platform.read(&parts)?)));
    let Some((name, listing)) = read else {
        let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        let wanted = platform.map_or_else(|| "any known platform".to_owned(), |name| format!("`{name}`"));
        return Err(output::error_line(&format!("{} is no rule set of {wanted}", names.join(", "))));
    };
    if common.verbose {
        let names: Vec<String> = files.iter().map(|(name, _)| format!("`{}`", one_line(name))).collect();
        output::error_text(&format!("read {} as {name}\n", names.join(", ")));
    }
    Ok(RuleSet { listing, texts: files.into_iter().map(|(_, text)| text).collect() })
}

fn add(path: &Path, files: &mut Vec<(String, String)>) -> io::Result<()> {
    let mut keep = |name: String, bytes: &[u8]| files.push((name, String::from_utf8_lossy(bytes).into_owned()));
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        keep("<stdin>".to_owned(), &bytes);
        return Ok(());
    }
    if !fs::metadata(path)?.is_dir() {
        keep(path.display().to_string(), &fs::read(path)?);
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
