//! Which assertions hold, by every representative flow, and which rules would have to go.

use super::Verdict;
use super::chains::{Chains, Hops};
use super::table::{Between, Facts, Rules, Table, Triple, chosen};
use crate::worlds::{Assertion, Effect};
use std::collections::{BTreeMap, BTreeSet};

/// What is said about an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Proved,
    Violated,
    Inactive,
}

impl Outcome {
    /// As the program writes it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Proved => "proved",
            Outcome::Violated => "violated",
            Outcome::Inactive => "inactive",
        }
    }
}

/// How long the search for a smallest mend may last, in sets of rules.
const MOST_SETS: usize = 3000;

/// One assertion of a world.
pub struct Judge<'t, 'r, 'w> {
    pub table: &'t Table<'r, 'w>,
    pub assertion: &'w Assertion,
    pub from: Vec<bool>,
    pub to: Vec<bool>,
    pub on: Vec<bool>,
    /// The rules that active waivers take away for this assertion.
    pub waived: Rules,
    around: BTreeMap<(usize, usize), bool>,
}

impl<'t, 'r, 'w> Judge<'t, 'r, 'w> {
    /// Prepares to judge an assertion of the table's world.
    pub fn new(table: &'t Table<'r, 'w>, assertion: &'w Assertion) -> Self {
        let waivers = &table.reference.world.waivers;
        let active = waivers.iter().filter(|one| one.assertion == assertion.name && table.reference.is_waiving(one));
        let waived: Vec<String> = active.map(|waiver| waiver.rule.clone()).collect();
        let mut judge = Self {
            table,
            assertion,
            from: table.held(&assertion.from),
            to: table.held(&assertion.to),
            on: table.served(assertion.on.as_ref()),
            waived: table.rules(&waived).unwrap(),
            around: BTreeMap::new(),
        };
        judge.around = judge.find_around();
        judge
    }

    /// The pairs of places that the assertion is about: from A to B, and with `both-ways` from B to A.
    fn directions(&self) -> Vec<(&[bool], &[bool])> {
        let forth = (self.from.as_slice(), self.to.as_slice());
        if self.assertion.both_ways { vec![forth, (forth.1, forth.0)] } else { vec![forth] }
    }

    /// Of each pair of places whether some path does without everything that `via` names.
    fn find_around(&self) -> BTreeMap<(usize, usize), bool> {
        let mut around = BTreeMap::new();
        let mut known: BTreeMap<_, bool> = BTreeMap::new();
        if self.assertion.via.is_empty() {
            return around;
        }
        let places = &self.table.places;
        for (from, to) in self.directions() {
            for (source, to) in chosen(from).flat_map(|source| chosen(to).map(move |to| (source, to))) {
                let key = (&places[source].network, &places[to].network);
                let find = || self.table.reference.goes_around(&self.assertion.via, &places[source], &places[to]);
                around.insert((source, to), *known.entry(key).or_insert_with(find));
            }
        }
        around
    }

    /// The representative flows that the assertion is about.
    ///
    /// For `only` these are the flows to B on S from anywhere but A.
    pub fn about(&self) -> BTreeSet<Triple> {
        if self.assertion.kind == "only" {
            let others: Vec<bool> = self.from.iter().map(|held| !held).collect();
            return self.table.triples(&others, &self.to, &self.on).into_iter().collect();
        }
        self.directions().into_iter().flat_map(|(from, to)| self.table.triples(from, to, &self.on)).collect()
    }

    /// Whether the flow is one that the assertion forbids (or, for `must`, misses), if these rules did not exist.
    fn is_wrong(&self, triple: Triple, verdict: Verdict) -> bool {
        let arrives = matches!(verdict, Verdict::Pass | Verdict::Unenforced);
        match self.assertion.kind {
            "never" => arrives,
            "only" => verdict == Verdict::Pass,
            "must" => !arrives || self.around.get(&(triple.0, triple.1)) == Some(&true),
            other => panic!("there is no assertion called {other}"),
        }
    }

    /// The flows that violate an assertion that is not transitive.
    pub fn violating(&self) -> BTreeSet<Triple> {
        let wrong = |triple: &Triple| self.is_wrong(*triple, self.table.verdict(*triple, self.waived));
        self.about().into_iter().filter(wrong).collect()
    }

    /// The length of the shortest chain that violates a transitive `never`.
    pub fn length(&self) -> Option<usize> {
        self.length_without(&Hops::new(self.table, &self.on), 0)
    }

    fn length_without(&self, hops: &Hops, without: Rules) -> Option<usize> {
        let chains = Chains::new(self.table, hops, self.waived | without);
        let shortest = |(from, to): (&[bool], &[bool])| {
            let lengths = chains.lengths(from);
            chosen(to).filter_map(|place| lengths[place]).min()
        };
        self.directions().into_iter().filter_map(shortest).min()
    }

    /// Whether it is proved, violated, or inactive.
    pub fn outcome(&self) -> Outcome {
        if !self.table.reference.is_asserted(self.assertion) {
            return Outcome::Inactive;
        }
        let holds = if self.assertion.transitive { self.length().is_none() } else { self.violating().is_empty() };
        if holds { Outcome::Proved } else { Outcome::Violated }
    }

    /// The rules that could mend it: what it objects to are allows, or for `must` denies.
    pub fn candidates(&self) -> Rules {
        let effect = if self.assertion.kind == "must" { Effect::Deny } else { Effect::Allow };
        self.table.active(effect) & !self.waived
    }

    /// Asks whether the assertion holds if some rules did not exist, as often as one likes.
    pub fn mending(&self) -> impl Fn(Rules) -> bool {
        let (hops, hurts) = match self.assertion.transitive {
            true => (Some(Hops::new(self.table, &self.on)), BTreeSet::new()),
            false => (None, self.hurts()),
        };
        move |without| match &hops {
            Some(hops) => self.length_without(hops, without).is_none(),
            None => hurts.iter().all(|hurt| !self.is_hurt(hurt, without)),
        }
    }

    /// What can be wrong, without the names of the flows: enough to judge many sets of rules.
    fn hurts(&self) -> BTreeSet<(Between, bool, Facts)> {
        let hurt = |triple: Triple| {
            let around = self.around.get(&(triple.0, triple.1)) == Some(&true);
            (self.table.between(triple.0, triple.1), around, self.table.facts(triple))
        };
        self.about().into_iter().map(hurt).collect()
    }

    fn is_hurt(&self, (between, around, facts): &(Between, bool, Facts), without: Rules) -> bool {
        let passes = *between == Between::Firewalls && facts.permit(self.waived | without);
        let arrives = passes || *between == Between::OneZone;
        match self.assertion.kind {
            "never" => arrives,
            "only" => passes,
            _ => !arrives || *around,
        }
    }

    /// The least number of rules whose removal mends a violated assertion: `Some(None)` if no set does; none if finding it takes
    /// more than the test has time for.
    pub fn least_mend(&self) -> Option<Option<usize>> {
        let candidates = self.candidates();
        let mends = self.mending();
        if !mends(candidates) {
            return Some(None);
        }
        let bits: Vec<Rules> = (0..64).map(|index| 1 << index).filter(|bit| candidates & bit != 0).collect();
        let most = if self.assertion.transitive { MOST_SETS / 10 } else { MOST_SETS };
        let mut tried = 0;
        for size in 0..=bits.len() {
            for set in sets_of(&bits, size) {
                tried += 1;
                if tried > most {
                    return None;
                }
                if mends(set) {
                    return Some(Some(size));
                }
            }
        }
        None
    }
}

/// Every set of so many of these rules.
fn sets_of(bits: &[Rules], size: usize) -> Vec<Rules> {
    if size == 0 {
        return vec![0];
    }
    let mut sets = Vec::new();
    for (index, bit) in bits.iter().enumerate() {
        sets.extend(sets_of(&bits[index + 1..], size - 1).into_iter().map(|set| set | bit));
    }
    sets
}
