//! Lanes by number, and slices of them, against sets of flows.

use proptest::prelude::*;

use super::*;
use crate::packet::{Interval, Order, Protocol};

fn addresses(family: Family, members: &[u8]) -> AddressSet {
    let one = |last: &u8| match family {
        Family::V4 => format!("10.0.0.{last}/32"),
        Family::V6 => format!("2001:db8::{last:x}/128"),
    };
    members.iter().map(|last| crate::packet::AddressRange::from(one(last).parse::<ipnet::IpNet>().unwrap())).collect()
}

fn services(ports: &[(bool, u16, u16)]) -> ServiceSet {
    let one = |(tcp, first, count): &(bool, u16, u16)| {
        ServiceSet::ports(
            if *tcp { Protocol::TCP } else { Protocol::UDP },
            Interval { first: *first, last: first + count },
        )
    };
    ports.iter().map(one).fold(ServiceSet::empty(), |all, one| all.union(&one))
}

prop_compose! {
    fn lane()(
        is_v4 in any::<bool>(),
        source in prop::collection::vec(0_u8..8, 1..5),
        destination in prop::collection::vec(0_u8..8, 1..5),
        ports in prop::collection::vec((any::<bool>(), 0_u16..5, 0_u16..3), 1..3),
        foreign in prop::collection::vec(0_u8..8, 0..2),
    ) -> Lane<'static> {
        let (family, other) = if is_v4 { (Family::V4, Family::V6) } else { (Family::V6, Family::V4) };
        // Addresses of the other family do not count.
        let end = |members: &[u8]| Cow::Owned(Arc::new(addresses(family, members).union(&addresses(other, &foreign))));
        Lane {
            family,
            source: end(&source),
            destination: end(&destination),
            services: Cow::Owned(Arc::new(services(&ports))),
        }
    }
}

/// The same flows in other products: each lane cut at one of its ends or in its services, or left alone, in another order.
fn recut(lanes: &[Lane<'static>], how: &[u8]) -> Vec<Lane<'static>> {
    let mut result = Vec::new();
    for (lane, how) in lanes.iter().zip(how.iter().cycle()) {
        let Lane { family, source, destination, services } = lane.clone();
        let low = addresses(family, &[0, 1, 2, 5]);
        let halves = |set: &Arc<AddressSet>| {
            [set.intersection(&low), set.difference(&low)].map(|half| Cow::Owned(Arc::new(half)))
        };
        match how % 4 {
            0 => result.extend(halves(&source).map(|source| Lane { source, ..lane.clone() })),
            1 => result.extend(halves(&destination).map(|destination| Lane { destination, ..lane.clone() })),
            2 => {
                let tcp = ServiceSet::protocol(Protocol::TCP);
                let parts =
                    [services.intersection(&tcp), services.difference(&tcp)].map(|part| Cow::Owned(Arc::new(part)));
                result.extend(parts.map(|services| Lane { services, ..lane.clone() }));
            }
            _ => result.push(lane.clone()),
        }
    }
    let is_flow = |lane: &Lane| [&lane.source, &lane.destination].iter().all(|set| !set.is_empty_in(lane.family));
    result.retain(|lane| is_flow(lane) && !lane.services.is_empty());
    result.reverse();
    result
}

fn union(space: &mut FlowSpace, lanes: &[Lane<'static>]) -> FlowSet {
    let one = |lane: &Lane| {
        let [source, destination] = [&lane.source, &lane.destination].map(|set| set.only(lane.family));
        space.product(&source, &destination, &lane.services).unwrap()
    };
    let sets: Vec<FlowSet> = lanes.iter().map(one).collect();
    space.union_all(&sets).unwrap()
}

/// What slices say, or a space, or all together.
#[derive(Debug, Clone, Copy)]
enum How {
    Slices,
    Space,
    AsItIs,
}

fn agree(
    numbers: &mut Numbers,
    left: &[Lane<'static>],
    right: &[Lane<'static>],
    without: &[Lane<'static>],
    how: How,
) -> Option<bool> {
    fn one<T: Address>(numbers: &mut OfFamily<T>, lists: Lists<'_>, how: How) -> Option<bool> {
        let mut space = FlowSpace::new(Order::default());
        let apart = numbers.apart(lists);
        let sides = numbers.sides(apart, lists);
        match how {
            How::Slices => slices::agree(&sides),
            How::Space => sides.agree_in(&mut space).ok(),
            How::AsItIs => numbers.are_one(lists, &mut space).ok(),
        }
    }
    let lists = Lists { left, right, settled: [&[], without] };
    let v4 = one(&mut numbers.v4, lists, how)?;
    Some(one(&mut numbers.v6, lists, how)? && v4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn slices_agree_where_the_sets_are_one(
        left in prop::collection::vec(lane(), 0..6),
        right in prop::collection::vec(lane(), 0..6),
        how in prop::collection::vec(any::<u8>(), 1..6),
        without in prop::collection::vec(lane(), 0..3),
        dropped in any::<prop::sample::Index>(),
    ) {
        let mut space = FlowSpace::new(Order::default());
        let gone = union(&mut space, &without);
        let mut same = |left: &[Lane<'static>], right: &[Lane<'static>]| {
            let [left, right] = [left, right].map(|lanes| union(&mut space, lanes));
            (left == right, space.difference(left, gone).unwrap() == space.difference(right, gone).unwrap())
        };
        let mut numbers = Numbers::default();
        let mut check = |left: &[Lane<'static>], right: &[Lane<'static>]| {
            let (same, but_for_gone) = same(left, right);
            for how in [How::Slices, How::Space, How::AsItIs] {
                prop_assert_eq!(agree(&mut numbers, left, right, &[], how), Some(same));
                prop_assert_eq!(agree(&mut numbers, left, right, &without, how), Some(but_for_gone));
            }
            Ok(())
        };
        check(&left, &right)?;
        let mut again = recut(&left, &how);
        check(&left, &again)?;
        prop_assert_eq!(agree(&mut Numbers::default(), &left, &again, &[], How::Slices), Some(true));
        if !again.is_empty() {
            again.remove(dropped.index(again.len()));
            check(&left, &again)?;
            check(&again, &left)?;
        }
    }
}

#[test]
fn too_many_slices_are_not_made() {
    let scattered = (0..1_000_u32).map(|number| Interval::single(2 * number)).collect::<IntervalSet<u32>>();
    let scattered: Shared<'static, AddressSet> =
        Cow::Owned(Arc::new(AddressSet { v4: scattered, v6: IntervalSet::empty() }));
    let wide = |port| Lane {
        family: Family::V4,
        source: scattered.clone(),
        destination: scattered.clone(),
        services: Cow::Owned(Arc::new(services(&[(true, port, 0)]))),
    };
    let lanes: Vec<Lane<'static>> = (0..150).map(wide).collect();
    assert_eq!(agree(&mut Numbers::default(), &lanes, &lanes[1..], &[], How::Slices), None);
}
