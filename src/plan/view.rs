//! What one firewall passes of one product: the second half of placement.

use std::collections::HashMap;
use std::sync::Arc;

use super::cells::{Cell, CellBuilder, Crossing, crossings};
use super::jobs::{End, Job, Reach, Shared, View};
use crate::graph::{BlockId, Door, Instance, InstanceFirewall, Role, Vertex, ZoneId};
use crate::model::{EndpointId, Product, SiteId};

/// One firewall while it is planned; remembers how it sees each endpoint set.
pub(super) struct Viewer<'s, 'm> {
    shared: &'s Shared<'m>,
    /// The site that the firewall serves.
    serves: Option<SiteId>,
    seen: HashMap<(View, u32, EndpointId, End), Arc<Vec<Cell>>>,
}

impl<'s, 'm> Viewer<'s, 'm> {
    pub(super) fn new(shared: &'s Shared<'m>, serves: Option<SiteId>) -> Self {
        Self { shared, serves, seen: HashMap::new() }
    }

    /// The products that the firewall passes, with the zones between which it does.
    pub(super) fn look(&mut self, job: Job, product: Product) -> Vec<((ZoneId, ZoneId), Crossing)> {
        let shared = self.shared;
        let Some((graph, firewall)) = self.graph(job) else { return Vec::new() };
        let sources = self.cells(job, graph, firewall, product.source, End::Source, product);
        let destinations = self.cells(job, graph, firewall, product.destination, End::Destination, product);
        let mut result = Vec::new();
        for enter in doors(firewall, &sources) {
            for leave in doors(firewall, &destinations) {
                for crossing in crossings(enter, leave, &sources, &destinations) {
                    let zone = |door: Door| zone_of(shared, job.view, self.serves, graph, door.zone);
                    if let (Some(from), Some(to)) = (zone(enter), zone(leave)) {
                        result.push(((from, to), crossing));
                    }
                }
            }
        }
        result
    }

    fn graph(&self, job: Job) -> Option<(&'s Instance, &'s InstanceFirewall)> {
        let shared = self.shared;
        let graph = match job.view {
            View::Core(reach) => &shared.world(reach).core,
            View::Leaf(reach) => match shared.world(reach).role(self.serves) {
                Role::Pendant { graph, .. } => graph,
                Role::Plain | Role::Complex { .. } => return None,
            },
            View::Inner(site) => &shared.inner.get(&site)?.1,
            View::Cross { reach, classes, .. } => shared.classes.get(&(reach.with_internet(), classes))?,
            View::Same { reach, class, .. } => shared.classes.get(&(reach.with_internet(), [Some(class), None]))?,
        };
        Some((graph, graph.firewalls.get(job.at as usize)?))
    }

    fn cells(
        &mut self,
        job: Job,
        graph: &'s Instance,
        firewall: &'s InstanceFirewall,
        id: EndpointId,
        end: End,
        product: Product,
    ) -> Arc<Vec<Cell>> {
        if let View::Leaf(reach) = job.view {
            let other = if end == End::Source {
                (product.destination, End::Destination)
            } else {
                (product.source, End::Source)
            };
            return Arc::new(self.leaf_cells(reach, CellBuilder::new(&graph.tree, firewall), (id, end), other));
        }
        let key = (job.view, job.at, id, end);
        if let Some(known) = self.seen.get(&key) {
            return known.clone();
        }
        let mut builder = CellBuilder::new(&graph.tree, firewall);
        match job.view {
            View::Core(reach) => self.core_cells(reach, &mut builder, id, end),
            View::Inner(site) => self.inner_cells(site, &mut builder, id),
            View::Cross { reach, classes, sites } => {
                self.cross_cells(reach, graph, &mut builder, (id, end), classes, sites);
            }
            View::Same { reach, site, .. } => self.same_cells(reach, graph, &mut builder, (id, end), site),
            View::Leaf(_) => {}
        }
        let made = Arc::new(builder.finish());
        self.seen.insert(key, made.clone());
        made
    }

    fn core_cells(&self, reach: Reach, builder: &mut CellBuilder<'_>, id: EndpointId, end: End) {
        let shared = self.shared;
        let [without, with] = &shared.spread;
        let spread = if reach.with_internet() { with } else { without };
        for piece in shared.pieces(id).all.iter().filter(|piece| shared.is_end(piece, reach, end)) {
            if shared.class(reach, piece.site).is_none()
                && let Some(vertex) = shared.core_vertex(reach, piece.place)
            {
                let part = shared.topology.inner_of(piece.place).filter(|part| spread.contains(part));
                builder.add(vertex, part, piece.range);
            }
        }
    }

    fn inner_cells(&self, site: SiteId, builder: &mut CellBuilder<'_>, id: EndpointId) {
        let shared = self.shared;
        let Some((own, _)) = shared.inner.get(&site) else { return };
        for piece in shared.pieces(id).of_site(site) {
            let zone = shared.topology.zones.place(piece.place).map(|place| place.zone);
            if let Some(vertex) = zone.and_then(|zone| own.binary_search(&zone).ok()) {
                builder.add(vertex, None, piece.range);
            }
        }
    }

    /// The site's own pieces one by one, and all the rest as one set behind the attachment, if the other end has own pieces at all.
    fn leaf_cells(
        &self,
        reach: Reach,
        mut builder: CellBuilder<'_>,
        (id, end): (EndpointId, End),
        (other, other_end): (EndpointId, End),
    ) -> Vec<Cell> {
        let shared = self.shared;
        let (Role::Pendant { leaf, .. }, Some(site)) = (shared.world(reach).role(self.serves), self.serves) else {
            return Vec::new();
        };
        let inside = |piece: &super::pieces::Piece| -> Option<Vertex> {
            let zone = shared.topology.zones.place(piece.place)?.zone;
            leaf.interior.binary_search(&zone).ok()
        };
        let is_mine = |piece: &&super::pieces::Piece, end| shared.is_end(piece, reach, end);
        let attachment = leaf.interior.len();
        let mut own = Vec::new();
        let outer = leaf.attachments.first().map(|zone| shared.world(reach).core_component(*zone));
        for piece in shared.pieces(id).of_site(site).filter(|piece| is_mine(piece, end)) {
            own.push(piece.range);
            let part = shared.topology.inner_of(piece.place);
            match inside(piece) {
                Some(vertex) => builder.add(vertex, part, piece.range),
                None => {
                    let component =
                        shared.core_vertex(reach, piece.place).map(|at| shared.world(reach).core.tree.component(at));
                    if component.is_some() && component == outer {
                        builder.add(attachment, part, piece.range);
                    }
                }
            }
        }
        let has_inside =
            shared.pieces(other).of_site(site).any(|piece| is_mine(&piece, other_end) && inside(piece).is_some());
        if let (true, Some(component)) = (has_inside, outer)
            && let Some(set) = shared.outside.get(&(id, end, reach, component))
        {
            let rest = if own.is_empty() { set.clone() } else { Arc::new(set.difference(&own.into_iter().collect())) };
            builder.add_set(attachment, None, rest);
        }
        builder.finish()
    }

    fn cross_cells(
        &self,
        reach: Reach,
        graph: &Instance,
        builder: &mut CellBuilder<'_>,
        (id, end): (EndpointId, End),
        classes: [Option<usize>; 2],
        sites: [Option<SiteId>; 2],
    ) {
        let shared = self.shared;
        let (side, class, mine, others) = match end {
            End::Source => (0, classes[0], sites[0], sites[1]),
            End::Destination => (1, classes[1], sites[1], sites[0]),
        };
        let wanted = |piece: &&super::pieces::Piece| {
            shared.is_end(piece, reach, end)
                && shared.class(reach, piece.site) == class
                && (mine.is_none() || mine == piece.site)
                && (others.is_none() || others != piece.site)
        };
        for piece in shared.pieces(id).all.iter().filter(wanted) {
            if let Some(vertex) = shared.class_vertex(graph, reach, piece, side) {
                // Flows from a site of a class to itself are not flows between two sites of the class.
                let alike = classes[0] == classes[1];
                let site = piece.site.filter(|_| alike).map(|site| site.0);
                builder.add(vertex, site, piece.range);
            }
        }
    }

    fn same_cells(
        &self,
        reach: Reach,
        graph: &Instance,
        builder: &mut CellBuilder<'_>,
        (id, end): (EndpointId, End),
        site: SiteId,
    ) {
        let shared = self.shared;
        for piece in shared.pieces(id).of_site(site).filter(|piece| shared.is_end(piece, reach, end)) {
            if let Some(vertex) = shared.class_vertex(graph, reach, piece, 0) {
                builder.add(vertex, shared.topology.inner_of(piece.place), piece.range);
            }
        }
    }
}

/// The doors behind which some of the cells lie.
fn doors<'f>(firewall: &'f InstanceFirewall, cells: &[Cell]) -> impl Iterator<Item = Door> + use<'f> {
    let mut blocks: Vec<BlockId> = cells.iter().map(Cell::block).collect();
    blocks.sort_unstable();
    blocks.dedup();
    blocks.into_iter().flat_map(|block| firewall.doors_to(block)).copied()
}

/// The real zone of a vertex.
fn zone_of(
    shared: &Shared<'_>,
    view: View,
    serves: Option<SiteId>,
    graph: &Instance,
    vertex: Vertex,
) -> Option<ZoneId> {
    let zone = |at: usize| u32::try_from(at).ok().map(ZoneId);
    match view {
        View::Core(_) => zone(vertex),
        View::Leaf(reach) => match shared.world(reach).role(serves) {
            Role::Pendant { leaf, .. } => leaf.interior.get(vertex).or_else(|| leaf.attachments.first()).copied(),
            Role::Plain | Role::Complex { .. } => None,
        },
        View::Inner(site) => shared.inner.get(&site)?.0.get(vertex).copied(),
        View::Cross { reach, .. } | View::Same { reach, .. } => {
            if vertex < shared.topology.zones.zones.len() {
                return zone(vertex);
            }
            let Role::Complex { leaf, .. } = shared.world(reach).role(serves) else { return None };
            let side = [1, 0].into_iter().find_map(|side| {
                let first = graph.interior(side, 0)?;
                vertex.checked_sub(first)
            })?;
            leaf.interior.get(side).copied()
        }
    }
}
