//! The policy at one date over classes: for any part of the world, which rules cover which flows.
//!
//! A [`Question`] names sources, destinations and services; the answer is an [`Overlay`], a partition of the flows in question by *exactly which* rules cover them and which
//! quarantines hold them. Everything else follows from it without looking at rules again: what passes, what would pass without a rule, what a denial takes away. The way there is
//! three refinements, each over fewer things than the one before: destinations by the products that hold them, sources by the products of such a group, services by what is left.
//! Nothing is ever multiplied out over addresses.
//!
//! Whether a path exists is not asked here; that is [`super::relation`].

use std::sync::Arc;

use jiff::civil::Date;

use super::classes::{AddressClasses, ClassSet};
use super::refine::{Group, Refiner, refine};
use super::services::ServiceClasses;
use crate::graph::Topology;
use crate::model::{EndpointId, Model, RuleId, ServiceId};
use crate::packet::{AddressSet, ServiceSet};
use crate::syntax::ast::Effect;

/// What else than active rules and quarantines the classes must tell apart: the sets that questions will be about.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    /// Sets of addresses.
    pub addresses: Vec<Arc<AddressSet>>,
    /// Sets of services.
    pub services: Vec<Arc<ServiceSet>>,
    /// What is otherwise than the policy says.
    pub otherwise: Otherwise,
}

/// Flows that pass or do not, whatever the rules and quarantines say: what devices do that run something else than the policy asks. Where a flow is in both, it passes.
///
/// To every question they look like one more rule each, with numbers that no rule of the model has; see [`Access::is_rule`].
#[derive(Debug, Clone, Default)]
pub struct Otherwise {
    /// Flows that pass.
    pub open: Vec<FlowsBetween>,
    /// Flows that do not.
    pub shut: Vec<FlowsBetween>,
}

/// Every flow from a source to a destination of the same family on a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowsBetween {
    /// The sources.
    pub sources: Arc<AddressSet>,
    /// The destinations.
    pub destinations: Arc<AddressSet>,
    /// The services.
    pub services: Arc<ServiceSet>,
}

/// An active rule's product, over classes.
#[derive(Debug, Clone, Copy)]
struct Half {
    source: usize,
    destination: usize,
    services: usize,
    rule: RuleId,
    effect: Effect,
}

/// An active quarantine.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Index into the model.
    number: u32,
    set: usize,
}

/// The policy of one date over classes.
#[derive(Debug)]
pub struct Access<'m> {
    /// The model.
    pub model: &'m Model,
    /// The address classes.
    pub classes: AddressClasses,
    /// The service classes.
    pub services: ServiceClasses,
    address_sets: Sets<AddressSet>,
    service_sets: Sets<ServiceSet>,
    halves: Vec<Half>,
    /// For each address set the halves that have it as source.
    by_source: Vec<Vec<u32>>,
    /// For each address set the halves that have it as destination.
    by_destination: Vec<Vec<u32>>,
    /// Where the extra sets begin among the sets of addresses, and among those of services.
    extra: (usize, usize),
    held: Vec<Held>,
}

/// A part of the world.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Sources.
    pub from: &'q ClassSet,
    /// Destinations.
    pub to: &'q ClassSet,
    /// Service classes, ascending.
    pub on: &'q [u32],
    /// Which flows the answer holds.
    pub want: Want,
}

/// Which flows an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Those that an allow covers.
    Allowed,
    /// All of the question.
    All,
}

/// What an active product holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    /// Sources.
    pub sources: &'a ClassSet,
    /// Destinations.
    pub destinations: &'a ClassSet,
    /// Service classes, ascending.
    pub services: &'a [u32],
}

/// A partition of flows by the rules that cover them.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    /// Disjoint in destinations.
    pub rows: Vec<Row>,
}

/// Destinations that the same rules are about.
#[derive(Debug, Clone)]
pub struct Row {
    /// The destinations.
    pub destinations: ClassSet,
    /// Disjoint in sources.
    pub columns: Vec<Column>,
}

/// Sources that, for the destinations of a row, the same rules are about.
#[derive(Debug, Clone)]
pub struct Column {
    /// The sources.
    pub sources: ClassSet,
    /// The quarantines that hold an end: indices into the model, ascending.
    pub held: Vec<u32>,
    /// Disjoint in services.
    pub cells: Vec<Cell>,
}

/// Flows that exactly the same rules cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Service classes, ascending.
    pub services: Vec<u32>,
    /// The allows that cover them, ascending.
    pub allows: Vec<RuleId>,
    /// The denies that cover them, ascending.
    pub denies: Vec<RuleId>,
}

/// Sets by number, each content once.
#[derive(Debug)]
struct Sets<T> {
    list: Vec<Arc<T>>,
    of_id: Vec<Option<u32>>,
}

impl<T: PartialEq> Sets<T> {
    fn new(ids: usize) -> Self {
        Self { list: Vec::new(), of_id: vec![None; ids] }
    }

    fn enter(&mut self, id: usize, set: &Arc<T>) -> usize {
        let next = self.list.len();
        match self.of_id.get_mut(id) {
            Some(Some(known)) => *known as usize,
            Some(slot) => {
                *slot = u32::try_from(next).ok();
                self.list.push(set.clone());
                next
            }
            None => {
                self.list.push(set.clone());
                next
            }
        }
    }

    /// Adds a set that no number of the model stands for.
    fn add(&mut self, set: &Arc<T>) -> usize {
        let known = self.list.iter().rposition(|known| Arc::ptr_eq(known, set) || **known == **set);
        known.unwrap_or_else(|| {
            self.list.push(set.clone());
            self.list.len() - 1
        })
    }

    fn number(&self, id: usize) -> Option<usize> {
        self.of_id.get(id).copied().flatten().map(|number| number as usize)
    }

    fn find(&self, set: &T) -> Option<usize> {
        self.list.iter().position(|known| **known == *set)
    }
}

impl<'m> Access<'m> {
    /// Prepares the policy of a date. The classes tell apart the sets of active rules, quarantines and assertions, and the `extra` ones.
    #[must_use]
    pub fn new(model: &'m Model, topology: &Topology, at: Date, extra: &Extra) -> Self {
        let mut address_sets = Sets::new(model.endpoints.len());
        let mut service_sets = Sets::new(model.services.len());
        let mut enter = |id: EndpointId| address_sets.enter(id.index(), model.endpoint(id));
        let mut serve = |id: ServiceId| service_sets.enter(id.index(), model.service(id));
        let mut halves = Vec::new();
        for (number, rule) in model.rules.iter().enumerate().filter(|(_, rule)| rule.period.contains(at)) {
            halves.extend(rule.products.iter().map(|product| Half {
                source: enter(product.source),
                destination: enter(product.destination),
                services: serve(product.services),
                rule: RuleId::from_index(number),
                effect: rule.effect,
            }));
        }
        let quarantines = (0..).zip(&model.quarantines).filter(|(_, quarantine)| quarantine.period.contains(at));
        let held = quarantines.map(|(number, quarantine)| Held { number, set: enter(quarantine.held) }).collect();
        let active = model.assertions.iter().filter(|assertion| assertion.period.contains(at));
        for product in active.clone().flat_map(|assertion| &assertion.products) {
            enter(product.source);
            enter(product.destination);
            serve(product.services);
        }
        if active.clone().any(|assertion| !assertion.via.is_empty()) {
            // What `via` names may lie between two networks of one zone.
            address_sets.list.extend(model.networks.iter().map(|network| network.own.clone()));
        }
        let first_extra = (address_sets.list.len(), service_sets.list.len());
        address_sets.list.extend(extra.addresses.iter().cloned());
        service_sets.list.extend(extra.services.iter().cloned());
        let sides = [(&extra.otherwise.open, Effect::Allow), (&extra.otherwise.shut, Effect::Deny)];
        for (flows, effect) in sides.into_iter().flat_map(|(list, effect)| list.iter().map(move |one| (one, effect))) {
            halves.push(Half {
                source: address_sets.add(&flows.sources),
                destination: address_sets.add(&flows.destinations),
                services: service_sets.add(&flows.services),
                rule: otherwise(model, effect),
                effect,
            });
        }
        Self { extra: first_extra, ..Self::over_classes(model, topology, address_sets, service_sets, halves, held) }
    }

    fn over_classes(
        model: &'m Model,
        topology: &Topology,
        address_sets: Sets<AddressSet>,
        service_sets: Sets<ServiceSet>,
        halves: Vec<Half>,
        held: Vec<Held>,
    ) -> Self {
        let addresses: Vec<&AddressSet> = address_sets.list.iter().map(|set| &**set).collect();
        let services: Vec<&ServiceSet> = service_sets.list.iter().map(|set| &**set).collect();
        let (classes, services) = (AddressClasses::new(model, topology, &addresses), ServiceClasses::new(&services));
        let mut by_source = vec![Vec::new(); address_sets.list.len()];
        let mut by_destination = by_source.clone();
        for (number, half) in (0_u32..).zip(&halves) {
            if let Some(list) = by_source.get_mut(half.source) {
                list.push(number);
            }
            if let Some(list) = by_destination.get_mut(half.destination) {
                list.push(number);
            }
        }
        let extra = (address_sets.list.len(), service_sets.list.len());
        Self { model, classes, services, address_sets, service_sets, halves, by_source, by_destination, extra, held }
    }

    /// The classes of an endpoint set of an active rule, quarantine or assertion; empty for any other.
    #[must_use]
    pub fn endpoint(&self, id: EndpointId) -> &ClassSet {
        self.classes.of_set(self.address_sets.number(id.index()).unwrap_or(usize::MAX))
    }

    /// The classes of a service set of an active rule or assertion; empty for any other.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> &[u32] {
        self.services.of_set(self.service_sets.number(id.index()).unwrap_or(usize::MAX))
    }

    /// The classes of an extra set of addresses, by its place in [`Extra::addresses`]: no search, for those who ask about thousands of sets.
    #[must_use]
    pub fn extra_addresses(&self, number: usize) -> &ClassSet {
        self.classes.of_set(self.extra.0.saturating_add(number))
    }

    /// The classes of an extra set of services, by its place in [`Extra::services`].
    #[must_use]
    pub fn extra_services(&self, number: usize) -> &[u32] {
        self.services.of_set(self.extra.1.saturating_add(number))
    }

    /// The classes of a set that is among those the classes were made from; `None` for any other.
    #[must_use]
    pub fn addresses(&self, set: &AddressSet) -> Option<&ClassSet> {
        self.address_sets.find(set).map(|number| self.classes.of_set(number))
    }

    /// The classes of a service set that is among those the classes were made from; `None` for any other.
    #[must_use]
    pub fn service_classes(&self, set: &ServiceSet) -> Option<&[u32]> {
        self.service_sets.find(set).map(|number| self.services.of_set(number))
    }

    /// Whether exactly these rules and quarantines let a flow through, if the rules in `without` did not exist.
    #[must_use]
    pub fn passes(&self, cell: &Cell, held: &[u32], without: &[RuleId]) -> bool {
        let stands = |rule: &RuleId| !without.contains(rule);
        let (open, shut) = (otherwise(self.model, Effect::Allow), otherwise(self.model, Effect::Deny));
        if cell.allows.last() == Some(&open) && stands(&open) {
            return true;
        }
        if cell.denies.last() == Some(&shut) {
            return false;
        }
        if !cell.allows.iter().any(stands) || cell.denies.iter().any(stands) {
            return false;
        }
        held.iter().all(|number| {
            let keep = self.model.quarantines.get(*number as usize).map(|quarantine| quarantine.keep.as_slice());
            keep.unwrap_or_default().iter().any(|kept| stands(kept) && cell.allows.binary_search(kept).is_ok())
        })
    }

    /// Whether a number is that of a rule of the model, and does not stand for what is [`Otherwise`].
    #[must_use]
    pub fn is_rule(&self, rule: RuleId) -> bool {
        rule.index() < self.model.rules.len()
    }

    /// Cuts the flows of a question by the rules that cover them.
    #[must_use]
    pub fn overlay(&self, question: Question<'_>) -> Overlay {
        let halves = self.candidates(question);
        let mut sets: Vec<&ClassSet> = halves.iter().map(|half| self.classes.of_set(half.destination)).collect();
        sets.extend(self.held.iter().map(|held| self.classes.of_set(held.set)));
        let mut rows = Vec::new();
        if question.want == Want::Allowed && halves.iter().all(|half| half.effect == Effect::Deny) {
            return Overlay { rows };
        }
        let mut refiner = Refiner::default();
        let groups = match question.want {
            Want::Allowed => refiner.covered(question.to, &sets),
            Want::All => refine(question.to, &sets),
        };
        for group in groups {
            let (own, held) = split(&group, halves.len());
            if own.is_empty() && question.want == Want::Allowed {
                continue;
            }
            let here: Vec<Half> = own.iter().filter_map(|&at| halves.get(at as usize).copied()).collect();
            let columns = self.columns(question, &here, &held, &mut refiner);
            if !columns.is_empty() {
                rows.push(Row { destinations: group.members, columns });
            }
        }
        Overlay { rows }
    }

    /// What active products of one effect hold of a question: parts that may overlap, each with a source, a destination and a service.
    pub(super) fn parts(&self, question: Question<'_>, effect: Effect) -> Vec<Part<'_>> {
        let own = self.candidates(question).into_iter().filter(|half| half.effect == effect);
        own.map(|half| Part {
            sources: self.classes.of_set(half.source),
            destinations: self.classes.of_set(half.destination),
            services: self.services.of_set(half.services),
        })
        .collect()
    }

    /// Whether an active quarantine holds one of some classes.
    pub(super) fn is_held(&self, set: &ClassSet) -> bool {
        self.held.iter().any(|held| self.classes.of_set(held.set).intersects(set))
    }

    /// The halves that have a source, a destination and a service in question.
    fn candidates(&self, question: Question<'_>) -> Vec<Half> {
        let by_destination = question.to.intervals().len() <= question.from.intervals().len();
        let (near, index) =
            if by_destination { (question.to, &self.by_destination) } else { (question.from, &self.by_source) };
        let sets = self.sets_meeting(near);
        let mut numbers: Vec<u32> = sets.iter().filter_map(|set| index.get(*set as usize)).flatten().copied().collect();
        numbers.sort_unstable();
        let all = numbers.into_iter().filter_map(|number| self.halves.get(number as usize).copied());
        all.filter(|half| {
            let (far, other) =
                if by_destination { (half.source, question.from) } else { (half.destination, question.to) };
            intersect(self.services.of_set(half.services), question.on) && self.classes.of_set(far).intersects(other)
        })
        .collect()
    }

    /// The address sets that have a common member with some classes. Few classes are looked up; many are met by each set.
    fn sets_meeting(&self, classes: &ClassSet) -> Vec<u32> {
        let count: usize =
            classes.intervals().iter().map(|interval| (interval.last - interval.first) as usize + 1).sum();
        if count > self.address_sets.list.len() / 4 {
            let all = 0..u32::try_from(self.address_sets.list.len()).unwrap_or(u32::MAX);
            return all.filter(|&set| self.classes.of_set(set as usize).intersects(classes)).collect();
        }
        let mut sets: Vec<u32> =
            AddressClasses::numbers(classes).flat_map(|class| self.classes.sets(class).iter().copied()).collect();
        sets.sort_unstable();
        sets.dedup();
        sets
    }

    fn columns(
        &self,
        question: Question<'_>,
        halves: &[Half],
        held_destination: &[u32],
        refiner: &mut Refiner,
    ) -> Vec<Column> {
        let mut sets: Vec<&ClassSet> = halves.iter().map(|half| self.classes.of_set(half.source)).collect();
        sets.extend(self.held.iter().map(|held| self.classes.of_set(held.set)));
        let mut columns = Vec::new();
        let groups = match question.want {
            Want::Allowed => refiner.covered(question.from, &sets),
            Want::All => refine(question.from, &sets),
        };
        for group in groups {
            let (own, held_source) = split(&group, halves.len());
            let here: Vec<Half> = own.iter().filter_map(|&at| halves.get(at as usize).copied()).collect();
            let mut cells = self.cells(question.on, &here);
            if question.want == Want::Allowed {
                cells.retain(|cell| !cell.allows.is_empty());
            }
            if cells.is_empty() {
                continue;
            }
            let mut held: Vec<u32> = held_source
                .iter()
                .chain(held_destination)
                .filter_map(|&at| self.held.get(at as usize).map(|held| held.number))
                .collect();
            held.sort_unstable();
            held.dedup();
            columns.push(Column { sources: group.members, held, cells });
        }
        columns
    }

    /// Cuts services by the rules that cover them.
    fn cells(&self, on: &[u32], halves: &[Half]) -> Vec<Cell> {
        let mut covered: Vec<(u32, u32)> = Vec::new();
        for (number, half) in (0_u32..).zip(halves) {
            let own = self.services.of_set(half.services).iter();
            covered.extend(own.filter(|class| on.binary_search(class).is_ok()).map(|class| (*class, number)));
        }
        covered.sort_unstable();
        let mut by_rules: Vec<(Vec<u32>, Vec<u32>)> = Vec::new();
        for same in covered.chunk_by(|a, b| a.0 == b.0) {
            let list: Vec<u32> = same.iter().map(|(_, half)| *half).collect();
            by_rules.extend(same.first().map(|(class, _)| (list, vec![*class])));
        }
        let rest: Vec<u32> = on
            .iter()
            .copied()
            .filter(|class| covered.binary_search_by_key(class, |(class, _)| *class).is_err())
            .collect();
        if !rest.is_empty() {
            by_rules.push((Vec::new(), rest));
        }
        by_rules.sort();
        merged(by_rules.chunk_by(|a, b| a.0 == b.0).map(|same| cell(same, halves)).collect())
    }
}

/// The number that stands for what is open, or shut, whatever the rules say: higher than that of any rule.
fn otherwise(model: &Model, effect: Effect) -> RuleId {
    RuleId::from_index(model.rules.len() + usize::from(effect == Effect::Deny))
}

/// Joins cells of the same rules: the two products of a rule that goes both ways may meet.
fn merged(mut cells: Vec<Cell>) -> Vec<Cell> {
    cells.sort_by(|a, b| (&a.allows, &a.denies, &a.services).cmp(&(&b.allows, &b.denies, &b.services)));
    cells.dedup_by(|next, kept| {
        let same = next.allows == kept.allows && next.denies == kept.denies;
        if same {
            kept.services.append(&mut next.services);
            kept.services.sort_unstable();
        }
        same
    });
    cells
}

fn cell(same: &[(Vec<u32>, Vec<u32>)], halves: &[Half]) -> Cell {
    let numbers = same.first().map(|(list, _)| list.as_slice()).unwrap_or_default();
    let rules = |effect: Effect| {
        let own = numbers.iter().filter_map(|&at| halves.get(at as usize)).filter(|half| half.effect == effect);
        let mut rules: Vec<RuleId> = own.map(|half| half.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    };
    let mut services: Vec<u32> = same.iter().flat_map(|(_, classes)| classes.iter().copied()).collect();
    services.sort_unstable();
    Cell { services, allows: rules(Effect::Allow), denies: rules(Effect::Deny) }
}

/// The sets of a group below a number, and those from it on, counted from there.
fn split(group: &Group, at: usize) -> (Vec<u32>, Vec<u32>) {
    let border = u32::try_from(at).unwrap_or(u32::MAX);
    let (below, above): (Vec<u32>, Vec<u32>) = group.sets.iter().partition(|&&set| set < border);
    (below, above.into_iter().map(|set| set - border).collect())
}

/// Whether two ascending lists have a common member.
#[must_use]
pub fn intersect(a: &[u32], b: &[u32]) -> bool {
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    small.iter().any(|member| large.binary_search(member).is_ok())
}

/// The common members of two ascending lists.
#[must_use]
pub fn common(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    small.iter().copied().filter(|member| large.binary_search(member).is_ok()).collect()
}
