//! Who reaches whom, site by site: what really passes, where no firewall stands between, and which assertions are violated.

use std::collections::{BTreeMap, BTreeSet};

use super::alike::{Arrow, groups};
use super::few;
use crate::answer::{Parties, ServiceWords, matrix};
use crate::model::Model;
use crate::packet::ServiceSet;
use crate::reach::{ClassSet, Extra, Finding, Outcome, Prover};
use crate::report::graph::{Drawing, Edge, EdgeKind, Node, NodeKind};

/// The sets that the prover of [`access`] must tell apart.
#[must_use]
pub fn access_extra(model: &Model) -> Extra {
    let addresses = Parties::sites(model).sets().collect();
    Extra { addresses, services: vec![std::sync::Arc::new(ServiceSet::any())], ..Extra::default() }
}

/// Sites and the internet, with an arrow for what passes between two of them, one for what no firewall stands between, and a red one for what violates an assertion. Sites that
/// fare alike are one box. The prover must have been made with [`access_extra`].
#[must_use]
pub fn access(prover: &Prover<'_>) -> Drawing {
    let report = matrix(prover, &Parties::sites(prover.model()), &ServiceSet::any()).to_json().clone();
    let number: BTreeMap<&str, usize> =
        report.parties.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let internet = report.parties.len() > prover.model().sites.iter().filter(|site| !site.addresses.is_empty()).count();
    let kinds: Vec<NodeKind> = (1..=report.parties.len())
        .map(|at| if internet && at == report.parties.len() { NodeKind::Internet } else { NodeKind::Site })
        .collect();
    let mut arrows: Vec<Arrow> = Vec::new();
    for cell in &report.cells {
        let (Some(&from), Some(&to)) = (number.get(cell.from.as_str()), number.get(cell.to.as_str())) else { continue };
        if from == to {
            continue;
        }
        if !cell.services.is_empty() {
            let label = if cell.access == "all" { vec!["everything".to_owned()] } else { cell.services.clone() };
            arrows.push(Arrow { from, to, kind: EdgeKind::Access, label });
        }
        if cell.unenforced != "none" {
            arrows.push(Arrow { from, to, kind: EdgeKind::Open, label: vec!["no firewall between".to_owned()] });
        }
    }
    let parties = Places { prover, count: report.parties.len(), internet, number: &number };
    arrows.extend(parties.violations());
    let groups = groups(&kinds, &arrows);
    drawing(&report.parties, &kinds, &arrows, &groups)
}

/// Where classes lie.
struct Places<'a, 'p> {
    prover: &'a Prover<'p>,
    count: usize,
    internet: bool,
    number: &'a BTreeMap<&'a str, usize>,
}

impl Places<'_, '_> {
    fn violations(&self) -> Vec<Arrow> {
        let words = ServiceWords::new(self.prover.model());
        let found = self.prover.all();
        let mut arrows: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
        for finding in found.iter().filter(|finding| finding.outcome == Outcome::Violated) {
            for ((from, to), said) in self.of_finding(finding, &words) {
                arrows.entry((from, to)).or_default().insert(said);
            }
        }
        let arrow = |((from, to), said): ((usize, usize), BTreeSet<String>)| Arrow {
            from,
            to,
            kind: EdgeKind::Violation,
            label: said.into_iter().collect(),
        };
        arrows.into_iter().map(arrow).collect()
    }

    fn of_finding(&self, finding: &Finding, words: &ServiceWords) -> Vec<((usize, usize), String)> {
        let Some(assertion) = self.prover.model().assertions.get(finding.assertion) else { return Vec::new() };
        let mut result = Vec::new();
        for (at, hop) in finding.hops.iter().enumerate() {
            let number = if finding.hops.len() > 1 { format!(" hop {}", at + 1) } else { String::new() };
            let services = few(&words.of_flows(&self.prover.access, &hop.flows));
            let services =
                if hop.rules.is_empty() || services == "any" { String::new() } else { format!(": {services}") };
            let said = format!("{}{number}{services}", assertion.name.value);
            for product in &hop.flows {
                for from in self.of(&product.sources) {
                    result.extend(self.of(&product.destinations).into_iter().map(|to| ((from, to), said.clone())));
                }
            }
        }
        result
    }

    /// The parties that some classes lie in.
    fn of(&self, classes: &ClassSet) -> BTreeSet<usize> {
        let prover = self.prover;
        let party = |place| {
            let site = prover.topology.zones.place(place)?.site;
            match site {
                Some(site) => self.number.get(prover.model().sites.get(site.index())?.name.value.as_str()).copied(),
                None => self.count.checked_sub(1).filter(|_| self.internet),
            }
        };
        prover.access.classes.members(classes).filter_map(|(_, class)| party(class.place)).collect()
    }
}

fn drawing(parties: &[String], kinds: &[NodeKind], arrows: &[Arrow], groups: &[Vec<usize>]) -> Drawing {
    let mut of: Vec<usize> = vec![0; parties.len()];
    for (number, members) in groups.iter().enumerate() {
        for member in members {
            if let Some(slot) = of.get_mut(*member) {
                *slot = number;
            }
        }
    }
    let group = |party: usize| of.get(party).copied().unwrap_or_default();
    let mut said: BTreeMap<(usize, usize, EdgeKind), BTreeSet<&[String]>> = BTreeMap::new();
    for arrow in arrows {
        said.entry((group(arrow.from), group(arrow.to), arrow.kind)).or_default().insert(&arrow.label);
    }
    let mut drawing = Drawing { title: "Who reaches whom".to_owned(), ..Drawing::default() };
    for (number, members) in groups.iter().enumerate() {
        let names: Vec<String> = members.iter().filter_map(|member| parties.get(*member).cloned()).collect();
        let kind = members.first().and_then(|member| kinds.get(*member)).copied().unwrap_or(NodeKind::Site);
        let inside: Vec<String> = said
            .iter()
            .filter(|((from, to, _), _)| *from == number && *to == number)
            .map(|((.., kind), labels)| inside(*kind, labels, members.len()))
            .collect();
        drawing.nodes.push(node(&names, kind, &inside));
    }
    for ((from, to, kind), labels) in said.into_iter().filter(|((from, to, _), _)| from != to) {
        drawing.edges.push(Edge { from, to, label: merged(&labels), kind });
    }
    drawing.layers = layers(&drawing, groups);
    drawing
}

fn node(names: &[String], kind: NodeKind, inside: &[String]) -> Node {
    let (label, mut detail) = match names {
        [one] => (one.clone(), String::new()),
        [_, _] | [_, _, _] => (names.join(", "), String::new()),
        many => (format!("{} sites", many.len()), few(many)),
    };
    for one in inside {
        detail = if detail.is_empty() { one.clone() } else { format!("{detail}; {one}") };
    }
    Node { label, detail, kind, group: None }
}

/// What happens inside a box.
fn inside(kind: EdgeKind, labels: &BTreeSet<&[String]>, members: usize) -> String {
    let names: BTreeSet<&str> =
        labels.iter().copied().flatten().filter_map(|said| said.split([' ', ':']).next()).collect();
    let labels = merged(labels);
    match (kind, members) {
        (EdgeKind::Violation, _) => format!("violated inside: {}", names.into_iter().collect::<Vec<_>>().join(", ")),
        (EdgeKind::Open, _) => format!("among each other: {labels}"),
        _ => format!("among each other {labels}"),
    }
}

/// The labels of arrows that are drawn as one: where they differ, some of the parties may do only a part of it.
fn merged(labels: &BTreeSet<&[String]>) -> String {
    let mut all: Vec<String> = labels.iter().copied().flatten().cloned().collect();
    all.sort_unstable();
    all.dedup();
    if labels.len() > 1 {
        format!("each some of: {}", few(&all))
    } else {
        few(labels.first().unwrap_or(&[].as_slice()))
    }
}

/// Those that only send on the left, those that most sites reach in the middle, the rest on the right; no column is empty.
fn layers(drawing: &Drawing, groups: &[Vec<usize>]) -> Vec<usize> {
    let incoming = |at: usize| -> usize {
        let edges = drawing.edges.iter().filter(|edge| edge.to == at && edge.kind != EdgeKind::Violation);
        edges.filter_map(|edge| groups.get(edge.from)).map(Vec::len).sum()
    };
    let most = (0..drawing.nodes.len()).map(incoming).max().unwrap_or(0);
    let layer = |at: usize| match incoming(at) {
        0 => 0,
        many if many * 2 > most => 1,
        _ => 2,
    };
    let layers: Vec<usize> = (0..drawing.nodes.len()).map(layer).collect();
    let used: BTreeSet<usize> = layers.iter().copied().collect();
    layers.into_iter().map(|layer| used.range(..layer).count()).collect()
}
