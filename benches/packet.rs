//! What the algebra of flows costs on long lists: `cargo bench --bench packet`.
//!
//! Two kinds of lists. *Object rules* name groups of hosts and of networks, as policies do; *unrelated rules* share nothing but a few common ports. The
//! first-match list is made like the filters of a core router: prefixes of all lengths, hosts, well-known ports, every sixth line a denial, and some
//! lines that earlier ones hide. The generator is seeded, so every run measures the same lists.

#![expect(clippy::expect_used, reason = "a measurement that is too large is over")]

use divan::Bencher;
use divan::counter::ItemsCount;
use sekisho::packet::{
    Action, AddressSet, Family, FlowSet, FlowSpace, Interval, IntervalSet, Order, Protocol, ServiceSet,
};

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

/// The prefix of an address by length; in IPv6 the same bits stand 64 places up.
fn prefix(family: Family, address: u32, length: u32) -> AddressSet {
    let mask = u32::MAX.checked_shr(length).unwrap_or(0);
    let (first, last) = (address & !mask, address | mask);
    match family {
        Family::V4 => AddressSet { v4: Interval { first, last }.into(), v6: IntervalSet::empty() },
        Family::V6 => {
            let base = 0x2001_0db8_u128 << 96;
            let (first, last) = (base | u128::from(first) << 32, base | u128::from(last) << 32 | u128::from(u32::MAX));
            let last = if length == 32 { first } else { last };
            AddressSet { v4: IntervalSet::empty(), v6: Interval { first, last }.into() }
        }
    }
}

#[derive(Clone)]
struct Line {
    sources: AddressSet,
    destinations: AddressSet,
    services: ServiceSet,
    action: Action,
}

const PORTS: [u16; 12] = [22, 25, 53, 80, 123, 389, 443, 445, 1433, 3306, 3389, 8443];

fn service(dice: &mut Dice) -> ServiceSet {
    let port = PORTS.get(dice.roll(12) as usize).copied().unwrap_or(443);
    match dice.roll(10) {
        0 => ServiceSet::any(),
        1 => ServiceSet::protocol(Protocol::TCP),
        2 => ServiceSet::ports(Protocol::UDP, Interval::single(port)),
        3 => {
            let first = u16::try_from(1_024 + dice.roll(60_000)).unwrap_or(1_024);
            ServiceSet::ports(Protocol::TCP, Interval { first, last: first.saturating_add(100) })
        }
        _ => ServiceSet::ports(Protocol::TCP, Interval::single(port)),
    }
}

fn place(dice: &mut Dice, family: Family) -> AddressSet {
    let address = 0x0a00_0000 | dice.roll(1 << 24);
    let length = match dice.roll(10) {
        0 => 16,
        1 | 2 => 20,
        3..=5 => 24,
        _ => 32,
    };
    prefix(family, address, length)
}

/// A first-match list.
fn list(family: Family, lines: usize) -> Vec<Line> {
    let mut dice = Dice(0x5e15_4051);
    let mut made: Vec<Line> = Vec::with_capacity(lines);
    for number in 0..lines {
        let action = if dice.roll(6) == 0 { Action::Deny } else { Action::Permit };
        let mut line = Line {
            sources: if dice.roll(8) == 0 { prefix(family, 0x0a00_0000, 8) } else { place(&mut dice, family) },
            destinations: place(&mut dice, family),
            services: service(&mut dice),
            action,
        };
        let back = dice.roll(2_000) as usize + 1;
        if dice.roll(12) == 0
            && let Some(earlier) = number.checked_sub(back).and_then(|at| made.get(at))
        {
            line.sources = earlier.sources.clone();
            line.destinations = earlier.destinations.clone();
        }
        made.push(line);
    }
    made
}

/// Rectangles that share nothing: ranges that are no prefixes, ports at random.
fn unrelated(family: Family, rules: usize) -> Vec<Line> {
    let mut dice = Dice(0x00dd_ba11);
    let side = |dice: &mut Dice| {
        let first = 0x0a00_0000 | dice.roll(1 << 24);
        let most = if dice.roll(4) == 0 { 4_096 } else { 16 };
        let last = first + dice.roll(most);
        let (first, last) = (prefix(family, first, 32), prefix(family, last, 32));
        match family {
            Family::V4 => AddressSet { v4: hull(&first.v4, &last.v4), v6: IntervalSet::empty() },
            Family::V6 => AddressSet { v4: IntervalSet::empty(), v6: hull(&first.v6, &last.v6) },
        }
    };
    let rule = |_| {
        let port = u16::try_from(dice.roll(20_000)).unwrap_or(0);
        let wide = u16::try_from(dice.roll(3)).unwrap_or(0) * 40;
        Line {
            sources: side(&mut dice),
            destinations: side(&mut dice),
            services: ServiceSet::ports(Protocol::TCP, Interval { first: port, last: port + wide }),
            action: Action::Permit,
        }
    };
    (0..rules).map(rule).collect()
}

fn hull<T: sekisho::packet::Value>(first: &IntervalSet<T>, last: &IntervalSet<T>) -> IntervalSet<T> {
    let ends = first.first().zip(last.first());
    ends.map_or_else(IntervalSet::empty, |(first, last)| Interval { first, last }.into())
}

/// Rules from groups of networks to groups of servers: 300 groups of each, of up to 36 members out of 3,000.
fn objects(family: Family, rules: usize) -> Vec<Line> {
    let mut dice = Dice(0x00b1_ec75);
    let networks = groups(&mut dice, |member| prefix(family, 0x0a00_0000 + member * 0x100, 24));
    let servers = groups(&mut dice, |member| prefix(family, 0x0ac8_0000 + member * 7, 32));
    let rule = |_| {
        let sources = networks.get(dice.roll(300) as usize).cloned().unwrap_or_default();
        let destinations = servers.get(dice.roll(300) as usize).cloned().unwrap_or_default();
        let services = service(&mut dice).union(&service(&mut dice));
        Line { sources, destinations, services, action: Action::Permit }
    };
    (0..rules).map(rule).collect()
}

fn groups(dice: &mut Dice, member: impl Fn(u32) -> AddressSet) -> Vec<AddressSet> {
    let mut group = |_| {
        let members: Vec<AddressSet> = (0..=dice.roll(36)).map(|_| member(dice.roll(3_000))).collect();
        AddressSet::union_all(&members)
    };
    (0..300).map(&mut group).collect()
}

fn sets(space: &mut FlowSpace, lines: &[Line]) -> Vec<FlowSet> {
    let product = |line: &Line| space.product(&line.sources, &line.destinations, &line.services);
    lines.iter().map(product).collect::<Result<_, _>>().expect("room")
}

fn actions(lines: &[Line], sets: &[FlowSet]) -> Vec<(FlowSet, Action)> {
    sets.iter().zip(lines).map(|(set, line)| (*set, line.action)).collect()
}

fn permitted(space: &mut FlowSpace, lines: &[Line]) -> FlowSet {
    let sets = sets(space, lines);
    space.first_match(&actions(lines, &sets)).expect("room")
}

fn union(bencher: Bencher, lines: &[Line], order: Order) {
    bencher.counter(ItemsCount::new(lines.len())).bench(|| {
        let mut space = FlowSpace::new(order);
        let sets = sets(&mut space, lines);
        space.union_all(&sets).expect("room")
    });
}

const FAMILIES: [Family; 2] = Family::BOTH;
const ORDERS: [Order; 3] = [Order::DestinationFirst, Order::SourceFirst, Order::ServiceFirst];

#[divan::bench(args = FAMILIES, sample_count = 3, sample_size = 1)]
fn union_of_10000_object_rules(bencher: Bencher, family: Family) {
    union(bencher, &objects(family, 10_000), Order::DestinationFirst);
}

#[divan::bench(args = FAMILIES, sample_count = 3, sample_size = 1)]
fn union_of_10000_unrelated_rules(bencher: Bencher, family: Family) {
    union(bencher, &unrelated(family, 10_000), Order::DestinationFirst);
}

#[divan::bench(args = FAMILIES, sample_count = 3, sample_size = 1)]
fn union_of_20000_unrelated_rules(bencher: Bencher, family: Family) {
    union(bencher, &unrelated(family, 20_000), Order::DestinationFirst);
}

/// Products included.
#[divan::bench(args = FAMILIES, sample_count = 3, sample_size = 1)]
fn list_of_20000_lines_permits(bencher: Bencher, family: Family) {
    let lines = list(family, 20_000);
    bencher.bench(|| {
        let mut space = FlowSpace::default();
        permitted(&mut space, &lines)
    });
}

/// The same lists with another field first: what the order of fields decides.
#[divan::bench(args = ORDERS, sample_count = 3, sample_size = 1)]
fn list_of_20000_lines_permits_by_order(bencher: Bencher, order: Order) {
    let lines = list(Family::V4, 20_000);
    bencher.bench(|| {
        let mut space = FlowSpace::new(order);
        permitted(&mut space, &lines)
    });
}

#[divan::bench(args = FAMILIES, sample_count = 3, sample_size = 1)]
fn list_of_20000_lines_shadowed(bencher: Bencher, family: Family) {
    let lines = list(family, 20_000);
    bencher.bench(|| {
        let mut space = FlowSpace::default();
        let sets = sets(&mut space, &lines);
        space.shadowed(&sets).expect("room")
    });
}

/// Both lists made anew; they differ in twenty lines.
#[divan::bench(args = FAMILIES, sample_count = 3, sample_size = 1)]
fn two_lists_of_20000_lines_and_their_difference(bencher: Bencher, family: Family) {
    let (old, new) = two_lists(family);
    bencher.bench(|| {
        let mut space = FlowSpace::default();
        let (old, new) = (permitted(&mut space, &old), permitted(&mut space, &new));
        (space.difference(old, new).expect("room"), space.difference(new, old).expect("room"))
    });
}

/// The differences alone, both ways, of permitted sets that are there.
#[divan::bench(args = FAMILIES, sample_count = 20, sample_size = 1)]
fn difference_of_two_permitted_sets(bencher: Bencher, family: Family) {
    let (old, new) = two_lists(family);
    let mut space = FlowSpace::default();
    let moment = space.mark();
    let mut kept = [permitted(&mut space, &old), permitted(&mut space, &new)];
    space.keep(moment, &mut kept);
    let [old, new] = kept;
    bencher.bench_local(|| {
        space.clear_memo();
        (space.difference(old, new).expect("room"), space.difference(new, old).expect("room"))
    });
}

fn two_lists(family: Family) -> (Vec<Line>, Vec<Line>) {
    let old = list(family, 20_000);
    let mut new = old.clone();
    for line in new.iter_mut().skip(500).step_by(1_000) {
        line.action = if line.action == Action::Permit { Action::Deny } else { Action::Permit };
    }
    (old, new)
}

/// As disjoint products: what changed between two lists, as a person would see it.
#[divan::bench(args = FAMILIES, sample_count = 20, sample_size = 1)]
fn products_of_a_difference(bencher: Bencher, family: Family) {
    let (old, new) = two_lists(family);
    let mut space = FlowSpace::default();
    let (old, new) = (permitted(&mut space, &old), permitted(&mut space, &new));
    let gone = space.difference(old, new).expect("room");
    bencher.bench_local(|| (space.products(gone).expect("room"), space.maximal(gone).expect("room")));
}

/// The union of a thousand object rules, all of it: far more than anyone would read.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn products_of_1000_object_rules(bencher: Bencher) {
    let mut space = FlowSpace::default();
    let sets = sets(&mut space, &objects(Family::V4, 1_000));
    let union = space.union_all(&sets).expect("room");
    bencher.bench(|| space.products(union).expect("room"));
}
