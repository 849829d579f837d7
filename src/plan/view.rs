//! What one firewall passes of one product: the second half of placement.

use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::cells::{CellBuilder, Cells, Crossing, crossings};
use super::jobs::{End, Job, Reach, Shared, View};
use super::pieces::Piece;
use crate::graph::{Door, Instance, InstanceFirewall, Role, Vertex, ZoneId};
use crate::model::{EndpointId, Product, SiteId};

/// What decides how a firewall sees an end of a product: its view and its place in the graph (by number), the endpoint set, the end, and for [`View::Leaf`] whether
/// the other end has addresses inside the site.
type Seen = (u32, EndpointId, End, bool);

/// One firewall while it is planned; remembers how it sees each endpoint set.
pub(super) struct Viewer<'s, 'm> {
    shared: &'s Shared<'m>,
    /// The site that the firewall serves.
    serves: Option<SiteId>,
    /// The views and places that came up, numbered.
    views: FxHashMap<(View, u32), u32>,
    last_view: Option<((View, u32), u32)>,
    seen: FxHashMap<Seen, Rc<Cells<'s>>>,
}

impl<'s, 'm> Viewer<'s, 'm> {
    pub(super) fn new(shared: &'s Shared<'m>, serves: Option<SiteId>) -> Self {
        Self { shared, serves, views: FxHashMap::default(), last_view: None, seen: FxHashMap::default() }
    }

    /// The number of a view and place; for [`View::Leaf`] one for each reach, as what else it says is said by [`Seen`].
    fn view_number(&mut self, job: Job) -> u32 {
        let view = match job.view {
            View::Leaf(reach, _) => View::Leaf(reach, [false; 2]),
            other => other,
        };
        match self.last_view {
            Some((known, number)) if known == (view, job.at) => number,
            _ => {
                let next = u32::try_from(self.views.len()).unwrap_or(u32::MAX);
                let number = *self.views.entry((view, job.at)).or_insert(next);
                self.last_view = Some(((view, job.at), number));
                number
            }
        }
    }

    /// Finds the products that the firewall passes, with the zones between which it does.
    pub(super) fn look(&mut self, job: Job, product: Product, mut found: impl FnMut((ZoneId, ZoneId), Crossing)) {
        let shared = self.shared;
        let Some((graph, firewall)) = self.graph(job) else { return };
        let view = self.view_number(job);
        let [from_inside, to_inside] = match job.view {
            View::Leaf(_, inside) => inside,
            View::Core(_) | View::Inner(_) | View::Cross { .. } | View::Same { .. } => [false; 2],
        };
        let sources = self.cells((view, product.source, End::Source, to_inside), job, graph, firewall);
        let destinations = self.cells((view, product.destination, End::Destination, from_inside), job, graph, firewall);
        for &enter in sources.doors.iter() {
            for &leave in destinations.doors.iter() {
                let zone = |door: Door| zone_of(shared, job.view, self.serves, graph, door.zone);
                crossings(enter, leave, &sources, &destinations, |crossing| {
                    if let (Some(from), Some(to)) = (zone(enter), zone(leave)) {
                        found((from, to), crossing);
                    }
                });
            }
        }
    }

    fn graph(&self, job: Job) -> Option<(&'s Instance, &'s InstanceFirewall)> {
        let shared = self.shared;
        let graph = match job.view {
            View::Core(reach) => &shared.world(reach).core,
            View::Leaf(reach, _) => match shared.world(reach).role(self.serves) {
                Role::Pendant { graph, .. } => graph,
                Role::Plain | Role::Complex { .. } => return None,
            },
            View::Inner(site) => &shared.inner.get(&site)?.1,
            View::Cross { reach, classes, .. } => shared.classes.get(&(reach.with_internet(), classes))?,
            View::Same { reach, class, .. } => shared.classes.get(&(reach.with_internet(), [Some(class), None]))?,
        };
        Some((graph, graph.firewalls.get(job.at as usize)?))
    }

    fn cells(&mut self, seen: Seen, job: Job, graph: &'s Instance, firewall: &'s InstanceFirewall) -> Rc<Cells<'s>> {
        if let Some(known) = self.seen.get(&seen) {
            return known.clone();
        }
        let (_, id, end, meets_inside) = seen;
        let mut builder = CellBuilder::new(&graph.tree, firewall);
        let made = match job.view {
            View::Core(reach) => {
                let shared = self.shared;
                builder.finish_core(shared.half(shared.pieces(id), reach, end))
            }
            View::Leaf(reach, _) => self.leaf_cells(reach, builder, (id, end), meets_inside),
            View::Inner(site) => {
                self.inner_cells(site, &mut builder, id);
                builder.finish()
            }
            View::Cross { reach, classes, sites } => {
                self.cross_cells(reach, graph, &mut builder, (id, end), classes, sites);
                builder.finish()
            }
            View::Same { reach, site, .. } => {
                self.same_cells(reach, graph, &mut builder, (id, end), site);
                builder.finish()
            }
        };
        let made = Rc::new(made);
        self.seen.insert(seen, made.clone());
        made
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
        mut builder: CellBuilder<'s>,
        (id, end): (EndpointId, End),
        meets_inside: bool,
    ) -> Cells<'s> {
        let shared = self.shared;
        let (Role::Pendant { leaf, .. }, Some(site)) = (shared.world(reach).role(self.serves), self.serves) else {
            return Cells::default();
        };
        let inside = |piece: &Piece| -> Option<Vertex> {
            let zone = shared.topology.zones.place(piece.place)?.zone;
            leaf.interior.binary_search(&zone).ok()
        };
        let attachment = leaf.interior.len();
        let mut own = Vec::new();
        let outer = leaf.attachments.first().map(|zone| shared.world(reach).core_component(*zone));
        for piece in shared.pieces(id).of_site(site).filter(|piece| shared.is_end(piece, reach, end)) {
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
        if let (true, Some(component)) = (meets_inside, outer)
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
        let wanted = |piece: &&Piece| {
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
        View::Leaf(reach, _) => match shared.world(reach).role(serves) {
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
