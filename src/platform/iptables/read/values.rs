//! Values of options to sets: addresses, ports, interfaces.
//!
//! Each function returns `None` for what it cannot read; the caller keeps the text as unknown. Host names are never looked up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::names;
use crate::listing::InterfacePattern;
use crate::packet::{AddressRange, AddressSet, Family, Interval, IntervalSet, PortRange, Protocol, ServiceSet};

/// Masks such as `255.0.255.0` are written out as ranges, up to this many bits (1,024 ranges).
const MOST_FREE_BITS: u32 = 10;

/// `10.0.0.0/8`, `10/8`, `10.0.0.0/255.0.0.0`, `2001:db8::/32`, several with commas.
pub fn addresses(family: Family, text: &str) -> Option<AddressSet> {
    let each: Option<Vec<AddressSet>> = text.split(',').map(|one| masked(family, one)).collect();
    each.map(|sets| AddressSet::union_all(&sets))
}

/// All addresses of a family.
pub fn all(family: Family) -> AddressSet {
    AddressSet::full().only(family)
}

/// Whether these are all addresses of a family.
pub fn are_all(family: Family, addresses: &AddressSet) -> bool {
    match family {
        Family::V4 => addresses.v4.is_full() && addresses.v6.is_empty(),
        Family::V6 => addresses.v6.is_full() && addresses.v4.is_empty(),
    }
}

fn masked(family: Family, text: &str) -> Option<AddressSet> {
    let (host, mask) = text.split_once('/').map_or((text, None), |(host, mask)| (host, Some(mask)));
    let width = if family == Family::V4 { 32 } else { 128 };
    let mask = mask.map_or(Some(low_bits(width)), |mask| read_mask(family, width, mask))?;
    if mask == 0 {
        return Some(all(family));
    }
    let host = if text.contains('/') { padded(family, host) } else { host.to_owned() };
    under_mask(family, width, bits(family, &host)?, mask)
}

/// `/24` or `/255.255.255.0`.
fn read_mask(family: Family, width: u32, mask: &str) -> Option<u128> {
    if mask.contains(['.', ':']) {
        return bits(family, mask);
    }
    // With a leading zero it is octal to iptables, and not read.
    let is_octal = mask.len() > 1 && mask.starts_with('0');
    let length = mask.parse::<u32>().ok().filter(|length| *length <= width && mask.len() < 4 && !is_octal)?;
    Some(low_bits(width) & !low_bits(width.saturating_sub(length)))
}

/// `10/8` means `10.0.0.0/8`.
fn padded(family: Family, host: &str) -> String {
    let missing = 3_usize.saturating_sub(host.matches('.').count());
    if family == Family::V4 { host.to_owned() + &".0".repeat(missing) } else { host.to_owned() }
}

fn bits(family: Family, text: &str) -> Option<u128> {
    match family {
        Family::V4 => text.parse::<Ipv4Addr>().ok().map(|address| address.to_bits().into()),
        Family::V6 => text.parse::<Ipv6Addr>().ok().map(Ipv6Addr::to_bits),
    }
}

fn low_bits(count: u32) -> u128 {
    1_u128.checked_shl(count).map_or(u128::MAX, |next| next.wrapping_sub(1))
}

/// Every address that is equal to `address` where `mask` has ones.
fn under_mask(family: Family, width: u32, address: u128, mask: u128) -> Option<AddressSet> {
    let span = low_bits(mask.trailing_zeros().min(width));
    let above = mask.trailing_zeros().min(width)..width;
    let free: Vec<u32> = above.filter(|bit| mask.checked_shr(*bit).unwrap_or(0) & 1 == 0).collect();
    let count = u32::try_from(free.len()).ok().filter(|count| *count <= MOST_FREE_BITS)?;
    let first = address & mask;
    let starts = (0..1_u32 << count).map(|choice| {
        let chosen =
            free.iter().enumerate().filter(|(place, _)| choice.checked_shr(small(*place)).unwrap_or(0) & 1 == 1);
        chosen.fold(first, |start, (_, bit)| start | 1_u128.checked_shl(*bit).unwrap_or(0))
    });
    Some(starts.filter_map(|start| between(family, start, start | span)).collect())
}

fn small(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn between(family: Family, first: u128, last: u128) -> Option<AddressRange> {
    Some(match family {
        Family::V4 => AddressRange::V4(Interval { first: first.try_into().ok()?, last: last.try_into().ok()? }),
        Family::V6 => AddressRange::V6(Interval { first, last }),
    })
}

/// `10.0.0.1-10.0.0.9`, or one address.
pub fn address_range(family: Family, text: &str) -> Option<AddressRange> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
    AddressRange::between(first, last).filter(|range| range.family() == family)
}

/// The addresses that are equal to those of `range` in their first `length` bits.
pub fn widened(range: AddressRange, length: u8) -> Option<AddressRange> {
    let net = |address: IpAddr| ipnet::IpNet::new(address, length).ok();
    AddressRange::between(net(range.first())?.network(), net(range.last())?.broadcast())
}

/// `80`, `80:90`, `:1023`, `1024:`, `ssh`, several with commas; `between` stands between the ends of a range.
pub fn ports(text: &str, between: char) -> Option<IntervalSet<u16>> {
    text.split(',').map(|one| port_range(one, between)).collect()
}

/// One of them.
fn port_range(text: &str, between: char) -> Option<PortRange> {
    let Some((first, last)) = text.split_once(between) else { return names::port(text).map(Interval::single) };
    let end = |text: &str, open| if text.is_empty() { Some(open) } else { names::port(text) };
    let (first, last) = (end(first, 0)?, end(last, u16::MAX)?);
    (first <= last).then_some(Interval { first, last })
}

/// Services of a protocol with ports, from these source ports.
pub fn from_ports(protocol: Protocol, ports: &IntervalSet<u16>) -> ServiceSet {
    let each = ports.intervals().iter().map(|ports| ServiceSet::rectangle(protocol, *ports, Interval::full()));
    union(each.collect())
}

/// The union of many, by halves: one after the other, each would cost as much as all before it.
pub fn union(mut sets: Vec<ServiceSet>) -> ServiceSet {
    while sets.len() > 1 {
        let pairs = sets.chunks(2).map(|pair| match pair {
            [one, other] => one.union(other),
            single => single.first().cloned().unwrap_or_default(),
        });
        sets = pairs.collect();
    }
    sets.pop().unwrap_or_default()
}

/// Services of a protocol with ports, to these destination ports.
pub fn to_ports(protocol: Protocol, ports: &IntervalSet<u16>) -> ServiceSet {
    ServiceSet::band(protocol, Interval::full(), ports)
}

/// `eth0`, `eth+`; `None` for `+`, which is any interface.
pub fn interface(text: &str) -> Option<InterfacePattern> {
    match text.strip_suffix('+') {
        Some("") => None,
        Some(start) => Some(InterfacePattern::Beginning(start.to_owned())),
        None => Some(InterfacePattern::Exactly(text.to_owned())),
    }
}
