//! The algebra of flows against two judges that share no code with it: membership of one flow of every class that the sets can tell apart
//! (brute force, and complete), and lists of disjoint boxes with subtraction.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking, its helpers too"
)]

#[path = "packet_algebra/boxes.rs"]
mod boxes;
#[path = "packet_algebra/worlds.rs"]
mod worlds;

use std::collections::BTreeSet;

use boxes::Boxes;
use proptest::prelude::*;
use sekisho::packet::{
    Action, AddressSet, Family, FlowSet, FlowSpace, Interval, Order, Product, Protocol, ServiceSet, Wishes,
};
use worlds::{Expression, Piece, any_expression, any_piece, points};

const ORDERS: [Order; 3] = [Order::DestinationFirst, Order::SourceFirst, Order::ServiceFirst];

fn any_order() -> impl Strategy<Value = Order> {
    prop::sample::select(ORDERS.to_vec())
}

fn set_of(space: &mut FlowSpace, piece: &Piece) -> FlowSet {
    space.product(&piece.sources(), &piece.destinations(), &piece.services()).unwrap()
}

fn evaluate(space: &mut FlowSpace, expression: &Expression) -> FlowSet {
    match expression {
        Expression::Piece(piece) => set_of(space, piece),
        Expression::Not(inner) => {
            let inner = evaluate(space, inner);
            space.complement(inner).unwrap()
        }
        Expression::Or(a, b) => {
            let (a, b) = (evaluate(space, a), evaluate(space, b));
            space.union(a, b).unwrap()
        }
        Expression::And(a, b) => {
            let (a, b) = (evaluate(space, a), evaluate(space, b));
            space.intersection(a, b).unwrap()
        }
        Expression::Without(a, b) => {
            let (a, b) = (evaluate(space, a), evaluate(space, b));
            space.difference(a, b).unwrap()
        }
    }
}

fn back(space: &mut FlowSpace, products: &[Product]) -> Vec<FlowSet> {
    products.iter().map(|one| space.product(&one.sources, &one.destinations, &one.services).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 60 } else { 1_000 }))]

    /// Every flow is a member exactly if the expression says so.
    #[test]
    fn sets_agree_with_membership(order in any_order(), expression in any_expression()) {
        let mut space = FlowSpace::new(order);
        let set = evaluate(&mut space, &expression);
        for flow in points() {
            prop_assert_eq!(space.contains(set, flow), expression.holds(flow), "{:?} in {:?}", flow, expression);
        }
        let empty = points().iter().all(|flow| !expression.holds(flow));
        prop_assert_eq!(set.is_empty(), empty);
    }

    /// The same set as a list of disjoint boxes, and as a diagram that was taken apart into products.
    #[test]
    fn sets_agree_with_boxes(order in any_order(), expression in any_expression()) {
        let mut space = FlowSpace::new(order);
        let set = evaluate(&mut space, &expression);
        let judge = Boxes::of(&expression);
        let products = space.products(set).unwrap();
        let mut shown = Boxes::empty();
        for product in &products {
            let one = Boxes::of_product(product);
            prop_assert!(!one.is_empty());
            prop_assert!(shown.intersection(&one).is_empty(), "products overlap: {:?}", products);
            shown = shown.union(&one);
        }
        prop_assert!(shown.equals(&judge), "{:?} is not {:?}", products, expression);
        prop_assert_eq!(judge.is_empty(), set.is_empty());
        prop_assert_eq!(space.size(set).unwrap(), judge.pairs());
    }

    /// Equal sets are equal ids, by whichever way they came about.
    #[test]
    fn laws_hold_as_equality_of_ids(order in any_order(), x in any_expression(), y in any_expression(), z in any_expression()) {
        let mut s = FlowSpace::new(order);
        let (x, y, z) = (evaluate(&mut s, &x), evaluate(&mut s, &y), evaluate(&mut s, &z));
        let (not_x, not_y) = (s.complement(x).unwrap(), s.complement(y).unwrap());
        let (either, both) = (s.union(x, y).unwrap(), s.intersection(x, y).unwrap());
        // De Morgan
        prop_assert_eq!(s.complement(either).unwrap(), s.intersection(not_x, not_y).unwrap());
        prop_assert_eq!(s.complement(both).unwrap(), s.union(not_x, not_y).unwrap());
        // Complement
        prop_assert_eq!(s.complement(not_x).unwrap(), x);
        prop_assert_eq!(s.union(x, not_x).unwrap(), FlowSet::FULL);
        prop_assert_eq!(s.intersection(x, not_x).unwrap(), FlowSet::EMPTY);
        prop_assert_eq!(s.difference(x, y).unwrap(), s.intersection(x, not_y).unwrap());
        // Absorption, idempotence, commutativity
        prop_assert_eq!(s.union(x, both).unwrap(), x);
        prop_assert_eq!(s.intersection(x, either).unwrap(), x);
        prop_assert_eq!(s.union(x, x).unwrap(), x);
        prop_assert_eq!(s.union(y, x).unwrap(), either);
        prop_assert_eq!(s.intersection(y, x).unwrap(), both);
        // Associativity, distributivity
        let (y_or_z, y_and_z) = (s.union(y, z).unwrap(), s.intersection(y, z).unwrap());
        prop_assert_eq!(s.union(either, z).unwrap(), s.union(x, y_or_z).unwrap());
        prop_assert_eq!(s.intersection(both, z).unwrap(), s.intersection(x, y_and_z).unwrap());
        let x_and_z = s.intersection(x, z).unwrap();
        prop_assert_eq!(s.intersection(x, y_or_z).unwrap(), s.union(both, x_and_z).unwrap());
        let x_or_z = s.union(x, z).unwrap();
        prop_assert_eq!(s.union(x, y_and_z).unwrap(), s.intersection(either, x_or_z).unwrap());
        // Order
        prop_assert_eq!(s.is_subset(x, y), both == x);
        prop_assert_eq!(s.intersects(x, y), !both.is_empty());
        prop_assert_eq!(s.union_all(&[x, y, z, x]).unwrap(), s.union(either, z).unwrap());
    }

    /// Products put together again are the same id, in any order and from any space.
    #[test]
    fn products_lead_back(order in any_order(), other in any_order(), expression in any_expression()) {
        let mut space = FlowSpace::new(order);
        let set = evaluate(&mut space, &expression);
        let products = space.products(set).unwrap();
        let mut sets = back(&mut space, &products);
        sets.reverse();
        prop_assert_eq!(space.union_all(&sets).unwrap(), set);
        let mut elsewhere = FlowSpace::new(other);
        let imported = elsewhere.import(&space, set).unwrap();
        let built = evaluate(&mut elsewhere, &expression);
        prop_assert_eq!(imported, built);
        prop_assert_eq!(space.import(&elsewhere, built).unwrap(), set);
    }

    /// A cover by maximal products is the set; none can be widened, none is left to the others.
    #[test]
    fn maximal_products_cover_and_cannot_grow(order in any_order(), expression in any_expression()) {
        let mut space = FlowSpace::new(order);
        let set = evaluate(&mut space, &expression);
        let cover = space.maximal(set).unwrap();
        let sets = back(&mut space, &cover);
        prop_assert_eq!(space.union_all(&sets).unwrap(), set);
        for (at, product) in cover.iter().enumerate() {
            let others: Vec<FlowSet> = sets.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, set)| *set).collect();
            let others = space.union_all(&others).unwrap();
            prop_assert!(!space.is_subset(sets[at], others), "{:?} is not needed", product);
            for wider in worlds::wider(product) {
                let wide = back(&mut space, std::slice::from_ref(&wider))[0];
                prop_assert!(wide == sets[at] || !space.is_subset(wide, set), "{:?} can grow to {:?}", product, wider);
            }
        }
    }

    #[test]
    fn a_witness_is_a_member(order in any_order(), expression in any_expression(), hosts in any_piece()) {
        let mut space = FlowSpace::new(order);
        let set = evaluate(&mut space, &expression);
        let wishes = Wishes { sources: vec![hosts.sources()], destinations: vec![hosts.destinations()], ..Wishes::default() };
        for wishes in [Wishes::default(), wishes] {
            let witness = space.witness(set, &wishes);
            prop_assert_eq!(witness.is_none(), set.is_empty());
            if let Some(flow) = witness {
                prop_assert!(space.contains(set, &flow) && expression.holds(&flow), "{:?}", flow);
            }
        }
    }

    /// Projections, against every flow.
    #[test]
    fn sides_are_those_of_the_members(order in any_order(), expression in any_expression()) {
        let mut space = FlowSpace::new(order);
        let set = evaluate(&mut space, &expression);
        let (sources, destinations) = (space.sources(set).unwrap(), space.destinations(set).unwrap());
        let services = space.services(set).unwrap();
        let (mut from, mut to, mut on) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for flow in points().iter().filter(|flow| expression.holds(flow)) {
            from.insert(flow.source);
            to.insert(flow.destination);
            on.insert(flow.service);
        }
        for flow in points() {
            prop_assert_eq!(sources.contains(flow.source), from.contains(&flow.source), "{}", flow.source);
            prop_assert_eq!(destinations.contains(flow.destination), to.contains(&flow.destination));
            if on.contains(&flow.service) {
                prop_assert!(services.contains(flow.service));
            } else if flow.service.protocol.occurs_in(Family::V4) && flow.service.protocol.occurs_in(Family::V6) {
                prop_assert!(!services.contains(flow.service), "{}", flow.service);
            }
        }
    }

    #[test]
    fn lists_agree_with_reading_them_line_by_line(order in any_order(), lines in prop::collection::vec((any_piece(), any::<bool>()), 0..12)) {
        let mut space = FlowSpace::new(order);
        let sets: Vec<FlowSet> = lines.iter().map(|(piece, _)| set_of(&mut space, piece)).collect();
        let action = |permit: bool| if permit { Action::Permit } else { Action::Deny };
        let list: Vec<(FlowSet, Action)> = sets.iter().zip(&lines).map(|(set, (_, permit))| (*set, action(*permit))).collect();
        let permitted = space.first_match(&list).unwrap();
        for flow in points() {
            let first = lines.iter().find(|(piece, _)| piece.holds(flow));
            prop_assert_eq!(space.contains(permitted, flow), first.is_some_and(|(_, permit)| *permit), "{:?}", flow);
        }
        let mut matched = Boxes::empty();
        let mut dead = Vec::new();
        for (index, (piece, _)) in lines.iter().enumerate() {
            let line = Boxes::of_piece(piece);
            if line.difference(&matched).is_empty() {
                dead.push(index);
            }
            matched = matched.union(&line);
        }
        prop_assert_eq!(space.shadowed(&sets).unwrap(), dead.clone());
        for (index, (piece, _)) in lines.iter().enumerate() {
            let deciders = space.deciders(&sets, index).unwrap();
            let flows = points().iter().filter(|flow| piece.holds(flow));
            let mut wanted: Vec<usize> = flows.filter_map(|flow| lines.iter().position(|(piece, _)| piece.holds(flow))).collect();
            wanted.retain(|decider| *decider != index);
            wanted.sort_unstable();
            wanted.dedup();
            prop_assert_eq!(deciders, wanted);
        }
    }

    /// What is kept means the same after everything else was freed, and new sets find it again.
    #[test]
    fn freeing_changes_no_answer(order in any_order(), x in any_expression(), y in any_expression(), z in any_expression()) {
        let mut space = FlowSpace::new(order);
        let old = evaluate(&mut space, &x);
        let moment = space.mark();
        let mut kept = [evaluate(&mut space, &y)];
        evaluate(&mut space, &z);
        space.keep(moment, &mut kept);
        prop_assert_eq!(evaluate(&mut space, &y), kept[0]);
        prop_assert_eq!(evaluate(&mut space, &x), old);
        for flow in points() {
            prop_assert_eq!(space.contains(kept[0], flow), y.holds(flow));
        }
        let edges = space.edges();
        space.keep(moment, &mut kept);
        prop_assert!(space.edges() <= edges);
        space.clear_memo();
        prop_assert_eq!(evaluate(&mut space, &y), kept[0]);
    }

    /// A space that is too small says so, and goes on.
    #[test]
    fn a_small_budget_is_an_answer_not_a_crash(order in any_order(), pieces in prop::collection::vec(any_piece(), 1..8), budget in 0..60_usize) {
        let mut space = FlowSpace::with_budget(order, budget);
        let mut sets = Vec::new();
        for piece in &pieces {
            match space.product(&piece.sources(), &piece.destinations(), &piece.services()) {
                Ok(set) => sets.push((set, piece)),
                Err(large) => prop_assert_eq!(large.budget, budget),
            }
            prop_assert!(space.edges() <= budget * 2);
        }
        let ids: Vec<FlowSet> = sets.iter().map(|(set, _)| *set).collect();
        if let Ok(union) = space.union_all(&ids) {
            for flow in points() {
                prop_assert_eq!(space.contains(union, flow), sets.iter().any(|(_, piece)| piece.holds(flow)));
            }
        }
    }
}

#[test]
fn the_other_familys_icmp_does_not_exist() {
    for order in ORDERS {
        let mut space = FlowSpace::new(order);
        let all = AddressSet::full();
        let any = space.product(&all, &all, &ServiceSet::any()).unwrap();
        assert_eq!(any, FlowSet::FULL);
        let both = ServiceSet::protocol(Protocol::ICMP).union(&ServiceSet::protocol(Protocol::ICMP6));
        let both = space.product(&all, &all, &both).unwrap();
        let icmp6 = space.product(&all, &all, &ServiceSet::protocol(Protocol::ICMP6)).unwrap();
        assert_eq!(both.only(Family::V6), icmp6);
        assert!(icmp6.only(Family::V4).is_empty());
        let rest = space.complement(both).unwrap();
        let without = ServiceSet::any().difference(&ServiceSet::protocol(Protocol::ICMP)).only(Family::V4);
        let v4 = AddressSet::full().only(Family::V4);
        assert_eq!(rest.only(Family::V4), space.product(&v4, &v4, &without).unwrap());
        assert_eq!(space.products(any).unwrap().len(), 2);
        assert!(space.products(any).unwrap().iter().all(|product| product.services.is_any()));
    }
}

#[test]
fn a_prefix_costs_what_a_host_costs() {
    let mut space = FlowSpace::default();
    let host = AddressSet::from(sekisho::packet::AddressRange::single("10.1.2.3".parse().unwrap()));
    let web = ServiceSet::ports(Protocol::TCP, Interval::single(443));
    space.product(&host, &host, &web).unwrap();
    let of_host = space.edges();
    space.product(&AddressSet::full(), &AddressSet::full(), &web).unwrap();
    assert!(space.edges() - of_host <= of_host);
}

#[test]
fn witnesses_look_like_packets() {
    let mut space = FlowSpace::default();
    let net = |text: &str| AddressSet::from(sekisho::packet::AddressRange::from(text.parse::<ipnet::IpNet>().unwrap()));
    let set = space.product(&net("10.1.0.0/16"), &net("10.2.0.0/24"), &ServiceSet::any()).unwrap();
    let shown = |flow: sekisho::packet::Flow| format!("{} -> {} {}", flow.source, flow.destination, flow.service);
    let witness = |space: &FlowSpace, set, wishes: &Wishes| space.witness(set, wishes).map(shown).unwrap();
    assert_eq!(witness(&space, set, &Wishes::default()), "10.1.0.1 -> 10.2.0.1 tcp/49152:443");
    let wishes = Wishes {
        sources: vec![net("10.9.0.1/32"), net("10.1.7.7/32")],
        destinations: vec![net("10.2.0.8/32")],
        services: vec![(Protocol::UDP, 53)],
    };
    assert_eq!(witness(&space, set, &wishes), "10.1.7.7 -> 10.2.0.8 udp/49152:53");
    assert_eq!(witness(&space, FlowSet::FULL, &Wishes::default()), "1.0.0.1 -> 1.0.0.1 tcp/49152:443");
    let v6 = FlowSet::FULL.only(Family::V6);
    assert_eq!(witness(&space, v6, &Wishes::default()), "2000::1 -> 2000::1 tcp/49152:443");
    let ping = ServiceSet::protocol(Protocol::ICMP);
    let ping = space.product(&net("10.1.0.0/31"), &net("10.2.0.255/32"), &ping).unwrap();
    assert_eq!(witness(&space, ping, &Wishes::default()), "10.1.0.1 -> 10.2.0.255 icmp/8/0");
}
