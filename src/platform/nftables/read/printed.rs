//! What `nft` prints of rules that iptables loaded, where that cannot be trusted.
//!
//! `-m multiport --ports 53,1024:65535` is printed as pairs of ports, and of a range iptables 1.8.9 gives the two ends for it: 1024 and 65535 (tried). A set of such pairs is
//! unknown, whoever wrote it.

use super::fields::{Field, field};
use super::tree::{Element, Expr};
use crate::listing::Condition;

/// What a comparison asks that looks like a printed `--ports`; `None` if it does not.
pub fn doubtful(left: &Expr, right: &Expr, text: &str) -> Option<Vec<Condition>> {
    let (Expr::Concat(parts), Expr::Set(elements)) = (left, right) else { return None };
    let [Expr::Field(source), Expr::Field(destination)] = parts.as_slice() else { return None };
    let (source, destination) = (field(source), field(destination));
    let ports = matches!((source, destination), (Field::SourcePort(a), Field::DestinationPort(b)) if a == b);
    if !ports || elements.is_empty() || !elements.iter().all(|element| is_either(element, elements)) {
        return None;
    }
    Some(source.implies().into_iter().chain([Condition::Unknown(text.to_owned())]).collect())
}

/// Whether an element is for all ports on one side, and another one is its mirror image.
fn is_either(element: &Element, elements: &[Element]) -> bool {
    let Expr::Concat(sides) = &element.key else { return false };
    let [a, b] = sides.as_slice() else { return false };
    let mirrored = |other: &Element| matches!(&other.key, Expr::Concat(sides) if sides.iter().eq([b, a]));
    (is_every(a) || is_every(b)) && elements.iter().any(mirrored)
}

fn is_every(side: &Expr) -> bool {
    let is = |end: &Expr, number: &str| matches!(end, Expr::Word(word) if word == number);
    matches!(side, Expr::Range(first, last) if is(first, "0") && is(last, "65535"))
}
