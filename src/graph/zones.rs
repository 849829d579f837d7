//! Zones: what is left connected when all managed firewalls are taken away.

use petgraph::unionfind::UnionFind;

use crate::model::{Attachment, DeviceId, Location, Model, NetworkId, SiteId};

/// Index into [`Zones::zones`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub u32);

impl ZoneId {
    /// As an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Index into [`Zones::places`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceId(pub u32);

impl PlaceId {
    /// As an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The part of a zone that belongs to one site. Which paths a flow may take depends on nothing but the places of its two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The zone.
    pub zone: ZoneId,
    /// The site; `None` for the public addresses of the internet.
    pub site: Option<SiteId>,
}

/// One zone.
#[derive(Debug, Clone, Default)]
pub struct Zone {
    /// The networks in it, ascending.
    pub networks: Vec<NetworkId>,
    /// Whether a transit is in it.
    pub has_transit: bool,
}

/// All zones and places of a model, numbered by their first network (then transits), so that the numbers do not depend on the order of files.
#[derive(Debug, Clone, Default)]
pub struct Zones {
    /// The zones.
    pub zones: Vec<Zone>,
    /// The places, ascending by zone and site.
    pub places: Vec<Place>,
    /// The zone of the internet, if there is one.
    pub internet: Option<ZoneId>,
    /// The place of the public addresses.
    internet_place: Option<PlaceId>,
    of_network: Vec<ZoneId>,
    of_transit: Vec<ZoneId>,
    place_of_network: Vec<PlaceId>,
}

impl Zones {
    /// Contracts everything that only forwards.
    #[must_use]
    pub fn new(model: &Model) -> Self {
        let (networks, transits) = (model.networks.len(), model.transits.len());
        let mut joined = UnionFind::<usize>::new(networks + transits);
        let node = |attachment: Attachment| match attachment {
            Attachment::Network(network) => network.index(),
            Attachment::Transit(transit) => networks + transit.index(),
        };
        for device in model.devices.iter().filter(|device| device.platform.is_none()) {
            let mut nodes = device.interfaces.iter().map(|interface| node(interface.attachment));
            if let Some(first) = nodes.next() {
                for other in nodes {
                    joined.union(first, other);
                }
            }
        }
        let internets: Vec<usize> =
            (0..).zip(&model.transits).filter(|(_, transit)| transit.internet).map(|(at, _)| networks + at).collect();
        for pair in internets.windows(2) {
            if let [a, b] = pair {
                joined.union(*a, *b);
            }
        }
        Self::number(model, joined, internets.first().copied())
    }

    fn number(model: &Model, mut joined: UnionFind<usize>, internet: Option<usize>) -> Self {
        let (networks, transits) = (model.networks.len(), model.transits.len());
        let mut of_root: Vec<Option<ZoneId>> = vec![None; networks + transits];
        let mut result = Self::default();
        let mut zones = Vec::with_capacity(networks + transits);
        for node in 0..networks + transits {
            let root = joined.find_mut(node);
            let known = of_root.get(root).copied().flatten();
            let zone = known.unwrap_or_else(|| {
                result.zones.push(Zone::default());
                ZoneId(u32::try_from(result.zones.len() - 1).unwrap_or(u32::MAX))
            });
            if let Some(place) = of_root.get_mut(root) {
                *place = Some(zone);
            }
            if let Some(entry) = result.zones.get_mut(zone.index()) {
                if node < networks {
                    entry.networks.push(NetworkId::from_index(node));
                } else {
                    entry.has_transit = true;
                }
            }
            zones.push(zone);
        }
        result.internet = internet.and_then(|node| zones.get(node).copied());
        result.of_transit = zones.split_off(networks.min(zones.len()));
        result.of_network = zones;
        result.find_places(model);
        result
    }

    fn find_places(&mut self, model: &Model) {
        let place_of = |network: usize| Place {
            zone: self.of_network.get(network).copied().unwrap_or(ZoneId(0)),
            site: model.networks.get(network).map(|network| network.site),
        };
        let mut places: Vec<Place> = (0..model.networks.len()).map(place_of).collect();
        places.extend(self.internet.map(|zone| Place { zone, site: None }));
        places.sort_unstable();
        places.dedup();
        let find = |place: Place| PlaceId(u32::try_from(places.partition_point(|p| *p < place)).unwrap_or(u32::MAX));
        let place_of_network = (0..model.networks.len()).map(|network| find(place_of(network))).collect();
        self.internet_place = self.internet.map(|zone| find(Place { zone, site: None }));
        self.place_of_network = place_of_network;
        self.places = places;
    }

    /// The zone of an attachment.
    #[must_use]
    pub fn of(&self, attachment: Attachment) -> Option<ZoneId> {
        match attachment {
            Attachment::Network(network) => self.of_network.get(network.index()).copied(),
            Attachment::Transit(transit) => self.of_transit.get(transit.index()).copied(),
        }
    }

    /// The place of a location.
    #[must_use]
    pub fn place_at(&self, location: Location) -> Option<PlaceId> {
        match location {
            Location::Network(network) => self.place_of_network.get(network.index()).copied(),
            Location::Internet => self.internet_place,
        }
    }

    /// What a place is; `None` only for an id of another model.
    #[must_use]
    pub fn place(&self, id: PlaceId) -> Option<Place> {
        self.places.get(id.index()).copied()
    }

    /// Whether a place lies in the zone of the internet.
    #[must_use]
    pub fn is_internet(&self, id: PlaceId) -> bool {
        self.internet.is_some() && self.place(id).map(|place| place.zone) == self.internet
    }

    /// Whether the place is that of the public addresses themselves.
    #[must_use]
    pub fn is_public(&self, id: PlaceId) -> bool {
        self.internet_place == Some(id)
    }
}

/// A managed firewall as the graph sees it.
#[derive(Debug, Clone)]
pub struct Firewall {
    /// The device.
    pub device: DeviceId,
    /// Its site if it serves only that site; `None` if it is core or stands at a hub.
    pub serves: Option<SiteId>,
    /// For each interface of the device, in order, the zone that it is attached to.
    pub interface_zones: Vec<ZoneId>,
    /// The zones that it joins, ascending, each once.
    pub zones: Vec<ZoneId>,
}

/// The managed firewalls of a model, by the name of the device.
#[must_use]
pub fn firewalls(model: &Model, zones: &Zones) -> Vec<Firewall> {
    let mut result = Vec::new();
    for (at, device) in model.devices.iter().enumerate().filter(|(_, device)| device.platform.is_some()) {
        let is_hub = |site: &SiteId| model.sites.get(site.index()).is_some_and(|site| site.transit);
        let interface_zones: Vec<ZoneId> =
            device.interfaces.iter().filter_map(|interface| zones.of(interface.attachment)).collect();
        let mut joined = interface_zones.clone();
        joined.sort_unstable();
        joined.dedup();
        result.push(Firewall {
            device: DeviceId::from_index(at),
            serves: device.site.filter(|site| !is_hub(site)),
            interface_zones,
            zones: joined,
        });
    }
    result
}
