//! `sekisho check`: what is wrong with a project.

use super::super::args::{Check, Common};
use super::super::{Exit, progress::Progress};
use super::{load, report};
use crate::diag::Sink;
use crate::source::FileKind;
use crate::syntax;

pub(super) fn run(common: &Common, arguments: &Check) -> Exit {
    let progress = Progress::start(common, "reading");
    let project = match load(&arguments.directory) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    let mut sink = Sink::default();
    for file in project.of_kind(FileKind::Policy) {
        syntax::parse(file, project.sources.text(file), &mut sink);
    }
    drop(progress);
    report(common, arguments.format.name(), &project.sources, &sink.into_sorted())
}
