//! Results in the formats of forges and build servers; see [`crate::report::ci`].

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::super::{Exit, output};
use super::PAGES;
use crate::diag::Diagnostic;
use crate::report::ci::{self, Case, Run, Writer};
use crate::source::Sources;

/// What a command found in a project.
pub(super) struct Found<'f> {
    /// The command: `check`.
    pub(super) command: &'f str,
    /// The directory of the project, as it is called from the root of its repository: see [`crate::source::path_in_repository`].
    pub(super) directory: &'f str,
    /// The files that places are in.
    pub(super) sources: &'f Sources,
    /// What is to be said.
    pub(super) found: &'f [Diagnostic],
    /// What was judged.
    pub(super) cases: &'f [Case],
    /// How the command ends.
    pub(super) exit: Exit,
}

impl Found<'_> {
    /// Prints what was found in a format, and for GitHub the summary of the step to the file that it names for that.
    pub(super) fn print(&self, writer: &dyn Writer) -> Exit {
        let prefix = if self.directory.is_empty() { String::new() } else { format!("{}/", self.directory) };
        let page = |code: &str| PAGES.iter().find(|(known, _)| *known == code).map(|(_, page)| *page);
        let run = Run {
            command: self.command,
            prefix: &prefix,
            sources: self.sources,
            found: self.found,
            cases: self.cases,
            page: &page,
            exit: self.exit.code(),
        };
        let exit = self.exit.worst(output::result(&writer.write(&run)));
        match env::var_os("GITHUB_STEP_SUMMARY").filter(|file| writer.name() == "github" && !file.is_empty()) {
            Some(file) => exit.worst(append(&PathBuf::from(file), &ci::summary(&run))),
            None => exit,
        }
    }
}

/// Adds to a file that other steps write too.
fn append(file: &Path, text: &str) -> Exit {
    let opened = OpenOptions::new().append(true).create(true).open(file);
    match opened.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Exit::Ok,
        Err(error) => output::error_line(&format!("`{}`: {error}", file.display())),
    }
}
