//! Where each known address belongs, and whether hosts lie where they say.

use std::net::IpAddr;
use std::sync::Arc;

use super::places::Places;
use crate::diag::codes::names;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::public::public;
use crate::model::types::{Host, Located, Location, Model, NetworkId};
use crate::packet::{AddressRange, AddressSet};
use crate::source::Spanned;

/// Fills `located`, `known` and `internet`.
pub(super) fn locate(model: &mut Model) {
    let networks = AddressSet::union_all(model.networks.iter().map(|network| &*network.addresses));
    if model.transits.iter().any(|transit| transit.internet) {
        model.internet = Arc::new(public().difference(&networks));
    }
    model.known = Arc::new(networks.union(&model.internet));
    let mut located = Located::default();
    for (at, network) in model.networks.iter().enumerate() {
        add(&mut located, &network.own, Location::Network(NetworkId::from_index(at)));
    }
    add(&mut located, &model.internet, Location::Internet);
    located.v4.sort_unstable();
    located.v6.sort_unstable();
    model.located = located;
}

fn add(located: &mut Located, set: &AddressSet, location: Location) {
    located.v4.extend(set.v4.intervals().iter().map(|range| (*range, location)));
    located.v6.extend(set.v6.intervals().iter().map(|range| (*range, location)));
}

/// Checks that every host range lies in one network of its site.
pub(super) fn check_hosts(places: &Places<'_>, model: &Model, sink: &mut Sink) {
    let mut ranges: Vec<(AddressRange, NetworkId)> = Vec::new();
    let mut site = None;
    for (host, source) in model.hosts.iter().zip(&places.hosts) {
        if site != Some(host.site) {
            site = Some(host.site);
            ranges = ranges_of_site(host, model);
        }
        for range in &source.addresses {
            check_range(host, range, &ranges, model, sink);
        }
    }
}

fn ranges_of_site(host: &Host, model: &Model) -> Vec<(AddressRange, NetworkId)> {
    let networks = model.sites.get(host.site.index()).map_or(&[][..], |site| &site.networks);
    let mut ranges: Vec<(AddressRange, NetworkId)> = networks
        .iter()
        .filter_map(|&id| Some((id, model.networks.get(id.index())?)))
        .flat_map(|(id, network)| network.own.ranges().map(move |range| (range, id)))
        .collect();
    ranges.sort_unstable();
    ranges
}

/// The first of ascending, disjoint ranges that ends at or after an address.
fn at_or_after(ranges: &[(AddressRange, NetworkId)], address: IpAddr) -> Option<(AddressRange, NetworkId)> {
    ranges.get(ranges.partition_point(|(range, _)| range.last() < address)).copied()
}

fn check_range(
    host: &Host,
    range: &Spanned<AddressRange>,
    of_site: &[(AddressRange, NetworkId)],
    model: &Model,
    sink: &mut Sink,
) {
    let (first, last) = (range.value.first(), range.value.last());
    match at_or_after(of_site, first) {
        Some((around, _)) if around.first() <= first && last <= around.last() => {}
        Some((touched, network)) if touched.first() <= last && touched.family() == range.value.family() => {
            sink.push(crosses(host, range, network, model));
        }
        _ => sink.push(outside(host, range, model)),
    }
}

fn crosses(host: &Host, range: &Spanned<AddressRange>, network: NetworkId, model: &Model) -> Diagnostic {
    let found = |name: &str| {
        let message = format!("{} of host `{}` crosses the border of `{name}`", range.value, host.full_name);
        Diagnostic::new(&names::HOST_CROSSES, range.span, message).label("partly inside, partly outside")
    };
    let Some(network) = model.networks.get(network.index()) else { return found("") };
    let shown: Vec<String> = network.own.ranges().take(4).map(|range| range.to_string()).collect();
    found(&network.full_name)
        .also(network.name.span, format!("holds {}", shown.join(", ")))
        .help("make it one host entry per network")
}

fn outside(host: &Host, range: &Spanned<AddressRange>, model: &Model) -> Diagnostic {
    let site = model.sites.get(host.site.index()).map_or("", |site| &site.name.value);
    let elsewhere = match model.located.of(range.value.first()) {
        Some(Location::Network(id)) => model.networks.get(id.index()),
        _ => None,
    };
    let new = |code: &'static Code, message: String| Diagnostic::new(code, range.span, message);
    match elsewhere {
        Some(network) => {
            let message = format!(
                "{} of host `{}` lies in `{}`, at another site",
                range.value, host.full_name, network.full_name
            );
            new(&names::HOST_ELSEWHERE, message)
                .label(format!("said to be at `{site}`"))
                .also(network.name.span, "this network holds it")
                .help("move the host to that site, or mend its address")
        }
        None => new(
            &names::HOST_OUTSIDE,
            format!("no network of `{site}` contains {} of host `{}`", range.value, host.full_name),
        )
        .label("in no network of its site")
        .help(format!("give `{site}` a network that holds it, or mend the address")),
    }
}
