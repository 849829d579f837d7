//! What comparisons and look-ups ask of a packet.
//!
//! Several values of one field become one set; several fields together become a list of alternatives. `!=` of an address, a port or a state is the rest of that
//! field's values, in packets that have the field at all: `tcp dport != 22` is about TCP alone.

use std::collections::BTreeSet;

use super::fields::{Excluded, Field, First, LATER, Only, STATES, Values, field, masked};
use super::ruleset::Table;
use super::tree::{Element, Expr, Operator, Verdict};
use super::{flags, printed};
use crate::listing::{Condition, State, States};
use crate::packet::{AddressSet, Interval, IntervalSet, ServiceSet};

/// How many elements of sets one text may put into rules, over all rules.
const MOST_ELEMENTS: usize = 4 << 20;

/// Reads comparisons of one table.
pub struct Comparer<'a> {
    table: &'a Table,
    filled: &'a BTreeSet<&'a str>,
    budget: &'a mut usize,
    missing: Vec<String>,
}

/// The entries of a verdict map.
pub type Entries = Vec<(Vec<Condition>, Option<Verdict>)>;

impl<'a> Comparer<'a> {
    /// Begins; `filled` are the sets that rules change, `budget` is how many elements were used so far.
    pub fn new(table: &'a Table, filled: &'a BTreeSet<&'a str>, budget: &'a mut usize) -> Self {
        Self { table, filled, budget, missing: Vec::new() }
    }

    /// The sets that were asked for since the last call and are not there.
    pub fn missing(&mut self) -> Vec<String> {
        std::mem::take(&mut self.missing)
    }

    /// What a comparison asks for; `before` are the conditions of the rule that stand before it.
    pub fn compare(
        &mut self,
        left: &Expr,
        operator: Operator,
        right: &Expr,
        text: &str,
        before: &[Condition],
    ) -> Vec<Condition> {
        let fields = fields(left);
        let special = special(left, operator, right).or_else(|| flags::asked(left, operator, right, text));
        if let Some(conditions) = special.or_else(|| printed::doubtful(left, right, text)) {
            return conditions;
        }
        let mut result: Vec<Condition> = fields.iter().flatten().filter_map(|field| field.implies()).collect();
        let asked = match (fields.as_deref(), operator) {
            (Some([Field::State]), _) => self.state(operator, right, text, before),
            (Some([Field::Other(_)]) | None, _) | (_, Operator::Without) => None,
            (Some([field]), Operator::Below | Operator::Above | Operator::AtMost | Operator::AtLeast) => {
                ordered(*field, operator, right, text, before)
            }
            (Some(fields), Operator::Implicit | Operator::Equal) => {
                self.among(fields, right, Excluded::No, text, before)
            }
            (Some(fields), Operator::Unequal) => self.among(fields, right, Excluded::Yes, text, before),
            (Some(_), _) => None,
        };
        result.push(asked.unwrap_or_else(|| Condition::Unknown(text.to_owned())));
        result
    }

    /// What a verdict map asks for as a whole, and its entries; `None` if its content is not known.
    pub fn look_up(
        &mut self,
        key: &Expr,
        map: &Expr,
        text: &str,
        before: &[Condition],
    ) -> Option<(Vec<Condition>, Entries)> {
        let fields = fields(key)?;
        let table = self.table;
        let elements = self.elements(table, map)?;
        if elements.iter().any(|element| element.fleeting) {
            return None;
        }
        let implied = fields.iter().filter_map(|field| field.implies()).collect();
        let (mut entries, mut others) = (Vec::new(), Vec::new());
        for element in elements {
            for key in flat(&element.key) {
                match key {
                    Expr::Star => others.push((Vec::new(), element.verdict.clone())),
                    key => entries.push((entry(&fields, key, text, before), element.verdict.clone())),
                }
            }
        }
        entries.extend(others);
        Some((implied, entries))
    }

    /// The elements of a set; `None` if they are not known.
    fn elements<'e>(&mut self, table: &'e Table, set: &'e Expr) -> Option<&'e [Element]> {
        let elements = match set {
            Expr::Set(elements) => elements.as_slice(),
            Expr::Named(name) => {
                let Some(set) = table.sets.get(name) else {
                    self.missing.push(name.clone());
                    return None;
                };
                if set.unknown || self.filled.contains(name.as_str()) {
                    return None;
                }
                set.elements.as_slice()
            }
            _ => return None,
        };
        *self.budget = self.budget.saturating_add(elements.len());
        (*self.budget <= MOST_ELEMENTS).then_some(elements)
    }

    fn state(&mut self, operator: Operator, right: &Expr, text: &str, before: &[Condition]) -> Option<Condition> {
        let several = matches!(right, Expr::Flags(_));
        match (operator, several) {
            (Operator::Implicit, true) => Some(Condition::State(States(states(right)?))),
            (Operator::Without, _) => Some(Condition::State(States(other_states(&states(right)?)))),
            (Operator::Implicit | Operator::Equal, false) => {
                self.among(&[Field::State], right, Excluded::No, text, before)
            }
            (Operator::Unequal, false) if !matches!(right, Expr::Bits(..)) => {
                self.among(&[Field::State], right, Excluded::Yes, text, before)
            }
            // The states are bits and a packet has one of them: it is never equal to two.
            (Operator::Unequal, _) => {
                let states = states(right)?;
                Some(if states.len() > 1 { always() } else { Condition::State(States(other_states(&states))) })
            }
            _ => None,
        }
    }

    fn among(
        &mut self,
        fields: &[Field],
        right: &Expr,
        excluded: Excluded,
        text: &str,
        before: &[Condition],
    ) -> Option<Condition> {
        let table = self.table;
        let keys: Vec<&Expr> = match right {
            Expr::Set(_) | Expr::Named(_) => {
                let elements = self.elements(table, right)?;
                if elements.iter().any(|element| element.fleeting) {
                    return None;
                }
                elements.iter().flat_map(|element| flat(&element.key)).collect()
            }
            // A variable that holds a set in braces was put in place of itself already; commas mean flags, which these fields have not.
            Expr::Flags(_) => return None,
            single => vec![single],
        };
        if keys.iter().any(|key| **key == Expr::Star) {
            return Some(if excluded == Excluded::Yes { never() } else { always() });
        }
        match fields {
            [field] => Some(one_field(*field, &keys, excluded, text, before)),
            fields => {
                let lists = keys.into_iter().map(|key| entry(fields, key, text, before)).collect();
                let any = Condition::AnyOf(lists);
                Some(if excluded == Excluded::Yes { Condition::Not(vec![any]) } else { any })
            }
        }
    }
}

/// A condition that no packet meets.
fn never() -> Condition {
    Condition::AnyOf(Vec::new())
}

/// A condition that every packet meets.
fn always() -> Condition {
    Condition::Not(vec![never()])
}

/// The fields of the left side; `None` if it is something else.
fn fields(left: &Expr) -> Option<Vec<Field>> {
    match left {
        Expr::Field(path) => Some(vec![field(path)]),
        Expr::Concat(parts) => Some(
            parts
                .iter()
                .map(|part| match part {
                    Expr::Field(path) => field(path),
                    _ => Field::Other(Only::Any),
                })
                .collect(),
        ),
        Expr::Bits(left, ..) => {
            // What the field says by being there holds; its value is not understood.
            let only = fields(left)?.first().map(|field| match field {
                Field::Source(family) | Field::Destination(family) => Only::Family(*family),
                Field::Other(only) => *only,
                _ => Only::Any,
            });
            Some(vec![Field::Other(only.unwrap_or(Only::Any))])
        }
        _ => None,
    }
}

/// The values in the place of one, where a variable held several.
fn flat(key: &Expr) -> Vec<&Expr> {
    let (mut result, mut waiting) = (Vec::new(), vec![key]);
    while let Some(expr) = waiting.pop() {
        match expr {
            Expr::Set(elements) => waiting.extend(elements.iter().rev().map(|element| &element.key)),
            Expr::Flags(parts) => waiting.extend(parts.iter().rev()),
            single => result.push(single),
        }
    }
    result
}

/// Comparisons of bits of a field that are understood all the same: networks by mask, states by bits.
fn special(left: &Expr, operator: Operator, right: &Expr) -> Option<Vec<Condition>> {
    let Expr::Bits(inner, sign, mask) = left else { return None };
    let Expr::Field(path) = inner.as_ref() else { return None };
    if sign != "&" {
        return None;
    }
    let same = match operator {
        Operator::Implicit | Operator::Equal => true,
        Operator::Unequal => false,
        _ => return None,
    };
    match field(path) {
        Field::State => {
            let Expr::Word(zero) = right else { return None };
            if super::names::number(zero) != Some(0) {
                return None;
            }
            let asked = states(mask)?;
            Some(vec![Condition::State(States(if same { other_states(&asked) } else { in_order(&asked) }))])
        }
        of @ (Field::Source(family) | Field::Destination(family)) => {
            let values = Values::Addresses(masked(family, right, mask)?);
            let excluded = if same { Excluded::No } else { Excluded::Yes };
            Some(vec![of.condition(&values, excluded, &IntervalSet::empty(), "")])
        }
        _ => None,
    }
}

/// States separated by commas or `|`.
fn states(expr: &Expr) -> Option<Vec<State>> {
    match expr {
        Expr::Flags(parts) => Some(in_order(&parts.iter().map(states).collect::<Option<Vec<_>>>()?.concat())),
        Expr::Bits(left, sign, right) if sign == "|" => {
            let (mut left, right) = (states(left)?, states(right)?);
            left.extend(right);
            Some(in_order(&left))
        }
        single => match Field::State.value(single)? {
            Values::States(states) => Some(states),
            _ => None,
        },
    }
}

fn in_order(states: &[State]) -> Vec<State> {
    STATES.into_iter().filter(|state| states.contains(state)).collect()
}

fn other_states(states: &[State]) -> Vec<State> {
    STATES.into_iter().filter(|state| !states.contains(state)).collect()
}

fn ordered(field: Field, operator: Operator, right: &Expr, text: &str, before: &[Condition]) -> Option<Condition> {
    let Values::Numbers(numbers) = field.value(right)? else { return None };
    let value = numbers.first()?;
    let top = field.largest();
    let range = match operator {
        Operator::Below => Interval { first: 0, last: value.checked_sub(1)? },
        Operator::AtMost => Interval { first: 0, last: value },
        Operator::Above => Interval { first: value.checked_add(1).filter(|first| *first <= top)?, last: top },
        _ => Interval { first: value, last: top },
    };
    let th = carried(field, before);
    Some(field.condition(&Values::Numbers(range.into()), Excluded::No, &th, text))
}

/// The conditions of one element of a set of several fields.
fn entry(fields: &[Field], key: &Expr, text: &str, before: &[Condition]) -> Vec<Condition> {
    let single = [key];
    let parts: Vec<&Expr> = match key {
        Expr::Concat(parts) => parts.iter().collect(),
        _ => single.to_vec(),
    };
    if parts.len() != fields.len() {
        return vec![Condition::Unknown(text.to_owned())];
    }
    // The protocol says what a port of any protocol is asked of, wherever it stands in the element.
    let ports = asks_any_transport;
    let mut result = Vec::new();
    for last in [false, true] {
        for (field, part) in fields.iter().zip(&parts).filter(|(field, _)| ports(field) == last) {
            let known: Vec<Condition> = if last { before.iter().chain(&result).cloned().collect() } else { Vec::new() };
            result.push(one_field(*field, &[part], Excluded::No, text, &known));
        }
    }
    tidy(result)
}

fn one_field(field: Field, keys: &[&Expr], excluded: Excluded, text: &str, before: &[Condition]) -> Condition {
    let (mut all, mut lost) = (Vec::new(), false);
    for key in keys {
        match field.value(key) {
            Some(values) => all.push(values),
            None => lost = true,
        }
    }
    let th = carried(field, before);
    let known = (!all.is_empty()).then(|| together(all));
    let not = excluded == Excluded::Yes;
    match (known, lost) {
        (Some(values), false) => field.condition(&values, excluded, &th, text),
        (None, false) => {
            if not {
                always()
            } else {
                never()
            }
        }
        (None, true) => negated(not, Condition::Unknown(text.to_owned())),
        (known, true) => {
            let known = known.map(|values| vec![field.condition(&values, Excluded::No, &th, text)]);
            let any = known.into_iter().chain([vec![Condition::Unknown(text.to_owned())]]).collect();
            negated(not, Condition::AnyOf(any))
        }
    }
}

/// A condition or, where values are excluded, its opposite; whether something unknown holds is as unknown as whether it does not.
fn negated(not: bool, condition: Condition) -> Condition {
    match condition {
        Condition::Unknown(_) => condition,
        condition if not => Condition::Not(vec![condition]),
        condition => condition,
    }
}

fn together(all: Vec<Values>) -> Values {
    let (mut interfaces, mut addresses, mut numbers, mut states) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let kind = all.first().cloned();
    for values in all {
        match values {
            Values::Interfaces(more) => interfaces.extend(more),
            Values::Addresses(more) => addresses.push(more),
            Values::Numbers(more) => numbers.extend(more.intervals().iter().copied()),
            Values::States(more) => states.extend(more),
        }
    }
    match kind {
        Some(Values::Addresses(_)) => Values::Addresses(AddressSet::union_all(&addresses)),
        Some(Values::Numbers(_)) => Values::Numbers(numbers.into_iter().collect()),
        Some(Values::States(_)) => Values::States(states),
        _ => Values::Interfaces(interfaces),
    }
}

/// The protocols that conditions leave; all of them where the field does not ask.
fn carried(field: Field, conditions: &[Condition]) -> IntervalSet<u8> {
    let mut result = IntervalSet::full();
    if !asks_any_transport(&field) {
        return result;
    }
    for condition in conditions {
        let of_first = match condition {
            Condition::AnyOf(lists) if matches!(field, Field::First(_)) => first_and_later(lists).map(|(new, _)| new),
            _ => None,
        };
        for condition in std::iter::once(condition).chain(of_first.into_iter().flatten()) {
            if let Condition::Service(set) = condition {
                let of: IntervalSet<u8> = set.rectangles().iter().map(|rectangle| rectangle.protocols).collect();
                result = result.intersection(&of);
            }
        }
    }
    result
}

/// Whether what a field is depends on the protocol.
fn asks_any_transport(field: &Field) -> bool {
    matches!(
        field,
        Field::SourcePort(None)
            | Field::DestinationPort(None)
            | Field::First(First::SourcePort | First::DestinationPort)
    )
}

/// The two lists of a condition on the first packet of a connection: of that packet, and of later ones.
fn first_and_later(lists: &[Vec<Condition>]) -> Option<(&Vec<Condition>, &Vec<Condition>)> {
    let [new, later] = lists else { return None };
    let begins = |list: &[Condition], states: &[State]| matches!(list.first(), Some(Condition::State(States(of))) if of == states);
    (begins(new, &[State::New]) && begins(later, &LATER)).then_some((new, later))
}

/// Puts conditions of one kind together, and leaves out what always holds or is said by another.
pub fn tidy(conditions: Vec<Condition>) -> Vec<Condition> {
    let mut result: Vec<Condition> = Vec::with_capacity(conditions.len());
    for condition in conditions {
        if condition == always() || matches!(&condition, Condition::Service(set) if set.is_any()) {
            continue;
        }
        if !result.iter_mut().any(|known| joined(known, &condition)) {
            result.push(condition);
        }
    }
    let covered = result.clone();
    result.retain(|condition| match condition {
        Condition::Family(family) => !covered.iter().any(|other| match other {
            Condition::Source(set) | Condition::Destination(set) => {
                crate::packet::Family::BOTH.iter().all(|of| of == family || set.is_empty_in(*of))
            }
            _ => false,
        }),
        _ => true,
    });
    result
}

/// Joins a condition into another one of its kind; whether it could be.
fn joined(known: &mut Condition, more: &Condition) -> bool {
    match (known, more) {
        (Condition::Service(known), Condition::Service(more)) => {
            let both: ServiceSet = known.intersection(more);
            *known = both;
        }
        (Condition::Source(known), Condition::Source(more))
        | (Condition::Destination(known), Condition::Destination(more)) => *known = known.intersection(more),
        (Condition::State(known), Condition::State(more)) => known.0.retain(|state| more.0.contains(state)),
        (Condition::Family(known), Condition::Family(more)) if known == more => {}
        (Condition::AnyOf(known), Condition::AnyOf(more)) => {
            // Both ask of the first packet of the connection: so does their sum.
            let (Some((new, later)), Some((new_too, later_too))) = (first_and_later(known), first_and_later(more))
            else {
                return false;
            };
            let sum = |of: &[Condition], more: &[Condition]| tidy(of.iter().chain(more).cloned().collect());
            *known = vec![sum(new, new_too), sum(later, later_too)];
        }
        _ => return false,
    }
    true
}
