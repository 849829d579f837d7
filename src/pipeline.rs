//! The table of contents: load, parse, resolve, connect, place, write, read back, prove.
//!
//! Each stage is one function of one module, and every stage is pure but the first, which reads the disk. A command calls as many of them as it needs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::check::{self, Context};
use crate::diag::codes::input::UNREAD;
use crate::diag::codes::platform::FOLDER_NAME;
use crate::diag::{Diagnostic, Severity, Sink};
use crate::gate;
use crate::inventory::{self, Inventory};
use crate::model::{self, Input, Model};
use crate::packet::AddressSet;
use crate::plan::{DevicePlan, Placement};
use crate::platform::{self, Detail, Readers, Written};
use crate::proof::{self, Proof};
use crate::reach::{Finding, Prover};
use crate::settings::{self, Approval, Settings};
use crate::source::{self, FileId, FileKind, Kept, Place, Project, ProjectError};
use crate::syntax::{self, ast};

/// A project that has been read and resolved.
#[derive(Debug)]
pub struct Loaded {
    /// Its files.
    pub project: Project,
    /// What its `sekisho.yaml` says.
    pub settings: Settings,
    /// What exists, as written.
    pub inventory: Arc<Inventory>,
    /// The trees of its policy files.
    pub files: Vec<ast::File>,
    /// What it means.
    pub model: Model,
    /// Who must approve what changes of it open.
    pub gate: gate::Rules,
    /// Who has.
    pub approvals: Vec<Approval>,
    /// What was found on the way.
    sink: Sink,
}

/// Reads and resolves a project from a directory.
///
/// # Errors
///
/// Files that cannot be read. Everything else that is wrong is among the diagnostics: see [`Loaded::is_sound`].
pub fn load(directory: &Path) -> Result<Loaded, Vec<ProjectError>> {
    Ok(resolve(source::load_directory(directory)?))
}

/// Reads and resolves a project from a directory, or as it was at a commit.
///
/// # Errors
///
/// Files that cannot be read, as for [`load`].
pub fn load_place(place: &Place) -> Result<Loaded, Vec<ProjectError>> {
    Ok(resolve(place.load()?))
}

/// Reads and resolves two versions of a project, and parses what they have in common once.
///
/// # Errors
///
/// Files that cannot be read, as for [`load`], of either.
pub fn load_both(old: &Place, new: &Place) -> [Result<Loaded, Vec<ProjectError>>; 2] {
    let parsed = Parsed::default();
    let (old, new) = rayon::join(|| old.load(), || new.load());
    if let Ok(project) = &old {
        parsed.prepare(project);
    }
    let resolve = |project: Result<Project, _>| project.map(|project| resolve_with(project, Some(&parsed)));
    let (old, new) = rayon::join(|| resolve(old), || resolve(new));
    [old, new]
}

/// What was read of versions of one project, so that what they have in common is parsed once.
#[derive(Debug, Default)]
pub struct Parsed {
    policies: Kept<(FileId, Arc<str>), Tree>,
    /// By the numbers, paths and texts of all files.
    inventories: Kept<Vec<(FileId, String, Arc<str>)>, Read>,
}

/// The tree of a policy file, and what is wrong with it.
type Tree = Arc<(ast::File, Sink)>;

/// The inventory, and what is wrong with it.
type Read = Arc<(Arc<Inventory>, Sink)>;

impl Parsed {
    /// Lets go of what was not asked for since the last call.
    pub fn forget(&self) {
        self.policies.forget();
        self.inventories.forget();
    }

    /// Parses all files of a project.
    fn prepare(&self, project: &Project) {
        let files: Vec<FileId> = project.of_kind(FileKind::Policy).collect();
        let policies = || files.into_par_iter().for_each(|file| drop(self.policy(project, file)));
        rayon::join(|| self.inventory(project), policies);
    }

    fn inventory(&self, project: &Project) -> Read {
        let files = project.of_kind(FileKind::Inventory).filter_map(|id| Some((id, project.sources.get(id)?)));
        let key = files.map(|(id, file)| (id, file.path.clone(), Arc::clone(&file.text))).collect();
        self.inventories.get_or(key, || Self::read(project))
    }

    fn policy(&self, project: &Project, file: FileId) -> Tree {
        let text = project.sources.get(file).map(|file| Arc::clone(&file.text)).unwrap_or_default();
        self.policies.get_or((file, text), || Self::parse(project, file))
    }

    fn read(project: &Project) -> Read {
        let yaml: Vec<_> = project.of_kind(FileKind::Inventory).collect();
        let mut own = Sink::default();
        Arc::new((Arc::new(inventory::read(&project.sources, &yaml, &mut own)), own))
    }

    fn parse(project: &Project, file: FileId) -> Tree {
        let mut own = Sink::default();
        Arc::new((syntax::parse(file, project.sources.text(file), &mut own), own))
    }
}

/// Resolves a project that has been read.
#[must_use]
pub fn resolve(project: Project) -> Loaded {
    resolve_with(project, None)
}

/// Resolves a project that has been read; what other versions of it had in common with it is not parsed again.
#[must_use]
pub fn resolve_with(project: Project, known: Option<&Parsed>) -> Loaded {
    let mut sink = Sink::default();
    for path in &project.unread {
        let message = format!("`{path}` looks like a part of the project, and is not read");
        sink.push(
            Diagnostic::without_place(&UNREAD, message)
                .note("hidden files, directories behind symbolic links, submodules of a commit, and endings in capital letters are passed over")
                .help("rename it, or take it out of the project"),
        );
    }
    let settings = project
        .of_kind(FileKind::Settings)
        .next()
        .map(|file| settings::read(&project.sources, file, &mut sink))
        .unwrap_or_default();
    let read = known.map_or_else(|| Parsed::read(&project), |known| known.inventory(&project));
    sink.append(read.1.clone());
    let inventory = Arc::clone(&read.0);
    let files = parse(&project, known, &mut sink);
    let platforms: Vec<&str> = platform::ALL.iter().map(|platform| platform.name()).collect();
    let feeds = |path: &str| project.feed(path);
    let input =
        Input { inventory: &inventory, files: &files, sources: &project.sources, platforms: &platforms, feeds: &feeds };
    let model = model::resolve(input, &mut sink);
    let approvals = settings::read_approvals(&project.sources, project.of_kind(FileKind::Approval), &mut sink);
    let gate = gate::Rules::default();
    let mut loaded = Loaded { project, settings, inventory, files, model, gate, approvals, sink };
    // Conditions are about the things of a project that has been resolved whole.
    if let Some(gate) = loaded.settings.gate.clone().filter(|_| loaded.is_sound()) {
        let mut sink = Sink::default();
        loaded.gate = loaded.gate_rules(&gate, &mut sink);
        loaded.sink.append(sink);
    }
    loaded
}

/// Parses all policy files, in parallel; diagnostics come in the order of the files.
fn parse(project: &Project, known: Option<&Parsed>, sink: &mut Sink) -> Vec<ast::File> {
    let ids: Vec<_> = project.of_kind(FileKind::Policy).collect();
    let one = |file| known.map_or_else(|| Parsed::parse(project, file), |known| known.policy(project, file));
    let parsed: Vec<Tree> = ids.into_par_iter().map(one).collect();
    let mut take = |parsed: Tree| {
        let (file, own) = Arc::unwrap_or_clone(parsed);
        sink.append(own);
        file
    };
    parsed.into_iter().map(&mut take).collect()
}

impl Loaded {
    /// Whether anything may be computed from the model: no bad input was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.sink.has_bad_input()
    }

    /// What was found while loading, at the levels of the project, in the order of places.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.at_levels(self.sink.clone())
    }

    /// What was found while loading, what the lints find, and what platforms refuse to write. The date is the prover's; `findings` are what it found.
    #[must_use]
    pub fn lint(&self, prover: &Prover<'_>, findings: &[Finding]) -> Vec<Diagnostic> {
        let (at, topology) = (prover.at(), prover.topology);
        let mut sink = self.sink.clone();
        check::run_all(&Context { model: &self.model, files: &self.files, topology, at, prover, findings }, &mut sink);
        if let Err(refused) = write_all(&Placement::new(&self.model, topology, at), drop) {
            for found in refused {
                sink.push(found);
            }
        }
        self.at_levels(sink)
    }

    /// What endpoint expressions from outside the project stand for, such as arguments of the command line; one answer each. See [`model::resolve_endpoints`].
    #[must_use]
    pub fn endpoints(&self, expressions: &[&ast::Endpoints], sink: &mut Sink) -> Vec<Option<Arc<AddressSet>>> {
        let feeds = |path: &str| self.project.feed(path);
        let (inventory, files, sources) = (&self.inventory, &self.files, &self.project.sources);
        let input = Input { inventory, files, sources, platforms: &[], feeds: &feeds };
        model::resolve_endpoints(input, &self.model, expressions, sink)
    }

    /// The addresses of each value of an attribute, `tag` for the tags. See [`model::attribute_values`].
    ///
    /// # Errors
    ///
    /// Nothing has such an attribute; a similar key, if there is one.
    pub fn attribute_values(&self, key: &str) -> Result<BTreeMap<String, Arc<AddressSet>>, Option<String>> {
        model::attribute_values(&self.inventory, &self.model, key)
    }

    fn gate_rules(&self, gate: &settings::Gate, sink: &mut Sink) -> gate::Rules {
        // The words of a condition are no file: what is wrong with them is said at the condition.
        let nowhere = FileId(u32::MAX);
        let first = |found: Vec<Diagnostic>| found.into_iter().next().map(|one| one.message).unwrap_or_default();
        let endpoints = |text: &str| {
            let parsed = syntax::parse_endpoints(nowhere, text).map_err(first)?;
            let mut own = Sink::default();
            let found = self.endpoints(&[&parsed], &mut own).into_iter().next().flatten();
            found.ok_or_else(|| first(own.into_sorted()))
        };
        let services = |text: &str| {
            let parsed = syntax::parse_services(nowhere, text).map_err(first)?;
            let mut own = Sink::default();
            let found = model::resolve_services(&self.files, &parsed, &mut own).map(Arc::new);
            found.ok_or_else(|| first(own.into_sorted()))
        };
        let values = |key: &str| self.attribute_values(key);
        let lookup = gate::Lookup { endpoints: &endpoints, services: &services, values: &values };
        gate::Rules::new(gate, &lookup, sink)
    }

    fn at_levels(&self, sink: Sink) -> Vec<Diagnostic> {
        sink.into_sorted().into_iter().filter_map(|found| self.settings.apply(found)).collect()
    }
}

/// The longest name of a folder that common file systems take, in bytes.
const LONGEST_FOLDER: usize = 255;

/// A planned and written device.
#[derive(Debug)]
pub struct Device {
    /// What it must do.
    pub plan: DevicePlan,
    /// Its files, and which line decides what.
    pub written: Written,
}

/// Plans and writes one firewall (counted as in [`crate::graph::Topology::firewalls`]); `None` if its platform refused, and `sink` says why.
#[must_use]
pub fn write_device(placement: &Placement<'_>, number: usize, detail: Detail, sink: &mut Sink) -> Option<Device> {
    write_plan(placement.plan(number)?, detail, sink)
}

/// Writes the firewall of a plan; `None` if its platform refused, and `sink` says why.
#[must_use]
pub fn write_plan(plan: DevicePlan, detail: Detail, sink: &mut Sink) -> Option<Device> {
    if plan.device.len() > LONGEST_FOLDER || plan.device.eq_ignore_ascii_case("manifest.json") {
        let message = format!("the folder of the rule sets cannot be called `{}`, like the device", plan.device);
        let help = format!("call the device something else, of at most {LONGEST_FOLDER} bytes");
        sink.push(Diagnostic::new(&FOLDER_NAME, plan.span, message).help(help));
        return None;
    }
    let written = platform::by_name(&plan.platform)?.write(&plan, detail, sink)?;
    Some(Device { plan, written })
}

/// Reads the files of a written device back, and compares what they mean with its plan, for all packets.
#[must_use]
pub fn prove(device: &Device, readers: &Readers) -> Proof {
    let Device { plan, written } = device;
    let files: Vec<(&str, &str)> = written.files.iter().map(|file| (file.name, file.text.as_str())).collect();
    match platform::by_name(&plan.platform).and_then(|platform| readers.read(platform, &files)) {
        Some(listing) => proof::device(plan, &listing),
        None => Proof::unproven("nothing reads the files of this platform"),
    }
}

/// Plans and writes every managed firewall, in parallel, and hands each to `keep`; what `keep` makes of them comes back in the order of their names.
///
/// # Errors
///
/// What platforms cannot express; then nothing may be written to disk.
pub fn write_all<T: Send>(
    placement: &Placement<'_>,
    keep: impl Fn(Device) -> T + Sync,
) -> Result<Vec<T>, Vec<Diagnostic>> {
    let made: Vec<(Option<T>, Sink)> = (0..placement.len())
        .into_par_iter()
        .map(|number| {
            let mut sink = Sink::default();
            (write_device(placement, number, Detail::Files, &mut sink).map(&keep), sink)
        })
        .collect();
    let mut sink = Sink::default();
    let mut result = Vec::with_capacity(made.len());
    for (device, own) in made {
        sink.append(own);
        result.extend(device);
    }
    let found = sink.into_sorted();
    if found.iter().any(|found| found.severity == Severity::Error) { Err(found) } else { Ok(result) }
}
