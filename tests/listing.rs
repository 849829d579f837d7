//! What a rule set means, against reading it packet by packet with every resolution of what is unknown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

#[path = "listing/commands.rs"]
mod commands;
#[path = "listing/naive.rs"]
mod naive;
#[path = "listing/world.rs"]
mod world;

use std::collections::BTreeSet;

use naive::{Event, outcomes};
use sekisho::listing::{
    Action, Base, Chain, ChainId, Condition, Crossing, Decided, Direction, Evaluator, Hook, Listing, Rule, Sees, State,
    Trouble, What, analyse, compare, interfaces, passed, troubles,
};
use sekisho::packet::{AddressSet, Family, Flow, FlowSet, FlowSpace, Order, Protocol, ServiceSet};
use world::{Dice, listing, packets, ways};

const ORDERS: [Order; 3] = [Order::DestinationFirst, Order::SourceFirst, Order::ServiceFirst];

#[test]
fn what_passes_is_what_passes_packet_by_packet() {
    let (mut dice, packets, ways) = (Dice(11), packets(), ways());
    for round in 0..400 {
        let listing = listing(&mut dice, 12);
        let mut space = FlowSpace::new(ORDERS[round % 3]);
        let mut evaluator = Evaluator::new(&listing);
        for way in ways.iter().filter(|_| dice.roll(5) == 0) {
            let found = evaluator.passed(&mut space, way).unwrap();
            for flow in &packets {
                let wanted = outcomes(&listing, way, *flow);
                let got = (space.contains(found.possibly, flow), space.contains(found.surely, flow));
                assert_eq!(got, (wanted.may_pass, !wanted.may_drop), "round {round}: {flow:?} {way:?} {listing:#?}");
            }
            let subset = space.is_subset(found.surely, found.possibly);
            assert!(subset, "round {round}");
        }
    }
}

#[test]
fn later_packets_are_judged_by_the_first_of_their_connection() {
    let (mut dice, packets, ways) = (Dice(29), packets(), ways());
    for round in 0..300 {
        let listing = listing(&mut dice, 12);
        let mut space = FlowSpace::new(ORDERS[round % 3]);
        let mut evaluator = Evaluator::new(&listing);
        for way in ways.iter().filter(|way| way.state == State::New && dice.roll(3) == 0) {
            for direction in [Direction::Original, Direction::Reply] {
                let way = way.of_connection(direction);
                let found = evaluator.passed(&mut space, &way).unwrap();
                for flow in &packets {
                    let wanted = outcomes(&listing, &way, *flow);
                    let got = (space.contains(found.possibly, flow), space.contains(found.surely, flow));
                    assert_eq!(got, (wanted.may_pass, !wanted.may_drop), "{round}: {flow:?} {way:?} {listing:#?}");
                }
            }
            let found = evaluator.passed(&mut space, way).unwrap();
            let alone = passed(&listing, &mut space, way).unwrap();
            assert_eq!(found, alone, "round {round}: what was asked before changes nothing");
        }
    }
}

/// The packets of the world that a line accepts or drops.
fn touched(events: &naive::Outcomes, one: &Decided) -> (bool, bool) {
    let accepted = events.events.contains(&Event::Accepted(one.chain.0, one.rule));
    let dropped = events.events.contains(&Event::Dropped(one.chain.0, one.rule));
    (accepted, dropped)
}

#[test]
fn the_deciding_lines_are_those_that_decide() {
    let (mut dice, packets, ways) = (Dice(5), packets(), ways());
    for round in 0..300 {
        let listing = listing(&mut dice, 12);
        let mut space = FlowSpace::new(ORDERS[round % 3]);
        let mut evaluator = Evaluator::new(&listing);
        for way in &ways {
            if dice.roll(8) != 0 {
                continue;
            }
            let flow = packets[dice.roll(packets.len())];
            let flows = if dice.roll(2) == 0 { FlowSet::FULL } else { only(&mut space, &flow) };
            let found = evaluator.deciders(&mut space, way, flows).unwrap();
            for flow in packets.iter().filter(|flow| space.contains(flows, flow)) {
                let wanted = outcomes(&listing, way, *flow);
                let mut seen = 0;
                for one in &found {
                    let got = (space.contains(one.accepts, flow), space.contains(one.drops, flow));
                    assert_eq!(got, touched(&wanted, one), "round {round}: {one:?} {flow:?} {way:?} {listing:#?}");
                    seen += usize::from(got.0) + usize::from(got.1);
                }
                let deciding = wanted.events.iter().filter(|event| !matches!(event, Event::Matched(..))).count();
                assert_eq!(seen, deciding, "round {round}: {flow:?} {way:?} {listing:#?}");
            }
            let all: Vec<FlowSet> = found.iter().flat_map(|one| [one.accepts, one.drops]).collect();
            let all = space.union_all(&all).unwrap();
            assert!(space.is_subset(all, flows), "round {round}");
        }
    }
}

fn only(space: &mut FlowSpace, flow: &Flow) -> FlowSet {
    let one = |address| AddressSet::from(sekisho::packet::AddressRange::single(address));
    let services = ServiceSet::protocol(flow.service.protocol);
    space.product(&one(flow.source), &one(flow.destination), &services).unwrap()
}

fn rule(line: usize, when: Vec<Condition>, action: Action) -> Rule {
    Rule { line, text: format!("rule {line}"), when, action, acts: false }
}

fn chain(rules: Vec<Rule>) -> Chain {
    Chain { name: "filter forward".into(), line: 1, rules }
}

fn base(chain: usize, priority: i32, policy: Action) -> Base {
    Base {
        chain: ChainId(chain),
        hook: Hook::Forward,
        priority,
        policy,
        families: Family::BOTH.to_vec(),
        sees: Sees::All,
    }
}

const WAY: Crossing<'static> = Crossing {
    hook: Hook::Forward,
    incoming: Some("lan"),
    outgoing: Some("wan"),
    state: sekisho::listing::State::New,
    direction: None,
};

#[test]
fn no_base_chain_passes_everything_and_an_unseen_family_passes() {
    let mut space = FlowSpace::default();
    let nothing = passed(&Listing::default(), &mut space, &WAY).unwrap();
    assert!(nothing.surely.is_full() && nothing.possibly.is_full());
    let mut half = Listing { bases: vec![base(0, 0, Action::Drop)], chains: vec![chain(vec![])], ..Listing::default() };
    half.bases[0].families = vec![Family::V4];
    let half = passed(&half, &mut space, &WAY).unwrap();
    assert_eq!((half.surely, half.possibly), (FlowSet::FULL.only(Family::V6), FlowSet::FULL.only(Family::V6)));
}

#[test]
fn a_later_base_chain_drops_what_an_earlier_one_accepted() {
    let web = vec![Condition::Service(ServiceSet::protocol(Protocol::TCP).into())];
    let listing = Listing {
        bases: vec![base(1, 10, Action::Drop), base(0, 0, Action::Accept)],
        chains: vec![chain(vec![rule(2, vec![], Action::Accept)]), chain(vec![rule(5, web, Action::Accept)])],
        ..Listing::default()
    };
    let mut space = FlowSpace::default();
    let tcp = space.product(&AddressSet::full(), &AddressSet::full(), &ServiceSet::protocol(Protocol::TCP)).unwrap();
    assert_eq!(passed(&listing, &mut space, &WAY).unwrap().surely, tcp);
}

#[test]
fn a_circle_is_unknown_and_is_reported_and_so_is_a_missing_chain() {
    let circle = Listing {
        bases: vec![base(0, 0, Action::Drop)],
        chains: vec![
            chain(vec![rule(2, vec![Condition::Family(Family::V4)], Action::Jump(ChainId(1)))]),
            chain(vec![rule(3, vec![], Action::Jump(ChainId(2)))]),
            chain(vec![rule(4, vec![], Action::Goto(ChainId(1)))]),
        ],
        ..Listing::default()
    };
    let mut space = FlowSpace::default();
    let found = passed(&circle, &mut space, &WAY).unwrap();
    assert_eq!((found.surely, found.possibly), (FlowSet::EMPTY, FlowSet::FULL.only(Family::V4)));
    assert_eq!(troubles(&circle), vec![Trouble::Circle(vec![ChainId(1), ChainId(2)])]);
    let missing = Listing {
        bases: vec![base(0, 0, Action::Drop)],
        chains: vec![chain(vec![rule(2, vec![], Action::Jump(ChainId(7)))])],
        ..Listing::default()
    };
    let found = passed(&missing, &mut space, &WAY).unwrap();
    assert_eq!((found.surely, found.possibly), (FlowSet::EMPTY, FlowSet::FULL));
}

/// Ten thousand chains, each with a jump to the next two: as many ways as no computer walks, and deeper than any stack.
#[test]
fn deep_and_wide_jumps_end() {
    for (chains, decided) in [(40, true), (10_000, false)] {
        let jumps = |at: usize| {
            let targets = [at + 1, at + 2].into_iter().filter(|to| *to < chains);
            targets.map(|to| rule(at, vec![], Action::Jump(ChainId(to)))).collect()
        };
        let listing = Listing {
            bases: vec![base(0, 0, Action::Drop)],
            chains: (0..chains).map(|at| chain(jumps(at))).collect(),
            ..Listing::default()
        };
        let found = passed(&listing, &mut FlowSpace::default(), &WAY).unwrap();
        assert_eq!(found.possibly.is_empty(), decided);
        assert_eq!(troubles(&listing), vec![Trouble::Deep(ChainId(0))]);
    }
}

#[test]
fn interfaces_have_one_name_of_each_kind() {
    let (mut dice, packets) = (Dice(3), packets());
    for round in 0..60 {
        let listing = listing(&mut dice, 8);
        let names = interfaces(&[&listing]);
        let mut space = FlowSpace::default();
        for asked in ["lan", "dmz0", "dmz9", "eth7"] {
            let way = Crossing::input(asked);
            let found = passed(&listing, &mut space, &way).unwrap();
            let same =
                |space: &mut FlowSpace, name: &str| passed(&listing, space, &Crossing::input(name)).unwrap() == found;
            assert!(names.iter().any(|name| same(&mut space, name)), "round {round}: {asked} {names:?}");
            let flow = packets[dice.roll(packets.len())];
            assert_eq!(outcomes(&listing, &way, flow).may_pass, space.contains(found.possibly, &flow));
        }
    }
}

/// Which rules match some packet of the world on some way.
fn matched(listing: &Listing) -> BTreeSet<(usize, usize)> {
    let (packets, ways) = (packets(), all_ways());
    let mut found = BTreeSet::new();
    for way in &ways {
        for flow in &packets {
            found.extend(outcomes(listing, way, *flow).events.iter().filter_map(|event| match event {
                Event::Matched(chain, rule) => Some((*chain, *rule)),
                _ => None,
            }));
        }
    }
    found
}

fn all_ways() -> Vec<Crossing<'static>> {
    use sekisho::listing::State::{Established, Invalid, New, Related};
    let out = |outgoing| Crossing {
        hook: Hook::Output,
        incoming: None,
        outgoing: Some(outgoing),
        state: New,
        direction: None,
    };
    let new = ways().into_iter().filter(|way| way.state == New).chain(world::NAMES.map(out));
    new.flat_map(|way| [New, Established, Related, Invalid].map(|state| way.in_state(state))).collect()
}

fn meaning(listing: &Listing, space: &mut FlowSpace) -> Vec<sekisho::listing::Passed> {
    let mut evaluator = Evaluator::new(listing);
    all_ways().iter().map(|way| evaluator.passed(space, way).unwrap()).collect()
}

#[test]
fn dead_lines_are_those_that_no_packet_matches_and_removing_a_line_that_does_nothing_changes_nothing() {
    let mut dice = Dice(21);
    let (mut dead_lines, mut redundant) = (0, 0);
    for round in 0..80 {
        let listing = listing(&mut dice, 14);
        let found = analyse(&listing).unwrap();
        let alive = matched(&listing);
        let mut space = FlowSpace::default();
        let before = meaning(&listing, &mut space);
        for (chain, rules) in listing.chains.iter().enumerate() {
            let unreachable = found
                .findings
                .iter()
                .any(|one| one.chain.0 == chain && one.rule.is_none() && one.what == What::Unreachable);
            for index in 0..rules.rules.len() {
                let what = found
                    .findings
                    .iter()
                    .find(|one| (one.chain.0, one.rule) == (chain, Some(index)))
                    .map(|one| one.what.clone());
                let dead = unreachable || what.as_ref().is_some_and(|what| *what != What::Redundant);
                assert_eq!(
                    dead,
                    !alive.contains(&(chain, index)),
                    "round {round}: {chain} {index} {what:?} {listing:#?}"
                );
                dead_lines += usize::from(dead);
                redundant += usize::from(what == Some(What::Redundant));
                if let Some(What::Shadowed(takers)) = &what {
                    assert!(!takers.is_empty() && takers.iter().all(|taker| *taker < index));
                    shadowed_by_these(&listing, chain, index, takers);
                }
                if dead || what.is_some() {
                    let mut without = listing.clone();
                    without.chains[chain].rules.remove(index);
                    assert_eq!(meaning(&without, &mut space), before, "round {round}: {chain} {index} {listing:#?}");
                }
            }
        }
    }
    assert!(dead_lines > 200 && redundant > 20, "{dead_lines} dead, {redundant} redundant");
}

/// With the takers alone above it, and the same lines below, a shadowed line still does nothing.
fn shadowed_by_these(listing: &Listing, chain: usize, index: usize, takers: &[usize]) {
    let mut less = listing.clone();
    let rules = &listing.chains[chain].rules;
    let keep = |at: &usize| *at >= index || takers.contains(at);
    less.chains[chain].rules = (0..rules.len()).filter(keep).map(|at| rules[at].clone()).collect();
    assert!(!matched(&less).contains(&(chain, takers.len())), "{chain} {index} {takers:?} {listing:#?}");
}

/// One change to a rule set.
fn mutated(dice: &mut Dice, listing: &Listing) -> Listing {
    let mut changed = listing.clone();
    let full: Vec<usize> = (0..changed.chains.len()).filter(|at| !changed.chains[*at].rules.is_empty()).collect();
    if full.is_empty() || dice.roll(10) == 0 {
        let base = dice.roll(changed.bases.len());
        let policy = &mut changed.bases[base].policy;
        *policy = if *policy == Action::Accept { Action::Drop } else { Action::Accept };
        return changed;
    }
    let at = dice.of(&full);
    let rules = &mut changed.chains[at].rules;
    let rule = dice.roll(rules.len());
    match dice.roll(5) {
        0 => {
            rules.remove(rule);
        }
        1 => {
            let other = dice.roll(rules.len());
            rules.swap(rule, other);
        }
        2 => rules[rule].action = if rules[rule].action == Action::Accept { Action::Drop } else { Action::Accept },
        3 => rules[rule].when = world::conditions(dice, 1),
        _ => {
            rules[rule].when.pop();
        }
    }
    changed
}

fn asks_for_first(listing: &Listing) -> bool {
    listing.chains.iter().flat_map(|chain| &chain.rules).any(Rule::asks_for_first)
}

/// A way, in both directions of a connection if it is one of later packets. Errors about a connection are left out.
fn of_connections(way: Crossing<'static>) -> Vec<Crossing<'static>> {
    use sekisho::listing::State::{Established, Related};
    match way.state {
        Established => [Direction::Original, Direction::Reply].map(|direction| way.of_connection(direction)).to_vec(),
        Related => vec![Crossing { direction: Some(Direction::Original), ..way }],
        _ => vec![way],
    }
}

#[test]
fn two_rule_sets_differ_exactly_if_a_packet_tells_them_apart() {
    let (mut dice, packets, ways) = (Dice(77), packets(), all_ways());
    let (mut equal, mut differing, mut doubtful, mut connected) = (0, 0, 0, 0);
    for round in 0..220 {
        let first = listing(&mut dice, 10);
        let second = mutated(&mut dice, &first);
        let found = compare(&first, &second).unwrap();
        if first == second && first.rules().all(|rule| !rule.is_unknown()) {
            assert!(found.is_equal());
            continue;
        }
        let (mut differ, mut doubt) = (false, false);
        let by_first = [&first, &second].iter().any(|listing| asks_for_first(listing));
        let ways: Vec<Crossing<'_>> =
            if by_first { ways.iter().flat_map(|way| of_connections(*way)).collect() } else { ways.clone() };
        for (way, flow) in ways.iter().flat_map(|way| packets.iter().map(move |flow| (way, flow))) {
            let (one, other) = (outcomes(&first, way, *flow), outcomes(&second, way, *flow));
            differ |= !one.may_drop && !other.may_pass || !other.may_drop && !one.may_pass;
            doubt |= one.may_drop == one.may_pass || other.may_drop == other.may_pass;
        }
        if by_first {
            // What an ICMP error is about, and what an answer of ICMP had, is less certain to the program than here.
            assert!(!found.is_equal() || !differ && !doubt, "round {round}: {first:#?} {second:#?} {found:#?}");
        } else {
            assert_eq!(!found.differences.is_empty(), differ, "round {round}: {first:#?} {second:#?} {found:#?}");
            assert_eq!(found.doubt.is_some(), doubt, "round {round}: {first:#?} {second:#?} {found:#?}");
        }
        for one in found.differences.iter().filter(|one| one.direction != Some(Direction::Error)) {
            let (hook, incoming, outgoing, state) = &one.ways[0];
            let way = Crossing {
                hook: *hook,
                incoming: incoming.as_deref(),
                outgoing: outgoing.as_deref(),
                state: *state,
                direction: one.direction,
            };
            for (_, flow) in &one.only_first {
                assert!(!outcomes(&first, &way, *flow).may_drop && !outcomes(&second, &way, *flow).may_pass);
            }
            for (_, flow) in &one.only_second {
                assert!(!outcomes(&second, &way, *flow).may_drop && !outcomes(&first, &way, *flow).may_pass);
            }
        }
        connected += usize::from(by_first && found.is_equal());
        equal += usize::from(found.is_equal());
        differing += usize::from(differ);
        doubtful += usize::from(doubt);
    }
    assert!(equal > 30 && differing > 20 && doubtful > 15, "{equal} {differing} {doubtful}");
    assert!(connected > 0, "no two rule sets that ask for first packets are equal");
}
