//! Mermaid. A label is quoted and every sign that Mermaid, Markdown or HTML could read is written by its number.

use std::fmt::Write as _;

use super::{Drawing, EdgeKind, NodeKind};
use crate::diag::render::one_line;

/// The drawing as a Mermaid flowchart.
#[must_use]
pub fn mermaid(drawing: &Drawing) -> String {
    let mut out = String::from("flowchart LR\n");
    for (number, group) in drawing.groups.iter().enumerate() {
        let _ = writeln!(out, "  subgraph g{number}[{}]", quoted(&group.label, &group.detail));
        nodes(&mut out, drawing, Some(number), "    ");
        out.push_str("  end\n");
    }
    nodes(&mut out, drawing, None, "  ");
    for edge in &drawing.edges {
        let line = match edge.kind {
            EdgeKind::Link => "---",
            EdgeKind::Access => "-->",
            EdgeKind::Open => "-.->",
            EdgeKind::Violation => "==>",
        };
        let label = if edge.label.is_empty() { String::new() } else { format!("|{}|", quoted(&edge.label, "")) };
        let _ = writeln!(out, "  n{} {line}{label} n{}", edge.from, edge.to);
    }
    let red = drawing.edges.iter().enumerate().filter(|(_, edge)| edge.kind == EdgeKind::Violation);
    for (number, _) in red {
        let _ = writeln!(out, "  linkStyle {number} stroke:#dc2626,color:#dc2626");
    }
    out.push_str("  classDef start fill:#fee2e2,stroke:#b91c1c,stroke-width:2px\n");
    out.push_str("  classDef firewall fill:#fee2e2,stroke:#dc2626,stroke-width:2px\n");
    out.push_str("  classDef network fill:#dbeafe,stroke:#3b82f6\n");
    out.push_str("  classDef router fill:#f1f5f9,stroke:#64748b\n");
    out.push_str("  classDef transit fill:#fef9c3,stroke:#ca8a04\n");
    out
}

fn nodes(out: &mut String, drawing: &Drawing, group: Option<usize>, indent: &str) {
    for (number, node) in drawing.nodes.iter().enumerate().filter(|(_, node)| node.group == group) {
        let (open, close, class) = match node.kind {
            NodeKind::Network | NodeKind::Site => ("(", ")", "network"),
            NodeKind::Firewall => ("[[", "]]", "firewall"),
            NodeKind::Start => ("(", ")", "start"),
            NodeKind::Router => ("{{", "}}", "router"),
            NodeKind::Transit | NodeKind::Internet => ("([", "])", "transit"),
        };
        let label = quoted(&node.label, &node.detail);
        let _ = writeln!(out, "{indent}n{number}{open}{label}{close}:::{class}");
    }
}

fn quoted(label: &str, detail: &str) -> String {
    let mut out = String::from("\"");
    escape(&mut out, label);
    if !detail.is_empty() {
        out.push_str("<br/>");
        escape(&mut out, detail);
    }
    out.push('"');
    out
}

fn escape(out: &mut String, text: &str) {
    for character in one_line(text).chars() {
        match character {
            '"' | '#' | ';' | '<' | '>' | '&' | '`' | '*' | '_' | '[' | ']' | '{' | '}' | '(' | ')' | '|' | '\\'
            | '%' | ':' => {
                let _ = write!(out, "#{};", u32::from(character));
            }
            plain => out.push(plain),
        }
    }
}
