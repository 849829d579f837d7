//! Rows: a set of flows in the user's names, exactly, and with one flow of it.

use crate::model::{Model, RuleId};
use crate::packet::{AddressSet, Family, Flow, Interval, Protocol, Rectangle, ServiceSet};
use crate::reach::{Access, ClassProduct, ClassSet, FlowProduct, Hop, pick_address, witness};
use crate::report::json::{FlowObject, Product, Row};

use super::Names;
use super::tables::services_of;

/// Makes rows of one project at one date.
pub struct Rows<'a> {
    /// The policy over classes.
    pub access: &'a Access<'a>,
    /// The names of the project.
    pub names: &'a Names<'a>,
}

impl Rows<'_> {
    /// The row of some flows and the rules that decide them.
    #[must_use]
    pub fn row(&self, flows: &[ClassProduct], rules: &[RuleId]) -> Row {
        self.row_with(flows, flows, None, rules)
    }

    /// The row of a step of a violation.
    #[must_use]
    pub fn hop(&self, hop: &Hop) -> Row {
        let shown = if hop.by_rules.is_empty() { &hop.flows } else { &hop.by_rules };
        self.row_with(&hop.flows, shown, hop.ends.as_ref(), &hop.rules)
    }

    fn row_with(
        &self,
        flows: &[ClassProduct],
        shown: &[ClassProduct],
        ends: Option<&(ClassSet, ClassSet)>,
        rules: &[RuleId],
    ) -> Row {
        let exact = self.access.exact(flows);
        let union =
            |end: fn(&ClassProduct) -> &ClassSet| flows.iter().fold(ClassSet::empty(), |all, one| all.union(end(one)));
        let of_flows = (union(|one| &one.sources), union(|one| &one.destinations));
        let (sources, destinations) = ends.unwrap_or(&of_flows);
        let classes = &self.access.classes;
        let (sources, destinations) = (classes.addresses(sources), classes.addresses(destinations));
        let model = self.access.model;
        Row {
            from: self.names.line(&sources),
            to: self.names.line(&destinations),
            services: self.services(flows),
            rules: self.rules(rules),
            witness: self
                .example(shown)
                .map_or_else(|| between(model, &sources, &destinations), |flow| flow_object(&flow)),
            exact: exact.iter().map(product).collect(),
        }
    }

    /// One flow of some, the same each time.
    #[must_use]
    pub fn example(&self, flows: &[ClassProduct]) -> Option<Flow> {
        let witness = |product: &FlowProduct| witness(self.access.model, product);
        // Nearly always the first will do, so the others are not written out.
        Family::BOTH.into_iter().find_map(|family| {
            let exact = flows.iter().flat_map(|one| self.access.exact(std::slice::from_ref(one)));
            exact.filter(|one| !one.sources.is_empty_in(family)).find_map(|one| witness(&one))
        })
    }

    /// The services of some flows, as written in the language; what cannot occur between their ends is neither named nor missed.
    fn services(&self, flows: &[ClassProduct]) -> Vec<String> {
        let (set, absent) = services_of(self.access, flows);
        if flows.is_empty() { vec!["any".to_owned()] } else { said(&set, &absent) }
    }

    /// The names of rules, in name order.
    #[must_use]
    pub fn rules(&self, rules: &[RuleId]) -> Vec<String> {
        let names = rules.iter().filter_map(|rule| self.access.model.rules.get(rule.index()));
        let mut names: Vec<String> = names.map(|rule| rule.name.value.clone()).collect();
        names.sort_unstable();
        names
    }
}

/// Literals beyond which what is missing may be said instead, and how many of those at most.
const MANY: usize = 12;
const MISSING: usize = 4;

/// A set of services as written in the language, where some cannot occur.
pub(super) fn said(set: &ServiceSet, absent: &ServiceSet) -> Vec<String> {
    if set.union(absent).is_any() {
        return vec!["any".to_owned()];
    }
    let missing = literals(&ServiceSet::any().difference(set).difference(absent));
    let words = literals(set);
    if missing.len() <= MISSING && words.len() > MANY {
        vec![format!("any except {}", missing.join(", "))]
    } else {
        words
    }
}

/// Movement that changes the address family is no flow: the two ends stand for it.
fn between(model: &Model, sources: &AddressSet, destinations: &AddressSet) -> FlowObject {
    let address = |set| pick_address(model, set).map(|address| address.to_string()).unwrap_or_default();
    FlowObject {
        src: address(sources),
        dst: address(destinations),
        protocol: "any".to_owned(),
        source_port: None,
        destination_port: None,
        icmp_type: None,
        icmp_code: None,
    }
}

/// A product as programs see it.
pub(super) fn product(product: &FlowProduct) -> Product {
    let addresses = |set: &AddressSet| set.ranges().map(|range| range.to_string()).collect();
    Product {
        src: addresses(&product.sources),
        dst: addresses(&product.destinations),
        services: literals(&product.services),
    }
}

/// A flow as programs see it.
#[must_use]
pub fn flow_object(flow: &Flow) -> FlowObject {
    let service = flow.service;
    let byte = |value: u16| u8::try_from(value).ok().filter(|_| service.protocol.is_icmp());
    let port = |value: u16| Some(value).filter(|_| service.protocol.has_ports());
    FlowObject {
        src: flow.source.to_string(),
        dst: flow.destination.to_string(),
        protocol: service.protocol.to_string(),
        source_port: port(service.a),
        destination_port: port(service.b),
        icmp_type: byte(service.a),
        icmp_code: byte(service.b),
    }
}

/// A set of services as literals of the language, whose union it is.
#[must_use]
pub fn literals(services: &ServiceSet) -> Vec<String> {
    if services.is_any() {
        return vec!["any".to_owned()];
    }
    services.rectangles().iter().flat_map(literal).collect()
}

fn literal(piece: &Rectangle) -> Vec<String> {
    let first = Protocol(piece.protocols.first);
    if piece.whole {
        let protocols = piece.protocols.first..=piece.protocols.last;
        return protocols.map(|number| whole(Protocol(number))).collect();
    }
    if first.has_ports() {
        return piece.b.intervals().iter().map(|ports| ported(first, piece.a, *ports)).collect();
    }
    // A type or a code is one number, so a range is spelled out.
    let codes = |code: &Interval<u16>| code.first..=code.last.min(first.largest());
    let all_codes = piece.b.intervals().first().is_some_and(|only| only.first == 0 && only.last >= first.largest());
    let types = piece.a.first..=piece.a.last.min(first.largest());
    types
        .flat_map(|kind| -> Vec<String> {
            if all_codes {
                return vec![format!("{first}/{kind}")];
            }
            piece.b.intervals().iter().flat_map(codes).map(|code| format!("{first}/{kind}/{code}")).collect()
        })
        .collect()
}

fn whole(protocol: Protocol) -> String {
    if protocol.has_ports() { format!("{protocol}/*") } else { protocol.to_string() }
}

fn ported(protocol: Protocol, source: Interval<u16>, destination: Interval<u16>) -> String {
    let ports = |ports: Interval<u16>| match (ports.first, ports.last) {
        (0, u16::MAX) => "*".to_owned(),
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    if source == Interval::full() {
        return format!("{protocol}/{}", ports(destination));
    }
    format!("{protocol}/{}:{}", ports(source), ports(destination))
}
