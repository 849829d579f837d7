//! Long runs of rules as look-ups: one address -> the list of rules for it -> the other address -> the services.
//!
//! Maps hold disjoint intervals, so a packet's way does not grow with the number of rules. Which address is looked up first is what loads faster: a hub with rules from
//! one site to many servers each has a chain per site, not one per server. The weights are measured on nft 1.0.6 and Linux 6.18, where a line costs 45 us and an element 7 to 16.
//!
//! One flat map over addresses and ports at once would be simpler to read, but loads four times slower (20,000 rules: 14 s against 4 s) and its packets get slower
//! with each element. Rules about many addresses stand in look-ups of their own, where few chains share long lists, instead of being repeated for every small rule's address.

use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::matching::{COMMENT, Named, flags, put_range, separate};
use super::rules::{put_rest, verdict};
use super::write::{Section, Writer};
use crate::packet::{AddressSet, Family, Interval, IntervalSet, ServiceSet};
use crate::plan::PlannedRule;
use crate::platform::common::cells::{Cells, cells};
use crate::platform::common::names::fit;
use crate::platform::common::rules::{decision, occurs};
use crate::platform::common::text::put;
use crate::platform::{Detail, Line, LineScope};
use crate::syntax::ast::Effect;

/// At most this many lines in a row.
const FEW: usize = 8;
/// A rule that would need more elements than this is a wide one ...
const WIDE: usize = 64;
/// ... and so is one whose addresses of the first look-up come in more pieces than this.
const PIECES: usize = 16;
/// Addresses of more ranges than this are matched by a set, not spread over a map.
const LARGE: usize = 16;
/// The most rules with large addresses, summed over chains, that are repeated in them; beyond it plain lines load faster.
const BUDGET: usize = 50_000;
/// What a line costs to load, in elements of single addresses.
const LINE: usize = 6;
/// What a map costs that is used once, with the line that uses it.
const MAP: usize = 9;

/// One of a rule's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
}

impl Side {
    const BOTH: [Self; 2] = [Self::Destination, Self::Source];

    fn other(self) -> Self {
        if self == Self::Source { Self::Destination } else { Self::Source }
    }

    fn of(self, rule: &PlannedRule) -> &Arc<AddressSet> {
        if self == Self::Source { &rule.source } else { &rule.destination }
    }

    fn in_family<T: Named>(self, rule: &PlannedRule) -> &IntervalSet<T> {
        T::of(self.of(rule))
    }

    /// How a match calls it.
    fn word(self) -> &'static str {
        if self == Self::Source { "saddr" } else { "daddr" }
    }

    /// What its maps are called.
    fn map(self) -> &'static str {
        if self == Self::Source { "sources" } else { "destinations" }
    }

    /// What the chains are called that its maps lead to.
    fn chain(self) -> &'static str {
        if self == Self::Source { "from" } else { "to" }
    }
}

/// Where packets go whose addresses are decided.
type Target = Rc<str>;

/// Chains that hold services only, by what they mean: shared by all rules of a device with the same services.
#[derive(Debug, Default)]
pub(super) struct ServiceChains {
    plain: FxHashMap<(Family, Effect, ServiceSet), Target>,
    /// The same by where the plan holds the sets: most lists hold sets whose union is known already.
    by_place: FxHashMap<(Family, Effect, Vec<*const ServiceSet>), Target>,
}

/// A run in one family on its way into look-ups.
struct Run<'p> {
    rules: Vec<&'p PlannedRule>,
    /// How many lines the services of each rule need.
    widths: Vec<usize>,
    scope: LineScope,
    /// Service chains of logged rules, by their list.
    logged: FxHashMap<Vec<u32>, Target>,
}

impl<'p> Run<'p> {
    fn get(&self, id: u32) -> Option<&'p PlannedRule> {
        self.rules.get(usize::try_from(id).unwrap_or(usize::MAX)).copied()
    }

    fn all(&self, list: &[u32]) -> impl Iterator<Item = &'p PlannedRule> {
        list.iter().filter_map(|&id| self.get(id))
    }

    /// How many lines some rules need.
    fn lines(&self, list: &[u32]) -> usize {
        list.iter().filter_map(|&id| self.widths.get(usize::try_from(id).unwrap_or(usize::MAX))).sum()
    }

    /// The intervals of one side of some rules.
    fn intervals<'r, T: Named + 'r>(
        &'r self,
        list: &'r [u32],
        side: Side,
    ) -> impl Iterator<Item = (Interval<T>, u32)> + 'r {
        let of = move |id: u32| self.get(id).map(|rule| (id, side.in_family::<T>(rule)));
        list.iter()
            .filter_map(move |&id| of(id))
            .flat_map(|(id, set)| set.intervals().iter().map(move |&interval| (interval, id)))
    }

    /// Whether one side of a rule is too long for a map.
    fn is_large<T: Named>(&self, id: u32, side: Side) -> bool {
        self.get(id).is_some_and(|rule| side.in_family::<T>(rule).intervals().len() > LARGE)
    }

    /// How a chain for addresses of `first` says its list: rules as lines, rules in a map of the other side.
    fn arrange<T: Named>(&self, list: &[u32], first: Side) -> (Vec<u32>, Vec<u32>) {
        if self.lines(list) <= FEW {
            return (list.to_vec(), Vec::new());
        }
        let (large, small): (Vec<u32>, Vec<u32>) = list.iter().partition(|&&id| self.is_large::<T>(id, first.other()));
        if self.lines(&large) <= FEW { (large, small) } else { (Vec::new(), list.to_vec()) }
    }
}

/// Some rules, and how they are looked up.
struct Table<T> {
    list: Vec<u32>,
    /// `None`: not at all, they stand as lines.
    lookup: Option<(Side, Cells<T>)>,
    cost: usize,
}

impl<T: Named> Table<T> {
    fn lines(run: &Run<'_>, list: Vec<u32>) -> Self {
        let cost = LINE * run.lines(&list);
        Self { list, lookup: None, cost }
    }

    /// Rules in a look-up that begins with one side; as lines where there are few, or where it would be too large.
    fn of(run: &Run<'_>, list: Vec<u32>, side: Side) -> Self {
        if list.len() <= FEW {
            return Self::lines(run, list);
        }
        let cells = cells(run.intervals::<T>(&list, side));
        let large = |list: &Vec<u32>| list.iter().filter(|&&id| run.is_large::<T>(id, side.other())).count();
        if cells.lists.iter().map(large).sum::<usize>() > BUDGET {
            return Self { cost: usize::MAX / 4, ..Self::lines(run, list) };
        }
        let elements: usize = cells.pieces.iter().map(|(piece, _)| weight(*piece)).sum();
        let chains: usize = cells.lists.iter().map(|list| chain_cost::<T>(run, list, side)).sum();
        Self { list, lookup: Some((side, cells)), cost: MAP + elements + chains }
    }
}

/// What an element costs to load.
fn weight<T: Named>(interval: Interval<T>) -> usize {
    if interval.first == interval.last { 1 } else { 2 }
}

/// What the chain of a list costs.
fn chain_cost<T: Named>(run: &Run<'_>, list: &[u32], first: Side) -> usize {
    let (lines, mapped) = run.arrange::<T>(list, first);
    let elements: usize = run.intervals::<T>(&mapped, first.other()).map(|(interval, _)| weight(interval) + 1).sum();
    1 + LINE * run.lines(&lines) + if mapped.is_empty() { 0 } else { MAP + elements }
}

/// The cheapest way to look up a run: the rules with few addresses, and the others.
fn best<T: Named>(run: &Run<'_>) -> Vec<Table<T>> {
    let differ = |side: Side| {
        let set = |rule: &PlannedRule| Arc::as_ptr(side.of(rule));
        run.rules.iter().any(|rule| run.rules.first().is_none_or(|first| set(first) != set(rule)))
    };
    // Where all rules have one source, asking for it first tells nothing.
    let sides = || Side::BOTH.into_iter().filter(|&side| side == Side::Destination || differ(side));
    let candidates = sides().map(|side| {
        let (narrow, wide) = split::<T>(run, side);
        let wide = sides().map(|side| Table::of(run, wide.clone(), side)).min_by_key(|table| table.cost);
        [Table::of(run, narrow, side)].into_iter().chain(wide).collect::<Vec<_>>()
    });
    let cost = |tables: &Vec<Table<T>>| tables.iter().map(|table| table.cost).sum::<usize>();
    candidates.min_by_key(cost).unwrap_or_default()
}

impl<'p> Writer<'p> {
    /// Writes look-ups for a run into the open chain.
    pub(super) fn lookup<T: Named>(&mut self, run: &'p [PlannedRule], scope: LineScope) {
        let mut width = |rule: &'p PlannedRule| self.services.of(&rule.services, T::FAMILY).len();
        let here = run.iter().filter(|rule| occurs(rule, T::FAMILY));
        let (rules, widths) = here.map(|rule| (rule, width(rule))).filter(|(_, width)| *width > 0).unzip();
        let mut run = Run { rules, widths, scope, logged: FxHashMap::default() };
        for Table { list, lookup, .. } in best::<T>(&run) {
            match lookup {
                Some((side, cells)) => self.table(&mut run, side, &cells),
                None => run.all(&list).for_each(|rule| self.rule(rule, T::FAMILY, scope)),
            }
        }
    }

    /// Writes the map from one address to the chains of its rules.
    fn table<T: Named>(&mut self, run: &mut Run<'p>, side: Side, cells: &Cells<T>) {
        let number = self.number();
        let mut pieces: Vec<(usize, Interval<T>)> = cells.pieces.iter().map(|&(piece, list)| (list, piece)).collect();
        pieces.sort_by_key(|(list, _)| *list);
        let rows = pieces.chunk_by(|a, b| a.0 == b.0);
        for (at, (list, row)) in cells.lists.iter().zip(rows).enumerate() {
            self.chain::<T>(run, side, list, row, &format!("{}_{number}_{at}", side.chain()));
        }
        // Where ranges are the exception, they have a map of their own, and the others one without order.
        let (single, ranges): (Vec<_>, Vec<_>) =
            pieces.iter().copied().partition(|(_, piece): &(usize, Interval<T>)| piece.first == piece.last);
        let name = format!("{}_{number}", side.map());
        if !ranges.is_empty() && ranges.len() * 2 < single.len() {
            self.dispatch(&name, side, number, &single);
            self.dispatch(&format!("{name}_ranges"), side, number, &ranges);
        } else {
            self.dispatch(&name, side, number, &pieces);
        }
    }

    /// Writes one map to chains, and the line that uses it.
    fn dispatch<T: Named>(&mut self, name: &str, side: Side, number: usize, pieces: &[(usize, Interval<T>)]) {
        let flags = flags(pieces.iter().map(|(_, piece)| *piece));
        let text = &mut self.lookups;
        put!(text, "\tmap {name} {{ type {} : verdict;{flags} elements = {{", T::TYPE);
        for (nth, row) in pieces.chunk_by(|a, b| a.0 == b.0).enumerate() {
            text.push(if nth > 0 { "," } else { "" });
            for (at, (list, piece)) in row.iter().enumerate() {
                separate(text, at);
                put_range(text, *piece);
                for part in [" : jump ", side.chain(), "_"] {
                    text.push(part);
                }
                text.number(number);
                text.push("_");
                text.number(*list);
            }
        }
        text.end();
        text.line("\t} }");
        put!(self.chains, "\t\t{} {} vmap @{name}", T::WORD, side.word());
        self.chains.end();
    }

    /// Writes the chain of addresses that see the same list of rules.
    fn chain<T: Named>(
        &mut self,
        run: &mut Run<'p>,
        side: Side,
        list: &[u32],
        members: &[(usize, Interval<T>)],
        name: &str,
    ) {
        let members = (self.detail == Detail::Lines)
            .then(|| Arc::new(T::wrap(members.iter().map(|(_, piece)| *piece).collect())));
        let (as_lines, mapped) = run.arrange::<T>(list, side);
        let map = (!mapped.is_empty()).then(|| self.inner::<T>(run, side.other(), &mapped, members.as_ref(), name));
        for part in ["\tchain ", name, " {"] {
            self.lookups.push(part);
        }
        self.lookups.end();
        let mapped_lines = self.decided.len();
        for rule in run.all(&as_lines) {
            self.half_line::<T>(rule, run.scope, side.other(), members.as_ref());
        }
        // The lines of this chain are tried before its map, whose lines were noted first.
        if let Some((map, from)) = map {
            self.decided.get_mut(from..).unwrap_or_default().rotate_left(mapped_lines.saturating_sub(from));
            put!(self.lookups, "\t\t{} {} vmap @{map}", T::WORD, side.other().word());
            self.lookups.end();
        }
        self.lookups.line("\t}");
    }

    /// Writes a rule in a chain that has decided one address already: only the address of `side` is left.
    fn half_line<T: Named>(
        &mut self,
        rule: &'p PlannedRule,
        scope: LineScope,
        side: Side,
        decided: Option<&Arc<AddressSet>>,
    ) {
        let set = side.in_family::<T>(rule);
        let ranges = set.intervals();
        // A set of its own for each couple of addresses would be thousands, and the kernel finds a set by walking past all others.
        let apart = self.addresses.sparing && ranges.len() == 2;
        for part in ranges.chunks(if apart { 1 } else { ranges.len().max(1) }) {
            for product in self.services.of(&rule.services, T::FAMILY).iter() {
                let text = &mut self.lookups;
                text.push("\t\t");
                if !set.is_full() {
                    for part in [T::WORD, " ", side.word(), " "] {
                        text.push(part);
                    }
                    self.addresses.put(text, part);
                    text.push(" ");
                }
                put_rest(text, rule, &product.text);
                let line = text.end();
                let (Some(decided), Some(services)) = (decided, &product.services) else { continue };
                let cut = || Arc::new(T::wrap(part.iter().copied().collect()));
                let sets = ends(&if apart { cut() } else { side.of(rule).clone() }, decided, side);
                self.decide(Section::Lookups, line, || line_for(rule, scope, sets, services));
            }
        }
    }

    /// Writes the map from the second address to chains of services; returns its name and where its lines begin.
    fn inner<T: Named>(
        &mut self,
        run: &mut Run<'p>,
        side: Side,
        list: &[u32],
        decided: Option<&Arc<AddressSet>>,
        name: &str,
    ) -> (String, usize) {
        let Cells { pieces, lists } = cells(run.intervals::<T>(list, side));
        let targets: Vec<(Target, String)> =
            lists.iter().map(|list| (self.target::<T>(run, list), names(run, list))).collect();
        let from = self.decided.len();
        let map = format!("{}_{name}", side.chain());
        let flags = flags(pieces.iter().map(|(piece, _)| *piece));
        put!(self.lookups, "\tmap {map} {{ type {} : verdict;{flags} counter; elements = {{", T::TYPE);
        for (at, (piece, list)) in pieces.iter().enumerate() {
            self.lookups.push(if at > 0 { "," } else { "" });
            separate(&mut self.lookups, 0);
            put_range(&mut self.lookups, *piece);
            let (Some((target, names)), Some(list)) = (targets.get(*list), lists.get(*list)) else { continue };
            for part in [" counter comment \"", &fit(names, COMMENT), "\" : ", target] {
                self.lookups.push(part);
            }
            // This line ends with the next element's comma; its number is known now.
            let line = self.lookups.lines() + 1;
            let Some(decided) = decided else { continue };
            let piece = Arc::new(T::wrap((*piece).into()));
            for rule in run.all(list) {
                let sets = ends(&piece, decided, side);
                self.decide(Section::Lookups, line, || line_for(rule, run.scope, sets, &rule.services));
            }
        }
        self.lookups.end();
        self.lookups.line("\t} }");
        (map, from)
    }

    /// The verdict of a list of rules whose addresses are decided: a chain of their services.
    fn target<T: Named>(&mut self, run: &mut Run<'p>, list: &[u32]) -> Target {
        if !run.all(list).any(|rule| rule.log) {
            return self.services::<T>(run, list);
        }
        if let Some(target) = run.logged.get(list) {
            return target.clone();
        }
        let chain = format!("logged_{}", self.number());
        put!(self.lookups, "\tchain {chain} {{");
        self.lookups.end();
        for rule in run.all(list) {
            for product in self.services.of(&rule.services, T::FAMILY).iter() {
                self.lookups.push("\t\t");
                put_rest(&mut self.lookups, rule, &product.text);
                self.lookups.end();
            }
        }
        self.lookups.line("\t}");
        let target: Target = format!("goto {chain}").into();
        run.logged.insert(list.to_vec(), target.clone());
        target
    }

    /// The verdict of unlogged rules.
    fn services<T: Named>(&mut self, run: &Run<'p>, list: &[u32]) -> Target {
        let mut sets: Vec<&'p Arc<ServiceSet>> = run.all(list).map(|rule| &rule.services).collect();
        sets.sort_unstable_by_key(|set| Arc::as_ptr(set));
        sets.dedup_by_key(|set| Arc::as_ptr(set));
        let Some(first) = run.all(list).next() else { return "continue".into() };
        let place = (T::FAMILY, first.effect, sets.iter().map(|set| Arc::as_ptr(set)).collect());
        if let Some(known) = self.chains_of.by_place.get(&place) {
            return known.clone();
        }
        let union = sets.iter().fold(ServiceSet::empty(), |union, set| union.union(set));
        let target = self.service_chain::<T>(first, union);
        self.chains_of.by_place.insert(place, target.clone());
        target
    }

    /// The verdict of rules like `first` for all their services: a chain, shared in the whole device.
    fn service_chain<T: Named>(&mut self, first: &PlannedRule, union: ServiceSet) -> Target {
        if union.is_any() {
            return verdict(first).into();
        }
        let key = (T::FAMILY, first.effect, union);
        if let Some(target) = self.chains_of.plain.get(&key) {
            return target.clone();
        }
        let chain = format!("services{}_{}", T::DIGIT, self.chains_of.plain.len());
        put!(self.lookups, "\tchain {chain} {{");
        self.lookups.end();
        let union = Arc::new(key.2);
        for product in self.services.products(&union, T::FAMILY) {
            for part in ["\t\t", &product.text, "counter ", verdict(first)] {
                self.lookups.push(part);
            }
            self.lookups.end();
        }
        self.lookups.line("\t}");
        let target: Target = format!("goto {chain}").into();
        let union = Arc::unwrap_or_clone(union);
        self.chains_of.plain.insert((key.0, key.1, union), target.clone());
        target
    }
}

/// Rules that need few elements where a look-up begins with one side, and the others.
fn split<T: Named>(run: &Run<'_>, side: Side) -> (Vec<u32>, Vec<u32>) {
    let mut borders: Vec<T> = Vec::new();
    for rule in &run.rules {
        for interval in side.in_family::<T>(rule).intervals() {
            borders.push(interval.first);
            borders.extend(interval.last.next());
        }
    }
    borders.sort_unstable();
    borders.dedup();
    let below = |value: T| borders.partition_point(|&border| border < value);
    let is_narrow = |rule: &PlannedRule| {
        let cut = |i: &Interval<T>| {
            let pieces = || i.last.next().map_or(borders.len(), below).saturating_sub(below(i.first));
            if i.first == i.last { 1 } else { pieces() }
        };
        let own = side.in_family::<T>(rule).intervals();
        if own.len() > PIECES {
            return false;
        }
        let pieces: usize = own.iter().map(cut).sum();
        pieces <= PIECES && pieces * side.other().in_family::<T>(rule).intervals().len() <= WIDE
    };
    (0_u32..).zip(&run.rules).map(|(id, _)| id).partition(|&id| run.get(id).is_some_and(is_narrow))
}

fn names(run: &Run<'_>, list: &[u32]) -> String {
    let mut all = String::new();
    for (at, rule) in run.all(list).enumerate() {
        if at > 0 {
            all.push_str(", ");
        }
        all.push_str(&rule.label.name);
    }
    all
}

/// Source and destination, where `address` is that of `side`.
fn ends(address: &Arc<AddressSet>, other: &Arc<AddressSet>, side: Side) -> (Arc<AddressSet>, Arc<AddressSet>) {
    if side == Side::Source { (address.clone(), other.clone()) } else { (other.clone(), address.clone()) }
}

fn line_for(
    rule: &PlannedRule,
    scope: LineScope,
    (source, destination): (Arc<AddressSet>, Arc<AddressSet>),
    services: &Arc<ServiceSet>,
) -> Line {
    Line {
        file: 0,
        line: 0,
        scope,
        source,
        destination,
        services: services.clone(),
        decision: decision(rule),
        labels: vec![rule.label.clone()],
    }
}
