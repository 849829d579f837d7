//! Operations on two diagrams at once, and on long lists of them.

use super::TooLarge;
use super::memo::Key;
use super::table::{BOTTOM, Diagram, NodeId};
use crate::packet::interval::Value;

/// What two sets become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Tuples of either.
    Union = 1,
    /// Tuples of both.
    Intersection = 2,
    /// Tuples of the left that are not in the right.
    Difference = 3,
    /// The colour of the left, else of the right: how a list with one line after the other decides. Associative, not commutative.
    First = 4,
}

/// What can be asked of two sets without making a third.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Whether the left lies within the right.
    Subset = 5,
    /// Whether they have a common tuple.
    Meet = 6,
}

impl Operation {
    /// The answer where it needs no look at the edges.
    fn at_once(self, left: NodeId, right: NodeId) -> Option<NodeId> {
        use NodeId as N;
        match self {
            Self::Union if left == N::NONE || right == N::ALL || left == right => Some(right),
            Self::Union if right == N::NONE || left == N::ALL => Some(left),
            Self::Intersection if left == N::NONE || right == N::ALL || left == right => Some(left),
            Self::Intersection if right == N::NONE || left == N::ALL => Some(right),
            Self::Difference if left == N::NONE || right == N::NONE => Some(left),
            Self::Difference if right == N::ALL || left == right => Some(N::NONE),
            Self::First if left == N::NONE => Some(right),
            Self::First if right == N::NONE || left == right || left == N::ALL || left == N::DENIED => Some(left),
            _ => None,
        }
    }

    fn key(self, left: NodeId, right: NodeId) -> Key {
        let (left, right) = match self {
            Self::Union | Self::Intersection => (left.min(right), left.max(right)),
            Self::Difference | Self::First => (left, right),
        };
        Key { operation: self as u32, left: left.0, right: right.0 }
    }
}

impl Question {
    fn at_once(self, left: NodeId, right: NodeId) -> Option<bool> {
        use NodeId as N;
        match self {
            Self::Subset if left == N::NONE || right == N::ALL || left == right => Some(true),
            Self::Subset if right == N::NONE => Some(false),
            Self::Meet if left == N::NONE || right == N::NONE => Some(false),
            Self::Meet if left == N::ALL || right == N::ALL || left == right => Some(true),
            _ => None,
        }
    }

    /// The answer below one pair of edges that answers for the whole.
    fn settled_by(self) -> bool {
        match self {
            Self::Subset => false,
            Self::Meet => true,
        }
    }
}

/// The key of recolouring; see [`Diagram::recolour`].
const RECOLOUR: u32 = 7;

impl<K: Value> Diagram<K> {
    /// Applies an operation. Cost: at most the product of the two sizes, in practice about their sum.
    pub fn apply(&mut self, operation: Operation, left: NodeId, right: NodeId) -> Result<NodeId, TooLarge> {
        if let Some(answer) = operation.at_once(left, right) {
            return Ok(answer);
        }
        let key = operation.key(left, right);
        if let Some(answer) = self.memo.get(key) {
            return Ok(NodeId(answer));
        }
        let level = self.level(left).min(self.level(right));
        let (mut a, mut b) = (self.cursor(left, level), self.cursor(right, level));
        let base = self.open();
        loop {
            let ((a_last, a_below), (b_last, b_below)) = (self.read(a), self.read(b));
            let below = self.apply(operation, a_below, b_below)?;
            let last = a_last.min(b_last);
            self.push(base, last, below);
            if last == self.top(level) {
                break;
            }
            if a_last == last {
                Self::advance(&mut a);
            }
            if b_last == last {
                Self::advance(&mut b);
            }
        }
        let answer = self.close(level, base)?;
        self.memo.put(key, answer.0);
        Ok(answer)
    }

    /// Answers a question. Makes no nodes, and stops at the first pair of edges that settles it.
    pub fn ask(&mut self, question: Question, left: NodeId, right: NodeId) -> bool {
        if let Some(answer) = question.at_once(left, right) {
            return answer;
        }
        let key = Key { operation: question as u32, left: left.0, right: right.0 };
        if let Some(answer) = self.memo.get(key) {
            return answer != 0;
        }
        let level = self.level(left).min(self.level(right));
        let (mut a, mut b) = (self.cursor(left, level), self.cursor(right, level));
        let answer = loop {
            let ((a_last, a_below), (b_last, b_below)) = (self.read(a), self.read(b));
            let last = a_last.min(b_last);
            if self.ask(question, a_below, b_below) == question.settled_by() {
                break question.settled_by();
            }
            if last == self.top(level) {
                break !question.settled_by();
            }
            if a_last == last {
                Self::advance(&mut a);
            }
            if b_last == last {
                Self::advance(&mut b);
            }
        };
        self.memo.put(key, u32::from(answer));
        answer
    }

    /// Replaces the terminals of a diagram: what is permitted (all), what is denied.
    pub fn recolour(&mut self, node: NodeId, all: NodeId, denied: NodeId) -> Result<NodeId, TooLarge> {
        match node {
            NodeId::NONE => return Ok(node),
            NodeId::ALL => return Ok(all),
            NodeId::DENIED => return Ok(denied),
            _ => {}
        }
        let key = Key { operation: RECOLOUR, left: node.0, right: all.0 << 2 | denied.0 };
        if let Some(answer) = self.memo.get(key) {
            return Ok(NodeId(answer));
        }
        let base = self.open();
        for number in 0.. {
            let Some((last, below)) = self.edge(node, number) else { break };
            let below = self.recolour(below, all, denied)?;
            self.push(base, last, below);
        }
        let answer = self.close(self.level(node), base)?;
        self.memo.put(key, answer.0);
        Ok(answer)
    }

    /// Folds a list by an associative operation, neighbours first, then pairs of pairs: log n rounds. Intermediate nodes are freed.
    pub fn fold(&mut self, operation: Operation, mut nodes: Vec<NodeId>) -> Result<NodeId, TooLarge> {
        let (mark, mut kept) = (self.mark(), self.edge_count());
        while nodes.len() > 1 {
            let mut merged = Vec::with_capacity(nodes.len().div_ceil(2));
            let mut rest = nodes.into_iter();
            while let Some(left) = rest.next() {
                let both = match rest.next() {
                    Some(right) => self.apply(operation, left, right)?,
                    None => left,
                };
                merged.push(both);
                self.tidy(mark, &mut kept, &mut [&mut merged, rest.as_mut_slice()]);
            }
            nodes = merged;
        }
        Ok(nodes.pop().unwrap_or(NodeId::NONE))
    }

    /// The union of many sets. They are sorted first, so that neighbours in the space are neighbours in the fold.
    pub fn union_all(&mut self, mut nodes: Vec<NodeId>) -> Result<NodeId, TooLarge> {
        nodes.sort_unstable();
        nodes.dedup();
        nodes.sort_by_cached_key(|node| (self.level(*node), self.smallest(*node)));
        self.fold(Operation::Union, nodes)
    }

    /// The smallest key of a node's level below which there is something.
    fn smallest(&self, node: NodeId) -> Option<K> {
        self.edges(node).find(|(_, below)| *below != NodeId::NONE).map(|(interval, _)| interval.first)
    }

    /// Whether a node is a terminal.
    pub fn is_terminal(&self, node: NodeId) -> bool {
        self.level(node) == BOTTOM
    }
}
