//! Sets and maps that list nothing but addresses, read without a tree: large rule sets consist of them.
//!
//! What is listed here means what the tree of the same text means; anything else is left to the tree.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::names::prefix_length;
use super::plain;
use super::tree::Verdict;
use crate::packet::{AddressRange, AddressSet, Family};

/// A set whose elements are all addresses, prefixes and ranges of one family.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// How many elements it has.
    pub count: usize,
    /// Their family.
    pub family: Family,
    /// What is in it.
    pub set: Arc<AddressSet>,
}

impl Addresses {
    /// Of a list in braces; `None` if anything else is in it, its addresses are of both families, or there are none.
    pub fn listed(text: &str) -> Option<Self> {
        let entries = plain::addresses(text)?.into_iter();
        let ranges: Option<Vec<AddressRange>> =
            entries.map(|(range, verdict)| verdict.is_none().then_some(range)).collect();
        Self::of(ranges?)
    }

    fn of(ranges: Vec<AddressRange>) -> Option<Self> {
        let family = ranges.first()?.family();
        let is_one = ranges.iter().all(|range| range.family() == family);
        is_one.then(|| Self { count: ranges.len(), family, set: Arc::new(ranges.into_iter().collect()) })
    }
}

/// An address, prefix or range, and what a verdict map says of it.
pub type Entry<'t> = (AddressRange, Option<Verdict<'t>>);

/// An address, a prefix or a range; `None` if it is anything else, though that may be an address as well.
pub fn range(text: &str) -> Option<AddressRange> {
    if text.bytes().any(|byte| byte == b':') { range6(text) } else { range4(text) }
}

fn range4(text: &str) -> Option<AddressRange> {
    let address = |text: &str| text.parse::<Ipv4Addr>().ok().map(Into::into);
    if let Some((network, length)) = text.split_once('/') {
        return prefix(address(network)?, length);
    }
    match text.split_once('-') {
        Some((first, last)) => AddressRange::between(address(first)?, address(last)?),
        None => Some(AddressRange::single(address(text)?)),
    }
}

fn range6(text: &str) -> Option<AddressRange> {
    let address = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte == b':' || byte.is_ascii_hexdigit());
        text.parse::<Ipv6Addr>().ok().filter(|_| is_plain).map(Into::into)
    };
    if let Some((network, length)) = text.split_once('/') {
        return prefix(address(network)?, length);
    }
    match text.split_once('-') {
        Some((first, last)) => AddressRange::between(address(first)?, address(last)?),
        None => Some(AddressRange::single(address(text)?)),
    }
}

fn prefix(network: std::net::IpAddr, length: &str) -> Option<AddressRange> {
    let is_plain = length.len() <= 3 && length.bytes().all(|byte| byte.is_ascii_digit());
    let length = prefix_length(length).filter(|_| is_plain)?;
    Some(AddressRange::from(ipnet::IpNet::new(network, length).ok()?))
}
