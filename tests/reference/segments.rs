//! What a path crosses when it is looked at closely: segments (networks and transits) and devices, those that filter nothing
//! included.
//!
//! A path of the contract is zones and firewalls. Inside each of its zones a packet takes some route from the segments where it
//! comes in to those where it goes out, over devices that filter nothing. A path that *can* avoid what is named does not cross it.

use super::Reference;
use super::table::Place;
use super::ways::{Vertex, Zone};
use crate::worlds::Device;
use std::collections::BTreeSet;

impl Reference<'_> {
    /// Whether some path between two places crosses none of the named devices, networks and transits.
    ///
    /// Reading: the segments of the two ends are on the way, so what starts or ends in a network crosses it.
    /// Reading: a flow inside one zone has one path, that zone: it crosses no firewall, and every segment and unmanaged device that
    /// every route in the zone crosses.
    /// Reading: an address of the internet is on every transit with `internet: true` at once, and these are joined.
    /// False if an end is unknown, or there is no path.
    pub fn goes_around(&self, named: &[String], source: &Place, destination: &Place) -> bool {
        let (Some(from), Some(to)) = (&source.end, &destination.end) else { return false };
        let paths = self.topology.paths(from, to);
        let (first, last) = (self.segments_of(source), self.segments_of(destination));
        paths.iter().any(|path| self.can_avoid(named, path, &first, &last))
    }

    fn segments_of(&self, place: &Place) -> BTreeSet<String> {
        match &place.network {
            Some(network) => BTreeSet::from([network.clone()]),
            None => self.internets().collect(),
        }
    }

    fn internets(&self) -> impl Iterator<Item = String> {
        self.world.transits.iter().filter(|transit| transit.internet).map(|transit| transit.name.clone())
    }

    fn can_avoid(&self, named: &[String], path: &[Vertex], first: &BTreeSet<String>, last: &BTreeSet<String>) -> bool {
        (0..path.len()).all(|index| match &path[index] {
            Vertex::Firewall(name) => !named.contains(name),
            Vertex::Zone(zone) => {
                let at_firewall = |vertex: Option<&Vertex>, end: &BTreeSet<String>| match vertex {
                    Some(Vertex::Firewall(name)) => self.doors(name, *zone),
                    _ => end.clone(),
                };
                let entries = at_firewall(index.checked_sub(1).map(|before| &path[before]), first);
                self.joined_without(named, &entries, &at_firewall(path.get(index + 1), last))
            }
        })
    }

    /// The segments of a zone that a firewall joins.
    fn doors(&self, firewall: &str, zone: Zone) -> BTreeSet<String> {
        let joins = self.device(firewall).interfaces.iter().map(|interface| interface.joins.clone());
        joins.filter(|segment| self.topology.zone_of(segment) == zone).collect()
    }

    /// Whether a route leads from one of the first segments to one of the others over nothing that is named.
    fn joined_without(&self, named: &[String], from: &BTreeSet<String>, to: &BTreeSet<String>) -> bool {
        let mut open: Vec<String> = from.iter().filter(|segment| !named.contains(segment)).cloned().collect();
        let mut seen: BTreeSet<String> = open.iter().cloned().collect();
        while let Some(segment) = open.pop() {
            let beside = self.routers(&segment).filter(|router| !named.contains(&router.name));
            let mut next: Vec<String> =
                beside.flat_map(|router| router.interfaces.iter().map(|one| one.joins.clone())).collect();
            if self.internets().any(|internet| internet == segment) {
                next.extend(self.internets());
            }
            for segment in next.into_iter().filter(|segment| !named.contains(segment)) {
                if seen.insert(segment.clone()) {
                    open.push(segment);
                }
            }
        }
        !seen.is_disjoint(to)
    }

    fn routers<'a>(&'a self, segment: &'a str) -> impl Iterator<Item = &'a Device> {
        let unmanaged = self.world.devices.iter().filter(|device| device.platform.is_none());
        unmanaged.filter(move |device| device.interfaces.iter().any(|one| one.joins == segment))
    }
}
