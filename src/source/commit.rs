//! A policy project as it was at a commit, without touching the work tree.
//!
//! The rules of which files belong are those of `project`; here names are listed and contents read, from git's own trees. A symbolic link is followed as the file system would, and may lead
//! to a file inside the project only.
//!
//! Absent on purpose: what git does to files on their way to the work tree (line ends, filters, large files kept elsewhere). The commit is what was reviewed.

use std::collections::VecDeque;
use std::sync::Arc;

use super::git::{Commit, Repository};
use super::objects::{self, Objects};
use super::project::{self, Entry, EntryKind, Origin, Project, ProjectError, kind_of};

/// As many links in a row as Linux follows.
const MOST_LINKS: usize = 40;

/// A directory of a repository at a commit.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    objects: Arc<Objects>,
    /// The name of the content of the repository's root.
    root: String,
    /// Where the project is in it, with `/` between the parts; empty for the root.
    directory: String,
    /// As the user would write it.
    shown: String,
}

/// Reads a policy project as it was at a commit: the directory (relative to the root of the repository, `/` between the parts, empty for the root) and nothing beside it.
///
/// # Errors
///
/// The commit has no such directory, or a file cannot be read; every one is reported.
pub fn load_commit(repository: &Repository, commit: &Commit, directory: &str) -> Result<Project, Vec<ProjectError>> {
    let open = || Snapshot::open(repository, commit, directory);
    let snapshot = open().map_err(|message| vec![ProjectError { path: shown(commit, directory), message }])?;
    project::load(Origin::Commit(snapshot))
}

pub(super) fn shown(commit: &Commit, directory: &str) -> String {
    const ENOUGH: usize = 12;
    format!("{}:{directory}", commit.name().get(..ENOUGH).unwrap_or(commit.name()))
}

impl Snapshot {
    fn open(repository: &Repository, commit: &Commit, directory: &str) -> Result<Self, String> {
        let objects = Arc::new(Objects::new(repository)?);
        let root = objects.root(commit)?;
        if objects.directory(&root, directory)?.is_none() {
            return Err("the commit has no such directory".to_owned());
        }
        Ok(Self::new(objects, root, directory, shown(commit, directory)))
    }

    pub(super) fn new(objects: Arc<Objects>, root: String, directory: &str, shown: String) -> Self {
        Self { objects, root, directory: directory.to_owned(), shown }
    }

    pub(super) fn shown(&self) -> String {
        self.shown.clone()
    }

    /// What a directory of the project holds.
    pub(super) fn list(&self, directory: &str) -> Result<Vec<Result<Entry, String>>, String> {
        let at = joined(&self.directory, directory);
        let name = self.objects.directory(&self.root, &at)?.ok_or_else(not_there)?;
        let tree = self.objects.tree(&name)?;
        Ok(tree.entries.iter().map(|entry| Ok(self.looked_at(directory, entry))).collect())
    }

    fn looked_at(&self, directory: &str, entry: &objects::Entry) -> Entry {
        let kind = match (entry.kind, &entry.name) {
            (objects::EntryKind::Directory, _) => EntryKind::Directory,
            (objects::EntryKind::Submodule, _) => EntryKind::Elsewhere,
            (objects::EntryKind::Link, Some(name)) => self.behind(&joined(directory, name)),
            _ => EntryKind::File,
        };
        Entry { name: entry.name.clone(), kind }
    }

    /// What a link is: where it leads out of the repository nobody knows, so that its name decides whether it is reported as a file or as a directory.
    fn behind(&self, relative: &str) -> EntryKind {
        match Walk::to(self, relative) {
            Ok(End { leads: Leads::Directory | Leads::Submodule, .. }) => EntryKind::Elsewhere,
            Err(Stop::Outside) if kind_of(&relative.to_lowercase()).is_none() => EntryKind::Elsewhere,
            _ => EntryKind::File,
        }
    }

    /// Reads a regular file; a symbolic link may lead to one inside the project only.
    pub(super) fn read(&self, relative: &str) -> Result<Arc<str>, String> {
        let end = Walk::to(self, relative).map_err(|stop| stop.in_words())?;
        if !end.is_below(&self.directory) {
            return Err(Stop::Outside.in_words());
        }
        match end.leads {
            Leads::File(object) => self.objects.text(&object),
            Leads::Directory => Err("it is not a regular file".to_owned()),
            Leads::Submodule => Err("it is in another repository".to_owned()),
        }
    }
}

fn not_there() -> String {
    "No such file or directory".to_owned()
}

fn joined(directory: &str, relative: &str) -> String {
    match (directory, relative) {
        ("", path) | (path, "") => path.to_owned(),
        (directory, relative) => format!("{directory}/{relative}"),
    }
}

/// A walk from the root of a repository along a path, through its links.
struct Walk<'s> {
    objects: &'s Objects,
    /// The directories down to where it stands: their names (the root has none) and those of their contents.
    above: Vec<(String, String)>,
    /// What is still to be walked.
    ahead: VecDeque<String>,
    links: usize,
}

/// Where a walk ended.
struct End {
    /// The directories and the name, from the root, links resolved.
    path: Vec<String>,
    leads: Leads,
}

enum Leads {
    Directory,
    File(String),
    Submodule,
}

/// Why a walk ended nowhere.
enum Stop {
    Outside,
    Because(String),
}

impl Stop {
    fn in_words(self) -> String {
        match self {
            Self::Outside => "it lies outside the project".to_owned(),
            Self::Because(message) => message,
        }
    }
}

impl End {
    fn is_below(&self, directory: &str) -> bool {
        let wanted = directory.split('/').filter(|part| !part.is_empty());
        wanted.clone().count() < self.path.len() && wanted.zip(&self.path).all(|(a, b)| a == b)
    }
}

impl<'s> Walk<'s> {
    /// Walks to a path in the project.
    fn to(snapshot: &'s Snapshot, relative: &str) -> Result<End, Stop> {
        if relative.starts_with('/') {
            return Err(Stop::Outside);
        }
        let path = joined(&snapshot.directory, relative);
        let mut walk = Self {
            objects: &snapshot.objects,
            above: vec![(String::new(), snapshot.root.clone())],
            ahead: path.split('/').map(str::to_owned).collect(),
            links: 0,
        };
        while let Some(part) = walk.ahead.pop_front() {
            if let Some(leads) = walk.step(part)? {
                return Ok(walk.end(leads));
            }
        }
        Ok(walk.end(Leads::Directory))
    }

    fn end(self, leads: Leads) -> End {
        End { path: self.above.into_iter().skip(1).map(|(name, _)| name).collect(), leads }
    }

    /// One part of the path; what it leads to, if nothing can follow.
    fn step(&mut self, part: String) -> Result<Option<Leads>, Stop> {
        if part.is_empty() || part == "." {
            return Ok(None);
        }
        if part == ".." {
            self.above.pop();
            return if self.above.is_empty() { Err(Stop::Outside) } else { Ok(None) };
        }
        let here = self.above.last().map(|(_, object)| object.clone()).unwrap_or_default();
        let tree = self.objects.tree(&here).map_err(Stop::Because)?;
        let entry = tree.entry(&part).ok_or_else(|| Stop::Because(not_there()))?;
        if entry.kind == objects::EntryKind::Link {
            self.follow(&entry.object)?;
            return Ok(None);
        }
        self.above.push((part, entry.object.clone()));
        match entry.kind {
            objects::EntryKind::Submodule if self.ahead.is_empty() => Ok(Some(Leads::Submodule)),
            objects::EntryKind::Submodule => Err(Stop::Because("it is in another repository".to_owned())),
            objects::EntryKind::File if self.ahead.is_empty() => Ok(Some(Leads::File(entry.object.clone()))),
            objects::EntryKind::File => Err(Stop::Because("Not a directory".to_owned())),
            objects::EntryKind::Directory | objects::EntryKind::Link => Ok(None),
        }
    }

    fn follow(&mut self, object: &str) -> Result<(), Stop> {
        const LONGEST_TARGET: u64 = 4096;
        self.links += 1;
        let too_many = || Stop::Because("Too many levels of symbolic links".to_owned());
        if self.links > MOST_LINKS {
            return Err(too_many());
        }
        let target = self.objects.blob(object, LONGEST_TARGET).map_err(Stop::Because)?.ok_or_else(too_many)?;
        let target = String::from_utf8(target).map_err(|_| Stop::Because(not_there()))?;
        if target.starts_with('/') {
            return Err(Stop::Outside);
        }
        for part in target.split('/').rev() {
            self.ahead.push_front(part.to_owned());
        }
        Ok(())
    }
}
