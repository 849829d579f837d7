//! How far an intruder gets: chains of passing flows and of free movement, counted as LANGUAGE.md section 5 shows them.
//!
//! Where an intruder can move freely is a *reach*: a zone, and every zone that a host entry with addresses of both families
//! joins to it. The length of a chain is the number of its rows: each passing hop is one; movement is one at the start or at the end,
//! none between two passing hops.

use super::table::{Between, Facts, Rules, Table, chosen};
use super::ways::Zone;
use crate::worlds::Host;
use std::collections::{BTreeMap, BTreeSet};

/// What decides each pair of places with a firewall between them, for the services in question.
pub struct Hops {
    pairs: BTreeMap<(usize, usize), BTreeSet<Facts>>,
    /// The reach of each place; none if the place is unknown.
    reach: Vec<Option<Zone>>,
}

impl Hops {
    /// All flows on these kinds of packets that some allow covers.
    pub fn new(table: &Table<'_, '_>, on: &[bool]) -> Hops {
        let mut pairs: BTreeMap<(usize, usize), BTreeSet<Facts>> = BTreeMap::new();
        let all = vec![true; table.places.len()];
        for triple in table.triples(&all, &all, on) {
            let facts = table.facts(triple);
            if table.between(triple.0, triple.1) == Between::Firewalls && facts.allows != 0 {
                pairs.entry((triple.0, triple.1)).or_default().insert(facts);
            }
        }
        Hops { pairs, reach: reaches(table) }
    }
}

/// The chains of one world, if some rules did not exist.
pub struct Chains<'t, 'r, 'w> {
    table: &'t Table<'r, 'w>,
    reach: &'t [Option<Zone>],
    /// The passing hops: for each source the destinations.
    hops: Vec<Vec<usize>>,
}

impl<'t, 'r, 'w> Chains<'t, 'r, 'w> {
    /// The chains over these hops, if these rules did not exist.
    pub fn new(table: &'t Table<'r, 'w>, all: &'t Hops, without: Rules) -> Self {
        let mut hops = vec![Vec::new(); table.places.len()];
        for ((source, destination), facts) in &all.pairs {
            if facts.iter().any(|one| one.permit(without)) {
                hops[*source].push(*destination);
            }
        }
        Self { table, reach: &all.reach, hops }
    }

    /// Whether an intruder can move from one place to another without crossing a firewall.
    ///
    /// Reading: from one public address to another there is no movement: no flow of theirs is in any assertion.
    /// Reading: movement in several steps, in a zone, then on a host to its other family, then in that zone, is one movement.
    pub fn moves(&self, from: usize, to: usize) -> bool {
        let both_public = self.is_public(from) && self.is_public(to);
        !both_public && self.reach[from].is_some() && self.reach[from] == self.reach[to]
    }

    fn is_public(&self, place: usize) -> bool {
        self.table.places[place].is_public
    }

    /// For each place the length of the shortest chain that leads there from one of these; none if no chain does.
    ///
    /// Reading: what starts in a set is not there already: from an address to itself is movement, of length one.
    /// Reading: the internet may be both ends of one chain.
    pub fn lengths(&self, from: &[bool]) -> Vec<Option<usize>> {
        let arrivals = self.arrivals(from);
        let length = |to: usize| {
            let moved_only = chosen(from).any(|start| self.moves(start, to)).then_some(1);
            let moved_last = chosen_some(&arrivals)
                .filter(|(last, _)| !self.is_public(*last) && self.moves(*last, to))
                .map(|(_, length)| length + 1)
                .min();
            [moved_only, arrivals[to], moved_last].into_iter().flatten().min()
        };
        (0..self.table.places.len()).map(length).collect()
    }

    /// For each place the least number of rows of a chain that ends there with a passing hop.
    fn arrivals(&self, from: &[bool]) -> Vec<Option<usize>> {
        let mut arrivals: Vec<Option<usize>> = vec![None; self.table.places.len()];
        loop {
            let mut next = arrivals.clone();
            for source in 0..next.len() {
                let Some(before) = self.departure(source, from, &arrivals) else { continue };
                for to in &self.hops[source] {
                    next[*to] = Some(next[*to].map_or(before + 1, |known| known.min(before + 1)));
                }
            }
            if next == arrivals {
                return arrivals;
            }
            arrivals = next;
        }
    }

    /// The least number of rows before a passing hop from here. The internet is never a stepping stone.
    fn departure(&self, source: usize, from: &[bool], arrivals: &[Option<usize>]) -> Option<usize> {
        if from[source] {
            return Some(0);
        }
        if self.is_public(source) {
            return None;
        }
        let moved_first = chosen(from).any(|start| self.moves(start, source)).then_some(1);
        let here = |place: usize| !self.is_public(place) && self.moves(place, source);
        let arrived = chosen_some(arrivals).filter(|(place, _)| here(*place)).map(|(_, length)| length).min();
        [moved_first, arrived].into_iter().flatten().min()
    }
}

fn chosen_some(lengths: &[Option<usize>]) -> impl Iterator<Item = (usize, usize)> {
    lengths.iter().enumerate().filter_map(|(place, length)| Some((place, (*length)?)))
}

/// Zones are joined by host entries that have addresses of both families.
fn reaches(table: &Table<'_, '_>) -> Vec<Option<Zone>> {
    let mut joined: BTreeMap<Zone, Zone> =
        table.reference.topology.zones().into_iter().map(|zone| (zone, zone)).collect();
    for (_, host) in table.reference.world.hosts().filter(|(_, host)| has_both_families(host)) {
        let zones = zones_of(table, host);
        let names: BTreeSet<Zone> = zones.iter().map(|zone| joined[zone]).collect();
        let least = *names.first().unwrap();
        joined.values_mut().filter(|name| names.contains(name)).for_each(|name| *name = least);
    }
    table.places.iter().map(|place| Some(joined[&place.end.as_ref()?.zone])).collect()
}

fn has_both_families(host: &Host) -> bool {
    let is = |four: bool| host.addresses.iter().any(|span| span.first.is_ipv4() == four);
    is(true) && is(false)
}

fn zones_of(table: &Table<'_, '_>, host: &Host) -> BTreeSet<Zone> {
    let cells = table.places.iter().flat_map(|place| place.cells.iter().map(move |cell| (cell, &place.end)));
    let own = cells.filter(|(cell, _)| host.addresses.iter().any(|span| span.holds(cell.first)));
    own.filter_map(|(_, end)| end.as_ref().map(|end| end.zone)).collect()
}
