//! `query`: who may reach what, in rows.
//!
//! A row is about flows that exactly the same allows cover. How many rows such a set of flows becomes is a matter of reading: products are joined as long as `from`, `to` and `services`
//! say no flow too many, apart from flows that no rule could make (inside a zone, without a path). So a rule is mostly one row, and a rule that goes both ways is two. What a row *is*
//! stands in `exact`, whatever its words.

use std::sync::Arc;

use super::tables::{ServiceWords, Table, shortened};
use super::{Names, Rows};
use crate::packet::{AddressSet, ServiceSet};
use crate::reach::{ClassProduct, ClassSet, Extra, Prover};
use crate::report::json::{QueryReport, Row};

/// Products of one set of rules that are joined by trying; beyond it they are one row, because nobody reads that many.
const TRIED: usize = 64;

/// What is asked about.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Sources.
    pub from: Arc<AddressSet>,
    /// Destinations.
    pub to: Arc<AddressSet>,
    /// Services.
    pub on: Arc<ServiceSet>,
}

impl Asked {
    /// The sets that the classes must tell apart.
    #[must_use]
    pub fn extra(&self) -> Extra {
        Extra {
            addresses: vec![self.from.clone(), self.to.clone()],
            services: vec![self.on.clone()],
            ..Extra::default()
        }
    }
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Query {
    /// The flows that pass, each in one line.
    pub passing: Vec<Line>,
    /// The flows that no firewall stands between.
    pub unenforced: Vec<Line>,
}

/// A row and its words for people.
#[derive(Debug, Clone)]
pub struct Line {
    /// The row.
    pub row: Row,
    from: Vec<String>,
    to: Vec<String>,
    services: Vec<String>,
}

/// Answers a question; the prover must have been made with [`Asked::extra`].
#[must_use]
pub fn query(prover: &Prover<'_>, names: &Names<'_>, asked: &Asked) -> Query {
    let access = &prover.access;
    let classes = |set: &AddressSet| access.addresses(set).cloned().unwrap_or_default();
    let (from, to) = (classes(&asked.from), classes(&asked.to));
    let on = access.service_classes(&asked.on).unwrap_or_default();
    let words = Words { rows: Rows { access, names }, services: ServiceWords::new(prover.model()) };
    let mut passing: Vec<Line> = Vec::new();
    for permitted in prover.permitted(&from, &to, on) {
        let groups = joined(prover, permitted.flows);
        passing.extend(groups.iter().map(|flows| words.line(flows, &permitted.rules)));
    }
    let unenforced = prover.free(&from, &to, on);
    let mut unenforced: Vec<Line> =
        unenforced.into_iter().map(|product| words.line(std::slice::from_ref(&product), &[])).collect();
    passing.sort_by(|a, b| key(a).cmp(&key(b)));
    unenforced.sort_by(|a, b| key(a).cmp(&key(b)));
    Query { passing, unenforced }
}

type Key<'l> = (&'l str, &'l str, &'l [String], &'l [String], String);

fn key(line: &Line) -> Key<'_> {
    let row = &line.row;
    (&row.to, &row.from, &row.rules, &row.services, format!("{:?}", row.exact))
}

/// Groups of products that are each a product of sources, destinations and services, but for flows that no rule could make.
pub(super) fn joined(prover: &Prover<'_>, flows: Vec<ClassProduct>) -> Vec<Vec<ClassProduct>> {
    joined_among(prover, flows, &|hull| prover.routable(&hull.sources, &hull.destinations, &hull.services))
}

/// The same, where `among` says which flows of a product there could be.
pub(super) fn joined_among(
    prover: &Prover<'_>,
    flows: Vec<ClassProduct>,
    among: &dyn Fn(&ClassProduct) -> Vec<ClassProduct>,
) -> Vec<Vec<ClassProduct>> {
    let is_both_ways = matches!(flows.as_slice(), [one, other] if is_back(one, other));
    if flows.len() < 2 || flows.len() > TRIED || (!is_both_ways && is_whole(prover, &flows, among)) {
        return vec![flows];
    }
    let mut groups: Vec<Vec<ClassProduct>> = Vec::new();
    for product in flows {
        let fits = groups.iter().position(|group| {
            if matches!(group.as_slice(), [one] if is_back(one, &product)) {
                return false;
            }
            let more: Vec<ClassProduct> = group.iter().chain([&product]).cloned().collect();
            is_whole(prover, &more, among)
        });
        match fits.and_then(|at| groups.get_mut(at)) {
            Some(group) => group.push(product),
            None => groups.push(vec![product]),
        }
    }
    groups
}

/// Whether a product leads back to where another comes from: the second half of a rule that goes both ways, which people read as a line of its own.
fn is_back(one: &ClassProduct, other: &ClassProduct) -> bool {
    other.sources.is_subset(&one.destinations) && other.destinations.is_subset(&one.sources)
}

/// Whether some flows are all that could pass from any of their sources to any of their destinations on any of their services.
fn is_whole(prover: &Prover<'_>, flows: &[ClassProduct], among: &dyn Fn(&ClassProduct) -> Vec<ClassProduct>) -> bool {
    let mut hull = ClassProduct { sources: ClassSet::empty(), destinations: ClassSet::empty(), services: Vec::new() };
    for product in flows {
        hull.sources = hull.sources.union(&product.sources);
        hull.destinations = hull.destinations.union(&product.destinations);
        hull.services.extend(&product.services);
    }
    hull.services.sort_unstable();
    hull.services.dedup();
    prover.size(&among(&hull)) == prover.size(flows)
}

struct Words<'a> {
    rows: Rows<'a>,
    services: ServiceWords,
}

impl Words<'_> {
    fn line(&self, flows: &[ClassProduct], rules: &[crate::model::RuleId]) -> Line {
        let row = self.rows.row(flows, rules);
        let names = |line: &str| line.split(", ").map(str::to_owned).collect();
        let (from, to) = (names(&row.from), names(&row.to));
        Line { from, to, services: self.services.of_flows(self.rows.access, flows), row }
    }
}

impl Query {
    /// The JSON object.
    #[must_use]
    pub fn to_json(&self) -> QueryReport {
        let rows = |lines: &[Line]| lines.iter().map(|line| line.row.clone()).collect();
        QueryReport { schema: "sekisho/query/1", rows: rows(&self.passing), unenforced: rows(&self.unenforced) }
    }

    /// For people: lists of names are cut where they are long.
    #[must_use]
    pub fn to_text(&self) -> String {
        if self.passing.is_empty() && self.unenforced.is_empty() {
            return "nothing passes\n".to_owned();
        }
        let mut passing = Table::new(&["from", "to", "on", "by"]);
        passing.rows.extend(
            self.passing.iter().map(|line| {
                [&line.from, &line.to, &line.services, &line.row.rules].map(|list| shortened(list)).to_vec()
            }),
        );
        let mut free = Table::new(&["from", "to"]);
        free.rows
            .extend(self.unenforced.iter().map(|line| [&line.from, &line.to].map(|list| shortened(list)).to_vec()));
        let mut text = passing.to_text("");
        if text.is_empty() {
            text.push_str("nothing passes a firewall\n");
        }
        if !free.rows.is_empty() {
            text.push_str("\nunenforced: no firewall stands between\n");
            text.push_str(&free.to_text("  "));
        }
        text
    }

    /// One line a row; nothing is cut.
    #[must_use]
    pub fn to_csv(&self) -> String {
        self.table(&["verdict", "from", "to", "services", "rules"]).to_csv()
    }

    /// One table; nothing is cut.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let table = self.table(&["verdict", "from", "to", "services", "rules"]);
        if table.rows.is_empty() { "Nothing passes.\n".to_owned() } else { table.to_markdown() }
    }

    fn table(&self, columns: &[&'static str]) -> Table {
        let row = |verdict: &str, line: &Line| {
            let lists = [&line.from, &line.to, &line.services, &line.row.rules];
            [verdict.to_owned()].into_iter().chain(lists.map(|list| list.join(", "))).collect()
        };
        let passing = self.passing.iter().map(|line| row("pass", line));
        let unenforced = self.unenforced.iter().map(|line| row("unenforced", line));
        Table { columns: columns.to_vec(), rows: passing.chain(unenforced).collect() }
    }
}
