//! How single tokens are spelt.

use crate::packet::{PortRange, Protocol};
use crate::syntax::ast::{Primary, Service};
use crate::syntax::keywords;

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A WORD: plain where it can be, else in quotes.
pub(super) fn word(text: &str) -> String {
    if keywords::is_plain_word(text) { text.to_owned() } else { quoted(text) }
}

pub(super) fn primary(primary: &Primary) -> String {
    match primary {
        Primary::Any => "any".to_owned(),
        Primary::Name(name) => name.clone(),
        Primary::Qualified { site, name } => format!("{}/{}", site.value, name.value),
        Primary::Everywhere(name) => format!("*/{}", name.value),
        Primary::Attribute { key, value } => format!("{}:{}", key.value, self::value(&value.value)),
        Primary::Address(range) => range.to_string(),
    }
}

fn value(text: &str) -> String {
    let number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if number { text.to_owned() } else { word(text) }
}

pub(super) fn service(service: &Service) -> String {
    match service {
        Service::Any => "any".to_owned(),
        Service::Name(name) => name.clone(),
        Service::Ports { protocol, source: None, destination: None } => protocol.to_string(),
        Service::Ports { protocol, source: None, destination } => format!("{protocol}/{}", ports(*destination)),
        Service::Ports { protocol, source, destination } => {
            format!("{protocol}/{}:{}", ports(*source), ports(*destination))
        }
        Service::Icmp { protocol, kind: None, .. } => protocol.to_string(),
        Service::Icmp { protocol, kind: Some(kind), code: None } => format!("{protocol}/{kind}"),
        Service::Icmp { protocol, kind: Some(kind), code: Some(code) } => format!("{protocol}/{kind}/{code}"),
        Service::Protocol(Protocol(number)) => Protocol(*number).to_string(),
    }
}

fn ports(ports: Option<PortRange>) -> String {
    match ports {
        None => "*".to_owned(),
        Some(range) if range.first == range.last => range.first.to_string(),
        Some(range) => format!("{}-{}", range.first, range.last),
    }
}
