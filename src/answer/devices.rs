//! What `verify` and `drift` answer about devices: the objects that programs get. `sentences` says the same to people.
//!
//! `breaks` is about a device alone: it names the assertions about flows that this device should have stopped. Whether another firewall on the way still holds is a question about all
//! of them. Packets that belong to no connection are listed only where the first packets of connections are not: a hole is said once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use serde::Serialize;

use super::lists::{WayObject, way_object};
use super::packets::{Flows, PacketRows, by_family};
use super::sentences::{self, Said, Side};
use crate::drift::{ConfigFile, Differing, Gap, Judged, Outcome};
use crate::listing::{Hook, Way};
use crate::model::{Model, Product as Asked};
use crate::packet::{Flow, Product};
use crate::proof::{BlamedLine, Lacks};
use crate::reach::FlowProduct;
use crate::report::json::Row;
use crate::syntax::ast::AssertionKind;

/// Lines that a row repeats at most: a device that runs something else altogether has thousands of rows, and all lines are to blame for each.
const MANY: usize = 100;

/// A line of a config.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ConfigLine {
    /// From 1; 0 if the file does not say.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// The file, where the config has several and it is certain which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Flows that a device treats otherwise than the policy asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceRow {
    /// The flows. `rules` are the allows that cover some of what is missing, or the denies and quarantines that cover all of what is too much.
    #[serde(flatten)]
    pub row: Row,
    /// `new`: connections. Of connections that may or must go on: `later` packets, `answers`, ICMP `errors`. `announced`: connections that others announced, over a helper. `stray`: packets of no connection.
    pub kind: &'static str,
    /// The ways on which it does; the interface `*` is any that neither the inventory nor the config names.
    pub ways: Vec<WayObject>,
    /// The lines that let the packets pass, or drop them; `null` where there are more than a hundred: then those of the device say it.
    pub lines: Option<Vec<ConfigLine>>,
    /// The assertions that it breaks, by name.
    pub breaks: Vec<String>,
    /// The sentence for people.
    #[serde(skip)]
    pub sentence: String,
}

/// Something that is not proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnprovenObject {
    /// From 1; 0 if it is about a whole file.
    pub line: usize,
    /// The text of the line, or the path of the file.
    pub text: String,
    /// The reason.
    pub because: String,
    /// The file of the line, where the config has several and it is certain which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Where a config came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupObject {
    /// The day, `YYYY-MM-DD`; `null` if nothing says it.
    pub collected: Option<String>,
    /// Its file, the first one if there are several; `null` if there is none.
    pub file: Option<String>,
    /// All its files.
    pub files: Vec<String>,
}

/// What came of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceObject {
    /// The device.
    pub device: String,
    /// `equal`, `text-differs`, `differs`, `unproven`, `not-collected` or `unknown-device`.
    pub outcome: &'static str,
    /// Only of `drift`.
    #[serde(flatten)]
    pub backup: Option<BackupObject>,
    /// What passes and should not.
    pub extra: Vec<DeviceRow>,
    /// What should pass and does not.
    pub missing: Vec<DeviceRow>,
    /// The lines that cause the differences.
    pub lines: Vec<ConfigLine>,
    /// What is not proved.
    pub unproven: Vec<UnprovenObject>,
    /// What else one must know; mostly empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// `sekisho verify` and `sekisho drift`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DevicesReport {
    /// `sekisho/verify/1` or `sekisho/drift/1`
    pub schema: &'static str,
    /// By name.
    pub devices: Vec<DeviceObject>,
    /// What else one must know; mostly empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Makes objects of what was judged, in the words of one project.
#[derive(Debug)]
pub struct DeviceWords<'a> {
    /// Rows of its flows.
    pub rows: PacketRows<'a>,
    /// The day of which the assertions are.
    pub at: Date,
}

impl DeviceWords<'_> {
    /// The object of a device; `files` are what was read of it.
    #[must_use]
    pub fn device(&self, judged: &Judged, files: &[ConfigFile]) -> DeviceObject {
        let places = Places::new(files);
        let extra = self.differences(Side::Extra, judged, &places);
        let missing = self.differences(Side::Missing, judged, &places);
        let blamed = judged.extra.iter().chain(&judged.missing).flat_map(|gap| &gap.lines);
        let lines: BTreeSet<ConfigLine> = blamed.map(|line| places.line(line)).collect();
        let unproven = judged.unproven.iter().map(|one| {
            let (line, file) = if one.line > 0 { places.locate(one.line, &one.text) } else { (0, None) };
            UnprovenObject { line, text: one.text.clone(), because: one.because.clone(), file }
        });
        DeviceObject {
            device: judged.device.clone(),
            outcome: judged.outcome.as_str(),
            backup: Some(BackupObject {
                collected: judged.collected.map(|date| date.to_string()),
                file: judged.files.first().cloned(),
                files: judged.files.clone(),
            }),
            extra,
            missing,
            lines: lines.into_iter().collect(),
            unproven: unproven.collect(),
            notes: Vec::new(),
        }
    }

    fn differences(&self, side: Side, judged: &Judged, places: &Places<'_>) -> Vec<DeviceRow> {
        let gaps = match side {
            Side::Extra => &judged.extra,
            Side::Missing => &judged.missing,
        };
        let firsts = Firsts::new(gaps);
        let mut found: Vec<(Lacks, DeviceRow)> = Vec::new();
        for gap in gaps {
            let lines: Vec<ConfigLine> = gap.lines.iter().map(|line| places.line(line)).collect();
            let mut by_rules: BTreeMap<&[String], Vec<(Product, Flow)>> = BTreeMap::new();
            for one in gap.flows.iter().filter(|one| !firsts.say(gap, one)) {
                by_rules.entry(&one.rules).or_default().push((one.product.clone(), one.witness));
            }
            for (rules, flows) in by_rules {
                let groups = self.rows.joined(&flows);
                found.extend(groups.iter().map(|flows| (gap.kind, self.row(side, judged, gap, flows, rules, &lines))));
            }
        }
        // The order of the gaps is that of their ways, and that of their products by size.
        found.sort_by_key(|(kind, row)| (*kind, row.breaks.is_empty()));
        found.into_iter().map(|(_, row)| row).collect()
    }

    fn row(
        &self,
        side: Side,
        judged: &Judged,
        gap: &Gap,
        flows: &Flows,
        rules: &[String],
        lines: &[ConfigLine],
    ) -> DeviceRow {
        let broken = if gap.kind == Lacks::New { self.broken(side, flows) } else { Vec::new() };
        let example = broken.first().and_then(|(_, flows)| self.rows.example(flows));
        let breaks: Vec<String> = broken.into_iter().map(|(name, _)| name).collect();
        let said = Said { side, device: &judged.device, gap, flows, rules, lines, breaks: &breaks };
        DeviceRow {
            sentence: said.sentence(&self.rows),
            row: self.rows.row(flows, rules, example),
            kind: kind(gap.kind),
            ways: gap.ways.iter().map(way_object).collect(),
            lines: (lines.len() <= MANY).then(|| lines.to_vec()),
            breaks,
        }
    }

    /// The assertions of today about some of the flows, what must never pass or must, each with such flows.
    fn broken(&self, side: Side, flows: &Flows) -> Vec<(String, FlowProduct)> {
        let model = self.rows.model;
        let flows: Vec<FlowProduct> = flows.iter().flat_map(|(product, _)| by_family(product)).collect();
        let active = model.assertions.iter().filter(|one| one.period.contains(self.at));
        let met = active.filter_map(|one| {
            let met = |flows| one.products.iter().find_map(|asked| breaking(model, side, one.kind, asked, flows));
            Some((one.name.value.clone(), flows.iter().find_map(met)?))
        });
        met.collect()
    }
}

/// Which of some flows an assertion is about; `None` if none are.
fn breaking(model: &Model, side: Side, kind: AssertionKind, asked: &Asked, flows: &FlowProduct) -> Option<FlowProduct> {
    let (from, to) = (model.endpoint(asked.source), model.endpoint(asked.destination));
    if !to.intersects(&flows.destinations) {
        return None;
    }
    let sources = match (side, kind) {
        (Side::Extra, AssertionKind::Never) | (Side::Missing, AssertionKind::Must) => from.intersection(&flows.sources),
        // A source that the inventory does not know is in no assertion.
        (Side::Extra, AssertionKind::Only) => flows.sources.intersection(&model.known).difference(from),
        (Side::Extra, AssertionKind::Must) | (Side::Missing, AssertionKind::Never | AssertionKind::Only) => {
            return None;
        }
    };
    let destinations = to.intersection(&flows.destinations);
    let services = model.service(asked.services).intersection(&flows.services);
    let is_some = !(sources.is_empty() || destinations.is_empty() || services.is_empty());
    is_some.then_some(FlowProduct { sources, destinations, services })
}

/// A hook and the interfaces in and out.
type Ends<'g> = (Hook, Option<&'g str>, Option<&'g str>);

/// The gaps about first packets, by way.
struct Firsts<'g> {
    gaps: HashMap<Ends<'g>, Vec<&'g Gap>>,
}

impl<'g> Firsts<'g> {
    fn new(gaps: &'g [Gap]) -> Self {
        let mut found: HashMap<_, Vec<&Gap>> = HashMap::new();
        for gap in gaps.iter().filter(|gap| gap.kind == Lacks::New) {
            for (hook, incoming, outgoing, _) in &gap.ways {
                found.entry((*hook, incoming.as_deref(), outgoing.as_deref())).or_default().push(gap);
            }
        }
        Self { gaps: found }
    }

    /// Whether the first packets of the same connections are treated so on the same ways: then the others need no row of their own.
    fn say(&self, gap: &Gap, one: &Differing) -> bool {
        let is_there = |first: &Gap| first.flows.iter().any(|first| holds(&first.product, &one.product));
        let on = |(hook, incoming, outgoing, _): &Way| {
            let (first, second) = (incoming.as_deref(), outgoing.as_deref());
            let ends: &[_] = match gap.kind {
                Lacks::Answers => &[(second, first)],
                Lacks::Errors => &[(first, second), (second, first)],
                Lacks::New | Lacks::Later | Lacks::Announced | Lacks::Stray => &[(first, second)],
            };
            let known = ends.iter().filter_map(|(first, second)| self.gaps.get(&(*hook, *first, *second)));
            known.flatten().any(|first| is_there(first))
        };
        gap.kind != Lacks::New && gap.ways.iter().all(on)
    }
}

fn holds(whole: &Product, part: &Product) -> bool {
    part.sources.is_subset(&whole.sources)
        && part.destinations.is_subset(&whole.destinations)
        && part.services.is_subset(&whole.services)
}

fn kind(kind: Lacks) -> &'static str {
    match kind {
        Lacks::New => "new",
        Lacks::Later => "later",
        Lacks::Answers => "answers",
        Lacks::Errors => "errors",
        Lacks::Announced => "announced",
        Lacks::Stray => "stray",
    }
}

/// The files of a config, by line.
struct Places<'f> {
    files: Vec<(&'f str, Vec<&'f str>)>,
}

impl<'f> Places<'f> {
    /// Empty for a config of one file: there is nothing to find.
    fn new(files: &'f [ConfigFile]) -> Self {
        let lines = |file: &'f ConfigFile| {
            (file.path.as_str(), file.text.as_deref().unwrap_or_default().split('\n').map(str::trim).collect())
        };
        Self { files: if files.len() > 1 { files.iter().map(lines).collect() } else { Vec::new() } }
    }

    /// In which file a line is, and which it is there. A reader counts the lines of each file, or those of all as one text: the text of the line decides.
    fn locate(&self, line: usize, text: &str) -> (usize, Option<String>) {
        let has = |lines: &[&str], at: usize| {
            at.checked_sub(1)
                .and_then(|at| lines.get(at))
                .is_some_and(|known| !known.is_empty() && text.contains(known))
        };
        let mut own = self.files.iter().filter(|(_, lines)| has(lines, line));
        match (own.next(), own.next()) {
            (Some((path, _)), None) => return (line, Some((*path).to_owned())),
            (Some(_), Some(_)) => return (line, None),
            (None, _) => {}
        }
        let mut rest = line;
        for (path, lines) in &self.files {
            if has(lines, rest) {
                return (rest, Some((*path).to_owned()));
            }
            rest = rest.saturating_sub(lines.len());
        }
        (line, None)
    }

    fn line(&self, line: &BlamedLine) -> ConfigLine {
        let (number, file) = self.locate(line.line, &line.text);
        ConfigLine { line: number, text: line.text.clone(), file }
    }
}

/// A device of which there is no config, or a config of which there is no device.
#[must_use]
pub fn bare_device(judged: &Judged) -> DeviceObject {
    DeviceObject {
        device: judged.device.clone(),
        outcome: judged.outcome.as_str(),
        backup: Some(BackupObject {
            collected: None,
            file: judged.files.first().cloned(),
            files: judged.files.clone(),
        }),
        extra: Vec::new(),
        missing: Vec::new(),
        lines: Vec::new(),
        unproven: Vec::new(),
        notes: Vec::new(),
    }
}

impl DevicesReport {
    /// For people: a line a device, and what differs below it.
    #[must_use]
    pub fn to_text(&self) -> String {
        sentences::report(self)
    }

    /// How many devices have an outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.devices.iter().filter(|device| device.outcome == outcome.as_str()).count()
    }
}
