//! Placement, which shares graphs between all pairs of sites, against the graph of each single pair: both are the program's own.
//!
//! A rule must be planned on a firewall's interface pair for exactly those places between which [`PairGraph`] puts that pair on the way.
//! Made for what sharing could get wrong: many sites of one shape, each on two wide-area networks or with a line to the internet of its
//! own, so that they close loops through the core. `SEKISHO_WORLDS` is how many worlds, `SEKISHO_SEED` the first.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

mod worlds;

use sekisho::graph::{PairGraph, PlaceId, Role, Topology, ZoneId};
use sekisho::model::{Model, RuleId, SiteId};
use sekisho::plan::{DevicePlan, Placement};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use worlds::World;
use worlds::random::{AT, Random};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Adds the firewalls of a site by a shape; `a` and `b` are the wide-area networks that it is on.
fn shape(world: World, number: usize, site: &str, (a, b): (&str, &str)) -> World {
    let (zero, one) = (format!("{site}/n0"), format!("{site}/n1"));
    let firewall =
        |world: World, name: &str, joins: &[&str]| world.firewall(&format!("fw-{site}-{name}"), site, &joins.join(" "));
    let (zero, one) = (zero.as_str(), one.as_str());
    let with = |world: World, list: &[&[&str]]| {
        list.iter().zip(["a", "b", "c"]).fold(world, |world, (joins, name)| firewall(world, name, joins))
    };
    match number {
        0 => with(world, &[&[zero, one, a]]),
        1 => with(world, &[&[zero, a], &[zero, one, b]]),
        2 => with(world, &[&[zero, one, a, b]]),
        3 => with(world, &[&[zero, a], &[zero, b], &[zero, one]]),
        4 => with(world, &[&[zero, one, a], &[zero, "inet"]]),
        5 => with(world, &[&[zero, a], &[one, b]]),
        6 => with(world, &[&[zero, one, a], &[one, b, "inet"]]),
        7 => with(world, &[&[zero, a, b], &[zero, one, a]]),
        8 => with(world, &[&[zero, a], &[zero, one], &[one, b]]),
        9 => with(world.router(&format!("rt-{site}"), site, &format!("{zero} {a}")), &[&[zero, one, b]]),
        10 => with(world, &[&[a, b], &[zero, one, a]]),
        _ => world.router(&format!("rt-{site}"), site, &format!("{zero} {one} {a}")),
    }
}

const SHAPES: usize = 12;

/// Six to twelve sites of a few shapes on two or three wide-area networks, with hubs and core firewalls that close loops.
fn template(seed: u64) -> World {
    let mut random = Random::new(seed);
    let mut world = World::default().transit("wan0").transit("wan1").transit("wan2").internet("inet");
    let shapes: Vec<usize> = (0..1 + random.below(3)).map(|_| random.below(SHAPES)).collect();
    let wans = ["wan0", "wan1", "wan2"];
    let third = random.chance(30);
    for number in 0..6 + random.below(7) {
        let site = format!("s{number}");
        world = if random.chance(8) { world.hub(&site) } else { world.site(&site) };
        for network in 0..2 {
            world = world.network(&format!("{site}/n{network}"), &format!("10.{number}.{network}.0/24"), "");
        }
        let (mut a, mut b) = ("wan0", "wan1");
        if random.chance(15) {
            (a, b) = (b, a);
        }
        if third && random.chance(40) {
            b = "wan2";
        }
        let kind = if random.chance(80) { *random.pick(&shapes) } else { random.below(SHAPES) };
        world = shape(world, kind, &site, (a, b));
    }
    let last = world.sites.len();
    for number in 0..random.below(4) {
        let mut joins: BTreeSet<String> = BTreeSet::from([(*random.pick(&wans)).to_string()]);
        joins.insert((*random.pick(&["wan0", "wan1", "wan2", "inet"])).to_string());
        if random.chance(50) {
            joins.insert(format!("s{}/n{}", random.below(last), random.below(2)));
        }
        let site = if random.chance(60) { String::new() } else { format!("s{}", random.below(last)) };
        let joins: Vec<String> = joins.into_iter().collect();
        world = match random.chance(80) {
            true => world.firewall(&format!("odd{number}"), &site, &joins.join(" ")),
            false => world.router(&format!("odd{number}"), &site, &joins.join(" ")),
        };
    }
    let some = |random: &mut Random| {
        let sites: BTreeSet<String> = (0..1 + random.below(4)).map(|_| format!("s{}", random.below(last))).collect();
        sites.into_iter().collect::<Vec<_>>().join(", ")
    };
    world = world.allow("ALL", "any", "any", "tcp/443");
    for number in 0..4 {
        let (from, to) = (some(&mut random), some(&mut random));
        let from = if random.chance(20) { "inet".to_string() } else { from };
        let to = if random.chance(20) { "any".to_string() } else { to };
        world = world.allow(&format!("R{number}"), &from, &to, &format!("tcp/{}", number + 1));
    }
    world.deny("N", &format!("*/n{}", random.below(2)), "any", "udp/1")
}

fn model_of(world: &World) -> sekisho::pipeline::Loaded {
    let directory = tempfile::tempdir().unwrap();
    world.write_project(directory.path()).unwrap();
    let loaded = sekisho::pipeline::load(directory.path()).unwrap();
    assert!(loaded.is_sound(), "{:?}\n{}", loaded.diagnostics(), world.text());
    loaded
}

/// An address for each network, and a public one; those of no place fall out.
fn places(world: &World, model: &Model, topology: &Topology) -> Vec<(IpAddr, PlaceId)> {
    let mut addresses: Vec<IpAddr> =
        world.networks().flat_map(|(_, network)| &network.prefixes).map(|one| one.first).collect();
    addresses.extend(["8.8.8.8", "2606:4700::1111"].map(|text| text.parse::<IpAddr>().unwrap()));
    let place = |address| Some((address, topology.zones.place_at(model.located.of(address)?)?));
    addresses.into_iter().filter_map(place).collect()
}

type Ends = (IpAddr, IpAddr);
type Crossings = BTreeSet<(ZoneId, ZoneId)>;

/// By definition: for each two addresses, on which firewalls' which crossings.
fn defined(topology: &Topology, places: &[(IpAddr, PlaceId)]) -> BTreeMap<(usize, IpAddr, IpAddr), Crossings> {
    let mut result = BTreeMap::new();
    for (source, from) in places {
        for (destination, to) in places.iter().filter(|(address, _)| address.is_ipv4() == source.is_ipv4()) {
            for on in PairGraph::new(topology, *from, *to).unwrap().on_the_way() {
                result.insert((on.firewall, *source, *destination), on.crossings.into_iter().collect());
            }
        }
    }
    result
}

/// The pairs of addresses that a rule covers.
fn covered(model: &Model, rule: RuleId, places: &[(IpAddr, PlaceId)]) -> BTreeSet<Ends> {
    let mut result = BTreeSet::new();
    for product in &model.rules[rule.index()].products {
        let within = |id, address: IpAddr| model.endpoint(id).contains(address);
        for (source, _) in places.iter().filter(|(address, _)| within(product.source, *address)) {
            let to = places.iter().filter(|(address, _)| within(product.destination, *address));
            result.extend(to.filter(|(to, _)| to.is_ipv4() == source.is_ipv4()).map(|(to, _)| (*source, *to)));
        }
    }
    result
}

fn planned(
    plan: &DevicePlan,
    rule: &str,
    (input, output): (usize, usize),
    places: &[(IpAddr, PlaceId)],
) -> BTreeSet<Ends> {
    let pairs = plan.pairs.iter().filter(|pair| (pair.in_interface, pair.out_interface) == (input, output));
    let rules = pairs.flat_map(|pair| &pair.rules).filter(|planned| planned.label.name == rule);
    let mut result = BTreeSet::new();
    for rule in rules {
        let (from, to): (Vec<IpAddr>, Vec<IpAddr>) = (
            places.iter().map(|(address, _)| *address).filter(|address| rule.source.contains(*address)).collect(),
            places.iter().map(|(address, _)| *address).filter(|address| rule.destination.contains(*address)).collect(),
        );
        for source in from {
            result.extend(to.iter().filter(|to| to.is_ipv4() == source.is_ipv4()).map(|to| (source, *to)));
        }
    }
    result
}

#[derive(Default, Debug)]
struct Seen {
    complex: usize,
    alike: usize,
    sites: usize,
    planned: usize,
}

impl Seen {
    fn count(&mut self, model: &Model, topology: &Topology) {
        let mut classes: BTreeMap<usize, usize> = BTreeMap::new();
        for site in 0..model.sites.len() {
            self.sites += 1;
            if let Role::Complex { class, .. } = topology.world(false).role(Some(SiteId::from_index(site))) {
                *classes.entry(*class).or_default() += 1;
            }
        }
        self.complex += classes.values().sum::<usize>();
        self.alike += classes.values().filter(|sites| **sites > 1).sum::<usize>();
    }
}

/// What is planned otherwise than defined; empty if nothing is.
fn differences(world: &World, seen: &mut Seen) -> Vec<String> {
    let loaded = model_of(world);
    let (model, at) = (&loaded.model, AT.parse().unwrap());
    let topology = Topology::new(model);
    seen.count(model, &topology);
    let placement = Placement::new(model, &topology, at);
    let places = places(world, model, &topology);
    let defined = defined(&topology, &places);
    let rules: Vec<(String, BTreeSet<Ends>)> = (0..model.rules.len())
        .filter(|rule| model.rules[*rule].period.contains(at))
        .map(|rule| (model.rules[rule].name.value.clone(), covered(model, RuleId::from_index(rule), &places)))
        .collect();
    let mut found = Vec::new();
    for (number, firewall) in topology.firewalls.iter().enumerate() {
        let plan = placement.plan(number).unwrap();
        let zones = &firewall.interface_zones;
        for (input, output) in
            (0..zones.len()).flat_map(|a| (0..zones.len()).map(move |b| (a, b))).filter(|(a, b)| a != b)
        {
            for (rule, covered) in &rules {
                let is_on_the_way = |(from, to): &&Ends| {
                    defined.get(&(number, *from, *to)).is_some_and(|all| all.contains(&(zones[input], zones[output])))
                };
                let right: BTreeSet<Ends> = covered.iter().filter(is_on_the_way).copied().collect();
                let planned = planned(&plan, rule, (input, output), &places);
                seen.planned += planned.len();
                if planned != right {
                    let (more, less): (Vec<_>, Vec<_>) =
                        (planned.difference(&right).collect(), right.difference(&planned).collect());
                    let names = (&plan.interfaces[input].name, &plan.interfaces[output].name);
                    found.push(format!(
                        "{} {names:?} {rule}: planned, not defined {more:?}; defined, not planned {less:?}",
                        plan.device
                    ));
                }
            }
        }
    }
    found
}

fn check(make: impl Fn(u64) -> World, worlds: u64) -> Seen {
    let mut seen = Seen::default();
    let first = setting("SEKISHO_SEED", 1);
    for seed in first..first + setting("SEKISHO_WORLDS", worlds) {
        let world = make(seed);
        let found = differences(&world, &mut seen);
        assert!(found.is_empty(), "world {seed}\n{}\n{}", world.text(), found.join("\n"));
    }
    println!("{seen:?}");
    seen
}

#[test]
fn many_sites_of_few_shapes_are_planned_as_each_pair_is_defined() {
    let seen = check(template, 60);
    assert!(seen.complex * 3 > seen.sites, "too few sites close loops: {seen:?}");
    assert!(seen.alike * 2 > seen.complex, "too few sites share a graph: {seen:?}");
}

#[test]
fn random_worlds_are_planned_as_each_pair_is_defined() {
    check(World::random, 150);
}

/// The interfaces of a firewall by which it lets a source in to its own addresses.
fn let_in(world: &World, device: &str, source: &str) -> Vec<String> {
    let loaded = model_of(world);
    let topology = Topology::new(&loaded.model);
    let placement = Placement::new(&loaded.model, &topology, AT.parse().unwrap());
    let mut plans = (0..placement.len()).filter_map(|number| placement.plan(number));
    let plan = plans.find(|plan| plan.device == device).unwrap();
    let source: IpAddr = source.parse().unwrap();
    let rules = plan.input.unwrap().rules;
    let holding = rules.into_iter().filter(|(_, rules)| rules.iter().any(|rule| rule.source.contains(source)));
    holding.map(|(interface, _)| plan.interfaces[interface].name.clone()).collect()
}

/// A neighbour may come to the far address of a firewall by another firewall between the same two networks.
#[test]
fn a_neighbour_may_come_in_by_the_far_interface() {
    let base = World::default().site("s").network("s/a", "10.0.0.0/24", "").network("s/b", "10.0.1.0/24", "");
    let own = base.firewall("p", "s", "s/a s/b").protected("10.0.0.1 10.0.1.1");
    let world = own.allow("SSH", "s/a", "10.0.1.1", "tcp/22");
    assert_eq!(let_in(&world, "p", "10.0.0.9"), ["eth0"]);
    assert_eq!(let_in(&world.firewall("q", "s", "s/a s/b"), "p", "10.0.0.9"), ["eth0", "eth1"]);
}

/// A firewall of one site with a foot in another's network is an end there like any host, though it is on no way to it.
#[test]
fn a_firewall_in_another_sites_network_can_be_reached() {
    let sites =
        World::default().site("s").network("s/a", "10.0.0.0/24", "").site("t").network("t/a", "10.1.0.0/24", "");
    let joined = sites.site("u").network("u/a", "10.2.0.0/24", "").transit("wan");
    let firewalls = joined.firewall("fs", "s", "s/a wan").firewall("ft", "t", "t/a wan");
    let world = firewalls.firewall("p", "u", "u/a s/a").protected("10.2.0.1 10.0.0.1");
    let world = world.allow("SSH", "t/a", "10.0.0.1", "tcp/22");
    assert_eq!(let_in(&world, "p", "10.1.0.9"), ["eth1"]);
}

/// What lies behind the address's network is no way to it.
#[test]
fn nobody_comes_in_from_behind_the_address() {
    let sites = World::default().site("s").network("s/a", "10.0.0.0/24", "").network("s/b", "10.0.1.0/24", "");
    let joined = sites.site("t").network("t/a", "10.1.0.0/24", "").transit("wan");
    let firewalls = joined.firewall("fs", "s", "s/a wan").firewall("ft", "t", "t/a wan").firewall("q", "s", "s/a s/b");
    let world = firewalls.firewall("p", "s", "s/a s/b").protected("10.0.0.1 10.0.1.1");
    let world = world.allow("SSH", "t/a", "10.0.0.1", "tcp/22");
    assert_eq!(let_in(&world, "p", "10.1.0.9"), ["eth0"]);
}
