//! Random worlds: what the program writes for each firewall, loaded and asked about the borders of every set.
//!
//! Three voices that share no code: the program's files, the naive reference, and the kernel. `SEKISHO_WORLDS` is how many worlds,
//! `SEKISHO_SEED` the first of them, `SEKISHO_PACKETS` how many packets for each firewall. A failure names the smallest project found.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use sekisho::packet::{Flow, Protocol, ServicePoint};

use crate::Test;
use crate::harness::{Expectation, Flush, Interface, Namespace, Packet, Ruleset, check_device};
use crate::reference::Reference;
use crate::reference::probes::{Crossing, Prober};
use crate::worlds::random::AT;
use crate::worlds::{self, Device, World};

pub const TESTS: &[Test] = &[
    ("random_worlds_do_what_the_reference_expects", random_worlds),
    ("long_lists_do_what_the_reference_expects", long_lists),
    ("answers_of_random_worlds_pass_and_nothing_else", answers),
    ("quarantines_of_random_worlds_end_live_sessions", quarantines),
];

/// The number that an environment variable holds, or the default.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// The seeds that the environment asks for, by default so many from 1.
pub fn seeds(default: usize) -> impl Iterator<Item = u64> {
    let first = setting("SEKISHO_SEED", 1) as u64;
    (first..).take(setting("SEKISHO_WORLDS", default))
}

/// The files of every firewall of a world.
pub fn compile(world: &World) -> Result<BTreeMap<String, Ruleset>, String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (project, out) = (directory.path().join("project"), directory.path().join("out"));
    std::fs::create_dir(&project).expect("a directory");
    world.write_project(&project).expect("the project is written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    let output = command.arg("compile").arg(&project).arg("-o").arg(&out).args(["--at", AT]).output().expect("it runs");
    if !output.status.success() {
        return Err(format!("compile: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let firewalls = world.devices.iter().filter(|device| device.platform.is_some());
    firewalls.map(|device| Ok((device.name.clone(), ruleset(device, &out.join(&device.name))?))).collect()
}

fn ruleset(device: &Device, directory: &Path) -> Result<Ruleset, String> {
    let read = |name: &str| {
        let path = directory.join(name);
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    match device.platform.as_deref() {
        Some("iptables") => Ok(Ruleset::Iptables { v4: read("rules.v4")?, v6: read("rules.v6")? }),
        _ => Ok(Ruleset::Nftables(read("ruleset.nft")?)),
    }
}

/// The interfaces of a device as the harness wants them.
pub fn interfaces(device: &Device) -> Vec<Interface> {
    let interface = |one: &worlds::Interface| Interface { name: one.name.clone(), addresses: one.addresses.clone() };
    device.interfaces.iter().map(interface).collect()
}

/// A flow of the worlds as one of the program's, which the harness sends.
pub fn flow_of(flow: &worlds::Flow) -> Flow {
    let (a, b) = (flow.source_port.unwrap_or(0), flow.destination_port.unwrap_or(0));
    let service = ServicePoint { protocol: Protocol(flow.protocol), a, b };
    Flow { source: flow.source, destination: flow.destination, service }
}

/// Whether Linux forwards packets of this flow at all where no rule says anything.
///
/// Not: broadcast, multicast, `this network`, link-local IPv6; and extension headers of IPv6, which stand for what follows them.
pub fn is_forwardable(flow: &worlds::Flow) -> bool {
    let is_extension = flow.source.is_ipv6() && matches!(flow.protocol, 0 | 43 | 44 | 60 | 135 | 139 | 140);
    let fits = |address: IpAddr| match address {
        IpAddr::V4(four) => {
            !(four.is_broadcast() || four.is_multicast() || four.octets()[0] == 0 || four.is_loopback())
        }
        IpAddr::V6(six) => {
            !(six.is_multicast() || six.is_unspecified() || six.is_loopback() || six.is_unicast_link_local())
        }
    };
    !is_extension && fits(flow.source) && fits(flow.destination)
}

/// What the reference expects of a probe; `None` where nothing is said, or the kernel forwards no such packet.
fn expected(reference: &Reference<'_>, device: &Device, probe: &Crossing) -> Option<Expectation> {
    let Crossing { input, output, flow } = probe;
    let is_own = device.interfaces.iter().any(|one| one.addresses.contains(&flow.destination));
    let passes = match (is_own, device.protect) {
        // Nothing that is generated touches what goes to the firewall itself.
        (true, false) => true,
        (true, true) => reference.expected_input(&device.name, input, flow)?,
        (false, _) => reference.expected(&device.name, input, output, flow),
    };
    let expectation = Expectation { input: input.clone(), output: output.clone(), flow: flow_of(flow), passes };
    is_forwardable(flow).then_some(expectation)
}

#[derive(Default)]
struct Count {
    worlds: usize,
    devices: usize,
    packets: usize,
    passes: usize,
    to_itself: usize,
}

/// Asks the kernel about every firewall of a world; the name of the first that fails, and how.
fn ask(world: &World, seed: u64, count: &mut Count) -> Result<(), (Option<String>, String)> {
    let reference = Reference::new(world, AT);
    let files = compile(world).map_err(|error| (None, error))?;
    let per_device = setting("SEKISHO_PACKETS", 300);
    count.worlds += 1;
    for device in world.devices.iter().filter(|device| device.platform.is_some()) {
        let mut prober = Prober::new(&reference, seed);
        let through = prober.forwarding(device, per_device);
        let to_itself = prober.input(device, per_device / 5);
        count.to_itself += to_itself.len();
        let expectations: Vec<Expectation> =
            through.iter().chain(&to_itself).filter_map(|probe| expected(&reference, device, probe)).collect();
        count.devices += 1;
        count.packets += expectations.len();
        count.passes += expectations.iter().filter(|expectation| expectation.passes).count();
        check_device(&device.name, &interfaces(device), &files[&device.name], &expectations)
            .map_err(|text| (Some(device.name.clone()), text))?;
    }
    Ok(())
}

/// Takes away what can be taken away while the same firewall still fails.
fn smallest(mut world: World, device: &str, mut text: String, seed: u64) -> (World, String) {
    'again: loop {
        for candidate in world.smaller() {
            if let Err((Some(found), told)) = ask(&candidate, seed, &mut Count::default())
                && found == device
            {
                (world, text) = (candidate, told);
                continue 'again;
            }
        }
        return (world, text);
    }
}

/// A world with more rules than stand in a plain list: look-ups in nftables, chains by address block in iptables; narrow rules, wide ones, holes,
/// denials, logging, services of all kinds. Every second world has narrow rules only: wide ones keep iptables from splitting. Some have rules about one source, some about one
/// destination, and some so many that the writer spares anonymous sets.
fn many_rules(seed: u64) -> World {
    let has_wide = seed.is_multiple_of(2);
    let to_one = seed % 4 > 1;
    let mut world = World::default().transit("wan");
    for (site, number, platform) in [("a", 1, "nftables"), ("b", 2, "iptables")] {
        let networks = format!("10.{number}.0.0/16, 2001:db8:{number}::/64");
        world = world.site(site).network(&format!("{site}/lan"), &networks, "");
        for host in 0..40_u64 {
            let low = (host * 97 + seed * 31) % 60_000 + 1;
            let addresses = format!("10.{number}.{}.{}, 2001:db8:{number}::{low:x}", low >> 8, low & 255);
            world = world.host(
                &format!("{site}/h{host}"),
                &addresses,
                if host.is_multiple_of(3) { "tag:third" } else { "" },
            );
        }
        world = world.firewall(&format!("f{site}"), site, &format!("{site}/lan wan"));
        if let Some(device) = world.devices.last_mut() {
            device.platform = Some(platform.to_owned());
        }
    }
    let services =
        ["tcp/443", "tcp/80, udp/53", "udp/1000-2000", "icmp/8, icmp6/128", "gre", "tcp/53:1024-65535", "any"];
    for rule in 0..if has_wide { 160_u64 } else { 240 } {
        let number = rule.wrapping_mul(2_654_435_761).wrapping_add(seed);
        let (from, to) = if rule.is_multiple_of(2) { ("a", "b") } else { ("b", "a") };
        // Few hosts have many rules each.
        let hosts = if has_wide { 7 } else { 40 };
        let host = |site: &str, bits: u64| format!("{site}/h{}", (number >> bits) % hosts);
        let (source, destination) = match rule % 8 {
            0 | 1 if has_wide => (format!("{from} except {}", host(from, 7)), format!("{to} except {}", host(to, 13))),
            2 | 3 if has_wide => (format!("tag:third&{from}"), format!("{}, {}", host(to, 7), host(to, 13))),
            _ if to_one => (format!("{}, {}", host(from, 13), host(from, 19)), host(to, 7)),
            _ => (host(from, 7), format!("{}, {}", host(to, 13), host(to, 19))),
        };
        // Wide rules on any service would leave nothing to decide.
        let kinds = if has_wide && rule % 8 < 2 { 3 } else { services.len() as u64 };
        let service = services[((number >> 25) % kinds) as usize];
        let name = format!("R-{rule}");
        world = if rule % 11 == 5 {
            world.deny(&name, &source, &destination, service)
        } else {
            world.allow(&name, &source, &destination, service)
        };
        if rule % 9 == 4 {
            world.rules.last_mut().expect("a rule").log = true;
        }
    }
    world
}

fn long_lists() {
    let mut count = Count::default();
    let mut missing = vec![
        "ip daddr vmap @destinations_",
        "ip saddr vmap @sources_",
        "ip6 saddr vmap @from_to_",
        "ip6 daddr vmap @to_from_",
        "th dport @numbers_",
    ];
    for seed in 1..=setting("SEKISHO_LONG", 2) as u64 {
        let world = many_rules(seed);
        let files = compile(&world).expect("it compiles");
        let has =
            |part: &str| files.values().any(|file| matches!(file, Ruleset::Nftables(text) if text.contains(part)));
        missing.retain(|part| !has(part));
        let is_split = files.values().all(|ruleset| match ruleset {
            Ruleset::Nftables(text) => text.contains("addr vmap @"),
            Ruleset::Iptables { v4, .. } => seed.is_multiple_of(2) || v4.contains("-j SEKISHO-b"),
        });
        assert!(is_split, "these lists are not long enough to test what long ones become");
        if let Err((_, text)) = ask(&world, seed, &mut count) {
            panic!("seed {seed}: {text}");
        }
    }
    println!("{} packets through long lists", count.packets);
    assert!(missing.is_empty(), "no long list became {missing:?}");
}

fn random_worlds() {
    let mut count = Count::default();
    let mut failed = Vec::new();
    for seed in seeds(35) {
        let world = World::random(seed);
        let Err((device, text)) = ask(&world, seed, &mut count) else { continue };
        failed.push(seed);
        if failed.len() > 1 {
            eprintln!("world {seed} fails too: {text}");
            continue;
        }
        eprintln!("world {seed} fails; looking for a smaller one");
        let (world, text) = match device {
            Some(device) => smallest(world, &device, text, seed),
            None => (world, text),
        };
        eprintln!("world {seed} (SEKISHO_SEED={seed} SEKISHO_WORLDS=1)\n{}\n{text}", world.text());
    }
    let Count { worlds, devices, packets, passes, to_itself } = count;
    println!(
        "{worlds} worlds, {devices} firewalls, {packets} packets, {to_itself} of them to the firewall itself, {} % should pass",
        passes * 100 / packets.max(1)
    );
    assert!(failed.is_empty(), "{} worlds fail: {failed:?}", failed.len());
    assert!(passes * 100 > packets * 15, "too few of the packets should pass to say anything");
}

/// Whether connection tracking can recognise the answer.
fn is_tracked(flow: &worlds::Flow) -> bool {
    let is_request = flow.destination_port == Some(0)
        && flow.source_port == Some(if flow.source.is_ipv4() { 8 } else { 128 })
        && flow.protocol == if flow.source.is_ipv4() { 1 } else { 58 };
    matches!(flow.protocol, 6 | 17 | 132 | 47 | 50) || is_request
}

/// The flow that an answer would be if it were none.
fn answer_of(flow: &worlds::Flow) -> worlds::Flow {
    let (source_port, destination_port) = match flow.protocol {
        1 => (Some(0), Some(0)),
        58 => (Some(129), Some(0)),
        _ => (flow.destination_port, flow.source_port),
    };
    worlds::Flow { source: flow.destination, destination: flow.source, source_port, destination_port, ..*flow }
}

/// Flows that should pass a firewall, on a pair of interfaces, and whose answers are tracked.
fn conversations(reference: &Reference<'_>, device: &Device, seed: u64, count: usize) -> Vec<Crossing> {
    let own = |address: IpAddr| device.interfaces.iter().any(|one| one.addresses.contains(&address));
    let fits = |probe: &Crossing| {
        reference.expected(&device.name, &probe.input, &probe.output, &probe.flow)
            && is_forwardable(&probe.flow)
            && is_tracked(&probe.flow)
            && !own(probe.flow.source)
            && !own(probe.flow.destination)
    };
    Prober::new(reference, seed).forwarding(device, count).into_iter().filter(fits).collect()
}

fn answers() {
    let (mut opened, mut refused) = (0, 0);
    for seed in seeds(10) {
        let world = World::random(seed);
        let reference = Reference::new(&world, AT);
        let files = compile(&world).expect("the world compiles");
        for device in world.devices.iter().filter(|device| device.platform.is_some()) {
            let sessions = conversations(&reference, device, seed, 25);
            let mut namespace = Namespace::with_interfaces(&interfaces(device)).expect("a namespace");
            files[&device.name].load(&namespace, Flush::Table).expect("the files load");
            for Crossing { input, output, flow } in &sessions {
                let told = format!("world {seed}, {}: {input} -> {output} {}", device.name, flow.csv());
                let first = Packet::first(&flow_of(flow));
                let back = answer_of(flow);
                if !reference.expected(&device.name, output, input, &back) {
                    let alone = namespace.conversation();
                    assert!(
                        !namespace.send_in(alone, output, input, &first.answer()).is_through(),
                        "answer to nothing: {told}"
                    );
                    refused += 1;
                }
                let session = namespace.conversation();
                assert!(namespace.send_in(session, input, output, &first).is_through(), "first packet: {told}");
                assert!(namespace.send_in(session, output, input, &first.answer()).is_through(), "answer: {told}");
                assert!(namespace.send_in(session, input, output, &first.third()).is_through(), "third packet: {told}");
                opened += 1;
            }
        }
    }
    println!("{opened} conversations, {refused} answers to nothing");
    assert!(opened > 0 && refused > 0);
}

fn quarantines() {
    let (mut ended, mut kept) = (0, 0);
    for seed in seeds(40) {
        let after = World::random(seed);
        if after.quarantines.is_empty() {
            continue;
        }
        let before = World { quarantines: Vec::new(), ..after.clone() };
        let (free, held) = (Reference::new(&before, AT), Reference::new(&after, AT));
        let (old, new) = (compile(&before).expect("the world compiles"), compile(&after).expect("the world compiles"));
        for device in after.devices.iter().filter(|device| device.platform.is_some()) {
            let flows = conversations(&free, device, seed, 25);
            let mut namespace = Namespace::with_interfaces(&interfaces(device)).expect("a namespace");
            old[&device.name].load(&namespace, Flush::Table).expect("the files load");
            let sessions: Vec<_> = flows.into_iter().map(|probe| (namespace.conversation(), probe)).collect();
            for (session, Crossing { input, output, flow }) in &sessions {
                let first = Packet::first(&flow_of(flow));
                let told = format!("world {seed}, {}: {input} -> {output} {}", device.name, flow.csv());
                assert!(namespace.send_in(*session, input, output, &first).is_through(), "first packet: {told}");
                assert!(namespace.send_in(*session, output, input, &first.answer()).is_through(), "answer: {told}");
                assert!(
                    namespace.send_in(*session, input, output, &first.third()).is_through(),
                    "third packet: {told}"
                );
            }
            new[&device.name].load(&namespace, Flush::Table).expect("the files load");
            for (session, Crossing { input, output, flow }) in &sessions {
                let first = Packet::first(&flow_of(flow));
                let stays = held.permitted(flow);
                let on = namespace.send_in(*session, input, output, &first.third()).is_through();
                let back = namespace.send_in(*session, output, input, &first.answer()).is_through();
                let told = format!("world {seed}, {}: {input} -> {output} {}", device.name, flow.csv());
                assert_eq!((on, back), (stays, stays), "on and back, {told}");
                *(if stays { &mut kept } else { &mut ended }) += 1;
            }
        }
    }
    println!("{ended} sessions ended, {kept} stayed");
    assert!(ended > 0 && kept > 0);
}
