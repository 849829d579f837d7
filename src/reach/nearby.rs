//! What is reached in a few hops from a few places, without the overlay of the whole policy.
//!
//! The same answer as [`Prover::spread`](super::Prover::spread), which puts the whole policy together once and is then quick for many questions. Here each hop asks about its own senders alone: for who asks once or twice, a fraction
//! of the work.

use std::collections::BTreeSet;

use super::access::{Part, Question, Want, intersect};
use super::classes::ClassSet;
use super::flows::ClassProduct;
use super::prove::Prover;
use crate::packet::Family;
use crate::syntax::ast::Effect;

impl Prover<'_> {
    /// The classes to which a shortest chain from some classes has one hop, two, and so on: as many sets as hops.
    #[must_use]
    pub fn nearby(&self, from: &ClassSet, hops: usize) -> Vec<ClassSet> {
        let (movement, public) = (self.movement(), self.access.classes.public());
        let (all, services) = (self.access.classes.all(), self.access.services.all());
        let start: Vec<usize> =
            movement.groups(from).into_iter().filter(|group| !movement.stones(*group).is_empty()).collect();
        let mut moved = union(start.iter().map(|group| {
            let stones = movement.stones(*group);
            if from.intersects(stones) { movement.members(*group) } else { stones }
        }));
        let (mut known, mut direct) = (ClassSet::empty(), ClassSet::empty());
        let (mut senders, mut entered) = (from.clone(), BTreeSet::new());
        let mut levels = Vec::with_capacity(hops);
        for hop in 1..=hops {
            let arrived = self.receivers(&senders, &all.difference(&direct), &services);
            direct = direct.union(&arrived);
            let level = arrived.union(&moved).difference(&known);
            known = known.union(&level);
            levels.push(level);
            let groups = movement.groups(&arrived.difference(public));
            let new: Vec<usize> = groups.into_iter().filter(|group| entered.insert(*group)).collect();
            moved = union(new.iter().map(|group| movement.members(*group)));
            let first = start.iter().filter(|_| hop == 1);
            senders = union(new.iter().chain(first).map(|group| movement.stones(*group)));
        }
        levels
    }

    /// The classes that who is at one of some classes can be at by free movement, these included. The internet is no place to be.
    #[must_use]
    pub fn around(&self, set: &ClassSet) -> ClassSet {
        let (movement, public) = (self.movement(), self.access.classes.public());
        let own = set.difference(public);
        union(movement.groups(&own).iter().map(|group| movement.stones(*group))).union(&own)
    }

    /// The classes that some can send to. An allow that no deny and no quarantine meets says by itself what passes; only about the others the overlay is asked.
    fn receivers(&self, from: &ClassSet, to: &ClassSet, on: &[u32]) -> ClassSet {
        let mut found = ClassSet::empty();
        if from.is_empty() || to.is_empty() {
            return found;
        }
        let question = Question { from, to, on, want: Want::Allowed };
        let denies = self.access.parts(question, Effect::Deny);
        for Part { sources, destinations, services } in self.access.parts(question, Effect::Allow) {
            let rest = destinations.intersection(to).difference(&found);
            let senders = sources.intersection(from);
            if rest.is_empty() || senders.is_empty() {
                continue;
            }
            let is_met = |deny: &Part<'_>| {
                deny.destinations.intersects(&rest)
                    && deny.sources.intersects(&senders)
                    && intersect(deny.services, services)
            };
            let products = if denies.iter().any(is_met) || self.access.is_held(&senders) || self.access.is_held(&rest) {
                self.passing(&senders, &rest, services, &[]).into_iter().flat_map(|one| one.flows).collect()
            } else {
                let pairs = self.relation.routable(&self.access.classes, &senders, &rest);
                self.products(pairs, services)
            };
            for product in products {
                found = found.union(&self.ends(&product));
            }
        }
        found
    }

    /// The destinations of a product that a flow of it leads to: in the family of a source, on a service that occurs there.
    fn ends(&self, product: &ClassProduct) -> ClassSet {
        let families = Family::BOTH.into_iter().zip(&self.movement().families);
        let own = families.filter(|(family, own)| {
            let occurs = product.services.iter().any(|&class| self.access.services.occurs_in(class, *family));
            occurs && product.sources.intersects(own)
        });
        own.fold(ClassSet::empty(), |all, (_, own)| all.union(&product.destinations.intersection(own)))
    }
}

fn union<'s>(sets: impl Iterator<Item = &'s ClassSet>) -> ClassSet {
    sets.flat_map(|set| set.intervals().iter().copied()).collect()
}
