//! Addresses, prefixes and ranges, literally written.

use std::net::IpAddr;

use ipnet::IpNet;
use pest::iterators::Pair;

use super::Context;
use crate::diag::Diagnostic;
use crate::diag::codes::syntax;
use crate::packet::{AddressRange, Family};
use crate::source::Span;
use crate::syntax::grammar::Rule;

/// `10.0.0.1`, `10.0.0.0/24`, `fd00::1-fd00::9`; `None` if it is none of these, which is reported.
pub(super) fn address(context: &mut Context<'_>, pair: &Pair<'_, Rule>) -> Option<AddressRange> {
    match read(context.span(pair), pair.as_str()) {
        Ok(range) => Some(range),
        Err(error) => {
            context.report(*error);
            None
        }
    }
}

/// The address that a text is; `None` if it is none, in silence.
pub(in crate::syntax) fn literal(span: Span, text: &str) -> Option<AddressRange> {
    read(span, text).ok()
}

fn read(span: Span, text: &str) -> Result<AddressRange, Box<Diagnostic>> {
    if let Some((first, last)) = text.split_once('-') {
        range(span, text, first, last)
    } else if let Some((address, length)) = text.split_once('/') {
        prefix(span, text, address, length)
    } else {
        single(span, text).map(AddressRange::single)
    }
}

fn single(span: Span, text: &str) -> Result<IpAddr, Box<Diagnostic>> {
    text.parse().map_err(|_| {
        let error = Diagnostic::new(&syntax::ADDRESS_MALFORMED, span, format!("`{text}` is no address"));
        Box::new(error.label(why_not(text)))
    })
}

/// Why a text that looks like an address is none.
fn why_not(text: &str) -> String {
    if text.contains(':') {
        return match (text.matches("::").count(), text.split(':').find(|group| group.len() > 4 && !group.contains('.')))
        {
            (_, Some(group)) => format!("`{group}` is more than four hexadecimal digits"),
            (2.., None) => "`::` may stand once".to_owned(),
            _ => "an IPv6 address has eight groups, or fewer and one `::`".to_owned(),
        };
    }
    let groups: Vec<&str> = text.split('.').collect();
    if groups.len() != 4 {
        return format!("an IPv4 address has four numbers, this has {}", groups.len());
    }
    match groups.iter().find(|group| group.parse::<u8>().is_err() || (group.len() > 1 && group.starts_with('0'))) {
        Some(group) if group.starts_with('0') => format!("`{group}` begins with a zero"),
        Some(group) => format!("`{group}` is no number from 0 to 255"),
        None => "an IPv4 address has four numbers from 0 to 255".to_owned(),
    }
}

fn prefix(span: Span, text: &str, address: &str, length: &str) -> Result<AddressRange, Box<Diagnostic>> {
    let address = single(span, address).map_err(|mut error| {
        error.message = format!("`{text}` is no prefix");
        error
    })?;
    let most = match Family::of(address) {
        Family::V4 => 32,
        Family::V6 => 128,
    };
    let net = plain_number(length).and_then(|bits| IpNet::new(address, bits).ok()).ok_or_else(|| {
        let error = Diagnostic::new(&syntax::ADDRESS_MALFORMED, span, format!("`{text}` is no prefix"));
        Box::new(error.label(format!("the length of this prefix is a number from 0 to {most}")))
    })?;
    let network = net.trunc();
    if network.addr() == address {
        return Ok(network.into());
    }
    let error = Diagnostic::new(&syntax::HOST_BITS, span, format!("`{text}` is both a host and a prefix"))
        .label(format!("the network of this length is `{network}`"))
        .help(format!("use `{network}` for the network, or `{address}` for the one address"));
    Err(Box::new(error))
}

fn plain_number(text: &str) -> Option<u8> {
    if text.len() > 1 && text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn range(span: Span, text: &str, first: &str, last: &str) -> Result<AddressRange, Box<Diagnostic>> {
    let end = |part: &str| {
        single(span, part).map_err(|mut error| {
            error.message = format!("`{text}` is no address range");
            Box::new(error.help("write both ends in full, as in `10.0.0.1-10.0.0.9`"))
        })
    };
    let (low, high) = (end(first)?, end(last)?);
    if Family::of(low) != Family::of(high) {
        let error = Diagnostic::new(&syntax::TWO_FAMILIES, span, format!("the range `{text}` mixes IPv4 and IPv6"));
        return Err(Box::new(error.label("both ends must be of one family")));
    }
    AddressRange::between(low, high).ok_or_else(|| {
        let error =
            Diagnostic::new(&syntax::ADDRESS_RANGE_REVERSED, span, format!("the range `{text}` runs backwards"));
        Box::new(error.label(format!("`{last}` is below `{first}`")).help(format!("use `{last}-{first}`")))
    })
}
