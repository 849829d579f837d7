//! Addresses, prefixes and ranges as text.
//!
//! Decisions: a host may be given as an address, a prefix or a range; a network only as prefixes, since the devices at its
//! edge route prefixes; an interface has single addresses.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::diag::codes::inventory::{
    HOST_BITS, MALFORMED_ADDRESS, MIXED_RANGE, NOT_A_PREFIX, NOT_ONE_ADDRESS, REVERSED_RANGE,
};
use crate::diag::{Diagnostic, Sink};
use crate::packet::AddressRange;
use crate::source::Span;

/// What an address text says.
enum Literal {
    Address(IpAddr),
    Prefix(IpNet),
    Range(IpAddr, IpAddr),
}

fn literal(text: &str) -> Option<Literal> {
    if let Some((first, last)) = text.split_once('-') {
        return Some(Literal::Range(first.parse().ok()?, last.parse().ok()?));
    }
    if let Some((address, length)) = text.split_once('/') {
        // Not by `IpNet` itself: it takes `010.0.0.0/8`, which some devices read as octal.
        let digits = !length.starts_with('+') && (length == "0" || !length.starts_with('0'));
        let length = if digits { length.parse().ok()? } else { return None };
        return IpNet::new(address.parse().ok()?, length).ok().map(Literal::Prefix);
    }
    text.parse().ok().map(Literal::Address)
}

fn read(text: &str, span: Span, sink: &mut Sink) -> Option<Literal> {
    let found = literal(text);
    if found.is_none() {
        let message = format!("`{text}` is not an address");
        let report = Diagnostic::new(&MALFORMED_ADDRESS, span, message);
        sink.push(report.help(mend(text)));
    }
    found
}

/// The prefix of a network.
pub(super) fn network(text: &str, span: Span, sink: &mut Sink) -> Option<IpNet> {
    match read(text, span, sink)? {
        Literal::Prefix(net) if net.addr() == net.network() => Some(net),
        Literal::Prefix(net) => {
            let help = format!("write `{}`; a machine `{}` belongs under `hosts`", net.trunc(), net.addr());
            sink.push(host_bits(text, net, span).help(help));
            None
        }
        Literal::Address(address) => {
            let length = if address.is_ipv4() { 32 } else { 128 };
            let message = format!("`{text}` is a single address, and a network is given by its prefix");
            let help = format!("write its prefix length too, `{address}/{length}` if it is this address alone");
            sink.push(Diagnostic::new(&NOT_A_PREFIX, span, message).help(help));
            None
        }
        Literal::Range(first, last) => {
            let range = range(text, first, last, span, sink)?;
            let message = format!("`{text}` is a range, and a network is given by its prefix");
            sink.push(Diagnostic::new(&NOT_A_PREFIX, span, message).help(prefixes_for(range)));
            None
        }
    }
}

fn prefixes_for(range: AddressRange) -> String {
    let prefixes = range.prefixes();
    if prefixes.len() > 4 {
        return "write the prefix that the devices route".to_owned();
    }
    let list: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
    format!("the range is `[{}]`", list.join(", "))
}

/// One entry of a host: an address, a prefix or a range.
pub(super) fn host(text: &str, span: Span, sink: &mut Sink) -> Option<AddressRange> {
    match read(text, span, sink)? {
        Literal::Address(address) => Some(AddressRange::single(address)),
        Literal::Prefix(net) if net.addr() == net.network() => Some(net.into()),
        Literal::Prefix(net) => {
            let help = format!("write `{}` for this one machine, or `{}` for all of them", net.addr(), net.trunc());
            sink.push(host_bits(text, net, span).help(help));
            None
        }
        Literal::Range(first, last) => range(text, first, last, span, sink),
    }
}

/// One own address of an interface.
pub(super) fn interface(text: &str, span: Span, sink: &mut Sink) -> Option<IpAddr> {
    let (message, help) = match read(text, span, sink)? {
        Literal::Address(address) => return Some(address),
        Literal::Prefix(net) => (
            format!("`{text}` is a prefix, and an interface has single addresses"),
            format!("write `{}`; the prefix stands at the network", net.addr()),
        ),
        Literal::Range(first, _) => (
            format!("`{text}` is a range, and an interface has single addresses"),
            format!("write the address alone, `{first}`, or a list of addresses"),
        ),
    };
    sink.push(Diagnostic::new(&NOT_ONE_ADDRESS, span, message).help(help));
    None
}

fn host_bits(text: &str, net: IpNet, span: Span) -> Diagnostic {
    let message = format!("`{text}` has host bits set: its network is `{}`", net.trunc());
    Diagnostic::new(&HOST_BITS, span, message)
}

fn range(text: &str, first: IpAddr, last: IpAddr, span: Span, sink: &mut Sink) -> Option<AddressRange> {
    if first.is_ipv4() != last.is_ipv4() {
        let message = format!("the range `{text}` begins in one address family and ends in the other");
        sink.push(Diagnostic::new(&MIXED_RANGE, span, message).help("write one range for each family"));
        return None;
    }
    let range = AddressRange::between(first, last);
    if range.is_none() {
        let message = format!("the range `{text}` ends before it begins");
        sink.push(Diagnostic::new(&REVERSED_RANGE, span, message).help(format!("write `{last}-{first}`")));
    }
    range
}

/// What to type in place of a text that is no address.
fn mend(text: &str) -> String {
    let packed: String = text.split_whitespace().collect();
    if packed != text && literal(&packed).is_some() {
        return format!("write it without blanks: `{packed}`");
    }
    if text.contains([',', ';', ' ']) {
        let parts: Vec<&str> = text.split([',', ';', ' ']).filter(|part| !part.is_empty()).collect();
        if parts.iter().all(|part| literal(part).is_some()) {
            return format!("write a list: `[{}]`", parts.join(", "));
        }
    }
    if let Some(net) = netmask(text) {
        return format!("write the length of the prefix: `{net}`");
    }
    if let Some(text) = without_leading_zeros(text) {
        return format!("write the numbers without leading zeros: `{text}`");
    }
    if let Some((address, length)) = text.split_once('/')
        && let Ok(address) = address.parse::<IpAddr>()
    {
        let (family, most) = if address.is_ipv4() { ("IPv4", 32) } else { ("IPv6", 128) };
        return format!("an {family} prefix length is a number from 0 to {most}, not `{length}`");
    }
    "write an address such as `10.0.0.5` or `2001:db8::5`, a prefix `10.0.0.0/24`, or a range `10.0.0.5-10.0.0.9`"
        .to_owned()
}

/// `10.0.0.0/255.255.255.0`
fn netmask(text: &str) -> Option<IpNet> {
    let (address, mask) = text.split_once('/')?;
    let length = ipnet::ip_mask_to_prefix(mask.parse().ok()?).ok()?;
    IpNet::new(address.parse().ok()?, length).ok()
}

/// `010.001.000.005`
fn without_leading_zeros(text: &str) -> Option<String> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let parts: Option<Vec<String>> =
        address.split('.').map(|part| part.parse::<u8>().ok().map(|number| number.to_string())).collect();
    let mut mended = parts?.join(".");
    if let Some(length) = length {
        mended = format!("{mended}/{}", length.parse::<u8>().ok()?);
    }
    (mended != text && literal(&mended).is_some()).then_some(mended)
}
