//! What becomes of every packet on every way, and where two rule sets disagree.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::rc::Rc;

use biodivine_lib_bdd::Bdd;

use super::rules::{Hook, Match, Range, Rule, RuleSet, Sense, Verdict};
use super::space::{Packet, Situation, Space};
use super::{Field, State};

/// A way through a device or to it, by the names of its interfaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Way {
    pub hook: Hook,
    /// Empty for what the device itself sends.
    pub incoming: String,
    /// Empty for what is for the device itself.
    pub outgoing: String,
}

/// Packets of one situation on one way that one rule set lets through and the other does not.
pub struct Difference {
    pub way: Way,
    pub situation: Situation,
    pub only_first: Bdd,
    pub only_second: Bdd,
}

/// What a chain does with packets.
struct Effect {
    accepts: Bdd,
    drops: Bdd,
    /// To the chain that asked it, or to the policy.
    returns: Bdd,
}

/// What the meaning of a chain hangs on, besides the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Depends {
    situation: bool,
    way: bool,
    state: bool,
}

type Key = (u64, Option<Situation>, Option<Way>);

/// Compares rule sets, and remembers chains that it saw.
pub struct Judge {
    pub space: Space,
    known: HashMap<Key, Rc<Effect>>,
}

/// A rule set with a number for each chain that stands for all that it means.
struct Prepared<'a> {
    rules: &'a RuleSet,
    chains: HashMap<&'a str, (u64, Depends)>,
}

impl<'a> Prepared<'a> {
    fn new(rules: &'a RuleSet) -> Self {
        let mut prepared = Self { rules, chains: HashMap::new() };
        rules.chains.keys().for_each(|name| {
            prepared.add(name);
        });
        prepared
    }

    fn add(&mut self, name: &'a str) -> (u64, Depends) {
        if let Some(known) = self.chains.get(name) {
            return *known;
        }
        let mut hasher = DefaultHasher::new();
        let mut depends = Depends::default();
        for rule in &self.rules.chains[name] {
            rule.matches.hash(&mut hasher);
            rule.matches.iter().for_each(|one| depends.on(one));
            self.add_verdict(&rule.verdict, &mut hasher, &mut depends);
        }
        let found = (hasher.finish(), depends);
        self.chains.insert(name, found);
        found
    }

    fn add_verdict(&mut self, verdict: &'a Verdict, hasher: &mut DefaultHasher, depends: &mut Depends) {
        std::mem::discriminant(verdict).hash(hasher);
        match verdict {
            Verdict::Jump(name) | Verdict::Goto(name) => {
                let (number, on) = self.add(name);
                number.hash(hasher);
                depends.situation |= on.situation;
                depends.way |= on.way;
            }
            Verdict::Choose(entries) => {
                for (key, verdict) in entries {
                    key.hash(hasher);
                    key.iter().for_each(|one| depends.on(one));
                    self.add_verdict(verdict, hasher, depends);
                }
            }
            _ => {}
        }
    }
}

impl Depends {
    fn on(&mut self, one: &Match) {
        match one {
            Match::In(..) | Match::Out(..) => self.way = true,
            Match::State(..) | Match::OfConnections(_) => self.situation = true,
            Match::Value(field, ..) => self.situation |= field.is_original(),
            Match::Any(lists) => lists.iter().flatten().for_each(|inner| self.on(inner)),
            Match::Family(_) => {}
        }
    }
}

impl Judge {
    pub fn new() -> Self {
        Self { space: Space::new(), known: HashMap::new() }
    }

    /// Forgets chains, when there are many.
    pub fn forget(&mut self) {
        if self.known.len() > 20_000 {
            self.known.clear();
        }
    }

    /// Every way on which the two differ, in every situation that they tell apart.
    pub fn compare(&mut self, first: &RuleSet, second: &RuleSet) -> Vec<Difference> {
        let mut found = Vec::new();
        let situations: &[Situation] = if first.asks_for_originals() || second.asks_for_originals() {
            &Situation::ALL
        } else {
            &Situation::STATES
        };
        let (one, other) = (Prepared::new(first), Prepared::new(second));
        for way in ways(&[first, second]) {
            for situation in situations {
                let (a, b) = (self.passing(&one, &way, *situation), self.passing(&other, &way, *situation));
                let (only_first, only_second) = (a.and_not(&b), b.and_not(&a));
                if only_first.is_false() && only_second.is_false() {
                    continue;
                }
                let universe = self.space.universe(*situation);
                let (only_first, only_second) = (only_first.and(&universe), only_second.and(&universe));
                if !(only_first.is_false() && only_second.is_false()) {
                    found.push(Difference { way: way.clone(), situation: *situation, only_first, only_second });
                }
            }
        }
        found
    }

    /// Whether a rule set lets a packet through.
    pub fn passes(&mut self, rules: &RuleSet, way: &Way, situation: Situation, packet: &Packet) -> bool {
        let passing = self.passing(&Prepared::new(rules), way, situation);
        self.space.holds(&passing, packet)
    }

    /// What a rule set lets through.
    pub fn passing_of(&mut self, rules: &RuleSet, way: &Way, situation: Situation) -> Bdd {
        self.passing(&Prepared::new(rules), way, situation)
    }

    fn passing(&mut self, rules: &Prepared<'_>, way: &Way, situation: Situation) -> Bdd {
        let mut alive = self.space.all();
        let mut bases: Vec<_> = rules.rules.bases.iter().filter(|base| base.hook == way.hook).collect();
        bases.sort_by_key(|base| base.priority);
        for base in bases {
            let effect = self.effect(rules, &base.chain, way, situation);
            let passes = if base.accepts { effect.accepts.or(&effect.returns) } else { effect.accepts.clone() };
            let unseen = base.family.map_or_else(|| self.space.none(), |family| self.space.family(family).not());
            alive = alive.and(&passes.or(&unseen));
        }
        alive
    }

    fn effect(&mut self, rules: &Prepared<'_>, chain: &str, way: &Way, situation: Situation) -> Rc<Effect> {
        let (number, depends) = rules.chains[chain];
        let key = (number, depends.situation.then_some(situation), depends.way.then(|| way.clone()));
        if let Some(known) = self.known.get(&key) {
            return Rc::clone(known);
        }
        let made = Rc::new(self.evaluate(rules, &rules.rules.chains[chain], way, situation));
        self.known.insert(key, Rc::clone(&made));
        made
    }

    fn evaluate(&mut self, rules: &Prepared<'_>, list: &[Rule], way: &Way, situation: Situation) -> Effect {
        let none = self.space.none();
        let mut effect = Effect { accepts: none.clone(), drops: none.clone(), returns: none };
        let mut live = self.space.all();
        for rule in list {
            let asked = self.all_of(&rule.matches, way, situation);
            let met = live.and(&asked);
            if !met.is_false() {
                live = self.act(rules, &rule.verdict, &live, &met, way, situation, &mut effect);
            }
            if live.is_false() {
                break;
            }
        }
        effect.returns = effect.returns.or(&live);
        effect
    }

    /// Does what a verdict says with the packets that met it, and gives those that go on to the next rule.
    #[allow(clippy::too_many_arguments, reason = "where a packet is, and what became of the others")]
    fn act(
        &mut self,
        rules: &Prepared<'_>,
        verdict: &Verdict,
        live: &Bdd,
        met: &Bdd,
        way: &Way,
        situation: Situation,
        effect: &mut Effect,
    ) -> Bdd {
        match verdict {
            Verdict::Continue => return live.clone(),
            Verdict::Accept => effect.accepts = effect.accepts.or(met),
            Verdict::Drop => effect.drops = effect.drops.or(met),
            Verdict::Return => effect.returns = effect.returns.or(met),
            Verdict::Jump(chain) | Verdict::Goto(chain) => {
                let called = self.effect(rules, chain, way, situation);
                effect.accepts = effect.accepts.or(&called.accepts.and(met));
                effect.drops = effect.drops.or(&called.drops.and(met));
                let back = called.returns.and(met);
                if matches!(verdict, Verdict::Jump(_)) {
                    return live.and_not(met).or(&back);
                }
                effect.returns = effect.returns.or(&back);
            }
            Verdict::Choose(entries) => {
                let mut left = live.clone();
                let mut open = met.clone();
                for (key, verdict) in entries {
                    let here = open.and(&self.all_of(key, way, situation));
                    if !here.is_false() {
                        open = open.and_not(&here);
                        left = self.act(rules, verdict, &left, &here, way, situation, effect);
                    }
                }
                return left;
            }
        }
        live.and_not(met)
    }

    fn all_of(&self, matches: &[Match], way: &Way, situation: Situation) -> Bdd {
        let mut all = self.space.all();
        for one in matches {
            if all.is_false() {
                break;
            }
            all = all.and(&self.asked(one, way, situation));
        }
        all
    }

    fn asked(&self, one: &Match, way: &Way, situation: Situation) -> Bdd {
        let constant = |holds: bool| if holds { self.space.all() } else { self.space.none() };
        match one {
            Match::In(names, sense) => constant(named(names, &way.incoming) == (*sense == Sense::Is)),
            Match::Out(names, sense) => constant(named(names, &way.outgoing) == (*sense == Sense::Is)),
            Match::State(states, sense) => constant(states.contains(&situation.state()) == (*sense == Sense::Is)),
            Match::Family(family) => self.space.family(*family),
            Match::OfConnections(_) if !situation.has_connection() => self.space.all(),
            Match::OfConnections(inner) => self.asked(inner, way, situation),
            Match::Any(lists) => {
                let mut parts: Vec<Bdd> = lists.iter().map(|list| self.all_of(list, way, situation)).collect();
                while parts.len() > 1 {
                    let pairs = parts.chunks(2);
                    parts = pairs.map(|pair| pair.get(1).map_or(pair[0].clone(), |two| pair[0].or(two))).collect();
                }
                parts.pop().unwrap_or_else(|| self.space.none())
            }
            Match::Value(field, ranges, Sense::Is) => self.space.value(*field, ranges, situation),
            Match::Value(field, ranges, Sense::IsNot) => {
                let inside = self.space.value(*field, ranges, situation);
                self.having(*field, situation).and_not(&inside)
            }
        }
    }

    /// The packets that have a field at all.
    fn having(&self, field: Field, situation: Situation) -> Bdd {
        if field.is_original() && !situation.has_connection() {
            return self.space.none();
        }
        field.family().map_or_else(|| self.space.all(), |family| self.space.family(family))
    }

    /// A packet of a difference, at random, and whether the first rule set is the one that lets it through.
    pub fn witness(&self, difference: &Difference, choose: &mut dyn FnMut() -> bool) -> Option<(Packet, bool)> {
        let first = self.space.member(&difference.only_first, choose).map(|packet| (packet, true));
        first
            .filter(|_| choose())
            .or_else(|| self.space.member(&difference.only_second, choose).map(|one| (one, false)))
            .or(self.space.member(&difference.only_first, choose).map(|packet| (packet, true)))
    }

    /// Products of ranges of headers as a set: family, sources, destinations, protocols, first and second.
    pub fn product(&self, family: u8, parts: [&[Range]; 5]) -> Bdd {
        let (source, destination) =
            if family == 6 { (Field::Source6, Field::Destination6) } else { (Field::Source4, Field::Destination4) };
        let fields = [source, destination, Field::Protocol, Field::First, Field::Second];
        fields.iter().zip(parts).fold(self.space.family(family), |all, (field, ranges)| {
            all.and(&self.space.value(*field, ranges, Situation::First))
        })
    }
}

fn named(names: &[(String, bool)], name: &str) -> bool {
    names.iter().any(|(known, begins)| if *begins { name.starts_with(known.as_str()) } else { name == known })
}

/// Every way that some rule sets can tell apart, and one over interfaces that none of them names.
pub fn ways(rules: &[&RuleSet]) -> Vec<Way> {
    let mut names = BTreeSet::from(["other0".to_owned()]);
    for (name, begins) in rules.iter().flat_map(|one| one.interfaces()) {
        names.insert(if begins { format!("{name}zz") } else { name });
    }
    let way = |hook, incoming: &str, outgoing: &str| Way {
        hook,
        incoming: incoming.to_owned(),
        outgoing: outgoing.to_owned(),
    };
    let mut found = Vec::new();
    for one in &names {
        found.extend(names.iter().map(|other| way(Hook::Forward, one, other)));
        found.push(way(Hook::Input, one, ""));
        found.push(way(Hook::Output, "", one));
    }
    found
}

/// The states that some situations are of.
pub fn states(situations: &[Situation]) -> BTreeSet<State> {
    situations.iter().map(|one| one.state()).collect()
}
