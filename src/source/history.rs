//! The versions of a policy project in the history of its repository.
//!
//! Only first parents are followed: what was merged became the policy at the merge, and the commits of its branch never were.
//!
//! A commit that leaves the directory as it was is no version of it: what happens between two versions is the work of time alone.
//!
//! A project that moved to another directory begins where it moved: which directory it was before is nothing that git knows.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use super::commit::{Snapshot, shown};
use super::git::{Commit, Repository};
use super::objects::Objects;
use super::project::{self, Origin, Project, ProjectError};

/// Directories of so many commits are remembered at least.
const TOGETHER: usize = 256;

/// A directory in all commits that led to one.
#[derive(Debug)]
pub struct History {
    objects: Arc<Objects>,
    directory: String,
    /// The first commit, and those that changed the directory; the oldest first.
    pub versions: Vec<Version>,
    /// How many commits there are, with those that did not.
    pub commits: usize,
    /// Whether older ones were cut off when the repository was cloned.
    pub is_cut_off: bool,
}

/// A directory at one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The commit.
    pub commit: Commit,
    /// Who wrote it, as the commit says.
    pub author: String,
    /// When it was written, UTC.
    pub authored: Date,
    /// When it became part of the history, UTC.
    pub committed: Date,
    /// The first line of its message.
    pub subject: String,
    /// The name of the directory's content: equal names are equal projects. `None` if the commit has no such directory.
    pub tree: Option<String>,
    root: String,
}

impl History {
    /// The versions of a directory (relative to the root of the repository) that led to a commit.
    ///
    /// # Errors
    /// What git says.
    pub fn of(repository: &Repository, commit: &Commit, directory: &str) -> Result<Self, String> {
        let objects = Arc::new(Objects::new(repository)?);
        let rows = repository.first_parents(commit, ["%H", "%T", "%an", "%at", "%ct", "%s"])?;
        let (commits, mut versions) = (rows.len(), Vec::<Version>::new());
        for (number, row) in rows.into_iter().rev().enumerate() {
            let [name, root, author, authored, committed, subject] = row;
            let tree = objects.directory(&root, directory)?;
            if number % TOGETHER == 0 {
                objects.forget();
            }
            if versions.last().is_some_and(|before| before.tree == tree) {
                continue;
            }
            let (authored, committed) = (day(&authored)?, day(&committed)?);
            versions.push(Version { commit: Commit::named(name), author, authored, committed, subject, tree, root });
        }
        let is_cut_off = repository.is_shallow();
        Ok(Self { objects, directory: directory.to_owned(), versions, commits, is_cut_off })
    }

    /// Reads the project of a version.
    ///
    /// # Errors
    /// Files that cannot be read; every one is reported.
    pub fn load(&self, version: &Version) -> Result<Project, Vec<ProjectError>> {
        let shown = shown(&version.commit, &self.directory);
        let objects = Arc::clone(&self.objects);
        project::load(Origin::Commit(Snapshot::new(objects, version.root.clone(), &self.directory, shown)))
    }

    /// Lets go of contents that were not asked for since the last call.
    pub fn forget(&self) {
        self.objects.forget();
    }
}

/// The day of seconds since 1970.
fn day(seconds: &str) -> Result<Date, String> {
    let time = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let time = time.ok_or_else(|| format!("a commit has the date `{seconds}`, which is none"))?;
    Ok(time.to_zoned(TimeZone::UTC).date())
}
