//! Long runs of rules as look-ups: destination -> the list of rules for it -> source -> the services that it may use.
//!
//! The map of destinations and each map of sources hold disjoint intervals, which the kernel keeps in trees, so a packet's way does not grow with the number of
//! rules. One flat map over addresses and ports at once would be simpler to read, but loads four times slower (20,000 rules: 14 s against 4 s
//! measured on nft 1.0.6) and its packets get slower with each element. Rules with large sources or many destinations stand in a
//! look-up of their own, where few chains share long lists, instead of being repeated for every small rule's destination.

use std::collections::HashMap;
use std::sync::Arc;

use super::matching::{COMMENT, Named, put_range};
use super::rules::{put_rest, verdict};
use super::write::{Section, Writer};
use crate::packet::{AddressSet, Family, Interval, IntervalSet, ServiceSet};
use crate::plan::PlannedRule;
use crate::platform::common::cells::{cells, groups};
use crate::platform::common::names::fit;
use crate::platform::common::rules::{decision, occurs};
use crate::platform::common::text::put;
use crate::platform::common::traffic::matches;
use crate::platform::{Line, LineScope};
use crate::syntax::ast::Effect;

/// At most this many lines in a row.
const FEW: usize = 8;
/// A rule that would need more elements than this is a wide one ...
const WIDE: usize = 64;
/// ... and so is one whose destinations come in more pieces than this.
const PIECES: usize = 16;
/// A source of more ranges than this is matched by a set, not spread over a map.
const LARGE: usize = 16;
/// The most rules with large sources, summed over destination groups, that are repeated in chains; beyond it plain lines load faster.
const BUDGET: usize = 50_000;

/// Chains that hold services only, by what they mean: shared by all rules of a device with the same services.
#[derive(Debug, Default)]
pub(super) struct ServiceChains {
    plain: HashMap<(Family, bool, ServiceSet), String>,
    /// The verdict for services by where the plan holds them: most lists hold sets whose union is known already.
    by_place: HashMap<(Family, bool, Vec<*const ServiceSet>), Known>,
}

/// A verdict, with the sets that it is for: while they live, no other set can take their places.
#[derive(Debug)]
struct Known {
    target: String,
    _sets: Vec<Arc<ServiceSet>>,
}

/// A run in one family on its way into look-ups.
struct Run<'r> {
    rules: Vec<&'r PlannedRule>,
    /// How many lines the services of each rule need.
    widths: Vec<usize>,
    scope: LineScope,
    /// Service chains of logged rules, by their list.
    logged: HashMap<Vec<u32>, String>,
}

impl Run<'_> {
    fn get(&self, id: u32) -> Option<&PlannedRule> {
        self.rules.get(usize::try_from(id).unwrap_or(usize::MAX)).copied()
    }

    fn all(&self, list: &[u32]) -> impl Iterator<Item = &PlannedRule> {
        list.iter().filter_map(|&id| self.get(id))
    }

    /// How many lines some rules need.
    fn lines(&self, list: &[u32]) -> usize {
        list.iter().filter_map(|&id| self.widths.get(usize::try_from(id).unwrap_or(usize::MAX))).sum()
    }
}

impl Writer<'_> {
    /// Writes look-ups for a run into the open chain.
    pub(super) fn lookup<T: Named>(&mut self, run: &[PlannedRule], scope: LineScope) {
        let mut width = |rule: &PlannedRule| self.matches.of(&rule.services, T::FAMILY).len();
        let here = run.iter().filter(|rule| occurs(rule, T::FAMILY));
        let (rules, widths) = here.map(|rule| (rule, width(rule))).filter(|(_, width)| *width > 0).unzip();
        let mut run = Run { rules, widths, scope, logged: HashMap::new() };
        let (narrow, wide) = split::<T>(&run);
        for part in [narrow, wide] {
            if part.len() <= FEW {
                for &id in &part {
                    if let Some(rule) = run.get(id).cloned() {
                        self.rule(&rule, T::FAMILY, scope);
                    }
                }
            } else {
                self.destinations::<T>(&mut run, &part);
            }
        }
    }

    /// Writes the map from destinations to the chains of their rules.
    fn destinations<T: Named>(&mut self, run: &mut Run<'_>, list: &[u32]) {
        let pieces = cells(intervals(run, list, |rule| T::of(&rule.destination)));
        let all = groups(pieces);
        let large = |id: &&u32| run.get(**id).is_some_and(|rule| T::of(&rule.source).intervals().len() > LARGE);
        if all.iter().map(|(list, _)| list.iter().filter(large).count()).sum::<usize>() > BUDGET {
            for rule in run.all(list).cloned().collect::<Vec<_>>() {
                self.rule(&rule, T::FAMILY, run.scope);
            }
            return;
        }
        let number = self.number();
        let mut targets: Vec<(Interval<T>, usize)> = Vec::new();
        for (at, (list, members)) in all.iter().enumerate() {
            targets.extend(members.intervals().iter().map(|&interval| (interval, at)));
            self.group::<T>(run, list, members, &format!("to_{number}_{at}"));
        }
        targets.sort_unstable();
        put!(self.lookups, "\tmap destinations_{number} {{ type {} : verdict; flags interval; elements = {{", T::TYPE);
        for (at, (interval, group)) in targets.iter().enumerate() {
            self.lookups.push(if at > 0 { "," } else { "" });
            self.lookups.end();
            self.lookups.push("\t\t");
            put_range(&mut self.lookups, *interval);
            put!(self.lookups, " : jump to_{number}_{group}");
        }
        self.lookups.end();
        self.lookups.line("\t} }");
        put!(self.chains, "\t\t{} daddr vmap @destinations_{number}", T::WORD);
        self.chains.end();
    }

    /// Writes the chain of destinations that see the same list of rules.
    fn group<T: Named>(&mut self, run: &mut Run<'_>, list: &[u32], members: &IntervalSet<T>, name: &str) {
        let destination = Arc::new(T::wrap(members.clone()));
        let (large, small): (Vec<u32>, Vec<u32>) =
            list.iter().partition(|&&id| run.get(id).is_some_and(|r| T::of(&r.source).intervals().len() > LARGE));
        let (as_lines, mapped) = if run.lines(list) <= FEW {
            (list.to_vec(), Vec::new())
        } else if run.lines(&large) <= FEW {
            (large, small)
        } else {
            (Vec::new(), list.to_vec())
        };
        let map = (!mapped.is_empty()).then(|| self.sources::<T>(run, &mapped, &destination, name));
        put!(self.lookups, "\tchain {name} {{");
        self.lookups.end();
        let mapped_lines = self.decided.len();
        for rule in run.all(&as_lines) {
            self.source_line::<T>(rule, run.scope, &destination);
        }
        // The lines of this chain are tried before its map, whose lines were noted first.
        if let Some((map, from)) = map {
            self.decided.get_mut(from..).unwrap_or_default().rotate_left(mapped_lines.saturating_sub(from));
            put!(self.lookups, "\t\t{} saddr vmap @{map}", T::WORD);
            self.lookups.end();
        }
        self.lookups.line("\t}");
    }

    /// Writes a rule without its destination, which the chain has decided already.
    fn source_line<T: Named>(&mut self, rule: &PlannedRule, scope: LineScope, destination: &Arc<AddressSet>) {
        for (traffic, services) in self.matches.of(&rule.services, T::FAMILY).iter() {
            let mut text = std::mem::take(&mut self.lookups);
            text.push("\t\t");
            if !T::of(&rule.source).is_full() {
                put!(text, "{} saddr ", T::WORD);
                self.addresses.put(&mut text, T::of(&rule.source));
                text.push(" ");
            }
            put_rest(&mut self.addresses, &mut text, rule, traffic, T::FAMILY);
            let line = text.end();
            self.lookups = text;
            let sets = (rule.source.clone(), destination.clone(), services.clone());
            self.decide(Section::Lookups, line, decided(rule, scope, sets));
        }
    }

    /// Writes the map from sources to chains of services; returns its name and where its lines begin.
    fn sources<T: Named>(
        &mut self,
        run: &mut Run<'_>,
        list: &[u32],
        destination: &Arc<AddressSet>,
        name: &str,
    ) -> (String, usize) {
        let pieces = cells(intervals(run, list, |rule| T::of(&rule.source)));
        let targets: Vec<String> = pieces.iter().map(|(_, list)| self.target::<T>(run, list)).collect();
        let from = self.decided.len();
        put!(self.lookups, "\tmap from_{name} {{ type {} : verdict; flags interval; counter; elements = {{", T::TYPE);
        for (at, ((interval, list), target)) in pieces.iter().zip(targets).enumerate() {
            self.lookups.push(if at > 0 { "," } else { "" });
            self.lookups.end();
            self.lookups.push("\t\t");
            put_range(&mut self.lookups, *interval);
            put!(self.lookups, " counter comment \"{}\" : {target}", fit(&names(run, list), COMMENT));
            // This line ends with the next element's comma; its number is known now.
            let line = self.lookups.lines() + 1;
            let source = Arc::new(T::wrap((*interval).into()));
            for rule in run.all(list) {
                let sets = (source.clone(), destination.clone(), rule.services.clone());
                self.decide(Section::Lookups, line, decided(rule, run.scope, sets));
            }
        }
        self.lookups.end();
        self.lookups.line("\t} }");
        (format!("from_{name}"), from)
    }

    /// The verdict of a list of rules whose addresses are decided: a chain of their services.
    fn target<T: Named>(&mut self, run: &mut Run<'_>, list: &[u32]) -> String {
        let logs = run.all(list).any(|rule| rule.log);
        if logs {
            if let Some(chain) = run.logged.get(list) {
                return format!("goto {chain}");
            }
            let chain = format!("logged_{}", self.number());
            put!(self.lookups, "\tchain {chain} {{");
            self.lookups.end();
            for rule in run.all(list) {
                for traffic in matches(&rule.services, T::FAMILY) {
                    self.lookups.push("\t\t");
                    put_rest(&mut self.addresses, &mut self.lookups, rule, &traffic, T::FAMILY);
                    self.lookups.end();
                }
            }
            self.lookups.line("\t}");
            let target = format!("goto {chain}");
            run.logged.insert(list.to_vec(), chain);
            return target;
        }
        self.services::<T>(run, list)
    }

    /// The verdict of unlogged rules.
    fn services<T: Named>(&mut self, run: &Run<'_>, list: &[u32]) -> String {
        let mut sets: Vec<&Arc<ServiceSet>> = run.all(list).map(|rule| &rule.services).collect();
        sets.sort_unstable_by_key(|set| Arc::as_ptr(set));
        sets.dedup_by_key(|set| Arc::as_ptr(set));
        let Some(first) = run.all(list).next() else { return "continue".into() };
        let place = (T::FAMILY, first.effect == Effect::Allow, sets.iter().map(|set| Arc::as_ptr(set)).collect());
        if let Some(known) = self.services.by_place.get(&place) {
            return known.target.clone();
        }
        let union = sets.iter().fold(ServiceSet::empty(), |union, set| union.union(set));
        let target = self.service_chain::<T>(first, union);
        let known = Known { target: target.clone(), _sets: sets.into_iter().cloned().collect() };
        self.services.by_place.insert(place, known);
        target
    }

    /// The verdict of rules like `first` for all their services: a chain, shared in the whole device.
    fn service_chain<T: Named>(&mut self, first: &PlannedRule, union: ServiceSet) -> String {
        if union.is_any() {
            return verdict(first).into();
        }
        let key = (T::FAMILY, first.effect == Effect::Allow, union);
        if let Some(chain) = self.services.plain.get(&key) {
            return format!("goto {chain}");
        }
        let chain = format!("services{}_{}", T::DIGIT, self.services.plain.len());
        put!(self.lookups, "\tchain {chain} {{");
        self.lookups.end();
        for traffic in matches(&key.2, T::FAMILY) {
            self.lookups.push("\t\t");
            self.addresses.put_traffic(&mut self.lookups, &traffic, T::FAMILY);
            put!(self.lookups, "counter {}", verdict(first));
            self.lookups.end();
        }
        self.lookups.line("\t}");
        let target = format!("goto {chain}");
        self.services.plain.insert(key, chain);
        target
    }
}

/// Rules that need few elements, and the others.
fn split<T: Named>(run: &Run<'_>) -> (Vec<u32>, Vec<u32>) {
    let mut borders: Vec<T> = Vec::new();
    for rule in &run.rules {
        for interval in T::of(&rule.destination).intervals() {
            borders.push(interval.first);
            borders.extend(interval.last.next());
        }
    }
    borders.sort_unstable();
    borders.dedup();
    let below = |value: T| borders.partition_point(|&border| border < value);
    let is_narrow = |rule: &PlannedRule| {
        let cut = |i: &Interval<T>| i.last.next().map_or(borders.len(), below).saturating_sub(below(i.first));
        let pieces: usize = T::of(&rule.destination).intervals().iter().map(cut).sum();
        pieces <= PIECES && pieces * T::of(&rule.source).intervals().len() <= WIDE
    };
    (0_u32..).zip(&run.rules).map(|(id, rule)| (id, is_narrow(rule))).fold(
        (Vec::new(), Vec::new()),
        |(mut narrow, mut wide), (id, few)| {
            if few {
                narrow.push(id)
            } else {
                wide.push(id)
            }
            (narrow, wide)
        },
    )
}

fn intervals<'r, T: Named + 'r>(
    run: &'r Run<'_>,
    list: &'r [u32],
    side: impl Fn(&'r PlannedRule) -> &'r IntervalSet<T> + 'r,
) -> Vec<(Interval<T>, u32)> {
    let of = |id: u32| run.get(id).map(|rule| (id, side(rule)));
    list.iter().filter_map(|&id| of(id)).flat_map(|(id, set)| set.intervals().iter().map(move |&i| (i, id))).collect()
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

fn decided(
    rule: &PlannedRule,
    scope: LineScope,
    (source, destination, services): (Arc<AddressSet>, Arc<AddressSet>, Arc<ServiceSet>),
) -> Line {
    Line {
        file: 0,
        line: 0,
        scope,
        source,
        destination,
        services,
        decision: decision(rule),
        labels: vec![rule.label.clone()],
    }
}
