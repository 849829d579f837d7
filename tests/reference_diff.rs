//! What two projects let travel differently, against the naive reference: refactorings change nothing, and every changed flow is found.
//!
//! `SEKISHO_WORLDS` is how many pairs of worlds of each kind (default 150), `SEKISHO_SEED` the first seed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking, its helpers too"
)]

mod reference;
mod worlds;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use reference::{Reference, Verdict, sample};
use sekisho::answer::{self, Project};
use sekisho::diag::Sink;
use sekisho::diff::{self, Changes, Region, Side, Which};
use sekisho::graph::Topology;
use sekisho::packet::{FlowSet, FlowSpace, Order, Product, Protocol, ServicePoint};
use sekisho::pipeline::{self, Loaded};
use sekisho::plan::{Placement, suspects};
use sekisho::platform::Detail;
use worlds::random::{AT, Random};
use worlds::{Flow, World};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// The world as a project; none where it is no sound one.
fn loaded(world: &World, directory: &Path) -> Option<Loaded> {
    std::fs::create_dir_all(directory).unwrap();
    world.write_project(directory).unwrap();
    pipeline::load(directory).ok().filter(Loaded::is_sound)
}

/// Whether the rows that people see are exactly the flows that differ, and each names what permits it.
fn rows_are_exact(before: &World, after: &World, changes: &Changes) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) =
        (loaded(before, &directory.path().join("old")).unwrap(), loaded(after, &directory.path().join("new")).unwrap());
    let (old_topology, new_topology) = (Topology::new(&old.model), Topology::new(&new.model));
    let at = AT.parse().unwrap();
    let before = Project {
        side: Side { model: &old.model, topology: &old_topology, at },
        sources: &old.project.sources,
        tiers: Vec::new(),
        which: Which::Before,
    };
    let after = Project {
        side: Side { model: &new.model, topology: &new_topology, at },
        sources: &new.project.sources,
        tiers: Vec::new(),
        which: Which::After,
    };
    let told = answer::diff(&before, &after).unwrap();
    for (name, rows, flows) in [
        ("opens", &told.opens, &changes.opens),
        ("closes", &told.closes, &changes.closes),
        ("path_changed", &told.path_changed, &changes.path_changed),
        ("logging_changed", &told.logging_changed, &changes.logging_changed),
    ] {
        let all: Vec<Product> = rows.iter().flat_map(|row| row.flows.clone()).collect();
        if diff::digest(&all) != diff::digest(flows) {
            return Err(format!("rows of {name}: {all:?}\n{flows:?}"));
        }
        if let Some(row) = rows.iter().find(|row| row.row.verdict == "pass" && row.row.behind.is_empty()) {
            return Err(format!("no rule behind {row:?}"));
        }
    }
    Ok(())
}

fn compared(before: &World, after: &World, region: Region) -> Option<Changes> {
    let directory = tempfile::tempdir().unwrap();
    let old = loaded(before, &directory.path().join("old")).expect("worlds of the generator are sound");
    let new = loaded(after, &directory.path().join("new"))?;
    let (old_topology, new_topology) = (Topology::new(&old.model), Topology::new(&new.model));
    let at = AT.parse().unwrap();
    let old = Side { model: &old.model, topology: &old_topology, at };
    let new = Side { model: &new.model, topology: &new_topology, at };
    Some(diff::compare(old, new, region).unwrap())
}

fn holds(products: &[Product], flow: &Flow) -> bool {
    let service = ServicePoint {
        protocol: Protocol(flow.protocol),
        a: flow.source_port.unwrap_or(0),
        b: flow.destination_port.unwrap_or(0),
    };
    products.iter().any(|one| {
        one.sources.contains(flow.source)
            && one.destinations.contains(flow.destination)
            && one.services.contains(service)
    })
}

/// Flows at the borders of both worlds; some of them aimed at rules.
fn flows(old: &Reference<'_>, new: &Reference<'_>, seed: u64) -> BTreeSet<Flow> {
    let mut random = Random::new(seed ^ 0xD1FF);
    let mut found: BTreeSet<Flow> = sample::sample(old, seed, 400).into_iter().collect();
    found.extend(sample::sample(new, seed + 1, 400));
    let mut addresses: Vec<IpAddr> = sample::addresses(old.world);
    addresses.extend(sample::addresses(new.world));
    let mut packets = sample::all_packets(old.world);
    packets.extend(sample::all_packets(new.world));
    for _ in 0..400 {
        found.extend(sample::flow(*random.pick(&addresses), *random.pick(&addresses), *random.pick(&packets)));
    }
    found
}

fn travels(reference: &Reference<'_>, flow: &Flow) -> bool {
    matches!(reference.verdict(flow), Verdict::Pass | Verdict::Unenforced)
}

/// The firewalls on the ways of a flow that travels.
fn between(reference: &Reference<'_>, flow: &Flow) -> BTreeSet<String> {
    if reference.verdict(flow) == Verdict::Unenforced {
        return BTreeSet::new();
    }
    let (from, to) = (reference.end(flow.source).unwrap(), reference.end(flow.destination).unwrap());
    reference.ways(&from, &to).firewalls.clone()
}

/// What rules do with a flow, and whether that is logged.
fn fate(reference: &Reference<'_>, flow: &Flow) -> Option<(bool, bool)> {
    let logs =
        |names: &BTreeSet<String>| reference.world.rules.iter().any(|rule| names.contains(&rule.name) && rule.log);
    match reference.verdict(flow) {
        Verdict::Pass => Some((true, logs(&reference.allows_of(flow)))),
        Verdict::Drop => {
            let (allows, denies) = (reference.allows_of(flow), reference.denies_of(flow));
            let holding = reference.quarantines_of(flow);
            let stops = |name: &String| {
                let quarantine = reference.world.quarantines.iter().find(|one| one.name == *name).unwrap();
                !quarantine.keep.iter().any(|rule| allows.contains(rule))
            };
            if holding.iter().any(stops) {
                return Some((false, true));
            }
            (!denies.is_empty()).then(|| (false, logs(&denies)))
        }
        Verdict::Unenforced | Verdict::Unroutable => None,
    }
}

fn check(old: &World, new: &World, changes: &Changes, seed: u64) -> Result<usize, String> {
    let (before, after) = (Reference::new(old, AT), Reference::new(new, AT));
    let flows = flows(&before, &after, seed);
    let mut differing = 0;
    for flow in &flows {
        let (was, is) = (travels(&before, flow), travels(&after, flow));
        let (was_fate, is_fate) = (fate(&before, flow), fate(&after, flow));
        let logging = matches!((was_fate, is_fate), (Some((a, x)), Some((b, y))) if a == b && x != y);
        let path = was && is && between(&before, flow) != between(&after, flow);
        for (name, list, expected) in [
            ("opens", &changes.opens, !was && is),
            ("closes", &changes.closes, was && !is),
            ("path_changed", &changes.path_changed, path),
            ("logging_changed", &changes.logging_changed, logging),
        ] {
            if holds(list, flow) != expected {
                return Err(format!("{name}: {flow:?} expected {expected}"));
            }
            differing += usize::from(expected);
        }
    }
    Ok(differing)
}

fn digests(changes: &Changes) -> [String; 4] {
    [&changes.opens, &changes.closes, &changes.path_changed, &changes.logging_changed].map(|list| diff::digest(list))
}

fn fail(old: &World, new: &World, story: &[String], why: &str) -> ! {
    panic!("{why}\n{story:?}\n=== old\n{}\n=== new\n{}", old.text(), new.text())
}

fn base(seed: u64) -> World {
    if seed.is_multiple_of(2) { World::random(seed) } else { World::asked(seed) }
}

#[test]
fn refactorings_are_proved_equal() {
    let (first, count) = (setting("SEKISHO_SEED", 1), setting("SEKISHO_WORLDS", 150));
    let mut compared_worlds = 0;
    for seed in first..first + count {
        let old = base(seed);
        let (new, story) = old.refactored(&mut Random::new(seed));
        let Some(changes) = compared(&old, &new, Region::Changed) else { continue };
        compared_worlds += 1;
        if !changes.is_empty() {
            fail(&old, &new, &story, &format!("seed {seed}: {changes:?}"));
        }
    }
    assert!(compared_worlds * 10 > count * 8, "only {compared_worlds} of {count} refactored worlds were sound");
}

#[test]
fn every_changed_flow_is_found() {
    let (first, count) = (setting("SEKISHO_SEED", 1), setting("SEKISHO_WORLDS", 150));
    let (mut differing, mut compared_worlds) = (0, 0);
    for seed in first..first + count {
        let old = base(seed);
        let (new, story) = old.changed(&mut Random::new(seed));
        let Some(changes) = compared(&old, &new, Region::Changed) else { continue };
        compared_worlds += 1;
        match check(&old, &new, &changes, seed) {
            Ok(found) => differing += found,
            Err(why) => fail(&old, &new, &story, &format!("seed {seed}: {why}")),
        }
        if let Err(why) = rows_are_exact(&old, &new, &changes) {
            fail(&old, &new, &story, &format!("seed {seed}: {why}"));
        }
        let whole = compared(&old, &new, Region::Whole).unwrap();
        if digests(&whole) != digests(&changes) {
            fail(&old, &new, &story, &format!("seed {seed}: the whole differs: {whole:?}\n{changes:?}"));
        }
    }
    assert!(compared_worlds * 2 > count, "only {compared_worlds} of {count} changed worlds were sound");
    assert!(differing > 100, "only {differing} differing flows in all");
}

/// Unrelated worlds: nearly everything differs, addresses and networks too.
#[test]
fn unrelated_worlds_differ_as_they_should() {
    let (first, count) = (setting("SEKISHO_SEED", 1), setting("SEKISHO_WORLDS", 150) / 10);
    for seed in first..first + count {
        let (old, new) = (base(seed), base(seed + 1));
        let Some(changes) = compared(&old, &new, Region::Changed) else { continue };
        let (before, after) = (Reference::new(&old, AT), Reference::new(&new, AT));
        for flow in flows(&before, &after, seed) {
            let (was, is) = (travels(&before, &flow), travels(&after, &flow));
            assert_eq!(
                (!was && is, was && !is),
                (holds(&changes.opens, &flow), holds(&changes.closes, &flow)),
                "{seed} {flow:?}"
            );
        }
        let whole = compared(&old, &new, Region::Whole).unwrap();
        assert_eq!(digests(&whole), digests(&changes), "seed {seed}");
    }
}

/// The two sides as sets of flows that can be held against each other.
fn same_flows(one: &[Product], other: &[Product]) -> bool {
    let mut space = FlowSpace::new(Order::default());
    let mut union = |products: &[Product]| {
        let sets: Vec<FlowSet> =
            products.iter().map(|one| space.product(&one.sources, &one.destinations, &one.services).unwrap()).collect();
        space.union_all(&sets).unwrap()
    };
    union(one) == union(other)
}

/// Other words on either side change no digest, and another change changes it exactly if it changes what opens.
#[test]
fn the_digest_stands_for_what_opens() {
    let (first, count) = (setting("SEKISHO_SEED", 1), setting("SEKISHO_WORLDS", 150) / 2);
    let (mut alike, mut unlike) = (0, 0);
    for seed in first..first + count {
        let mut random = Random::new(seed ^ 0xD19E57);
        let old = base(seed);
        let new = old.changed(&mut random).0;
        let Some(changes) = compared(&old, &new, Region::Changed) else { continue };
        let digest = diff::digest(&changes.opens);
        let pairs = [(old.refactored(&mut random).0, new.clone()), (old.clone(), new.refactored(&mut random).0)];
        for (old, new) in &pairs {
            let Some(again) = compared(old, new, Region::Changed) else { continue };
            assert_eq!(digest, diff::digest(&again.opens), "seed {seed}: in other words");
        }
        let Some(more) = compared(&old, &new.changed(&mut random).0, Region::Changed) else { continue };
        let is_same = same_flows(&changes.opens, &more.opens);
        assert_eq!(is_same, digest == diff::digest(&more.opens), "seed {seed}: one more change");
        if is_same { alike += 1 } else { unlike += 1 }
    }
    assert!(alike > 0 && unlike > 0, "{alike} alike, {unlike} unlike");
}

/// One flow more, and one flow less, wherever it hides.
#[test]
fn one_flow_is_found() {
    let (first, count) = (setting("SEKISHO_SEED", 1), setting("SEKISHO_WORLDS", 150));
    let (mut opened, mut closed) = (0, 0);
    for seed in first..first + count {
        let mut random = Random::new(seed ^ 0x1F10);
        let old = base(seed);
        let reference = Reference::new(&old, AT);
        let addresses = sample::addresses(&old);
        // Where a flow travels by rules, it is taken away; where none does, it is given.
        let ends: Vec<Flow> = (0..200)
            .filter_map(|_| {
                sample::flow(*random.pick(&addresses), *random.pick(&addresses), (6, Some(1053), Some(20_443)))
            })
            .filter(|flow| matches!(reference.verdict(flow), Verdict::Pass | Verdict::Drop))
            .collect();
        let Some(flow) = ends.first() else { continue };
        let passes = reference.verdict(flow) == Verdict::Pass;
        let mut new = old.clone();
        let rule = if passes { "deny" } else { "allow" };
        let ends = (flow.source.to_string(), flow.destination.to_string());
        new = if passes {
            new.deny("ONE-FLOW", &ends.0, &ends.1, "tcp/1053:20443")
        } else {
            new.allow("ONE-FLOW", &ends.0, &ends.1, "tcp/1053:20443")
        };
        let expected = travels(&Reference::new(&new, AT), flow) != travels(&reference, flow);
        let Some(changes) = compared(&old, &new, Region::Changed) else { continue };
        let (list, other) = if passes { (&changes.closes, &changes.opens) } else { (&changes.opens, &changes.closes) };
        assert!(other.is_empty(), "seed {seed}: {rule} {flow:?} {changes:?}");
        assert_eq!(list.len(), usize::from(expected), "seed {seed}: {rule} {flow:?} {changes:?}");
        if expected {
            assert!(holds(list, flow) && list[0].size().exact() == Some(1), "seed {seed}: {changes:?}");
            assert_eq!(list[0].services.size().exact(), Some(1));
            if passes { closed += 1 } else { opened += 1 }
        }
    }
    assert!(opened > 10 && closed > 5, "{opened} opened, {closed} closed");
}

/// Firewalls of which nobody suspects another plan have the same files, and plans that are alike are written alike.
#[test]
fn files_change_only_where_it_is_suspected() {
    let (first, count) = (setting("SEKISHO_SEED", 1), setting("SEKISHO_WORLDS", 150) / 3);
    let (mut spared, mut alike) = (0, 0);
    for seed in first..first + count {
        let mut random = Random::new(seed ^ 0xF11E);
        let mut old = base(seed);
        if !seed.is_multiple_of(4) {
            // With these, all firewalls are suspected.
            old.quarantines.clear();
            old.devices.iter_mut().for_each(|device| device.protect = false);
        }
        let new = if seed.is_multiple_of(3) { old.refactored(&mut random).0 } else { old.changed(&mut random).0 };
        let directory = tempfile::tempdir().unwrap();
        let old = loaded(&old, &directory.path().join("old")).unwrap();
        let Some(new) = loaded(&new, &directory.path().join("new")) else { continue };
        let (old_topology, new_topology) = (Topology::new(&old.model), Topology::new(&new.model));
        let at = AT.parse().unwrap();
        let before = Placement::new(&old.model, &old_topology, at);
        let after = Placement::new(&new.model, &new_topology, at);
        let files = |placement: &Placement<'_>, number: usize| {
            let device = pipeline::write_device(placement, number, Detail::Files, &mut Sink::default())?;
            Some((device.plan, device.written.files.into_iter().map(|file| file.text).collect::<Vec<_>>()))
        };
        let suspects = suspects(&before, &after);
        for number in 0..before.len() {
            let Some((plan, text)) = files(&before, number) else { continue };
            let same_name = |at: &usize| after.plan(*at).is_some_and(|other| other.device == plan.device);
            let other = (0..after.len()).find(same_name).and_then(|at| files(&after, at));
            if !suspects.iter().any(|(old, _)| *old == Some(number)) {
                spared += 1;
                assert_eq!(other.as_ref().map(|(_, text)| text), Some(&text), "seed {seed}: {}", plan.device);
            }
            if let Some((other, other_text)) = other.filter(|(other, _)| plan.is_like(other)) {
                alike += 1;
                assert_eq!(text, other_text, "seed {seed}: {}", other.device);
            }
        }
    }
    assert!(spared > 20 && alike > 10, "{spared} spared, {alike} alike");
}
