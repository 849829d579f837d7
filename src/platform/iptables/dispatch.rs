//! Long runs of rules, split by address blocks into chains of their own, so that a packet does not walk past all of them.
//!
//! A block is a prefix; its sixteen (or fewer) children are tried in a row, so the way of a packet grows with the logarithm of the number of
//! rules. A rule that holds for a whole block stays in the block's own chain. Inside a run the order means nothing (see `runs`).

use std::sync::Arc;

use super::emit::Action;
use super::matching::{Alternative, By, Part, Side, addresses, services};
use super::write::Writer;
use crate::packet::{AddressRange, AddressSet, Interval, IntervalSet, Value};
use crate::plan::PlannedRule;
use crate::platform::common::cells::Space;
use crate::platform::common::rules::{destination_in, line_of, occurs, runs};
use crate::platform::{Line, LineScope};

/// More lines than this in a chain are split.
const LONG: usize = 64;
/// Sources of more ranges than this are never repeated.
const LARGE: usize = 16;
/// A block has two to the power of this many children.
const BITS: u32 = 4;
/// Blocks are split at most so many times on the way of a packet: the kernel takes chains 15 deep, and others need some of that (see `limits`).
const DEEP: usize = 4;

/// Addresses with bits.
pub(super) trait Bits: Space {
    /// The prefix that holds two values, and how many low bits are free in it.
    fn common(a: Self, b: Self) -> (Interval<Self>, u32);
    /// The part of a prefix with `free` free bits that holds `value`.
    fn block(value: Self, free: u32) -> Interval<Self>;
    /// A range of this family.
    fn range(interval: Interval<Self>) -> AddressRange;
}

macro_rules! bits {
    ($integer:ty, $family:ident) => {
        impl Bits for $integer {
            fn common(a: Self, b: Self) -> (Interval<Self>, u32) {
                let free = <$integer>::BITS - (a ^ b).leading_zeros();
                (Self::block(a, free), free)
            }
            fn block(value: Self, free: u32) -> Interval<Self> {
                let low = <$integer>::MAX.checked_shr(<$integer>::BITS - free).unwrap_or(0);
                Interval { first: value & !low, last: value | low }
            }
            fn range(interval: Interval<Self>) -> AddressRange {
                AddressRange::$family(interval)
            }
        }
    };
}
bits!(u32, V4);
bits!(u128, V6);

/// A rule, cut down to a block.
#[derive(Clone)]
struct Item<'r> {
    rule: &'r PlannedRule,
    source: Arc<AddressSet>,
    destination: Arc<AddressSet>,
    services: usize,
    /// Whether its sources stand in a chain of their own, shared by all places that it is repeated in.
    large: bool,
}

/// The block of each side that a chain is for.
#[derive(Clone, Copy)]
struct Blocks<T> {
    source: Interval<T>,
    destination: Interval<T>,
    /// How many splits led here.
    depth: usize,
}

impl Item<'_> {
    fn side(&self, side: Side) -> &Arc<AddressSet> {
        if side == Side::Source { &self.source } else { &self.destination }
    }

    fn covers<T: Bits>(&self, side: Side, block: Interval<T>) -> bool {
        IntervalSet::from(block).is_subset(T::of(self.side(side)))
    }

    /// About how many lines it takes.
    fn weight<T: Bits>(&self) -> usize {
        let (s, d) = (T::of(&self.source).intervals().len(), T::of(&self.destination).intervals().len());
        if self.large {
            return d;
        }
        (s * d * self.services).min(s + d + self.services)
    }

    fn within<T: Bits>(&self, side: Side, block: Interval<T>) -> Option<Self> {
        let part = T::of(self.side(side)).intersection(&block.into());
        if part.is_empty() {
            return None;
        }
        let part = Arc::new(T::wrap(part));
        Some(match side {
            Side::Source => Self { source: part, ..self.clone() },
            Side::Destination => Self { destination: part, ..self.clone() },
        })
    }
}

impl<T: Value> Blocks<T> {
    fn of(self, side: Side) -> Interval<T> {
        if side == Side::Source { self.source } else { self.destination }
    }

    fn with(self, side: Side, block: Interval<T>) -> Self {
        match side {
            Side::Source => Self { source: block, depth: self.depth + 1, ..self },
            Side::Destination => Self { destination: block, depth: self.depth + 1, ..self },
        }
    }
}

/// A block and what is left of the rules in it.
type Child<'r, T> = (Interval<T>, Vec<Item<'r>>);

/// Splits rules over the children of the smallest block that holds them all; `None` if that gains nothing, because most rules reach into most children.
fn split<'r, T: Bits>(items: &[Item<'r>], side: Side) -> Option<Vec<Child<'r, T>>> {
    let ends = items.iter().flat_map(|item| T::of(item.side(side)).intervals());
    let (first, last) = ends.fold((T::MAX, T::MIN), |(a, b), i| (a.min(i.first), b.max(i.last)));
    let (hull, free) = T::common(first, last);
    let weigh = |items: &[Item<'_>]| items.iter().map(Item::weight::<T>).sum::<usize>();
    let before = weigh(items);
    let (mut children, mut all) = (Vec::new(), 0);
    let mut at = Some(hull.first);
    while let Some(start) = at {
        let block = T::block(start, free.saturating_sub(BITS));
        let inside: Vec<Item<'_>> = items.iter().filter_map(|item| item.within(side, block)).collect();
        let weight = weigh(&inside);
        all += weight;
        if weight * 10 > before * 9 || all > before * 2 {
            return None;
        }
        if !inside.is_empty() {
            children.push((block, inside));
        }
        at = block.last.next().filter(|&next| next <= hull.last);
    }
    Some(children)
}

impl Writer<'_> {
    /// Appends rules to a chain.
    pub(super) fn rules<T: Bits>(&mut self, chain: &str, rules: &[PlannedRule], scope: LineScope) {
        for run in runs(rules) {
            let items = run.iter().filter(|rule| occurs(rule, T::FAMILY)).map(|rule| Item {
                rule,
                source: rule.source.clone(),
                destination: destination_in(rule, T::FAMILY),
                services: services(&rule.services, T::FAMILY, By::Packet).len(),
                large: T::of(&rule.source).intervals().len() > LARGE,
            });
            let items: Vec<Item<'_>> = items.filter(|item| item.services > 0).collect();
            let all = Blocks { source: Interval::full(), destination: Interval::full(), depth: 0 };
            self.dispatch::<T>(chain, &items, all, scope);
        }
    }

    fn dispatch<T: Bits>(&mut self, chain: &str, items: &[Item<'_>], blocks: Blocks<T>, scope: LineScope) {
        let weight: usize = items.iter().map(Item::weight::<T>).sum();
        if weight > LONG && blocks.depth < DEEP {
            for side in [Side::Destination, Side::Source] {
                let (stay, go): (Vec<Item<'_>>, Vec<Item<'_>>) = items
                    .iter()
                    .cloned()
                    .partition(|item| (side == Side::Source && item.large) || item.covers(side, blocks.of(side)));
                if let (true, Some(children)) = (go.len() > 1, split::<T>(&go, side)) {
                    self.children::<T>(chain, children, side, blocks, scope);
                    self.dispatch::<T>(chain, &stay, blocks, scope);
                    return;
                }
            }
        }
        for item in items {
            self.item::<T>(chain, item, blocks, scope);
        }
    }

    /// Writes a chain for each child.
    fn children<T: Bits>(
        &mut self,
        chain: &str,
        children: Vec<Child<'_, T>>,
        side: Side,
        blocks: Blocks<T>,
        scope: LineScope,
    ) {
        for (block, inside) in children {
            let name = self.chain("b");
            let prefix = T::range(block).to_string();
            let word = if side == Side::Source { "-s" } else { "-d" };
            let jump = format!("-j {name}");
            self.line(chain, &format!("{word} {prefix} "), &Action { jump: &jump, comment: "", decides: None });
            self.dispatch::<T>(&name, &inside, blocks.with(side, block), scope);
        }
    }

    fn item<T: Bits>(&mut self, chain: &str, item: &Item<'_>, blocks: Blocks<T>, scope: LineScope) {
        let side = |side: Side| {
            if item.covers(side, blocks.of(side)) {
                // Decided by the chain already.
                return vec![Alternative::new(String::new(), Part::Whole)];
            }
            addresses(item.side(side), T::FAMILY, side, By::Packet)
        };
        if item.large {
            let jump = self.sources::<T>(item.rule, scope);
            let action = Action { jump: &jump, comment: &item.rule.label.name, decides: None };
            self.product(chain, &[side(Side::Destination)], &action);
            return;
        }
        let dimensions =
            [side(Side::Source), side(Side::Destination), services(&item.rule.services, T::FAMILY, By::Packet)];
        let line = line_of(item.rule, T::FAMILY, scope);
        let decides = Line { source: item.source.clone(), destination: item.destination.clone(), ..line };
        let jump = self.target(item.rule);
        let action = Action { jump: &jump, comment: &item.rule.label.name, decides: Some(&decides) };
        self.product(chain, &dimensions, &action);
    }

    /// The jump to the chain that holds the sources and services of a rule, whose destination is decided by then.
    fn sources<T: Bits>(&mut self, rule: &PlannedRule, scope: LineScope) -> String {
        let key = (scope, rule.label.name.clone(), rule.source.clone());
        if let Some(chain) = self.shared.get(&key) {
            return format!("-j {chain}");
        }
        let chain = self.chain("s");
        self.shared.insert(key, chain.clone());
        let destination = destination_in(rule, T::FAMILY);
        let verdict = self.target(rule);
        let alternatives = services(&rule.services, T::FAMILY, By::Packet);
        // With one service the lines of the sources decide, else those of the services behind them.
        let alone = alternatives.len() == 1;
        let jump = if alone {
            verdict
        } else {
            let name = self.chain("v");
            let line = Line { destination: destination.clone(), ..line_of(rule, T::FAMILY, scope) };
            let action = Action { jump: &verdict, comment: &rule.label.name, decides: Some(&line) };
            self.product(&name, std::slice::from_ref(&alternatives), &action);
            format!("-j {name}")
        };
        let line = Line { destination, ..line_of(rule, T::FAMILY, scope) };
        let ranges = T::of(&rule.source).intervals();
        let step = if ranges.len() > LONG { LARGE } else { LONG };
        for part in ranges.chunks(step) {
            let mut into = chain.clone();
            // A sorted list in parts: one line says whether a part can hold the source at all.
            if let (true, Some(first), Some(last)) = (step == LARGE, part.first(), part.last()) {
                into = self.chain("s");
                let hull = T::range(Interval { first: first.first, last: last.last });
                let (from, to) = (hull.first(), hull.last());
                let go = format!("-j {into}");
                let options = format!("-m iprange --src-range {from}-{to} ");
                self.line(&chain, &options, &Action { jump: &go, comment: "", decides: None });
            }
            let set = Arc::new(T::wrap(part.iter().copied().collect()));
            let mut dimensions = vec![addresses(&set, T::FAMILY, Side::Source, By::Packet)];
            if alone {
                dimensions.push(alternatives.clone());
            }
            let line = Line { source: set, ..line.clone() };
            let action = Action { jump: &jump, comment: &rule.label.name, decides: alone.then_some(&line) };
            self.product(&into, &dimensions, &action);
        }
        format!("-j {chain}")
    }
}
