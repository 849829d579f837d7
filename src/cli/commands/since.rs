//! `sekisho since`: when, over the git history of the policy, some flows were permitted.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::args::{AnswerFormat, Common, Since};
use super::super::progress::Progress;
use super::super::{Exit, clock, output};
use super::report;
use crate::diag::Diagnostic;
use crate::diag::codes::input::NO_REVISION;
use crate::history::{self, Judged, Question};
use crate::report::json;
use crate::source::{self, CommitPlace, History, Place, Repository, Sources};

pub(super) fn run(common: &Common, arguments: &Since) -> Exit {
    let format = arguments.format;
    let said = |sources: &Sources, found: &[Diagnostic]| report(common, "since", format.name(), sources, found);
    let asked = match arguments.asked() {
        Ok(asked) => asked,
        Err(message) => return output::error_line(&message),
    };
    let [from, to, on] = &asked.question;
    let question = match Question::new(from, to, on) {
        Ok(question) => question,
        Err((sources, found)) => return said(&sources, &found),
    };
    let progress = Progress::start(common, "reading the history");
    let history = match history(&asked.directory) {
        Ok(history) => history,
        Err(message) => {
            drop(progress);
            return said(&Sources::default(), &[Diagnostic::without_place(&NO_REVISION, message)]);
        }
    };
    if common.verbose {
        let contents: BTreeSet<_> = history.versions.iter().map(|version| &version.tree).collect();
        let (commits, contents) = (history.commits, contents.len());
        output::error_text(&format!("read {commits} commits with {contents} distinct contents\n"));
    }
    progress.stage("judging");
    let judged = common.at.map_or_else(|| Judged::Then(clock::today()), Judged::At);
    let answer = history::since(&history, &question, judged);
    drop(progress);
    let answer = match answer {
        Ok(answer) => answer,
        Err(found) => return said(&question.sources, &found),
    };
    let exit = if answer.is_unproven() { Exit::Unproven } else { Exit::Ok };
    exit.worst(output::result(&match format {
        AnswerFormat::Text => answer.to_text(),
        AnswerFormat::Json => json::to_text(&answer.to_json()),
    }))
}

/// The history of a project: up to `HEAD`, or to the commit that is named.
fn history(directory: &Path) -> Result<History, String> {
    let CommitPlace { repository, commit, directory } = match source::place(directory, Path::new(""))? {
        Place::Commit(at) => at,
        Place::Directory(path) => {
            let Some(repository) = Repository::around(&path)? else {
                return Err(format!("`{}` is in no git repository", path.display()));
            };
            let commit = repository.commit("HEAD").map_err(|_| "the git repository has no commit".to_owned())?;
            let directory = repository.directory().to_owned();
            CommitPlace { repository, commit, directory }
        }
    };
    let history = History::of(&repository, &commit, &directory)?;
    if history.versions.iter().all(|version| version.tree.is_none()) {
        return Err(format!("no commit has the directory `{directory}`"));
    }
    Ok(history)
}
