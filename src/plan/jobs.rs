//! Which firewalls each rule concerns, and in which shared graph: the first half of placement.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::pieces::{Half, Piece, Pieces};
use super::sets::Hashes;
use crate::graph::{Instance, PlaceId, Role, Topology, Vertex, Visited, Who, World, ZoneId};
use crate::model::{EndpointId, Model, Product, RuleId, SiteId};
use crate::packet::AddressSet;

/// Which ends of a flow lie in the zone of the internet. (Both: the flow stays in one zone, and no firewall is on its way.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Reach {
    /// None.
    Inside,
    /// The destination.
    ToInternet,
    /// The source.
    FromInternet,
}

impl Reach {
    pub(super) const ALL: [Self; 3] = [Self::Inside, Self::ToInternet, Self::FromInternet];

    pub(super) fn with_internet(self) -> bool {
        self != Self::Inside
    }

    /// Whether the source (or destination) end lies in the zone of the internet.
    pub(super) fn is_internet(self, end: End) -> bool {
        matches!((self, end), (Self::ToInternet, End::Destination) | (Self::FromInternet, End::Source))
    }
}

/// An end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum End {
    /// Where it comes from.
    Source,
    /// Where it goes.
    Destination,
}

/// In which graph a firewall looks at a product, and which of the addresses belong into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum View {
    /// The core: flows between plain and pendant sites.
    Core(Reach),
    /// The own graph of the pendant site that the firewall serves; whether the source and the destination have addresses in its interior zones.
    Leaf(Reach, [bool; 2]),
    /// The own zones of a site: flows inside it.
    Inner(SiteId),
    /// The graph of two classes (`None`: plain and pendant sites), for all sites of the classes or for one on either end.
    Cross { reach: Reach, classes: [Option<usize>; 2], sites: [Option<SiteId>; 2] },
    /// The graph of one class, for flows from a complex site to itself that do not stay inside.
    Same { reach: Reach, class: usize, site: SiteId },
}

/// One look of one firewall at one product.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    /// Index into the list of products.
    pub(super) product: u32,
    pub(super) view: View,
    /// Index into the firewalls of the view's graph.
    pub(super) at: u32,
}

/// A product of an active rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuleProduct {
    pub(super) rule: RuleId,
    pub(super) product: Product,
}

/// What all firewalls share while they are planned.
pub(super) struct Shared<'m> {
    pub(super) model: &'m Model,
    pub(super) topology: &'m Topology,
    /// The pieces of each endpoint set that a product uses.
    pub(super) pieces: Vec<Option<Arc<Pieces>>>,
    pub(super) inner: BTreeMap<SiteId, (Vec<ZoneId>, Instance)>,
    pub(super) classes: BTreeMap<(bool, [Option<usize>; 2]), Instance>,
    /// Per world: parts of sites whose places lie at several positions of the core.
    pub(super) spread: [BTreeSet<u32>; 2],
    /// What pendant sites find outside: by endpoint set, which end it is, reach, and component of the core.
    pub(super) outside: FxHashMap<(EndpointId, End, Reach, usize), Arc<AddressSet>>,
    /// Hashes of the sets that are the same for all firewalls.
    pub(super) hashes: Hashes,
}

impl<'m> Shared<'m> {
    pub(super) fn new(model: &'m Model, topology: &'m Topology) -> Self {
        let spread = [false, true].map(|internet| spread_parts(topology, topology.world(internet)));
        let pieces = vec![None; model.endpoints.len()];
        let (inner, classes, outside) = (BTreeMap::new(), BTreeMap::new(), FxHashMap::default());
        Self { model, topology, pieces, inner, classes, spread, outside, hashes: Hashes::default() }
    }

    /// The pieces of an endpoint set; empty before [`Shared::cut`] has seen it.
    pub(super) fn pieces(&self, id: EndpointId) -> &Pieces {
        static NONE: std::sync::LazyLock<Pieces> = std::sync::LazyLock::new(Pieces::default);
        self.pieces.get(id.index()).and_then(Option::as_deref).unwrap_or(&NONE)
    }

    fn cut(&mut self, id: EndpointId) -> Arc<Pieces> {
        let (model, zones, hashes) = (self.model, &self.topology.zones, &mut self.hashes);
        let made = || {
            hashes.keep(model.endpoint(id));
            Arc::new(Pieces::new(model, zones, model.endpoint(id)))
        };
        match self.pieces.get_mut(id.index()) {
            Some(slot) => slot.get_or_insert_with(made).clone(),
            None => Arc::default(),
        }
    }

    /// What an endpoint set can be as that end of a flow of that reach.
    pub(super) fn half<'p>(&self, pieces: &'p Pieces, reach: Reach, end: End) -> &'p Half {
        let [without, with] = &self.spread;
        let spread = if reach.with_internet() { with } else { without };
        pieces.half(self.topology, (reach, end), |part| spread.contains(&part))
    }

    pub(super) fn world(&self, reach: Reach) -> &'m World {
        self.topology.world(reach.with_internet())
    }

    /// Whether a piece can be that end of a flow of that reach.
    pub(super) fn is_end(&self, piece: &Piece, reach: Reach, end: End) -> bool {
        self.topology.zones.is_internet(piece.place) == reach.is_internet(end)
    }

    /// The class of a piece's site, `None` for plain and pendant sites.
    pub(super) fn class(&self, reach: Reach, site: Option<SiteId>) -> Option<usize> {
        match self.world(reach).role(site) {
            Role::Complex { class, .. } => Some(*class),
            Role::Plain | Role::Pendant { .. } => None,
        }
    }

    /// The vertex of a place of a plain or pendant site in the core.
    pub(super) fn core_vertex(&self, reach: Reach, place: PlaceId) -> Option<Vertex> {
        self.world(reach).position(&self.topology.zones, place).map(ZoneId::index)
    }

    /// The vertex of a place in a graph of classes, on the source's or the destination's side.
    pub(super) fn class_vertex(&self, graph: &Instance, reach: Reach, piece: &Piece, side: usize) -> Option<Vertex> {
        match self.world(reach).role(piece.site) {
            Role::Complex { leaf, .. } => {
                let zone = self.topology.zones.place(piece.place)?.zone;
                leaf.interior.binary_search(&zone).map_or(Some(zone.index()), |number| graph.interior(side, number))
            }
            Role::Plain | Role::Pendant { .. } => self.core_vertex(reach, piece.place),
        }
    }

    fn class_graph(&mut self, reach: Reach, classes: [Option<usize>; 2]) -> &Instance {
        let topology = self.topology;
        let internet = reach.with_internet();
        self.classes
            .entry((internet, classes))
            .or_insert_with(|| topology.class_graph(internet, classes[0], classes[1]))
    }

    /// Whether a piece is connected with a zone of the core.
    fn reaches(&mut self, reach: Reach, piece: &Piece, zone: ZoneId) -> bool {
        let world = self.world(reach);
        match self.class(reach, piece.site) {
            None => {
                let position = world.position(&self.topology.zones, piece.place);
                position.is_some_and(|position| world.core_component(position) == world.core_component(zone))
            }
            Some(class) => {
                self.class_graph(reach, [Some(class), None]);
                let Some(graph) = self.classes.get(&(reach.with_internet(), [Some(class), None])) else { return false };
                let vertex = self.class_vertex(graph, reach, piece, 0);
                vertex.is_some_and(|vertex| graph.tree.component(vertex) == graph.tree.component(zone.index()))
            }
        }
    }
}

/// Parts of sites (see [`Topology::inner_of`]) whose places lie at more than one position of the core.
fn spread_parts(topology: &Topology, world: &World) -> BTreeSet<u32> {
    let mut first: BTreeMap<u32, Option<ZoneId>> = BTreeMap::new();
    let mut spread = BTreeSet::new();
    for place in (0..topology.zones.places.len()).filter_map(|at| u32::try_from(at).ok()).map(PlaceId) {
        if let Some(part) = topology.inner_of(place) {
            let position = world.position(&topology.zones, place);
            if *first.entry(part).or_insert(position) != position {
                spread.insert(part);
            }
        }
    }
    spread
}

/// Finds the jobs of all firewalls.
pub(super) struct Finder<'s, 'm> {
    shared: &'s mut Shared<'m>,
    visited: Visited,
    /// For each firewall of the topology its jobs.
    pub(super) jobs: Vec<Vec<Job>>,
}

impl<'s, 'm> Finder<'s, 'm> {
    pub(super) fn new(shared: &'s mut Shared<'m>) -> Self {
        let jobs = vec![Vec::new(); shared.topology.firewalls.len()];
        Self { shared, visited: Visited::default(), jobs }
    }

    /// Adds the jobs of one product.
    pub(super) fn add(&mut self, number: u32, product: Product) {
        let (source, destination) = (self.shared.cut(product.source), self.shared.cut(product.destination));
        let has_internet = self.shared.topology.zones.internet.is_some();
        for reach in Reach::ALL.into_iter().filter(|reach| has_internet || !reach.with_internet()) {
            let from = self.shared.half(&source, reach, End::Source);
            let to = self.shared.half(&destination, reach, End::Destination);
            if from.is_there && to.is_there {
                self.core(number, reach, from, to);
                self.leaves(number, reach, product, ([from, to], [&source, &destination]));
                if from.has_complex || to.has_complex {
                    self.complex(number, reach, &source, &destination);
                }
            }
        }
        let mut theirs = destination.sites().peekable();
        for site in source.sites() {
            while theirs.next_if(|other| *other < site).is_some() {}
            if theirs.peek() == Some(&site) {
                self.inner(number, site);
            }
        }
    }

    fn push(&mut self, firewall: usize, job: Job) {
        if let Some(jobs) = self.jobs.get_mut(firewall) {
            jobs.push(job);
        }
    }

    fn core(&mut self, product: u32, reach: Reach, from: &Half, to: &Half) {
        if !from.has_core || !to.has_core {
            return;
        }
        let core = &self.shared.world(reach).core;
        let vertices = from.core.iter().chain(&to.core).map(|group| group.vertex.index());
        for at in core.candidates(vertices, &mut self.visited) {
            if let Some(Who::Real(firewall)) = core.firewalls.get(at).map(|firewall| firewall.who) {
                self.push(firewall, Job { product, view: View::Core(reach), at: index(at) });
            }
        }
    }

    /// Pendant sites with interior addresses on either end.
    fn leaves(&mut self, product: u32, reach: Reach, sets: Product, (halves, pieces): ([&Half; 2], [&Pieces; 2])) {
        let world = self.shared.world(reach);
        let [from, to] = halves;
        // The last component of the core that was asked about on each end: neighbours mostly share it.
        let mut asked = [usize::MAX; 2];
        for (site, [is_source, is_destination]) in either(&from.interior, &to.interior) {
            let Role::Pendant { leaf, graph } = world.role(Some(site)) else { continue };
            if let Some(&attachment) = leaf.attachments.first() {
                let component = world.core_component(attachment);
                let [of_destination, of_source] = &mut asked;
                if is_source && std::mem::replace(of_destination, component) != component {
                    self.outside(sets.destination, End::Destination, reach, attachment, pieces[1]);
                }
                if is_destination && std::mem::replace(of_source, component) != component {
                    self.outside(sets.source, End::Source, reach, attachment, pieces[0]);
                }
            }
            let view = View::Leaf(reach, [is_source, is_destination]);
            for (at, firewall) in graph.firewalls.iter().enumerate() {
                if let (Who::Real(real), true) = (firewall.who, firewall.doors.len() > 1) {
                    self.push(real, Job { product, view, at: index(at) });
                }
            }
        }
    }

    /// Makes sure that the part of an endpoint set which a zone of the core is connected with is known.
    fn outside(&mut self, id: EndpointId, end: End, reach: Reach, zone: ZoneId, pieces: &Pieces) {
        let key = (id, end, reach, self.shared.world(reach).core_component(zone));
        if self.shared.outside.contains_key(&key) {
            return;
        }
        let ends = pieces.all.iter().filter(|piece| self.shared.is_end(piece, reach, end)).copied();
        let ends: Vec<Piece> = ends.collect();
        let reached = ends.iter().filter(|piece| self.shared.reaches(reach, piece, zone)).map(|piece| piece.range);
        let set: AddressSet = reached.collect();
        let whole = self.shared.model.endpoint(id);
        let set = if set == **whole { whole.clone() } else { Arc::new(set) };
        self.shared.hashes.keep(&set);
        self.shared.outside.insert(key, set);
    }

    fn inner(&mut self, product: u32, site: SiteId) {
        let topology = self.shared.topology;
        let (_, graph) = self.shared.inner.entry(site).or_insert_with(|| topology.inner_graph(site));
        if graph.firewalls.is_empty() {
            return;
        }
        let found: Vec<(usize, usize)> = graph
            .firewalls
            .iter()
            .enumerate()
            .filter_map(|(at, firewall)| match firewall.who {
                Who::Real(real) => Some((at, real)),
                Who::OfSource(_) | Who::OfDestination(_) => None,
            })
            .collect();
        for (at, firewall) in found {
            self.push(firewall, Job { product, view: View::Inner(site), at: index(at) });
        }
    }

    /// Flows with a complex site on at least one end.
    fn complex(&mut self, product: u32, reach: Reach, source: &Pieces, destination: &Pieces) {
        let ends = |pieces: &Pieces, end| -> Vec<Piece> {
            pieces.all.iter().filter(|piece| self.shared.is_end(piece, reach, end)).copied().collect()
        };
        let (from, to) = (&ends(source, End::Source)[..], &ends(destination, End::Destination)[..]);
        let by_class = |shared: &Shared<'_>, pieces: &[Piece]| {
            let mut result: BTreeMap<Option<usize>, BTreeSet<Option<SiteId>>> = BTreeMap::new();
            for piece in pieces {
                result.entry(shared.class(reach, piece.site)).or_default().insert(piece.site);
            }
            result
        };
        let (sources, destinations) = (by_class(self.shared, from), by_class(self.shared, to));
        for (&source, source_sites) in &sources {
            for (&destination, destination_sites) in &destinations {
                if source.is_some() || destination.is_some() {
                    let sites = [source_sites, destination_sites];
                    self.cross(product, reach, [source, destination], sites, [from, to]);
                }
            }
            if let (Some(class), Some(others)) = (source, destinations.get(&source)) {
                for site in source_sites.intersection(others).filter_map(|site| *site) {
                    self.same(product, reach, class, site);
                }
            }
        }
    }

    fn cross(
        &mut self,
        product: u32,
        reach: Reach,
        classes: [Option<usize>; 2],
        sites: [&BTreeSet<Option<SiteId>>; 2],
        ends: [&[Piece]; 2],
    ) {
        self.shared.class_graph(reach, classes);
        let shared = &*self.shared;
        let Some(graph) = shared.classes.get(&(reach.with_internet(), classes)) else { return };
        let mut vertices = BTreeSet::new();
        for (side, (pieces, class)) in ends.into_iter().zip(classes).enumerate() {
            let mine = pieces.iter().filter(|piece| shared.class(reach, piece.site) == class);
            vertices.extend(mine.filter_map(|piece| shared.class_vertex(graph, reach, piece, side)));
        }
        let mut found = Vec::new();
        for at in graph.candidates(vertices, &mut self.visited) {
            let view = |sites| View::Cross { reach, classes, sites };
            match graph.firewalls.get(at).map(|firewall| firewall.who) {
                Some(Who::Real(firewall)) => found.push((firewall, view([None, None]), at)),
                Some(Who::OfSource(position)) => {
                    let of = |site: &Option<SiteId>| {
                        Some((shared.firewall_of(reach, *site, position)?, view([*site, None]), at))
                    };
                    found.extend(sites[0].iter().filter_map(of));
                }
                Some(Who::OfDestination(position)) => {
                    let of = |site: &Option<SiteId>| {
                        Some((shared.firewall_of(reach, *site, position)?, view([None, *site]), at))
                    };
                    found.extend(sites[1].iter().filter_map(of));
                }
                None => {}
            }
        }
        for (firewall, view, at) in found {
            self.push(firewall, Job { product, view, at: index(at) });
        }
    }

    fn same(&mut self, product: u32, reach: Reach, class: usize, site: SiteId) {
        self.shared.class_graph(reach, [Some(class), None]);
        let shared = &*self.shared;
        let Some(graph) = shared.classes.get(&(reach.with_internet(), [Some(class), None])) else { return };
        let view = View::Same { reach, class, site };
        let mut found = Vec::new();
        for (at, firewall) in graph.firewalls.iter().enumerate().filter(|(_, firewall)| firewall.doors.len() > 1) {
            let real = match firewall.who {
                Who::Real(real) => Some(real),
                Who::OfSource(position) => shared.firewall_of(reach, Some(site), position),
                Who::OfDestination(_) => None,
            };
            found.extend(real.map(|real| (real, at)));
        }
        for (firewall, at) in found {
            self.push(firewall, Job { product, view, at: index(at) });
        }
    }
}

/// The sites of either list (both ascending), with which of the two they are in.
fn either(left: &[SiteId], right: &[SiteId]) -> Vec<(SiteId, [bool; 2])> {
    let mut result = Vec::with_capacity(left.len().max(right.len()));
    let (mut left, mut right) = (left.iter().copied().peekable(), right.iter().copied().peekable());
    while let Some(site) = left.peek().copied().into_iter().chain(right.peek().copied()).min() {
        result.push((site, [left.next_if_eq(&site).is_some(), right.next_if_eq(&site).is_some()]));
    }
    result
}

impl Shared<'_> {
    /// The firewall at a position of a complex site.
    fn firewall_of(&self, reach: Reach, site: Option<SiteId>, position: usize) -> Option<usize> {
        match self.world(reach).role(site) {
            Role::Complex { leaf, .. } => leaf.firewalls.get(position).copied(),
            Role::Plain | Role::Pendant { .. } => None,
        }
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
