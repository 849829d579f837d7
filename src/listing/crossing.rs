//! Which way a packet takes through a device: the interfaces, and what is known of its connection.
//!
//! A packet that is forwarded meets the base chains of three hooks, one for the device itself those of two: a rule set that drops before routing drops what
//! would have been forwarded. Interfaces that no rule tells apart are one: [`interfaces`] has one name for each kind, also for "any other".

use std::collections::BTreeSet;

use super::types::{Condition, Hook, InterfacePattern, Listing, Rule, Sees, State};

/// Which way a packet of a connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// As the first one.
    Original,
    /// Back.
    Reply,
    /// Either way, as an ICMP error about it.
    Error,
}

/// One way through a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Crossing<'a> {
    /// [`Hook::Forward`]: before routing, through, after routing. [`Hook::Input`]: before routing, in. [`Hook::Output`]: out, after routing. The other two: they alone.
    pub hook: Hook,
    /// Where the packet comes in; `None` if the device itself sends it.
    pub incoming: Option<&'a str>,
    /// Where it goes out; `None` if it is for the device itself.
    pub outgoing: Option<&'a str>,
    /// What connection tracking says of it.
    pub state: State,
    /// Set if the flows that are asked about are not what the packet has in its own header, but what the first packet of its connection had, and the packet goes this way.
    pub direction: Option<Direction>,
}

impl<'a> Crossing<'a> {
    /// The first packet of a connection through the device.
    #[must_use]
    pub fn forward(incoming: &'a str, outgoing: &'a str) -> Self {
        Self {
            hook: Hook::Forward,
            incoming: Some(incoming),
            outgoing: Some(outgoing),
            state: State::New,
            direction: None,
        }
    }

    /// The first packet of a connection to the device itself.
    #[must_use]
    pub fn input(incoming: &'a str) -> Self {
        Self { hook: Hook::Input, incoming: Some(incoming), outgoing: None, state: State::New, direction: None }
    }

    /// The same way in another state.
    #[must_use]
    pub fn in_state(self, state: State) -> Self {
        Self { state, ..self }
    }

    /// A later packet of a connection on the same way; flows are those of the connection's first packet.
    #[must_use]
    pub fn of_connection(self, direction: Direction) -> Self {
        let state = if direction == Direction::Error { State::Related } else { State::Established };
        Self { state, direction: Some(direction), ..self }
    }

    /// Whether the packet may be the first of its connection. An announced one may be.
    pub(super) fn may_begin(&self) -> bool {
        match self.state {
            State::New => true,
            State::Related => self.direction != Some(Direction::Error),
            State::Established | State::Invalid | State::Untracked => false,
        }
    }

    /// The hooks on the way, with what a chain there sees: before routing nobody knows where a packet goes out.
    pub(super) fn stages(self) -> Vec<Self> {
        let at = |hook| Self { hook, ..self };
        let before = Self { hook: Hook::Prerouting, outgoing: None, ..self };
        match self.hook {
            Hook::Forward => vec![before, at(Hook::Forward), at(Hook::Postrouting)],
            Hook::Input => vec![before, at(Hook::Input)],
            Hook::Output => vec![at(Hook::Output), at(Hook::Postrouting)],
            Hook::Prerouting => vec![before],
            Hook::Postrouting => vec![self],
        }
    }
}

/// One interface name of each kind that the rules of some listings tell apart, in order; the last one is no interface that any of them names.
#[must_use]
pub fn interfaces(listings: &[&Listing]) -> Vec<String> {
    interfaces_besides(listings.iter().flat_map(|listing| listing.rules()), &[])
}

/// The same of some rules, with some interfaces that somebody else names: each of them, and one of each kind beside them.
#[must_use]
pub fn interfaces_besides<'a>(rules: impl Iterator<Item = &'a Rule>, named: &[&str]) -> Vec<String> {
    let mut patterns: BTreeSet<InterfacePattern> =
        named.iter().map(|name| InterfacePattern::Exactly((*name).to_owned())).collect();
    for rule in rules {
        rule.each_condition(&mut |condition| {
            if let Condition::In(asked) | Condition::Out(asked) = condition {
                for pattern in asked {
                    if !patterns.contains(pattern) {
                        patterns.insert(pattern.clone());
                    }
                }
            }
        });
    }
    let mut candidates: Vec<String> = Vec::new();
    for pattern in &patterns {
        match pattern {
            // No interface has a name with a slash in it.
            InterfacePattern::Exactly(name) if name.contains('/') => {}
            InterfacePattern::Exactly(name) => candidates.push(name.clone()),
            InterfacePattern::Beginning(start) => candidates.push(another(start, &patterns)),
        }
    }
    candidates.push(another("", &patterns));
    if patterns.iter().all(|pattern| matches!(pattern, InterfacePattern::Exactly(_))) {
        // Each of them is of a kind of its own.
        return candidates;
    }
    let mut kinds = BTreeSet::new();
    candidates.retain(|name| {
        let kind: Vec<bool> = patterns.iter().map(|pattern| pattern.matches(name)).collect();
        kinds.insert(kind)
    });
    candidates
}

/// A name that begins so and that no longer pattern means.
fn another(start: &str, patterns: &BTreeSet<InterfacePattern>) -> String {
    let longer = |name: &str| {
        patterns.iter().any(|pattern| match pattern {
            InterfacePattern::Exactly(known) => known == name,
            InterfacePattern::Beginning(known) => known.len() > start.len() && name.starts_with(known.as_str()),
        })
    };
    let ends = (0..=patterns.len()).map(|number| number.to_string());
    let letters = ["", "other", "x", "y", "z"].into_iter().map(str::to_owned);
    let candidates = letters.chain(ends).map(|end| format!("{start}{end}"));
    candidates.filter(|name| !name.is_empty()).find(|name| !longer(name)).unwrap_or_else(|| format!("{start}\u{1}"))
}

/// One state of each kind that the rules of some listings tell apart; the first one is [`State::New`].
#[must_use]
pub fn states(listings: &[&Listing]) -> Vec<State> {
    let mut asked = BTreeSet::new();
    for rule in listings.iter().flat_map(|listing| listing.rules()) {
        rule.each_condition(&mut |condition| {
            if let Condition::State(states) = condition {
                asked.insert(states.0.clone());
            }
        });
    }
    let sees_first = |listing: &&Listing| listing.bases.iter().any(|base| base.sees == Sees::First);
    if listings.iter().any(sees_first) {
        asked.extend([vec![State::New], vec![State::Related]]);
    }
    let mut kinds = BTreeSet::new();
    let mut found = vec![State::New, State::Established, State::Related, State::Invalid, State::Untracked];
    found.retain(|state| kinds.insert(asked.iter().map(|states| states.contains(state)).collect::<Vec<bool>>()));
    found
}

/// Every way on a hook over some interfaces, in some states.
#[must_use]
pub fn crossings<'a>(hook: Hook, interfaces: &'a [String], states: &[State]) -> Vec<Crossing<'a>> {
    let mut found = Vec::new();
    let names = || interfaces.iter().map(|name| Some(name.as_str()));
    for state in states.iter().copied() {
        match hook {
            Hook::Forward | Hook::Postrouting => {
                for incoming in names() {
                    found.extend(names().map(|outgoing| Crossing { hook, incoming, outgoing, state, direction: None }));
                }
            }
            Hook::Input | Hook::Prerouting => {
                found.extend(names().map(|incoming| Crossing {
                    hook,
                    incoming,
                    outgoing: None,
                    state,
                    direction: None,
                }));
            }
            Hook::Output => {
                found.extend(names().map(|outgoing| Crossing {
                    hook,
                    incoming: None,
                    outgoing,
                    state,
                    direction: None,
                }));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_other_interface_is_none_that_somebody_names() {
        let listing = Listing::default();
        assert_eq!(interfaces(&[&listing]), ["other"]);
        assert_eq!(interfaces_besides(listing.rules(), &["other", "x"]), ["other", "x", "y"]);
    }
}
