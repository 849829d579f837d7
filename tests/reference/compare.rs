//! Holds the program's answers about all packets to the reference: `check`, `query`, `blast`, as JSON.
//!
//! Each comparison gives the witnesses that were in the answer, so that the caller can replay them, or says what is wrong first.

use super::Verdict;
use super::answers::{self, Cut, Row, Witness};
use super::assertions::{Judge, Outcome};
use super::chains::{Chains, Hops};
use super::classes::Asked;
use super::table::{Between, Rules, Table, Triple, chosen};
use crate::worlds::{Assertion, Effect, Endpoints, Flow, Services};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a command found, or what is wrong with it.
pub type Found = Result<Vec<Flow>, String>;

/// The restrictions of a question; what is left out restricts nothing.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub from: Option<Endpoints>,
    pub to: Option<Endpoints>,
    pub on: Option<Services>,
}

impl Question {
    /// What the world must be cut by beside its own borders.
    pub fn asked(&self) -> Asked {
        let endpoints = [&self.from, &self.to].into_iter().flatten().cloned().collect();
        Asked { endpoints, services: self.on.iter().cloned().collect() }
    }

    /// As arguments on the command line.
    pub fn arguments(&self) -> Vec<String> {
        let endpoints = [("--from", &self.from), ("--to", &self.to)];
        let ends = endpoints.iter().filter_map(|(word, one)| Some((*word, one.as_ref()?.to_string())));
        let on = self.on.iter().map(|services| ("--on", services.to_string()));
        ends.chain(on).flat_map(|(word, text)| [word.to_string(), text]).collect()
    }
}

fn demand(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

fn has_schema(value: &Value, command: &str) -> Result<(), String> {
    let schema = answers::text(&value["schema"])?;
    demand(schema == format!("sekisho/{command}/1"), || format!("the schema is `{schema}`"))
}

fn witness(row: &Row) -> Result<Witness, String> {
    row.witness.ok_or_else(|| format!("a row has no witness: {row:?}"))
}

/// The witness of a row as a flow, which must lie in the row.
fn flow(row: &Row) -> Result<Flow, String> {
    let witness = witness(row)?;
    let flow = witness.flow().ok_or_else(|| format!("no packet can be {witness:?}"))?;
    demand(row.holds(&flow), || format!("the witness {} is not in its own row", flow.csv()))?;
    Ok(flow)
}

/// Compares the answer of `query`.
///
/// # Errors
/// The first thing that is wrong.
pub fn query(table: &Table<'_, '_>, question: &Question, value: &Value) -> Found {
    has_schema(value, "query")?;
    let passing = answers::rows(&value["rows"])?;
    let unenforced = answers::rows(&value["unenforced"])?;
    let all: Vec<Row> = passing.iter().chain(&unenforced).cloned().collect();
    let scope = Scope::new(table, question);
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut wanted: BTreeMap<Rules, Vec<String>> = BTreeMap::new();
    Cut::new(table, &all).each(|flow, triple, rows| {
        seen.extend(rows);
        let is_asked = scope.holds(triple);
        let verdict = table.verdict(triple, 0);
        let (of_passing, of_unenforced): (Vec<usize>, Vec<usize>) = rows.iter().partition(|row| **row < passing.len());
        let in_rows = usize::from(is_asked && verdict == Verdict::Pass);
        demand(of_passing.len() == in_rows, || {
            format!("{}: {} rows of `rows` hold it, not {in_rows}", flow.csv(), of_passing.len())
        })?;
        let is_unenforced = is_asked && verdict == Verdict::Unenforced;
        demand(of_unenforced.is_empty() != is_unenforced, || {
            format!("{}: {} rows of `unenforced` hold it", flow.csv(), of_unenforced.len())
        })?;
        let Some(row) = of_passing.first() else { return Ok(()) };
        let allows = table.facts(triple).allows;
        let names = wanted.entry(allows).or_insert_with(|| table.names(allows));
        demand(all[*row].rules == *names, || {
            format!("{}: its row names {:?}, its rules are {names:?}", flow.csv(), all[*row].rules)
        })
    })?;
    demand(seen.len() == all.len(), || "a row holds no flow".to_string())?;
    demand(unenforced.iter().all(|row| row.rules.is_empty()), || "an unenforced row names rules".to_string())?;
    passing.iter().chain(unenforced.iter().filter(|row| row.witness.is_some())).map(flow).collect()
}

/// The flows that a question is about.
struct Scope {
    from: Vec<bool>,
    to: Vec<bool>,
    on: Vec<bool>,
}

impl Scope {
    fn new(table: &Table<'_, '_>, question: &Question) -> Scope {
        let held = |endpoints: &Option<Endpoints>| match endpoints {
            Some(endpoints) => table.held(endpoints),
            None => vec![true; table.places.len()],
        };
        let on = table.served(question.on.as_ref());
        Scope { from: held(&question.from), to: held(&question.to), on }
    }

    fn holds(&self, (source, destination, kind): Triple) -> bool {
        self.from[source] && self.to[destination] && self.on[kind]
    }
}

/// Compares the answer of `blast`.
///
/// Reading: what the question starts from may be left out of the hops, or stand where its own shortest chain puts it.
///
/// # Errors
/// The first thing that is wrong.
pub fn blast(table: &Table<'_, '_>, question: &Question, value: &Value) -> Found {
    has_schema(value, "blast")?;
    let (mut rows, mut hop_of, mut last) = (Vec::new(), Vec::new(), 0);
    for hop in answers::list(&value["hops"])? {
        let number = hop["hop"].as_u64().and_then(|one| usize::try_from(one).ok()).ok_or("a hop has no number")?;
        demand(number > last, || format!("hop {number} stands after hop {last}"))?;
        last = number;
        let found = answers::rows(&hop["rows"])?;
        hop_of.extend(found.iter().map(|_| number));
        rows.extend(found);
    }
    let from = table.held(question.from.as_ref().unwrap());
    let on = table.served(question.on.as_ref());
    let hops = Hops::new(table, &on);
    let chains = Chains::new(table, &hops, 0);
    let lengths = chains.lengths(&from);
    let cut = Cut::new(table, &rows);
    for (address, place, found) in cut.destinations() {
        let found: BTreeSet<usize> = found.iter().map(|row| hop_of[*row]).collect();
        let expected: BTreeSet<usize> = lengths[place].into_iter().collect();
        let is_start = from[place] && found.is_empty();
        demand(found == expected || is_start, || {
            format!("{address} is in hops {found:?}, and should be in {expected:?}")
        })?;
    }
    cut.each(|flow, triple, found| {
        let by_rules = found.iter().any(|row| !rows[*row].rules.is_empty());
        let passes = on[triple.2] && table.verdict(triple, 0) == Verdict::Pass;
        demand(!by_rules || passes, || format!("{} is in a hop and does not pass", flow.csv()))
    })?;
    rows.iter().filter(|row| !row.rules.is_empty()).map(flow).collect()
}

/// What `check` found, and how often it could not decide where the reference could.
pub struct Checked {
    pub witnesses: Vec<Flow>,
    pub unproven: usize,
}

/// Compares the answer of `check`, its exit code included.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(table: &Table<'_, '_>, value: &Value, exit: i32) -> Result<Checked, String> {
    has_schema(value, "check")?;
    let world = table.reference.world;
    let answers = answers::list(&value["assertions"])?;
    demand(answers.len() == world.assertions.len(), || format!("{} assertions", answers.len()))?;
    let mut checked = Checked { witnesses: Vec::new(), unproven: 0 };
    let mut is_finding = answers::list(&value["diagnostics"])?.iter().any(|one| one["severity"] == "error");
    let mut is_open = false;
    for assertion in &world.assertions {
        let answer = answers.iter().find(|one| one["name"] == assertion.name.as_str());
        let answer = answer.ok_or_else(|| format!("{} is not among the assertions", assertion.name))?;
        if may_be_unproven(assertion, answer) {
            checked.unproven += 1;
            is_open |= !assertion.advisory;
            continue;
        }
        let judge = Judge::new(table, assertion);
        let outcome = judge.outcome();
        is_finding |= outcome == Outcome::Violated && !assertion.advisory;
        let found = judged(&judge, outcome, answer);
        checked.witnesses.extend(found.map_err(|why| format!("{}: {why}\n  {answer}", assertion.name))?);
    }
    let expected = if is_finding { 1 } else { 3 * i32::from(is_open) };
    demand(exit == expected, || format!("exit code {exit}, and should be {expected}"))?;
    Ok(checked)
}

/// Reading: only what every path crosses may stay open, where the way around it would take a zone twice, and a reason is given.
fn may_be_unproven(assertion: &Assertion, answer: &Value) -> bool {
    let has_reason = answer["because"].as_str().is_some_and(|because| !because.is_empty());
    answer["outcome"] == "unproven" && !assertion.via.is_empty() && has_reason
}

fn judged(judge: &Judge<'_, '_, '_>, outcome: Outcome, answer: &Value) -> Found {
    demand(answer["kind"] == judge.assertion.kind, || format!("the kind is {}", answer["kind"]))?;
    demand(answer["outcome"] == outcome.name(), || format!("{}, and should be {}", answer["outcome"], outcome.name()))?;
    let hops = answers::rows(&answer["hops"])?;
    let mend = answers::texts(&answer["mend"])?;
    if outcome != Outcome::Violated {
        demand(hops.is_empty() && mend.is_empty(), || "it has hops or a mend all the same".to_string())?;
        return Ok(Vec::new());
    }
    let is_labelled = answer["because"].as_str().is_some_and(|because| because.contains("minimal"));
    mended(judge, &mend, is_labelled)?;
    if judge.assertion.transitive { chain(judge, &hops) } else { one_row(judge, &hops) }
}

/// The one row of an assertion that is not transitive holds exactly the flows that violate it.
///
/// Reading: its rules are among those that allow (for `must`: deny) flows of it, and all that allow its witness are named.
fn one_row(judge: &Judge<'_, '_, '_>, hops: &[Row]) -> Found {
    let [row] = hops else { return Err(format!("{} rows, not one", hops.len())) };
    let violating = judge.violating();
    Cut::new(judge.table, hops).each(|flow, triple, rows| {
        demand(rows.is_empty() != violating.contains(&triple), || {
            let is_there = if rows.is_empty() { "misses" } else { "holds" };
            format!(
                "the row {is_there} {}, whose verdict is {:?}",
                flow.csv(),
                judge.table.verdict(triple, judge.waived)
            )
        })
    })?;
    let witness = flow(row)?;
    let must = judge.assertion.kind == "must";
    let by = |triple: Triple| -> Rules {
        let facts = judge.table.facts(triple);
        let decided = judge.table.between(triple.0, triple.1) == Between::Firewalls;
        match (decided, must) {
            (false, _) => 0,
            (true, true) => facts.denies,
            (true, false) => facts.allows & !judge.waived,
        }
    };
    let possible = violating.iter().fold(0, |rules, triple| rules | by(*triple));
    let named = judge.table.rules(&row.rules).ok_or_else(|| format!("no such rules: {:?}", row.rules))?;
    let least = if must { 0 } else { by(judge.table.triple_of(&witness)) };
    demand(named & !possible == 0 && least & !named == 0, || {
        format!("the row names {:?}; possible {:?}", row.rules, judge.table.names(possible))
    })?;
    Ok(vec![witness])
}

/// The rows of a chain: as few as can be, each a passing flow or movement at one of its ends, one leading to the next.
fn chain(judge: &Judge<'_, '_, '_>, rows: &[Row]) -> Found {
    let expected = judge.length();
    demand(Some(rows.len()) == expected, || format!("{} hops, and the shortest chain has {expected:?}", rows.len()))?;
    let hops = Hops::new(judge.table, &judge.on);
    let chains = Chains::new(judge.table, &hops, judge.waived);
    let mut flows = Vec::new();
    let mut ends = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let witness = witness(row)?;
        let (from, to) = (judge.table.place_of(witness.source), judge.table.place_of(witness.destination));
        ends.push((from, to));
        if row.rules.is_empty() {
            let is_outer = index == 0 || index + 1 == rows.len();
            demand(is_outer && chains.moves(from, to), || format!("hop {}: nobody moves like that", index + 1))?;
        } else {
            flows.push(passing_hop(judge, row).map_err(|why| format!("hop {}: {why}", index + 1))?);
        }
    }
    leads(judge, &chains, &ends)?;
    Ok(flows)
}

fn passing_hop(judge: &Judge<'_, '_, '_>, row: &Row) -> Result<Flow, String> {
    let passes = |triple: Triple| judge.on[triple.2] && judge.table.verdict(triple, judge.waived) == Verdict::Pass;
    Cut::new(judge.table, std::slice::from_ref(row)).each(|flow, triple, rows| {
        demand(rows.is_empty() || passes(triple), || format!("{} is in it and does not pass", flow.csv()))
    })?;
    let witness = flow(row)?;
    let allows = judge.table.facts(judge.table.triple_of(&witness)).allows & !judge.waived;
    let named = judge.table.rules(&row.rules).ok_or_else(|| format!("no such rules: {:?}", row.rules))?;
    demand(named & !allows == 0, || {
        format!("{:?} do not all let the witness pass: {:?} do", row.rules, judge.table.names(allows))
    })?;
    Ok(witness)
}

/// Whether the ends of the hops make one way from A to B, or with `both-ways` from B to A.
fn leads(judge: &Judge<'_, '_, '_>, chains: &Chains<'_, '_, '_>, ends: &[(usize, usize)]) -> Result<(), String> {
    let (Some((first, _)), Some((_, last))) = (ends.first(), ends.last()) else { return Err("no hops".to_string()) };
    let forth = judge.from[*first] && judge.to[*last];
    let back = judge.assertion.both_ways && judge.to[*first] && judge.from[*last];
    demand(forth || back, || "the chain does not lead from one end to the other".to_string())?;
    let is_public = |place: usize| judge.table.places[place].is_public;
    let joint = |pair: &[(usize, usize)]| {
        let (arrived, next) = (pair[0].1, pair[1].0);
        chains.moves(arrived, next) && !is_public(arrived) && !is_public(next)
    };
    demand(ends.windows(2).all(joint), || "a hop begins where the one before does not lead".to_string())
}

/// Taking these rules away mends it, and no smaller set does; no rules are named only if no set of rules would do.
fn mended(judge: &Judge<'_, '_, '_>, mend: &[String], is_labelled: bool) -> Result<(), String> {
    let mends = judge.mending();
    if !mends(judge.candidates()) {
        return demand(mend.is_empty(), || format!("nothing mends it, and {mend:?} certainly not"));
    }
    let set = judge.table.rules(mend).ok_or_else(|| format!("no such rules: {mend:?}"))?;
    let effect = if judge.assertion.kind == "must" { Effect::Deny } else { Effect::Allow };
    demand(set & !judge.table.active(effect) == 0, || format!("{mend:?} are not all rules that matter"))?;
    demand(mends(set), || format!("without {mend:?} it is still violated"))?;
    let bits: Vec<bool> = (0..64).map(|index| set >> index & 1 == 1).collect();
    let needed = chosen(&bits).all(|index| !mends(set & !(1 << index)));
    demand(needed, || format!("not all of {mend:?} are needed"))?;
    match judge.least_mend() {
        Some(Some(least)) if !is_labelled => demand(mend.len() == least, || format!("{mend:?}, but {least} will do")),
        _ => Ok(()),
    }
}
