//! Writes a directory all or nothing: `compile -o OUT`.
//!
//! Everything is written into a new directory beside OUT, and then exchanged with OUT in a single step (`renameat2` with
//! `EXCHANGE`; file systems that cannot do it get two renames, and the next run puts back what a kill between the two has
//! moved away). A full disk shows while writing, a kill leaves a hidden directory that the next run removes; OUT is at
//! every moment the old one or the new one.
//!
//! Nothing is flushed to the disk: neither a kill nor a full disk needs it, and `syncfs` waits for everybody's data (a minute
//! on a busy machine for 40 MB of ours). What a power cut takes with it is found by the SHA-256 sums of the manifest.
//!
//! The old directory is taken away file by file, by the list in its own manifest, and directories only when empty: what
//! sekisho did not write cannot be deleted, not even if it appears meanwhile. Such files in OUT are refused before anything
//! is written. Absent on purpose: keeping foreign files (they would have to move while OUT is exchanged).

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

/// The file that says what a directory written by sekisho holds.
pub const MANIFEST: &str = "manifest.json";
/// What the `schema` of a manifest begins with.
const SCHEMA: &str = "sekisho/compile/";

/// One file to write.
#[derive(Debug, Clone, Copy)]
pub struct OutputFile<'a> {
    /// Where, relative to OUT, with `/` between the parts: `fw-tokyo/ruleset.nft`.
    pub path: &'a str,
    /// What is in it.
    pub contents: &'a [u8],
}

/// Why nothing was written; OUT is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteError {
    /// What is in the way, in the user's words.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl WriteError {
    fn new(message: String) -> Self {
        Self { message, help: None }
    }

    fn help(mut self, help: &str) -> Self {
        self.help = Some(help.to_owned());
        self
    }

    fn at(path: &Path, error: &io::Error) -> Self {
        Self::new(format!("`{}`: {error}", path.display()))
    }
}

/// Replaces the directory `out` by one that holds exactly `files`, which include the manifest.
///
/// `project` is where the policy is: it is never written over.
///
/// # Errors
///
/// OUT is something that must not be replaced, a path in `files` leads out of it or stands twice, or the file system
/// refuses. In every case OUT is as it was.
pub fn replace_directory(out: &Path, project: &Path, files: &[OutputFile<'_>]) -> Result<(), WriteError> {
    let new = Replacement::begin(out, project)?;
    files.iter().try_for_each(|file| new.write(*file))?;
    new.finish()
}

/// A directory on its way into OUT's place, file by file; dropped before the end, it leaves nothing behind.
pub struct Replacement {
    place: Place,
    old: Option<Contents>,
    new: Staging,
}

impl Replacement {
    /// Looks at OUT, and begins a new directory beside it.
    ///
    /// # Errors
    ///
    /// OUT is something that must not be replaced, or the file system refuses.
    pub fn begin(out: &Path, project: &Path) -> Result<Self, WriteError> {
        let place = Place::of(out)?;
        place.recover()?;
        let old = place.inspect(project)?;
        let new = Staging::create(&place)?;
        Ok(Self { place, old, new })
    }

    /// Writes one file of the new directory. Several threads may do so at once.
    ///
    /// # Errors
    ///
    /// The path leads out of the directory or stands twice, or the file system refuses.
    pub fn write(&self, file: OutputFile<'_>) -> Result<(), WriteError> {
        let path = Path::new(file.path);
        if file.path.is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(WriteError::new(format!("`{}` leads out of the output directory", file.path)));
        }
        let root = &self.new.path;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            make_directory(&root.join(parent)).map_err(|error| shown(&file, &error))?;
        }
        write_file(&root.join(path), file.contents).map_err(|error| shown(&file, &error))
    }

    /// Puts the new directory in OUT's place, and takes the old one away.
    ///
    /// # Errors
    ///
    /// The file system refuses; then OUT is as it was.
    pub fn finish(self) -> Result<(), WriteError> {
        let root = &self.new.path;
        fs::remove_file(root.join(STAGING_MARK)).map_err(|error| WriteError::at(root, &error))?;
        self.place.put(self.new, self.old.as_ref())
    }
}

/// The parts of OUT's path that the work goes by.
struct Place {
    /// OUT, with the parent resolved.
    out: PathBuf,
    parent: PathBuf,
    /// What hidden neighbours of OUT begin with.
    prefix: String,
}

impl Place {
    fn of(out: &Path) -> Result<Self, WriteError> {
        let Some(name) = out.components().next_back().and_then(|last| match last {
            Component::Normal(name) => Some(name),
            Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
        }) else {
            let message = format!("`{}` cannot be the output directory", out.display());
            return Err(WriteError::new(message).help("name a directory of its own, such as `-o out`"));
        };
        let parent = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(|error| WriteError::at(parent, &error))?;
        let parent = parent.canonicalize().map_err(|error| WriteError::at(parent, &error))?;
        let prefix = format!(".{}.sekisho-", name.to_string_lossy());
        Ok(Self { out: parent.join(name), parent, prefix })
    }

    /// The name that OUT has between the two renames where the file system cannot exchange.
    fn aside(&self) -> PathBuf {
        self.parent.join(format!("{}aside", self.prefix))
    }

    /// Ends what an earlier run was killed in: puts OUT back if it was moved aside, removes what is left over.
    fn recover(&self) -> Result<(), WriteError> {
        if fs::symlink_metadata(&self.out).is_err() && self.aside().is_dir() {
            fs::rename(self.aside(), &self.out).map_err(|error| WriteError::at(&self.out, &error))?;
        }
        let entries = fs::read_dir(&self.parent).map_err(|error| WriteError::at(&self.parent, &error))?;
        for entry in entries.flatten() {
            let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(&self.prefix));
            if ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) && !is_locked(&entry.path()) {
                remove_left_over(&entry.path());
            }
        }
        Ok(())
    }

    /// What OUT holds now; `None` if there is nothing.
    fn inspect(&self, project: &Path) -> Result<Option<Contents>, WriteError> {
        let shown = self.out.display();
        let kind = match fs::symlink_metadata(&self.out) {
            Ok(kind) => kind,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(WriteError::at(&self.out, &error)),
        };
        if !kind.is_dir() {
            let what = if kind.is_symlink() { "a symbolic link" } else { "not a directory" };
            return Err(WriteError::new(format!("`{shown}` is {what}")).help("name a directory with `-o`"));
        }
        let holds = |path: io::Result<PathBuf>| path.is_ok_and(|path| path.starts_with(&self.out));
        if holds(project.canonicalize()) {
            let error = WriteError::new(format!("`{shown}` holds the policy project itself"));
            return Err(error.help("name another directory, such as `-o out`"));
        }
        if holds(std::env::current_dir()) {
            let error = WriteError::new(format!("`{shown}` is the current directory or holds it"));
            return Err(error.help("name another directory, such as `-o out`"));
        }
        Contents::read(&self.out).map(Some)
    }

    /// Puts the finished directory in OUT's place and takes the old one away.
    fn put(&self, mut new: Staging, old: Option<&Contents>) -> Result<(), WriteError> {
        let failed = |error: io::Error| WriteError::at(&self.out, &error);
        let Some(old) = old else {
            fs::rename(&new.path, &self.out).map_err(failed)?;
            new.keep();
            return Ok(());
        };
        let left = match exchange(&new.path, &self.out) {
            Ok(()) => new.path.clone(),
            Err(error) if cannot_exchange(&error) => {
                let aside = self.aside();
                fs::rename(&self.out, &aside).map_err(failed)?;
                if let Err(error) = fs::rename(&new.path, &self.out) {
                    fs::rename(&aside, &self.out).map_err(failed)?;
                    return Err(failed(error));
                }
                aside
            }
            Err(error) => return Err(failed(error)),
        };
        new.keep();
        old.remove_from(&left);
        Ok(())
    }
}

/// The files and directories of a directory that sekisho wrote, relative to it.
#[derive(Default)]
struct Contents {
    files: Vec<PathBuf>,
    /// Parents before children.
    directories: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Listing {
    schema: String,
    files: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    path: String,
}

impl Contents {
    /// Reads a directory and holds it against its manifest.
    fn read(root: &Path) -> Result<Self, WriteError> {
        let mut contents = Self::default();
        contents.walk(root, Path::new("")).map_err(|error| WriteError::at(root, &error))?;
        if contents.files.is_empty() && contents.directories.is_empty() {
            return Ok(contents);
        }
        let listed = listed_files(root).ok_or_else(|| {
            let message = format!("`{}` holds files that sekisho did not write", root.display());
            WriteError::new(message).help("empty it, or name another directory with `-o`")
        })?;
        let parents: BTreeSet<&Path> = listed.iter().filter_map(|path| path.parent()).collect();
        let foreign_file = contents.files.iter().find(|path| !listed.contains(*path));
        let foreign = foreign_file.or(contents.directories.iter().find(|path| !parents.contains(path.as_path())));
        match foreign {
            None => Ok(contents),
            Some(path) => {
                let message = format!("`{}` was not written by sekisho", root.join(path).display());
                Err(WriteError::new(message).help("move it away, or name another directory with `-o`"))
            }
        }
    }

    fn walk(&mut self, root: &Path, below: &Path) -> io::Result<()> {
        for entry in fs::read_dir(root.join(below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.directories.push(path.clone());
                self.walk(root, &path)?;
            } else {
                self.files.push(path);
            }
        }
        Ok(())
    }

    /// Removes exactly these files, then the directories that are empty.
    fn remove_from(&self, root: &Path) {
        for file in self.files.iter().filter(|file| file.as_path() != Path::new(MANIFEST)) {
            let _ = fs::remove_file(root.join(file));
        }
        for directory in self.directories.iter().rev() {
            let _ = fs::remove_dir(root.join(directory));
        }
        // The manifest goes last: until then the next run knows what the rest is.
        let _ = fs::remove_file(root.join(MANIFEST));
        let _ = fs::remove_dir(root);
    }
}

/// The files that a manifest names, itself among them; `None` if there is no manifest of sekisho.
fn listed_files(root: &Path) -> Option<BTreeSet<PathBuf>> {
    let listing: Listing = serde_json::from_slice(&fs::read(root.join(MANIFEST)).ok()?).ok()?;
    if !listing.schema.starts_with(SCHEMA) {
        return None;
    }
    let files = listing.files.into_iter().map(|listed| PathBuf::from(listed.path));
    Some(files.chain([PathBuf::from(MANIFEST)]).collect())
}

/// Removes a hidden neighbour of OUT. It was made by sekisho: files that it was writing, or an old OUT with its manifest.
fn remove_left_over(path: &Path) {
    if path.join(STAGING_MARK).exists() {
        remove_unfinished(path);
    } else if let Ok(contents) = Contents::read(path) {
        contents.remove_from(path);
    }
}

/// Removes a directory with its mark; the mark goes last, so that a kill meanwhile leaves something that is still known.
fn remove_unfinished(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        } else if entry.file_name() != STAGING_MARK {
            let _ = fs::remove_file(entry.path());
        }
    }
    let _ = fs::remove_file(path.join(STAGING_MARK));
    let _ = fs::remove_dir(path);
}

/// Stands in a directory while it is written, so that a later run knows that all in it is unfinished work.
const STAGING_MARK: &str = ".unfinished";

/// The new directory beside OUT; removed when dropped before it is in place.
struct Staging {
    path: PathBuf,
    /// Held as long as the work lasts, so that another run does not take the directory for a left-over.
    _lock: File,
    done: bool,
}

impl Staging {
    fn create(place: &Place) -> Result<Self, WriteError> {
        let id = std::process::id();
        for attempt in 0..1000_u32 {
            let path = place.parent.join(format!("{}{id}-{attempt}", place.prefix));
            match fs::create_dir(&path) {
                Ok(()) => return Self::open(path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(WriteError::at(&place.parent, &error)),
            }
        }
        Err(WriteError::new(format!("`{}` is full of unfinished work", place.parent.display())))
    }

    fn open(path: PathBuf) -> Result<Self, WriteError> {
        let lock = File::open(&path).map_err(|error| WriteError::at(&path, &error))?;
        let _ = lock.try_lock();
        let staging = Self { path, _lock: lock, done: false };
        let mark = staging.path.join(STAGING_MARK);
        File::create(&mark).map_err(|error| WriteError::at(&mark, &error))?;
        Ok(staging)
    }

    fn keep(&mut self) {
        self.done = true;
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.done {
            remove_unfinished(&self.path);
        }
    }
}

fn is_locked(path: &Path) -> bool {
    match File::open(path) {
        Ok(directory) => matches!(directory.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}

/// Makes a directory that mostly does not exist and whose parent mostly does: one system call where `create_dir_all` takes two.
fn make_directory(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => fs::create_dir_all(path),
        done => done,
    }
}

fn write_file(path: &Path, contents: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(contents)
}

fn shown(file: &OutputFile<'_>, error: &io::Error) -> WriteError {
    if error.kind() == ErrorKind::AlreadyExists {
        return WriteError::new(format!("two files of the output would be called `{}`", file.path));
    }
    WriteError::new(format!("`{}`: {error}", file.path))
}

#[cfg(target_os = "linux")]
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// Whether the file system has no such operation (`EINVAL`, `ENOSYS`, `EOPNOTSUPP`).
fn cannot_exchange(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput)
}
