//! The proof that a rule set means its plan: of what is written it finds nothing wrong, of what is planned otherwise it finds exactly what was changed.
//!
//! `SEKISHO_WORLDS` is how many random worlds, `SEKISHO_SEED` the first.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

mod worlds;

use std::net::IpAddr;
use std::path::Path;

use sekisho::graph::Topology;
use sekisho::listing::Listing;
use sekisho::packet::{AddressRange, AddressSet, Protocol, ServiceSet};
use sekisho::pipeline::{self, Device};
use sekisho::plan::{DevicePlan, InputPlan, Placement, PlannedQuarantine};
use sekisho::platform;
use sekisho::proof::{self, Composition, Gap, Lacks, Problem, Verdict};
use sekisho::syntax::ast::Effect;
use worlds::World;
use worlds::random::{AT, Random};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

fn devices(project: &Path) -> Vec<Device> {
    let loaded = pipeline::load(project).unwrap();
    assert!(loaded.is_sound(), "{:?}", loaded.diagnostics());
    let topology = Topology::new(&loaded.model);
    let placement = Placement::new(&loaded.model, &topology, AT.parse().unwrap());
    pipeline::write_all(&placement, |device| device).unwrap()
}

fn of_world(world: &World) -> Vec<Device> {
    let directory = tempfile::tempdir().unwrap();
    world.write_project(directory.path()).unwrap();
    devices(directory.path())
}

fn read(device: &Device) -> Listing {
    let files: Vec<(&str, &str)> = device.written.files.iter().map(|file| (file.name, file.text.as_str())).collect();
    platform::by_name(&device.plan.platform).unwrap().read(&files).unwrap()
}

fn check(device: &Device, what: &str) {
    let proof = proof::device(&device.plan, &read(device));
    let text: String = device.written.files.iter().map(|file| file.text.clone()).collect();
    assert_eq!(proof.verdict, Verdict::Equal, "{what}, {}: {proof:#?}\n{text}", device.plan.device);
    assert!(proof.extra.is_empty() && proof.missing.is_empty() && proof.unproven.is_empty());
}

#[test]
fn what_is_written_for_the_samples_is_proved() {
    let mut proved = 0;
    for sample in std::fs::read_dir("policies").unwrap() {
        let path = sample.unwrap().path();
        for device in devices(&path) {
            check(&device, &path.display().to_string());
            proved += 1;
        }
    }
    assert!(proved > 20);
}

#[test]
fn what_is_written_for_random_worlds_is_proved() {
    let (mut proved, mut with_quarantine, mut with_input) = (0, 0, 0);
    let first = setting("SEKISHO_SEED", 1);
    for seed in first..first + setting("SEKISHO_WORLDS", 60) {
        for device in of_world(&World::random(seed)) {
            check(&device, &format!("world {seed}"));
            proved += 1;
            with_quarantine += usize::from(!device.plan.quarantines.is_empty());
            with_input += usize::from(device.plan.input.is_some());
        }
    }
    println!("{proved} firewalls, {with_quarantine} with quarantines, {with_input} protected");
    assert!(proved > 150 && with_quarantine > 15 && with_input > 15, "{proved} {with_quarantine} {with_input}");
}

fn composed(project: &Path, change: impl Fn(&str, &mut DevicePlan)) -> Vec<Problem> {
    let loaded = pipeline::load(project).unwrap();
    let topology = Topology::new(&loaded.model);
    let at = AT.parse().unwrap();
    let placement = Placement::new(&loaded.model, &topology, at);
    let composition = Composition::new(&loaded.model, &topology, at);
    let mut problems = Vec::new();
    for number in 0..placement.len() {
        let mut plan = placement.plan(number).unwrap();
        let device = plan.device.clone();
        change(&device, &mut plan);
        problems.extend(composition.add(&plan));
    }
    problems.extend(composition.finish());
    problems
}

#[test]
fn the_plans_of_all_firewalls_together_are_the_policy() {
    for sample in std::fs::read_dir("policies").unwrap() {
        let path = sample.unwrap().path();
        assert_eq!(composed(&path, |_, _| ()), [], "{}", path.display());
    }
    let first = setting("SEKISHO_SEED", 1);
    for seed in first..first + setting("SEKISHO_WORLDS", 150) {
        let directory = tempfile::tempdir().unwrap();
        let world = if seed % 2 == 0 { World::random(seed) } else { World::asked(seed) };
        world.write_project(directory.path()).unwrap();
        assert_eq!(composed(directory.path(), |_, _| ()), [], "world {seed}\n{}", world.text());
    }
}

/// Three sites in a row; each end has a firewall, and one stands between the two wide-area networks.
fn row() -> World {
    let world =
        World::default().site("a").network("a/net", "10.1.0.0/24, 2001:db8:1::/64", "").transit("w0").transit("w1");
    let world = world.site("b").network("b/net", "10.2.0.0/24, 2001:db8:2::/64", "").firewall("fa", "a", "a/net w0");
    let world = world.firewall("fb", "b", "b/net w1").firewall("core", "", "w0 w1");
    world.allow("WEB", "a/net", "b/net", "tcp/443, udp/53").deny("NO", "10.1.0.7", "b/net", "tcp/443")
}

#[test]
fn a_plan_that_is_not_the_policy_is_found() {
    let directory = tempfile::tempdir().unwrap();
    row().write_project(directory.path()).unwrap();
    let changed = |what: fn(&mut DevicePlan)| {
        let found = composed(directory.path(), |device, plan| {
            if device == "core" {
                what(plan)
            }
        });
        found.into_iter().map(|one| format!("{} on `{}`: {}", one.rule, one.device, one.what)).collect::<Vec<_>>()
    };
    assert_eq!(changed(|_| ()), [""; 0]);
    let missing = "WEB on ``: flows from 10.1.0.0/24 to 10.2.0.0/24 do not arrive";
    assert_eq!(changed(|plan| plan.pairs.clear()), [missing]);
    assert_eq!(changed(|plan| plan.pairs[0].rules.retain(|rule| rule.effect == Effect::Deny)), [missing]);
    let narrower = |plan: &mut DevicePlan| {
        let rule = plan.pairs[0].rules.last_mut().unwrap();
        rule.source =
            rule.source.difference(&"10.1.0.9".parse::<IpAddr>().map(AddressRange::single).unwrap().into()).into();
    };
    assert_eq!(changed(narrower), [missing]);
    let wider = "WEB on `core`: it lets more through than the rule of the policy, or not all of its services";
    assert_eq!(changed(|plan| plan.pairs[0].rules.last_mut().unwrap().source = AddressSet::full().into()), [wider]);
    assert_eq!(changed(|plan| plan.pairs[0].rules.last_mut().unwrap().services = ServiceSet::any().into()), [wider]);
    let undenied = "WEB on `core`: a deny of the policy is missing before it";
    assert_eq!(changed(|plan| plan.pairs[0].rules.retain(|rule| rule.effect == Effect::Allow)), [undenied]);
    // Too little passes, too.
    let fewer = |plan: &mut DevicePlan| {
        let udp = ServiceSet::protocol(Protocol::UDP);
        let rule = plan.pairs[0].rules.last_mut().unwrap();
        rule.services = rule.services.intersection(&udp).into();
    };
    assert_eq!(changed(fewer), [wider]);
    assert_eq!(changed(|plan| plan.pairs[0].rules.last_mut().unwrap().services = ServiceSet::empty().into()), [wider]);
    let denies = "NO on `core`: it denies more than the rule of the policy, or not all of its services";
    let all = |plan: &mut DevicePlan| {
        let rule = plan.pairs[0].rules.first_mut().unwrap();
        rule.source = AddressSet::full().into();
    };
    assert_eq!(changed(all), [denies]);
    let quarantined = |plan: &mut DevicePlan| {
        let label = plan.pairs[0].rules[0].label.clone();
        plan.quarantines.push(PlannedQuarantine { label, held: AddressSet::full().into(), keep: Vec::new() });
    };
    assert_eq!(changed(quarantined), ["NO on `core`: no quarantine of the policy in force has this name"]);
    let protected = |plan: &mut DevicePlan| {
        plan.input = Some(InputPlan { addresses: AddressSet::full().into(), rules: Vec::new() });
    };
    assert_eq!(changed(protected), ["protect on `core`: what it lets in to itself is not what the inventory asks for"]);
}

/// Takes something out of a plan, and says where; `None` if there is nothing of the kind.
fn without(random: &mut Random, plan: &DevicePlan) -> Option<DevicePlan> {
    let mut changed = plan.clone();
    let kind = random.below(4);
    match kind {
        0 if !plan.quarantines.is_empty() => {
            let at = random.below(plan.quarantines.len());
            changed.quarantines.remove(at);
        }
        1 if !plan.pairs.is_empty() => {
            let at = random.below(plan.pairs.len());
            changed.pairs.remove(at);
        }
        2 if plan.input.as_ref().is_some_and(|input| !input.rules.is_empty()) => {
            let input = changed.input.as_mut()?;
            let at = random.below(input.rules.len());
            input.rules.remove(at);
        }
        3 if !plan.pairs.is_empty() => {
            let at = random.below(plan.pairs.len());
            let rules = &mut changed.pairs[at].rules;
            let which = random.below(rules.len());
            rules.remove(which);
        }
        _ => return None,
    }
    Some(changed)
}

/// Whether a plan permits the first packet of a connection, read from the words of its definition.
fn permits(plan: &DevicePlan, ways: &(Option<String>, Option<String>), flow: &sekisho::packet::Flow) -> bool {
    let covers = |rule: &sekisho::plan::PlannedRule| {
        rule.source.contains(flow.source)
            && rule.destination.contains(flow.destination)
            && rule.services.contains(flow.service)
    };
    let is_held = plan.quarantines.iter().any(|quarantine| {
        (quarantine.held.contains(flow.source) || quarantine.held.contains(flow.destination))
            && !quarantine.keep.iter().any(covers)
    });
    let name = |at: usize| Some(plan.interfaces[at].name.clone());
    let rules = match &ways.1 {
        Some(_) => {
            let pair = plan.pairs.iter().find(|pair| (name(pair.in_interface), name(pair.out_interface)) == *ways);
            pair.map(|pair| &pair.rules)
        }
        None => {
            let rules = plan.input.as_ref().and_then(|input| input.rules.iter().find(|(at, _)| name(*at) == ways.0));
            rules.map(|(_, rules)| rules)
        }
    };
    let is_error = match flow.service.protocol {
        Protocol::ICMP => [3, 11, 12].contains(&flow.service.a),
        Protocol::ICMP6 => [1, 2, 3, 4].contains(&flow.service.a),
        _ => false,
    };
    if ways.1.is_none() && is_error && plan.input.as_ref().is_some_and(|own| own.addresses.contains(flow.destination)) {
        return !is_held;
    }
    let Some(rules) = rules else { return false };
    let has = |effect| rules.iter().any(|rule| rule.effect == effect && covers(rule));
    !is_held && has(Effect::Allow) && !has(Effect::Deny)
}

/// Each witness of new connections must be one that the two plans judge differently, in the direction that is said.
fn hold_witnesses(device: &Device, changed: &DevicePlan, gaps: &[Gap], passes: bool) -> usize {
    let mut seen = 0;
    for gap in gaps.iter().filter(|gap| gap.kind == Lacks::New) {
        for (_, flow) in &gap.flows {
            for (_, incoming, outgoing, _) in &gap.ways {
                let way = (incoming.clone(), outgoing.clone());
                assert_eq!(permits(&device.plan, &way, flow), passes, "{flow:?} {way:?}");
                assert_eq!(permits(changed, &way, flow), !passes, "{flow:?} {way:?}");
                seen += 1;
            }
        }
    }
    seen
}

/// The written file is held against a plan from which something was taken: what is found is what was taken, or the plans mean the same.
#[test]
fn what_differs_is_found_and_only_that() {
    let (mut differing, mut equal, mut unproven, mut witnesses, mut blamed) = (0, 0, 0, 0, 0);
    let mut random = Random::new(setting("SEKISHO_SEED", 1));
    let first = setting("SEKISHO_SEED", 1);
    for seed in first..first + setting("SEKISHO_WORLDS", 50) {
        for device in of_world(&World::random(seed)) {
            let Some(changed) = without(&mut random, &device.plan) else { continue };
            let listing = read(&device);
            let proof = proof::device(&changed, &listing);
            witnesses += hold_witnesses(&device, &changed, &proof.extra, true);
            witnesses += hold_witnesses(&device, &changed, &proof.missing, false);
            for gap in &proof.extra {
                blamed += usize::from(!gap.lines.is_empty());
                assert!(!gap.lines.is_empty(), "world {seed}: a permit that no line gives: {gap:?}");
            }
            // Written anew, the changed plan gives the file that is equal to it; the two files differ if and only if something was found.
            let again = platform::by_name(&changed.platform).unwrap();
            let written = again.write(&changed, platform::Detail::Files, &mut sekisho::diag::Sink::default()).unwrap();
            let other = Device { plan: changed.clone(), written };
            let back = proof::device(&device.plan, &read(&other));
            let is_new = |gaps: &[Gap]| gaps.iter().any(|gap| gap.kind == Lacks::New);
            let found = (is_new(&proof.extra), is_new(&proof.missing));
            assert_eq!(found, (is_new(&back.missing), is_new(&back.extra)), "world {seed}, {}", device.plan.device);
            match proof.verdict {
                Verdict::Differs => differing += 1,
                Verdict::Equal => equal += 1,
                // A related packet whose header a rule permits, though a quarantine cuts all such connections.
                Verdict::Unproven => {
                    assert!(!device.plan.quarantines.is_empty(), "world {seed}: {:?}", proof.unproven);
                    unproven += 1;
                }
            }
        }
    }
    println!("{differing} differ, {equal} equal, {witnesses} witnesses, {blamed} gaps with their lines");
    assert!(
        differing > 40 && equal > 0 && unproven * 4 < differing && witnesses > 40,
        "{differing} {equal} {unproven} {witnesses}"
    );
}
