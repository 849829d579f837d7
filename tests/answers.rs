//! `query`, `blast` and `matrix`: what they print, byte for byte, and that their rows mean what `explain` says.
//!
//! Goldens are in `tests/golden/answers/PROJECT/`; `UPDATE_GOLDEN=1 cargo test --test answers` rewrites them. The properties are about random worlds: `SEKISHO_WORLDS` is how many,
//! `SEKISHO_SEED` the first. They hold the rows against the judge of single flows, which is another part of the program; the comparison with a reference that shares no code is elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod support;
mod worlds;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use sekisho::answer::{Asked, Depth, Names, Parties, blast, matrix, query};
use sekisho::graph::Topology;
use sekisho::model::resolve_services;
use sekisho::packet::{AddressSet, Family, Flow, ServicePoint, ServiceSet};
use sekisho::pipeline::{self, Loaded};
use sekisho::reach::{Prover, Reach, Verdict};
use sekisho::report::json::{FlowObject, Row};
use sekisho::source::FileId;
use sekisho::syntax::{self, ast::Primary};
use support::{Said, root};
use worlds::World;
use worlds::random::{AT, Random};

/// The day on which the samples are asked.
const DAY: &str = "2026-11-21";

fn sekisho(directory: &Path, arguments: &[&str]) -> Said {
    support::sekisho(directory, &[arguments, &["--at", DAY]].concat())
}

#[test]
fn samples_are_answered_as_before() {
    let questions: &[(&str, &str, &[&str])] = &[
        ("quickstart", "query", &["query"]),
        ("quickstart", "blast", &["blast", "--from", "branch"]),
        ("quickstart", "matrix", &["matrix"]),
        ("incident-2020", "query", &["query"]),
        ("incident-2020", "query-erp", &["query", "--to", "dc/erp", "--on", "tcp except ssh"]),
        ("incident-2020", "query-suspects", &["query", "--from", "suspects"]),
        ("incident-2020", "blast-bangkok", &["blast", "--from", "bangkok"]),
        ("incident-2020", "blast-internet", &["blast", "--from", "internet"]),
        ("incident-2020", "blast-jump", &["blast", "--from", "dc/jump", "--on", "ssh, rdp", "--hops", "2"]),
        ("incident-2020", "matrix", &["matrix"]),
        ("incident-2020", "matrix-tier", &["matrix", "--by", "tier"]),
        ("incident-2020", "matrix-network", &["matrix", "--by", "network", "--on", "https"]),
    ];
    let mut wrong = String::new();
    for (project, name, arguments) in questions {
        for (format, ending) in [("text", "txt"), ("json", "json"), ("csv", "csv"), ("md", "md")] {
            let mut arguments = arguments.to_vec();
            arguments.extend(["--format", format]);
            let done = sekisho(&root().join("policies").join(project), &arguments);
            assert_eq!(done.code, 0, "{arguments:?}: {}", done.err);
            let path = root().join("tests/golden/answers").join(project).join(format!("{name}.{ending}"));
            let (now, known) = (done.out, fs::read_to_string(&path).unwrap_or_default());
            if now != known && std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, now).unwrap();
            } else if now != known {
                let difference = similar::TextDiff::from_lines(known.as_str(), now.as_str());
                wrong.push_str(&format!("{}\n{}\n", path.display(), difference.unified_diff().context_radius(2)));
            }
        }
    }
    assert!(wrong.is_empty(), "UPDATE_GOLDEN=1 rewrites them\n{wrong}");
}

#[test]
fn mistakes_in_arguments_are_shown_under_them_all_at_once() {
    let project = root().join("policies/quickstart");
    let done = sekisho(&project, &["query", "--from", "head/desk", "--to", "10.0.0.5/24", "--on", "htps"]);
    let said = done.err;
    assert_eq!(done.code, 2);
    assert!(done.out.is_empty());
    for part in ["--from:1:1", "--to:1:1", "--on:1:1", "use `head/desks`", "^^^^^^^^^", "use `https`"] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    for (command, arguments) in [
        ("query", &["query", "--from", "nobody"][..]),
        ("blast", &["blast", "--from", "nobody"]),
        ("matrix", &["matrix", "--by", "nothing"]),
        ("matrix", &["matrix", "--on", "nothing"]),
    ] {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--format", "json"]);
        let done = sekisho(&project, &arguments);
        let report: serde_json::Value = serde_json::from_str(&done.out).unwrap();
        assert_eq!(done.code, 2, "{arguments:?}");
        assert_eq!(report["schema"], format!("sekisho/{command}/1"));
        assert_eq!(report["diagnostics"].as_array().unwrap().len(), 1, "{report}");
    }
    for usage in [&["blast"][..], &["blast", "--from", "head", "--hops", "0"], &["query", "--format", "xml"]] {
        assert_eq!(sekisho(&project, usage).code, 2, "{usage:?}");
    }
    // Nothing left is an answer, and a warning.
    let empty = sekisho(&project, &["query", "--from", "head except head"]);
    assert_eq!(empty.code, 0);
    assert!(empty.out == "nothing passes\n" && empty.err.contains("W0213"), "{}", empty.err);
}

/// Every command of the page, with what it prints on standard output.
#[test]
fn the_page_about_questions_is_real() {
    let page = fs::read_to_string(root().join("docs/questions.md")).unwrap();
    let mut commands = 0;
    for block in page.split("```console\n").skip(1) {
        let (command, rest) = block.split_once('\n').unwrap();
        let wanted = &rest[..rest.find("```").unwrap()];
        let mut words: Vec<&str> = Vec::new();
        for (number, part) in command.strip_prefix("$ sekisho ").unwrap().split('"').enumerate() {
            if number % 2 == 1 { words.push(part) } else { words.extend(part.split_whitespace()) }
        }
        let done = support::sekisho(root(), &words);
        assert_eq!(done.out, wanted, "{command}");
        commands += 1;
    }
    assert!(commands >= 5);
}

/// A project whose words are as hostile as the inventory lets them be.
fn hostile() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let inventory = r#"
sites:
  www.a_b_c:
    level: "=1+1|<script>`x`"
    networks: { net: { address: 10.1.0.0/24 } }
    hosts: { _h_: { address: 10.1.0.5 } }
  two:
    level: "@SUM(A1,\"B\")\n| a | b |"
    networks: { net: { address: 10.2.0.0/24 } }
  three:
    level: "\e[31m\u202Ered"
    networks: { net: { address: 10.3.0.0/24 } }
transit: { wan: {} }
devices:
  fw1: { site: www.a_b_c, platform: nftables, interfaces: { a: www.a_b_c/net, b: wan } }
  fw2: { site: two, platform: nftables, interfaces: { a: two/net, b: wan } }
  fw3: { site: three, platform: nftables, interfaces: { a: three/net, b: wan } }
"#;
    fs::write(home.path().join("a.yaml"), inventory).unwrap();
    let policy = "allow R_1_ \"=cmd|' /C calc'!A0 | <b>\" from www.a_b_c to two, three on tcp/1\n    owner \"@x|y\" ticket \"`t`\"\n";
    fs::write(home.path().join("a.policy"), policy).unwrap();
    home
}

#[test]
fn no_word_of_a_project_breaks_a_table() {
    let home = hostile();
    for arguments in [&["query"][..], &["blast", "--from", "www.a_b_c"], &["matrix", "--by", "level"], &["matrix"]] {
        let asked = |format| {
            let mut arguments = arguments.to_vec();
            arguments.extend(["--format", format]);
            let done = sekisho(home.path(), &arguments);
            assert_eq!(done.code, 0, "{}", done.err);
            done.out
        };
        let markdown = asked("md");
        for table in markdown.split("\n\n") {
            let bars = |line: &str| line.replace("\\|", "").matches('|').count();
            let counts: BTreeSet<usize> = table.lines().map(bars).collect();
            assert_eq!(counts.len(), 1, "{markdown}");
        }
        for markup in ["<", "`x`", " @", "www.", "_b_"] {
            let plain = markdown.replace("\\`", "").replace("\\_", "");
            assert!(!plain.contains(markup), "{markup} in\n{markdown}");
        }
        for line in records(&asked("csv")) {
            assert!(!line.iter().any(|cell| cell.starts_with(['=', '+', '@'])), "{line:?}");
            assert!(!line.iter().any(|cell| cell.starts_with('-') && cell != "-"), "{line:?}");
        }
        let shown = asked("text");
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
        serde_json::from_str::<serde_json::Value>(&asked("json")).unwrap();
    }
}

/// Reads CSV by its rules; every record has as many fields as the first.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                all.push(std::mem::take(&mut record));
            }
            _ => field.push(character),
        }
    }
    assert!(!quoted && record.is_empty() && all.iter().all(|one| one.len() == all[0].len()), "{text}");
    all
}

/// A product of a row, read back from its text.
struct Exact {
    src: AddressSet,
    dst: AddressSet,
    services: ServiceSet,
}

fn addresses(list: &[String]) -> AddressSet {
    let parsed = syntax::parse_endpoints(FileId(0), &list.join(", ")).unwrap();
    let ranges = parsed.items.iter().map(|item| match &item.primaries[0].value {
        Primary::Address(range) => *range,
        other => panic!("{other:?} is no address"),
    });
    ranges.collect()
}

fn exact(row: &Row) -> Vec<Exact> {
    let services = |list: &[String]| {
        let parsed = syntax::parse_services(FileId(0), &list.join(", ")).unwrap();
        resolve_services(&[], &parsed, &mut sekisho::diag::Sink::default()).unwrap()
    };
    let product = |product: &sekisho::report::json::Product| Exact {
        src: addresses(&product.src),
        dst: addresses(&product.dst),
        services: services(&product.services),
    };
    row.exact.iter().map(product).collect()
}

impl Exact {
    fn holds(&self, flow: &Flow) -> bool {
        let family = Family::of(flow.source);
        self.src.contains(flow.source)
            && self.dst.contains(flow.destination)
            && self.services.only(family).contains(flow.service)
    }

    fn meets(&self, other: &Exact) -> bool {
        let (src, dst) = (self.src.intersection(&other.src), self.dst.intersection(&other.dst));
        Family::BOTH.into_iter().any(|family| {
            let services = self.services.intersection(&other.services).only(family);
            !src.is_empty_in(family) && !dst.is_empty_in(family) && !services.is_empty()
        })
    }
}

fn flow_of(object: &FlowObject) -> Flow {
    let protocol = sekisho::packet::Protocol::by_name(&object.protocol)
        .unwrap_or_else(|| sekisho::packet::Protocol(object.protocol["protocol/".len()..].parse().unwrap()));
    let (a, b) = match (object.source_port, object.destination_port, object.icmp_type, object.icmp_code) {
        (Some(a), Some(b), ..) => (a, b),
        (_, _, Some(a), Some(b)) => (u16::from(a), u16::from(b)),
        _ => (0, 0),
    };
    let parse = |text: &str| text.parse::<IpAddr>().unwrap();
    Flow { source: parse(&object.src), destination: parse(&object.dst), service: ServicePoint { protocol, a, b } }
}

/// A random world, loaded.
fn loaded(seed: u64) -> (tempfile::TempDir, Loaded) {
    let home = tempfile::tempdir().unwrap();
    World::random(seed).write_project(home.path()).unwrap();
    let loaded = pipeline::load(home.path()).unwrap();
    assert!(loaded.is_sound(), "seed {seed}");
    (home, loaded)
}

/// Flows at the borders of everything that the world names, and a few that it does not know.
fn some_flows(loaded: &Loaded, random: &mut Random, count: usize) -> Vec<Flow> {
    let mut ends: Vec<IpAddr> = vec!["198.51.100.7".parse().unwrap(), "8.8.8.8".parse().unwrap()];
    ends.extend(loaded.model.located.ranges().flat_map(|(range, _)| [range.first(), range.last()]));
    ends.extend(
        loaded.model.endpoints.iter().flat_map(|set| set.ranges()).flat_map(|range| [range.first(), range.last()]),
    );
    let mut points: Vec<ServicePoint> = Vec::new();
    for set in &loaded.model.services {
        for piece in set.rectangles() {
            let protocol = sekisho::packet::Protocol(piece.protocols.first);
            for ports in piece.b.intervals() {
                points.push(ServicePoint { protocol, a: piece.a.first, b: ports.first.min(protocol.largest()) });
                points.push(ServicePoint { protocol, a: piece.a.first, b: ports.last.min(protocol.largest()) });
            }
        }
    }
    points.push(ServicePoint { protocol: sekisho::packet::Protocol::TCP, a: 49_152, b: 443 });
    let flows = (0..count * 4).map(|_| Flow {
        source: *random.pick(&ends),
        destination: *random.pick(&ends),
        service: *random.pick(&points),
    });
    let is_one = |flow: &Flow| {
        let family = Family::of(flow.source);
        family == Family::of(flow.destination) && flow.service.protocol.occurs_in(family)
    };
    flows.filter(is_one).take(count).collect()
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

fn seeds() -> std::ops::Range<u64> {
    let first = setting("SEKISHO_SEED", 0);
    first..first + setting("SEKISHO_WORLDS", 60)
}

#[test]
fn each_flow_that_passes_is_in_one_row_and_no_other_is() {
    let at = AT.parse().unwrap();
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in seeds() {
        let (_home, loaded) = loaded(seed);
        let mut random = Random::new(seed ^ 0xA5A5);
        let (model, topology) = (&loaded.model, Topology::new(&loaded.model));
        let reach = Reach::new(model, &topology, at);
        let part = |random: &mut Random| match model.endpoints.len() {
            0 => model.known.clone(),
            count if random.chance(50) => model.endpoints[random.below(count)].clone(),
            _ => model.known.clone(),
        };
        let (from, to) = (part(&mut random), part(&mut random));
        let on = Arc::new(if random.chance(70) { ServiceSet::any() } else { (*model.services[0]).clone() });
        let asked = Asked { from, to, on };
        let prover = Prover::new(model, &topology, at, &asked.extra());
        let report = query(&prover, &Names::new(model), &asked).to_json();
        let rows: Vec<Vec<Exact>> = report.rows.iter().map(exact).collect();
        let free: Vec<Vec<Exact>> = report.unenforced.iter().map(exact).collect();
        let all: Vec<&Exact> = rows.iter().chain(&free).flatten().collect();
        for (number, one) in all.iter().enumerate() {
            assert!(!all[..number].iter().any(|other| other.meets(one)), "seed {seed}: rows meet");
        }
        for (row, exact) in report.rows.iter().zip(&rows) {
            let flow = flow_of(&row.witness);
            let judged = reach.judge(&flow);
            let names: Vec<&str> =
                judged.rules.iter().map(|rule| model.rules[rule.index()].name.value.as_str()).collect();
            assert_eq!(
                (judged.verdict, names),
                (Verdict::Pass, row.rules.iter().map(String::as_str).collect()),
                "seed {seed}: {row:?}"
            );
            assert!(exact.iter().any(|product| product.holds(&flow)), "seed {seed}: {row:?}");
        }
        for flow in some_flows(&loaded, &mut random, 300) {
            let judged = reach.judge(&flow);
            *verdicts.entry(judged.verdict.as_str()).or_default() += 1;
            let is_asked = asked.from.contains(flow.source)
                && asked.to.contains(flow.destination)
                && asked.on.contains(flow.service);
            let holding = |rows: &[Vec<Exact>]| rows.iter().flatten().filter(|product| product.holds(&flow)).count();
            let wanted = |verdict| usize::from(is_asked && judged.verdict == verdict);
            assert_eq!(holding(&rows), wanted(Verdict::Pass), "seed {seed}: {flow:?} {judged:?}");
            assert_eq!(holding(&free), wanted(Verdict::Unenforced), "seed {seed}: {flow:?} {judged:?}");
            if let Some(at) = rows.iter().position(|row| row.iter().any(|product| product.holds(&flow))) {
                let names: Vec<&str> =
                    judged.rules.iter().map(|rule| model.rules[rule.index()].name.value.as_str()).collect();
                assert_eq!(report.rows[at].rules, names, "seed {seed}: {flow:?}");
            }
        }
    }
    assert!(
        ["pass", "drop", "unenforced", "unroutable"].iter().all(|known| verdicts.contains_key(known)),
        "{verdicts:?}"
    );
}

#[test]
fn hops_are_disjoint_and_their_flows_possible() {
    let at = AT.parse().unwrap();
    let (mut deepest, mut shrinks) = (0, 0);
    for seed in seeds() {
        let (_home, loaded) = loaded(seed);
        let mut random = Random::new(seed ^ 0x5A5A);
        let (model, topology) = (&loaded.model, Topology::new(&loaded.model));
        let reach = Reach::new(model, &topology, at);
        let from = model.networks[random.below(model.networks.len())].addresses.clone();
        let asked = Asked { from: from.clone(), to: model.known.clone(), on: Arc::new(ServiceSet::any()) };
        let prover = Prover::new(model, &topology, at, &asked.extra());
        let answer = blast(&prover, &Names::new(model), &from, &asked.on, Depth::All);
        let report = answer.to_json();
        let mut before = AddressSet::empty();
        for hop in &report.hops {
            deepest = deepest.max(hop.hop);
            let mut here = AddressSet::empty();
            for row in &hop.rows {
                for product in &row.exact {
                    here = here.union(&addresses(&product.dst));
                }
                if row.witness.protocol != "any" {
                    let wanted = if row.rules.is_empty() { Verdict::Unenforced } else { Verdict::Pass };
                    assert_eq!(reach.judge(&flow_of(&row.witness)).verdict, wanted, "seed {seed}: {row:?}");
                }
            }
            assert!(!here.intersects(&before) && !here.is_empty(), "seed {seed}: hop {}", hop.hop);
            before = before.union(&here);
        }
        let expected = prover.access.classes.addresses(
            &prover
                .spread(prover.access.addresses(&from).unwrap(), prover.access.service_classes(&asked.on).unwrap(), &[])
                .all(),
        );
        assert!(before == expected, "seed {seed}: the rows are not what is reached");
        let hosts = report.servers.iter().filter(|server| server.kind == "host").count();
        assert_eq!(hosts, report.total, "seed {seed}");
        assert!(report.shrinks.iter().all(|one| one.after < one.before && one.before == report.total), "seed {seed}");
        shrinks += report.shrinks.len();
    }
    assert!(deepest >= 2 && shrinks > 0, "the worlds are too simple: {deepest} hops, {shrinks} shrinks");
}

#[test]
fn cells_agree_with_single_flows() {
    let at = AT.parse().unwrap();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for seed in seeds() {
        let (_home, loaded) = loaded(seed);
        let mut random = Random::new(seed ^ 0x3C3C);
        let (model, topology) = (&loaded.model, Topology::new(&loaded.model));
        let reach = Reach::new(model, &topology, at);
        let parties = if random.chance(50) { Parties::sites(model) } else { Parties::networks(model) };
        let mut asked =
            Asked { from: model.known.clone(), to: model.known.clone(), on: Arc::new(ServiceSet::any()) }.extra();
        asked.addresses.extend(parties.sets());
        let prover = Prover::new(model, &topology, at, &asked);
        let answer = matrix(&prover, &parties, &ServiceSet::any());
        let report = answer.to_json();
        let sets: Vec<(&String, Arc<AddressSet>)> = report.parties.iter().zip(parties.sets()).collect();
        let cells: BTreeMap<(&str, &str), _> =
            report.cells.iter().map(|cell| ((cell.from.as_str(), cell.to.as_str()), cell)).collect();
        for flow in some_flows(&loaded, &mut random, 300) {
            let verdict = reach.judge(&flow).verdict;
            let of = |address| sets.iter().filter(move |(_, set)| set.contains(address)).map(|(name, _)| name.as_str());
            for (from, to) in of(flow.source).flat_map(|from| of(flow.destination).map(move |to| (from, to))) {
                let cell = cells.get(&(from, to));
                let access = cell.map_or("none", |cell| cell.access);
                *seen.entry(format!("{} {access}", verdict.as_str())).or_default() += 1;
                let fits = match verdict {
                    Verdict::Pass => ["some", "all"].contains(&access),
                    Verdict::Unenforced => cell.is_some_and(|cell| cell.unenforced != "none"),
                    Verdict::Drop => access != "all" && cell.is_none_or(|cell| cell.unenforced != "all"),
                    Verdict::Unroutable => access != "all",
                };
                assert!(fits, "seed {seed}: {flow:?} is {verdict:?}, {from} -> {to} is {access}");
            }
        }
    }
    assert!(seen.len() >= 5, "{seen:?}");
}
