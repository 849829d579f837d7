//! Where things stand in the SVG.
//!
//! What lies between the sites stands in the middle; the sites stand left and right of it, always the shorter side next.
//! Inside a site the nodes stand in columns by their distance from the outside, so firewalls that face a transit are at
//! the border and what they guard is behind them; the boxes on the right are mirrored. A drawing with more than
//! [`DETAILED`] nodes shows each site as one box with counts. A drawing without boxes is a ring. Linear in the drawing.

use std::collections::{BTreeMap, VecDeque};

use super::{Drawing, EdgeKind, Node, NodeKind};

/// Up to so many nodes, each is drawn.
pub(super) const DETAILED: usize = 160;

const NODE_WIDTH: f64 = 168.0;
const NODE_HEIGHT: f64 = 44.0;
const GAP: f64 = 14.0;
const COLUMN_GAP: f64 = 74.0;
const HEAD: f64 = 44.0;
const PAD: f64 = 16.0;
const AISLE: f64 = 120.0;
const TOP: f64 = 64.0;
const MARGIN: f64 = 28.0;

/// A rectangle; `x` and `y` are its upper left corner.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    pub(super) fn centre(self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

/// A drawing with a place for everything.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// By group; empty in a ring.
    pub(super) groups: Vec<Area>,
    /// By node.
    pub(super) nodes: Vec<Area>,
}

pub(super) fn lay_out(drawing: &Drawing) -> Layout {
    if drawing.groups.is_empty() && drawing.edges.iter().any(|edge| edge.kind == EdgeKind::Access) {
        return ring(drawing);
    }
    sides(drawing)
}

/// A drawing small enough to show, each site as one node if there are too many.
pub(super) fn condensed(drawing: &Drawing) -> Drawing {
    if drawing.nodes.len() <= DETAILED || drawing.groups.is_empty() {
        return drawing.clone();
    }
    let mut small = Drawing { title: drawing.title.clone(), ..Drawing::default() };
    for (number, group) in drawing.groups.iter().enumerate() {
        let count = |kind| drawing.nodes.iter().filter(|node| node.group == Some(number) && node.kind == kind).count();
        let counts = [(count(NodeKind::Network), "network"), (count(NodeKind::Firewall), "firewall")];
        let words = counts
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, word)| format!("{n} {word}{}", if *n == 1 { "" } else { "s" }));
        let detail = words.collect::<Vec<_>>().join(", ");
        small.nodes.push(Node { label: group.label.clone(), detail, kind: NodeKind::Site, group: None });
    }
    let mut place: Vec<usize> = Vec::new();
    for node in &drawing.nodes {
        place.push(node.group.unwrap_or(small.nodes.len()));
        if node.group.is_none() {
            small.nodes.push(node.clone());
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for edge in &drawing.edges {
        let ends = (place.get(edge.from).copied(), place.get(edge.to).copied());
        if let (Some(from), Some(to)) = ends
            && from != to
            && seen.insert((from, to))
        {
            small.edges.push(super::Edge { from, to, label: String::new(), kind: edge.kind });
        }
    }
    small
}

/// Distance of each node of a group from the outside, 0 for those at the border.
fn depths(drawing: &Drawing) -> Vec<usize> {
    let mut depth = vec![usize::MAX; drawing.nodes.len()];
    let mut neighbours: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let group = |at: usize| drawing.nodes.get(at).and_then(|node| node.group);
    let mut queue = VecDeque::new();
    for edge in &drawing.edges {
        if group(edge.from) == group(edge.to) {
            neighbours.entry(edge.from).or_default().push(edge.to);
            neighbours.entry(edge.to).or_default().push(edge.from);
            continue;
        }
        queue.extend([edge.from, edge.to]);
    }
    queue.iter().for_each(|&at| set(&mut depth, at, 0));
    while let Some(at) = queue.pop_front() {
        let next = depth.get(at).copied().unwrap_or(0).saturating_add(1);
        for &neighbour in neighbours.get(&at).into_iter().flatten() {
            if depth.get(neighbour) == Some(&usize::MAX) {
                set(&mut depth, neighbour, next);
                queue.push_back(neighbour);
            }
        }
    }
    depth.into_iter().map(|depth| if depth == usize::MAX { 0 } else { depth.min(6) }).collect()
}

fn set<T>(list: &mut [T], at: usize, value: T) {
    if let Some(slot) = list.get_mut(at) {
        *slot = value;
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of boxes are small")]
fn span(count: usize, size: f64, gap: f64) -> f64 {
    if count == 0 { 0.0 } else { count as f64 * size + (count - 1) as f64 * gap }
}

/// The columns of one site, outermost first, each with its nodes.
fn columns(drawing: &Drawing, depth: &[usize], group: usize) -> Vec<Vec<usize>> {
    let mut columns: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, _) in drawing.nodes.iter().enumerate().filter(|(_, node)| node.group == Some(group)) {
        columns.entry(depth.get(at).copied().unwrap_or(0)).or_default().push(at);
    }
    columns.into_values().collect()
}

fn sides(drawing: &Drawing) -> Layout {
    let depth = depths(drawing);
    let sites: Vec<Vec<Vec<usize>>> = (0..drawing.groups.len()).map(|group| columns(drawing, &depth, group)).collect();
    let size = |site: &Vec<Vec<usize>>| {
        let rows = site.iter().map(Vec::len).max().unwrap_or(0);
        let width = span(site.len().max(1), NODE_WIDTH, COLUMN_GAP) + 2.0 * PAD;
        (width, HEAD + span(rows, NODE_HEIGHT, GAP) + PAD)
    };
    // The largest first, and next always on the shorter side: both sides end at about the same height.
    let mut order: Vec<usize> = (0..sites.len()).collect();
    let height_of = |at: &usize| sites.get(*at).map_or(0.0, |site| size(site).1);
    order.sort_by(|a, b| height_of(b).total_cmp(&height_of(a)).then(a.cmp(b)));
    let mut heights = [TOP, TOP];
    let mut widths = [0.0_f64, 0.0_f64];
    let mut placed = Vec::new();
    for at in order {
        let Some(site) = sites.get(at) else { continue };
        let side = usize::from(heights[1] < heights[0]);
        let (width, height) = size(site);
        let [left, right] = &mut heights;
        let y = if side == 0 { left } else { right };
        placed.push((at, side, *y, width, height));
        *y += height + 2.0 * GAP;
        let [left, right] = &mut widths;
        let widest = if side == 0 { left } else { right };
        *widest = widest.max(width);
    }
    let middle: Vec<usize> =
        drawing.nodes.iter().enumerate().filter(|(_, node)| node.group.is_none()).map(|(at, _)| at).collect();
    let [left_width, right_width] = widths;
    let lead = if left_width > 0.0 { left_width + AISLE } else { 0.0 };
    let middle_x = MARGIN + lead;
    let middle_height = span(middle.len(), NODE_HEIGHT * 1.3, GAP * 4.0);
    let [left_height, right_height] = heights;
    let height = left_height.max(right_height).max(TOP + middle_height + MARGIN);
    let mut layout = Layout {
        width: middle_x + NODE_WIDTH + if right_width > 0.0 { AISLE + right_width } else { 0.0 } + MARGIN,
        height: height + MARGIN,
        groups: vec![Area::default(); drawing.groups.len()],
        nodes: vec![Area::default(); drawing.nodes.len()],
    };
    for (at, side, y, width, box_height) in placed {
        let x = if side == 0 { MARGIN + left_width - width } else { middle_x + NODE_WIDTH + AISLE };
        let area = Area { x, y, width, height: box_height };
        set(&mut layout.groups, at, area);
        if let Some(site) = sites.get(at) {
            fill(&mut layout, area, site, side);
        }
    }
    let mut y = (TOP + height - middle_height) / 2.0;
    for at in middle {
        set(&mut layout.nodes, at, Area { x: middle_x, y, width: NODE_WIDTH, height: NODE_HEIGHT * 1.3 });
        y += NODE_HEIGHT * 1.3 + GAP * 4.0;
    }
    layout
}

/// Puts the nodes of a site into its box; the outermost column faces the middle.
fn fill(layout: &mut Layout, area: Area, site: &[Vec<usize>], side: usize) {
    let mut x = if side == 0 { area.x + area.width - PAD - NODE_WIDTH } else { area.x + PAD };
    let inner = area.height - HEAD - PAD;
    for column in site {
        let mut y = area.y + HEAD + (inner - span(column.len(), NODE_HEIGHT, GAP)) / 2.0;
        for &at in column {
            set(&mut layout.nodes, at, Area { x, y, width: NODE_WIDTH, height: NODE_HEIGHT });
            y += NODE_HEIGHT + GAP;
        }
        x += if side == 0 { -(NODE_WIDTH + COLUMN_GAP) } else { NODE_WIDTH + COLUMN_GAP };
    }
}

/// Nodes on an ellipse, in their order from the top, clockwise.
#[expect(clippy::cast_precision_loss, reason = "counts of boxes are small")]
fn ring(drawing: &Drawing) -> Layout {
    let count = drawing.nodes.len().max(1) as f64;
    let (across, down) = ((count * 38.0).max(250.0), (count * 26.0).max(170.0));
    let centre = (MARGIN + across + NODE_WIDTH / 2.0, TOP + down + NODE_HEIGHT / 2.0);
    let place = |at: usize| {
        let angle = (at as f64 / count - 0.25) * std::f64::consts::TAU;
        let (x, y) = (centre.0 + across * angle.cos(), centre.1 + down * angle.sin());
        Area { x: x - NODE_WIDTH / 2.0, y: y - NODE_HEIGHT / 2.0, width: NODE_WIDTH, height: NODE_HEIGHT }
    };
    Layout {
        width: 2.0 * centre.0,
        height: centre.1 + down + NODE_HEIGHT + MARGIN,
        groups: Vec::new(),
        nodes: (0..drawing.nodes.len()).map(place).collect(),
    }
}
