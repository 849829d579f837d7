//! Interval decision diagrams: sets of tuples of integers, one level per integer, in one form only.
//!
//! A node belongs to a level and cuts the level's values into intervals, each with the node below it. Two rules make the form
//! canonical: neighbouring intervals lead to different nodes, and no node has a single interval (its child stands in for it, so a level
//! may be skipped: every value does). A third makes it comparable: a node is made once ([`table`] finds it again), so two ids of one
//! diagram are equal exactly if their sets are.
//!
//! The diagram knows neither addresses nor services, only levels with a largest key; [`super::space`] says what they mean. Recursion goes
//! down by levels, never along edges, so its depth is at most [`LEVELS`]. There are no complement edges: sets of packets are rarely as large as what
//! they leave out, and a difference from everything is one pass. Nodes are kept until the caller frees them ([`table::Diagram::keep`]).

mod apply;
mod memo;
mod reshape;
mod table;

pub use apply::{Operation, Question};
pub use reshape::Known;
pub use table::{Diagram, Mark, NodeId};

/// How many levels a tuple has.
pub const LEVELS: usize = 4;

/// The nodes that an answer needs go beyond the budget of their space; whatever was made for it has been freed again.
///
/// What a caller can say then is *unproven, because it is too large*; never a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    /// The budget that was not enough, in edges (see [`super::FlowSpace::with_budget`]).
    pub budget: usize,
}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the set of flows needs more than {} edges of its diagram", self.budget)
    }
}

impl std::error::Error for TooLarge {}
