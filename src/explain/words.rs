//! What keeps a rule from deciding a flow, in one sentence.

use super::nearly::{Candidate, Differs, Near};
use crate::answer::{Names, literals};
use crate::model::{Location, Model, Quarantine};
use crate::packet::{AddressSet, Flow, Interval, ServicePoint, ServiceSet};
use crate::reach::Judgement;
use crate::report::batch::EPHEMERAL_PORT;

/// Names of a set that are listed; more are counted.
const LISTED: usize = 3;

/// Speaks about one flow.
pub(super) struct Words<'n> {
    near: &'n Near<'n>,
    names: Names<'n>,
    /// What beats every allow that covers the flow.
    but_for: String,
}

impl<'n> Words<'n> {
    pub(super) fn new(near: &'n Near<'n>, judgement: &Judgement) -> Self {
        let model = near.model;
        let denies = judgement.rules.iter().filter_map(|rule| model.rules.get(rule.index()));
        let mut beaten: Vec<String> = denies.map(|rule| rule.name.value.clone()).collect();
        let held = judgement.quarantines.iter().filter_map(|number| model.quarantines.get(*number));
        beaten.extend(held.map(|quarantine| held_by(model, quarantine)));
        Self { near, names: Names::new(model), but_for: joined(&beaten, " and ") }
    }

    /// The sentence about an allow, without its name.
    pub(super) fn of(&self, one: &Candidate<'_>) -> String {
        let flow = &self.near.flow;
        match one.differs.as_slice() {
            [] => format!("would let it pass but for {}", self.but_for),
            [Differs::Date] => self.date(one),
            [Differs::Service] => {
                let services = self.services(one);
                let set = self.near.model.service(one.product.services);
                format!(
                    "covers {services} from {} to {}, not {}",
                    called(self.near.model, flow.source),
                    called(self.near.model, flow.destination),
                    service(set, flow)
                )
            }
            [Differs::Source] => {
                format!("allows it from {}, not from {}", self.source(one), called(self.near.model, flow.source))
            }
            [Differs::Destination] => {
                format!("allows it to {}, not to {}", self.destination(one), called(self.near.model, flow.destination))
            }
            several => self.several(one, several),
        }
    }

    fn date(&self, one: &Candidate<'_>) -> String {
        let period = one.rule.period;
        match (period.start, period.until) {
            (_, Some(until)) if until < self.near.at => format!("allowed it until {until}"),
            (Some(start), _) => format!("will allow it from {start} on"),
            _ => "is not in force".to_owned(),
        }
    }

    fn several(&self, one: &Candidate<'_>, differs: &[Differs]) -> String {
        let period = one.rule.period;
        let (verb, when) = match (period.start, period.until) {
            _ if !differs.contains(&Differs::Date) => ("covers", String::new()),
            (_, Some(until)) if until < self.near.at => ("covered", format!(" until {until}")),
            (Some(start), _) => ("will cover", format!(" from {start} on")),
            _ => ("covers", String::new()),
        };
        let words: Vec<String> = differs.iter().map(|what| what.as_str().to_owned()).collect();
        format!(
            "{verb} {} from {} to {}{when}: {} differ",
            self.services(one),
            self.source(one),
            self.destination(one),
            joined(&words, " and ")
        )
    }

    fn source(&self, one: &Candidate<'_>) -> String {
        let address = self.near.flow.source;
        self.addresses(self.near.model.endpoint(one.product.source), address)
    }

    fn destination(&self, one: &Candidate<'_>) -> String {
        let address = self.near.flow.destination;
        self.addresses(self.near.model.endpoint(one.product.destination), address)
    }

    /// The names of a set, those of the address's site first. An address that is in the set is called by its own name.
    fn addresses(&self, set: &AddressSet, address: std::net::IpAddr) -> String {
        let model = self.near.model;
        if set.contains(address) {
            return called(model, address);
        }
        let site = match model.located.of(address) {
            Some(Location::Network(network)) => {
                let site =
                    model.networks.get(network.index()).and_then(|network| model.sites.get(network.site.index()));
                site.map(|site| site.name.value.as_str())
            }
            Some(Location::Internet) | None => None,
        };
        let is_near = |name: &String| name.split(['/', ' ']).next() == site;
        let mut names = self.names.of(set);
        names.sort_by_key(|name| !is_near(name));
        limited(&names)
    }

    /// The name of the services with what it stands for.
    fn services(&self, one: &Candidate<'_>) -> String {
        let set = self.near.model.service(one.product.services);
        let (name, literal) = (self.names.of_services(set), literal(set));
        if name == literals(set).join(", ") { literal } else { format!("{name} ({literal})") }
    }
}

fn held_by(model: &Model, quarantine: &Quarantine) -> String {
    let kept = quarantine.keep.iter().filter_map(|rule| model.rules.get(rule.index()));
    let kept: Vec<String> = kept.map(|rule| rule.name.value.clone()).collect();
    let keeps = if kept.is_empty() { "nothing".to_owned() } else { limited(&kept) };
    format!("the quarantine {}, which keeps {keeps}", quarantine.name.value)
}

/// What people call an address; the address itself where nothing has a name for it.
pub(super) fn called(model: &Model, address: std::net::IpAddr) -> String {
    model.name_of(address).map_or_else(|| address.to_string(), str::to_owned)
}

/// The service of a flow as one would ask for it: its source port only where one was asked for, or is what a set lacks.
fn service(set: &ServiceSet, flow: &Flow) -> String {
    let ServicePoint { protocol, a, b } = flow.service;
    let from_others = set.intersects(&ServiceSet::ports(protocol, Interval::single(b)));
    let short = protocol.has_ports() && a == EPHEMERAL_PORT && !from_others;
    if short { format!("{protocol}/{b}") } else { flow.service.to_string() }
}

/// Literals of which the first few are named.
fn literal(services: &ServiceSet) -> String {
    let all = literals(services);
    if all.len() <= LISTED + 1 {
        return all.join(", ");
    }
    let shown: Vec<String> = all.iter().take(LISTED).cloned().collect();
    format!("{} and {} more", shown.join(", "), all.len() - LISTED)
}

/// Names of which the first few are named: `a, b and c`, `a, b, c and 12 more`.
fn limited(names: &[String]) -> String {
    if names.len() <= LISTED + 1 {
        return joined(names, " and ");
    }
    let shown: Vec<String> = names.iter().take(LISTED).cloned().collect();
    format!("{} and {} more", shown.join(", "), names.len() - LISTED)
}

/// `a`, `a and b`, `a, b and c`
pub(super) fn joined(names: &[String], last: &str) -> String {
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{}{last}{end}", rest.join(", ")),
    }
}
