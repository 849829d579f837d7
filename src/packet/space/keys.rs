//! Services as keys of two levels of a diagram.
//!
//! The upper level is protocol and *major* (destination port or ICMP type) in one number, `index << 16 | major`; the lower one is the *minor* (source port
//! or ICMP code). Together they cost one level where nobody names source ports. The index leaves out the other family's ICMP, so a flow
//! that does not exist has no key and needs no special case anywhere. Where a protocol has fewer than 65,536 values, the largest one
//! stands for all keys above it; so the keys of a service are a block, blocks cut the level, and every set of services is one set of keys.

use crate::packet::address::Family;
use crate::packet::interval::{Interval, IntervalSet};
use crate::packet::service::{Protocol, Rectangle, ServicePoint, ServiceSet};

/// The largest key of the upper level: 255 protocols occur in a family.
pub const MAJOR_TOP: u32 = (255 << 16) - 1;
/// The largest key of the lower level.
pub const MINOR_TOP: u32 = u16::MAX as u32;
const BLOCK: u32 = 0xffff;

/// The keys of a product of majors and minors.
#[derive(Debug, Clone)]
pub struct Block {
    /// Keys of the upper level.
    pub majors: IntervalSet<u32>,
    /// Keys of the lower level, up to [`MINOR_TOP`].
    pub minors: IntervalSet<u32>,
}

fn other_icmp(family: Family) -> u8 {
    match family {
        Family::V4 => Protocol::ICMP6.0,
        Family::V6 => Protocol::ICMP.0,
    }
}

/// The keys of whole protocols; `None` if they are only the other family's ICMP.
fn whole(family: Family, protocols: Interval<u8>) -> Option<Interval<u32>> {
    let other = other_icmp(family);
    let first = protocols.first - u8::from(protocols.first > other);
    let last = if protocols.last >= other { protocols.last.checked_sub(1)? } else { protocols.last };
    (first <= last).then(|| Interval { first: u32::from(first) << 16, last: u32::from(last) << 16 | BLOCK })
}

/// The protocol of an index.
fn protocol_at(family: Family, index: u8) -> Protocol {
    Protocol(index + u8::from(index >= other_icmp(family)))
}

/// The largest value of a protocol stands for all keys above it.
fn stretch(protocol: Protocol, values: Interval<u16>) -> Interval<u32> {
    let last = if values.last >= protocol.largest() { BLOCK } else { u32::from(values.last) };
    Interval { first: u32::from(values.first), last }
}

fn shrink(protocol: Protocol, first: u32, last: u32) -> Interval<u16> {
    let value = |key: u32| u16::try_from(key & BLOCK).unwrap_or(u16::MAX).min(protocol.largest());
    Interval { first: value(first), last: value(last) }
}

/// The blocks of a rectangle; none if it is only the other family's ICMP.
pub fn blocks(family: Family, rectangle: &Rectangle) -> Option<Block> {
    let keys = whole(family, rectangle.protocols)?;
    let all = Interval { first: 0, last: MINOR_TOP };
    if rectangle.whole {
        return Some(Block { majors: keys.into(), minors: all.into() });
    }
    let protocol = Protocol(rectangle.protocols.first);
    let a: IntervalSet<u32> = stretch(protocol, rectangle.a).into();
    let b: IntervalSet<u32> = rectangle.b.intervals().iter().map(|values| stretch(protocol, *values)).collect();
    let (major, minors) = if protocol.is_icmp() { (a, b) } else { (b, a) };
    let raised = major
        .intervals()
        .iter()
        .map(|keys_of| Interval { first: keys.first | keys_of.first, last: keys.first | keys_of.last });
    Some(Block { majors: raised.collect(), minors })
}

/// The keys of one service; `None` if it does not occur in the family.
pub fn point(family: Family, service: ServicePoint) -> Option<(u32, u32)> {
    let keys = whole(family, Interval::single(service.protocol.0))?;
    let largest = service.protocol.largest();
    if service.a > largest || service.b > largest {
        return None;
    }
    let (major, minor) = if service.protocol.is_icmp() { (service.a, service.b) } else { (service.b, service.a) };
    Some((keys.first | u32::from(major), u32::from(minor)))
}

/// The protocol of a key of the upper level.
pub fn protocol_of(family: Family, major: u32) -> Protocol {
    protocol_at(family, u8::try_from(major >> 16).unwrap_or(u8::MAX - 1))
}

/// The service at two keys.
pub fn service(family: Family, major: u32, minor: u32) -> ServicePoint {
    let protocol = protocol_of(family, major);
    let (major, minor) = (shrink(protocol, major, major).first, shrink(protocol, minor, minor).first);
    let (a, b) = if protocol.is_icmp() { (major, minor) } else { (minor, major) };
    ServicePoint { protocol, a, b }
}

/// The services of some majors with all of their minors.
///
/// The other family's ICMP, which no flow of this family has, is in the set where both of its neighbours are: so all keys are `any` again, and
/// `any` but one port reads as that.
pub fn services_of(family: Family, majors: &IntervalSet<u32>) -> ServiceSet {
    let mut result = ServiceSet::empty();
    for run in majors.intervals() {
        let (first, last) = (run.first >> 16, run.last >> 16);
        let whole_from = if run.first & BLOCK == 0 { first } else { first + 1 };
        let whole_end = if run.last & BLOCK == BLOCK { last + 1 } else { last };
        if whole_from < whole_end {
            let protocols = Interval {
                first: protocol_of(family, whole_from << 16).0,
                last: protocol_of(family, (whole_end - 1) << 16).0,
            };
            result = result.union(&ServiceSet::protocols(protocols));
        }
    }
    partial(family, majors).into_iter().fold(result, |set, (protocol, values)| {
        let all = Interval { first: 0, last: u16::MAX };
        set.union(&cross(protocol, &values, &all.into()))
    })
}

/// The services of some majors with some of their minors.
pub fn services_within(family: Family, majors: &IntervalSet<u32>, minors: &IntervalSet<u32>) -> ServiceSet {
    let mut result = ServiceSet::empty();
    for index in 0..=u8::MAX - 1 {
        let keys = Interval { first: u32::from(index) << 16, last: u32::from(index) << 16 | BLOCK };
        let here = majors.intersection(&keys.into());
        if !here.is_empty() {
            let protocol = protocol_at(family, index);
            let values = |set: &IntervalSet<u32>| -> IntervalSet<u16> {
                set.intervals().iter().map(|run| shrink(protocol, run.first, run.last)).collect()
            };
            result = result.union(&cross(protocol, &values(&here), &values(minors)));
        }
    }
    result
}

fn cross(protocol: Protocol, majors: &IntervalSet<u16>, minors: &IntervalSet<u16>) -> ServiceSet {
    let (a, b) = if protocol.is_icmp() { (majors, minors) } else { (minors, majors) };
    a.intervals().iter().fold(ServiceSet::empty(), |set, a| set.union(&ServiceSet::band(protocol, *a, b)))
}

/// The protocols that some keys hold in part, with the majors that they hold.
fn partial(family: Family, majors: &IntervalSet<u32>) -> Vec<(Protocol, IntervalSet<u16>)> {
    let mut parts: Vec<(u32, Vec<Interval<u16>>)> = Vec::new();
    let mut add = |index: u32, first: u32, last: u32| {
        if first & BLOCK == 0 && last & BLOCK == BLOCK {
            return;
        }
        let values = shrink(protocol_of(family, index << 16), first, last);
        match parts.last_mut() {
            Some((known, runs)) if *known == index => runs.push(values),
            _ => parts.push((index, vec![values])),
        }
    };
    for run in majors.intervals() {
        let (first, last) = (run.first >> 16, run.last >> 16);
        if first == last {
            add(first, run.first, run.last);
        } else {
            add(first, run.first, first << 16 | BLOCK);
            add(last, last << 16, run.last);
        }
    }
    parts.into_iter().map(|(index, runs)| (protocol_of(family, index << 16), runs.into_iter().collect())).collect()
}
