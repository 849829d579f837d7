//! Lists in which the first line that matches decides.

use super::{FlowSet, FlowSpace};
use crate::packet::diagram::{Diagram, NodeId, Operation, Question, TooLarge};
use crate::packet::interval::Value;

/// What a line of a list does with the flows that reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Lets them pass.
    Permit,
    /// Drops them.
    Deny,
}

impl FlowSpace {
    /// The flows that a list permits: those whose first line that matches is a permit. What no line matches is not in it; a list that ends in
    /// "permit all" says so with a last line of [`FlowSet::FULL`].
    ///
    /// By divide and conquer: halves of the list become sets in two colours, and the colour of the earlier half wins.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room for it.
    pub fn first_match(&mut self, lines: &[(FlowSet, Action)]) -> Result<FlowSet, TooLarge> {
        self.attempt(|space| {
            let v4 = lines.iter().map(|(set, action)| (set.v4, *action));
            let v6 = lines.iter().map(|(set, action)| (set.v6, *action));
            Ok(FlowSet { v4: permitted(&mut space.v4.diagram, v4)?, v6: permitted(&mut space.v6.diagram, v6)? })
        })
    }

    /// The lines that never decide, by index, ascending: every flow that they match is matched by an earlier line. A line that matches nothing is
    /// among them.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room for the unions of parts of the list.
    pub fn shadowed(&mut self, lines: &[FlowSet]) -> Result<Vec<usize>, TooLarge> {
        let before = self.mark();
        let dead = self.attempt(|space| {
            let v4 = dead(&mut space.v4.diagram, lines.iter().map(|line| line.v4).collect())?;
            let v6 = dead(&mut space.v6.diagram, lines.iter().map(|line| line.v6).collect())?;
            Ok(v4.into_iter().zip(v6).map(|(v4, v6)| v4 && v6).collect::<Vec<bool>>())
        })?;
        self.keep(before, &mut []);
        Ok((0..).zip(dead).filter(|(_, dead)| *dead).map(|(index, _)| index).collect())
    }

    /// The earlier lines that decide the flows of line `index`, ascending: for a line that is [`Self::shadowed`], together the reason.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room for what is left of the line on the way.
    pub fn deciders(&mut self, lines: &[FlowSet], index: usize) -> Result<Vec<usize>, TooLarge> {
        let mut rest = lines.get(index).copied().unwrap_or(FlowSet::EMPTY);
        let mut found = Vec::new();
        for (earlier, line) in lines.iter().enumerate().take(index) {
            if rest.is_empty() {
                break;
            }
            if self.intersects(rest, *line) {
                found.push(earlier);
                rest = self.difference(rest, *line)?;
            }
        }
        Ok(found)
    }
}

fn permitted<K: Value>(
    diagram: &mut Diagram<K>,
    lines: impl Iterator<Item = (NodeId, Action)>,
) -> Result<NodeId, TooLarge> {
    let mut coloured = Vec::with_capacity(lines.size_hint().0);
    for (node, action) in lines {
        coloured.push(match action {
            Action::Permit => node,
            Action::Deny => diagram.recolour(node, NodeId::DENIED, NodeId::DENIED)?,
        });
    }
    let decided = diagram.fold(Operation::First, coloured)?;
    diagram.recolour(decided, NodeId::ALL, NodeId::NONE)
}

/// Whether each line is dead.
///
/// The unions of halves, of quarters, and so on form a tree. Going down it, `before` is what earlier lines match, cut down to what the part
/// at hand matches: that is what keeps it small, and where it holds the whole part, all lines in it are dead at once.
fn dead<K: Value>(diagram: &mut Diagram<K>, lines: Vec<NodeId>) -> Result<Vec<bool>, TooLarge> {
    let mut dead = vec![false; lines.len()];
    let unions = Unions::new(diagram, lines)?;
    let Some(top) = unions.rounds.len().checked_sub(1) else { return Ok(dead) };
    unions.descend(diagram, Part { round: top, number: 0 }, NodeId::NONE, &mut dead)?;
    Ok(dead)
}

/// The unions of parts of a list: `rounds[r][n]` is that of lines `n << r ..  (n + 1) << r`.
struct Unions {
    rounds: Vec<Vec<NodeId>>,
}

#[derive(Clone, Copy)]
struct Part {
    round: usize,
    number: usize,
}

impl Unions {
    fn new<K: Value>(diagram: &mut Diagram<K>, lines: Vec<NodeId>) -> Result<Self, TooLarge> {
        let mut rounds = Vec::new();
        let mut current = lines;
        while current.len() > 1 {
            let mut merged = Vec::with_capacity(current.len().div_ceil(2));
            for pair in current.chunks(2) {
                merged.push(match pair {
                    [left, right] => diagram.apply(Operation::Union, *left, *right)?,
                    _ => pair.first().copied().unwrap_or(NodeId::NONE),
                });
            }
            rounds.push(std::mem::replace(&mut current, merged));
        }
        rounds.push(current);
        Ok(Self { rounds })
    }

    fn of(&self, part: Part) -> Option<NodeId> {
        self.rounds.get(part.round)?.get(part.number).copied()
    }

    /// Recursion as deep as there are rounds: the logarithm of the list.
    fn descend<K: Value>(
        &self,
        diagram: &mut Diagram<K>,
        part: Part,
        before: NodeId,
        dead: &mut [bool],
    ) -> Result<(), TooLarge> {
        let Some(union) = self.of(part) else { return Ok(()) };
        if diagram.ask(Question::Subset, union, before) {
            let lines = dead.iter_mut().skip(part.number << part.round).take(1 << part.round);
            lines.for_each(|line| *line = true);
            return Ok(());
        }
        let Some(round) = part.round.checked_sub(1) else { return Ok(()) };
        let (mark, mut kept) = (diagram.mark(), diagram.edge_count());
        let left = Part { round, number: part.number * 2 };
        let right = Part { round, number: left.number + 1 };
        let matched = self.of(left).unwrap_or(NodeId::NONE);
        let local = diagram.apply(Operation::Intersection, before, matched)?;
        self.descend(diagram, left, local, dead)?;
        if let Some(later) = self.of(right) {
            diagram.tidy(mark, &mut kept, &mut []);
            let before = diagram.apply(Operation::Intersection, before, later)?;
            let matched = diagram.apply(Operation::Intersection, matched, later)?;
            let local = diagram.apply(Operation::Union, before, matched)?;
            self.descend(diagram, right, local, dead)?;
            diagram.tidy(mark, &mut kept, &mut []);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{AddressSet, Family, Interval, IntervalSet, Order, Protocol, ServiceSet};

    /// xorshift64*.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: u64) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
        }

        fn small(&mut self, sides: u16) -> u16 {
            u16::try_from(self.roll(sides.into())).unwrap()
        }

        fn addresses(&mut self) -> AddressSet {
            let first = u32::from(self.small(600));
            let v4: IntervalSet<u32> = Interval { first, last: first + u32::from(self.small(200)) }.into();
            let v6 = v4.intervals().iter().map(|one| Interval { first: one.first.into(), last: one.last.into() });
            AddressSet { v6: if self.roll(3) == 0 { v6.collect() } else { IntervalSet::empty() }, v4 }
        }

        fn line(&mut self, space: &mut FlowSpace) -> (FlowSet, Action) {
            let services = match self.roll(4) {
                0 => ServiceSet::any(),
                1 => ServiceSet::protocol(Protocol::ICMP),
                _ => ServiceSet::ports(Protocol::TCP, Interval::single(self.small(5))),
            };
            let (sources, destinations) = (self.addresses(), self.addresses());
            let action = if self.roll(3) == 0 { Action::Deny } else { Action::Permit };
            (space.product(&sources, &destinations, &services).unwrap(), action)
        }
    }

    /// Lists long enough that the table is tidied on the way many times.
    #[test]
    fn long_lists_agree_with_adding_line_by_line() {
        for order in [Order::DestinationFirst, Order::SourceFirst, Order::ServiceFirst] {
            let (mut dice, mut space) = (Dice(7), FlowSpace::new(order));
            let lines: Vec<(FlowSet, Action)> = (0..400).map(|_| dice.line(&mut space)).collect();
            let sets: Vec<FlowSet> = lines.iter().map(|(set, _)| *set).collect();
            let after_lines = space.mark();
            let (mut matched, mut permitted, mut dead) = (FlowSet::EMPTY, FlowSet::EMPTY, Vec::new());
            for (index, (set, action)) in lines.iter().enumerate() {
                let new = space.difference(*set, matched).unwrap();
                if new.is_empty() {
                    dead.push(index);
                }
                if *action == Action::Permit {
                    permitted = space.union(permitted, new).unwrap();
                }
                matched = space.union(matched, new).unwrap();
            }
            assert!(dead.len() > 10 && space.edges() > 100_000, "{} {}", dead.len(), space.edges());
            let mut kept = [permitted, matched];
            space.keep(after_lines, &mut kept);
            assert_eq!(space.first_match(&lines), Ok(kept[0]));
            assert_eq!(space.union_all(&sets), Ok(kept[1]));
            assert_eq!(space.shadowed(&sets), Ok(dead));
            assert!(!kept[1].only(Family::V6).is_empty());
        }
    }
}
