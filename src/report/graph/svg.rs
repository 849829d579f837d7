//! SVG that needs nothing else: no script, no foreign font, no style sheet from elsewhere.

use std::fmt::Write as _;

use super::layers::{self, Line};
use super::layout::{Area, Layout, condensed, lay_out};
use super::{Drawing, Edge, EdgeKind, Node, NodeKind};
use crate::diag::render::one_line;

const STYLE: &str = "text{font-family:system-ui,sans-serif;fill:#0f172a}.title{font-size:18px;font-weight:600}\
.head{font-size:14px;font-weight:600}.label{font-size:12px;font-weight:500}.detail{font-size:10px;fill:#475569}\
.edge{fill:none;stroke:#64748b;stroke-width:1.4}.access{stroke:#0f766e}.open{stroke:#ea580c;stroke-dasharray:5 4}.violation{stroke:#dc2626;stroke-width:2.4}\
.note.violation{fill:#b91c1c;stroke:#fff;stroke-width:3px;font-weight:600}\
.note{font-size:9.5px;fill:#334155;paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}";

/// The drawing as an SVG picture.
#[must_use]
pub fn svg(drawing: &Drawing) -> String {
    let drawing = &condensed(drawing);
    let (layout, lines, headings) =
        if drawing.layers.is_empty() { (lay_out(drawing), Vec::new(), Vec::new()) } else { layers::lay_out(drawing) };
    let (width, height) = (layout.width, layout.height);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">"
    );
    let _ = writeln!(out, "<title>{}</title>\n<style>{STYLE}</style>", escaped(&drawing.title));
    out.push_str("<defs>");
    for (id, colour) in [("tip", "#0f766e"), ("tip-open", "#ea580c"), ("tip-violation", "#dc2626")] {
        let _ = write!(
            out,
            "<marker id=\"{id}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"{colour}\"/></marker>"
        );
    }
    out.push_str("</defs>\n");
    let _ = writeln!(out, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
    let _ = writeln!(out, "<text class=\"title\" x=\"28\" y=\"38\">{}</text>", escaped(&drawing.title));
    groups(&mut out, drawing, &layout);
    let mut notes = String::new();
    for (middle, text) in &headings {
        let text = escaped(text);
        let _ = writeln!(out, "<text class=\"head\" text-anchor=\"middle\" x=\"{middle:.1}\" y=\"68\">{text}</text>");
    }
    if drawing.layers.is_empty() {
        drawing.edges.iter().for_each(|one| edge(&mut out, &mut notes, drawing, &layout, one));
    }
    for (one, line) in drawing.edges.iter().zip(&lines) {
        line.iter().for_each(|line| layered(&mut out, &mut notes, one, line));
    }
    drawing.nodes.iter().zip(&layout.nodes).for_each(|(one, area)| node(&mut out, one, *area));
    out.push_str(&notes);
    out.push_str("</svg>\n");
    out
}

fn groups(out: &mut String, drawing: &Drawing, layout: &Layout) {
    for (group, area) in drawing.groups.iter().zip(&layout.groups) {
        let Area { x, y, width, height } = *area;
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"10\" fill=\"#f8fafc\" stroke=\"#cbd5e1\"/>"
        );
        let (label, used) = fitted(&group.label, width - 32.0, 8.2);
        let _ = write!(out, "<text x=\"{:.1}\" y=\"{:.1}\"><tspan class=\"head\">{label}</tspan>", x + 16.0, y + 25.0);
        let (detail, _) = fitted(&group.detail, width - 46.0 - used, 5.8);
        let _ = writeln!(out, "<tspan class=\"detail\" dx=\"8\">{detail}</tspan></text>");
    }
}

fn node(out: &mut String, node: &Node, area: Area) {
    let Area { x, y, width, height } = area;
    let (cx, cy) = area.centre();
    let _ = write!(out, "<g><title>{} {}</title>", escaped(&node.label), escaped(&node.detail));
    let (fill, stroke) = colours(node.kind);
    match node.kind {
        NodeKind::Transit | NodeKind::Internet => {
            let dash = if node.kind == NodeKind::Internet { " stroke-dasharray=\"5 3\"" } else { "" };
            let _ = write!(
                out,
                "<ellipse cx=\"{cx:.1}\" cy=\"{cy:.1}\" rx=\"{:.1}\" ry=\"{:.1}\" fill=\"{fill}\" stroke=\"{stroke}\"{dash}/>",
                width / 2.0,
                height / 2.0
            );
        }
        NodeKind::Firewall => {
            let _ = write!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"2\"/>"
            );
            bricks(out, area, stroke);
        }
        NodeKind::Network | NodeKind::Router | NodeKind::Site | NodeKind::Start => {
            let round = if node.kind == NodeKind::Router { height / 2.0 } else { 7.0 };
            let _ = write!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\" fill=\"{fill}\" stroke=\"{stroke}\"/>"
            );
        }
    }
    let (shift, room) = if node.kind == NodeKind::Firewall { (12.0, width - 40.0) } else { (0.0, width - 18.0) };
    let lift = if node.detail.is_empty() { 4.0 } else { -3.0 };
    let (label, _) = fitted(&node.label, room, 6.8);
    let _ = write!(
        out,
        "<text class=\"label\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
        cx + shift,
        cy + lift
    );
    if !node.detail.is_empty() {
        let (detail, _) = fitted(&node.detail, room, 5.6);
        let _ = write!(
            out,
            "<text class=\"detail\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{detail}</text>",
            cx + shift,
            cy + 12.0
        );
    }
    out.push_str("</g>\n");
}

fn colours(kind: NodeKind) -> (&'static str, &'static str) {
    match kind {
        NodeKind::Network => ("#e0edff", "#3b82f6"),
        NodeKind::Firewall => ("#fff1f1", "#dc2626"),
        NodeKind::Router => ("#f1f5f9", "#64748b"),
        NodeKind::Transit => ("#fef9c3", "#ca8a04"),
        NodeKind::Internet => ("#ffedd5", "#ea580c"),
        NodeKind::Site => ("#f1f5f9", "#475569"),
        NodeKind::Start => ("#fee2e2", "#b91c1c"),
    }
}

/// A piece of wall at the left end of a firewall.
fn bricks(out: &mut String, area: Area, stroke: &str) {
    let (left, top) = (area.x, area.y);
    let row = area.height / 4.0;
    let mut path = format!("M{:.1} {top:.1}v{:.1}", left + 24.0, area.height);
    for (number, joint) in [(0.0, 12.0), (1.0, 6.0), (2.0, 12.0), (3.0, 6.0)] {
        let _ = write!(
            path,
            "M{left:.1} {:.1}h24M{:.1} {:.1}v{row:.1}",
            top + number * row,
            left + joint,
            top + number * row
        );
    }
    let _ = write!(out, "<path d=\"{path}\" stroke=\"{stroke}\" stroke-width=\"1\" fill=\"none\" opacity=\".6\"/>");
}

fn edge(out: &mut String, notes: &mut String, drawing: &Drawing, layout: &Layout, edge: &Edge) {
    let ends = (layout.nodes.get(edge.from), layout.nodes.get(edge.to));
    let (Some(&from), Some(&to)) = ends else { return };
    let (path, middle) = match edge.kind {
        EdgeKind::Link => link(from, to),
        EdgeKind::Access | EdgeKind::Open | EdgeKind::Violation => arrow(from, to),
    };
    let class = class(edge.kind);
    let _ = writeln!(out, "<path {class} d=\"{path}\"/>");
    if !edge.label.is_empty() && drawing.edges.len() <= 400 {
        let (label, _) = fitted(&edge.label, 150.0, 5.4);
        let _ = writeln!(
            notes,
            "<text class=\"note\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
            middle.0,
            middle.1 + 3.0
        );
    }
}

fn class(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Link => "class=\"edge\"",
        EdgeKind::Access => "class=\"edge access\" marker-end=\"url(#tip)\"",
        EdgeKind::Open => "class=\"edge open\" marker-end=\"url(#tip-open)\"",
        EdgeKind::Violation => "class=\"edge violation\" marker-end=\"url(#tip-violation)\"",
    }
}

/// A line of a drawing with columns, its whole label where the pointer rests.
fn layered(out: &mut String, notes: &mut String, edge: &Edge, line: &Line) {
    let _ =
        writeln!(out, "<path {} d=\"{}\"><title>{}</title></path>", class(edge.kind), line.path, escaped(&edge.label));
    let (label, _) = fitted(&edge.label, 236.0, 4.9);
    let kind = if edge.kind == EdgeKind::Violation { "note violation" } else { "note" };
    let ((x, y), anchor) = (line.label, line.anchor);
    let _ = writeln!(notes, "<text class=\"{kind}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{label}</text>");
}

/// A bow from side to side; within one column, around it.
fn link(from: Area, to: Area) -> (String, (f64, f64)) {
    let (a, b) = (from.centre(), to.centre());
    if (a.0 - b.0).abs() < from.width / 2.0 {
        let x = from.x.max(to.x) + from.width;
        let path =
            format!("M{x:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {x:.1} {:.1}", a.1, x + 34.0, a.1, x + 34.0, b.1, b.1);
        return (path, (x + 26.0, f64::midpoint(a.1, b.1)));
    }
    let (start, end) = if a.0 < b.0 { (from.x + from.width, to.x) } else { (from.x, to.x + to.width) };
    let half = f64::midpoint(start, end);
    let path = format!("M{start:.1} {:.1}C{half:.1} {:.1} {half:.1} {:.1} {end:.1} {:.1}", a.1, a.1, b.1, b.1);
    (path, (half, f64::midpoint(a.1, b.1)))
}

/// An arrow between the borders of two nodes, bent to its left, so that there and back are two lines.
fn arrow(from: Area, to: Area) -> (String, (f64, f64)) {
    let (a, b) = (from.centre(), to.centre());
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let bend = (f64::midpoint(a.0, b.0) + dy * 0.12, f64::midpoint(a.1, b.1) - dx * 0.12);
    let (start, end) = (border(from, bend), border(to, bend));
    let path = format!("M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}", start.0, start.1, bend.0, bend.1, end.0, end.1);
    let middle = |s: f64, m: f64, e: f64| 0.25 * s + 0.5 * m + 0.25 * e;
    (path, (middle(start.0, bend.0, end.0), middle(start.1, bend.1, end.1)))
}

/// Where the line from the centre of an area to a point leaves it.
fn border(area: Area, towards: (f64, f64)) -> (f64, f64) {
    let (x, y) = area.centre();
    let (dx, dy) = (towards.0 - x, towards.1 - y);
    let scale = (area.width / 2.0 / dx.abs().max(0.01)).min(area.height / 2.0 / dy.abs().max(0.01)).min(1.0);
    (x + dx * scale, y + dy * scale)
}

/// The text, cut with an ellipsis where it is wider than the room, and its width; signs of the far East count double.
fn fitted(text: &str, room: f64, each: f64) -> (String, f64) {
    let width = |c: char| if u32::from(c) >= 0x1100 { each * 1.8 } else { each };
    let text = one_line(text);
    let mut used = 0.0;
    let mut kept = String::new();
    for character in text.chars() {
        if used + width(character) > room {
            kept.pop();
            kept.push('…');
            break;
        }
        used += width(character);
        kept.push(character);
    }
    (escaped(&kept), used)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in one_line(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
    out
}
