//! `matrix`: who may reach what, party by party.
//!
//! A party is a site, a network, or everything of one value of an attribute; what carries several values is in several parties. Only cells in which something passes or is unenforced
//! exist, and they are filled from the flows that pass, so that a thousand parties cost what their rules cost. *Everything* is said where each flow in question between the two parties
//! passes or is unenforced, and some do pass; that is a comparison of two counts of classes, because the parties are unions of classes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::tables::{ServiceWords, Table, shortened};
use crate::model::{Model, RuleId};
use crate::packet::{AddressSet, Family, ServiceSet};
use crate::reach::{ClassProduct, ClassSet, Prover, flow_count};
use crate::report::json::{MatrixCell, MatrixReport};

/// Parties that a grid for people has at most; beyond it there is a list.
const GRID: usize = 40;

/// Parties that a grid in Markdown has at most; its cells say the services.
const WORDY_GRID: usize = 12;

/// What the rows and columns are.
#[derive(Debug, Clone)]
pub struct Parties {
    by: String,
    all: Vec<(String, Arc<AddressSet>)>,
}

impl Parties {
    /// Each site, and the internet.
    #[must_use]
    pub fn sites(model: &Model) -> Self {
        let all = model.sites.iter().map(|site| (site.name.value.clone(), site.addresses.clone()));
        Self::with_internet("site", all.collect(), model)
    }

    /// Each network, and the internet. An outer network includes those that lie in it.
    #[must_use]
    pub fn networks(model: &Model) -> Self {
        let all = model.networks.iter().map(|network| (network.full_name.clone(), network.addresses.clone()));
        Self::with_internet("network", all.collect(), model)
    }

    /// Each value of an attribute, what has none (`-`), and the internet.
    #[must_use]
    pub fn values(model: &Model, key: &str, values: BTreeMap<String, Arc<AddressSet>>) -> Self {
        let named = AddressSet::union_all(values.values().map(|set| &**set).chain([&*model.internet]));
        let others = model.known.difference(&named);
        let mut all: Vec<(String, Arc<AddressSet>)> = values.into_iter().collect();
        if !others.is_empty() {
            let name = free_name("-", &all);
            all.push((name, Arc::new(others)));
        }
        Self::with_internet(key, all, model)
    }

    fn with_internet(by: &str, mut all: Vec<(String, Arc<AddressSet>)>, model: &Model) -> Self {
        all.retain(|(_, set)| !set.is_empty());
        if let Some(name) = model.internet_name().filter(|_| !model.internet.is_empty()) {
            let name = free_name(name, &all);
            all.push((name, model.internet.clone()));
        }
        Self { by: by.to_owned(), all }
    }

    /// The sets that the classes must tell apart.
    pub fn sets(&self) -> impl Iterator<Item = Arc<AddressSet>> + '_ {
        self.all.iter().map(|(_, set)| set.clone())
    }
}

/// A name that no party has yet: in as many brackets as it takes.
fn free_name(name: &str, taken: &[(String, Arc<AddressSet>)]) -> String {
    let mut name = name.to_owned();
    while taken.iter().any(|(known, _)| *known == name) {
        name = format!("({name})");
    }
    name
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Matrix {
    report: MatrixReport,
}

/// What is known of a cell; counts are of flows, in classes.
#[derive(Default)]
struct Cell {
    passing: u128,
    free: u128,
    /// What its flows are.
    kinds: BTreeSet<Kind>,
}

/// A list of services and rules, by number, and whether it has flows of IPv4 and of IPv6.
type Kind = (usize, [bool; 2]);

/// For each party that some classes touch: how many of them are of each family.
type Shares = Vec<(u32, [usize; 2])>;

struct Filling<'a, 'p> {
    prover: &'a Prover<'p>,
    /// The parties of each class, ascending.
    of_class: Vec<Vec<u32>>,
    cells: BTreeMap<(u32, u32), Cell>,
    /// Service classes and rules that occur together.
    kinds: Vec<(Vec<u32>, Vec<RuleId>)>,
}

/// Fills the matrix; the prover must have been made with the sets of the parties and the services among the extra ones.
#[must_use]
pub fn matrix(prover: &Prover<'_>, parties: &Parties, on: &ServiceSet) -> Matrix {
    let access = &prover.access;
    let on = access.service_classes(on).unwrap_or_default();
    let all = access.classes.all();
    let mut filling =
        Filling { prover, of_class: vec![Vec::new(); access.classes.len()], cells: BTreeMap::new(), kinds: Vec::new() };
    let mut sizes: Vec<[usize; 2]> = Vec::new();
    for (number, (_, set)) in (0_u32..).zip(&parties.all) {
        sizes.push(filling.enter(number, access.addresses(set).unwrap_or(&ClassSet::empty())));
    }
    for permitted in prover.permitted(&all, &all, on) {
        for product in &permitted.flows {
            filling.pass(product, &permitted.rules);
        }
    }
    for product in prover.free(&all, &all, on) {
        filling.spread(&product, |cell, flows, _| cell.free = cell.free.saturating_add(flows));
    }
    let report = MatrixReport {
        schema: "sekisho/matrix/1",
        by: parties.by.clone(),
        parties: parties.all.iter().map(|(name, _)| name.clone()).collect(),
        cells: filling.cells(parties, &sizes, prover.services_in(on)),
    };
    Matrix { report }
}

impl Filling<'_, '_> {
    /// Enters a party, and counts its classes of each family.
    fn enter(&mut self, number: u32, set: &ClassSet) -> [usize; 2] {
        let mut size = [0, 0];
        for (class, found) in self.prover.access.classes.members(set) {
            if let Some(parties) = self.of_class.get_mut(class as usize) {
                parties.push(number);
            }
            count(&mut size, found.family);
        }
        size
    }

    fn pass(&mut self, product: &ClassProduct, rules: &[RuleId]) {
        let known = |(services, known): &(Vec<u32>, Vec<RuleId>)| *services == product.services && known == rules;
        // Products of the same rules follow one another.
        let kind =
            self.kinds.iter().rposition(known).filter(|at| at + 8 > self.kinds.len()).unwrap_or(self.kinds.len());
        if kind == self.kinds.len() {
            self.kinds.push((product.services.clone(), rules.to_vec()));
        }
        self.spread(product, |cell, flows, families| {
            cell.passing = cell.passing.saturating_add(flows);
            cell.kinds.insert((kind, families));
        });
    }

    /// Finds the cells that a product touches, with how many of its flows each holds.
    fn spread(&mut self, product: &ClassProduct, mut put: impl FnMut(&mut Cell, u128, [bool; 2])) {
        let (from, to) = (self.shares(&product.sources), self.shares(&product.destinations));
        let services = self.prover.services_in(&product.services);
        for (source, sources) in &from {
            for (destination, destinations) in &to {
                let flows = flow_count(*sources, *destinations, services);
                if flows > 0 {
                    let [(a4, a6), (b4, b6), (s4, s6)] =
                        [*sources, *destinations, services].map(|[v4, v6]| (v4 > 0, v6 > 0));
                    let families = [a4 && b4 && s4, a6 && b6 && s6];
                    put(self.cells.entry((*source, *destination)).or_default(), flows, families);
                }
            }
        }
    }

    fn shares(&self, set: &ClassSet) -> Shares {
        let mut shares: BTreeMap<u32, [usize; 2]> = BTreeMap::new();
        for (number, class) in self.prover.access.classes.members(set) {
            for party in self.of_class.get(number as usize).into_iter().flatten() {
                count(shares.entry(*party).or_default(), class.family);
            }
        }
        shares.into_iter().collect()
    }

    fn cells(&self, parties: &Parties, sizes: &[[usize; 2]], services: [usize; 2]) -> Vec<MatrixCell> {
        let words = ServiceWords::new(self.prover.model());
        let name = |party: u32| parties.all.get(party as usize).map(|(name, _)| name.clone()).unwrap_or_default();
        let size = |party: u32| sizes.get(party as usize).copied().unwrap_or_default();
        let mut said: BTreeMap<&BTreeSet<Kind>, (Vec<String>, Vec<String>)> = BTreeMap::new();
        let mut result = Vec::with_capacity(self.cells.len());
        for (&(from, to), cell) in &self.cells {
            let whole = flow_count(size(from), size(to), services);
            let access = match (cell.passing, cell.passing.saturating_add(cell.free)) {
                (0, _) => "unenforced",
                (_, sum) if sum == whole => "all",
                _ => "some",
            };
            let (services, rules) = said.entry(&cell.kinds).or_insert_with(|| self.say(&cell.kinds, &words)).clone();
            let (from, to) = (name(from), name(to));
            let unenforced = match cell.free {
                0 => "none",
                free if free == whole => "all",
                _ => "some",
            };
            result.push(MatrixCell { from, to, access, unenforced, services, rules });
        }
        result
    }

    /// Services and rules of a cell, in words.
    fn say(&self, kinds: &BTreeSet<Kind>, words: &ServiceWords) -> (Vec<String>, Vec<String>) {
        let found = |kind: &Kind| self.kinds.get(kind.0);
        let classes = [0, 1].map(|family: usize| {
            let of_family = kinds.iter().filter(|kind| kind.1.get(family).copied().unwrap_or_default());
            let classes = of_family.filter_map(found).flat_map(|(services, _)| services.iter().copied());
            classes.collect::<BTreeSet<u32>>().into_iter().collect::<Vec<u32>>()
        });
        let rules: BTreeSet<RuleId> =
            kinds.iter().filter_map(found).flat_map(|(_, rules)| rules.iter().copied()).collect();
        let rules = rules.into_iter().filter_map(|rule| self.prover.model().rules.get(rule.index()));
        let [v4, v6] = &classes;
        let is_empty = v4.is_empty() && v6.is_empty();
        let services = if is_empty { Vec::new() } else { words.of_classes(&self.prover.access, [v4, v6]) };
        (services, rules.map(|rule| rule.name.value.clone()).collect())
    }
}

fn count(size: &mut [usize; 2], family: Family) {
    let [v4, v6] = size;
    *(if family == Family::V4 { v4 } else { v6 }) += 1;
}

/// A cell as one sign.
fn sign(cell: Option<&MatrixCell>) -> &'static str {
    match cell {
        None => ".",
        Some(cell) if cell.unenforced == "all" => "=",
        Some(cell) if cell.access == "unenforced" => "-",
        Some(cell) if cell.access == "all" => "#",
        Some(cell) if cell.unenforced == "some" => "~",
        Some(_) => "+",
    }
}

/// A cell in words.
fn word(cell: &MatrixCell) -> String {
    let free = if cell.unenforced == "some" { " (in part unenforced)" } else { "" };
    match cell.access {
        "unenforced" if cell.unenforced == "all" => "unenforced".to_owned(),
        "unenforced" => "in part unenforced".to_owned(),
        "all" => format!("everything{free}"),
        _ => format!("{}{free}", shortened(&cell.services)),
    }
}

const LEGEND: &str = concat!(
    "  .  nothing            #  everything\n",
    "  +  some services      ~  some services, and in part unenforced\n",
    "  =  unenforced: no firewall stands between\n",
    "  -  in part unenforced, the rest is dropped\n",
);

impl Matrix {
    /// The JSON object.
    #[must_use]
    pub fn to_json(&self) -> &MatrixReport {
        &self.report
    }

    /// For people: a grid of signs, and under it what passes.
    #[must_use]
    pub fn to_text(&self) -> String {
        let count = self.report.parties.len();
        let mut text =
            format!("by {}: {count} parties, rows reach columns\n", crate::diag::render::one_line(&self.report.by));
        if count <= GRID {
            text.push_str(&self.grid());
        } else {
            text.push_str(&format!("(more than {GRID} parties: what passes is listed, without a grid)\n"));
        }
        let list = self.list();
        if !list.rows.is_empty() {
            text.push('\n');
            text.push_str(&list.to_text(""));
        }
        text
    }

    fn grid(&self) -> String {
        let parties = &self.report.parties;
        let by_ends = self.by_ends();
        let digits = parties.len().to_string().len();
        let shown: Vec<_> = parties.iter().map(|party| crate::diag::render::one_line(party)).collect();
        let widest = shown.iter().map(|party| super::tables::width(party)).max().unwrap_or(0);
        let mut text = format!("{LEGEND}\n{}", " ".repeat(digits + 1 + widest));
        for number in 1..=parties.len() {
            text.push_str(&format!(" {number:>digits$}"));
        }
        text.push('\n');
        for (number, (from, name)) in (1..).zip(parties.iter().zip(&shown)) {
            let blanks = " ".repeat(widest.saturating_sub(super::tables::width(name)));
            text.push_str(&format!("{number:>digits$} {name}{blanks}"));
            for to in parties {
                let sign = sign(by_ends.get(&(from.as_str(), to.as_str())).copied());
                text.push_str(&format!(" {sign:>digits$}"));
            }
            text.push('\n');
        }
        text
    }

    fn by_ends(&self) -> BTreeMap<(&str, &str), &MatrixCell> {
        self.report.cells.iter().map(|cell| ((cell.from.as_str(), cell.to.as_str()), cell)).collect()
    }

    /// What passes: sources that reach a party alike are one line.
    fn list(&self) -> Table {
        let mut alike: BTreeMap<(&str, String, &[String]), Vec<String>> = BTreeMap::new();
        for cell in self.report.cells.iter().filter(|cell| cell.access != "unenforced") {
            alike.entry((&cell.to, word(cell), &cell.rules)).or_default().push(cell.from.clone());
        }
        let mut table = Table::new(&["from", "to", "on", "by"]);
        for ((to, on, rules), from) in alike {
            table.rows.push(vec![shortened(&from), to.to_owned(), on, shortened(rules)]);
        }
        table
    }

    /// One line a cell.
    #[must_use]
    pub fn to_csv(&self) -> String {
        self.table().to_csv()
    }

    /// A grid that says the services where there are few parties, else one line a cell.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let parties = &self.report.parties;
        if self.report.cells.is_empty() {
            return "Nothing passes.\n".to_owned();
        }
        if parties.len() > WORDY_GRID {
            return self.table().to_markdown();
        }
        let by_ends = self.by_ends();
        let columns: Vec<&str> = ["from \\ to"].into_iter().chain(parties.iter().map(String::as_str)).collect();
        let row = |from: &String| {
            let cell =
                |to: &String| by_ends.get(&(from.as_str(), to.as_str())).map(|cell| word(cell)).unwrap_or_default();
            [from.clone()].into_iter().chain(parties.iter().map(cell)).collect()
        };
        crate::report::markdown::table(&columns, &parties.iter().map(row).collect::<Vec<_>>())
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["from", "to", "access", "unenforced", "services", "rules"]);
        table.rows.extend(self.report.cells.iter().map(|cell| {
            let ends = [cell.from.clone(), cell.to.clone(), cell.access.to_owned()];
            let rest = [cell.unenforced.to_owned(), cell.services.join(", "), cell.rules.join(", ")];
            ends.into_iter().chain(rest).collect()
        }));
        table
    }
}
