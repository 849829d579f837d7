//! No two things under one name: the first in the order of files stays, later ones are reported and left out.

use std::collections::BTreeMap;

use super::types::{Inventory, Site};
use crate::diag::codes::inventory::{NAME_TAKEN, NAME_TAKEN_IN_SITE};
use crate::diag::{Code, Diagnostic, Sink};
use crate::source::{Span, Spanned};

/// Sorts all lists by name and takes out what has the name of another.
pub(super) fn settle(inventory: &mut Inventory, sink: &mut Sink) {
    settle_top(inventory, sink);
    for site in &mut inventory.sites {
        settle_site(site, sink);
    }
}

/// Names with the kinds and places of those that bear them.
type Taken<'n> = Vec<(&'n str, Span, &'static str)>;

fn settle_top(inventory: &mut Inventory, sink: &mut Sink) {
    let Inventory { sites, transits, devices } = inventory;
    sites.sort_by(|a, b| by_name(&a.name, &b.name));
    transits.sort_by(|a, b| by_name(&a.name, &b.name));
    devices.sort_by(|a, b| by_name(&a.name, &b.name));
    let mut taken: Taken<'_> = Vec::with_capacity(sites.len() + transits.len() + devices.len());
    taken.extend(sites.iter().map(|site| (site.name.value.as_str(), site.name.span, "site")));
    taken.extend(transits.iter().map(|transit| (transit.name.value.as_str(), transit.name.span, "transit")));
    taken.extend(devices.iter().map(|device| (device.name.value.as_str(), device.name.span, "device")));
    let refused = refuse(taken, "", &NAME_TAKEN, sink);
    if !refused.is_empty() {
        sites.retain(|site| !refused.contains_key(&(site.name.span, "site")));
        transits.retain(|transit| !refused.contains_key(&(transit.name.span, "transit")));
        devices.retain(|device| !refused.contains_key(&(device.name.span, "device")));
    }
}

fn settle_site(site: &mut Site, sink: &mut Sink) {
    let Site { name, networks, hosts, .. } = site;
    networks.sort_by(|a, b| by_name(&a.name, &b.name));
    hosts.sort_by(|a, b| by_name(&a.name, &b.name));
    let mut taken: Taken<'_> = Vec::with_capacity(networks.len() + hosts.len());
    taken.extend(networks.iter().map(|network| (network.name.value.as_str(), network.name.span, "network")));
    taken.extend(hosts.iter().map(|host| (host.name.value.as_str(), host.name.span, "host")));
    let refused = refuse(taken, &name.value, &NAME_TAKEN_IN_SITE, sink);
    if !refused.is_empty() {
        networks.retain(|network| !refused.contains_key(&(network.name.span, "network")));
        hosts.retain(|host| !refused.contains_key(&(host.name.span, "host")));
    }
}

fn by_name(a: &Spanned<String>, b: &Spanned<String>) -> std::cmp::Ordering {
    (&a.value, a.span).cmp(&(&b.value, b.span))
}

/// Reports all but the first of each name.
fn refuse(
    mut taken: Taken<'_>,
    site: &str,
    code: &'static Code,
    sink: &mut Sink,
) -> BTreeMap<(Span, &'static str), ()> {
    taken.sort_unstable();
    let mut refused = BTreeMap::new();
    let mut first: Option<(&str, Span, &str)> = None;
    for (name, span, kind) in taken {
        match first.filter(|(of_first, ..)| *of_first == name) {
            Some((_, first_span, first_kind)) => {
                let shown = if site.is_empty() { name.to_owned() } else { format!("{site}/{name}") };
                sink.push(clash(code, &shown, (span, kind), (first_span, first_kind)));
                refused.insert((span, kind), ());
            }
            None => first = Some((name, span, kind)),
        }
    }
    refused
}

fn clash(code: &'static Code, name: &str, again: (Span, &str), first: (Span, &str)) -> Diagnostic {
    let message = if again.1 == first.1 {
        format!("two {}s are called `{name}`", again.1)
    } else {
        format!("a {} and a {} are both called `{name}`", first.1, again.1)
    };
    Diagnostic::new(code, again.0, message)
        .label(format!("this {}", again.1))
        .also(first.0, format!("the {} that has the name already", first.1))
        .help("rename one of the two, or merge them")
}
