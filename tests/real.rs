//! `check --configs`: the assertions over what devices run, against a naive reference.
//!
//! A random world is compiled, and at random rules of known meaning are written before everything else in some of its rule sets, or the rule set of a device is taken away. So what a device
//! really does is known without reading its config: such a rule if it matches, else what the reference expects of it. Whether a flow passes is then asked path by path, by enumeration. What
//! the program calls proved no flow of the sample may violate, and each witness of a violation must be one.
//! `SEKISHO_WORLDS` and `SEKISHO_SEED` are how many worlds, and the first of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test may fail by panicking, its helpers too"
)]

mod reference;
mod worlds;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use reference::ways::{Vertex, Zone};
use reference::{Reference, Verdict, answers, sample};
use serde_json::Value;
use worlds::random::{AT, Random};
use worlds::{Assertion, Device, Flow, Span, World};

/// A rule that stands before all others of a device.
#[derive(Debug, Clone)]
struct Planted {
    device: String,
    incoming: String,
    outgoing: String,
    source: Span,
    destination: Span,
    /// TCP to this port, or everything.
    port: Option<u16>,
    accepts: bool,
}

impl Planted {
    fn holds(&self, flow: &Flow) -> bool {
        let is_meant = self.port.is_none_or(|port| flow.protocol == 6 && flow.destination_port == Some(port));
        is_meant && self.source.holds(flow.source) && self.destination.holds(flow.destination)
    }

    fn nft(&self) -> String {
        let family = if self.source.first.is_ipv4() { "ip" } else { "ip6" };
        let port = self.port.map(|port| format!(" tcp dport {port}")).unwrap_or_default();
        let verdict = if self.accepts { "accept" } else { "drop" };
        format!(
            "\t\tiifname \"{}\" oifname \"{}\" {family} saddr {} {family} daddr {}{port} {verdict}\n",
            self.incoming,
            self.outgoing,
            range(&self.source),
            range(&self.destination)
        )
    }

    fn iptables(&self) -> String {
        let port = self.port.map(|port| format!(" -p tcp -m tcp --dport {port}")).unwrap_or_default();
        format!(
            "-A FORWARD -i {} -o {} -m iprange --src-range {} --dst-range {}{port} -j {}\n",
            self.incoming,
            self.outgoing,
            range(&self.source),
            range(&self.destination),
            if self.accepts { "ACCEPT" } else { "DROP" }
        )
    }

    fn write(&self, configs: &Path, platform: &str) {
        let folder = configs.join(&self.device);
        let (file, after, line) = match platform {
            "iptables" if self.source.first.is_ipv4() => ("rules.v4", "-F FORWARD\n", self.iptables()),
            "iptables" => ("rules.v6", "-F FORWARD\n", self.iptables()),
            _ => ("ruleset.nft", "type filter hook forward priority filter; policy drop;\n", self.nft()),
        };
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.contains(after), "{text}");
        std::fs::write(folder.join(file), text.replacen(after, &format!("{after}{line}"), 1)).unwrap();
    }
}

fn range(span: &Span) -> String {
    if span.first == span.last { format!("{0}-{0}", span.first) } else { format!("{}-{}", span.first, span.last) }
}

/// A device of which nothing is known, as if it passed everything or nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unknown {
    Passes,
    Drops,
}

/// What devices really do.
struct Real<'r, 'w> {
    reference: &'r Reference<'w>,
    planted: Vec<Planted>,
    gone: BTreeSet<String>,
}

impl Real<'_, '_> {
    fn device(&self, name: &str) -> &Device {
        self.reference.world.devices.iter().find(|device| device.name == name).unwrap()
    }

    /// Whether a device passes a flow, over each pair of its interfaces between two zones.
    fn passes(&self, device: &str, (from, to): (Zone, Zone), flow: &Flow, unknown: Unknown) -> Vec<bool> {
        let device = self.device(device);
        let zone = |name: &str| self.reference.zone_of_interface(&device.name, name);
        let is_own = device.interfaces.iter().any(|one| one.addresses.contains(&flow.destination));
        let mut found = Vec::new();
        for incoming in device.interfaces.iter().filter(|one| zone(&one.name) == from) {
            for outgoing in device.interfaces.iter().filter(|one| zone(&one.name) == to) {
                let matching = self.planted.iter().rev().find(|one| {
                    (&one.device, &one.incoming, &one.outgoing) == (&device.name, &incoming.name, &outgoing.name)
                        && one.holds(flow)
                });
                found.push(match matching {
                    _ if self.gone.contains(&device.name) => unknown == Unknown::Passes,
                    _ if device.protect && is_own => {
                        self.reference.expected_input(&device.name, &incoming.name, flow).unwrap_or(true)
                    }
                    Some(planted) => planted.accepts,
                    None => self.reference.expected(&device.name, &incoming.name, &outgoing.name, flow),
                });
            }
        }
        found
    }

    /// Whether it passes on some path.
    fn some_way(&self, flow: &Flow, unknown: Unknown) -> bool {
        let (Some(from), Some(to)) = (self.reference.end(flow.source), self.reference.end(flow.destination)) else {
            return false;
        };
        self.reference.topology.paths(&from, &to).iter().any(|path| {
            path.windows(3).step_by(2).all(|step| match step {
                [Vertex::Zone(from), Vertex::Firewall(device), Vertex::Zone(to)] => {
                    self.passes(device, (*from, *to), flow, unknown).contains(&true)
                }
                _ => panic!("{path:?}"),
            })
        })
    }

    /// Whether a rule drops the answers to a flow that went from one zone to the other: it stands before the acceptance of established connections.
    fn drops_answers(&self, device: &str, (from, to): (Zone, Zone), flow: &Flow) -> bool {
        let answer = Flow {
            source: flow.destination,
            destination: flow.source,
            protocol: flow.protocol,
            source_port: flow.destination_port,
            destination_port: flow.source_port,
        };
        let zone = |name: &str| self.reference.zone_of_interface(device, name);
        let own = || self.planted.iter().rev().filter(|one| one.device == device);
        let first = |over: &Planted| {
            let is_first = |one: &&Planted| {
                (&one.incoming, &one.outgoing) == (&over.incoming, &over.outgoing) && one.holds(&answer)
            };
            own().find(is_first).is_some_and(|one| !one.accepts)
        };
        own().any(|one| (zone(&one.incoming), zone(&one.outgoing)) == (to, from) && first(one))
    }

    /// Whether every firewall on the way passes it, and its answers.
    fn every_way(&self, flow: &Flow, unknown: Unknown) -> bool {
        let (Some(from), Some(to)) = (self.reference.end(flow.source), self.reference.end(flow.destination)) else {
            return false;
        };
        let ways = self.reference.ways(&from, &to);
        let passes = |device: &str, from, to| {
            !self.passes(device, (from, to), flow, unknown).contains(&false)
                && (self.gone.contains(device) || !self.drops_answers(device, (from, to), flow))
        };
        ways.exists && ways.allowed.iter().all(|(device, from, to)| passes(device, *from, *to))
    }

    /// Whether a flow violates an assertion. (A `must` is not violated by what the policy does not permit and a device lets through on some way: that is undecided.)
    fn violates(&self, assertion: &Assertion, flow: &Flow, unknown: Unknown) -> bool {
        let sets = &self.reference.sets;
        let is_on = assertion.on.as_ref().is_none_or(|on| sets.serves(on, flow));
        let (from, to) = (&assertion.from, &assertion.to);
        let goes = |source: IpAddr, destination: IpAddr| sets.holds(from, source) && sets.holds(to, destination);
        let is_about =
            goes(flow.source, flow.destination) || (assertion.both_ways && goes(flow.destination, flow.source));
        let verdict = self.reference.verdict(flow);
        let is_routed = matches!(verdict, Verdict::Pass | Verdict::Drop);
        match assertion.kind {
            "never" => {
                is_on && is_about && (verdict == Verdict::Unenforced || (is_routed && self.some_way(flow, unknown)))
            }
            "only" => {
                let from_others = !sets.holds(from, flow.source) && sets.holds(to, flow.destination);
                is_on && from_others && is_routed && self.some_way(flow, unknown)
            }
            _ => {
                let is_sent = self.is_asserted_end(flow);
                is_on && is_about && is_sent && verdict != Verdict::Unenforced && !self.every_way(flow, unknown)
            }
        }
    }

    /// Whether the flow is in any assertion at all: its ends are known, and not both public.
    fn is_asserted_end(&self, flow: &Flow) -> bool {
        let sets = &self.reference.sets;
        let both_public = sets.is_of_internet(flow.source) && sets.is_of_internet(flow.destination);
        sets.is_known(flow.source) && sets.is_known(flow.destination) && !both_public
    }
}

/// A network around an address, or the address alone.
fn around(reference: &Reference<'_>, address: IpAddr, random: &mut Random) -> Span {
    let wide = reference
        .sets
        .network_of(address)
        .and_then(|(_, network)| network.prefixes.iter().find(|span| span.holds(address)).copied());
    wide.filter(|_| random.chance(50)).unwrap_or(Span { first: address, last: address })
}

/// Rules that let a flow through on a path, or drop it somewhere on one.
fn plant(reference: &Reference<'_>, flow: &Flow, accepts: bool, random: &mut Random) -> Vec<Planted> {
    let (Some(from), Some(to)) = (reference.end(flow.source), reference.end(flow.destination)) else {
        return Vec::new();
    };
    let paths = reference.topology.paths(&from, &to);
    if paths.is_empty() || from.zone == to.zone {
        return Vec::new();
    }
    let path = random.pick(&paths).clone();
    let (source, destination) = (around(reference, flow.source, random), around(reference, flow.destination, random));
    let port = if flow.protocol == 6 && random.chance(60) { flow.destination_port } else { None };
    let mut planted = Vec::new();
    for step in path.windows(3).step_by(2) {
        let [Vertex::Zone(from), Vertex::Firewall(name), Vertex::Zone(to)] = step else { panic!("{path:?}") };
        if random.chance(if accepts { 8 } else { 40 }) {
            continue;
        }
        let device = reference.world.devices.iter().find(|device| device.name == *name).unwrap();
        let over = |zone: Zone| {
            let one = device.interfaces.iter().find(|one| reference.zone_of_interface(name, &one.name) == zone);
            one.unwrap().name.clone()
        };
        let (device, incoming, outgoing) = (name.clone(), over(*from), over(*to));
        planted.push(Planted { device, incoming, outgoing, source, destination, port, accepts });
    }
    planted
}

#[derive(Debug, Default)]
struct Count {
    outcomes: BTreeMap<String, usize>,
    changed: usize,
}

fn ask(project: &Path, configs: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.arg("check").arg(project).arg("--configs").arg(configs).args(["--at", AT, "--format", "json"]);
    let output = command.output().unwrap();
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 1 | 3)), "{code:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What is wrong with an outcome, if anything.
fn wrong(real: &Real<'_, '_>, assertion: &Assertion, said: &Value, flows: &[Flow]) -> Option<String> {
    let hurt = |flow: &&Flow, unknown| real.violates(assertion, flow, unknown);
    let name = &assertion.name;
    match said["outcome"].as_str().unwrap() {
        "proved" => {
            let found = [Unknown::Passes, Unknown::Drops]
                .into_iter()
                .find_map(|unknown| flows.iter().find(|flow| hurt(flow, unknown)));
            found.map(|flow| format!("{name} is said to be proved, and is violated by {}", flow.csv()))
        }
        "violated" => {
            let hops = answers::rows(&said["hops"]).unwrap();
            let flow = hops[0].witness.unwrap().flow().unwrap();
            let is_sure = [Unknown::Passes, Unknown::Drops].into_iter().all(|unknown| hurt(&&flow, unknown));
            (!is_sure).then(|| format!("{name} is said to be violated by {}, and is not", flow.csv()))
        }
        "unproven" => {
            let is_open = assertion.kind == "must" || !real.gone.is_empty();
            (!is_open).then(|| format!("{name} is said to be unproven, and everything is known"))
        }
        _ => None,
    }
}

fn try_world(seed: u64, count: &mut Count) {
    let world = World::asked(seed);
    let reference = Reference::new(&world, AT);
    let directory = tempfile::tempdir().unwrap();
    let (project, configs) = (directory.path().join("project"), directory.path().join("configs"));
    std::fs::create_dir(&project).unwrap();
    world.write_project(&project).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.arg("compile").arg(&project).arg("-o").arg(&configs).args(["--at", AT, "--no-proof", "--quiet"]);
    let compiled = command.output().unwrap();
    assert!(compiled.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&compiled.stderr));
    let mut random = Random::new(seed ^ 0x4EA1);
    let mut flows = sample::sample(&reference, seed, 300);
    let mut real = Real { reference: &reference, planted: Vec::new(), gone: BTreeSet::new() };
    for _ in 0..4 {
        let flow = *random.pick(&flows);
        let accepts = reference.verdict(&flow) != Verdict::Pass;
        real.planted.extend(plant(&reference, &flow, accepts, &mut random));
    }
    for planted in &real.planted {
        let platform = real.device(&planted.device).platform.clone().unwrap();
        planted.write(&configs, &platform);
        for (source, destination) in
            [(planted.source.first, planted.destination.first), (planted.source.last, planted.destination.last)]
        {
            let packet = (6, Some(50_000), Some(planted.port.unwrap_or(443)));
            flows.extend(sample::flow(source, destination, packet));
        }
    }
    let managed: Vec<&Device> = world.devices.iter().filter(|device| device.platform.is_some()).collect();
    if random.chance(30) {
        let device = &random.pick(&managed).name;
        std::fs::remove_dir_all(configs.join(device)).unwrap();
        real.gone.insert(device.clone());
    }
    let said = ask(&project, &configs);
    for assertion in &world.assertions {
        let is_waived = world.waivers.iter().any(|waiver| waiver.assertion == assertion.name);
        if assertion.transitive || !assertion.via.is_empty() || is_waived {
            continue;
        }
        let all = said["assertions"].as_array().unwrap();
        let own = all.iter().find(|one| one["name"] == assertion.name.as_str()).unwrap();
        *count.outcomes.entry(format!("{} {}", assertion.kind, own["outcome"].as_str().unwrap())).or_default() += 1;
        count.changed += usize::from(own["outcome"] != own["by_policy"]);
        if let Some(wrong) = wrong(&real, assertion, own, &flows) {
            let planted: String = real.planted.iter().map(|one| format!("  {}: {}", one.device, one.nft())).collect();
            panic!("seed {seed}: {wrong}\n{planted}gone: {:?}\n{own:#}\n{}", real.gone, world.text());
        }
    }
}

#[test]
fn outcomes_over_configs_are_those_of_the_reference() {
    let setting = |name, default| std::env::var(name).ok().map_or(default, |text| text.parse::<u64>().unwrap());
    let first = setting("SEKISHO_SEED", 1);
    let mut count = Count::default();
    for seed in first..first + setting("SEKISHO_WORLDS", 40) {
        try_world(seed, &mut count);
    }
    println!("{count:?}");
    let of = |outcome: &str| count.outcomes.get(outcome).copied().unwrap_or(0);
    assert!(of("never violated") > 0 && of("never proved") > 0 && of("must violated") > 0, "{count:?}");
    assert!(count.changed > 0, "no change of a config changed an outcome: {count:?}");
}
