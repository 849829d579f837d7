//! The configs of a directory, each with the device that it is of.

use std::collections::HashMap;
use std::path::Path;

use jiff::civil::Date;

use crate::diag::Diagnostic;
use crate::diag::Sink;
use crate::diag::codes::input::{NO_REVISION, TWO_CONFIGS, UNREADABLE};
use crate::drift::{Age, Clash, Collected, Config, ConfigFile, Device, Judged, MaxAge, Outcome, collect, judge};
use crate::model::Model;
use crate::plan::DevicePlan;
use crate::platform::{Detail, Readers, by_name};
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

/// Configs that are to be held against a policy.
pub(super) struct Configs<'a> {
    held: Held<'a>,
    /// The files.
    pub backups: Backups,
    /// Of which devices they are.
    pub collected: Collected,
    readers: Readers,
}

impl<'a> Configs<'a> {
    /// Lists the configs of a directory, and says of which devices they are.
    ///
    /// # Errors
    /// The directory or the revision cannot be read, or two files are of one device.
    pub(super) fn open(directory: &Path, held: Held<'a>, model: &Model) -> Result<Self, Vec<Diagnostic>> {
        let revision = match held {
            Held::Written => None,
            Held::Backups { revision, .. } => revision,
        };
        let mut backups = Backups::open(directory, revision).map_err(|error| vec![refused(error, revision)])?;
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
        if matches!(held, Held::Backups { .. }) {
            backups.date(collected.configs.iter().flat_map(|config| &config.parts).map(|part| part.file));
        }
        Ok(Self { held, backups, collected, readers: Readers::default() })
    }

    /// The config of each device that there is one of, by the name of the device.
    pub(super) fn by_device<'m>(&'m self, model: &'m Model) -> HashMap<&'m str, &'m Config> {
        let name = |config: &Config| model.devices.get(config.device).map(|device| device.name.value.as_str());
        self.collected.configs.iter().filter_map(|config| Some((name(config)?, config))).collect()
    }

    /// The configs of no device of the inventory.
    pub(super) fn strangers(&self) -> impl Iterator<Item = Judged> {
        self.collected.strangers.iter().map(|stranger| {
            let files = stranger.files.iter().filter_map(|file| self.backups.files.get(*file));
            let files = files.map(|file| file.path.clone()).collect();
            Judged::without_config(&stranger.name, files, Outcome::UnknownDevice)
        })
    }

    /// Holds the config of a device against its plan on a day.
    pub(super) fn judge(&self, plan: &DevicePlan, config: Option<&Config>, at: Date) -> (Judged, Vec<ConfigFile>) {
        let Some(config) = config else {
            return (Judged::without_config(&plan.device, Vec::new(), Outcome::NotCollected), Vec::new());
        };
        let (files, age) = self.read(config);
        let most = match self.held {
            Held::Backups { max_age: Some(days), .. } => Some(MaxAge { days, at }),
            Held::Backups { max_age: None, .. } | Held::Written => None,
        };
        let write = || by_name(&plan.platform)?.write(plan, Detail::Files, &mut Sink::default());
        (judge(plan, &files, &age, most, &self.readers, write), files)
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
