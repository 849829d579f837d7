//! Drawings of the network and of who may reach whom, as DOT, Mermaid and SVG.
//!
//! A [`Drawing`] is neutral: boxes, nodes and edges with labels, no inventory and no policy in it. Each format is one
//! function from a drawing to text. Order in is order out, so the same drawing gives the same bytes.

mod dot;
mod layers;
mod layout;
mod mermaid;
mod svg;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;

/// What is drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drawing {
    /// What it shows, in a few words.
    pub title: String,
    /// Boxes around nodes: the sites.
    pub groups: Vec<Group>,
    /// The nodes; edges name them by index.
    pub nodes: Vec<Node>,
    /// The edges.
    pub edges: Vec<Edge>,
    /// For each node the column that it stands in, from the left; empty where sites are boxes.
    pub layers: Vec<usize>,
    /// What stands above each column; may be empty.
    pub headings: Vec<String>,
}

/// A box around nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its headline.
    pub label: String,
    /// A few more words, such as `TH, tier 2`; may be empty.
    pub detail: String,
}

/// One thing in the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is called.
    pub label: String,
    /// A few more words, such as its prefixes; may be empty.
    pub detail: String,
    /// What it is.
    pub kind: NodeKind,
    /// Index of the box that it is in; `None` for what stands between the sites.
    pub group: Option<usize>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeKind {
    /// A network or a zone.
    Network,
    /// A device that filters.
    Firewall,
    /// A device that only forwards.
    Router,
    /// A network between sites.
    Transit,
    /// The internet.
    Internet,
    /// A whole site, in a drawing of who may reach whom.
    Site,
    /// What a drawing of hops starts from.
    Start,
}

/// A line between two nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Index of the node that it begins at.
    pub from: usize,
    /// Index of the node that it ends at.
    pub to: usize,
    /// A few words, such as the interface or the services; may be empty.
    pub label: String,
    /// A line or an arrow.
    pub kind: EdgeKind,
}

/// What an edge says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// Two things are joined.
    Link,
    /// Flows pass from one to the other.
    Access,
    /// No firewall stands between.
    Open,
    /// Flows violate an assertion.
    Violation,
}
