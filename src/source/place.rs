//! Where a project is, as a person writes it: a directory, or `REV:DIR` of the git repository around here.
//!
//! A directory of that very name wins. Otherwise it is read as git reads `REV:PATH`: the path counts from the root of the repository, `REV:` alone is the root, and only a path that begins
//! with `./` or `../` counts from here. The colon that divides the two is the first one outside braces, because `HEAD@{12:00}` is a revision.
//!
//! Absent on purpose: git's other forms without a revision before the colon (`:0:PATH` is the index, `:/TEXT` a search), which are no commits that others could look at.

use std::path::{Path, PathBuf};

use super::commit::load_commit;
use super::git::{Commit, Repository};
use super::join::join;
use super::project::{Project, ProjectError, load_directory};

/// Where a project is read from.
#[derive(Debug, Clone)]
pub enum Place {
    /// A directory, as it is on disk.
    Directory(PathBuf),
    /// A directory, as it was at a commit.
    Commit(CommitPlace),
}

/// A directory of a repository at a commit.
#[derive(Debug, Clone)]
pub struct CommitPlace {
    /// The repository.
    pub repository: Repository,
    /// The commit.
    pub commit: Commit,
    /// The directory, relative to the root of the repository with `/` between the parts; empty for the root.
    pub directory: String,
}

impl Place {
    /// Reads the project that is there.
    ///
    /// # Errors
    /// Files that cannot be read; see [`load_directory`] and [`load_commit`].
    pub fn load(&self) -> Result<Project, Vec<ProjectError>> {
        match self {
            Self::Directory(path) => load_directory(path),
            Self::Commit(at) => load_commit(&at.repository, &at.commit, &at.directory),
        }
    }
}

/// Reads an argument that names a project, seen from a directory (empty for the current one).
///
/// # Errors
/// It is no directory and no `REV:DIR`, there is no repository around here, or no such revision; the message is in the user's words. Whether the commit has the directory shows when it is read.
pub fn place(argument: &Path, here: &Path) -> Result<Place, String> {
    let path = here.join(argument);
    if path.is_dir() {
        return Ok(Place::Directory(path));
    }
    let shown = argument.display();
    let Some((revision, directory)) = argument.to_str().and_then(halves) else {
        return Err(format!("there is no directory `{shown}`; a project at a commit is written `REV:DIR`"));
    };
    if revision.is_empty() {
        return Err(format!("`{shown}` names no revision; a project at a commit is written `REV:DIR`, as in `HEAD:`"));
    }
    let here = if here.as_os_str().is_empty() { Path::new(".") } else { here };
    let Some(repository) = Repository::around(here)? else {
        return Err(format!("there is no directory `{shown}`, and no git repository around here"));
    };
    let commit = repository.commit(revision)?;
    let directory = from_root(repository.directory(), directory)
        .ok_or_else(|| format!("`{directory}` leads out of the git repository"))?;
    Ok(Place::Commit(CommitPlace { repository, commit, directory }))
}

/// The revision and the path.
fn halves(argument: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let colon = argument.find(|letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ':' && depth == 0
    })?;
    Some((argument.get(..colon)?, argument.get(colon + 1..)?))
}

/// A path from the root of the repository; `None` if it leads out of it.
fn from_root(here: &str, path: &str) -> Option<String> {
    let is_relative = [".", ".."].contains(&path) || path.starts_with("./") || path.starts_with("../");
    let start = if is_relative { here } else { "" };
    join(start, path)
}

/// A project as it is called from the root of the repository that it lies in, with `/` between the parts and empty for the root. In no repository: as it is called from here, if it is below.
/// Of `REV:DIR`, `DIR`.
#[must_use]
pub fn path_in_repository(directory: &Path) -> String {
    let Ok(real) = directory.canonicalize() else {
        return match place(directory, Path::new("")) {
            Ok(Place::Commit(at)) => at.directory,
            _ => String::new(),
        };
    };
    let root = real.ancestors().find(|above| above.join(".git").exists()).map(Path::to_path_buf);
    let root = root.or_else(|| Path::new(".").canonicalize().ok());
    let below = root.and_then(|root| real.strip_prefix(root).map(Path::to_path_buf).ok()).unwrap_or_default();
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}
