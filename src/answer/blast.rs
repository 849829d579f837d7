//! `blast`: everything that an intruder reaches, hop by hop, and the rules without which it were less.
//!
//! An address belongs to the hop that is the length of a shortest chain to it. The rows of a hop are the flows by which its addresses are reached: what passes has rules, free movement
//! has none. A rule can only shrink the whole if some flow of these rows rests on it alone: each such rule is taken away and the search made again, up to a budget.
//! Movement can change the address family on a host with both; then no flow stands for it, and source and destination of the product are of different families.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::between::firewalls_between;
use super::query::joined;
use super::tables::{ServiceWords, Table, services_of, shortened};
use super::{Names, Rows};
use crate::graph::PlaceId;
use crate::model::RuleId;
use crate::packet::{AddressRange, AddressSet, Interval, ServiceSet};
use crate::reach::{AddressClasses, ClassProduct, ClassSet, Last, Prover, Reached};
use crate::report::json::{BlastHop, BlastReport, Product, Row, ServerObject, ShrinkObject};

/// Rules that are taken away at most, those of early hops and many servers first.
const TRIED: usize = 200;

/// Rules that are shown at most.
const SHOWN: usize = 10;

/// Servers of a hop that have a line each; more are put together where they are reached alike.
const LINES: usize = 40;

/// Lines of a hop that people see at most.
const WAYS: usize = 80;

/// How far the answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Until nothing new is reached.
    All,
    /// This many hops.
    Hops(u32),
}

impl Depth {
    fn holds(self, hop: u32) -> bool {
        match self {
            Self::All => true,
            Self::Hops(limit) => hop <= limit,
        }
    }
}

/// The words for the services of a last step, and for where it comes from.
type Words = (Vec<String>, Vec<String>);

/// The answer.
#[derive(Debug, Clone)]
pub struct Blast {
    report: BlastReport,
    /// For each server the words for its services, and where the last step comes from.
    words: Vec<Words>,
}

/// What happens from some addresses on some services; the prover must have been made with both sets among the extra ones.
#[must_use]
pub fn blast(prover: &Prover<'_>, names: &Names<'_>, from: &AddressSet, on: &ServiceSet, depth: Depth) -> Blast {
    let access = &prover.access;
    let start = access.addresses(from).cloned().unwrap_or_default();
    let on = access.service_classes(on).unwrap_or_default();
    let reached = prover.spread(&start, on, &[]);
    let steps = steps(prover, &reached, on, depth);
    let spread = Spread {
        prover,
        rows: Rows { access, names },
        words: ServiceWords::new(prover.model()),
        on,
        depth,
        leading: leading(&steps),
        steps,
        targets: targets(prover, from),
    };
    let servers = spread.servers(&reached);
    let total = spread.hosts(&reached);
    let candidates = spread.candidates(&reached);
    let tried = candidates.get(..TRIED).unwrap_or(&candidates);
    let shrinks = spread.shrinks(&start, tried, total);
    let (servers, words) = servers.into_iter().unzip();
    let report = BlastReport {
        schema: "sekisho/blast/1",
        from: names.line(from),
        hops: spread.hops(),
        servers,
        total,
        shrinks,
        candidates: candidates.len(),
        tried: tried.len(),
    };
    Blast { report, words }
}

/// Flows that lead to new addresses.
struct Step {
    hop: u32,
    flows: Vec<ClassProduct>,
    rules: Vec<RuleId>,
    alone: Vec<RuleId>,
}

/// For each class the steps that lead to it: all of one hop, because a class belongs to one.
fn leading(steps: &[Step]) -> BTreeMap<u32, Vec<usize>> {
    let mut leading: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (number, step) in steps.iter().enumerate() {
        let ends = step.flows.iter().fold(ClassSet::empty(), |all, product| all.union(&product.destinations));
        for class in AddressClasses::numbers(&ends) {
            leading.entry(class).or_default().push(number);
        }
    }
    leading
}

fn steps(prover: &Prover<'_>, reached: &Reached<'_>, on: &[u32], depth: Depth) -> Vec<Step> {
    let mut by_hop: BTreeMap<u32, [Vec<Interval<u32>>; 2]> = BTreeMap::new();
    for class in AddressClasses::numbers(&prover.access.classes.all()) {
        if let Some((hop, last)) = reached.distance(class).filter(|(hop, _)| depth.holds(*hop)) {
            let [direct, moved] = by_hop.entry(hop).or_default();
            if last == Last::Flow { direct } else { moved }.push(Interval::single(class));
        }
    }
    let mut steps = Vec::new();
    for (hop, [direct, moved]) in by_hop {
        let (direct, moved): (ClassSet, ClassSet) = (direct.into_iter().collect(), moved.into_iter().collect());
        let senders = reached.senders(hop);
        for permitted in prover.permitted(&senders, &direct, on) {
            let rules = permitted.rules;
            let groups = joined(prover, permitted.flows).into_iter();
            steps.extend(groups.map(|flows| Step { hop, flows, rules: rules.clone(), alone: permitted.alone.clone() }));
        }
        let moves = moves(prover, reached, &senders, &moved).into_iter();
        steps.extend(moves.map(|product| Step { hop, flows: vec![product], rules: Vec::new(), alone: Vec::new() }));
    }
    steps
}

/// How what is moved to is moved to.
fn moves(prover: &Prover<'_>, reached: &Reached<'_>, senders: &ClassSet, moved: &ClassSet) -> Vec<ClassProduct> {
    let services = prover.access.services.all();
    let mut moves = prover.free(senders, moved, &services);
    let arrived = moves.iter().fold(ClassSet::empty(), |all, product| all.union(&product.destinations));
    let mut changing: BTreeMap<ClassSet, ClassSet> = BTreeMap::new();
    for class in AddressClasses::numbers(&moved.difference(&arrived)) {
        let sources = reached.around(class).intersection(senders);
        let destinations = changing.entry(sources).or_insert_with(ClassSet::empty);
        *destinations = destinations.union(&ClassSet::from(Interval::single(class)));
    }
    let product = |(sources, destinations)| ClassProduct { sources, destinations, services: services.clone() };
    moves.extend(changing.into_iter().map(product));
    moves
}

/// What can be reached and has a name of its own.
struct Target {
    name: String,
    kind: &'static str,
    classes: Vec<u32>,
}

/// Every host, the networks in which no host is named, and the internet; but what lies wholly in the start.
fn targets(prover: &Prover<'_>, from: &AddressSet) -> Vec<Target> {
    let (model, classes) = (prover.model(), &prover.access.classes);
    let mut index: Vec<(AddressRange, u32)> = Vec::new();
    for (number, class) in classes.members(&classes.all()) {
        index.extend(class.ranges.iter().map(|range| (*range, number)));
    }
    index.sort_unstable();
    let classes_of = |set: &AddressSet| {
        let mut found: Vec<u32> = Vec::new();
        for range in set.ranges() {
            let first = index.partition_point(|(known, _)| known.last() < range.first());
            let here = index.iter().skip(first).take_while(|(known, _)| known.first() <= range.last());
            found.extend(here.map(|(_, class)| *class));
        }
        found.sort_unstable();
        found.dedup();
        found
    };
    let target = |name: &str, kind, set: &AddressSet| {
        let is_new = !set.is_empty() && !set.is_subset(from);
        is_new.then(|| Target { name: name.to_owned(), kind, classes: classes_of(set) })
    };
    let hosts = model.hosts.iter().filter_map(|host| target(&host.full_name, "host", &host.addresses));
    let has_host = |set: &AddressSet| set.ranges().any(|range| model.first_named_in(range).is_some());
    let bare = model.networks.iter().filter(|network| !has_host(&network.own));
    let networks = bare.filter_map(|network| target(&network.full_name, "network", &network.own));
    let internet = model.internet_name().and_then(|name| target(name, "internet", &model.internet));
    hosts.chain(networks).chain(internet).collect()
}

/// The firewalls between two places.
type Ways = BTreeMap<(PlaceId, PlaceId), Vec<String>>;

/// What was found for one server and is asked again for others.
#[derive(Default)]
struct Known {
    ways: Ways,
    names: BTreeMap<ClassSet, Vec<String>>,
}

struct Spread<'a, 'p> {
    prover: &'a Prover<'p>,
    rows: Rows<'a>,
    words: ServiceWords,
    on: &'a [u32],
    depth: Depth,
    steps: Vec<Step>,
    /// For each class the steps that lead to it, ascending.
    leading: BTreeMap<u32, Vec<usize>>,
    targets: Vec<Target>,
}

impl Spread<'_, '_> {
    fn hops(&self) -> Vec<BlastHop> {
        let mut hops: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
        for step in &self.steps {
            hops.entry(step.hop).or_default().push(self.row(step));
        }
        let sorted = |mut rows: Vec<Row>| {
            rows.sort_by(|a, b| (&a.rules, &a.to, &a.from, &a.services).cmp(&(&b.rules, &b.to, &b.from, &b.services)));
            rows
        };
        hops.into_iter().map(|(hop, rows)| BlastHop { hop, rows: sorted(rows) }).collect()
    }

    /// The row of a step. What is moved to from the other family alone is in a product of its own.
    fn row(&self, step: &Step) -> Row {
        let mut row = self.rows.row(&step.flows, &step.rules);
        if !step.rules.is_empty() {
            return row;
        }
        let access = &self.prover.access;
        for product in &step.flows {
            let exact = access.exact(std::slice::from_ref(product));
            let arrived = AddressSet::union_all(exact.iter().map(|flows| &flows.destinations));
            let others = access.classes.addresses(&product.destinations).difference(&arrived);
            if !others.is_empty() {
                let texts = |set: &AddressSet| set.ranges().map(|range| range.to_string()).collect();
                let src = texts(&access.classes.addresses(&product.sources));
                row.exact.push(Product { src, dst: texts(&others), services: vec!["any".to_owned()] });
                row.services = vec!["any".to_owned()];
            }
        }
        row
    }

    /// The hop at which a target is reached, and its classes of that hop.
    fn arrival(&self, reached: &Reached<'_>, target: &Target) -> Option<(u32, Vec<u32>)> {
        let hop_of = |class: &u32| reached.distance(*class).map(|(hop, _)| hop).filter(|hop| self.depth.holds(*hop));
        let hop = target.classes.iter().filter_map(hop_of).min()?;
        Some((hop, target.classes.iter().copied().filter(|class| hop_of(class) == Some(hop)).collect()))
    }

    /// The steps that lead to some classes, ascending.
    fn steps_to(&self, classes: &[u32]) -> Vec<usize> {
        let mut steps: Vec<usize> =
            classes.iter().filter_map(|class| self.leading.get(class)).flatten().copied().collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    /// How many hosts are reached.
    fn hosts(&self, reached: &Reached<'_>) -> usize {
        let hosts = self.targets.iter().filter(|target| target.kind == "host");
        hosts.filter(|host| self.arrival(reached, host).is_some()).count()
    }

    /// The targets that are reached, by hop and name, with the words for the last step.
    fn servers(&self, reached: &Reached<'_>) -> Vec<(ServerObject, Words)> {
        let mut known = Known::default();
        let mut servers: Vec<_> =
            self.targets.iter().filter_map(|target| self.server(reached, target, &mut known)).collect();
        servers.sort_by(|(a, _), (b, _)| (a.hop, a.kind, &a.name).cmp(&(b.hop, b.kind, &b.name)));
        servers
    }

    fn server(&self, reached: &Reached<'_>, target: &Target, known: &mut Known) -> Option<(ServerObject, Words)> {
        let (hop, classes) = self.arrival(reached, target)?;
        let steps = self.steps_to(&classes);
        let own: ClassSet = classes.into_iter().map(Interval::single).collect();
        let mut flows: Vec<ClassProduct> = Vec::new();
        let mut rules: Vec<RuleId> = Vec::new();
        for step in steps.iter().filter_map(|step| self.steps.get(*step)) {
            let here = step.flows.iter().filter(|product| product.destinations.intersects(&own)).cloned();
            let before = flows.len();
            flows.extend(here.map(|mut product| {
                product.destinations = product.destinations.intersection(&own);
                product
            }));
            if flows.len() > before {
                rules.extend(&step.rules);
            }
        }
        rules.sort_unstable();
        rules.dedup();
        let through = if rules.is_empty() { Vec::new() } else { self.way(&flows, &mut known.ways) };
        let is_movement = rules.is_empty();
        let any = || vec!["any".to_owned()];
        let access = self.rows.access;
        let words = if is_movement { any() } else { self.words.of_flows(access, &flows) };
        let services = if is_movement { any() } else { super::rows::literals(&services_of(access, &flows).0) };
        let sources = flows.iter().fold(ClassSet::empty(), |all, product| all.union(&product.sources));
        let name = || self.rows.names.of(&access.classes.addresses(&sources));
        let sources = known.names.entry(sources.clone()).or_insert_with(name).clone();
        let (name, kind, rules) = (target.name.clone(), target.kind, self.rows.rules(&rules));
        let object = ServerObject { hop, name, kind, services, rules, through };
        Some((object, (words, sources)))
    }

    /// The firewalls between the ends of one of some flows.
    fn way(&self, flows: &[ClassProduct], ways: &mut Ways) -> Vec<String> {
        let classes = &self.prover.access.classes;
        let ends = flows.iter().find_map(|product| {
            let (_, to) = classes.members(&product.destinations).next()?;
            let (_, from) = classes.members(&product.sources).find(|(_, from)| from.family == to.family)?;
            Some((from.place, to.place))
        });
        let Some((from, to)) = ends else { return Vec::new() };
        ways.entry((from, to)).or_insert_with(|| firewalls_between(self.prover, from, to)).clone()
    }

    /// The rules that some step rests on alone: those of early hops first, then those that lead to many hosts.
    fn candidates(&self, reached: &Reached<'_>) -> Vec<RuleId> {
        let mut hosts: BTreeMap<usize, usize> = BTreeMap::new();
        for host in self.targets.iter().filter(|target| target.kind == "host") {
            let steps = self.arrival(reached, host).map(|(_, classes)| self.steps_to(&classes)).unwrap_or_default();
            steps.into_iter().for_each(|step| *hosts.entry(step).or_default() += 1);
        }
        let mut found: BTreeMap<RuleId, (u32, usize)> = BTreeMap::new();
        for (number, step) in self.steps.iter().enumerate() {
            let hosts = hosts.get(&number).copied().unwrap_or(0);
            for rule in &step.alone {
                let known = found.entry(*rule).or_insert((step.hop, 0));
                known.0 = known.0.min(step.hop);
                known.1 += hosts;
            }
        }
        let mut rules: Vec<(RuleId, (u32, usize))> = found.into_iter().collect();
        rules.sort_by_key(|(rule, (hop, hosts))| (*hop, std::cmp::Reverse(*hosts), *rule));
        rules.into_iter().map(|(rule, _)| rule).collect()
    }

    fn shrinks(&self, start: &ClassSet, tried: &[RuleId], before: usize) -> Vec<ShrinkObject> {
        let name = |rule: RuleId| self.prover.model().rules.get(rule.index()).map(|rule| rule.name.value.clone());
        let shrink = |rule: &RuleId| {
            let after = self.hosts(&self.prover.spread(start, self.on, &[*rule]));
            Some(ShrinkObject { rule: name(*rule)?, before, after }).filter(|_| after < before)
        };
        let mut shrinks: Vec<ShrinkObject> = tried.par_iter().filter_map(shrink).collect();
        shrinks.sort_by(|a, b| (a.after, &a.rule).cmp(&(b.after, &b.rule)));
        shrinks.truncate(SHOWN);
        shrinks
    }
}

impl Blast {
    /// The JSON object.
    #[must_use]
    pub fn to_json(&self) -> &BlastReport {
        &self.report
    }

    /// For people: the servers of each hop and how they are reached, then the rules that are worth most.
    #[must_use]
    pub fn to_text(&self) -> String {
        let report = &self.report;
        let deepest = report.servers.iter().map(|server| server.hop).max().unwrap_or(0);
        if report.servers.is_empty() {
            return format!("from {}: nothing beyond it is reached\n", crate::diag::render::one_line(&report.from));
        }
        let mut text = format!(
            "from {}: {} in {}\n",
            crate::diag::render::one_line(&report.from),
            counted(report.total, "host"),
            counted(deepest as usize, "hop")
        );
        for hop in 1..=deepest {
            let of_hop = || report.servers.iter().zip(&self.words).filter(move |(server, _)| server.hop == hop);
            if of_hop().next().is_none() {
                continue;
            }
            text.push_str(&format!("\nhop {hop}: {}\n", kinds(of_hop().map(|(server, _)| server.kind))));
            text.push_str(&lines(of_hop()));
        }
        text.push_str(&self.shrinks());
        text
    }

    fn shrinks(&self) -> String {
        let report = &self.report;
        let mut text = String::new();
        if !report.shrinks.is_empty() {
            text.push_str("\nwhich single rule, taken away, shrinks it most:\n");
        } else if report.candidates == report.tried {
            text.push_str("\nno single rule, taken away, shrinks it\n");
        }
        for shrink in &report.shrinks {
            let become_ = if shrink.before == 1 { "becomes" } else { "become" };
            let before = counted(shrink.before, "host");
            text.push_str(&format!("  without {}, {before} {become_} {}\n", shrink.rule, shrink.after));
        }
        if report.tried < report.candidates {
            text.push_str(&format!("  ({} of {} rules were tried)\n", report.tried, report.candidates));
        }
        text
    }

    /// One line a server.
    #[must_use]
    pub fn to_csv(&self) -> String {
        self.table().to_csv()
    }

    /// One table of servers, and one of the rules that are worth most.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let table = self.table();
        if table.rows.is_empty() {
            return "Nothing is reached.\n".to_owned();
        }
        let mut shrinks = Table::new(&["without", "hosts before", "hosts after"]);
        let rows = self.report.shrinks.iter();
        shrinks.rows = rows.map(|one| vec![one.rule.clone(), one.before.to_string(), one.after.to_string()]).collect();
        let between = if shrinks.rows.is_empty() { "" } else { "\n" };
        format!("{}{between}{}", table.to_markdown(), shrinks.to_markdown())
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["hop", "kind", "name", "from", "services", "rules", "through"]);
        let servers = self.report.servers.iter().zip(&self.words);
        table.rows.extend(servers.map(|(server, (services, from))| {
            let lists = [from, services, &server.rules, &server.through].map(|list| list.join(", "));
            let head = [server.hop.to_string(), server.kind.to_owned(), server.name.clone()];
            head.into_iter().chain(lists).collect()
        }));
        table
    }
}

/// A line for each server, or for each way where there are many servers; what is cut is counted.
fn lines<'s>(servers: impl Iterator<Item = (&'s ServerObject, &'s Words)>) -> String {
    let mut table = Table::new(&["reaches", "on", "by", "from", "through"]);
    let mut alike: BTreeMap<[String; 4], Vec<String>> = BTreeMap::new();
    for (server, (services, from)) in servers {
        let by = if server.rules.is_empty() { "free movement".to_owned() } else { shortened(&server.rules) };
        let how = [shortened(services), by, shortened(from), server.through.join(", ")];
        table.rows.push([server.name.clone()].into_iter().chain(how.clone()).collect());
        alike.entry(how).or_default().push(server.name.clone());
    }
    if table.rows.len() > LINES {
        let line = |(how, names): ([String; 4], Vec<String>)| [shortened(&names)].into_iter().chain(how).collect();
        table.rows = alike.into_iter().map(line).collect();
    }
    let more = table.rows.len().saturating_sub(WAYS);
    if more <= 1 {
        return table.to_text("  ");
    }
    table.rows.truncate(WAYS);
    format!("{}  ... and {more} more lines: `--format csv` has them all\n", table.to_text("  "))
}

/// `3 hosts, 1 network`
fn kinds(kinds: impl Iterator<Item = &'static str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    kinds.for_each(|kind| *counts.entry(kind).or_default() += 1);
    let words = counts.into_iter().map(|(kind, count)| match kind {
        "internet" => "the internet".to_owned(),
        kind => counted(count, kind),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
