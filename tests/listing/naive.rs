//! What a listing does with one packet, read rule by rule from the definitions; every resolution of what is unknown is tried.

use std::collections::BTreeSet;

use sekisho::listing::{Action, Condition, Crossing, Direction, Hook, Listing, Sees, State};
use sekisho::packet::{Family, Flow, ServicePoint};

/// Resolutions of unknowns: the choices made so far, then zeros.
struct Fate {
    choices: Vec<(usize, usize)>,
    next: usize,
}

impl Fate {
    fn choose(&mut self, ways: usize) -> usize {
        if self.next == self.choices.len() {
            self.choices.push((0, ways));
        }
        self.next += 1;
        self.choices[self.next - 1].0
    }

    /// The next resolution, or none.
    fn advance(&mut self) -> bool {
        self.next = 0;
        while let Some((way, ways)) = self.choices.pop() {
            if way + 1 < ways {
                self.choices.push((way + 1, ways));
                return true;
            }
        }
        false
    }
}

/// Something that happened to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// It matched this rule.
    Matched(usize, usize),
    /// This rule, or the policy, accepted it.
    Accepted(usize, Option<usize>),
    /// This rule, or the policy, dropped it.
    Dropped(usize, Option<usize>),
}

/// What can become of a packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes {
    pub may_pass: bool,
    pub may_drop: bool,
    pub events: BTreeSet<Event>,
}

#[derive(Clone, Copy)]
struct Here<'a> {
    incoming: Option<&'a str>,
    outgoing: Option<&'a str>,
    state: State,
}

struct Run<'a> {
    listing: &'a Listing,
    flow: Flow,
    /// What the first packet of its connection had, if that is known.
    first: Option<Flow>,
    here: Here<'a>,
    fate: Fate,
    events: BTreeSet<Event>,
}

enum End {
    Accept,
    Drop,
    Back,
    Next,
}

pub fn outcomes(listing: &Listing, crossing: &Crossing<'_>, flow: Flow) -> Outcomes {
    let here = Here { incoming: crossing.incoming, outgoing: crossing.outgoing, state: crossing.state };
    let fate = Fate { choices: Vec::new(), next: 0 };
    let first = crossing.direction.map(|_| flow);
    let flow = if crossing.direction == Some(Direction::Reply) { answer(flow) } else { flow };
    let mut run = Run { listing, flow, first, here, fate, events: BTreeSet::new() };
    let mut found = Outcomes::default();
    loop {
        if run.device(crossing) {
            found.may_pass = true;
        } else {
            found.may_drop = true;
        }
        if !run.fate.advance() {
            break;
        }
    }
    found.events = run.events;
    found
}

/// What an answer's header has.
fn answer(flow: Flow) -> Flow {
    let service = flow.service;
    let (a, b) = if service.protocol.has_ports() { (service.b, service.a) } else { (service.a, service.b) };
    Flow { source: flow.destination, destination: flow.source, service: ServicePoint { a, b, ..service } }
}

impl Run<'_> {
    fn device(&mut self, crossing: &Crossing<'_>) -> bool {
        let hooks: &[Hook] = match crossing.hook {
            Hook::Forward => &[Hook::Prerouting, Hook::Forward, Hook::Postrouting],
            Hook::Input => &[Hook::Prerouting, Hook::Input],
            Hook::Output => &[Hook::Output, Hook::Postrouting],
            Hook::Prerouting => &[Hook::Prerouting],
            Hook::Postrouting => &[Hook::Postrouting],
        };
        let outgoing = self.here.outgoing;
        for hook in hooks {
            self.here.outgoing = outgoing.filter(|_| *hook != Hook::Prerouting);
            let family = Family::of(self.flow.source);
            let listing = self.listing;
            let mut bases: Vec<_> = listing.bases.iter().filter(|base| base.hook == *hook).collect();
            bases.sort_by_key(|base| base.priority);
            for base in bases.into_iter().filter(|base| base.families.contains(&family)) {
                if !self.is_asked(base.sees) {
                    continue;
                }
                let passes = match self.chain(base.chain.0) {
                    End::Accept => true,
                    End::Drop => false,
                    End::Back | End::Next => {
                        let passes = base.policy == Action::Accept;
                        let chain = base.chain.0;
                        self.events.insert(if passes {
                            Event::Accepted(chain, None)
                        } else {
                            Event::Dropped(chain, None)
                        });
                        passes
                    }
                };
                if !passes {
                    self.here.outgoing = outgoing;
                    return false;
                }
            }
        }
        self.here.outgoing = outgoing;
        true
    }

    /// A chain that sees first packets alone: what is related may be an ICMP error, which is none, or a packet that was announced, which is one.
    fn is_asked(&mut self, sees: Sees) -> bool {
        match (sees, self.here.state) {
            (Sees::All, _) | (Sees::First, State::New) => true,
            (Sees::First, State::Related) => self.first.is_some() || self.fate.choose(2) == 1,
            (Sees::First, State::Established | State::Invalid | State::Untracked) => false,
        }
    }

    fn chain(&mut self, chain: usize) -> End {
        let listing = self.listing;
        for (at, rule) in listing.chains[chain].rules.iter().enumerate() {
            if self.all(&rule.when) {
                self.events.insert(Event::Matched(chain, at));
                match self.act(&rule.action, (chain, at)) {
                    End::Next => {}
                    end => return end,
                }
            }
        }
        End::Back
    }

    fn act(&mut self, action: &Action, (chain, rule): (usize, usize)) -> End {
        match action {
            Action::Continue => End::Next,
            Action::Accept => {
                self.events.insert(Event::Accepted(chain, Some(rule)));
                End::Accept
            }
            Action::Drop => {
                self.events.insert(Event::Dropped(chain, Some(rule)));
                End::Drop
            }
            Action::Return => End::Back,
            Action::Jump(target) => match self.chain(target.0) {
                End::Back => End::Next,
                end => end,
            },
            Action::Goto(target) => self.chain(target.0),
            Action::Choose(entries) => {
                for (when, action) in entries {
                    if self.all(when) {
                        return self.act(action, (chain, rule));
                    }
                }
                End::Next
            }
            Action::Unknown(_) => match self.fate.choose(3) {
                0 => self.act(&Action::Accept, (chain, rule)),
                1 => self.act(&Action::Drop, (chain, rule)),
                _ => End::Next,
            },
        }
    }

    fn all(&mut self, when: &[Condition]) -> bool {
        when.iter().all(|one| self.holds(one))
    }

    fn holds(&mut self, condition: &Condition) -> bool {
        match condition {
            Condition::In(patterns) => {
                self.here.incoming.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name)))
            }
            Condition::Out(patterns) => {
                self.here.outgoing.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name)))
            }
            Condition::Family(family) => Family::of(self.flow.source) == *family,
            Condition::Source(set) => set.contains(self.flow.source),
            Condition::Destination(set) => set.contains(self.flow.destination),
            Condition::Service(set) => set.contains(self.flow.service),
            Condition::State(states) => states.0.contains(&self.here.state),
            Condition::Not(inner) => !self.all(inner),
            Condition::AnyOf(lists) => lists.iter().any(|list| self.all(list)),
            Condition::First(inner) => match self.first {
                Some(first) => {
                    let own = std::mem::replace(&mut self.flow, first);
                    let holds = self.all(inner);
                    self.flow = own;
                    holds
                }
                None => self.fate.choose(2) == 1,
            },
            Condition::Usual(..) | Condition::Unknown(_) => self.fate.choose(2) == 1,
        }
    }
}
