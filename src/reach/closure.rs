//! All pairs at once: from which groups of free movement chains lead to which, in any number of hops.
//!
//! One vertex for each group, and one for each row of the overlay: who can send in the row reaches its vertex, and it reaches whoever can receive. So a rule from 10,000 sites to 100 servers
//! costs 10,100 edges, not a million. Public addresses are no stepping stones: one vertex stands for them as the beginning of chains, another as the end.

use super::access::{Column, Row};
use super::classes::{AddressClasses, ClassSet};
use super::movement::Movement;
use super::prove::{Prover, cut_services};
use crate::graph::Closure;
use crate::model::RuleId;
use crate::packet::Family;

/// Which groups of free movement reach which, over any chain of flows on some services.
#[derive(Debug)]
pub struct Chains {
    closure: Closure,
}

impl Chains {
    /// Whether a chain of any length leads from one of some classes to one of others, movement at its ends included. The classes are those of the prover that made it. Exact, but for the
    /// internet at both ends: there it also says yes where only movement through a network in the internet's zone leads back, which is no chain.
    #[must_use]
    pub fn lead(&self, prover: &Prover<'_>, from: &ClassSet, to: &ClassSet) -> bool {
        let (movement, public) = (prover.movement(), prover.access.classes.public());
        let ends = |set: &ClassSet, outside: usize| {
            let mut vertices = movement.groups(&set.difference(public));
            vertices.extend(Some(outside).filter(|_| set.intersects(public)));
            vertices
        };
        let (starts, ends) = (ends(from, movement.len()), ends(to, movement.len() + 1));
        starts.iter().any(|&start| ends.iter().any(|&end| self.closure.reaches(start, end)))
    }

    /// How many sets of groups reach each other wholly.
    #[must_use]
    pub fn components(&self) -> usize {
        self.closure.components()
    }
}

impl Prover<'_> {
    /// The closure of all chains on some service classes, if the rules in `without` did not exist.
    #[must_use]
    pub fn chains(&self, on: &[u32], without: &[RuleId]) -> Chains {
        let (movement, public) = (self.movement(), self.access.classes.public());
        let (source, sink) = (number(movement.len()), number(movement.len() + 1));
        let mut edges: Vec<(u32, u32)> = Vec::new();
        for group in movement.groups(public).into_iter().filter(|group| !movement.stones(*group).is_empty()) {
            edges.extend([(source, number(group)), (number(group), sink)]);
        }
        let mut vertices = movement.len() + 2;
        for (family, own) in Family::BOTH.into_iter().zip(&movement.families) {
            for row in &self.whole().rows {
                let to = row.destinations.intersection(own);
                if to.is_empty() {
                    continue;
                }
                let senders = self.senders_in(row, family, on, without).intersection(own);
                for (from, to) in self.relation.routable(&self.access.classes, &senders, &to) {
                    let vertex = number(vertices);
                    vertices += 1;
                    edges.extend(groups(movement, &from.difference(public)).map(|group| (group, vertex)));
                    edges.extend(groups(movement, &to.difference(public)).map(|group| (vertex, group)));
                    edges.extend(Some((source, vertex)).filter(|_| from.intersects(public)));
                    edges.extend(Some((vertex, sink)).filter(|_| to.intersects(public)));
                }
            }
        }
        Chains { closure: Closure::new(vertices, &edges) }
    }

    /// The classes that can send something in a row in packets of a family.
    fn senders_in(&self, row: &Row, family: Family, on: &[u32], without: &[RuleId]) -> ClassSet {
        let is_open = |column: &&Column| {
            column.cells.iter().any(|cell| {
                cut_services(cell, on).iter().any(|&class| self.access.services.occurs_in(class, family))
                    && self.access.passes(cell, &column.held, without)
            })
        };
        row.columns.iter().filter(is_open).flat_map(|column| column.sources.intervals().iter().copied()).collect()
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The groups of some classes. Classes of one group mostly follow each other, so few come twice.
fn groups(movement: &Movement, set: &ClassSet) -> impl Iterator<Item = u32> {
    let mut found: Vec<u32> = Vec::new();
    for class in AddressClasses::numbers(set) {
        if let Some(group) = movement.group(class).map(number).filter(|group| found.last() != Some(group)) {
            found.push(group);
        }
    }
    found.into_iter()
}
