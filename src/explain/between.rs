//! What lies between two addresses when no firewall decides: the routers that join them, or where the way ends on each side.
//!
//! Asked for one flow, so the graph of attachments is walked anew each time. Absent on purpose: all ways through a zone; a shortest one names the routers that matter, and every
//! router beside them that joins the same two networks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::notes::quoted;
use super::words::called;
use crate::graph::{Topology, ZoneId};
use crate::model::{Attachment, Location, Model, NetworkId, SiteId, TransitId};
use crate::packet::Flow;
use crate::reach::Reach;

/// Networks and transits that are listed; more are counted.
const LISTED: usize = 6;

/// Why no firewall stands between the ends of a flow: one note for each step of the way, then the zone.
pub(super) fn unenforced(model: &Model, topology: &Topology, flow: &Flow) -> Vec<String> {
    let (Some(from), Some(to)) = (model.located.of(flow.source), model.located.of(flow.destination)) else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    if from == to {
        let network = place_names(model, from);
        notes.push(format!("both ends lie in {}: no firewall stands inside a network", quoted(&network)));
        return notes;
    }
    let way = way(model, &attachments(model, from), &attachments(model, to));
    for pair in way.windows(2) {
        if let [near, far] = pair {
            notes.push(step(model, *near, *far));
        }
    }
    let zone = topology.zones.place_at(from).and_then(|place| topology.zones.place(place)).map(|place| place.zone);
    let members = zone.map(|zone| names_of_zones(model, topology, &BTreeSet::from([zone]))).unwrap_or_default();
    if members.len() > way.len() {
        notes.push(format!("no firewall stands anywhere between {}: they are one zone", listed(&members)));
    }
    notes
}

fn step(model: &Model, near: Attachment, far: Attachment) -> String {
    let joins = |device: &&crate::model::Device| {
        let has = |end| device.interfaces.iter().any(|interface| interface.attachment == end);
        device.platform.is_none() && has(near) && has(far)
    };
    let routers: Vec<String> = model.devices.iter().filter(joins).map(|device| device.name.value.clone()).collect();
    let (near, far) = (name(model, near), name(model, far));
    match routers.len() {
        0 => format!("`{near}` and `{far}` are one internet"),
        1 => format!("{} forwards between `{near}` and `{far}` and filters nothing", quoted(&routers)),
        _ => format!("{} forward between `{near}` and `{far}` and filter nothing", quoted(&routers)),
    }
}

/// A shortest way over devices that filter nothing, from one of some attachments to one of others.
fn way(model: &Model, from: &[Attachment], to: &[Attachment]) -> Vec<Attachment> {
    let mut at: BTreeMap<Attachment, Vec<Vec<Attachment>>> = BTreeMap::new();
    let routers = model.devices.iter().filter(|device| device.platform.is_none());
    let mut joined: Vec<Vec<Attachment>> =
        routers.map(|device| device.interfaces.iter().map(|interface| interface.attachment).collect()).collect();
    joined.push(attachments(model, Location::Internet));
    for ends in joined {
        for end in &ends {
            at.entry(*end).or_default().push(ends.clone());
        }
    }
    let mut before: BTreeMap<Attachment, Option<Attachment>> = from.iter().map(|end| (*end, None)).collect();
    let mut queue: VecDeque<Attachment> = from.iter().copied().collect();
    while let Some(here) = queue.pop_front() {
        if to.contains(&here) {
            let mut way: Vec<Attachment> =
                std::iter::successors(Some(here), |end| before.get(end).copied().flatten()).collect();
            way.reverse();
            return way;
        }
        for next in at.get(&here).into_iter().flatten().flatten() {
            before.entry(*next).or_insert_with(|| {
                queue.push_back(*next);
                Some(here)
            });
        }
    }
    Vec::new()
}

fn attachments(model: &Model, location: Location) -> Vec<Attachment> {
    match location {
        Location::Network(network) => vec![Attachment::Network(network)],
        Location::Internet => {
            let all = (0..).zip(&model.transits).filter(|(_, transit)| transit.internet);
            all.map(|(at, _)| Attachment::Transit(TransitId(at))).collect()
        }
    }
}

fn name(model: &Model, attachment: Attachment) -> &str {
    match attachment {
        Attachment::Network(network) => model.networks.get(network.index()).map(|network| network.full_name.as_str()),
        Attachment::Transit(transit) => model.transits.get(transit.index()).map(|transit| transit.name.value.as_str()),
    }
    .unwrap_or_default()
}

fn place_names(model: &Model, location: Location) -> Vec<String> {
    attachments(model, location).into_iter().map(|end| name(model, end).to_owned()).collect()
}

/// Which end is unknown, or how far the way leads on each side.
pub(super) fn unroutable(reach: &Reach<'_>, flow: &Flow) -> Vec<String> {
    let model = reach.model;
    let unknown: Vec<String> = [flow.source, flow.destination]
        .into_iter()
        .filter(|end| reach.place(*end).is_none())
        .map(|end| unknown(model, end))
        .collect();
    if !unknown.is_empty() {
        return unknown;
    }
    let (Some(from), Some(to)) = (reach.place(flow.source), reach.place(flow.destination)) else { return unknown };
    let zones = &reach.topology.zones;
    if zones.is_public(from) && zones.is_public(to) {
        return vec!["both ends are public addresses of the internet".to_owned()];
    }
    let ends = [flow.source, flow.destination].map(|end| called(model, end));
    no_path(model, &Ends { topology: reach.topology, from: zones.place(from), to: zones.place(to) }, &ends)
}

fn unknown(model: &Model, end: std::net::IpAddr) -> String {
    let is_public = crate::model::public().contains(end);
    match (is_public, model.internet.is_empty()) {
        (true, true) => format!(
            "{end} is not in the inventory: no network holds it, and it is public, but no transit says `internet: true`"
        ),
        _ => format!("{end} is not in the inventory: no network holds it"),
    }
}

struct Ends<'t> {
    topology: &'t Topology,
    from: Option<crate::graph::Place>,
    to: Option<crate::graph::Place>,
}

fn no_path(model: &Model, ends: &Ends<'_>, names: &[String; 2]) -> Vec<String> {
    let (Some(from), Some(to)) = (ends.from, ends.to) else { return Vec::new() };
    let own = [from.site, to.site];
    let (near, far) = (ends.spread(from.zone, &own), ends.spread(to.zone, &own));
    let [source, destination] = names;
    let mut notes = vec![format!("no path leads from {source} to {destination}")];
    for (name, zone, reached) in [(source, from.zone, &near), (destination, to.zone, &far)] {
        let others: BTreeSet<ZoneId> = reached.iter().copied().filter(|other| *other != zone).collect();
        let others = names_of_zones(model, ends.topology, &others);
        notes.push(if others.is_empty() {
            format!("at {name} stands no firewall that may lie on such a path")
        } else {
            format!("from {name} the paths lead to {} and end there", listed(&others))
        });
    }
    let reach_both = |at: &usize| {
        let zones = ends.topology.firewalls.get(*at).map(|firewall| firewall.zones.as_slice()).unwrap_or_default();
        (zones.iter().any(|zone| near.contains(zone)), zones.iter().any(|zone| far.contains(zone)))
    };
    for site in ends.sites_between(&far) {
        if !ends.spread(from.zone, &[from.site, to.site, Some(site)]).contains(&to.zone) {
            continue;
        }
        let serving = ends.topology.serving(Some(site)).iter();
        let firewalls = serving.filter(|at| reach_both(at) != (false, false));
        let names: Vec<String> = firewalls
            .filter_map(|at| model.devices.get(ends.topology.firewalls.get(*at)?.device.index()))
            .map(|device| device.name.value.clone())
            .collect();
        let site = model.sites.get(site.index()).map(|site| site.name.value.as_str()).unwrap_or_default();
        let verb = if names.len() == 1 { "lies" } else { "lie" };
        notes.push(format!(
            "{} would join the two, but {verb} on paths of `{site}` alone: it does not say `transit: true`",
            quoted(&names)
        ));
    }
    notes
}

impl Ends<'_> {
    /// The zones that one gets to from a zone, through firewalls that serve no site or one of these.
    fn spread(&self, start: ZoneId, sites: &[Option<SiteId>]) -> BTreeSet<ZoneId> {
        let internet = self.topology.zones.internet;
        let is_end = [self.from, self.to].into_iter().flatten().any(|place| Some(place.zone) == internet);
        let mut reached = BTreeSet::from([start]);
        let mut queue = VecDeque::from([start]);
        while let Some(zone) = queue.pop_front() {
            let near = self.topology.touching(zone).iter().filter_map(|at| self.topology.firewalls.get(*at));
            for firewall in near.filter(|firewall| firewall.serves.is_none() || sites.contains(&firewall.serves)) {
                let usable = firewall.zones.iter().filter(|zone| is_end || Some(**zone) != internet);
                let new: Vec<ZoneId> = usable.copied().filter(|zone| reached.insert(*zone)).collect();
                // The internet is an end of a path, never on its way.
                queue.extend(new.into_iter().filter(|zone| Some(*zone) != internet));
            }
        }
        reached
    }

    /// The sites with a firewall next to some zones that paths between the ends may not use.
    fn sites_between(&self, zones: &BTreeSet<ZoneId>) -> BTreeSet<SiteId> {
        let near = zones.iter().flat_map(|zone| self.topology.touching(*zone));
        let serves = near.filter_map(|at| self.topology.firewalls.get(*at)?.serves);
        let own = [self.from, self.to].map(|place| place.and_then(|place| place.site));
        serves.filter(|site| !own.contains(&Some(*site))).collect()
    }
}

/// What lies in some zones: transits first, then networks.
fn names_of_zones(model: &Model, topology: &Topology, zones: &BTreeSet<ZoneId>) -> Vec<String> {
    let transits = (0..model.transits.len()).map(|at| Attachment::Transit(TransitId::from_index(at)));
    let networks = (0..model.networks.len()).map(|at| Attachment::Network(NetworkId::from_index(at)));
    let here = |end: &Attachment| topology.zones.of(*end).is_some_and(|zone| zones.contains(&zone));
    transits.chain(networks).filter(here).map(|end| name(model, end).to_owned()).collect()
}

fn listed(names: &[String]) -> String {
    if names.len() <= LISTED + 1 {
        return super::words::joined(names, " and ");
    }
    let shown: Vec<String> = names.iter().take(LISTED).cloned().collect();
    format!("{} and {} more", shown.join(", "), names.len() - LISTED)
}
