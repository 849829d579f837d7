//! What comparisons and look-ups ask of a packet.
//!
//! Several values of one field become one set; several fields together become a list of alternatives. `!=` of an address, a port or a state is the rest of that
//! field's values, in packets that have the field at all: `tcp dport != 22` is about TCP alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::HashMap;

use super::addresses::Entry;
use super::asked::{Asked, asks_any_transport, is_nothing};
use super::fields::{Excluded, Field, Only, STATES, Values, WITH_PORTS, address_range, field, masked, union};
use super::ruleset::{Listed, SetEntry, Table};
use super::tree::{Element, Expr, Operator, Verdict};
use super::{flags, printed};
use crate::listing::{Condition, State, States};
use crate::packet::{AddressRange, AddressSet, Family, Interval, IntervalSet, ServiceSet};

/// How many elements of sets one text may put into rules, over all rules.
const MOST_ELEMENTS: usize = 4 << 20;

/// Reads comparisons of one table.
pub struct Comparer<'a, 't> {
    table: &'a Table<'t>,
    filled: &'a BTreeSet<&'a str>,
    budget: &'a mut usize,
    missing: Vec<String>,
    /// What was read before: maps ask for the same addresses again and again.
    addresses: HashMap<AddressRange, Arc<AddressSet>>,
}

/// The entries of a verdict map.
pub type Entries<'a, 't> = Vec<(Vec<Condition>, Option<&'a Verdict<'t>>)>;

impl<'a, 't> Comparer<'a, 't> {
    /// Begins; `filled` are the sets that rules change, `budget` is how many elements were used so far.
    pub fn new(table: &'a Table<'t>, filled: &'a BTreeSet<&'a str>, budget: &'a mut usize) -> Self {
        Self { table, filled, budget, missing: Vec::new(), addresses: HashMap::default() }
    }

    /// The sets that were asked for since the last call and are not there.
    pub fn missing(&mut self) -> Vec<String> {
        std::mem::take(&mut self.missing)
    }

    /// Counts sets as asked for.
    pub fn miss(&mut self, sets: &[String]) {
        self.missing.extend_from_slice(sets);
    }

    /// What a comparison asks for, if that is that an address is one, or in a list: the most frequent one, seen at once. That the packet is of its family goes without saying.
    pub fn address(&mut self, left: &Expr<'t>, operator: Operator, right: &'a Expr<'t>) -> Option<Condition> {
        let (Expr::Field(path), Operator::Implicit) = (left, operator) else { return None };
        let (condition, family) = one_address(field(path))?;
        match right {
            Expr::Word(_) | Expr::Prefix(..) | Expr::Range(..) => {
                Some(condition(Arc::new(address_range(right, family)?.into())))
            }
            Expr::Named(name) => {
                let Listed::Set(list) = self.table.sets.get(&**name)?.listed()? else { return None };
                (list.family == family && self.named(name).is_some()).then(|| condition(list.set.clone()))
            }
            _ => None,
        }
    }

    /// What a comparison asks for; `before` are the conditions of the rule that stand before it.
    pub fn compare(
        &mut self,
        left: &Expr<'t>,
        operator: Operator,
        right: &'a Expr<'t>,
        text: &str,
        before: &Asked,
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
        key: &Expr<'t>,
        map: &'a Expr<'t>,
        text: &str,
        before: &Asked,
    ) -> Option<(Vec<Condition>, Entries<'a, 't>)> {
        let fields = fields(key)?;
        let elements = match map {
            Expr::Named(name) => {
                let set = self.named(name)?;
                if let Some(known) = self.listed(set, &fields) {
                    return Some(known);
                }
                set.elements()
            }
            Expr::Set(inline) => inline,
            _ => return None,
        };
        if elements.iter().any(|element| element.fleeting) {
            return None;
        }
        let implied = fields.iter().filter_map(|field| field.implies()).collect();
        let (mut entries, mut others, mut keys) = (Vec::with_capacity(elements.len()), Vec::new(), Vec::new());
        for element in elements {
            flat(&element.key, &mut keys);
            for key in keys.drain(..) {
                match key {
                    Expr::Star => others.push((Vec::new(), element.verdict.as_ref())),
                    key => entries.push((self.entry(&fields, key, text, before), element.verdict.as_ref())),
                }
            }
        }
        entries.extend(others);
        Some((implied, entries))
    }

    /// The entries of a map of addresses, if one address is looked up in it.
    fn listed(&mut self, set: &'a SetEntry<'t>, fields: &[Field]) -> Option<(Vec<Condition>, Entries<'a, 't>)> {
        let Some(Listed::Map(listed)) = set.listed() else { return None };
        let [field] = fields else { return None };
        let (condition, family) = one_address(*field)?;
        if listed.iter().any(|(range, _)| range.family() != family) {
            return None;
        }
        let entry = |(range, verdict): &'a Entry<'t>| (vec![condition(self.shared(*range))], verdict.as_ref());
        Some((field.implies().into_iter().collect(), listed.iter().map(entry).collect()))
    }

    /// A named set whose elements are known. Each use counts them: a few lines may ask for many of them many times.
    fn named(&mut self, name: &str) -> Option<&'a SetEntry<'t>> {
        let Some(set) = self.table.sets.get(name) else {
            self.missing.push(name.to_owned());
            return None;
        };
        if set.unknown || self.filled.contains(name) {
            return None;
        }
        *self.budget = self.budget.saturating_add(set.count());
        (*self.budget <= MOST_ELEMENTS).then_some(set)
    }

    fn state(&mut self, operator: Operator, right: &'a Expr<'t>, text: &str, before: &Asked) -> Option<Condition> {
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
        right: &'a Expr<'t>,
        excluded: Excluded,
        text: &str,
        before: &Asked,
    ) -> Option<Condition> {
        let keys: Vec<&'a Expr<'t>> = match right {
            Expr::Set(inline) => keys(inline)?,
            Expr::Named(name) => {
                let set = self.named(name)?;
                if let Some(known) = one_of(set, fields, excluded) {
                    return Some(known);
                }
                keys(set.elements())?
            }
            // A variable that holds a set in braces was put in place of itself already; commas mean flags, which these fields have not.
            Expr::Flags(_) => return None,
            single => vec![single],
        };
        if keys.iter().any(|key| **key == Expr::Star) {
            return Some(if excluded == Excluded::Yes { never() } else { always() });
        }
        match fields {
            [field] => Some(self.one_field(*field, &keys, excluded, text, &[before])),
            fields => {
                let known = if before.service().is_none() { ports(fields, &keys) } else { None };
                if let Some(services) = known {
                    return Some(negated(excluded == Excluded::Yes, Condition::Service(services.into())));
                }
                let lists = keys.into_iter().map(|key| self.entry(fields, key, text, before)).collect();
                let any = any_of(lists);
                Some(if excluded == Excluded::Yes { Condition::Not(vec![any]) } else { any })
            }
        }
    }

    /// The conditions of one element of a set or a map.
    fn entry(&mut self, fields: &[Field], key: &'a Expr<'t>, text: &str, before: &Asked) -> Vec<Condition> {
        let single = [key];
        if let [field] = fields
            && !matches!(key, Expr::Concat(_))
        {
            let condition = self.one_field(*field, &single, Excluded::No, text, &[before]);
            return if is_nothing(&condition) { Vec::new() } else { vec![condition] };
        }
        let parts: Vec<&'a Expr<'t>> = match key {
            Expr::Concat(parts) => parts.iter().collect(),
            _ => single.to_vec(),
        };
        if parts.len() != fields.len() {
            return vec![Condition::Unknown(text.to_owned())];
        }
        // The protocol says what a port of any protocol is asked of, wherever it stands in the element.
        let mut result = Asked::default();
        for last in [false, true] {
            for (field, part) in fields.iter().zip(&parts).filter(|(field, _)| asks_any_transport(field) == last) {
                let condition = self.one_field(*field, &[part], Excluded::No, text, &[before, &result]);
                result.add(condition);
            }
        }
        result.finish()
    }

    fn one_field(
        &mut self,
        field: Field,
        keys: &[&'a Expr<'t>],
        excluded: Excluded,
        text: &str,
        before: &[&Asked],
    ) -> Condition {
        if let Some(known) = self.single_address(field, keys, excluded) {
            return known;
        }
        let (known, lost) = values(field, keys);
        let th = carried(field, before);
        let not = excluded == Excluded::Yes;
        match (known, lost) {
            (Some(values), false) => field.condition(values, excluded, &th, text),
            (None, false) => {
                if not {
                    always()
                } else {
                    never()
                }
            }
            (None, true) => negated(not, Condition::Unknown(text.to_owned())),
            (known, true) => {
                let known = known.map(|values| vec![field.condition(values, Excluded::No, &th, text)]);
                let any = known.into_iter().chain([vec![Condition::Unknown(text.to_owned())]]).collect();
                negated(not, Condition::AnyOf(any))
            }
        }
    }

    /// A comparison with one address, prefix or range.
    fn single_address(&mut self, field: Field, keys: &[&'a Expr<'t>], excluded: Excluded) -> Option<Condition> {
        let (condition, family) = one_address(field)?;
        let [key] = keys else { return None };
        if excluded == Excluded::Yes {
            return None;
        }
        Some(condition(self.shared(address_range(key, family)?)))
    }

    /// The set of a range, which all that ask for it share.
    fn shared(&mut self, range: AddressRange) -> Arc<AddressSet> {
        self.addresses.entry(range).or_insert_with(|| Arc::new(range.into())).clone()
    }
}

/// What makes the condition of a set of addresses.
type AsksFor = fn(Arc<AddressSet>) -> Condition;

/// The condition that a field asks one address for, and its family; `None` if it asks something else.
fn one_address(field: Field) -> Option<(AsksFor, Family)> {
    match field {
        Field::Source(family) => Some((Condition::Source, family)),
        Field::Destination(family) => Some((Condition::Destination, family)),
        _ => None,
    }
}

/// The condition that one address is among a list of them, which all that ask for it share; `None` if anything else is asked for.
fn one_of(set: &SetEntry<'_>, fields: &[Field], excluded: Excluded) -> Option<Condition> {
    let (Some(Listed::Set(list)), [field], Excluded::No) = (set.listed(), fields, excluded) else { return None };
    let (condition, _) = one_address(*field).filter(|(_, family)| *family == list.family)?;
    Some(condition(list.set.clone()))
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
fn fields(left: &Expr<'_>) -> Option<Vec<Field>> {
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

/// The keys of elements; `None` if one of them comes and goes.
fn keys<'e, 't>(elements: &'e [Element<'t>]) -> Option<Vec<&'e Expr<'t>>> {
    if elements.iter().any(|element| element.fleeting) {
        return None;
    }
    let mut keys = Vec::with_capacity(elements.len());
    elements.iter().for_each(|element| flat(&element.key, &mut keys));
    Some(keys)
}

/// The values in the place of one, where a variable held several.
fn flat<'e, 't>(key: &'e Expr<'t>, into: &mut Vec<&'e Expr<'t>>) {
    if !matches!(key, Expr::Set(_) | Expr::Flags(_)) {
        return into.push(key);
    }
    let mut waiting = vec![key];
    while let Some(expr) = waiting.pop() {
        match expr {
            Expr::Set(elements) => waiting.extend(elements.iter().rev().map(|element| &element.key)),
            Expr::Flags(parts) => waiting.extend(parts.iter().rev()),
            single => into.push(single),
        }
    }
}

/// Protocols with their ports, side by side, where nothing was asked of the services before; `None` if it is anything else.
fn ports(fields: &[Field], keys: &[&Expr<'_>]) -> Option<ServiceSet> {
    let [Field::Protocol, Field::DestinationPort(None)] = fields else { return None };
    let one = |key: &&Expr<'_>| {
        let Expr::Concat(parts) = key else { return None };
        let [protocol, port] = parts.as_slice() else { return None };
        let (Values::Numbers(protocols), Values::Numbers(ports)) =
            (Field::Protocol.value(protocol)?, Field::DestinationPort(None).value(port)?)
        else {
            return None;
        };
        match (protocols.intervals(), ports.intervals()) {
            ([Interval { first, last }], [ports]) if first == last => {
                let protocol = WITH_PORTS.into_iter().find(|protocol| u16::from(protocol.0) == *first)?;
                Some(ServiceSet::rectangle(protocol, Interval::full(), *ports))
            }
            _ => None,
        }
    };
    let sets: Vec<ServiceSet> = keys.iter().map(one).collect::<Option<_>>()?;
    (!sets.is_empty()).then(|| union(sets))
}

/// Any of some lists; services alone become one set of them.
fn any_of(lists: Vec<Vec<Condition>>) -> Condition {
    let mut services: Vec<ServiceSet> = Vec::with_capacity(lists.len());
    for list in &lists {
        let [Condition::Service(set)] = list.as_slice() else { return Condition::AnyOf(lists) };
        services.push(ServiceSet::clone(set));
    }
    if services.is_empty() { never() } else { Condition::Service(union(services).into()) }
}

/// Comparisons of bits of a field that are understood all the same: networks by mask, states by bits.
fn special(left: &Expr<'_>, operator: Operator, right: &Expr<'_>) -> Option<Vec<Condition>> {
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
            Some(vec![of.condition(values, excluded, &IntervalSet::empty(), "")])
        }
        _ => None,
    }
}

/// States separated by commas or `|`.
fn states(expr: &Expr<'_>) -> Option<Vec<State>> {
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

fn ordered(field: Field, operator: Operator, right: &Expr<'_>, text: &str, before: &Asked) -> Option<Condition> {
    let Values::Numbers(numbers) = field.value(right)? else { return None };
    let value = numbers.first()?;
    let top = field.largest();
    let range = match operator {
        Operator::Below => Interval { first: 0, last: value.checked_sub(1)? },
        Operator::AtMost => Interval { first: 0, last: value },
        Operator::Above => Interval { first: value.checked_add(1).filter(|first| *first <= top)?, last: top },
        _ => Interval { first: value, last: top },
    };
    let th = carried(field, &[before]);
    Some(field.condition(Values::Numbers(range.into()), Excluded::No, &th, text))
}

/// What several values say of a field, and whether any was not understood.
fn values(field: Field, keys: &[&Expr<'_>]) -> (Option<Values>, bool) {
    if let Field::Source(family) | Field::Destination(family) = field {
        let ranges: Vec<AddressRange> = keys.iter().filter_map(|key| address_range(key, family)).collect();
        let lost = ranges.len() < keys.len();
        return ((!ranges.is_empty()).then(|| Values::Addresses(ranges.into_iter().collect())), lost);
    }
    let all: Vec<Values> = keys.iter().filter_map(|key| field.value(key)).collect();
    let lost = all.len() < keys.len();
    ((!all.is_empty()).then(|| together(all)), lost)
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
fn carried(field: Field, contexts: &[&Asked]) -> IntervalSet<u8> {
    if !asks_any_transport(&field) {
        return IntervalSet::empty();
    }
    contexts.iter().fold(IntervalSet::full(), |left, asked| left.intersection(&asked.protocols(field)))
}
