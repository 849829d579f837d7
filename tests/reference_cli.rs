//! Asks the program and the naive reference about the same flows in random worlds: `explain --batch` must give the verdict
//! and the rules that the contract gives.
//!
//! `SEKISHO_WORLDS` is how many worlds (default 200), `SEKISHO_SEED` the seed of the first, `SEKISHO_FLOWS` the flows per
//! world. A failure prints the smallest project found that still fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod reference;
mod worlds;

use reference::{Reference, Verdict, sample};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use worlds::random::AT;
use worlds::{Flow, World};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

struct Answer {
    verdict: String,
    rules: BTreeSet<String>,
}

fn run(directory: &Path, flows: &[Flow]) -> Output {
    let file = directory.join("flows.csv");
    let lines: Vec<String> = flows.iter().map(Flow::csv).collect();
    std::fs::write(&file, format!("src,dst,protocol,sport,dport\n{}\n", lines.join("\n"))).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.arg("explain").arg(directory.join("project")).arg("--batch").arg(&file).args(["--at", AT]);
    command.output().unwrap()
}

fn ask(world: &World, flows: &[Flow]) -> Result<Vec<Answer>, String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("project")).unwrap();
    world.write_project(&directory.path().join("project")).unwrap();
    let output = run(directory.path(), flows);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(format!("{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    read(&text, flows)
}

fn read(text: &str, flows: &[Flow]) -> Result<Vec<Answer>, String> {
    let mut lines = text.lines();
    if lines.next() != Some("src,dst,protocol,sport,dport,verdict,rules") {
        return Err(format!("the header is not what it must be:\n{text}"));
    }
    let lines: Vec<&str> = lines.collect();
    if lines.len() != flows.len() {
        return Err(format!("{} flows, {} answers", flows.len(), lines.len()));
    }
    lines.into_iter().zip(flows).map(|(line, flow)| answer(line, flow)).collect()
}

fn answer(line: &str, flow: &Flow) -> Result<Answer, String> {
    let fields: Vec<&str> = line.split(',').collect();
    let [asked @ .., verdict, rules] = fields.as_slice() else { return Err(format!("`{line}` has too few fields")) };
    if asked.join(",") != flow.csv() {
        return Err(format!("`{line}` answers another flow than `{}`", flow.csv()));
    }
    let rules = rules.trim_matches('"').split(';').filter(|name| !name.is_empty()).map(str::to_string).collect();
    Ok(Answer { verdict: (*verdict).to_string(), rules })
}

/// What is wrong with an answer, if anything.
///
/// Reading: `rules` are all active allow and deny rules that cover the flow. The contract settles it only for `pass` (there
/// they are the allows); for `drop` the denies must be there and the allows may be; for `unenforced` and `unroutable`, where
/// no rule decides anything, every subset will do. Names of quarantines may stand beside rules.
fn wrong(reference: &Reference<'_>, flow: &Flow, answer: &Answer) -> Option<String> {
    let verdict = reference.verdict(flow);
    let (covering, denies) = (reference.rules_of(flow), reference.denies_of(flow));
    let rules: BTreeSet<String> = answer.rules.difference(&reference.quarantines_of(flow)).cloned().collect();
    let fits = match verdict {
        Verdict::Pass => rules == covering,
        Verdict::Drop => rules.is_subset(&covering) && denies.is_subset(&rules),
        Verdict::Unenforced | Verdict::Unroutable => rules.is_subset(&covering),
    };
    let right = verdict.name() == answer.verdict && fits;
    let ends = (reference.end(flow.source), reference.end(flow.destination));
    (!right).then(|| {
        format!(
            "{}\n  reference: {} {covering:?} (denies {denies:?}) at {ends:?}\n  program:   {} {:?}",
            flow.csv(),
            verdict.name(),
            answer.verdict,
            answer.rules
        )
    })
}

/// The first thing that is wrong in a world.
fn failure(world: &World, seed: u64, count: usize) -> Option<String> {
    let reference = Reference::new(world, AT);
    let flows = sample::sample(&reference, seed, count);
    match ask(world, &flows) {
        Err(text) => Some(text),
        Ok(answers) => flows.iter().zip(&answers).find_map(|(flow, answer)| wrong(&reference, flow, answer)),
    }
}

/// Takes away what can be taken away while it still fails; bad input is not the same failure as a wrong answer.
fn smallest(mut world: World, mut text: String, seed: u64, count: usize) -> (World, String) {
    let is_answer = |text: &str| text.contains("  reference: ");
    'again: loop {
        for candidate in world.smaller() {
            if let Some(found) = failure(&candidate, seed, count).filter(|found| is_answer(found) == is_answer(&text)) {
                (world, text) = (candidate, found);
                continue 'again;
            }
        }
        return (world, text);
    }
}

#[test]
fn program_and_reference_agree_on_random_worlds() {
    let count = usize::try_from(setting("SEKISHO_FLOWS", 400)).unwrap();
    let first = setting("SEKISHO_SEED", 1);
    for seed in first..first + setting("SEKISHO_WORLDS", 200) {
        let world = World::random(seed);
        if let Some(text) = failure(&world, seed, count) {
            let (world, text) = smallest(world, text, seed, count);
            panic!("world {seed} (SEKISHO_SEED={seed} SEKISHO_WORLDS=1)\n{}\n{text}", world.text());
        }
    }
}
