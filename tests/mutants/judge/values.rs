//! Numbers and names as both programs write them.

use std::net::IpAddr;

use super::rules::{Range, Refusal, wrong};

/// The number of a protocol, by either program's name.
pub fn protocol(text: &str) -> Result<u128, Refusal> {
    Ok(match text {
        "icmp" => 1,
        "igmp" => 2,
        "tcp" => 6,
        "udp" => 17,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "ipv6-icmp" | "icmpv6" => 58,
        "ospf" => 89,
        "sctp" => 132,
        _ => return number(text, 255),
    })
}

pub fn number(text: &str, most: u128) -> Result<u128, Refusal> {
    match text.parse() {
        Ok(value) if value <= most && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(value),
        _ => wrong(format!("`{text}` is no number up to {most}")),
    }
}

/// `a` or `a-b`, whatever reads the two.
pub fn range(text: &str, dash: char, one: impl Fn(&str) -> Result<u128, Refusal>) -> Result<Range, Refusal> {
    let (low, high) = text.split_once(dash).unwrap_or((text, text));
    let (low, high) = (one(low)?, one(high)?);
    if low > high { wrong(format!("`{text}` ends before it begins")) } else { Ok((low, high)) }
}

fn bits_of(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(four) => (u128::from(u32::from(four)), 32),
        IpAddr::V6(six) => (u128::from(six), 128),
    }
}

/// One address of a family.
pub fn address(text: &str, family: u8) -> Result<u128, Refusal> {
    match text.parse::<IpAddr>() {
        Ok(address) if address.is_ipv6() == (family == 6) => Ok(bits_of(address).0),
        _ => wrong(format!("`{text}` is no address of IPv{family}")),
    }
}

/// An address or a prefix of a family; bits behind the length do not count.
pub fn prefix(text: &str, family: u8) -> Result<Range, Refusal> {
    let Some((base, length)) = text.split_once('/') else {
        let one = address(text, family)?;
        return Ok((one, one));
    };
    let bits = if family == 6 { 128_u32 } else { 32 };
    let base = address(base, family)?;
    let length = number(length, u128::from(bits))? as u32;
    let all = u128::MAX >> (128 - bits);
    let host = if length == 0 { all } else { all & !(all << (bits - length)) };
    Ok((base & !host, base | host))
}

/// Ranges in order, those that touch or overlap made one.
pub fn merged(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut found: Vec<Range> = Vec::new();
    for (low, high) in ranges {
        match found.last_mut() {
            Some(last) if last.1 == u128::MAX || low <= last.1 + 1 => last.1 = last.1.max(high),
            _ => found.push((low, high)),
        }
    }
    found
}
