//! Service expressions.

use pest::iterators::Pair;

use super::Context;
use crate::diag::Diagnostic;
use crate::diag::codes::syntax;
use crate::packet::{Interval, PortRange, Protocol};
use crate::source::Spanned;
use crate::syntax::ast::{Service, Services};
use crate::syntax::grammar::Rule;

/// `svc, svc except svc`; `None` if nothing of what is in it could be read, which is reported.
pub(in crate::syntax) fn services(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Services> {
    let (mut items, mut except) = (Vec::new(), Vec::new());
    let mut excepting = false;
    let mut span = context.span(&pair);
    span.end = span.start;
    for part in pair.into_inner() {
        span = span.to(context.span(&part));
        match part.as_rule() {
            Rule::kw_except => excepting = true,
            Rule::comma => {}
            _ if excepting => except.extend(service(context, part)),
            _ => items.extend(service(context, part)),
        }
    }
    (!items.is_empty()).then_some(Services { items, except, span })
}

fn service(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Spanned<Service>> {
    let span = context.span(&pair);
    let value = match pair.as_rule() {
        Rule::kw_any => Service::Any,
        Rule::service_name => Service::Name(pair.as_str().to_owned()),
        Rule::protocol => with_ports(context, pair)?,
        Rule::icmp => icmp(context, pair)?,
        Rule::by_number => by_number(context, &pair)?,
        _ => return None,
    };
    Some(Spanned::new(value, span))
}

fn with_ports(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Service> {
    let whole = context.span(&pair);
    let text = pair.as_str();
    let (mut protocol, mut source, mut destination) = (Protocol(0), None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::protocol_name => protocol = Protocol::by_name(part.as_str())?,
            _ if !protocol.has_ports() => {
                context.report(
                    Diagnostic::new(&syntax::NO_PORTS, whole, format!("`{protocol}` has no ports"))
                        .label(format!("`{text}` names one"))
                        .help(format!("use `{protocol}`; ports belong to tcp, udp and sctp")),
                );
                return None;
            }
            Rule::source => source = ports(context, &part)?,
            _ => destination = ports(context, &part)?,
        }
    }
    if protocol.has_ports() {
        return Some(Service::Ports { protocol, source, destination });
    }
    Some(Service::Protocol(protocol))
}

/// `443`, `5985-5986` or `*`: the inner `None` is `*`, the outer one an error that was reported.
#[expect(clippy::option_option, reason = "outside: could it be read; inside: is it bounded")]
fn ports(context: &mut Context<'_>, pair: &Pair<'_, Rule>) -> Option<Option<PortRange>> {
    let text = pair.as_str();
    if text == "*" {
        return Some(None);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let low = port(context, pair, first, 0)?;
    let high = if text.contains('-') { port(context, pair, last, first.len() + 1)? } else { low };
    if low > high {
        let span = context.span(pair);
        context.report(
            Diagnostic::new(&syntax::PORT_RANGE_REVERSED, span, format!("the port range `{text}` runs backwards"))
                .label(format!("{last} is below {first}"))
                .help(format!("use `{last}-{first}`")),
        );
        return None;
    }
    Some(Some(Interval { first: low, last: high }))
}

fn port(context: &mut Context<'_>, pair: &Pair<'_, Rule>, digits: &str, at: usize) -> Option<u16> {
    let port = digits.parse::<u16>();
    if port.is_err() {
        let span = context.part(pair, at, digits.len());
        context.report(
            Diagnostic::new(&syntax::PORT_TOO_LARGE, span, format!("there is no port {}", shorten(digits)))
                .label("ports go from 0 to 65535"),
        );
    }
    port.ok()
}

fn icmp(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Service> {
    let (mut protocol, mut kind, mut code) = (Protocol::ICMP, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::icmp_name => protocol = Protocol::by_name(part.as_str())?,
            Rule::icmp_type => kind = Some(byte(context, &part, "type")?),
            _ => code = Some(byte(context, &part, "code")?),
        }
    }
    Some(Service::Icmp { protocol, kind, code })
}

fn byte(context: &mut Context<'_>, pair: &Pair<'_, Rule>, what: &str) -> Option<u8> {
    let byte = pair.as_str().parse::<u8>();
    if byte.is_err() {
        let span = context.span(pair);
        let message = format!("there is no ICMP {what} {}", shorten(pair.as_str()));
        context.report(
            Diagnostic::new(&syntax::ICMP_TOO_LARGE, span, message).label("ICMP types and codes go from 0 to 255"),
        );
    }
    byte.ok()
}

fn by_number(context: &mut Context<'_>, pair: &Pair<'_, Rule>) -> Option<Service> {
    let span = context.span(pair);
    let rest = pair.as_str().strip_prefix("protocol/")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let Ok(number) = digits.parse::<u8>() else {
        let message = format!("there is no protocol {}", shorten(digits));
        let error = Diagnostic::new(&syntax::PROTOCOL_TOO_LARGE, span, message);
        context.report(error.label("protocol numbers go from 0 to 255"));
        return None;
    };
    let protocol = Protocol(number);
    if let Some(after) = rest.get(digits.len() + 1..) {
        let message = format!("`protocol/{number}` takes neither ports nor types");
        let error = Diagnostic::new(&syntax::NO_PORTS, span, message).label("the number alone stands here");
        let by_name = protocol.has_ports() || protocol.is_icmp();
        let help = if by_name { format!("use `{protocol}/{after}`") } else { format!("use `protocol/{number}`") };
        context.report(error.help(help));
        return None;
    }
    Some(if protocol.has_ports() {
        Service::Ports { protocol, source: None, destination: None }
    } else if protocol.is_icmp() {
        Service::Icmp { protocol, kind: None, code: None }
    } else {
        Service::Protocol(protocol)
    })
}

/// A number of any length, fit for a message.
fn shorten(digits: &str) -> String {
    match digits.get(..12) {
        Some(first) if digits.len() > 12 => format!("{first}..."),
        _ => digits.to_owned(),
    }
}
