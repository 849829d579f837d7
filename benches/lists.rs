//! What it costs to judge a rule set of 20,000 lines: `cargo bench --bench lists`.
//!
//! Two shapes. *One chain* is like the filter of a core router: prefixes of all lengths, hosts, well-known ports, every sixth line a denial, some lines that earlier ones
//! hide. *Dispatched* is what generators write: a verdict map from 400 pairs of interfaces to a chain of 50 lines each. The generator is seeded.

#![expect(clippy::expect_used, reason = "a measurement that is too large is over")]

use divan::Bencher;
use sekisho::listing::{
    Action, Base, Chain, ChainId, Condition, Crossing, Hook, InterfacePattern, Listing, Rule, Sees, State, States,
    analyse, compare, deciders, passed,
};
use sekisho::packet::{AddressSet, Family, FlowSet, FlowSpace, Interval, IntervalSet, Protocol, ServiceSet};

fn main() {
    divan::main();
}

/// xorshift64*: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = u32::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32).unwrap_or(0);
        high % sides
    }
}

fn prefix(address: u32, length: u32) -> AddressSet {
    let mask = u32::MAX.checked_shr(length).unwrap_or(0);
    AddressSet { v4: Interval { first: address & !mask, last: address | mask }.into(), v6: IntervalSet::empty() }
}

fn place(dice: &mut Dice) -> AddressSet {
    let address = 0x0a00_0000 | dice.roll(1 << 24);
    let length = match dice.roll(10) {
        0 => 16,
        1 | 2 => 20,
        3..=5 => 24,
        _ => 32,
    };
    prefix(address, length)
}

const PORTS: [u16; 12] = [22, 25, 53, 80, 123, 389, 443, 445, 1433, 3306, 3389, 8443];

fn service(dice: &mut Dice) -> ServiceSet {
    let port = PORTS.get(dice.roll(12) as usize).copied().unwrap_or(443);
    match dice.roll(10) {
        0 => ServiceSet::any(),
        1 => ServiceSet::protocol(Protocol::TCP),
        2 => ServiceSet::ports(Protocol::UDP, Interval::single(port)),
        _ => ServiceSet::ports(Protocol::TCP, Interval::single(port)),
    }
}

fn rules(dice: &mut Dice, lines: usize) -> Vec<Rule> {
    let mut made: Vec<Rule> = Vec::with_capacity(lines);
    for line in 1..=lines {
        let action = if dice.roll(6) == 0 { Action::Drop } else { Action::Accept };
        let source = if dice.roll(8) == 0 { prefix(0x0a00_0000, 8) } else { place(dice) };
        let mut when = vec![Condition::Source(source.into()), Condition::Destination(place(dice).into())];
        let back = dice.roll(2_000) as usize + 1;
        if dice.roll(12) == 0
            && let Some(earlier) = made.len().checked_sub(back).and_then(|at| made.get(at))
        {
            when = earlier.when.iter().take(2).cloned().collect();
        }
        when.push(Condition::Service(service(dice).into()));
        made.push(Rule { line, text: String::new(), when, action, acts: false });
    }
    made
}

fn base(chain: usize) -> Base {
    let families = Family::BOTH.to_vec();
    Base { chain: ChainId(chain), hook: Hook::Forward, priority: 0, policy: Action::Drop, families, sees: Sees::All }
}

fn established() -> Rule {
    let when = vec![Condition::State(States(vec![State::Established, State::Related]))];
    Rule { line: 0, text: String::new(), when, action: Action::Accept, acts: false }
}

fn one_chain(seed: u64) -> Listing {
    let mut all = vec![established()];
    all.extend(rules(&mut Dice(seed), 20_000));
    let chain = Chain { name: "filter forward".into(), line: 1, rules: all };
    Listing { bases: vec![base(0)], chains: vec![chain], ..Listing::default() }
}

fn dispatched() -> Listing {
    let mut dice = Dice(0x0d15_9a7c);
    let mut chains = vec![Chain::default()];
    let mut entries = Vec::new();
    let name = |number: usize| vec![InterfacePattern::Exactly(format!("eth{number}"))];
    for pair in 0..400 {
        chains.push(Chain { name: format!("pair {pair}"), line: 1, rules: rules(&mut dice, 50) });
        let when = vec![Condition::In(name(pair / 20)), Condition::Out(name(pair % 20))];
        entries.push((when, Action::Jump(ChainId(pair + 1))));
    }
    let dispatch = Rule { line: 2, text: String::new(), when: vec![], action: Action::Choose(entries), acts: false };
    if let Some(forward) = chains.first_mut() {
        forward.rules = vec![established(), dispatch];
    }
    Listing { bases: vec![base(0)], chains, ..Listing::default() }
}

/// Twenty lines permit what they denied, or the other way round.
fn changed(listing: &Listing) -> Listing {
    let mut changed = listing.clone();
    let rules = changed.chains.iter_mut().flat_map(|chain| &mut chain.rules);
    for rule in rules.skip(500).step_by(1_000) {
        rule.action = if rule.action == Action::Accept { Action::Drop } else { Action::Accept };
    }
    changed
}

/// The same meaning in other words: a last line that the policy makes idle.
fn reworded(listing: &Listing) -> Listing {
    let mut reworded = listing.clone();
    let drop = Rule { line: 0, text: String::new(), when: vec![], action: Action::Drop, acts: false };
    reworded.chains.iter_mut().take(1).for_each(|chain| chain.rules.push(drop.clone()));
    reworded
}

const SHAPES: [&str; 2] = ["one chain", "dispatched"];

fn shape(name: &str) -> Listing {
    if name == "dispatched" { dispatched() } else { one_chain(0x5e15_4051) }
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn passed_of_one_chain_of_20000_lines(bencher: Bencher) {
    let listing = one_chain(0x5e15_4051);
    bencher.bench(|| passed(&listing, &mut FlowSpace::default(), &Crossing::forward("a", "b")).expect("room"));
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn lines_that_decide_everything(bencher: Bencher) {
    let listing = one_chain(0x5e15_4051);
    let way = Crossing::forward("a", "b");
    bencher.bench(|| deciders(&listing, &mut FlowSpace::default(), &way, FlowSet::FULL).expect("room").len());
}

#[divan::bench(args = SHAPES, sample_count = 3, sample_size = 1)]
fn analysis_of_20000_lines(bencher: Bencher, name: &str) {
    let listing = shape(name);
    bencher.bench(|| analyse(&listing).expect("room").findings.len());
}

#[divan::bench(args = SHAPES, sample_count = 3, sample_size = 1)]
fn equality_of_20000_lines(bencher: Bencher, name: &str) {
    let listing = shape(name);
    let other = reworded(&listing);
    bencher.bench(|| assert!(compare(&listing, &other).expect("room").is_equal()));
}

#[divan::bench(args = SHAPES, sample_count = 3, sample_size = 1)]
fn difference_of_20000_lines(bencher: Bencher, name: &str) {
    let listing = shape(name);
    let other = changed(&listing);
    bencher.bench(|| compare(&listing, &other).expect("room").differences.len());
}
