//! Sets of flows that differ as rows: each of flows that the same rules decide, in the names of the side that they are told of.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::assertions;
use super::hops::Follow;
use super::objects::{AssertionChange, ChangeRow, DeviceChange, DiffReport, LoggedWords, RuleWords, Through};
use super::words::{self, TierSets};
use crate::answer::between::devices_between;
use crate::answer::query::{joined, joined_among};
use crate::answer::{Names, Rows, ServiceWords};
use crate::diff::{self, Changes, Fate, Logged, Region, Side, decisions};
use crate::model::{Location, Model, RuleId};
use crate::packet::{AddressSet, Family, Product, TooLarge};
use crate::reach::{ClassProduct, ClassSet, Extra, Prover, Question, Want, merge};
use crate::report::json::Row;
use crate::source::Sources;

/// Rows for which further hops are looked for; beyond it nobody reads them, and each costs two searches.
const FOLLOWED: usize = 40;

/// One side with what its words need.
pub struct Project<'a> {
    /// The side.
    pub side: Side<'a>,
    /// Its files.
    pub sources: &'a Sources,
    /// The addresses of each value of the attribute `tier`; empty where there is none.
    pub tiers: TierSets,
    /// Which side it is.
    pub which: diff::Which,
}

impl<'a> Project<'a> {
    /// The same side on another day.
    #[must_use]
    pub fn on(&self, day: Date) -> Self {
        Self {
            side: Side { at: day, ..self.side },
            sources: self.sources,
            tiers: self.tiers.clone(),
            which: self.which,
        }
    }

    pub(super) fn model(&self) -> &'a Model {
        self.side.model
    }

    /// What is said of something that only this side has.
    pub(super) fn alone(&self) -> &'static str {
        match self.which {
            diff::Which::Before => "gone",
            diff::Which::After => "new",
        }
    }
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Diff {
    /// The flows.
    pub changes: Changes,
    /// What opens, the most telling first.
    pub opens: Vec<Shown>,
    /// What closes.
    pub closes: Vec<Shown>,
    /// What takes other ways.
    pub path_changed: Vec<Shown>,
    /// What is logged otherwise.
    pub logging_changed: Vec<Shown>,
    /// The assertions whose verdict changes.
    pub assertions: Vec<AssertionChange>,
    /// The digest of what opens.
    pub digest: String,
}

/// A row with what people and the gate need beside it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The row.
    pub row: ChangeRow,
    /// The services by name.
    pub services: Vec<String>,
    /// The sources.
    pub from: AddressSet,
    /// The destinations.
    pub to: AddressSet,
    /// Exactly the flows.
    pub flows: Vec<Product>,
    /// What is reached over them in further hops.
    pub further: AddressSet,
    /// Steps of trust that the flows go up, at worst.
    depth: i64,
}

/// Compares two sides.
///
/// # Errors
///
/// [`TooLarge`]: what differs has too many parts to be held.
pub fn diff(before: &Project<'_>, after: &Project<'_>) -> Result<Diff, TooLarge> {
    let changes = diff::compare(before.side, after.side, Region::Changed)?;
    let teller = |mine, other, products: &[Product]| Teller::new(mine, other, products);
    let (mut opens, mut closes, mut path_changed, mut logging_changed) = (vec![], vec![], vec![], vec![]);
    if !changes.opens.is_empty() {
        let teller = teller(after, before, &changes.opens);
        let rows = teller.travelling();
        opens = teller.finish(rows, Kind::Opens);
    }
    if !changes.closes.is_empty() {
        let teller = teller(before, after, &changes.closes);
        let rows = teller.travelling();
        closes = teller.finish(rows, Kind::Closes);
    }
    if !changes.path_changed.is_empty() {
        let teller = teller(after, before, &changes.path_changed);
        let rows = teller.travelling();
        path_changed = teller.finish(rows, Kind::Path);
    }
    if !changes.logging_changed.is_empty() {
        let teller = teller(after, before, &changes.logging_changed);
        let rows = teller.decided();
        logging_changed = teller.finish(rows, Kind::Logging);
    }
    let assertions = judged(before, after, &changes);
    let digest = diff::digest(&changes.opens);
    Ok(Diff { changes, opens, closes, path_changed, logging_changed, assertions, digest })
}

/// The assertions that change. Where nothing else did and all of them claim what they did, no proof is made.
fn judged(before: &Project<'_>, after: &Project<'_>, changes: &Changes) -> Vec<AssertionChange> {
    let has_none = before.model().assertions.is_empty() && after.model().assertions.is_empty();
    if has_none || (changes.untouched && assertions::are_same(before, after)) {
        return Vec::new();
    }
    let side = after.side;
    let new = Prover::new(side.model, side.topology, side.at, &Extra::default());
    let side = before.side;
    let old = Prover::new(side.model, side.topology, side.at, &Extra::default());
    assertions::changes((before, &old.all()), (after, &new.all(), &new))
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Opens,
    Closes,
    Path,
    Logging,
}

/// An end of flows.
#[derive(Debug, Clone, Copy)]
enum End {
    Source,
    Destination,
}

/// Why flows fare as they do: what becomes of them, the rules, the quarantines.
type Reason = (&'static str, Option<Logged>, Vec<RuleId>, Vec<u32>);

/// A row in the making.
struct Draft {
    reason: Reason,
    flows: Vec<ClassProduct>,
}

/// Tells of flows in the words of one side.
struct Teller<'a> {
    mine: &'a Project<'a>,
    other: &'a Project<'a>,
    prover: Prover<'a>,
    names: Names<'a>,
    services: ServiceWords,
    /// How many products there are.
    count: usize,
}

fn extra(products: &[Product]) -> Extra {
    use std::sync::Arc;
    Extra {
        addresses: products
            .iter()
            .flat_map(|one| [Arc::new(one.sources.clone()), Arc::new(one.destinations.clone())])
            .collect(),
        services: products.iter().map(|one| Arc::new(one.services.clone())).collect(),
        ..Extra::default()
    }
}

/// The question about a product, by its place in the extra sets.
fn question<'p>(prover: &'p Prover<'_>, number: usize) -> Question<'p> {
    let access = &prover.access;
    let (from, to) = (access.extra_addresses(2 * number), access.extra_addresses(2 * number + 1));
    Question { from, to, on: access.extra_services(number), want: Want::All }
}

impl<'a> Teller<'a> {
    fn new(mine: &'a Project<'a>, other: &'a Project<'a>, products: &[Product]) -> Self {
        let Side { model, topology, at } = mine.side;
        Self {
            mine,
            other,
            prover: Prover::new(model, topology, at, &extra(products)),
            names: Names::new(model),
            services: ServiceWords::new(model),
            count: products.len(),
        }
    }

    /// Flows that travel, by the allows that let them.
    fn travelling(&self) -> Vec<Draft> {
        let mut found: BTreeMap<Reason, Vec<ClassProduct>> = BTreeMap::new();
        for number in 0..self.count {
            let Question { from, to, on, .. } = question(&self.prover, number);
            for permitted in self.prover.permitted(from, to, on) {
                found.entry(("pass", None, permitted.rules, Vec::new())).or_default().extend(permitted.flows);
            }
            let free = self.prover.free(from, to, on);
            if !free.is_empty() {
                found.entry(("unenforced", None, Vec::new(), Vec::new())).or_default().extend(free);
            }
        }
        self.drafts(found)
    }

    /// Flows that rules decide, by these rules.
    fn decided(&self) -> Vec<Draft> {
        let mut found: BTreeMap<Reason, Vec<ClassProduct>> = BTreeMap::new();
        for number in 0..self.count {
            for one in decisions(&self.prover, question(&self.prover, number)) {
                let verdict = if one.fate == Fate::Passes { "pass" } else { "drop" };
                let reason = (verdict, Some(one.logged), one.rules, one.quarantines);
                found.entry(reason).or_default().extend(one.flows);
            }
        }
        self.drafts(found)
    }

    fn drafts(&self, found: BTreeMap<Reason, Vec<ClassProduct>>) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for (reason, flows) in found {
            let flows = merge(flows);
            let free = |hull: &ClassProduct| self.prover.free(&hull.sources, &hull.destinations, &hull.services);
            let groups = match reason.0 {
                "unenforced" => joined_among(&self.prover, flows, &free),
                _ => joined(&self.prover, flows),
            };
            drafts.extend(groups.into_iter().map(|flows| Draft { reason: reason.clone(), flows }));
        }
        drafts
    }

    /// Rows of drafts, sorted, with what the other side says of them.
    fn finish(&self, drafts: Vec<Draft>, kind: Kind) -> Vec<Shown> {
        let mut rows: Vec<(Shown, Draft)> = drafts.into_iter().map(|draft| (self.shown(&draft, kind), draft)).collect();
        rows.sort_by(|(a, _), (b, _)| order(a).cmp(&order(b)));
        let exact: Vec<Product> = rows.iter().flat_map(|(shown, _)| shown.flows.clone()).collect();
        let Side { model, topology, at } = self.other.side;
        let mut sets = extra(&exact);
        sets.addresses.extend(rows.iter().map(|(shown, _)| std::sync::Arc::new(shown.from.clone())));
        let other = Prover::new(model, topology, at, &sets);
        let mut first = 0;
        for (shown, draft) in &mut rows {
            let own = first..first + shown.flows.len();
            first = own.end;
            match kind {
                Kind::Opens | Kind::Closes => shown.row.stopped_by = self.stopped_by(&other, own),
                Kind::Path => {
                    let flow = self.rows().example(&draft.flows);
                    let between = |prover| flow.map(|flow| devices_between(prover, &flow)).unwrap_or_default();
                    shown.row.through = Some(Through { before: between(&other), after: between(&self.prover) });
                }
                Kind::Logging => {}
            }
        }
        if kind == Kind::Opens {
            let mut follow = Follow::new(&self.prover, &other, &self.names);
            for (number, (shown, draft)) in rows.iter_mut().enumerate().take(FOLLOWED) {
                let to = draft.flows.iter().fold(ClassSet::empty(), |all, one| all.union(&one.destinations));
                let from = other.access.extra_addresses(2 * exact.len() + number);
                let (then, further) = follow.then(from, &to);
                (shown.row.then, shown.further) = (Some(then), further);
            }
        }
        rows.into_iter().map(|(shown, _)| shown).collect()
    }

    fn rows(&self) -> Rows<'_> {
        Rows { access: &self.prover.access, names: &self.names }
    }

    fn shown(&self, draft: &Draft, kind: Kind) -> Shown {
        let access = &self.prover.access;
        let (verdict, logged, rules, quarantines) = &draft.reason;
        let mut row = self.rows().row(&draft.flows, rules);
        let flows: Vec<Product> = access
            .exact(&draft.flows)
            .into_iter()
            .map(|one| Product { sources: one.sources, destinations: one.destinations, services: one.services })
            .collect();
        let from = AddressSet::union_all(flows.iter().map(|one| &one.sources));
        let to = AddressSet::union_all(flows.iter().map(|one| &one.destinations));
        self.name_ends(&mut row, draft, (&from, &to));
        let (tiers, model) = (&self.mine.tiers, self.mine.model());
        let row = ChangeRow {
            verdict,
            behind: self.behind(rules, quarantines),
            stopped_by: Vec::new(),
            size: words::size(&from, &to),
            tiers: words::tiers(tiers, model, &from, &to),
            then: None,
            through: None,
            logged: logged.filter(|_| kind == Kind::Logging).map(|after| {
                let after = after == Logged::Yes;
                LoggedWords { before: !after, after }
            }),
            row,
        };
        let services = self.services.of_flows(access, &draft.flows);
        let depth = words::depth(tiers, model, &from, &to);
        Shown { row, services, from, to, flows, further: AddressSet::empty(), depth }
    }

    /// Flows of one family: one end may be called by its name although the other family lies in it too, because it meets nothing there.
    fn name_ends(&self, row: &mut Row, draft: &Draft, (from, to): (&AddressSet, &AddressSet)) {
        let (own, other) = match (from.v4.is_empty(), from.v6.is_empty()) {
            (false, true) => (Family::V4, Family::V6),
            (true, false) => (Family::V6, Family::V4),
            _ => return,
        };
        let classes = &self.prover.access.classes;
        let others = classes.of_family(&classes.all(), other);
        let end = |end: fn(&ClassProduct) -> &ClassSet| {
            draft.flows.iter().fold(ClassSet::empty(), |all, one| all.union(end(one)))
        };
        let (sources, destinations) = (end(|one| &one.sources), end(|one| &one.destinations));
        let mut services: Vec<u32> = draft.flows.iter().flat_map(|one| one.services.iter().copied()).collect();
        services.sort_unstable();
        services.dedup();
        let length = |line: &str| line.split(", ").count() + line.matches(" in ").count();
        for end in [End::Source, End::Destination] {
            let (from_classes, to_classes) = match end {
                End::Source => (sources.union(&others), destinations.clone()),
                End::Destination => (sources.clone(), destinations.union(&others)),
            };
            let question = Question { from: &from_classes, to: &to_classes, on: &services, want: Want::All };
            let (exact, place) = match end {
                End::Source => (from, &mut row.from),
                End::Destination => (to, &mut row.to),
            };
            let by_rules = classes.addresses(&self.alike(question, draft, end));
            let before = length(place);
            for wide in [by_rules, self.with_hosts(exact, own, other), self.with_networks(exact, own, other)] {
                let name = self.names.line(&wide);
                if wide.only(own) == *exact && length(&name) < length(place) {
                    *place = name;
                }
            }
            if length(place) < before {
                return;
            }
        }
    }

    /// A set of one family with the other addresses of those hosts that lie wholly in it.
    fn with_hosts(&self, set: &AddressSet, own: Family, other: Family) -> AddressSet {
        let model = self.mine.model();
        let hosts = set.ranges().flat_map(|range| model.hosts_in(range)).filter_map(|id| model.hosts.get(id.index()));
        let whole = hosts.filter(|host| host.addresses.only(own).is_subset(set));
        whole.fold(set.clone(), |all, host| all.union(&host.addresses.only(other)))
    }

    /// A set of one family with the other addresses of its networks, but for those of hosts that are not in it.
    fn with_networks(&self, set: &AddressSet, own: Family, other: Family) -> AddressSet {
        let model = self.mine.model();
        let mut networks: Vec<_> = model
            .located
            .meet(set)
            .into_iter()
            .filter_map(|(_, location)| match location {
                Location::Network(id) => Some(id),
                Location::Internet => None,
            })
            .collect();
        networks.sort_unstable();
        networks.dedup();
        let networks = networks.iter().filter_map(|id| model.networks.get(id.index()));
        let mut others = AddressSet::union_all(networks.map(|network| &*network.own)).only(other);
        for host in others.clone().ranges().flat_map(|range| model.hosts_in(range)) {
            let host = model.hosts.get(host.index()).map(|host| &host.addresses);
            if let Some(host) = host.filter(|host| !host.only(own).is_subset(set)) {
                others = others.difference(host);
            }
        }
        set.union(&others)
    }

    /// One end of all flows in question that fare as those of a draft, for the same reason.
    fn alike(&self, question: Question<'_>, draft: &Draft, end: End) -> ClassSet {
        let Question { from, to, on, .. } = question;
        let (verdict, _, rules, _) = &draft.reason;
        let flows: Vec<ClassProduct> = match *verdict {
            "pass" => {
                let permitted = self.prover.permitted(from, to, on).into_iter();
                permitted.filter(|one| one.rules == *rules).flat_map(|one| one.flows).collect()
            }
            "unenforced" => self.prover.free(from, to, on),
            _ => Vec::new(),
        };
        flows.iter().fold(ClassSet::empty(), |all, one| {
            all.union(match end {
                End::Source => &one.sources,
                End::Destination => &one.destinations,
            })
        })
    }

    fn behind(&self, rules: &[RuleId], quarantines: &[u32]) -> Vec<RuleWords> {
        let rules = rules.iter().filter_map(|rule| words::rule(self.mine, self.other, *rule));
        let held = quarantines.iter().filter_map(|number| words::quarantine(self.mine, self.other, *number));
        let mut all: Vec<RuleWords> = rules.chain(held).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// What stops some of these flows on the other side.
    fn stopped_by(&self, other: &Prover<'_>, products: std::ops::Range<usize>) -> Vec<RuleWords> {
        let (mut rules, mut quarantines) = (Vec::new(), Vec::new());
        for number in products {
            for one in decisions(other, question(other, number)).into_iter().filter(|one| one.fate == Fate::Stopped) {
                rules.extend(one.rules);
                quarantines.extend(one.quarantines);
            }
        }
        rules.sort_unstable();
        rules.dedup();
        quarantines.sort_unstable();
        quarantines.dedup();
        let rules = rules.iter().filter_map(|rule| words::rule(self.other, self.mine, *rule));
        let held = quarantines.iter().filter_map(|number| words::quarantine(self.other, self.mine, *number));
        let mut all: Vec<RuleWords> = rules.chain(held).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

/// What leads into higher trust first, then what is larger, then by name.
fn order(shown: &Shown) -> impl Ord + '_ {
    let size = shown.from.size().times(shown.to.size());
    let row = &shown.row.row;
    let exact = format!("{:?}", row.exact);
    (std::cmp::Reverse((shown.depth, size)), &row.to, &row.from, &row.services, &row.rules, exact)
}

impl Diff {
    /// The JSON object, with what became of the files of devices, if they were compared.
    #[must_use]
    pub fn to_json(&self, devices: Option<Vec<DeviceChange>>, unwritten: Vec<String>) -> DiffReport {
        let rows = |list: &[Shown]| list.iter().map(|one| one.row.clone()).collect();
        DiffReport {
            schema: "sekisho/diff/1",
            equal: self.changes.is_equal(),
            opens: rows(&self.opens),
            closes: rows(&self.closes),
            path_changed: rows(&self.path_changed),
            logging_changed: rows(&self.logging_changed),
            assertions: self.assertions.clone(),
            devices,
            unwritten,
            digest: self.digest.clone(),
        }
    }

    /// Whether access, ways, logging and verdicts are all as before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.assertions.is_empty()
    }
}
