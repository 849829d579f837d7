//! What became of the flows of a question, in each version of a project and on each date that matters.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rayon::prelude::*;

use super::{Judged, Question};
use crate::answer::Asked;
use crate::diag::{Diagnostic, Severity};
use crate::graph::Topology;
use crate::model::Model;
use crate::packet::AddressSet;
use crate::pipeline::{self, Loaded, Parsed};
use crate::reach::Prover;
use crate::source::{History, ProjectError, Sources};

/// Versions that are read before what none of them has in common is let go.
const TOGETHER: usize = 64;

/// How many of the flows that any rule could let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flows {
    /// Every one.
    All,
    /// Not every one.
    Some,
}

impl Flows {
    /// As programs see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Some => "some",
        }
    }
}

/// A rule as it stood in a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleAt {
    /// Its name.
    pub name: String,
    /// Its file, relative to the project.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
}

/// What became of the flows in one version on one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// None of them passed.
    Closed,
    /// Some passed, or were between ends that no firewall stands between.
    Open {
        /// How many.
        flows: Flows,
        /// Whether no firewall stands before some of them.
        unenforced: bool,
        /// The allows that let them through, in the order of names.
        rules: Vec<RuleAt>,
    },
    /// The version is bad input; why.
    Unproven(String),
    /// The version knows nothing of that name; why.
    Unknown(String),
}

/// What became of the flows in one version from one date on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Index into the versions.
    pub version: usize,
    /// The date.
    pub date: Date,
    /// What became of them.
    pub state: State,
}

/// The versions with one content, and until when each of them was the last.
struct Content {
    spans: Vec<(usize, Date, Option<Date>)>,
}

/// What became of the flows of a question, in the order of time.
///
/// # Errors
///
/// Something in the question is known in no version.
pub fn states(history: &History, question: &Question, judged: Judged) -> Result<Vec<Moment>, Vec<Diagnostic>> {
    let contents = contents(history, judged);
    let parsed = Parsed::default();
    let mut moments: Vec<Moment> = Vec::new();
    let mut sound = None;
    for some in contents.chunks(TOGETHER) {
        let work = |content: &Content| one(history, content, question, &parsed);
        let found: Vec<(Vec<Moment>, bool)> = some.par_iter().map(work).collect();
        for (states, is_sound) in found {
            sound = sound.max(states.iter().map(|moment| moment.version).max().filter(|_| is_sound));
            moments.extend(states);
        }
        history.forget();
        parsed.forget();
    }
    let last = sound.and_then(|version| history.load(history.versions.get(version)?).ok());
    let wrong = last.map(|project| question.never_known(&pipeline::resolve(project))).unwrap_or_default();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    moments.sort_by_key(|moment| (moment.version, moment.date));
    Ok(moments)
}

/// The distinct contents, in the order in which they came.
fn contents(history: &History, judged: Judged) -> Vec<Content> {
    let mut places: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    let mut contents: Vec<Content> = Vec::new();
    for (number, version) in history.versions.iter().enumerate() {
        let next = history.versions.get(number + 1).map(|next| next.committed);
        let span = match judged {
            Judged::At(at) => (number, at, None),
            Judged::Then(today) => (number, version.committed, next.or_else(|| today.tomorrow().ok())),
        };
        let place = *places.entry(version.tree.as_deref()).or_insert(contents.len());
        match contents.get_mut(place) {
            Some(content) => content.spans.push(span),
            None => contents.push(Content { spans: vec![span] }),
        }
    }
    contents
}

/// Judges one content; whether it was no bad input.
fn one(history: &History, content: &Content, question: &Question, parsed: &Parsed) -> (Vec<Moment>, bool) {
    let always = |state: &State| {
        let moment = |&(version, date, _): &(usize, Date, _)| Moment { version, date, state: state.clone() };
        content.spans.iter().map(moment).collect()
    };
    let Some(version) = content.spans.first().and_then(|(version, ..)| history.versions.get(*version)) else {
        return (Vec::new(), false);
    };
    if version.tree.is_none() {
        return (always(&State::Unknown("the commit has no such directory".to_owned())), false);
    }
    let mut loaded = match history.load(version) {
        Ok(project) => pipeline::resolve_with(project, Some(parsed)),
        Err(errors) => return (always(&State::Unproven(unreadable(&errors))), false),
    };
    if !loaded.is_sound() {
        let found = loaded.diagnostics();
        return (always(&State::Unproven(bad_input(&loaded.project.sources, &found))), false);
    }
    match question.asked(&loaded) {
        Ok(asked) => {
            narrow(&mut loaded.model, &asked);
            (sound(&loaded, content, &asked), true)
        }
        Err(because) => (always(&State::Unknown(because)), true),
    }
}

/// Leaves only what says something about the flows: it is a small part, and classes, dates and rules are found among what is left.
fn narrow(model: &mut Model, asked: &Asked) {
    let mut rules = std::mem::take(&mut model.rules);
    for rule in &mut rules {
        rule.products.retain(|product| {
            model.endpoint(product.source).intersects(&asked.from)
                && model.endpoint(product.destination).intersects(&asked.to)
                && model.service(product.services).intersects(&asked.on)
        });
    }
    model.rules = rules;
    model.assertions.clear();
}

/// Judges a version on all dates that matter.
fn sound(loaded: &Loaded, content: &Content, asked: &Asked) -> Vec<Moment> {
    let topology = Topology::new(&loaded.model);
    let mut known: BTreeMap<Date, State> = BTreeMap::new();
    let mut moments = Vec::new();
    for &(version, first, end) in &content.spans {
        for date in dates(&loaded.model, first, end) {
            let state = known.entry(date).or_insert_with(|| state(loaded, &topology, date, asked));
            moments.push(Moment { version, date, state: state.clone() });
        }
    }
    moments
}

/// A date and those after it, before an end, on which something about the flows starts or lapses.
fn dates(model: &Model, first: Date, end: Option<Date>) -> BTreeSet<Date> {
    let mut dates = BTreeSet::from([first]);
    let Some(end) = end else { return dates };
    let rules = model.rules.iter().filter(|rule| !rule.products.is_empty()).map(|rule| rule.period);
    for period in rules.chain(model.quarantines.iter().map(|quarantine| quarantine.period)) {
        let mut day = first;
        while let Some(next) = period.changes_after(day).filter(|next| *next < end) {
            dates.insert(next);
            day = next;
        }
    }
    dates
}

/// What becomes of the flows at a date.
fn state(loaded: &Loaded, topology: &Topology, at: Date, asked: &Asked) -> State {
    let prover = Prover::new(&loaded.model, topology, at, &asked.extra());
    let access = &prover.access;
    let classes = |set: &AddressSet| access.addresses(set).cloned().unwrap_or_default();
    let (from, to) = (classes(&asked.from), classes(&asked.to));
    let on = access.service_classes(&asked.on).unwrap_or_default();
    let passing = prover.permitted(&from, &to, on);
    let unenforced = prover.size(&prover.free(&from, &to, on)) > 0;
    let flows: u128 = passing.iter().map(|permitted| prover.size(&permitted.flows)).sum();
    if flows == 0 && !unenforced {
        return State::Closed;
    }
    let all = prover.size(&prover.routable(&from, &to, on)) == flows;
    let mut rules: Vec<RuleAt> =
        passing.iter().flat_map(|one| &one.rules).filter_map(|rule| rule_at(loaded, rule.index())).collect();
    rules.sort();
    rules.dedup();
    State::Open { flows: if all { Flows::All } else { Flows::Some }, unenforced, rules }
}

fn rule_at(loaded: &Loaded, number: usize) -> Option<RuleAt> {
    let rule = loaded.model.rules.get(number)?;
    let (sources, span) = (&loaded.project.sources, rule.name.span);
    let (file, line) = (sources.path(span.file).to_owned(), sources.position(span).line);
    Some(RuleAt { name: rule.name.value.clone(), file, line })
}

fn unreadable(errors: &[ProjectError]) -> String {
    let first = errors.first().map_or_else(String::new, |error| format!("`{}`: {}", error.path, error.message));
    format!("{first}{}", others(errors.len()))
}

fn bad_input(sources: &Sources, found: &[Diagnostic]) -> String {
    let wrong: Vec<&Diagnostic> =
        found.iter().filter(|one| !one.code.lint && one.severity == Severity::Error).collect();
    let first = wrong.first().map_or_else(String::new, |one| {
        let place = one.primary.as_ref().map_or_else(String::new, |label| {
            format!("{}:{}: ", sources.path(label.span.file), sources.position(label.span).line)
        });
        format!("{place}{}: {}", one.code.id, one.message)
    });
    format!("{first}{}", others(wrong.len()))
}

fn others(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        2 => " (and another mistake)".to_owned(),
        more => format!(" (and {} more mistakes)", more - 1),
    }
}
