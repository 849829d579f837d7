//! Configs held against the policy, for `verify` and `drift`.

use std::path::Path;

use jiff::civil::Date;
use rayon::prelude::*;

use super::super::args::{AnswerFormat, Common};
use super::super::{Exit, output, progress::Progress};
use super::configs::{Configs, Held};
use super::{day, load_sound, report};
use crate::answer::{DeviceObject, DeviceWords, DevicesReport, Names, PacketRows, ServiceWords, bare_device};
use crate::drift::{Config, Manifest, Outcome};
use crate::graph::Topology;
use crate::model::Model;
use crate::plan::{DevicePlan, Placement};
use crate::report::json;

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
        let configs = match Configs::open(self.configs, self.held, &loaded.model) {
            Ok(configs) => configs,
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
            configs: &configs,
        };
        let answer = comparison.report(&loaded.model);
        drop(progress);
        self.print(common, answer)
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

struct Comparison<'a> {
    asked: &'a Asked<'a>,
    at: Date,
    placement: Placement<'a>,
    manifest: Result<Option<Manifest>, &'static str>,
    words: DeviceWords<'a>,
    configs: &'a Configs<'a>,
}

impl Comparison<'_> {
    fn report(&self, model: &Model) -> DevicesReport {
        let configs = self.configs.by_device(model);
        let firewalls: Vec<Option<DeviceObject>> = (0..self.placement.len())
            .into_par_iter()
            .map(|number| {
                let plan = self.placement.plan(number)?;
                Some(self.firewall(&plan, configs.get(plan.device.as_str()).copied()))
            })
            .collect();
        let mut devices: Vec<DeviceObject> = firewalls.into_iter().flatten().collect();
        devices.extend(self.configs.strangers().map(|judged| bare_device(&judged)));
        if matches!(self.asked.held, Held::Written) {
            devices.iter_mut().for_each(|device| device.backup = None);
        }
        devices.sort_by(|a, b| a.device.cmp(&b.device));
        DevicesReport { schema: self.asked.schema, devices, notes: self.notes() }
    }

    fn firewall(&self, plan: &DevicePlan, config: Option<&Config>) -> DeviceObject {
        let (judged, files) = self.configs.judge(plan, config, self.at);
        if config.is_none() {
            return bare_device(&judged);
        }
        let mut object = self.words.device(&judged, &files);
        if let Ok(Some(manifest)) = &self.manifest {
            let texts = files.iter().filter_map(|file| Some((file.path.as_str(), file.text.as_deref().ok()?)));
            object.notes = manifest.notes(&plan.device, &texts.collect::<Vec<_>>());
        }
        object
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let Configs { collected, backups, .. } = self.configs;
        let others = collected.others.len();
        if others > 0 {
            let (files, are) = if others == 1 {
                ("file", "is of a device that filters nothing, and was")
            } else {
                ("files", "are of devices that filter nothing, and were")
            };
            notes.push(format!("{others} {files} {are} not looked at"));
        }
        let unlisted = backups.unlisted.iter();
        notes.extend(unlisted.map(|(path, message)| format!("`{path}` cannot be listed: {message}")));
        if let (Some(message), Held::Backups { .. }) = (&backups.undated, self.asked.held) {
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
