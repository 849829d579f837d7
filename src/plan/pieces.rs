//! Endpoint sets, cut by the places that their addresses lie in.

use crate::graph::{PlaceId, Zones};
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
#[derive(Debug, Clone, Default)]
pub(super) struct Pieces {
    /// All pieces.
    pub(super) all: Vec<Piece>,
    /// Indices into `all`, ascending by site.
    by_site: Vec<(Option<SiteId>, u32)>,
}

impl Pieces {
    /// Cuts a set.
    pub(super) fn new(model: &Model, zones: &Zones, set: &AddressSet) -> Self {
        let met = model.located.meet(set);
        let all: Vec<Piece> = met.into_iter().filter_map(|(range, location)| piece(zones, range, location)).collect();
        let mut by_site: Vec<(Option<SiteId>, u32)> = all.iter().map(|piece| piece.site).zip(0..).collect();
        by_site.sort_unstable();
        Self { all, by_site }
    }

    /// The pieces of one site, ascending by address.
    pub(super) fn of_site(&self, site: SiteId) -> impl Iterator<Item = &Piece> + '_ {
        let first = self.by_site.partition_point(|(of, _)| *of < Some(site));
        let mine = self.by_site.iter().skip(first).take_while(move |(of, _)| *of == Some(site));
        mine.filter_map(|(_, at)| self.all.get(*at as usize))
    }

    /// The sites that own some of the addresses, ascending, each once.
    pub(super) fn sites(&self) -> impl Iterator<Item = SiteId> + '_ {
        self.by_site.chunk_by(|a, b| a.0 == b.0).filter_map(|same| same.first().and_then(|(site, _)| *site))
    }
}

fn piece(zones: &Zones, range: AddressRange, location: Location) -> Option<Piece> {
    let place = zones.place_at(location)?;
    Some(Piece { place, site: zones.place(place)?.site, range })
}
