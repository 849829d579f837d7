//! The rule sets that are changed: of random worlds, of the sample policies, and of worlds with long lists.

#![allow(dead_code, reason = "two test programs include this module, neither uses all of it")]

use std::path::{Path, PathBuf};

use sekisho::graph::Topology;
use sekisho::pipeline;
use sekisho::plan::{DevicePlan, Placement};

use crate::asked::Files;
use crate::worlds::World;
use crate::worlds::random::AT;

/// A firewall with its files.
#[derive(Clone, Debug)]
pub struct Firewall {
    /// Where it comes from, and its name.
    pub name: String,
    pub files: Files,
    /// What they should do.
    pub plan: DevicePlan,
}

/// The firewalls of a world with a name.
pub fn of_world(name: &str, world: &World) -> Vec<Firewall> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let project = directory.path().join("project");
    std::fs::create_dir(&project).expect("a directory");
    world.write_project(&project).expect("the project is written");
    of_project(name, &project)
}

/// The firewalls of all sample policies.
pub fn of_samples() -> Vec<Firewall> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut projects: Vec<PathBuf> =
        std::fs::read_dir(root).expect("samples").flatten().map(|one| one.path()).collect();
    projects.sort();
    let name = |project: &Path| project.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    projects.iter().flat_map(|project| of_project(&name(project), project)).collect()
}

/// Compiles a project.
pub fn of_project(name: &str, project: &Path) -> Vec<Firewall> {
    let loaded = pipeline::load(project).expect("the project is read");
    assert!(loaded.is_sound(), "{name}: {:?}", loaded.diagnostics());
    let topology = Topology::new(&loaded.model);
    let placement = Placement::new(&loaded.model, &topology, AT.parse().expect("a date"));
    let devices = pipeline::write_all(&placement, |device| device).expect("it is written");
    let of_device = |device: pipeline::Device| {
        let mut texts = device.written.files.iter().map(|file| file.text.clone());
        let mut text = || texts.next().expect("a file");
        let files = if device.plan.platform == "iptables" {
            Files::Iptables { v4: text(), v6: text() }
        } else {
            Files::Nft(text())
        };
        Firewall { name: format!("{name}, {}", device.plan.device), files, plan: device.plan }
    };
    devices.into_iter().map(of_device).collect()
}

/// A world with more rules than stand in a plain list, and few enough for decision diagrams: look-ups in nftables, chains by address block in iptables.
pub fn long(seed: u64) -> World {
    let mut world = World::default().transit("wan");
    for (site, number, platform) in [("a", 1, "nftables"), ("b", 2, "iptables")] {
        world = world.site(site).network(
            &format!("{site}/lan"),
            &format!("10.{number}.0.0/16, 2001:db8:{number}::/64"),
            "",
        );
        for host in 0..12_u64 {
            let low = (host * 97 + seed * 31) % 60_000 + 1;
            let addresses = format!("10.{number}.{}.{}, 2001:db8:{number}::{low:x}", low >> 8, low & 255);
            world = world.host(&format!("{site}/h{host}"), &addresses, "");
        }
        world = world.firewall(&format!("f{site}"), site, &format!("{site}/lan wan"));
        world.devices.last_mut().expect("a device").platform = Some(platform.to_owned());
    }
    let services =
        ["tcp/443", "tcp/80, udp/53", "udp/1000-2000", "icmp/8, icmp6/128", "gre", "tcp/53:1024-65535", "any"];
    for rule in 0..44_u64 {
        let number = rule.wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(977)) >> 3;
        let (from, to) = if rule.is_multiple_of(2) { ("a", "b") } else { ("b", "a") };
        let host = |site: &str, bits: u64| format!("{site}/h{}", (number >> bits) % 12);
        let source =
            if seed.is_multiple_of(2) { host(from, 7) } else { format!("{}, {}", host(from, 7), host(from, 17)) };
        let destination =
            if seed.is_multiple_of(3) { host(to, 11) } else { format!("{}, {}", host(to, 11), host(to, 21)) };
        let service = services[((number >> 14) % 7) as usize];
        let name = format!("R-{rule}");
        world = if rule % 11 == 5 {
            world.deny(&name, &source, &destination, service)
        } else {
            world.allow(&name, &source, &destination, service)
        };
        world.rules.last_mut().expect("a rule").log = rule % 9 == 4;
    }
    world
}
