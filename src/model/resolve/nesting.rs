//! Networks that lie in each other: `subnet_of`, and prefixes that overlap.
//!
//! Prefixes nest or are disjoint, so one sweep over all prefixes in ascending order, wider before narrower, with a stack of those that are still
//! open, finds for each prefix the narrowest other one around it. Checking that one is enough: what is around it was checked in its own turn.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::places::Places;
use super::problem::Guesses;
use crate::diag::codes::names;
use crate::diag::{Diagnostic, Sink};
use crate::model::types::{Model, NetworkId};
use crate::packet::{AddressRange, AddressSet};
use crate::source::Span;

/// More overlaps than these with one network are counted, not shown.
const SHOWN_OVERLAPS: usize = 10;

/// Resolves `subnet_of`, checks the nesting of all prefixes, and takes inner networks out of what an outer one decides for itself.
pub(super) fn nest(places: &Places<'_>, model: &mut Model, guesses: &Guesses, sink: &mut Sink) {
    resolve_outer(places, model, guesses, sink);
    break_circles(places, model, sink);
    check_contained(places, model, sink);
    check_prefixes(places, model, sink);
    cut_inner(model);
}

fn resolve_outer(places: &Places<'_>, model: &mut Model, guesses: &Guesses, sink: &mut Sink) {
    for (network, source) in model.networks.iter_mut().zip(&places.networks) {
        let Some(outer) = &source.subnet_of else { continue };
        network.subnet_of = places.network(network.site, &outer.value);
        if network.subnet_of.is_some() {
            continue;
        }
        let siblings = places.networks_of(network.site);
        let site = places.sites.get(network.site.index()).map_or("", |site| &site.name.value);
        let message = format!("`{site}` has no network `{}` that `{}` could lie in", outer.value, network.full_name);
        let mut found = Diagnostic::new(&names::SUBNET_UNKNOWN, outer.span, message).label("not found");
        let candidates =
            siblings.iter().map(|sibling| sibling.name.value.as_str()).filter(|name| *name != source.name.value);
        if let Some(close) = guesses.closest(&outer.value, candidates) {
            found = found.help(format!("use `{close}`"));
        }
        sink.push(found);
    }
}

/// Follows `subnet_of` from every network once; a network that is met again on the same walk closes a circle.
fn break_circles(places: &Places<'_>, model: &mut Model, sink: &mut Sink) {
    let mut walk_of = vec![usize::MAX; model.networks.len()];
    for start in 0..model.networks.len() {
        let mut at = start;
        loop {
            match walk_of.get_mut(at) {
                Some(walk) if *walk == usize::MAX => *walk = start,
                Some(walk) if *walk == start => {
                    report_circle(at, places, model, sink);
                    if let Some(network) = model.networks.get_mut(at) {
                        network.subnet_of = None;
                    }
                    break;
                }
                _ => break,
            }
            match model.networks.get(at).and_then(|network| network.subnet_of) {
                Some(outer) => at = outer.index(),
                None => break,
            }
        }
    }
}

fn report_circle(from: usize, places: &Places<'_>, model: &Model, sink: &mut Sink) {
    let outer = |at: usize| model.networks.get(at).and_then(|network| network.subnet_of).map(NetworkId::index);
    let circle: Vec<usize> = std::iter::once(from)
        .chain(std::iter::successors(outer(from), |&at| outer(at)).take_while(|&at| at != from))
        .collect();
    let names = circle.iter().chain([&from]).filter_map(|&at| model.networks.get(at));
    let shown: Vec<String> = names.map(|network| format!("`{}`", network.full_name)).collect();
    let mut spans = circle.iter().filter_map(|&at| places.networks.get(at)?.subnet_of.as_ref().map(|name| name.span));
    let Some(first) = spans.next() else { return };
    let message = format!("networks lie within each other in a circle: {}", shown.join(" in "));
    let found = Diagnostic::new(&names::SUBNET_CIRCLE, first, message).label("closes the circle");
    sink.push(spans.fold(found, |found, span| found.also(span, "part of the circle")).help("remove one `subnet_of`"));
}

fn check_contained(places: &Places<'_>, model: &Model, sink: &mut Sink) {
    for (network, source) in model.networks.iter().zip(&places.networks) {
        let Some(outer) = network.subnet_of.and_then(|outer| model.networks.get(outer.index())) else { continue };
        let outside = source
            .addresses
            .iter()
            .find(|prefix| !AddressSet::from(AddressRange::from(prefix.value)).is_subset(&outer.addresses));
        if let Some(prefix) = outside {
            let message = format!("{} of `{}` does not lie in `{}`", prefix.value, network.full_name, outer.full_name);
            let mut found = Diagnostic::new(&names::SUBNET_OUTSIDE, prefix.span, message)
                .label("outside")
                .also(outer.name.span, "the outer network")
                .help(format!("give `{}` a prefix that holds it, or remove it", outer.full_name));
            if let Some(said) = &source.subnet_of {
                found = found.also(said.span, "said to contain it");
            }
            sink.push(found);
        }
    }
}

/// A prefix with its network; ordered so that outer ones come before inner ones.
type Prefix = (AddressRange, Span, NetworkId);

fn check_prefixes(places: &Places<'_>, model: &Model, sink: &mut Sink) {
    let mut all: Vec<Prefix> = Vec::with_capacity(places.networks.len() * 2);
    for (at, network) in places.networks.iter().enumerate() {
        let id = NetworkId::from_index(at);
        all.extend(network.addresses.iter().map(|prefix| (AddressRange::from(prefix.value), prefix.span, id)));
    }
    all.sort_unstable_by_key(|&(range, span, id)| (range.first(), Reverse(range.last()), id, span));
    let mut open: Vec<Prefix> = Vec::new();
    let mut overlaps: BTreeMap<NetworkId, Vec<(Prefix, Prefix)>> = BTreeMap::new();
    for inner in all {
        while open.last().is_some_and(|outer| outer.0.last() < inner.0.last() || outer.0.family() != inner.0.family()) {
            open.pop();
        }
        if let Some(&outer) = open.iter().rev().find(|outer| outer.2 != inner.2) {
            check_pair(outer, inner, model, &mut overlaps, sink);
        }
        open.push(inner);
    }
    for (outer, pairs) in overlaps {
        report_overlaps(outer, &pairs, model, sink);
    }
}

fn check_pair(
    outer: Prefix,
    inner: Prefix,
    model: &Model,
    overlaps: &mut BTreeMap<NetworkId, Vec<(Prefix, Prefix)>>,
    sink: &mut Sink,
) {
    let (Some(around), Some(within)) = (model.networks.get(outer.2.index()), model.networks.get(inner.2.index()))
    else {
        return;
    };
    if around.site != within.site {
        overlaps.entry(outer.2).or_default().push((outer, inner));
    } else if outer.0 == inner.0 {
        let message = format!("`{}` and `{}` have the same prefix {}", around.full_name, within.full_name, inner.0);
        sink.push(
            Diagnostic::new(&names::EQUAL_PREFIXES, inner.1, message)
                .label(format!("of `{}`", within.full_name))
                .also(outer.1, format!("of `{}`", around.full_name))
                .help("make them one network, or give each its own prefix"),
        );
    } else if within.subnet_of != Some(outer.2) {
        let message = format!("`{}` lies within `{}` and does not say so", within.full_name, around.full_name);
        sink.push(
            Diagnostic::new(&names::SUBNET_UNSAID, inner.1, message)
                .label(format!("inside {}", outer.0))
                .also(outer.1, format!("of `{}`", around.full_name))
                .help(format!("give `{}` the line `subnet_of: {}`", within.full_name, around.name.value)),
        );
    }
}

fn report_overlaps(outer: NetworkId, pairs: &[(Prefix, Prefix)], model: &Model, sink: &mut Sink) {
    let name = |id: NetworkId| model.networks.get(id.index()).map_or("", |network| &network.full_name);
    for (at, (around, within)) in pairs.iter().take(SHOWN_OVERLAPS).enumerate() {
        let (a, b) = (name(outer), name(within.2));
        let message = format!("`{b}` and `{a}` are networks of different sites and share {}", within.0);
        let mut found = Diagnostic::new(&names::SITES_OVERLAP, within.1, message)
            .label(format!("of `{b}`"))
            .also(around.1, format!("of `{a}`"))
            .help("an address belongs to one site: change one of the two");
        if at + 1 == SHOWN_OVERLAPS && pairs.len() > SHOWN_OVERLAPS {
            found = found.note(format!("{} more networks overlap with `{a}`", pairs.len() - SHOWN_OVERLAPS));
        }
        sink.push(found);
    }
}

fn cut_inner(model: &mut Model) {
    let mut inner: BTreeMap<usize, Vec<Arc<AddressSet>>> = BTreeMap::new();
    for network in &model.networks {
        if let Some(outer) = network.subnet_of {
            inner.entry(outer.index()).or_default().push(Arc::clone(&network.addresses));
        }
    }
    for (outer, sets) in inner {
        if let Some(network) = model.networks.get_mut(outer) {
            let taken = AddressSet::union_all(sets.iter().map(|set| &**set));
            network.own = Arc::new(network.addresses.difference(&taken));
        }
    }
}
