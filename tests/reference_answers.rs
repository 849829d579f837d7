//! Asks the program and the naive reference the same questions about all packets of random worlds: every assertion of `check`,
//! every row of `query`, every hop of `blast`; and replays every witness in `explain`.
//!
//! `SEKISHO_WORLDS` is how many worlds (default 40), `SEKISHO_SEED` the seed of the first. A failure prints the smallest project
//! found that still fails in the same command. Beside it stand tests of the comparison itself: it accepts right answers that
//! the reference writes, and refuses them with one thing changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test may fail by panicking, its helpers too"
)]

mod reference;
mod worlds;

use reference::assertions::{Judge, Outcome};
use reference::chains::{Chains, Hops};
use reference::classes::{Asked, Block};
use reference::compare::{self, Checked, Found, Question};
use reference::table::{Rules, Table, Triple, chosen};
use reference::{Reference, Verdict};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};
use worlds::random::{AT, Random};
use worlds::{Endpoints, Flow, Services, Span, World, protocol_name};

/// Worlds with more representative flows than this are too large to try them all.
const MOST_FLOWS: usize = 2_000_000;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Three of four worlds are made for questions; the fourth is one of those that the other tests use.
fn world_of(seed: u64) -> World {
    if seed.is_multiple_of(4) { World::random(seed) } else { World::asked(seed) }
}

fn run(project: &Path, command: &str, arguments: &[String]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    program.arg(command).arg(project).args(["--at", AT]).args(arguments);
    program.output().unwrap()
}

/// What a command prints as JSON, and its exit code.
fn ask(project: &Path, command: &str, arguments: &[String]) -> Result<(Value, i32), String> {
    let json = [arguments, &["--format".to_string(), "json".to_string()]].concat();
    let output = run(project, command, &json);
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let code = output.status.code().filter(|code| [0, 1, 3].contains(code));
    let code = code.ok_or_else(|| format!("{}\n{text}{errors}", output.status))?;
    Ok((serde_json::from_str(&text).map_err(|why| format!("{why}\n{text}{errors}"))?, code))
}

fn in_words(command: &str, arguments: &[String], why: &str) -> String {
    format!("{command}: sekisho {command} {arguments:?}\n  {why}")
}

fn ask_check(project: &Path, reference: &Reference<'_>) -> Result<Checked, String> {
    let (value, exit) = ask(project, "check", &[])?;
    compare::check(&Table::new(reference, &Asked::default()), &value, exit)
}

type Comparison = fn(&Table<'_, '_>, &Question, &Value) -> Found;

fn ask_question(
    project: &Path,
    reference: &Reference<'_>,
    command: &str,
    question: &Question,
    compare: Comparison,
) -> Found {
    let (value, exit) = ask(project, command, &question.arguments())?;
    if exit != 0 {
        return Err(format!("exit code {exit}"));
    }
    compare(&Table::new(reference, &question.asked()), question, &value)
}

/// Questions of the shape that a world's own rules and assertions have. The same world and seed give the same ones.
fn questions(reference: &Reference<'_>, seed: u64) -> (Vec<Question>, Vec<Question>) {
    let mut random = Random::new(seed ^ 0x0DD5);
    let world = reference.world;
    let rules = world.rules.iter().flat_map(|rule| [&rule.from, &rule.to]);
    let mut ends: Vec<Endpoints> = rules.cloned().collect();
    ends.extend(world.assertions.iter().flat_map(|one| [one.from.clone(), one.to.clone()]));
    ends.extend(world.sites.iter().map(|site| Endpoints::parse(&site.name)));
    ends.extend(world.transits.iter().filter(|one| one.internet).map(|one| Endpoints::parse(&one.name)));
    let table = Table::new(reference, &Asked::default());
    ends.retain(|endpoints| table.held(endpoints).contains(&true));
    let services: Vec<Services> = world.rules.iter().map(|rule| rule.on.clone()).collect();
    let end = |random: &mut Random| Some(random.pick(&ends).clone());
    let on = |random: &mut Random| services.get(random.below(services.len())).cloned();
    let queries = vec![
        Question::default(),
        Question { from: end(&mut random), ..Question::default() },
        Question { to: end(&mut random), on: on(&mut random), ..Question::default() },
        Question { from: end(&mut random), to: end(&mut random), on: on(&mut random) },
    ];
    let blasts = vec![
        Question { from: end(&mut random), ..Question::default() },
        Question { from: end(&mut random), on: on(&mut random), ..Question::default() },
    ];
    (queries, blasts)
}

/// Whether `explain` says of every witness what the reference says.
fn replay(directory: &Path, reference: &Reference<'_>, flows: &BTreeSet<Flow>) -> Result<(), String> {
    let file = directory.join("flows.csv");
    let lines: Vec<String> = flows.iter().map(Flow::csv).collect();
    std::fs::write(&file, format!("src,dst,protocol,sport,dport\n{}\n", lines.join("\n"))).unwrap();
    let arguments = ["--batch".to_string(), file.display().to_string()];
    let output = run(&directory.join("project"), "explain", &arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers: Vec<&str> = text.lines().skip(1).collect();
    if answers.len() != flows.len() {
        return Err(format!("{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    for (flow, answer) in flows.iter().zip(answers) {
        let verdict = reference.verdict(flow).name();
        if answer.split(',').nth(5) != Some(verdict) {
            return Err(format!("the witness {} should be {verdict}, and explain says {answer}", flow.csv()));
        }
    }
    Ok(())
}

/// The first thing that is wrong in a world, or how many assertions stayed unproven.
fn failure(world: &World, seed: u64) -> Result<usize, String> {
    let directory = tempfile::tempdir().unwrap();
    let project = directory.path().join("project");
    std::fs::create_dir(&project).unwrap();
    world.write_project(&project).unwrap();
    let reference = Reference::new(world, AT);
    let checked = ask_check(&project, &reference).map_err(|why| in_words("check", &[], &why))?;
    let mut witnesses: BTreeSet<Flow> = checked.witnesses.into_iter().collect();
    let (mut queries, mut blasts) = questions(&reference, seed);
    if std::env::var("SEKISHO_ANSWERS").is_ok_and(|v| v == "check") {
        queries.clear();
        blasts.clear();
    }
    let queries = queries.into_iter().map(|question| ("query", question, compare::query as Comparison));
    let blasts = blasts.into_iter().map(|question| ("blast", question, compare::blast as Comparison));
    for (command, question, compare) in queries.chain(blasts) {
        let found = ask_question(&project, &reference, command, &question, compare);
        witnesses.extend(found.map_err(|why| in_words(command, &question.arguments(), &why))?);
    }
    replay(directory.path(), &reference, &witnesses).map_err(|why| in_words("explain", &[], &why))?;
    Ok(checked.unproven)
}

/// Takes away what can be taken away while it still fails in the same command.
fn smallest(mut world: World, mut text: String, seed: u64) -> (World, String) {
    let command = |text: &str| text.split(':').next().unwrap_or_default().to_string();
    'again: loop {
        for candidate in world.smaller() {
            if let Some(found) = failure(&candidate, seed).err().filter(|found| command(found) == command(&text)) {
                (world, text) = (candidate, found);
                continue 'again;
            }
        }
        return (world, text);
    }
}

#[test]
fn program_and_reference_agree_about_all_packets() {
    let first = setting("SEKISHO_SEED", 1);
    let (mut too_large, mut unproven, mut with_via) = (0, 0, 0);
    for seed in first..first + setting("SEKISHO_WORLDS", 40) {
        let world = world_of(seed);
        if Table::new(&Reference::new(&world, AT), &Asked::default()).size() > MOST_FLOWS {
            too_large += 1;
            continue;
        }
        with_via += world.assertions.iter().filter(|assertion| !assertion.via.is_empty()).count();
        match failure(&world, seed) {
            Ok(open) => unproven += open,
            Err(text) => {
                let (world, text) = smallest(world, text, seed);
                panic!("world {seed} (SEKISHO_SEED={seed} SEKISHO_WORLDS=1)\n{}\n{text}", world.text());
            }
        }
    }
    eprintln!("{too_large} worlds were too large to try every kind of flow");
    eprintln!("{unproven} of {with_via} assertions with `via` stayed unproven");
    assert!(unproven * 50 <= with_via + 50, "{unproven} of {with_via} assertions with `via` stayed unproven");
}

#[test]
fn about_half_of_the_assertions_are_violated_some_by_long_chains() {
    let (mut outcomes, mut lengths): (BTreeMap<Outcome, usize>, BTreeMap<usize, usize>) = Default::default();
    for seed in 0..80 {
        let world = World::asked(seed);
        let reference = Reference::new(&world, AT);
        let table = Table::new(&reference, &Asked::default());
        assert!(table.size() < MOST_FLOWS, "world {seed}");
        for assertion in &world.assertions {
            let judge = Judge::new(&table, assertion);
            let outcome = judge.outcome();
            *outcomes.entry(outcome).or_default() += 1;
            if assertion.transitive && outcome == Outcome::Violated {
                *lengths.entry(judge.length().unwrap()).or_default() += 1;
            }
        }
    }
    let of = |outcome: Outcome| outcomes.get(&outcome).copied().unwrap_or_default();
    let (proved, violated) = (of(Outcome::Proved), of(Outcome::Violated));
    assert!(violated * 3 > proved && proved * 3 > violated, "{outcomes:?}");
    assert!(of(Outcome::Inactive) > 10, "{outcomes:?}");
    assert!([1, 2, 3].iter().all(|length| lengths.get(length).is_some_and(|count| *count > 2)), "{lengths:?}");
}

/// The literal services of a block of one protocol.
fn literals(block: &Block) -> Vec<String> {
    let name = protocol_name(block.protocols.0);
    let range = |(low, high): (u16, u16)| match (low, high) {
        (0, 65535) => "*".to_string(),
        (low, high) if low == high => low.to_string(),
        (low, high) => format!("{low}-{high}"),
    };
    match block.protocols.0 {
        6 | 17 | 132 => vec![format!("{name}/{}:{}", range(block.first), range(block.second))],
        1 | 58 if block.second == (0, 255) => {
            (block.first.0..=block.first.1).map(|kind| format!("{name}/{kind}")).collect()
        }
        1 | 58 => {
            let codes = |kind: u16| (block.second.0..=block.second.1).map(move |code| (kind, code));
            let all = (block.first.0..=block.first.1).flat_map(codes);
            all.map(|(kind, code)| format!("{name}/{kind}/{code}")).collect()
        }
        _ => vec![name],
    }
}

fn witness_json(flow: &Flow) -> Value {
    let protocol = protocol_name(flow.protocol);
    let (first, second) = (flow.source_port, flow.destination_port);
    let ends = (flow.source.to_string(), flow.destination.to_string());
    if matches!(flow.protocol, 1 | 58) {
        return json!({"src": ends.0, "dst": ends.1, "protocol": protocol, "source_port": null,
            "destination_port": null, "icmp_type": first, "icmp_code": second});
    }
    json!({"src": ends.0, "dst": ends.1, "protocol": protocol, "source_port": first, "destination_port": second})
}

/// A row that holds exactly these flows: one product for each pair of places.
fn row_json(table: &Table<'_, '_>, rules: &[String], triples: &[Triple]) -> Value {
    let mut kinds: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    for (source, destination, kind) in triples {
        let services = table.kinds[*kind].cells.iter().flat_map(literals);
        kinds.entry((*source, *destination)).or_default().extend(services);
    }
    let spans = |place: usize| table.places[place].cells.iter().map(Span::text).collect::<Vec<_>>();
    let product = |((source, destination), services): (&(usize, usize), &Vec<String>)| json!({"src": spans(*source), "dst": spans(*destination), "services": services});
    json!({"from": "here", "to": "there", "services": [], "rules": rules,
        "exact": kinds.iter().map(product).collect::<Vec<_>>(), "witness": witness_json(&table.flow(triples[0]).unwrap())})
}

/// What `query` would say if it were the reference.
fn query_json(table: &Table<'_, '_>) -> Value {
    let mut rows: BTreeMap<(bool, Rules), Vec<Triple>> = BTreeMap::new();
    let all = (vec![true; table.places.len()], vec![true; table.kinds.len()]);
    for triple in table.triples(&all.0, &all.0, &all.1) {
        match table.verdict(triple, 0) {
            Verdict::Pass => rows.entry((true, table.facts(triple).allows)).or_default().push(triple),
            Verdict::Unenforced => rows.entry((false, 0)).or_default().push(triple),
            Verdict::Drop | Verdict::Unroutable => {}
        }
    }
    let of = |passing: bool| -> Vec<Value> {
        let own = rows.iter().filter(|((passes, _), _)| *passes == passing);
        own.map(|((_, rules), triples)| row_json(table, &table.names(*rules), triples)).collect()
    };
    json!({"schema": "sekisho/query/1", "rows": of(true), "unenforced": of(false)})
}

/// What `blast` would say if it were the reference; every destination in one row of movement.
fn blast_json(table: &Table<'_, '_>, from: &Endpoints) -> Value {
    let hops = Hops::new(table, &table.served(None));
    let lengths = Chains::new(table, &hops, 0).lengths(&table.held(from));
    let mut by_length: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (place, length) in lengths.iter().enumerate() {
        if let Some(length) = length {
            by_length.entry(*length).or_default().extend(table.places[place].cells.iter().map(Span::text));
        }
    }
    let hop = |(length, spans): (&usize, &Vec<String>)| {
        json!({"hop": length, "rows": [{"from": "here", "to": "there", "services": [], "rules": [], "witness": null,
            "exact": [{"src": [], "dst": spans, "services": ["any"]}]}]})
    };
    json!({"schema": "sekisho/blast/1", "hops": by_length.iter().map(hop).collect::<Vec<_>>()})
}

/// What `check` would say about assertions that are not transitive if it were the reference; a mend is searched rule by rule.
fn check_json(table: &Table<'_, '_>) -> (Value, i32) {
    let mut is_finding = false;
    let mut answer = |assertion| {
        let judge = Judge::new(table, assertion);
        let outcome = judge.outcome();
        let (mut hops, mut mend) = (Vec::new(), 0);
        if outcome == Outcome::Violated {
            is_finding |= !judge.assertion.advisory;
            let violating: Vec<Triple> = judge.violating().into_iter().collect();
            hops.push(row_json(table, &rules_of(&judge, &violating), &violating));
            let mends = judge.mending();
            mend = if mends(judge.candidates()) { judge.candidates() } else { 0 };
            for bit in (0..64).map(|index| 1 << index) {
                mend = if mend & bit != 0 && mends(mend & !bit) { mend & !bit } else { mend };
            }
        }
        json!({"name": judge.assertion.name, "kind": judge.assertion.kind, "outcome": outcome.name(), "hops": hops,
            "mend": table.names(mend), "because": "a minimal set"})
    };
    let answers: Vec<Value> = table.reference.world.assertions.iter().map(&mut answer).collect();
    let value = json!({"schema": "sekisho/check/1", "diagnostics": [], "assertions": answers});
    (value, i32::from(is_finding))
}

fn rules_of(judge: &Judge<'_, '_, '_>, violating: &[Triple]) -> Vec<String> {
    let passing = violating.iter().filter(|triple| judge.table.verdict(**triple, judge.waived) == Verdict::Pass);
    let allows = passing.fold(0, |rules, triple| rules | judge.table.facts(*triple).allows) & !judge.waived;
    if judge.assertion.kind == "must" { Vec::new() } else { judge.table.names(allows) }
}

#[test]
fn the_comparison_accepts_what_the_reference_says() {
    let mut compared = 0;
    for seed in 0..16 {
        let mut world = world_of(seed);
        world.waivers.retain(|waiver| {
            let waived = world.assertions.iter().find(|one| one.name == waiver.assertion).unwrap();
            !waived.transitive
        });
        world.assertions.retain(|assertion| !assertion.transitive);
        let reference = Reference::new(&world, AT);
        let from = Endpoints::parse(&world.sites[0].name);
        let question = Question { from: Some(from.clone()), ..Question::default() };
        let table = Table::new(&reference, &question.asked());
        let blocks = table.kinds.iter().flat_map(|kind| &kind.cells);
        if blocks.map(|block| literals(block).len()).sum::<usize>() > 1500 {
            continue;
        }
        compared += 1;
        let (value, exit) = check_json(&table);
        compare::check(&table, &value, exit).unwrap_or_else(|why| panic!("world {seed}: {why}"));
        let value = query_json(&table);
        let found = compare::query(&table, &Question::default(), &value);
        found.unwrap_or_else(|why| panic!("world {seed}: {why}"));
        let value = blast_json(&table, &from);
        compare::blast(&table, &question, &value).unwrap_or_else(|why| panic!("world {seed}: {why}"));
    }
    assert!(compared > 6, "{compared}");
}

fn two_sites() -> World {
    World::default()
        .transit("wan")
        .site("a")
        .network("a/n", "10.1.0.0/24, 2001:db8:1::/64", "")
        .site("b")
        .network("b/n", "10.2.0.0/24, 2001:db8:2::/64", "")
        .host("b/erp", "10.2.0.10", "")
        .host("b/web", "10.2.0.11", "")
        .site("c")
        .network("c/n", "10.3.0.0/24", "")
        .firewall("fa", "a", "a/n wan")
        .firewall("fb", "b", "b/n wan")
        .firewall("fc", "c", "c/n wan")
        .allow("R1", "a", "b/erp", "tcp/443")
        .allow("R2", "a", "b", "tcp/440-450")
        .allow("R3", "b/web", "c", "udp/53")
}

/// Changes one thing in a JSON text.
fn changed(value: &Value, from: &str, to: &str) -> Value {
    let text = value.to_string();
    assert!(text.contains(from), "{from} is not in {text}");
    serde_json::from_str(&text.replacen(from, to, 1)).unwrap()
}

#[test]
fn the_comparison_refuses_rows_with_one_thing_changed() {
    let world = two_sites();
    let reference = Reference::new(&world, AT);
    let table = Table::new(&reference, &Asked::default());
    let value = query_json(&table);
    let refused = |value: &Value| compare::query(&table, &Question::default(), value).is_err();
    assert!(!refused(&value));
    for (from, to) in [
        (r#""dst":["10.3.0.0/24"]"#, r#""dst":["10.3.0.0/23"]"#),
        (r#""dst":["10.3.0.0/24"]"#, r#""dst":["10.3.0.1-10.3.0.255"]"#),
        (r#""udp/*:53""#, r#""udp/*:53-54""#),
        (r#""udp/*:53""#, r#""udp/1-65535:53""#),
        (r#"["R1","R2"]"#, r#"["R2","R1"]"#),
        (r#"["R1","R2"]"#, r#"["R1"]"#),
        (r#""tcp/*:443""#, r#""https""#),
    ] {
        assert!(refused(&changed(&value, from, to)), "{from} {to}");
    }
    for part in ["rows", "unenforced"] {
        let mut less = value.clone();
        less[part].as_array_mut().unwrap().pop();
        assert!(refused(&less), "{part}");
    }
    let mut twice = value.clone();
    twice["rows"].as_array_mut().unwrap().push(value["rows"][0].clone());
    assert!(refused(&twice));
}

#[test]
fn the_comparison_refuses_an_address_in_a_wrong_hop() {
    let world = two_sites();
    let reference = Reference::new(&world, AT);
    let from = Endpoints::parse("a");
    let question = Question { from: Some(from.clone()), ..Question::default() };
    let table = Table::new(&reference, &question.asked());
    let value = blast_json(&table, &from);
    let refused = |value: &Value| compare::blast(&table, &question, value).is_err();
    assert!(!refused(&value));
    assert!(refused(&changed(&value, r#""hop":2"#, r#""hop":3"#)));
    assert!(refused(&changed(&value, r#""10.3.0.0/24""#, r#""10.3.0.0/25""#)));
}

/// What `check` should say about the chain from `a` over `b/web` to `c`.
fn chain_json() -> Value {
    let hop = |rules: &str, from: &str, to: &str, on: &str, witness: Value| {
        json!({"from": "x", "to": "y", "services": [on], "rules": [rules],
            "exact": [{"src": [from], "dst": [to], "services": [on]}], "witness": witness})
    };
    let first = witness_json(&Flow::tcp("10.1.0.1", "10.2.0.20", 444));
    let second = witness_json(&Flow::ports("10.2.0.11", "10.3.0.1", 17, 53, 53));
    json!({"schema": "sekisho/check/1", "diagnostics": [], "assertions": [{
        "name": "N", "kind": "never", "outcome": "violated", "mend": ["R3"], "because": null,
        "hops": [hop("R2", "10.1.0.0/24", "10.2.0.0/24", "tcp/444", first),
            hop("R3", "10.2.0.11", "10.3.0.0/24", "udp/53", second)]}]})
}

#[test]
fn the_comparison_reads_a_chain_hop_by_hop() {
    let world = two_sites().never("N", "a", "c").transitive();
    let reference = Reference::new(&world, AT);
    let table = Table::new(&reference, &Asked::default());
    compare::check(&table, &chain_json(), 1).unwrap();
    assert!(compare::check(&table, &chain_json(), 0).is_err());
    for (from, to) in [
        (r#""violated""#, r#""proved""#),
        (r#""dst":"10.3.0.1""#, r#""dst":"10.4.0.1""#),
        (r#""src":"10.1.0.1""#, r#""src":"10.1.1.1""#),
        (r#""mend":["R3"]"#, r#""mend":["R2"]"#),
        (r#""mend":["R3"]"#, r#""mend":["R1","R2"]"#),
        (r#""mend":["R3"]"#, r#""mend":[]"#),
        (r#""rules":["R2"]"#, r#""rules":["R1"]"#),
        (r#""rules":["R2"]"#, r#""rules":[]"#),
        (r#""tcp/444"],"src""#, r#""tcp/444-460"],"src""#),
    ] {
        assert!(compare::check(&table, &changed(&chain_json(), from, to), 1).is_err(), "{from} {to}");
    }
    let mut shorter = chain_json();
    shorter["assertions"][0]["hops"].as_array_mut().unwrap().pop();
    assert!(compare::check(&table, &shorter, 1).is_err());
}

#[test]
fn questions_are_about_something() {
    for seed in 0..20 {
        let world = world_of(seed);
        let reference = Reference::new(&world, AT);
        for question in questions(&reference, seed).1 {
            let table = Table::new(&reference, &question.asked());
            assert!(chosen(&table.held(question.from.as_ref().unwrap())).next().is_some(), "world {seed}");
        }
    }
}
