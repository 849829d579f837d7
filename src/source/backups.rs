//! A directory of device configs: on disk, or in a git repository at a revision.
//!
//! Only lists and reads: which file is of which device, and what is in it, is others' business. Contents are read one at a time, when asked for, so that the backups of
//! thousands of devices are never in memory together. Hidden files and directories are passed over (`.git`, editors' leavings). A symbolic link may lead to a file inside the
//! directory only, and never to a directory: whoever can write backups must not choose which files of this machine are read.
//!
//! The date of a file is that of the commit that gave it the content it has now. A file that was changed since, or is in no commit, has none: neither the time stamp of a file
//! nor the clock says when a device was asked.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;

use super::git::{Commit, Repository, TreeKind, is_bare};
use super::objects::Blobs;

/// Configs larger than this are refused: a hundred times what a list of 20,000 rules takes is not needed.
pub const MAX_CONFIG_BYTES: u64 = 64 << 20;

/// A directory of configs.
#[derive(Debug)]
pub struct Backups {
    /// Its files, sorted by path.
    pub files: Vec<BackupFile>,
    root: PathBuf,
    /// Where contents of commits come from; `None` where no repository is.
    history: Option<History>,
    is_revision: bool,
    /// Why git cannot say when files were collected, where there is a repository.
    pub undated: Option<String>,
    /// Directories below that cannot be listed (`lost+found` is one), each with the reason.
    pub unlisted: Vec<(String, String)>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupFile {
    /// Relative to the directory, with `/` between the parts.
    pub path: String,
    /// Why it cannot be read, if that is known without opening it.
    problem: Option<String>,
    /// Its content in the commit, if it is in it.
    blob: Option<String>,
}

#[derive(Debug)]
struct History {
    repository: Repository,
    commit: Commit,
    blobs: Mutex<Blobs>,
    dates: HashMap<String, Date>,
}

/// Why a directory of configs cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupsError {
    /// It cannot be listed: the path and the reason.
    Unreadable(String, String),
    /// The repository or the revision is not there.
    Git(String),
}

/// When a file was collected, by its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// On this day.
    On(Date),
    /// It is in no repository.
    Nowhere,
    /// It is in no commit.
    Not,
    /// It was changed after its last commit.
    Changed,
    /// The history does not go back to it.
    CutOff,
}

impl Backups {
    /// Lists a directory, as it is or at a revision of the git repository that it lies in.
    ///
    /// # Errors
    /// See [`BackupsError`].
    pub fn open(root: &Path, revision: Option<&str>) -> Result<Self, BackupsError> {
        let shown = || root.display().to_string();
        let kind = fs::metadata(root).map_err(|error| BackupsError::Unreadable(shown(), error.to_string()))?;
        if !kind.is_dir() {
            return Err(BackupsError::Unreadable(shown(), "it is no directory".to_owned()));
        }
        match revision {
            Some(revision) => Self::at(root, revision).map_err(BackupsError::Git),
            None => Self::on_disk(root),
        }
    }

    fn at(root: &Path, revision: &str) -> Result<Self, String> {
        let Some(repository) = Repository::around(root)? else {
            return Err(format!("`{}` is in no git repository", root.display()));
        };
        let commit = repository.commit(revision)?;
        let mut files: Vec<BackupFile> = Vec::new();
        for file in repository.files(&commit)?.into_iter().filter(|file| !is_hidden(&file.path)) {
            let problem = match file.kind {
                TreeKind::File => too_long(file.size),
                TreeKind::Link => Some("it is a symbolic link in the repository, which is not followed".to_owned()),
                TreeKind::Submodule => continue,
            };
            files.push(BackupFile { path: file.path, problem, blob: Some(file.blob) });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let history = History::new(repository, commit)?;
        let (root, unlisted) = (root.to_owned(), Vec::new());
        Ok(Self { files, root, history: Some(history), is_revision: true, undated: None, unlisted })
    }

    fn on_disk(root: &Path) -> Result<Self, BackupsError> {
        if is_bare(root) {
            let message =
                format!("`{}` is a git repository without a work tree, and no revision is named", root.display());
            return Err(BackupsError::Git(message));
        }
        let unreadable =
            |error: std::io::Error| BackupsError::Unreadable(root.display().to_string(), error.to_string());
        let mut listed = Listed::default();
        listed.add(root, "").map_err(unreadable)?;
        let Listed { mut files, mut unlisted } = listed;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        unlisted.sort();
        let root_path = root.to_owned();
        let mut backups = Self { files, root: root_path, history: None, is_revision: false, undated: None, unlisted };
        match Repository::around(root) {
            Ok(None) => {}
            Ok(Some(repository)) => backups.undated = backups.enter(repository).err(),
            Err(message) => backups.undated = Some(message),
        }
        Ok(backups)
    }

    /// Notes which files the last commit holds.
    fn enter(&mut self, repository: Repository) -> Result<(), String> {
        let commit = repository.commit("HEAD").map_err(|_| "the git repository has no commit".to_owned())?;
        let mut blobs: HashMap<String, String> = HashMap::new();
        for file in repository.files(&commit)?.into_iter().filter(|file| file.kind == TreeKind::File) {
            if file.size <= MAX_CONFIG_BYTES {
                blobs.insert(file.path, file.blob);
            }
        }
        for file in &mut self.files {
            file.blob = blobs.remove(&file.path);
        }
        self.history = Some(History::new(repository, commit)?);
        Ok(())
    }

    /// Looks up when some files (by their places in [`Self::files`]) were committed. Cost: the history back to the oldest of them.
    pub fn date(&mut self, wanted: impl IntoIterator<Item = usize>) {
        let Some(history) = &mut self.history else { return };
        let files = wanted.into_iter().filter_map(|number| self.files.get(number));
        let wanted: Vec<(String, String)> =
            files.filter_map(|file| Some((file.path.clone(), file.blob.clone()?))).collect();
        match history.repository.dates(&history.commit, &wanted) {
            Ok(dates) => history.dates = dates,
            Err(message) => self.undated = Some(message),
        }
    }

    /// The text of a file.
    ///
    /// # Errors
    /// Why there is none, in the user's words.
    pub fn read(&self, number: usize) -> Result<String, String> {
        let Some(file) = self.files.get(number) else { return Err("there is no such file".to_owned()) };
        if let Some(problem) = &file.problem {
            return Err(problem.clone());
        }
        let bytes = match (&self.history, &file.blob) {
            (Some(history), Some(blob)) if self.is_revision => history.read(blob)?,
            _ => read_inside(&self.root, &self.root.join(&file.path))?,
        };
        text_of(bytes)
    }

    /// When a file with this text was collected, by its commit; after [`Self::date`].
    #[must_use]
    pub fn committed(&self, number: usize, text: &str) -> Committed {
        let (Some(file), Some(history)) = (self.files.get(number), &self.history) else { return Committed::Nowhere };
        let Some(blob) = &file.blob else { return Committed::Not };
        if !self.is_revision && history.read(blob).is_ok_and(|known| known != text.as_bytes()) {
            return Committed::Changed;
        }
        history.dates.get(&file.path).map_or(Committed::CutOff, |date| Committed::On(*date))
    }
}

impl History {
    fn new(repository: Repository, commit: Commit) -> Result<Self, String> {
        let blobs = Mutex::new(repository.blobs()?);
        Ok(Self { repository, commit, blobs, dates: HashMap::new() })
    }

    fn read(&self, blob: &str) -> Result<Vec<u8>, String> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).read(blob)
    }
}

fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.'))
}

fn too_long(size: u64) -> Option<String> {
    (size > MAX_CONFIG_BYTES).then(|| format!("it has {size} bytes, and no config has more than {MAX_CONFIG_BYTES}"))
}

fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes)
        .map_err(|error| format!("it is no UTF-8 text: see byte {}", error.utf8_error().valid_up_to()))
}

/// What is below a directory.
#[derive(Default)]
struct Listed {
    files: Vec<BackupFile>,
    unlisted: Vec<(String, String)>,
}

impl Listed {
    /// Lists a directory and what is below it. A name that is no UTF-8 is listed as it can be shown, and cannot be read.
    fn add(&mut self, directory: &Path, prefix: &str) -> std::io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let shown = name.to_string_lossy();
            if shown.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{shown}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if let Err(error) = self.add(&entry.path(), &format!("{path}/")) {
                    self.unlisted.push((path, error.to_string()));
                }
                continue;
            }
            let problem = match name.to_str() {
                None => Some("its name is no UTF-8 text".to_owned()),
                Some(_) if !kind.is_file() && !kind.is_symlink() => Some("it is no regular file".to_owned()),
                Some(_) => None,
            };
            self.files.push(BackupFile { path, problem, blob: None });
        }
        Ok(())
    }
}

/// Reads a regular file; a symbolic link may lead to one inside the directory only.
fn read_inside(root: &Path, path: &Path) -> Result<Vec<u8>, String> {
    let real = |path: &Path| path.canonicalize().map_err(|error| error.to_string());
    let (root, path) = (real(root)?, real(path)?);
    if !path.starts_with(&root) {
        return Err("it is a symbolic link that leads out of the directory".to_owned());
    }
    let kind = fs::metadata(&path).map_err(|error| error.to_string())?;
    if !kind.is_file() {
        return Err("it is no regular file".to_owned());
    }
    if let Some(problem) = too_long(kind.len()) {
        return Err(problem);
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(&path).map_err(|error| error.to_string())?;
    file.take(MAX_CONFIG_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    too_long(bytes.len() as u64).map_or(Ok(bytes), Err)
}
