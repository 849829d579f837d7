//! Of which device a file is, by its path.
//!
//! A file is called like its device (`fw-tokyo`, `group/fw-tokyo.nft`, `group/configs/fw-tokyo`, `fw-tokyo.rules.v6`), or lies in a folder that is (`fw-tokyo/rules.v4`). Letters may be
//! small or capital, and a domain may stand behind the name of the file or of the device. The longest name wins, so that `fw-tokyo.lab` is not taken for `fw-tokyo` where both exist.

use std::collections::HashMap;

/// A device of the inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it is a managed firewall.
    pub is_managed: bool,
}

/// Which part of a device's config a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// All of it, or whatever it turns out to be.
    Whole,
    /// What filters IPv4.
    V4,
    /// What filters IPv6.
    V6,
    /// The sets that the others name.
    Sets,
}

/// Where a file belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It is bookkeeping of who collects.
    NoConfig,
    /// To a device (its number); files of one device with one `base` are parts of one config.
    Of { device: usize, base: String, role: Role },
    /// To one of several devices.
    OneOf(Vec<usize>),
    /// To a device of this name, in this directory, that the inventory does not have.
    Stranger { name: String, base: String },
}

/// Endings that say nothing but how a file is written.
const ENDINGS: [&str; 10] = ["nft", "conf", "cfg", "config", "confg", "txt", "json", "rules", "save", "nftables"];

/// Names that say what a file is, not whose.
const GENERIC: [&str; 8] =
    ["", "ruleset", "rules", "nftables", "iptables", "ip6tables", "iptables-save", "ip6tables-save"];

/// The devices of an inventory by what a file could call them.
#[derive(Debug)]
pub struct Directory {
    /// By name in small letters.
    by_name: HashMap<String, Vec<usize>>,
    /// Devices with a domain in their names, by what stands before it.
    by_label: HashMap<String, Vec<usize>>,
    names: Vec<String>,
}

impl Directory {
    /// Enters all devices; their numbers are their places.
    #[must_use]
    pub fn new(devices: &[Device<'_>]) -> Self {
        let mut directory =
            Self { by_name: HashMap::new(), by_label: HashMap::new(), names: Vec::with_capacity(devices.len()) };
        for (number, device) in devices.iter().enumerate() {
            let name = device.name.to_lowercase();
            if let Some((label, _)) = name.split_once('.') {
                directory.by_label.entry(label.to_owned()).or_default().push(number);
            }
            directory.by_name.entry(name).or_default().push(number);
            directory.names.push(device.name.to_owned());
        }
        directory
    }

    /// Where a file belongs.
    #[must_use]
    pub fn place(&self, path: &str) -> Place {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        if is_bookkeeping(folders, name) {
            return Place::NoConfig;
        }
        if let Some((devices, rest)) = self.named(name) {
            return self.belongs(&devices, || format!("{folders}/*"), role(rest));
        }
        let mut folder = folders;
        while !folder.is_empty() {
            let (above, own) = folder.rsplit_once('/').unwrap_or(("", folder));
            if let Some((devices, _)) = self.named(own) {
                return self.belongs(&devices, || format!("{folder}/"), role(name));
            }
            folder = above;
        }
        stranger(folders, name)
    }

    fn belongs(&self, devices: &[usize], base: impl FnOnce() -> String, role: Role) -> Place {
        match devices {
            [device] => Place::Of { device: *device, base: base(), role },
            several => Place::OneOf(several.to_vec()),
        }
    }

    /// The devices that a name may mean, and what stands behind theirs.
    fn named<'n>(&self, name: &'n str) -> Option<(Vec<usize>, &'n str)> {
        [&self.by_name, &self.by_label].into_iter().find_map(|known| {
            cuts(name).find_map(|(start, rest)| {
                let all = known.get(&start.to_lowercase())?;
                let same = all.iter().copied().filter(|number| self.names.get(*number).is_some_and(|own| own == start));
                let same: Vec<usize> = same.collect();
                Some((if same.is_empty() { all.clone() } else { same }, rest))
            })
        })
    }
}

/// Every beginning of a name that could be a device, the longest first, with the rest.
fn cuts(name: &str) -> impl Iterator<Item = (&str, &str)> {
    let old = ["-confg", "-config"].into_iter().filter_map(|end| name.len().checked_sub(end.len()));
    let old = old.filter(|at| name.is_char_boundary(*at) && name.split_at(*at).1.starts_with("-conf"));
    let dots = name.rmatch_indices('.').map(|(at, _)| at);
    std::iter::once(name.len()).chain(old).chain(dots).filter(|at| *at > 0).map(|at| name.split_at(at))
}

/// What a file is, by what stands behind the device's name, or by its own name in the device's folder.
fn role(rest: &str) -> Role {
    let lower = rest.to_lowercase();
    let labels = lower.rsplit(['.', '-', '_']);
    match labels.into_iter().find(|label| !label.is_empty() && !ENDINGS.contains(label)).unwrap_or("") {
        "v4" | "iptables" | "ipv4" | "rules4" => Role::V4,
        "v6" | "ip6tables" | "ipv6" | "rules6" => Role::V6,
        "ipset" | "ipsets" | "sets" => Role::Sets,
        _ => Role::Whole,
    }
}

/// What compile, RANCID and people keep beside configs.
fn is_bookkeeping(folders: &str, name: &str) -> bool {
    let of_rancid = ["router.db", "routers.all", "routers.up", "routers.down", "routers.failed"];
    let lower = name.to_lowercase();
    let is_prose = lower == "readme" || lower.starts_with("readme.") || lower.ends_with(".md");
    name == "manifest.json" || is_prose || of_rancid.contains(&name) || folders.split('/').any(|folder| folder == "CVS")
}

/// The device that a file seems to be of.
fn stranger(folders: &str, name: &str) -> Place {
    let mut stem = name;
    while let Some((start, end)) = stem.rsplit_once(['.', '-']).filter(|(start, _)| !start.is_empty()) {
        let end_lower = end.to_lowercase();
        if !ENDINGS.contains(&end_lower.as_str()) && role(end) == Role::Whole {
            break;
        }
        stem = start;
    }
    let is_generic = GENERIC.contains(&stem.to_lowercase().as_str()) || role(stem) != Role::Whole;
    match folders.rsplit('/').next().filter(|folder| is_generic && !folder.is_empty()) {
        Some(folder) => Place::Stranger { name: folder.to_owned(), base: format!("{folders}/") },
        None => Place::Stranger { name: stem.to_owned(), base: format!("{folders}/*") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(names: &[&str]) -> Directory {
        let devices: Vec<Device<'_>> = names.iter().map(|name| Device { name, is_managed: true }).collect();
        Directory::new(&devices)
    }

    fn of(device: usize, base: &str, role: Role) -> Place {
        Place::Of { device, base: base.to_owned(), role }
    }

    #[test]
    fn files_are_called_like_their_devices_in_many_ways() {
        let known = directory(&["fw-osaka", "fw-tokyo"]);
        for path in ["fw-tokyo", "FW-Tokyo.nft", "fw-tokyo.example.net", "fw-tokyo-confg", "fw-tokyo.example.net.json"]
        {
            assert_eq!(known.place(path), of(1, "/*", Role::Whole), "{path}");
        }
        assert_eq!(known.place("asia/configs/fw-tokyo.txt"), of(1, "asia/configs/*", Role::Whole));
        assert_eq!(known.place("asia/fw-tokyo.rules.v6"), of(1, "asia/*", Role::V6));
        assert_eq!(known.place("fw-tokyo.v4"), of(1, "/*", Role::V4));
        assert_eq!(known.place("fw-tokyo.ipset.save"), of(1, "/*", Role::Sets));
    }

    #[test]
    fn a_folder_may_be_called_like_a_device() {
        let known = directory(&["fw-osaka", "fw-tokyo"]);
        assert_eq!(known.place("fw-tokyo/ruleset.nft"), of(1, "fw-tokyo/", Role::Whole));
        assert_eq!(known.place("asia/fw-tokyo/rules.v4"), of(1, "asia/fw-tokyo/", Role::V4));
        assert_eq!(known.place("fw-tokyo/ip6tables-save.txt"), of(1, "fw-tokyo/", Role::V6));
        assert_eq!(known.place("fw-tokyo/ipset"), of(1, "fw-tokyo/", Role::Sets));
        assert_eq!(known.place("fw-tokyo/fw-osaka"), of(0, "fw-tokyo/*", Role::Whole));
    }

    #[test]
    fn the_longest_name_and_the_same_letters_win() {
        let known = directory(&["FW", "fw", "fw.lab"]);
        assert_eq!(known.place("fw.lab.nft"), of(2, "/*", Role::Whole));
        assert_eq!(known.place("fw.nft"), of(1, "/*", Role::Whole));
        assert_eq!(known.place("Fw.nft"), Place::OneOf(vec![0, 1]));
    }

    #[test]
    fn a_device_may_have_the_domain_that_its_file_lacks() {
        let known = directory(&["a.tokyo.example", "b.osaka.example", "b.tokyo.example"]);
        assert_eq!(known.place("a.cfg"), of(0, "/*", Role::Whole));
        assert_eq!(known.place("b"), Place::OneOf(vec![1, 2]));
    }

    #[test]
    fn strangers_are_called_by_what_their_files_say() {
        let known = directory(&["fw-tokyo"]);
        let stranger = |name: &str, base: &str| Place::Stranger { name: name.to_owned(), base: base.to_owned() };
        assert_eq!(known.place("asia/fw-lima.nft"), stranger("fw-lima", "asia/*"));
        assert_eq!(known.place("fw-lima/rules.v6"), stranger("fw-lima", "fw-lima/"));
        assert_eq!(known.place("fw-lima.v4"), stranger("fw-lima", "/*"));
        assert_eq!(known.place("fw-lima-confg"), stranger("fw-lima", "/*"));
        assert_eq!(known.place("ruleset.nft"), stranger("ruleset", "/*"));
        assert_eq!(known.place("manifest.json"), Place::NoConfig);
        assert_eq!(known.place("asia/CVS/Entries"), Place::NoConfig);
        assert_eq!(known.place("asia/router.db"), Place::NoConfig);
        assert_eq!(known.place("README.md"), Place::NoConfig);
    }
}
