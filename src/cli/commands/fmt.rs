//! `sekisho fmt`: the one canonical form.
//!
//! A file with errors is left as it is (exit 2), the others are still formatted. A file is written only if it changes, to a
//! new file beside it that then takes its name, with its permissions: a kill leaves the old text or the new.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::super::args::{Common, Fmt};
use super::super::{Exit, output};
use super::report;
use crate::diag::Sink;
use crate::source::Sources;
use crate::syntax;

/// Lines of a difference that `--check` shows.
const DIFF_LINES: usize = 12;

pub(super) fn run(common: &Common, arguments: &Fmt) -> Exit {
    let mut paths = Vec::new();
    let mut exit = Exit::Ok;
    for path in &arguments.paths {
        if let Err(message) = collect(path, &mut paths) {
            exit = exit.worst(output::error_line(&message));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    paths.iter().map(|path| one(common, arguments, path)).fold(exit, Exit::worst)
}

/// Adds a file, or every policy file below a directory in the order of their paths.
fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    if path == Path::new("-") || !path.is_dir() {
        found.push(path.to_path_buf());
        return Ok(());
    }
    let said = |error: io::Error| format!("`{}`: {error}", path.display());
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(path).map_err(said)?.collect::<Result<_, _>>().map_err(said)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let below = if path == Path::new(".") { PathBuf::from(&name) } else { path.join(&name) };
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&below, found)?;
        } else if below.extension().is_some_and(|extension| extension == "policy") {
            found.push(below);
        }
    }
    Ok(())
}

fn one(common: &Common, arguments: &Fmt, path: &Path) -> Exit {
    let stdin = path == Path::new("-");
    let shown = if stdin { "<stdin>".to_owned() } else { path.display().to_string() };
    let text = match read(path) {
        Ok(text) => text,
        Err(message) => return output::error_line(&format!("`{shown}`: {message}")),
    };
    let mut sources = Sources::default();
    let file = sources.add(shown.as_str(), text.as_str());
    let mut sink = Sink::default();
    let tree = syntax::parse(file, &text, &mut sink);
    if sink.has_bad_input() {
        return report(common, "fmt", "text", &sources, &sink.into_sorted());
    }
    let formatted = syntax::format(&text, &tree);
    match (arguments.check, stdin) {
        (false, true) => output::result(&formatted),
        _ if formatted == text => Exit::Ok,
        (true, _) => output::result(&difference(&shown, &text, &formatted)).worst(Exit::Finding),
        (false, false) => replace(path, &formatted)
            .map_or_else(|error| output::error_line(&format!("`{shown}`: {error}")), |()| Exit::Ok),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let done = if path == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        fs::read(path).map(|read| bytes = read)
    };
    done.map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| format!("not UTF-8 text at byte {}", error.utf8_error().valid_up_to()))
}

/// Writes a file whole or not at all; a symbolic link stays one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    let mut new = tempfile::Builder::new().prefix(".sekisho-fmt-").tempfile_in(directory)?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
    new.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// The name of a file that would change, and the lines from the first to the last difference, at most a few.
fn difference(shown: &str, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let before = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let shorter = old.len().min(new.len()) - before;
    let after = old.iter().rev().zip(new.iter().rev()).take(shorter).take_while(|(a, b)| a == b).count();
    let mut out = format!("{shown}:{}: not in canonical form\n", before + 1);
    for (sign, lines) in [('-', &old), ('+', &new)] {
        let changed = lines.get(before..lines.len() - after).unwrap_or(&[]);
        for line in changed.iter().take(DIFF_LINES) {
            out.push_str(&format!("  {sign}{}\n", crate::diag::render::one_line(line)));
        }
        if changed.len() > DIFF_LINES {
            out.push_str(&format!("  {sign} ... {} more\n", changed.len() - DIFF_LINES));
        }
    }
    out
}
