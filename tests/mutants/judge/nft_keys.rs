//! What stands left and right of a comparison of nftables, and what it asks.

use super::nft::{Element, Token};
use super::rules::{Field, Match, Range, Refusal, Sense, State, outside, wrong};
use super::values::{address, merged, number, prefix, protocol, range};

/// What stands left of a value.
#[derive(Clone, Debug)]
pub struct Key {
    pub what: What,
    /// The type of a set with such elements.
    pub kind: &'static str,
    /// What it asks for without saying so.
    pub needs: Vec<Match>,
}

/// What a key is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    In,
    Out,
    Address(Field),
    Protocol(Field),
    Family,
    State,
    Port(Field),
    /// Of IPv6 if `true`.
    Icmp(Field, bool),
}

/// Where a set asks for several things at once, each element does.
pub fn together(keys: &[Key], elements: &[Element], sense: Sense) -> Result<Vec<Match>, Refusal> {
    let [key] = keys else {
        if sense == Sense::IsNot {
            return outside("a concatenation that is not");
        }
        let lists: Result<Vec<Vec<Match>>, Refusal> =
            elements.iter().map(|element| matched(keys, &element.key, Sense::Is)).collect();
        return Ok(vec![Match::Any(lists?)]);
    };
    let mut found = key.needs.clone();
    if elements.iter().any(|element| element.key.len() != 1) {
        return wrong("more values than keys");
    }
    let values: Vec<&Token> = elements.iter().map(|element| &element.key[0]).collect();
    found.push(key.what.asks(&values, sense)?);
    Ok(found)
}

pub fn matched(keys: &[Key], values: &[Token], sense: Sense) -> Result<Vec<Match>, Refusal> {
    if keys.len() != values.len() {
        return wrong("a key of another length");
    }
    let mut found: Vec<Match> = Vec::new();
    for (key, value) in keys.iter().zip(values) {
        found.extend(key.needs.clone());
        found.push(key.what.asks(&[value], sense)?);
    }
    Ok(found)
}

impl What {
    fn asks(self, values: &[&Token], sense: Sense) -> Result<Match, Refusal> {
        let words = || {
            values.iter().map(|value| match value {
                Token::Word(word) => Ok(word.as_str()),
                other => wrong(format!("{other:?} as a value")),
            })
        };
        let names = || {
            values
                .iter()
                .map(|value| match value {
                    Token::Text(name) | Token::Word(name) if name.len() <= 15 && !name.is_empty() && name != "*" => {
                        Ok(name.strip_suffix('*').map_or((name.clone(), false), |start| (start.to_owned(), true)))
                    }
                    other => wrong(format!("{other:?} as an interface")),
                })
                .collect::<Result<Vec<_>, Refusal>>()
        };
        let ranges = |one: &dyn Fn(&str) -> Result<Range, Refusal>| {
            words().map(|word| one(word?)).collect::<Result<Vec<Range>, Refusal>>()
        };
        Ok(match self {
            Self::In => Match::In(names()?, sense),
            Self::Out => Match::Out(names()?, sense),
            Self::Address(field) => {
                let family = field.family().unwrap_or(4);
                Match::Value(field, merged(ranges(&|word| addresses(word, family))?), sense)
            }
            Self::Protocol(field) => Match::Value(field, merged(ranges(&|word| protocols(word))?), sense),
            Self::Port(field) => {
                Match::Value(field, merged(ranges(&|word| range(word, '-', |one| number(one, 65535)))?), sense)
            }
            Self::Icmp(field, is_six) => Match::Value(field, merged(ranges(&|word| kinds(word, is_six))?), sense),
            Self::State => {
                let states = words().map(|word| {
                    let word = word?;
                    State::named(word).map_or_else(|| wrong(format!("state {word}")), Ok)
                });
                Match::State(states.collect::<Result<_, _>>()?, sense)
            }
            Self::Family => match (words().collect::<Result<Vec<_>, _>>()?.as_slice(), sense) {
                (["ipv4"], Sense::Is) | (["ipv6"], Sense::IsNot) => Match::Family(4),
                (["ipv6"], Sense::Is) | (["ipv4"], Sense::IsNot) => Match::Family(6),
                other => return outside(format!("nfproto {other:?}")),
            },
        })
    }

    /// The numbers of a value, to see whether two overlap.
    fn numbers(self, value: &Token) -> Option<Range> {
        let Token::Word(word) = value else { return None };
        match self {
            Self::Address(field) => addresses(word, field.family()?).ok(),
            Self::Protocol(_) => protocols(word).ok(),
            Self::Port(_) => range(word, '-', |one| number(one, 65535)).ok(),
            Self::Icmp(_, is_six) => kinds(word, is_six).ok(),
            _ => None,
        }
    }
}

fn protocols(word: &str) -> Result<Range, Refusal> {
    if let Ok(one) = protocol(word) { Ok((one, one)) } else { range(word, '-', protocol) }
}

fn addresses(word: &str, family: u8) -> Result<Range, Refusal> {
    if word.contains('-') { range(word, '-', |one| address(one, family)) } else { prefix(word, family) }
}

/// A type or code of ICMP, or some; the names are those of types.
fn kinds(word: &str, is_six: bool) -> Result<Range, Refusal> {
    let named = match (is_six, word) {
        (false, "destination-unreachable") => 3,
        (false, "time-exceeded") => 11,
        (false, "parameter-problem") => 12,
        (true, "destination-unreachable") => 1,
        (true, "packet-too-big") => 2,
        (true, "time-exceeded") => 3,
        (true, "parameter-problem") => 4,
        (true, "nd-router-solicit") => 133,
        (true, "nd-router-advert") => 134,
        (true, "nd-neighbor-solicit") => 135,
        (true, "nd-neighbor-advert") => 136,
        _ => return range(word, '-', |one| number(one, 255)),
    };
    Ok((named, named))
}

/// Elements of a map or of a set with a name must not overlap.
pub fn disjoint(keys: &[Key], elements: &[Element]) -> Result<(), Refusal> {
    for (place, one) in elements.iter().enumerate() {
        for other in &elements[..place] {
            if one.key == other.key && one.verdict.is_none() {
                continue;
            }
            let meets = keys.iter().zip(one.key.iter().zip(&other.key)).all(|(key, (a, b))| {
                match (key.what.numbers(a), key.what.numbers(b)) {
                    (Some(a), Some(b)) => a.0 <= b.1 && b.0 <= a.1,
                    _ => a == b,
                }
            });
            if meets {
                return wrong(format!("{:?} and {:?} overlap", one.key, other.key));
            }
        }
    }
    Ok(())
}

/// A port of no certain protocol is any two bytes: the judge has no bits for that.
pub fn ports_need_protocols(matches: &[Match]) -> Result<(), Refusal> {
    let flat: Vec<&Match> = matches.iter().collect();
    check_ports(&flat)?;
    for one in matches {
        let Match::Any(lists) = one else { continue };
        for list in lists {
            let joined: Vec<&Match> = matches.iter().filter(|other| *other != one).chain(list).collect();
            check_ports(&joined)?;
        }
    }
    Ok(())
}

fn check_ports(matches: &[&Match]) -> Result<(), Refusal> {
    let holds = |field: Field, allowed: &[u128]| {
        matches.iter().any(|one| match one {
            Match::Value(found, ranges, Sense::Is) if *found == field => {
                ranges.iter().all(|(low, high)| low == high && allowed.contains(low))
            }
            _ => false,
        })
    };
    let asks = |field: Field| matches.iter().any(|one| matches!(one, Match::Value(found, ..) if *found == field));
    if (asks(Field::First) || asks(Field::Second))
        && !holds(Field::Protocol, &[6, 17, 132])
        && !holds(Field::Protocol, &[1])
        && !holds(Field::Protocol, &[58])
    {
        return outside("ports without a protocol that has them");
    }
    if asks(Field::OriginalFirst) && !holds(Field::OriginalProtocol, &[6, 17, 132]) {
        return outside("a first source port without a protocol that has it");
    }
    let is_asked = matches.iter().any(|one| matches!(one, Match::Value(Field::Protocol, ..)));
    if (asks(Field::OriginalFirst) || asks(Field::OriginalSecond)) && !is_asked {
        return wrong("ct original proto-dst without a protocol");
    }
    Ok(())
}
