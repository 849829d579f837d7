//! Tests of TCP flags, asked of first packets: the first packet of a connection has SYN and none of the others, but for the two that speak of congestion.
//!
//! Of later packets such a test is unknown. `tcp flags syn | ack` without an operator may be printed for "one of them" and for "equal to both", so it is unknown
//! wherever that makes a difference.

use super::fields::STATES;
use super::names;
use super::tree::{Expr, Operator};
use crate::listing::{Condition, State, States};
use crate::packet::{Protocol, ServiceSet};

const SYN: u8 = 0x02;
/// The flags of first packets: both that speak of congestion may be set.
const FIRST: [u8; 4] = [SYN, SYN | 0x40, SYN | 0x80, SYN | 0xc0];
const NAMES: [(&str, u8); 8] = [
    ("fin", 0x01),
    ("syn", SYN),
    ("rst", 0x04),
    ("psh", 0x08),
    ("ack", 0x10),
    ("urg", 0x20),
    ("ecn", 0x40),
    ("cwr", 0x80),
];

/// What a comparison asks of TCP flags; `None` if it looks at something else, or is not understood.
pub fn asked(left: &Expr, operator: Operator, right: &Expr, text: &str) -> Option<Vec<Condition>> {
    let holds = of_first_packet(left, operator, right)?;
    let later = STATES.into_iter().filter(|state| *state != State::New).collect();
    let first = vec![Condition::State(States(vec![State::New])), Condition::Usual(holds, text.to_owned())];
    let lists = vec![first, vec![Condition::State(States(later)), Condition::Unknown(text.to_owned())]];
    Some(vec![Condition::Service(ServiceSet::protocol(Protocol::TCP).into()), Condition::AnyOf(lists)])
}

/// Whether it holds of every first packet, or of none; `None` if that depends, or is not known.
fn of_first_packet(left: &Expr, operator: Operator, right: &Expr) -> Option<bool> {
    let mut each = FIRST.into_iter().map(|flags| of_packet(flags, left, operator, right));
    let first = each.next().flatten()?;
    each.all(|holds| holds == Some(first)).then_some(first)
}

fn of_packet(flags: u8, left: &Expr, operator: Operator, right: &Expr) -> Option<bool> {
    let (mask, masked) = match left {
        left if is_flags(left) => (u8::MAX, false),
        Expr::Bits(field, sign, mask) if is_flags(field) && (sign == "&" || sign == "/") => (bits(mask)?, sign == "/"),
        _ => return None,
    };
    let (seen, value) = (flags & mask, bits(right)?);
    match operator {
        Operator::Equal => Some(seen == value),
        Operator::Implicit if masked => Some(seen == value),
        Operator::Unequal => Some(seen != value),
        Operator::Without => Some(seen & value == 0),
        Operator::Implicit => {
            let (one_of, equal) = (seen & value != 0, seen == value);
            (one_of == equal || !matches!(right, Expr::Bits(..))).then_some(one_of)
        }
        _ => None,
    }
}

fn is_flags(expr: &Expr) -> bool {
    matches!(expr, Expr::Field(path) if path.iter().eq(["tcp", "flags"].iter()))
}

/// The bits of a flag or of several.
fn bits(expr: &Expr) -> Option<u8> {
    match expr {
        Expr::Word(word) | Expr::Quoted(word) => match names::number(word) {
            Some(number) => u8::try_from(number).ok(),
            None => NAMES.iter().find(|(name, _)| name == word).map(|(_, bit)| *bit),
        },
        Expr::Flags(parts) => parts.iter().map(bits).try_fold(0, |all, one| Some(all | one?)),
        Expr::Bits(first, sign, second) if sign == "|" => Some(bits(first)? | bits(second)?),
        _ => None,
    }
}
