//! What all pairs share: one core graph, the leaf graphs of sites, and classes of sites that hang on the core in the same way.
//!
//! A firewall that serves one site lies on paths of that site alone. So the graph of a pair of sites is the *core* (all zones, and the firewalls that serve
//! everybody) with the two sites' own firewalls added. Most sites touch the rest of the world at one zone, their *attachment*: then that zone cuts the site off, the core's
//! tree and the site's own small tree together say all, and no pair needs a graph of its own ([`Role::Pendant`]). A site with several attachments can close
//! loops through the core ([`Role::Complex`]); such sites form classes of equal shape, and there is one graph for each pair of classes.
//!
//! There are two worlds: one without the zone of the internet, for flows that have no end there (it is never on the way), and one with it, for flows with one end there.

use std::collections::BTreeMap;

use super::instance::{Instance, Wiring};
use super::zones::{Firewall, PlaceId, ZoneId, Zones};
use crate::model::SiteId;

/// The firewalls of one site and the zones that they join.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The firewalls that serve only the site: indices into the topology's list, ascending.
    pub firewalls: Vec<usize>,
    /// Zones that only the site's own firewalls touch and that hold no other site's networks, ascending.
    pub interior: Vec<ZoneId>,
    /// The other zones that its firewalls touch, ascending.
    pub attachments: Vec<ZoneId>,
}

/// How a site hangs on the core.
#[derive(Debug, Clone)]
pub enum Role {
    /// No firewall serves it alone: its places are zones of the core.
    Plain,
    /// It touches the rest of the world at one zone at most. Its own graph holds its interior zones (the first vertices), then the attachment, then its firewalls.
    Pendant {
        /// The firewalls and zones.
        leaf: Leaf,
        /// The site's own graph.
        graph: Box<Instance>,
    },
    /// It touches the rest of the world at several zones.
    Complex {
        /// The firewalls and zones.
        leaf: Leaf,
        /// Sites of one class have the same number, the same shape and the same attachments.
        class: usize,
    },
}

/// One of the two worlds.
#[derive(Debug, Clone)]
pub struct World {
    /// All zones (the first vertices, in order), then all firewalls that serve everybody.
    pub core: Instance,
    /// The role of each site, by its number; sites beyond the last one that has firewalls of its own are plain.
    roles: Vec<Role>,
    /// The wiring of each class of complex sites.
    classes: Vec<Wiring>,
}

impl World {
    pub(super) fn new(
        zones: &Zones,
        firewalls: &[Firewall],
        serving: &BTreeMap<SiteId, Vec<usize>>,
        touching: &[Vec<usize>],
        with_internet: bool,
    ) -> Self {
        let is_used = |zone: &ZoneId| with_internet || Some(*zone) != zones.internet;
        let core = Instance::core(zones, firewalls, is_used);
        let touching = Touching { zones, by_zone: touching };
        let mut result = Self { core, roles: Vec::new(), classes: Vec::new() };
        let mut known: BTreeMap<Wiring, usize> = BTreeMap::new();
        for (&site, own) in serving {
            let leaf = touching.leaf(site, own, firewalls, is_used);
            let role = if leaf.attachments.len() < 2 {
                let graph = Box::new(Instance::leaf(&leaf, firewalls));
                Role::Pendant { leaf, graph }
            } else {
                let wiring = Wiring::of(&leaf, firewalls, is_used);
                let next = known.len();
                let class = *known.entry(wiring.clone()).or_insert(next);
                if class == result.classes.len() {
                    result.classes.push(wiring);
                }
                Role::Complex { leaf, class }
            };
            result.roles.resize_with(site.index(), || Role::Plain);
            result.roles.push(role);
        }
        result
    }

    /// The connected component of a zone in the core.
    #[must_use]
    pub fn core_component(&self, zone: ZoneId) -> usize {
        self.core.tree.component(zone.index())
    }

    /// The role of a site.
    #[must_use]
    pub fn role(&self, site: Option<SiteId>) -> &Role {
        site.and_then(|site| self.roles.get(site.index())).unwrap_or(&Role::Plain)
    }

    /// The wiring of a class.
    #[must_use]
    pub fn class(&self, class: usize) -> Option<&Wiring> {
        self.classes.get(class)
    }

    /// Where the rest of the world finds a place of a plain or pendant site: its own zone, or the attachment that an interior zone hangs on.
    #[must_use]
    pub fn position(&self, zones: &Zones, place: PlaceId) -> Option<ZoneId> {
        let place = zones.place(place)?;
        let Role::Pendant { leaf, graph } = self.role(place.site) else { return Some(place.zone) };
        let Ok(inside) = leaf.interior.binary_search(&place.zone) else { return Some(place.zone) };
        let attachment = *leaf.attachments.first()?;
        (graph.tree.component(inside) == graph.tree.component(leaf.interior.len())).then_some(attachment)
    }
}

/// Who touches which zone.
struct Touching<'z> {
    zones: &'z Zones,
    /// For each zone the firewalls next to it.
    by_zone: &'z [Vec<usize>],
}

impl Touching<'_> {
    fn leaf(&self, site: SiteId, own: &[usize], firewalls: &[Firewall], is_used: impl Fn(&ZoneId) -> bool) -> Leaf {
        let mut touched: Vec<ZoneId> = own
            .iter()
            .filter_map(|&at| firewalls.get(at))
            .flat_map(|firewall| firewall.zones.iter().copied())
            .filter(is_used)
            .collect();
        touched.sort_unstable();
        touched.dedup();
        let (interior, attachments) = touched.into_iter().partition(|zone| self.is_interior(*zone, site, own));
        Leaf { firewalls: own.to_vec(), interior, attachments }
    }

    fn is_interior(&self, zone: ZoneId, site: SiteId, own: &[usize]) -> bool {
        let touched_by_own = self.by_zone.get(zone.index()).is_some_and(|list| list.iter().all(|at| own.contains(at)));
        let first = self.zones.places.partition_point(|place| place.zone < zone);
        let mut here = self.zones.places.iter().skip(first).take_while(|place| place.zone == zone);
        touched_by_own && here.all(|place| place.site == Some(site))
    }
}
