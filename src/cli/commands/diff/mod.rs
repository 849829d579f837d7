//! `sekisho diff`: what a change opens and closes.
//!
//! Reads the two sides, says which of them is not readable, and asks [`answer::diff`]. Start at [`run`].

pub(in crate::cli::commands) mod files;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;

use super::super::args::{Common, Diff, DiffFormat};
use super::super::{Exit, output, progress::Progress};
use super::ci::Found;
use super::{day, report, too_different};
use crate::answer::{self, Beside, Limit, Project};
use crate::diag::Diagnostic;
use crate::diag::codes::input::{NO_REVISION, UNREADABLE};
use crate::diff::{Both, Side, Which, same_inventory};
use crate::graph::Topology;
use crate::packet::AddressSet;
use crate::pipeline::{self, Loaded};
use crate::report::ci::{self, Case, Writer};
use crate::report::json;
use crate::source::{CommitPlace, Place, ProjectError, Repository, Sources, path_in_repository, place};

pub(super) fn run(common: &Common, arguments: &Diff) -> Exit {
    let progress = Progress::start(common, "reading");
    let places = match places(arguments) {
        Ok(places) => places,
        Err(message) => {
            drop(progress);
            let found = [Diagnostic::without_place(&NO_REVISION, message)];
            return report(common, "diff", arguments.format.diagnostics(), &Sources::default(), &found);
        }
    };
    let at = day(common);
    let dates = match arguments.between.as_deref() {
        Some([before, after]) => Both { before: *before, after: *after },
        _ => Both { before: at, after: at },
    };
    let sides = match load(common, "diff", arguments.format, &places) {
        Ok(sides) => sides,
        Err(exit) => return exit,
    };
    progress.stage("comparing");
    let told = compare(&sides, dates, arguments, &places);
    drop(progress);
    match told {
        Ok(Told::Text(text, exit)) => exit.worst(output::result(&text)),
        Ok(Told::Findings(writer, told)) => {
            let Findings { directory, found, cases, exit } = *told;
            let sources = &sides.new.as_ref().unwrap_or(&sides.old).project.sources;
            Found { command: "diff", directory: &directory, sources, found: &found, cases: &cases, exit }.print(writer)
        }
        Err(_) => too_different(),
    }
}

/// Where the two sides are; one place where it is one project at two dates.
fn places(arguments: &Diff) -> Result<(Place, Option<Place>), String> {
    let here = Path::new("");
    let directory = || arguments.old.clone().unwrap_or_else(|| PathBuf::from("."));
    if arguments.between.is_some() {
        return Ok((place(&directory(), here)?, None));
    }
    if let Some(revision) = &arguments.base {
        return base(&directory(), revision);
    }
    match (&arguments.old, &arguments.new) {
        (Some(old), Some(new)) => {
            let side =
                |which: &str, argument: &Path| place(argument, here).map_err(|why| format!("{which} side: {why}"));
            Ok((side("the old", old)?, Some(side("the new", new)?)))
        }
        _ => Err("two projects are needed, OLD and NEW; or `--base REV`, or `--between DATE DATE`".to_owned()),
    }
}

/// A project where its history parted from a revision, and as it is.
pub(super) fn base(directory: &Path, revision: &str) -> Result<(Place, Option<Place>), String> {
    let Some(repository) = Repository::around(directory)? else {
        return Err(format!("`{}` is in no git repository, so it has no base", directory.display()));
    };
    if let Some(link) = link_on_the_way(directory) {
        // What it leads to now is not what it led to then.
        return Err(format!("`{}` is a symbolic link: name the directory that it leads to", link.display()));
    }
    let commit = repository.merge_base(revision)?;
    let own = repository.directory().to_owned();
    let base = Place::Commit(CommitPlace { repository, commit, directory: own });
    Ok((base, Some(Place::Directory(directory.to_owned()))))
}

/// The first symbolic link among the parts of a path, as it is written.
fn link_on_the_way(directory: &Path) -> Option<PathBuf> {
    let above = directory.ancestors().filter(|above| !above.as_os_str().is_empty());
    let is_link = |path: &&Path| path.symlink_metadata().is_ok_and(|found| found.is_symlink());
    above
        .filter(is_link)
        .last()
        .filter(|link| {
            // A link above the repository changes with no commit.
            let real = directory.canonicalize().ok();
            let root = real
                .as_ref()
                .and_then(|real| real.ancestors().find(|above| above.join(".git").exists()).map(Path::to_path_buf));
            let parent = link.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            root.is_none_or(|root| parent.canonicalize().is_ok_and(|parent| parent.starts_with(&root)))
        })
        .map(Path::to_path_buf)
}

/// The projects of both sides; one where it is the same.
pub(super) struct Sides {
    pub old: Loaded,
    pub new: Option<Loaded>,
}

/// Reads both sides; bad input of either is reported, with the side that it is of.
pub(super) fn load(
    common: &Common,
    command: &str,
    format: DiffFormat,
    (old, new): &(Place, Option<Place>),
) -> Result<Sides, Exit> {
    let read = |loaded: Result<Loaded, Vec<ProjectError>>| match loaded {
        Ok(loaded) if loaded.is_sound() => Ok(loaded),
        Ok(loaded) => Err((loaded.diagnostics(), loaded.project.sources)),
        Err(errors) => {
            let found = errors
                .into_iter()
                .map(|error| Diagnostic::without_place(&UNREADABLE, format!("`{}`: {}", error.path, error.message)));
            Err((found.collect(), Sources::default()))
        }
    };
    let (old_read, new_read) = match new {
        Some(new) => {
            let [old, new] = pipeline::load_both(old, new);
            (read(old), Some(read(new)))
        }
        None => (read(pipeline::load_place(old)), None),
    };
    let mut exit = Exit::Ok;
    let mut tell = |which: &'static str, (found, sources): (Vec<Diagnostic>, Sources)| {
        if new.is_some() && format != DiffFormat::Json {
            output::error_text(&format!("{which} project:\n"));
        }
        let found: Vec<Diagnostic> = found
            .into_iter()
            .map(|one| if new.is_some() { one.note(format!("in {which} project")) } else { one })
            .collect();
        exit = exit.worst(report(common, command, format.diagnostics(), &sources, &found));
    };
    match (old_read, new_read) {
        (Ok(old), None) => Ok(Sides { old, new: None }),
        (Ok(old), Some(Ok(new))) => Ok(Sides { old, new: Some(new) }),
        (old, new) => {
            // JSON is one object, so only the first bad side fits into it.
            match (old, new) {
                (Err(old), _) if format == DiffFormat::Json => tell("the old", old),
                (old, new) => {
                    old.err().into_iter().for_each(|wrong| tell("the old", wrong));
                    new.and_then(Result::err).into_iter().for_each(|wrong| tell("the new", wrong));
                }
            }
            Err(exit.worst(Exit::BadInput))
        }
    }
}

/// What is to be printed.
enum Told {
    Text(String, Exit),
    Findings(&'static dyn Writer, Box<Findings>),
}

/// A comparison for forges and build servers.
struct Findings {
    /// Of the new project, from the root of its repository.
    directory: String,
    found: Vec<Diagnostic>,
    cases: Vec<Case>,
    exit: Exit,
}

fn compare(
    sides: &Sides,
    dates: Both<Date>,
    arguments: &Diff,
    places: &(Place, Option<Place>),
) -> Result<Told, crate::packet::TooLarge> {
    let old = &sides.old;
    let new = sides.new.as_ref().unwrap_or(old);
    let old_topology = Topology::new(&old.model);
    let other = sides.new.as_ref().filter(|new| !same_inventory(&old.model, &new.model));
    let own_topology = other.map(|new| Topology::new(&new.model));
    let new_topology = own_topology.as_ref().unwrap_or(&old_topology);
    let before = project(old, Side { model: &old.model, topology: &old_topology, at: dates.before }, Which::Before);
    let after = project(new, Side { model: &new.model, topology: new_topology, at: dates.after }, Which::After);
    let found = answer::diff(&before, &after)?;
    let compared = !arguments.no_files;
    let sides = Both { before: before.side, after: after.side };
    let files = if compared { files::changes(sides) } else { files::Files::default() };
    let said = if dates.before == dates.after {
        dates.after.to_string()
    } else {
        format!("{} and {}", dates.before, dates.after)
    };
    let exit = match (found.is_empty(), files.unwritten.is_empty()) {
        (false, _) => Exit::Finding,
        (true, false) => Exit::Unproven,
        (true, true) => Exit::Ok,
    };
    let beside = Beside { devices: &files.devices, unwritten: &files.unwritten, dates: &said };
    if let Some(writer) = ci::by_name(arguments.format.name()) {
        let (found, cases) = found.findings(&after);
        let directory = match places.1.as_ref().unwrap_or(&places.0) {
            Place::Directory(directory) => path_in_repository(directory),
            Place::Commit(commit) => commit.directory.clone(),
        };
        return Ok(Told::Findings(writer, Box::new(Findings { directory, found, cases, exit })));
    }
    let text = match arguments.format {
        DiffFormat::Md => found.to_markdown(beside, Limit(arguments.limit)),
        DiffFormat::Json => json::to_text(&found.to_json(compared.then_some(files.devices), files.unwritten)),
        _ => found.to_text(beside),
    };
    Ok(Told::Text(text, exit))
}

/// A side with its words.
pub(super) fn project<'a>(loaded: &'a Loaded, side: Side<'a>, which: Which) -> Project<'a> {
    let tiers = loaded.attribute_values("tier").unwrap_or_default();
    let tiers: Vec<(String, Arc<AddressSet>)> = tiers.into_iter().collect();
    Project { side, sources: &loaded.project.sources, tiers, which }
}
