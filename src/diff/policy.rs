//! Which flows two sets of rules could judge differently: what is left of both when equal products have cancelled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::HashMap;
use rustc_hash::{FxHashMap, FxHashSet};

use super::both::Both;
use super::compare::{Piece, Side};
use crate::model::{EndpointId, Product, Rule, ServiceId};
use crate::packet::{AddressSet, ServiceSet};
use crate::syntax::ast::Effect;

/// Sources, destinations and services by number: equal numbers are equal sets, on whichever side.
type Key = (u32, u32, u32);

/// The flows that rules could judge or log differently.
#[derive(Debug, Default)]
pub(super) struct PolicyPieces {
    /// Those that could be permitted on one side alone.
    pub access: Vec<Piece>,
    /// Those that could be logged on one side alone.
    pub logging: Vec<Piece>,
}

/// A product of an active rule.
#[derive(Debug, Clone, Copy)]
struct Statement<'m> {
    name: &'m str,
    /// Which of the rule's products.
    number: usize,
    effect: Effect,
    log: bool,
    key: Key,
}

/// An active quarantine.
struct Held<'m> {
    name: &'m str,
    held: u32,
    keep: Vec<Statement<'m>>,
}

impl Held<'_> {
    fn meaning(&self) -> (u32, BTreeSet<Key>) {
        (self.held, self.keep.iter().map(|kept| kept.key).collect())
    }
}

/// Finds the flows that the rules of two sides could judge or log differently, among the addresses that both know: `common`, where these are not all.
pub(super) fn pieces(before: Side<'_>, after: Side<'_>, common: Option<&AddressSet>) -> PolicyPieces {
    let mut sets = Sets { common: common.cloned(), ..Sets::default() };
    let (old, new) = (statements(before, &mut sets), statements(after, &mut sets));
    let (old_held, new_held) = (quarantines(before, &mut sets), quarantines(after, &mut sets));
    let mut result = PolicyPieces::default();
    for effect in [Effect::Allow, Effect::Deny] {
        let (old, new) = (chosen(&old, |one| one.effect == effect), chosen(&new, |one| one.effect == effect));
        result.access.extend(sets.changed(&old, &new));
        result.logging.extend(sets.changed(&chosen(&old, |one| one.log), &chosen(&new, |one| one.log)));
    }
    let known = Arc::new(before.model.known.union(&after.model.known));
    let held = sets.held(old_held, new_held, &known);
    result.logging.extend(held.iter().cloned());
    result.access.extend(held);
    result
}

fn chosen<'m>(all: &[Statement<'m>], keep: impl Fn(&Statement<'_>) -> bool) -> Vec<Statement<'m>> {
    all.iter().filter(|one| keep(one)).copied().collect()
}

fn statements<'m>(side: Side<'m>, sets: &mut Sets) -> Vec<Statement<'m>> {
    let mut numbers = Numbers::default();
    let active = side.model.rules.iter().filter(|rule| rule.period.contains(side.at));
    active.flat_map(|rule| of_rule(side, rule, sets, &mut numbers)).collect()
}

fn of_rule<'m>(side: Side<'m>, rule: &'m Rule, sets: &mut Sets, numbers: &mut Numbers) -> Vec<Statement<'m>> {
    let name = rule.name.value.as_str();
    let statement = |(number, product): (usize, &Product)| {
        let key = sets.key(side, *product, numbers)?;
        Some(Statement { name, number, effect: rule.effect, log: rule.log, key })
    };
    rule.products.iter().enumerate().filter_map(statement).collect()
}

fn quarantines<'m>(side: Side<'m>, sets: &mut Sets) -> Vec<Held<'m>> {
    let (model, mut numbers) = (side.model, Numbers::default());
    let mut result = Vec::new();
    for quarantine in model.quarantines.iter().filter(|quarantine| quarantine.period.contains(side.at)) {
        let kept = quarantine.keep.iter().filter_map(|rule| model.rules.get(rule.index()));
        let kept = kept.filter(|rule| rule.effect == Effect::Allow && rule.period.contains(side.at));
        let keep = kept.flat_map(|rule| of_rule(side, rule, sets, &mut numbers)).collect();
        let held = sets.addresses(side, quarantine.held, &mut numbers);
        if sets.set(held).is_some_and(|set| !set.is_empty()) {
            result.push(Held { name: &quarantine.name.value, held, keep });
        }
    }
    result
}

/// The numbers of the sets of one model, as far as they are known.
#[derive(Default)]
struct Numbers {
    endpoints: FxHashMap<EndpointId, u32>,
    services: FxHashMap<ServiceId, u32>,
}

/// The sets of both sides, each content once.
#[derive(Default)]
struct Sets {
    common: Option<AddressSet>,
    addresses: Vec<Arc<AddressSet>>,
    of_addresses: HashMap<Arc<AddressSet>, u32>,
    services: Vec<Arc<ServiceSet>>,
    of_services: HashMap<Arc<ServiceSet>, u32>,
}

impl Sets {
    /// The numbers of a product; `None` if it holds no flow.
    fn key(&mut self, side: Side<'_>, product: Product, numbers: &mut Numbers) -> Option<Key> {
        let source = self.addresses(side, product.source, numbers);
        let destination = self.addresses(side, product.destination, numbers);
        let services = *numbers.services.entry(product.services).or_insert_with(|| {
            let set = side.model.service(product.services);
            let next = number(self.services.len());
            *self.of_services.entry(set.clone()).or_insert_with(|| {
                self.services.push(set.clone());
                next
            })
        });
        let has = |at| self.set(at).is_some_and(|set| !set.is_empty());
        let serves = self.services.get(services as usize).is_some_and(|set| !set.is_empty());
        (has(source) && has(destination) && serves).then_some((source, destination, services))
    }

    fn addresses(&mut self, side: Side<'_>, id: EndpointId, numbers: &mut Numbers) -> u32 {
        if let Some(known) = numbers.endpoints.get(&id) {
            return *known;
        }
        let set = side.model.endpoint(id);
        let set = match &self.common {
            Some(common) if !set.is_subset(common) => Arc::new(set.intersection(common)),
            _ => set.clone(),
        };
        let next = number(self.addresses.len());
        let known = *self.of_addresses.entry(set.clone()).or_insert(next);
        if known == next {
            self.addresses.push(set);
        }
        numbers.endpoints.insert(id, known);
        known
    }

    fn set(&self, number: u32) -> Option<&Arc<AddressSet>> {
        self.addresses.get(number as usize)
    }

    /// The flows that products of one effect hold on one side alone.
    fn changed(&self, old: &[Statement<'_>], new: &[Statement<'_>]) -> Vec<Piece> {
        let keys = |all: &[Statement<'_>]| all.iter().map(|one| one.key).collect::<FxHashSet<Key>>();
        let (before, after) = (keys(old), keys(new));
        let (old, new) = (chosen(old, |one| !after.contains(&one.key)), chosen(new, |one| !before.contains(&one.key)));
        let mut pairs: BTreeMap<(&str, usize), Both<Option<Key>>> = BTreeMap::new();
        for one in &old {
            pairs.entry((one.name, one.number)).or_default().before = Some(one.key);
        }
        for one in &new {
            pairs.entry((one.name, one.number)).or_default().after = Some(one.key);
        }
        pairs.into_values().flat_map(|pair| self.between(pair)).collect()
    }

    /// The flows that the old or the new form of a product holds, and not both.
    fn between(&self, pair: Both<Option<Key>>) -> Vec<Piece> {
        match (pair.before, pair.after) {
            (Some(old), Some(new)) => {
                let (Some(old), Some(new)) = (self.piece(old), self.piece(new)) else { return Vec::new() };
                old.differences(&new)
            }
            (one, other) => one.or(other).and_then(|key| self.piece(key)).into_iter().collect(),
        }
    }

    fn piece(&self, (source, destination, services): Key) -> Option<Piece> {
        let on = self.services.get(services as usize)?.clone();
        Some(Piece { from: self.set(source)?.clone(), to: self.set(destination)?.clone(), on })
    }

    /// The flows that quarantines could stop on one side alone.
    fn held(&self, mut old: Vec<Held<'_>>, mut new: Vec<Held<'_>>, known: &Arc<AddressSet>) -> Vec<Piece> {
        let meanings = |all: &[Held<'_>]| all.iter().map(Held::meaning).collect::<BTreeSet<_>>();
        let (before, after) = (meanings(&old), meanings(&new));
        old.retain(|one| !after.contains(&one.meaning()));
        new.retain(|one| !before.contains(&one.meaning()));
        let mut result = Vec::new();
        let mut around = |set: Arc<AddressSet>| {
            result.push(Piece { from: set.clone(), to: known.clone(), on: Arc::new(ServiceSet::any()) });
            result.push(Piece { from: known.clone(), to: set, on: Arc::new(ServiceSet::any()) });
        };
        let mut kept = Vec::new();
        for one in old {
            let at = new.iter().position(|other| other.name == one.name);
            let at = at.or_else(|| new.iter().position(|other| other.held == one.held));
            let (Some(mine), other) = (self.set(one.held), at.map(|at| new.swap_remove(at))) else { continue };
            match other.as_ref().and_then(|other| Some((other, self.set(other.held)?))) {
                None => around(mine.clone()),
                Some((other, theirs)) => {
                    around(Arc::new(mine.difference(theirs).union(&theirs.difference(mine))));
                    kept.extend(self.changed(&one.keep, &other.keep));
                }
            }
        }
        new.iter().filter_map(|one| self.set(one.held)).for_each(|set| around(set.clone()));
        result.extend(kept);
        result.retain(Piece::is_inhabited);
        result
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
