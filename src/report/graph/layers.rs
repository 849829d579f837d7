//! Where things stand in the SVG of a drawing that has columns, and where each line leaves and arrives.
//!
//! Every end of every line has a place of its own on the side of its node, in the order of the other ends, so lines do not meet at a point and a label that stands beside an end covers
//! no other. A label stands at the end that has more room: the node with fewer lines on that side. Nodes grow with the number of their lines.

use std::collections::BTreeMap;

use super::layout::{Area, Layout};
use super::{Drawing, EdgeKind};

const WIDTH: f64 = 214.0;
const LEAST: f64 = 48.0;
const PITCH: f64 = 19.0;
const GAP: f64 = 22.0;
const AISLE: f64 = 320.0;
const TOP: f64 = 84.0;
const MARGIN: f64 = 28.0;
/// How far a line is level where its label stands.
const LEVEL: f64 = 200.0;
/// How far a line within one column bows out.
const BOW: f64 = 46.0;

/// The side of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
}

/// A line, and where its label stands.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub path: String,
    pub label: (f64, f64),
    /// `start` or `end`, as in SVG.
    pub anchor: &'static str,
}

/// Places for everything: nodes, by edge its line, and the headings with their middles.
pub(super) fn lay_out(drawing: &Drawing) -> (Layout, Vec<Option<Line>>, Vec<(f64, String)>) {
    let sides: Vec<[Side; 2]> = drawing.edges.iter().map(|edge| sides(drawing, edge.from, edge.to)).collect();
    let ends = ends(drawing, &sides);
    let layout = nodes(drawing, &ends);
    let lines = (0..drawing.edges.len()).map(|edge| line(drawing, &layout, &sides, &ends, edge)).collect();
    let columns = drawing.layers.iter().max().map_or(0, |last| last + 1);
    let middle = |column| MARGIN + BOW + step(column) + WIDTH / 2.0;
    let headings = drawing.headings.iter().take(columns).enumerate().map(|(at, text)| (middle(at), text.clone()));
    (layout, lines, headings.collect())
}

#[expect(clippy::cast_precision_loss, reason = "counts of boxes are small")]
fn many(count: usize) -> f64 {
    count as f64
}

fn step(column: usize) -> f64 {
    many(column) * (WIDTH + AISLE)
}

fn column(drawing: &Drawing, node: usize) -> usize {
    drawing.layers.get(node).copied().unwrap_or_default()
}

/// The sides on which a line leaves and arrives: towards each other; within a column on the outside, or on the right.
fn sides(drawing: &Drawing, from: usize, to: usize) -> [Side; 2] {
    let (a, b) = (column(drawing, from), column(drawing, to));
    match a.cmp(&b) {
        std::cmp::Ordering::Less => [Side::Right, Side::Left],
        std::cmp::Ordering::Greater => [Side::Left, Side::Right],
        std::cmp::Ordering::Equal if a == 0 => [Side::Left, Side::Left],
        std::cmp::Ordering::Equal => [Side::Right, Side::Right],
    }
}

/// For each side of each node the ends there, from the top: which edge, and whether it begins (0) or arrives (1).
type Ends = BTreeMap<(usize, Side), Vec<(usize, usize)>>;

/// An end with what it is ordered by: the other node, the edge, what it says.
type Keyed = ((usize, usize, EdgeKind), usize, usize);

fn ends(drawing: &Drawing, sides: &[[Side; 2]]) -> Ends {
    let mut keyed: BTreeMap<(usize, Side), Vec<Keyed>> = BTreeMap::new();
    for (number, (edge, [leaves, arrives])) in drawing.edges.iter().zip(sides).enumerate() {
        if edge.from >= drawing.nodes.len() || edge.to >= drawing.nodes.len() {
            continue;
        }
        let key = |other: usize| (other, number, edge.kind);
        keyed.entry((edge.from, *leaves)).or_default().push((key(edge.to), number, 0));
        keyed.entry((edge.to, *arrives)).or_default().push((key(edge.from), number, 1));
    }
    let ordered = |mut list: Vec<Keyed>| {
        list.sort_unstable();
        list.into_iter().map(|(_, edge, end)| (edge, end)).collect()
    };
    keyed.into_iter().map(|(place, list)| (place, ordered(list))).collect()
}

fn count(ends: &Ends, node: usize, side: Side) -> usize {
    ends.get(&(node, side)).map_or(0, Vec::len)
}

fn nodes(drawing: &Drawing, ends: &Ends) -> Layout {
    let height = |node: usize| {
        let lines = count(ends, node, Side::Left).max(count(ends, node, Side::Right));
        LEAST.max(many(lines + 1) * PITCH)
    };
    let columns = drawing.layers.iter().max().map_or(0, |last| last + 1);
    let mut heights = vec![0.0_f64; columns];
    for node in 0..drawing.nodes.len() {
        if let Some(sum) = heights.get_mut(column(drawing, node)) {
            *sum += height(node) + GAP;
        }
    }
    let tallest = heights.iter().copied().fold(0.0, f64::max);
    let mut next: Vec<f64> = heights.iter().map(|own| TOP + (tallest - own) / 2.0).collect();
    let mut areas = Vec::with_capacity(drawing.nodes.len());
    for node in 0..drawing.nodes.len() {
        let at = column(drawing, node);
        let y = next.get(at).copied().unwrap_or(TOP);
        areas.push(Area { x: MARGIN + BOW + step(at), y, width: WIDTH, height: height(node) });
        if let Some(next) = next.get_mut(at) {
            *next += height(node) + GAP;
        }
    }
    let bows = drawing.edges.iter().any(|edge| {
        let at = column(drawing, edge.from);
        at > 0 && at + 1 == columns && at == column(drawing, edge.to)
    });
    let room = if bows { BOW + LEVEL } else { 0.0 };
    let width = step(columns.saturating_sub(1)) + WIDTH + 2.0 * MARGIN + BOW + room;
    Layout { width, height: TOP + tallest + MARGIN, groups: Vec::new(), nodes: areas }
}

/// Where an end of a line is.
fn point(layout: &Layout, ends: &Ends, node: usize, side: Side, end: (usize, usize)) -> Option<(f64, f64)> {
    let area = layout.nodes.get(node)?;
    let list = ends.get(&(node, side))?;
    let at = list.iter().position(|known| *known == end)?;
    let y = area.y + area.height * many(at + 1) / many(list.len() + 1);
    Some((if side == Side::Left { area.x } else { area.x + area.width }, y))
}

fn line(drawing: &Drawing, layout: &Layout, sides: &[[Side; 2]], ends: &Ends, number: usize) -> Option<Line> {
    let (edge, [leaves, arrives]) = (drawing.edges.get(number)?, *sides.get(number)?);
    let a = point(layout, ends, edge.from, leaves, (number, 0))?;
    let b = point(layout, ends, edge.to, arrives, (number, 1))?;
    let away = |side: Side, by: f64| if side == Side::Left { -by } else { by };
    let reach = if leaves == arrives { BOW } else { ((b.0 - a.0).abs() - LEVEL) * 0.5 };
    let at_start = count(ends, edge.from, leaves) <= count(ends, edge.to, arrives);
    // Under its label a line is level.
    let level = if leaves == arrives { 0.0 } else { LEVEL };
    let c = (a.0 + if at_start { away(leaves, level) } else { 0.0 }, a.1);
    let d = (b.0 + if at_start { 0.0 } else { away(arrives, level) }, b.1);
    let path = format!(
        "M{:.1} {:.1}H{:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}H{:.1}",
        a.0,
        a.1,
        c.0,
        c.0 + away(leaves, reach),
        c.1,
        d.0 + away(arrives, reach),
        d.1,
        d.0,
        d.1,
        b.0
    );
    let (place, side) = if at_start { (a, leaves) } else { (b, arrives) };
    let anchor = if side == Side::Left { "end" } else { "start" };
    Some(Line { path, label: (place.0 + away(side, 12.0), place.1 - 3.0), anchor })
}
