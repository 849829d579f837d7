//! What a rule set means, against reading it packet by packet with every resolution of what is unknown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

#[path = "listing/naive.rs"]
mod naive;
#[path = "listing/world.rs"]
mod world;

use naive::{Event, outcomes};
use sekisho::listing::{
    Action, Base, Chain, ChainId, Condition, Crossing, Decided, Evaluator, Hook, Listing, Rule, Trouble, interfaces,
    passed, troubles,
};
use sekisho::packet::{AddressSet, Family, Flow, FlowSet, FlowSpace, Order, Protocol, ServiceSet};
use world::{Dice, listing, packets, ways};

const ORDERS: [Order; 3] = [Order::DestinationFirst, Order::SourceFirst, Order::ServiceFirst];

#[test]
fn what_passes_is_what_passes_packet_by_packet() {
    let (mut dice, packets, ways) = (Dice(11), packets(), ways());
    for round in 0..600 {
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

/// The packets of the world that a line accepts or drops.
fn touched(events: &naive::Outcomes, one: &Decided) -> (bool, bool) {
    let accepted = events.events.contains(&Event::Accepted(one.chain.0, one.rule));
    let dropped = events.events.contains(&Event::Dropped(one.chain.0, one.rule));
    (accepted, dropped)
}

#[test]
fn the_deciding_lines_are_those_that_decide() {
    let (mut dice, packets, ways) = (Dice(5), packets(), ways());
    for round in 0..500 {
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
    Rule { line, text: format!("rule {line}"), when, action }
}

fn chain(rules: Vec<Rule>) -> Chain {
    Chain { name: "filter forward".into(), line: 1, rules }
}

fn base(chain: usize, priority: i32, policy: Action) -> Base {
    Base { chain: ChainId(chain), hook: Hook::Forward, priority, policy, families: Family::BOTH.to_vec() }
}

const WAY: Crossing<'static> =
    Crossing { hook: Hook::Forward, incoming: Some("lan"), outgoing: Some("wan"), state: sekisho::listing::State::New };

#[test]
fn no_base_chain_passes_everything_and_an_unseen_family_passes() {
    let mut space = FlowSpace::default();
    let nothing = passed(&Listing::default(), &mut space, &WAY).unwrap();
    assert!(nothing.surely.is_full() && nothing.possibly.is_full());
    let mut half = Listing { bases: vec![base(0, 0, Action::Drop)], chains: vec![chain(vec![])], noticed: vec![] };
    half.bases[0].families = vec![Family::V4];
    let half = passed(&half, &mut space, &WAY).unwrap();
    assert_eq!((half.surely, half.possibly), (FlowSet::FULL.only(Family::V6), FlowSet::FULL.only(Family::V6)));
}

#[test]
fn a_later_base_chain_drops_what_an_earlier_one_accepted() {
    let web = vec![Condition::Service(ServiceSet::protocol(Protocol::TCP))];
    let listing = Listing {
        bases: vec![base(1, 10, Action::Drop), base(0, 0, Action::Accept)],
        chains: vec![chain(vec![rule(2, vec![], Action::Accept)]), chain(vec![rule(5, web, Action::Accept)])],
        noticed: vec![],
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
        noticed: vec![],
    };
    let mut space = FlowSpace::default();
    let found = passed(&circle, &mut space, &WAY).unwrap();
    assert_eq!((found.surely, found.possibly), (FlowSet::EMPTY, FlowSet::FULL.only(Family::V4)));
    assert_eq!(troubles(&circle), vec![Trouble::Circle(vec![ChainId(1), ChainId(2)])]);
    let missing = Listing {
        bases: vec![base(0, 0, Action::Drop)],
        chains: vec![chain(vec![rule(2, vec![], Action::Jump(ChainId(7)))])],
        noticed: vec![],
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
            noticed: vec![],
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
