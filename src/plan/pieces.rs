//! Endpoint sets, cut by the places that their addresses lie in.

use std::sync::{Arc, OnceLock};

use super::jobs::{End, Reach};
use crate::graph::{PlaceId, Role, Topology, World, ZoneId, Zones};
use crate::model::{Location, Model, SiteId};
use crate::packet::{AddressRange, AddressSet};

/// A range of addresses of one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// The place.
    pub(super) place: PlaceId,
    /// Its site.
    pub(super) site: Option<SiteId>,
    /// The addresses.
    pub(super) range: AddressRange,
}

/// An endpoint set in pieces: ascending by address, IPv4 first; unknown addresses are in no piece.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// All pieces.
    pub(super) all: Vec<Piece>,
    /// The sites that own some of the addresses, ascending, each once, and where the pieces of each begin in `by_site`.
    sites: Vec<SiteId>,
    firsts: Vec<u32>,
    /// Indices into `all` of the pieces that have a site, ascending by site.
    by_site: Vec<u32>,
    /// For each half that was asked for.
    halves: [OnceLock<Half>; 3],
}

/// What one end of a flow can be, of one reach: the addresses inside or those in the zone of the internet, as one of the two worlds sees them.
#[derive(Debug, Default)]
pub(super) struct Half {
    /// Whether there is any piece.
    pub(super) is_there: bool,
    /// Whether some piece belongs to a plain or pendant site, or to no site.
    pub(super) has_core: bool,
    /// Whether some piece belongs to a complex site.
    pub(super) has_complex: bool,
    /// What the core sees of plain and pendant sites, ascending by vertex and part.
    pub(super) core: Vec<Group>,
    /// The union of `core`.
    pub(super) core_whole: Arc<AddressSet>,
    /// The pendant sites with pieces in interior zones, ascending, each once.
    pub(super) interior: Vec<SiteId>,
}

/// Addresses at one vertex of the core.
#[derive(Debug)]
pub(super) struct Group {
    /// The vertex: a zone.
    pub(super) vertex: ZoneId,
    /// The part of the site (see [`Topology::inner_of`]) where that must be told apart.
    pub(super) part: Option<u32>,
    /// The addresses.
    pub(super) set: Arc<AddressSet>,
}

impl Pieces {
    /// Cuts a set.
    pub(super) fn new(model: &Model, zones: &Zones, set: &AddressSet) -> Self {
        let met = model.located.meet(set);
        let all: Vec<Piece> = met.into_iter().filter_map(|(range, location)| piece(zones, range, location)).collect();
        let mut order: Vec<(SiteId, u32)> =
            all.iter().zip(0..).filter_map(|(piece, at)| Some((piece.site?, at))).collect();
        order.sort_unstable();
        let (mut sites, mut firsts) = (Vec::new(), Vec::new());
        for (&(site, _), first) in order.iter().zip(0..) {
            if sites.last() != Some(&site) {
                sites.push(site);
                firsts.push(first);
            }
        }
        let by_site = order.into_iter().map(|(_, at)| at).collect();
        Self { all, sites, firsts, by_site, halves: Default::default() }
    }

    /// The pieces of one site, ascending by address.
    pub(super) fn of_site(&self, site: SiteId) -> impl Iterator<Item = &Piece> + '_ {
        let run = self.sites.binary_search(&site).ok().and_then(|at| {
            let first = *self.firsts.get(at)? as usize;
            let end = self.firsts.get(at + 1).map_or(self.by_site.len(), |next| *next as usize);
            self.by_site.get(first..end)
        });
        run.unwrap_or_default().iter().filter_map(|at| self.all.get(*at as usize))
    }

    /// The sites that own some of the addresses, ascending, each once.
    pub(super) fn sites(&self) -> impl Iterator<Item = SiteId> + '_ {
        self.sites.iter().copied()
    }

    /// The half that can be that end of a flow of that reach. `is_spread` says which parts of sites the core must tell apart.
    pub(super) fn half(
        &self,
        topology: &Topology,
        (reach, end): (Reach, End),
        is_spread: impl Fn(u32) -> bool,
    ) -> &Half {
        let at = match (reach.with_internet(), reach.is_internet(end)) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        };
        let [first, second, third] = &self.halves;
        let slot = [first, second, third].into_iter().nth(at).unwrap_or(first);
        slot.get_or_init(|| Half::new(self, topology, reach.with_internet(), reach.is_internet(end), is_spread))
    }
}

impl Half {
    fn new(
        pieces: &Pieces,
        topology: &Topology,
        with_internet: bool,
        of_internet: bool,
        is_spread: impl Fn(u32) -> bool,
    ) -> Self {
        let world = topology.world(with_internet);
        let mut result = Self::default();
        let mut core: Vec<(ZoneId, Option<u32>, AddressRange)> = Vec::new();
        for piece in pieces.all.iter().filter(|piece| topology.zones.is_internet(piece.place) == of_internet) {
            result.is_there = true;
            if let Role::Complex { .. } = world.role(piece.site) {
                result.has_complex = true;
                continue;
            }
            result.has_core = true;
            if let Some(vertex) = world.position(&topology.zones, piece.place) {
                let part = topology.inner_of(piece.place).filter(|part| is_spread(*part));
                core.push((vertex, part, piece.range));
            }
            result.interior.extend(piece.site.filter(|_| is_interior(topology, world, piece)));
        }
        result.interior.sort_unstable();
        result.interior.dedup();
        result.core_whole = Arc::new(core.iter().map(|(_, _, range)| *range).collect());
        core.sort_by_key(|(vertex, part, _)| (*vertex, *part));
        result.core = core.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter_map(group).collect();
        if let [only] = result.core.as_mut_slice() {
            only.set = result.core_whole.clone();
        }
        result
    }
}

fn group(same: &[(ZoneId, Option<u32>, AddressRange)]) -> Option<Group> {
    let &(vertex, part, _) = same.first()?;
    Some(Group { vertex, part, set: Arc::new(same.iter().map(|(_, _, range)| *range).collect()) })
}

fn is_interior(topology: &Topology, world: &World, piece: &Piece) -> bool {
    let Role::Pendant { leaf, .. } = world.role(piece.site) else { return false };
    let zone = topology.zones.place(piece.place).map(|place| place.zone);
    zone.is_some_and(|zone| leaf.interior.binary_search(&zone).is_ok())
}

fn piece(zones: &Zones, range: AddressRange, location: Location) -> Option<Piece> {
    let place = zones.place_at(location)?;
    Some(Piece { place, site: zones.place(place)?.site, range })
}
