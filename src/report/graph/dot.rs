//! Graphviz. A label is a quoted string, in which only `"` and `\` mean anything.

use std::fmt::Write as _;

use super::{Drawing, Edge, EdgeKind, Node, NodeKind};
use crate::diag::render::one_line;

/// The drawing as a `digraph` for Graphviz.
#[must_use]
pub fn dot(drawing: &Drawing) -> String {
    let mut out = String::from("digraph sekisho {\n  graph [rankdir=LR, fontname=\"sans-serif\", compound=true];\n");
    out.push_str("  node [fontname=\"sans-serif\", fontsize=11];\n  edge [fontname=\"sans-serif\", fontsize=9];\n");
    if !drawing.title.is_empty() {
        let _ = writeln!(out, "  label={};\n  labelloc=t;", quoted(&drawing.title, ""));
    }
    for (number, group) in drawing.groups.iter().enumerate() {
        let label = quoted(&group.label, &group.detail);
        let _ = writeln!(
            out,
            "  subgraph cluster_{number} {{\n    label={label};\n    style=\"rounded,filled\"; color=\"#94a3b8\"; fillcolor=\"#f8fafc\";"
        );
        nodes(&mut out, drawing, Some(number), "    ");
        out.push_str("  }\n");
    }
    nodes(&mut out, drawing, None, "  ");
    ranks(&mut out, drawing);
    drawing.edges.iter().for_each(|one| edge(&mut out, one));
    out.push_str("}\n");
    out
}

fn nodes(out: &mut String, drawing: &Drawing, group: Option<usize>, indent: &str) {
    for (number, node) in drawing.nodes.iter().enumerate().filter(|(_, node)| node.group == group) {
        let _ = writeln!(out, "{indent}n{number} [label={}, {}];", quoted(&node.label, &node.detail), style(node));
    }
}

/// What stands in one column.
fn ranks(out: &mut String, drawing: &Drawing) {
    let columns = drawing.layers.iter().max().map_or(0, |last| last + 1);
    for column in 0..columns {
        let here = drawing.layers.iter().enumerate().filter(|(_, layer)| **layer == column);
        let names: Vec<String> = here.map(|(number, _)| format!("n{number}")).collect();
        if names.len() > 1 {
            let _ = writeln!(out, "  {{ rank=same; {}; }}", names.join("; "));
        }
    }
}

fn style(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::Network => "shape=box, style=\"rounded,filled\", fillcolor=\"#dbeafe\", color=\"#3b82f6\"",
        NodeKind::Firewall => "shape=box, style=\"filled,bold\", fillcolor=\"#fee2e2\", color=\"#dc2626\"",
        NodeKind::Router => "shape=diamond, style=filled, fillcolor=\"#f1f5f9\", color=\"#64748b\"",
        NodeKind::Transit => "shape=ellipse, style=filled, fillcolor=\"#fef9c3\", color=\"#ca8a04\"",
        NodeKind::Internet => "shape=ellipse, style=\"filled,dashed\", fillcolor=\"#ffedd5\", color=\"#ea580c\"",
        NodeKind::Start => "shape=box, style=\"rounded,filled,bold\", fillcolor=\"#fee2e2\", color=\"#b91c1c\"",
        NodeKind::Site => "shape=box, style=\"rounded,filled\", fillcolor=\"#f8fafc\", color=\"#475569\"",
    }
}

fn edge(out: &mut String, edge: &Edge) {
    let label = if edge.label.is_empty() { String::new() } else { format!("label={}, ", quoted(&edge.label, "")) };
    let kind = match edge.kind {
        EdgeKind::Link => "dir=none",
        EdgeKind::Access => "dir=forward, color=\"#0f766e\"",
        EdgeKind::Open => "dir=forward, style=dashed, color=\"#ea580c\"",
        EdgeKind::Violation => "dir=forward, style=bold, color=\"#dc2626\", fontcolor=\"#dc2626\"",
    };
    let _ = writeln!(out, "  n{} -> n{} [{label}{kind}];", edge.from, edge.to);
}

fn quoted(label: &str, detail: &str) -> String {
    let escape = |text: &str| one_line(text).replace('\\', "\\\\").replace('"', "\\\"");
    let gap = if detail.is_empty() { "" } else { "\\n" };
    format!("\"{}{gap}{}\"", escape(label), escape(detail))
}
