//! What `check` says about `never`, sent through what `compile` wrote: a witness must come out, a flow of a proved one must not.
//!
//! Of every violated `never` of random worlds, direct or transitive, the witness of each hop and flows from the corners of its `exact`
//! go over every simple path that the reference enumerates, through every firewall on it. Of every proved one, flows at the borders of
//! its sets must be dropped by a firewall on each path; a transitive one says that of a single hop too. The decision a reader would doubt: each firewall is asked on its own, not
//! cabled to the next. Nothing translates addresses, so what comes out of one is what the next is sent.
//! `SEKISHO_WORLDS` is how many worlds, `SEKISHO_SEED` the first of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::Test;
use crate::emitted::{compile, flow_of, interfaces, is_forwardable, seeds, setting};
use crate::harness::{Flush, Namespace, Outcome, Packet, Probe};
use crate::reference::answers::{self, Product, Row};
use crate::reference::classes::{Block, packet_of};
use crate::reference::probes::Crossing;
use crate::reference::ways::{End, Vertex};
use crate::reference::{Reference, sample};
use crate::worlds::random::{AT, Random};
use crate::worlds::{Assertion, Device, Flow, World};

pub const TESTS: &[Test] = &[
    ("witnesses_pass_through_the_emitted_rule_sets", witnesses),
    ("a_witness_that_is_none_is_noticed", false_witness),
];

/// How many flows of each hop are sent beside its witness.
const PER_HOP: usize = 12;
/// How many products of a hop are looked at.
const PRODUCTS: usize = 4;
/// How many flows of each proved `never` are sent.
const PER_PROVED: usize = 8;

/// A flow of an answer, and what the answer says of it.
#[derive(Clone, Debug)]
struct Claim {
    assertion: String,
    flow: Flow,
    kind: Kind,
    is_witness: bool,
}

impl Claim {
    fn told(&self) -> String {
        let what = match self.kind {
            Kind::Direct => "violates".to_owned(),
            Kind::Hop(length) => format!("is a hop of a chain of {length} that violates"),
            Kind::Proved => "is among the flows of the proved".to_owned(),
        };
        format!("{} {what} {}; it", self.flow.csv(), self.assertion)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// It violates a `never` that is not transitive.
    Direct,
    /// It is a hop of a chain of so many.
    Hop(usize),
    /// It belongs to a `never` that is proved.
    Proved,
}

/// What was asked and sent.
#[derive(Debug, Default)]
struct Count {
    worlds: usize,
    assertions: usize,
    explained: usize,
    unenforced: usize,
    /// Flows of violated assertions that were sent, by kind, and how many of them were witnesses.
    sent: BTreeMap<Kind, (usize, usize)>,
    packets: usize,
    paths: usize,
    longest: usize,
    /// Flows of proved assertions that some rule allows: a deny, a quarantine or a missing keep stops them.
    contested: usize,
    not_forwarded: usize,
    to_itself: usize,
    by_platform: BTreeMap<String, usize>,
}

fn run(project: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.arg(arguments[0]).arg(project).args(["--at", AT]).args(&arguments[1..]).output().expect("it runs")
}

/// What `check` says about each assertion.
fn check(project: &Path) -> Result<Vec<Value>, String> {
    let output = run(project, &["check", "--format", "json"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !matches!(output.status.code(), Some(0 | 1 | 3)) {
        return Err(format!("check: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let value: Value = serde_json::from_str(&text).map_err(|why| format!("check: {why}\n{text}"))?;
    answers::list(&value["assertions"]).cloned()
}

/// The verdict of `explain` on each flow.
fn explain(project: &Path, flows: &[Flow]) -> Result<Vec<String>, String> {
    let file = project.with_file_name("flows.csv");
    let lines: Vec<String> = flows.iter().map(Flow::csv).collect();
    std::fs::write(&file, format!("src,dst,protocol,sport,dport\n{}\n", lines.join("\n")))
        .expect("the flows are written");
    let output = run(project, &["explain", "--batch", &file.display().to_string()]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let verdicts: Vec<String> =
        text.lines().skip(1).filter_map(|line| line.split(',').nth(5)).map(str::to_owned).collect();
    if verdicts.len() != flows.len() {
        return Err(format!("explain: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    Ok(verdicts)
}

/// The first and the last of a list; one of a list of one.
fn ends<T: Copy + PartialEq>(first: Option<T>, last: Option<T>) -> Vec<T> {
    let mut ends: Vec<T> = [first, last].into_iter().flatten().collect();
    ends.dedup();
    ends
}

/// Packets at both ends of what a block holds.
fn packets(block: &Block) -> Vec<sample::Packet> {
    if *block == Block::ANY {
        return vec![
            (6, Some(49152), Some(443)),
            (17, Some(65535), Some(0)),
            (1, Some(8), Some(0)),
            (58, Some(128), Some(0)),
        ];
    }
    let byte = |most: u16| if matches!(block.protocols.1, 1 | 58) { most.min(255) } else { most };
    let last = Block {
        protocols: (block.protocols.1, block.protocols.1),
        first: (byte(block.first.1), byte(block.first.1)),
        second: (byte(block.second.1), byte(block.second.1)),
    };
    ends(Some(packet_of(block)), Some(packet_of(&last)))
}

/// Flows at the corners of a product.
fn corners(product: &Product) -> Vec<Flow> {
    let sources = ends(product.sources.first().map(|one| one.first), product.sources.last().map(|one| one.last));
    let destinations =
        ends(product.destinations.first().map(|one| one.first), product.destinations.last().map(|one| one.last));
    let blocks = ends(product.services.first().copied(), product.services.last().copied());
    let kinds: Vec<sample::Packet> = blocks.iter().flat_map(packets).collect();
    let ends = sources.iter().flat_map(|source| destinations.iter().map(move |destination| (*source, *destination)));
    ends.flat_map(|(source, destination)| kinds.iter().filter_map(move |kind| sample::flow(source, destination, *kind)))
        .collect()
}

/// The witness of a row and some flows of its set.
fn flows_of(row: &Row, random: &mut Random) -> Result<Vec<(Flow, bool)>, String> {
    let witness = row.witness.and_then(|witness| witness.flow()).ok_or_else(|| format!("no witness: {row:?}"))?;
    let mut others: Vec<Flow> = row.exact.iter().take(PRODUCTS).flat_map(corners).collect();
    let mut flows = vec![(witness, true)];
    while flows.len() <= PER_HOP && !others.is_empty() {
        flows.push((others.swap_remove(random.below(others.len())), false));
    }
    Ok(flows)
}

/// Everything that an answer says about single flows.
fn claims(reference: &Reference<'_>, answer: &Value, random: &mut Random) -> Result<Vec<Claim>, String> {
    let name = answer["name"].as_str().unwrap_or_default();
    let assertion = reference.world.assertions.iter().find(|one| one.name == name);
    let assertion = assertion.ok_or_else(|| format!("check: there is no assertion {name}"))?;
    if assertion.kind != "never" {
        return Ok(Vec::new());
    }
    let claim = |flow, kind, is_witness| Claim { assertion: name.to_owned(), flow, kind, is_witness };
    if answer["outcome"] == "proved" {
        let flows = forbidden(reference, assertion, random);
        return Ok(flows.into_iter().map(|flow| claim(flow, Kind::Proved, false)).collect());
    }
    let rows = answers::rows(&answer["hops"])?;
    let kind = if assertion.transitive { Kind::Hop(rows.len()) } else { Kind::Direct };
    let mut claims = Vec::new();
    for row in rows.iter().filter(|row| !assertion.transitive || !row.rules.is_empty()) {
        claims.extend(flows_of(row, random)?.into_iter().map(|(flow, is_witness)| claim(flow, kind, is_witness)));
    }
    Ok(claims)
}

/// Flows between the ends of a proved `never`: nothing should let them through. None while a waiver lets some rule through.
fn forbidden(reference: &Reference<'_>, assertion: &Assertion, random: &mut Random) -> Vec<Flow> {
    let world = reference.world;
    if world.waivers.iter().any(|waiver| waiver.assertion == assertion.name && reference.is_waiving(waiver)) {
        return Vec::new();
    }
    let known = sample::addresses(world);
    let held =
        |endpoints| known.iter().copied().filter(|one| reference.sets.holds(endpoints, *one)).collect::<Vec<_>>();
    let (from, to) = (held(&assertion.from), held(&assertion.to));
    let packets: Vec<sample::Packet> = match &assertion.on {
        Some(on) => sample::packets(on, world).into_iter().collect(),
        None => sample::all_packets(world),
    };
    let serves = |flow: &Flow| assertion.on.as_ref().is_none_or(|on| reference.sets.serves(on, flow));
    let mut flows = BTreeSet::new();
    for _ in 0..if from.is_empty() || to.is_empty() { 0 } else { PER_PROVED * 20 } {
        let (mut source, mut destination) = (*random.pick(&from), *random.pick(&to));
        if assertion.both_ways && random.chance(50) {
            (source, destination) = (destination, source);
        }
        flows.extend(sample::flow(source, destination, *random.pick(&packets)).filter(|flow| serves(flow)));
    }
    // First those that some rule allows and another takes away.
    let mut flows: Vec<Flow> = flows.into_iter().collect();
    flows.sort_by_key(|flow| reference.allows_of(flow).is_empty());
    flows.truncate(PER_PROVED);
    flows
}

/// Each firewall of a path with the ways through it: as many as it has interfaces in the zones before and behind it.
type Steps = Vec<BTreeSet<(String, String, String)>>;

/// The paths between ends, kept because many flows share them.
struct Paths<'r, 'w> {
    reference: &'r Reference<'w>,
    known: BTreeMap<(End, End), Vec<Steps>>,
}

impl Paths<'_, '_> {
    fn of(&mut self, flow: &Flow) -> Vec<Steps> {
        let reference = self.reference;
        let (Some(source), Some(destination)) = (reference.end(flow.source), reference.end(flow.destination)) else {
            return Vec::new();
        };
        let find = || {
            let paths = reference.topology.paths(&source, &destination);
            let steps: BTreeSet<Steps> = paths.iter().map(|path| steps(reference, path)).collect();
            steps.into_iter().collect()
        };
        self.known.entry((source.clone(), destination.clone())).or_insert_with(find).clone()
    }
}

fn steps(reference: &Reference<'_>, path: &[Vertex]) -> Steps {
    let step = |three: &[Vertex]| {
        let [Vertex::Zone(from), Vertex::Firewall(firewall), Vertex::Zone(to)] = three else { return None };
        let device = reference.world.devices.iter().find(|device| device.name == *firewall)?;
        let names = |zone| {
            let own = device.interfaces.iter().map(|one| one.name.as_str());
            own.filter(move |name| reference.zone_of_interface(firewall, name) == zone)
        };
        let pairs = names(*from).flat_map(|input| names(*to).map(move |output| (input, output)));
        Some(pairs.map(|(input, output)| (firewall.clone(), input.to_owned(), output.to_owned())).collect())
    };
    path.windows(3).filter_map(step).collect()
}

/// A claim with the paths on which it is sent.
struct Journey {
    claim: Claim,
    paths: Vec<Steps>,
}

/// Compares `explain` with the claims, and gives those that are to be sent.
fn journeys(
    reference: &Reference<'_>,
    project: &Path,
    claims: Vec<Claim>,
    count: &mut Count,
) -> Result<Vec<Journey>, String> {
    let flows: Vec<Flow> = claims.iter().map(|claim| claim.flow).collect();
    let verdicts = explain(project, &flows)?;
    let mut paths = Paths { reference, known: BTreeMap::new() };
    let mut journeys = Vec::new();
    for (claim, verdict) in claims.into_iter().zip(verdicts) {
        let is_right = match claim.kind {
            Kind::Direct => verdict == "pass" || verdict == "unenforced" && in_one_zone(reference, &claim.flow),
            Kind::Hop(_) => verdict == "pass",
            Kind::Proved => matches!(verdict.as_str(), "drop" | "unroutable"),
        };
        if !is_right {
            return Err(format!("explain: {} is `{verdict}`", claim.told()));
        }
        count.explained += 1;
        count.unenforced += usize::from(verdict == "unenforced");
        let goes = matches!(verdict.as_str(), "pass" | "drop");
        if goes && !is_forwardable(&claim.flow) {
            count.not_forwarded += 1;
        } else if goes && claim.kind == Kind::Proved && may_be_accepted(reference, &claim.flow) {
            count.to_itself += 1;
        } else if goes {
            let paths = paths.of(&claim.flow);
            if paths.is_empty() || paths.iter().any(Vec::is_empty) {
                return Err(format!("paths: {} is `{verdict}`, and a path has no firewall", claim.told()));
            }
            journeys.push(Journey { claim, paths });
        }
    }
    Ok(journeys)
}

fn in_one_zone(reference: &Reference<'_>, flow: &Flow) -> bool {
    let zone = |address| reference.end(address).map(|end| end.zone);
    zone(flow.source).is_some() && zone(flow.source) == zone(flow.destination)
}

/// Whether a firewall is the destination, and need not drop what it is sent: unprotected, or an ICMP error or neighbour discovery.
fn may_be_accepted(reference: &Reference<'_>, flow: &Flow) -> bool {
    let owns = |device: &&Device| device.interfaces.iter().any(|one| one.addresses.contains(&flow.destination));
    let mut owners = reference.world.devices.iter().filter(owns);
    owners.any(|device| !device.protect || matches!(flow.protocol, 1 | 58))
}

/// What became of each flow at each firewall on its way.
type Fates = BTreeMap<(String, Crossing), Outcome>;

fn crossing((firewall, input, output): &(String, String, String), flow: &Flow) -> (String, Crossing) {
    (firewall.clone(), Crossing { input: input.clone(), output: output.clone(), flow: *flow })
}

/// Loads the files of every firewall and sends it what comes by on any path.
fn send(world: &World, journeys: &[Journey], count: &mut Count) -> Result<Fates, String> {
    let mut wanted: BTreeMap<String, BTreeSet<Crossing>> = BTreeMap::new();
    for Journey { claim, paths } in journeys {
        for (firewall, crossing) in paths.iter().flatten().flatten().map(|pair| crossing(pair, &claim.flow)) {
            wanted.entry(firewall).or_default().insert(crossing);
        }
    }
    let files = compile(world)?;
    let mut fates = Fates::new();
    for (firewall, crossings) in wanted {
        let device = world.devices.iter().find(|device| device.name == firewall).expect("a firewall");
        let mut namespace =
            Namespace::with_interfaces(&interfaces(device)).map_err(|error| format!("kernel: {error}"))?;
        files[&firewall].load(&namespace, Flush::Table).map_err(|error| format!("load: {firewall}: {error}"))?;
        let probe = |one: &Crossing| Probe {
            input: one.input.clone(),
            output: one.output.clone(),
            packet: Packet::first(&flow_of(&one.flow)),
        };
        let outcomes = namespace.send(&crossings.iter().map(probe).collect::<Vec<_>>());
        count.packets += crossings.len();
        *count.by_platform.entry(device.platform.clone().unwrap_or_default()).or_default() += crossings.len();
        fates.extend(crossings.into_iter().map(|crossing| (firewall.clone(), crossing)).zip(outcomes));
    }
    Ok(fates)
}

/// Whether a flow comes out of every firewall on each path, or, of a proved assertion, out of none of the paths.
fn judge(world: &World, Journey { claim, paths }: &Journey, fates: &Fates) -> Result<(), String> {
    let is_through = |pair: &(String, String, String)| {
        let device = world.devices.iter().find(|device| device.name == pair.0).expect("a firewall");
        let is_own = device.interfaces.iter().any(|one| one.addresses.contains(&claim.flow.destination));
        match &fates[&crossing(pair, &claim.flow)] {
            Outcome::Passed { output } => *output == pair.2,
            Outcome::Delivered => is_own,
            Outcome::Dropped => false,
        }
    };
    for path in paths {
        let (is_right, told) = match claim.kind {
            Kind::Proved => (path.iter().any(|step| !step.iter().any(is_through)), "is dropped by no firewall"),
            Kind::Direct | Kind::Hop(_) => (path.iter().flatten().all(is_through), "does not come out"),
        };
        if !is_right {
            return Err(format!("kernel: {} {told} on the path {path:?}", claim.told()));
        }
    }
    Ok(())
}

/// Asks about one world; the first thing that is wrong.
fn ask(world: &World, seed: u64, count: &mut Count) -> Result<(), String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let project = directory.path().join("project");
    std::fs::create_dir(&project).expect("a directory");
    world.write_project(&project).expect("the project is written");
    let reference = Reference::new(world, AT);
    let mut random = Random::new(seed ^ 0x717E55);
    let mut all = Vec::new();
    for answer in check(&project)? {
        let found = claims(&reference, &answer, &mut random)?;
        count.assertions += usize::from(!found.is_empty());
        all.extend(found);
    }
    count.worlds += 1;
    let journeys = journeys(&reference, &project, all, count)?;
    let fates = send(world, &journeys, count)?;
    for journey in &journeys {
        judge(world, journey, &fates)?;
        let (flows, witnesses) = count.sent.entry(journey.claim.kind).or_default();
        *flows += 1;
        *witnesses += usize::from(journey.claim.is_witness);
        count.contested +=
            usize::from(journey.claim.kind == Kind::Proved && !reference.allows_of(&journey.claim.flow).is_empty());
        count.paths += journey.paths.len();
        count.longest = journey.paths.iter().map(Vec::len).max().unwrap_or(0).max(count.longest);
    }
    Ok(())
}

/// Takes away what can be taken away while the same thing goes wrong.
fn smallest(mut world: World, mut text: String, seed: u64) -> (World, String) {
    let part = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
    'again: loop {
        for candidate in world.smaller() {
            if let Some(told) =
                ask(&candidate, seed, &mut Count::default()).err().filter(|told| part(told) == part(&text))
            {
                (world, text) = (candidate, told);
                continue 'again;
            }
        }
        return (world, text);
    }
}

/// Seven of eight worlds are made for questions; the eighth is one of those that the other tests in the kernel use.
fn world_of(seed: u64) -> World {
    if seed.is_multiple_of(8) { World::random(seed) } else { World::asked(seed) }
}

fn witnesses() {
    let mut count = Count::default();
    for seed in seeds(45) {
        let world = world_of(seed);
        if let Err(text) = ask(&world, seed, &mut count) {
            let (world, text) = smallest(world, text, seed);
            panic!("world {seed} (SEKISHO_SEED={seed} SEKISHO_WORLDS=1)\n{}\n{text}", world.text());
        }
    }
    println!("{count:?}");
    let sum = |kinds: &dyn Fn(&Kind) -> bool| {
        let chosen = count.sent.iter().filter(|(kind, _)| kinds(kind));
        chosen.fold((0, 0), |sum, (_, one)| (sum.0 + one.0, sum.1 + one.1))
    };
    let (direct, chained) = (sum(&|kind| *kind == Kind::Direct), sum(&|kind| matches!(kind, Kind::Hop(_))));
    let (long, proved) = (sum(&|kind| matches!(kind, Kind::Hop(2..))), sum(&|kind| *kind == Kind::Proved));
    println!(
        "{} worlds: {} witnesses and {} more flows of violated assertions came out, {} of them hops of chains; {} flows of proved ones did not",
        count.worlds,
        direct.1 + chained.1,
        direct.0 + chained.0 - direct.1 - chained.1,
        chained.0,
        proved.0
    );
    // A single world may have nothing of some kind.
    if setting("SEKISHO_WORLDS", 45) >= 30 {
        let enough = direct.0 >= 20 && chained.1 >= 20 && long.1 >= 10 && proved.0 >= 50;
        assert!(enough, "too little was sent to say anything: {count:#?}");
        assert!(["nftables", "iptables"].iter().all(|platform| count.by_platform[*platform] >= 50), "{count:#?}");
        assert!(count.longest >= 2, "no path leads through two firewalls");
    }
}

/// The test itself is tested: without any rule in the policy, nothing that it sends comes out, and it notices.
fn false_witness() {
    let mut noticed = 0;
    for seed in 1..=12 {
        let world = World::asked(seed);
        let journeys = witnesses_of(&world, seed);
        let mut without = world.clone();
        without.rules.clear();
        without.waivers.clear();
        without.quarantines.clear();
        let fates = send(&without, &journeys, &mut Count::default()).expect("it is sent");
        for journey in journeys {
            assert!(judge(&world, &journey, &fates).is_err(), "{} came out without any rule", journey.claim.told());
            let forbidden = Journey { claim: Claim { kind: Kind::Proved, ..journey.claim }, ..journey };
            assert_eq!(judge(&world, &forbidden, &fates), Ok(()));
            noticed += 1;
        }
    }
    println!("{noticed} flows of violated assertions do not come out of an empty policy");
    assert!(noticed >= 50, "only {noticed} flows were tried");
}

/// The flows of violated assertions of a world that cross a firewall and are to none.
fn witnesses_of(world: &World, seed: u64) -> Vec<Journey> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let project = directory.path().join("project");
    std::fs::create_dir(&project).expect("a directory");
    world.write_project(&project).expect("the project is written");
    let reference = Reference::new(world, AT);
    let mut random = Random::new(seed);
    let answers = check(&project).expect("it checks");
    let found = answers.iter().flat_map(|answer| claims(&reference, answer, &mut random).expect("an answer"));
    let claims = found.filter(|claim| claim.kind != Kind::Proved).collect();
    let mut journeys = journeys(&reference, &project, claims, &mut Count::default()).expect("they pass");
    let own: BTreeSet<_> =
        world.devices.iter().flat_map(|one| &one.interfaces).flat_map(|one| &one.addresses).collect();
    journeys.retain(|journey| !own.contains(&journey.claim.flow.destination));
    journeys
}
