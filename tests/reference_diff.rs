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
use sekisho::diff::{self, Changes, Region, Side, Which};
use sekisho::graph::Topology;
use sekisho::packet::{Product, Protocol, ServicePoint};
use sekisho::pipeline::{self, Loaded};
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
