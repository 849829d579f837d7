//! Configs held against the policy, for `verify` and `drift`.

use std::collections::HashMap;
use std::path::Path;

use jiff::civil::Date;
use rayon::prelude::*;

use super::super::args::{AnswerFormat, Common};
use super::super::{Exit, output, progress::Progress};
use super::{day, load_sound, report};
use crate::answer::{DeviceObject, DeviceWords, DevicesReport, Names, PacketRows, ServiceWords, bare_device};
use crate::diag::codes::input::{NO_REVISION, TWO_CONFIGS, UNREADABLE};
use crate::diag::{Diagnostic, Sink};
use crate::drift::{
    Age, Clash, Collected, Config, ConfigFile, Device, Judged, Manifest, MaxAge, Outcome, collect, judge,
};
use crate::graph::Topology;
use crate::model::Model;
use crate::plan::{DevicePlan, Placement};
use crate::platform::{Detail, by_name};
use crate::report::json;
use crate::source::{Backups, BackupsError};

/// Where configs come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Held<'a> {
    /// `compile` wrote them.
    Written,
    /// They were collected.
    Backups {
        /// At this revision.
        revision: Option<&'a str>,
        /// And may be so many days old.
        max_age: Option<u32>,
    },
}

/// What a command asks.
pub(super) struct Asked<'a> {
    /// Its name.
    pub command: &'static str,
    /// The name of what it prints.
    pub schema: &'static str,
    /// The policy project.
    pub directory: &'a Path,
    /// The configs.
    pub configs: &'a Path,
    /// Where they come from.
    pub held: Held<'a>,
    /// How the answer is printed.
    pub format: AnswerFormat,
}

impl Asked<'_> {
    /// Answers it.
    pub(super) fn run(&self, common: &Common) -> Exit {
        let progress = Progress::start(common, "reading");
        let format = self.format.name();
        let loaded = match load_sound(common, self.command, self.directory, format) {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        let collected = self.collect(&loaded.model);
        let (backups, collected) = match collected {
            Ok(collected) => collected,
            Err(found) => {
                drop(progress);
                return report(common, self.command, format, &loaded.project.sources, &found);
            }
        };
        progress.stage("comparing");
        let topology = Topology::new(&loaded.model);
        let at = day(common);
        let (names, words) = (Names::new(&loaded.model), ServiceWords::new(&loaded.model));
        let comparison = Comparison {
            asked: self,
            at,
            placement: Placement::new(&loaded.model, &topology, at),
            manifest: self.manifest(),
            words: DeviceWords { rows: PacketRows { model: &loaded.model, names: &names, words: &words }, at },
            backups: &backups,
        };
        let answer = comparison.report(&loaded.model, &collected);
        drop(progress);
        self.print(common, answer)
    }

    /// Lists the configs, and says of which devices they are.
    fn collect(&self, model: &Model) -> Result<(Backups, Collected), Vec<Diagnostic>> {
        let revision = match self.held {
            Held::Written => None,
            Held::Backups { revision, .. } => revision,
        };
        let mut backups = Backups::open(self.configs, revision).map_err(|error| vec![refused(error, revision)])?;
        let devices: Vec<Device<'_>> = model
            .devices
            .iter()
            .map(|device| Device { name: &device.name.value, is_managed: device.platform.is_some() })
            .collect();
        let paths: Vec<&str> = backups.files.iter().map(|file| file.path.as_str()).collect();
        let collected = collect(&paths, &devices);
        if !collected.clashes.is_empty() {
            return Err(collected.clashes.iter().map(|clash| clashing(clash, &paths, &devices)).collect());
        }
        if matches!(self.held, Held::Backups { .. }) {
            backups.date(collected.configs.iter().flat_map(|config| &config.parts).map(|part| part.file));
        }
        Ok((backups, collected))
    }

    /// The text of the manifest beside the configs, if it is one.
    fn manifest(&self) -> Result<Option<Manifest>, &'static str> {
        if !matches!(self.held, Held::Written) {
            return Ok(None);
        }
        let path = self.configs.join(crate::cli::write::MANIFEST);
        match std::fs::read_to_string(path) {
            Ok(text) => Manifest::read(&text).map(Some).ok_or("`manifest.json` is none that compile wrote"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err("`manifest.json` cannot be read"),
        }
    }

    fn print(&self, common: &Common, mut answer: DevicesReport) -> Exit {
        let exit = exit(&answer);
        let text = match self.format {
            AnswerFormat::Json => json::to_text(&answer),
            AnswerFormat::Text if common.quiet => {
                answer.devices.retain(|device| !["equal", "text-differs"].contains(&device.outcome));
                if answer.devices.is_empty() { String::new() } else { answer.to_text() }
            }
            AnswerFormat::Text => answer.to_text(),
        };
        exit.worst(output::result(&text))
    }
}

/// A difference is a finding; what is not known is no finding, and not nothing either.
fn exit(answer: &DevicesReport) -> Exit {
    let open = [Outcome::Unproven, Outcome::NotCollected, Outcome::UnknownDevice];
    if answer.count(Outcome::Differs) > 0 {
        Exit::Finding
    } else if open.iter().any(|outcome| answer.count(*outcome) > 0) {
        Exit::Unproven
    } else {
        Exit::Ok
    }
}

fn refused(error: BackupsError, revision: Option<&str>) -> Diagnostic {
    match error {
        BackupsError::Unreadable(path, message) => {
            Diagnostic::without_place(&UNREADABLE, format!("`{path}`: {message}"))
        }
        BackupsError::Git(message) if revision.is_none() => {
            Diagnostic::without_place(&NO_REVISION, message).help("name one, such as `--rev HEAD`")
        }
        BackupsError::Git(message) => Diagnostic::without_place(&NO_REVISION, message),
    }
}

fn clashing(clash: &Clash, paths: &[&str], devices: &[Device<'_>]) -> Diagnostic {
    let listed = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    let file = |number: &usize| paths.get(*number).copied().unwrap_or_default();
    let device = |number: &usize| devices.get(*number).map_or("", |device| device.name);
    match clash {
        Clash::Files(of, files) => {
            let files = listed(files.iter().map(file).collect());
            Diagnostic::without_place(&TWO_CONFIGS, format!("{files} could each be the config of `{}`", device(of)))
                .help("leave one of them, or name the directory that holds it")
        }
        Clash::Devices(path, of) => {
            let of = listed(of.iter().map(device).collect());
            Diagnostic::without_place(&TWO_CONFIGS, format!("`{}` could be the config of {of}", file(path)))
                .help("call it what the inventory calls the device")
        }
    }
}

struct Comparison<'a> {
    asked: &'a Asked<'a>,
    at: Date,
    placement: Placement<'a>,
    manifest: Result<Option<Manifest>, &'static str>,
    words: DeviceWords<'a>,
    backups: &'a Backups,
}

impl Comparison<'_> {
    fn report(&self, model: &Model, collected: &Collected) -> DevicesReport {
        let name = |config: &Config| model.devices.get(config.device).map(|device| device.name.value.as_str());
        let configs: HashMap<&str, &Config> =
            collected.configs.iter().filter_map(|config| Some((name(config)?, config))).collect();
        let firewalls: Vec<Option<DeviceObject>> = (0..self.placement.len())
            .into_par_iter()
            .map(|number| {
                let plan = self.placement.plan(number)?;
                Some(self.firewall(&plan, configs.get(plan.device.as_str()).copied()))
            })
            .collect();
        let mut devices: Vec<DeviceObject> = firewalls.into_iter().flatten().collect();
        devices.extend(collected.strangers.iter().map(|stranger| {
            let files = stranger.files.iter().filter_map(|file| self.backups.files.get(*file));
            let files = files.map(|file| file.path.clone()).collect();
            bare_device(&Judged::without_config(&stranger.name, files, Outcome::UnknownDevice))
        }));
        if matches!(self.asked.held, Held::Written) {
            devices.iter_mut().for_each(|device| device.backup = None);
        }
        devices.sort_by(|a, b| a.device.cmp(&b.device));
        DevicesReport { schema: self.asked.schema, devices, notes: self.notes(collected) }
    }

    fn firewall(&self, plan: &DevicePlan, config: Option<&Config>) -> DeviceObject {
        let Some(config) = config else {
            return bare_device(&Judged::without_config(&plan.device, Vec::new(), Outcome::NotCollected));
        };
        let (files, age) = self.read(config);
        let most = match self.asked.held {
            Held::Backups { max_age: Some(days), .. } => Some(MaxAge { days, at: self.at }),
            Held::Backups { max_age: None, .. } | Held::Written => None,
        };
        let write = || by_name(&plan.platform)?.write(plan, Detail::Files, &mut Sink::default());
        let judged = judge(plan, &files, &age, most, write);
        let mut object = self.words.device(&judged, &files);
        if let Ok(Some(manifest)) = &self.manifest {
            let texts = files.iter().filter_map(|file| Some((file.path.as_str(), file.text.as_deref().ok()?)));
            object.notes = manifest.notes(&plan.device, &texts.collect::<Vec<_>>());
        }
        object
    }

    /// The files of a config, and how old they are together.
    fn read(&self, config: &Config) -> (Vec<ConfigFile>, Age) {
        let mut age: Option<Age> = None;
        let mut files = Vec::with_capacity(config.parts.len());
        for part in &config.parts {
            let Some(file) = self.backups.files.get(part.file) else { continue };
            let text = self.backups.read(part.file);
            if let Ok(text) = &text {
                let committed = self.backups.committed(part.file, text);
                let own = Age::of(&file.path, text, committed, self.backups.undated.as_deref());
                age = Some(match age {
                    Some(age) => age.and(own),
                    None => own,
                });
            }
            files.push(ConfigFile { path: file.path.clone(), role: part.role, text });
        }
        (files, age.unwrap_or_else(|| Age::Unknown("it cannot be read".to_owned())))
    }

    fn notes(&self, collected: &Collected) -> Vec<String> {
        let mut notes = Vec::new();
        let others = collected.others.len();
        if others > 0 {
            let (files, are) = if others == 1 {
                ("file", "is of a device that filters nothing, and was")
            } else {
                ("files", "are of devices that filter nothing, and were")
            };
            notes.push(format!("{others} {files} {are} not looked at"));
        }
        let unlisted = self.backups.unlisted.iter();
        notes.extend(unlisted.map(|(path, message)| format!("`{path}` cannot be listed: {message}")));
        if let (Some(message), Held::Backups { .. }) = (&self.backups.undated, self.asked.held) {
            notes.push(format!("no config is dated by git: {message}"));
        }
        match &self.manifest {
            Ok(manifest) => {
                let outdated = manifest.as_ref().and_then(|manifest| manifest.outdated(self.at));
                notes.extend(outdated.map(|date| {
                    format!(
                        "since {date} the policy asks for something else than when this was compiled: compile it anew"
                    )
                }));
            }
            Err(message) => notes.push((*message).to_owned()),
        }
        notes
    }
}
