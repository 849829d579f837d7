//! Assertions about addresses of firewalls that do not protect themselves.
//!
//! The rules that are written are for what a firewall forwards. From next to it, its own address answers whoever asks, unless it says `protect`: a proof about such an address
//! rests on the order of verdicts, not on a firewall, and this says so.

use super::{Context, Lint};
use crate::diag::codes::meaning::OWN_ADDRESS;
use crate::diag::{Code, Diagnostic, Sink};
use crate::graph::{Firewall, ZoneId};
use crate::model::{Assertion, Device};
use crate::packet::AddressSet;
use crate::reach::Outcome;
use crate::syntax::ast::AssertionKind;

/// Finds proved assertions that no firewall enforces at a firewall's own addresses.
pub(super) struct OwnAddresses;

impl Lint for OwnAddresses {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&OWN_ADDRESS] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let proved = context.findings.iter().filter(|finding| finding.outcome == Outcome::Proved);
        for assertion in proved.filter_map(|finding| context.model.assertions.get(finding.assertion)) {
            let open: Vec<&Device> = context
                .topology
                .firewalls
                .iter()
                .filter_map(|firewall| Some((firewall, context.model.devices.get(firewall.device.index())?)))
                .filter(|(firewall, device)| !device.protect && is_open(context, assertion, firewall, device))
                .map(|(_, device)| device)
                .collect();
            sink.extend(found(assertion, &open));
        }
    }
}

fn found(assertion: &Assertion, open: &[&Device]) -> Option<Diagnostic> {
    let first = open.first()?;
    let more = if open.len() > 1 { format!(" and {} other firewalls", open.len() - 1) } else { String::new() };
    let message =
        format!("`{}` is not enforced at the own addresses of `{}`{more}", assertion.name.value, first.name.value);
    let found = Diagnostic::new(&OWN_ADDRESS, assertion.name.span, message);
    let found = open
        .iter()
        .take(3)
        .fold(found, |found, device| found.also(device.name.span, "filters nothing addressed to itself"));
    Some(found.help("say `protect: true` there, or take its addresses out of the assertion"))
}

/// Whether a source of the assertion lies next to the firewall and may send to an own address of it in another zone.
fn is_open(context: &Context<'_>, assertion: &Assertion, firewall: &Firewall, device: &Device) -> bool {
    let model = context.model;
    assertion.products.iter().any(|product| {
        let own = device.addresses.intersection(model.endpoint(product.destination));
        if own.is_empty() {
            return false;
        }
        let sources = match assertion.kind {
            AssertionKind::Never => (**model.endpoint(product.source)).clone(),
            AssertionKind::Only => model.known.difference(model.endpoint(product.source)),
            AssertionKind::Must => AddressSet::empty(),
        };
        let targets = zones(context, &own);
        let next = zones(context, &sources);
        firewall.zones.iter().any(|zone| next.contains(zone) && targets.iter().any(|target| target != zone))
    })
}

fn zones(context: &Context<'_>, set: &AddressSet) -> Vec<ZoneId> {
    let topology = context.topology;
    let zone = |(_, location)| topology.zones.place(topology.zones.place_at(location)?).map(|place| place.zone);
    let mut zones: Vec<ZoneId> = context.model.located.meet(set).into_iter().filter_map(zone).collect();
    zones.sort_unstable();
    zones.dedup();
    zones
}
