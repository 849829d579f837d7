//! The files of each device.
//!
//! A device has one config, of one file or of several with different parts (`rules.v4` and `rules.v6`). Two that could both be it are an error: which of them the device
//! runs is not for us to guess, and to take either would hide the other.

use std::collections::BTreeMap;

use super::layout::{Device, Directory, Place, Role};

/// What a directory holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// The configs of managed firewalls, by the device's number.
    pub configs: Vec<Config>,
    /// Configs of devices that the inventory does not have, by name.
    pub strangers: Vec<Stranger>,
    /// Files of devices that filter nothing, of which no config is looked at.
    pub others: Vec<usize>,
    /// What makes it impossible to say which file is of which device.
    pub clashes: Vec<Clash>,
}

/// The config of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The device, as counted by whoever asked.
    pub device: usize,
    /// Its files, by path.
    pub parts: Vec<Part>,
}

/// One file of a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The file, as counted by whoever asked.
    pub file: usize,
    /// What it is.
    pub role: Role,
}

/// Files of a device that the inventory does not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stranger {
    /// What it seems to be called.
    pub name: String,
    /// Its files.
    pub files: Vec<usize>,
}

/// Why it cannot be said which file is of which device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clash {
    /// Several files (the first of each config) could be the config of a device.
    Files(usize, Vec<usize>),
    /// A file could be of several devices.
    Devices(usize, Vec<usize>),
}

/// Says which of some files, given by their paths in order, are of which devices.
#[must_use]
pub fn collect(paths: &[&str], devices: &[Device<'_>]) -> Collected {
    let directory = Directory::new(devices);
    let mut found = Collected::default();
    let mut by_device: BTreeMap<usize, BTreeMap<String, Vec<Part>>> = BTreeMap::new();
    let mut strangers: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    let is_managed = |device: &usize| devices.get(*device).is_some_and(|device| device.is_managed);
    for (file, path) in paths.iter().enumerate() {
        match directory.place(path) {
            Place::NoConfig => {}
            Place::Of { device, .. } if !is_managed(&device) => found.others.push(file),
            Place::Of { device, base, role } => {
                by_device.entry(device).or_default().entry(base).or_default().push(Part { file, role });
            }
            Place::OneOf(candidates) if !candidates.iter().any(is_managed) => found.others.push(file),
            Place::OneOf(candidates) => found.clashes.push(Clash::Devices(file, candidates)),
            Place::Stranger { name, base } => strangers.entry((name, base)).or_default().push(file),
        }
    }
    for (device, candidates) in by_device {
        match one_of(device, candidates) {
            Ok(config) => found.configs.push(config),
            Err(clash) => found.clashes.push(clash),
        }
    }
    found.strangers = strangers.into_iter().map(|((name, _), files)| Stranger { name, files }).collect();
    found
}

/// The one config of a device.
fn one_of(device: usize, candidates: BTreeMap<String, Vec<Part>>) -> Result<Config, Clash> {
    let mut configs: Vec<Vec<Part>> = candidates.into_values().collect();
    if configs.len() > 1 {
        let mut first: Vec<usize> = configs.iter().filter_map(|parts| parts.first()).map(|part| part.file).collect();
        first.sort_unstable();
        return Err(Clash::Files(device, first));
    }
    let parts = configs.pop().unwrap_or_default();
    let mut by_role: BTreeMap<Role, Vec<usize>> = BTreeMap::new();
    for part in &parts {
        by_role.entry(part.role).or_default().push(part.file);
    }
    let twice = by_role.into_values().find(|files| files.len() > 1);
    twice.map_or(Ok(Config { device, parts }), |files| Err(Clash::Files(device, files)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICES: [Device<'_>; 3] = [
        Device { name: "core", is_managed: false },
        Device { name: "fw-osaka", is_managed: true },
        Device { name: "fw-tokyo", is_managed: true },
    ];

    #[test]
    fn several_parts_are_one_config() {
        let found = collect(&["fw-osaka/rules.v4", "fw-osaka/rules.v6", "fw-tokyo.v4", "fw-tokyo.v6"], &DEVICES);
        let parts: Vec<usize> = found.configs.iter().map(|config| config.parts.len()).collect();
        assert_eq!((parts, found.clashes), (vec![2, 2], vec![]));
    }

    #[test]
    fn two_files_that_could_both_be_it_clash() {
        let clash = |paths: &[&str]| collect(paths, &DEVICES).clashes;
        assert_eq!(clash(&["a/fw-tokyo", "b/fw-tokyo"]), [Clash::Files(2, vec![0, 1])]);
        assert_eq!(clash(&["fw-tokyo.nft", "fw-tokyo.old"]), [Clash::Files(2, vec![0, 1])]);
        assert_eq!(clash(&["fw-tokyo", "fw-tokyo/ruleset.nft"]), [Clash::Files(2, vec![0, 1])]);
    }

    #[test]
    fn devices_that_filter_nothing_and_strangers_are_kept_apart() {
        let found = collect(&["core", "old/core", "fw-lima.v4", "fw-lima.v6", "x/fw-lima"], &DEVICES);
        assert_eq!((found.others, found.clashes), (vec![0, 1], vec![]));
        let strangers: Vec<(&str, usize)> =
            found.strangers.iter().map(|one| (one.name.as_str(), one.files.len())).collect();
        assert_eq!(strangers, [("fw-lima", 2), ("fw-lima", 1)]);
    }
}
