//! The parts of a listing.

use std::sync::Arc;

use crate::packet::{AddressSet, Family, ServiceSet};

/// A rule set as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Where packets enter, in the order in which the platform visits them on each hook.
    pub bases: Vec<Base>,
    /// Every chain; [`ChainId`] is the place in this list.
    pub chains: Vec<Chain>,
    /// What gives packets another destination before they are routed.
    pub diverts: Vec<Divert>,
    /// What was read and does not filter (address translation, flow tables, other tables), or makes the reading less than certain as a whole.
    pub noticed: Vec<Noticed>,
}

impl Listing {
    /// The rules of all chains.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.chains.iter().flat_map(|chain| &chain.rules)
    }
}

/// A rule that gives connections another destination than the sender did, or may: a translation before routing.
///
/// The filter then sees that one, so of a packet that meets it nothing is certain: what is asked about packets by the headers that they came with says nothing of it. Of others the destination is never
/// translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divert {
    /// [`Hook::Prerouting`], or [`Hook::Output`] for what the device itself sends; another one or `None` if that is not known.
    pub at: Option<Hook>,
    /// Its line, from 1.
    pub line: usize,
    /// Its text on one line.
    pub text: String,
    /// What it asks of the first packet of a connection. (Its chain may be asked about fewer.)
    pub when: Vec<Condition>,
}

/// A place in [`Listing::chains`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub usize);

/// Which packets a chain is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Before routing.
    Prerouting,
    /// To the device itself.
    Input,
    /// Through the device.
    Forward,
    /// From the device itself.
    Output,
    /// After routing.
    Postrouting,
}

/// A chain that the platform asks by itself. On one hook an accept ends only this chain, a drop ends all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The chain.
    pub chain: ChainId,
    /// Which packets.
    pub hook: Hook,
    /// Lower ones are asked first.
    pub priority: i32,
    /// What becomes of packets that no rule decides: [`Action::Accept`] or [`Action::Drop`].
    pub policy: Action,
    /// The families that it sees.
    pub families: Vec<Family>,
    /// Which packets of a connection.
    pub sees: Sees,
}

/// Which packets of connections a base chain is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sees {
    /// All of them.
    #[default]
    All,
    /// The first alone, and none that belong to no connection: chains that translate addresses.
    First,
}

/// A list of rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    /// Its name with that of its table, as the platform writes both.
    pub name: String,
    /// The line that declares it, from 1; 0 if none does.
    pub line: usize,
    /// Asked in order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its line, from 1.
    pub line: usize,
    /// Its text on one line, as written.
    pub text: String,
    /// All must hold.
    pub when: Vec<Condition>,
    /// What happens then.
    pub action: Action,
    /// Whether it also does something to packets or to what the device knows (translates, marks, fills a set), so that somebody would miss it even where it decides nothing. Logs and counters are no such thing.
    pub acts: bool,
}

/// What a rule asks of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It came in over one of these interfaces.
    In(Vec<InterfacePattern>),
    /// It goes out over one of these.
    Out(Vec<InterfacePattern>),
    /// It is of this family.
    Family(Family),
    /// Its source is among these. The other family has no such source. Rules that ask for one set share it.
    Source(Arc<AddressSet>),
    /// Its destination is among these.
    Destination(Arc<AddressSet>),
    /// Its protocol and ports, or ICMP type and code, are among these.
    Service(Arc<ServiceSet>),
    /// Connection tracking says one of these.
    State(States),
    /// Not all of these hold.
    Not(Vec<Condition>),
    /// All of at least one of these lists hold: a set, also one of several fields together.
    AnyOf(Vec<Vec<Condition>>),
    /// All of these hold of the first packet of the connection that it belongs to. It is not known whether they do where the connection is not.
    First(Vec<Condition>),
    /// Whether it holds of packets as connections have them (the first packet of a connection over TCP has SYN alone); of others it is not known. The text of what was asked.
    Usual(bool, String),
    /// It is not known whether it holds; the text of what was not understood.
    Unknown(String),
}

/// An interface name, or the beginning of names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterfacePattern {
    /// This interface.
    Exactly(String),
    /// Every interface whose name begins so.
    Beginning(String),
}

impl InterfacePattern {
    /// Whether an interface is meant.
    #[must_use]
    pub fn matches(&self, interface: &str) -> bool {
        match self {
            Self::Exactly(name) => name == interface,
            Self::Beginning(start) => interface.starts_with(start),
        }
    }
}

/// What connection tracking says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The first packet of a connection.
    New,
    /// A later one, either way.
    Established,
    /// Of a connection that another one announced, or an ICMP error.
    Related,
    /// Of no connection that makes sense.
    Invalid,
    /// Not tracked.
    Untracked,
}

/// Some of the states.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct States(pub Vec<State>);

/// What happens to a packet that a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing: the next rule is asked (counters, logs, marks).
    Continue,
    /// It passes this base chain.
    Accept,
    /// It is dropped, or rejected.
    Drop,
    /// The calling chain goes on; in a base chain the policy decides.
    Return,
    /// Another chain is asked, then the next rule.
    Jump(ChainId),
    /// Another chain is asked instead of the rest of this one.
    Goto(ChainId),
    /// What the first entry says whose conditions hold (a verdict map; its entries may overlap); if none, the next rule is asked.
    Choose(Vec<(Vec<Condition>, Action)>),
    /// It is not known; the text of what was not understood. It may pass or be dropped.
    Unknown(String),
}

/// Something that was read and is no rule of a filter, or could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// The line, from 1.
    pub line: usize,
    /// Its text on one line.
    pub text: String,
    /// What it is and what that means, in a few words: `address translation`, `a set that is not in the file`.
    pub what: String,
    /// What is less certain for it.
    pub blur: Blur,
}

/// What something noticed makes less certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blur {
    /// Nothing.
    Clear,
    /// What comes after this device, not what it passes: packets go on with other addresses or fewer hops, or a helper lets connections announce others.
    Beyond,
    /// What it passes: then nothing about this listing is proved.
    Whole,
}

/// What readers of every platform say of a rule that gives packets another number of hops.
pub const HOPS: &str = "packets go on with another number of hops, and may end on the way";
/// What readers of every platform begin with to say that a rule translates addresses.
pub const TRANSLATION: &str = "address translation";
/// What readers of every platform say of a rule that sends copies of packets.
pub const COPIES: &str = "copies of packets go elsewhere, past the rules";
/// What readers of every platform say of a rule that lets later packets of connections pass by the rules.
pub const OFFLOAD: &str = "a flow table: later packets of these connections pass by the rules";
/// What readers of every platform say of a rule that gives connections a helper.
pub const HELPER: &str = "a helper lets connections announce others, which pass as related";

impl Noticed {
    /// Whether it is one of the things that readers of every platform notice; a reader may add which file it is in.
    #[must_use]
    pub fn is(&self, what: &str) -> bool {
        self.what.starts_with(what)
    }

    /// Whether nothing about the listing is proved for it.
    #[must_use]
    pub fn blurs(&self) -> bool {
        self.blur == Blur::Whole
    }
}

impl Condition {
    /// Whether it asks for the family, an address or the service of a packet, and nothing else.
    #[must_use]
    #[inline]
    pub fn is_of_header(&self) -> bool {
        matches!(self, Self::Family(_) | Self::Source(_) | Self::Destination(_) | Self::Service(_))
    }

    /// Shows each of some conditions, and all that they are made of.
    pub fn each<'a>(conditions: &'a [Self], show: &mut dyn FnMut(&'a Self)) {
        for condition in conditions {
            show(condition);
            match condition {
                Self::Not(inner) | Self::First(inner) => Self::each(inner, show),
                Self::AnyOf(lists) => lists.iter().for_each(|list| Self::each(list, show)),
                Self::In(_)
                | Self::Out(_)
                | Self::Family(_)
                | Self::Source(_)
                | Self::Destination(_)
                | Self::Service(_)
                | Self::State(_)
                | Self::Usual(..)
                | Self::Unknown(_) => {}
            }
        }
    }
}

impl Rule {
    /// Shows every condition of the rule, and those of the entries of its verdict map.
    pub fn each_condition<'a>(&'a self, show: &mut dyn FnMut(&'a Condition)) {
        Condition::each(&self.when, show);
        self.action.each_condition(show);
    }

    /// Whether it may ask for more than the family, the addresses and the services of a packet, by itself or in its verdict map. Of most rules that is seen at once.
    #[must_use]
    pub fn asks_beyond_headers(&self) -> bool {
        matches!(self.action, Action::Choose(_)) || !self.when.iter().all(Condition::is_of_header)
    }

    /// The first thing in the rule that is not known, as written: a condition, or what it does; `None` if the reader understood everything.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        let mut found = None;
        self.each_condition(&mut |condition| {
            if let Condition::Unknown(text) = condition {
                found.get_or_insert(text.as_str());
            }
        });
        found.or_else(|| unknown_action(&self.action))
    }

    /// Whether something of it is not known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.unknown().is_some()
    }

    /// Whether it asks for the first packet of a connection; of a packet of which only its own header is known, that is not decided.
    #[must_use]
    pub fn asks_for_first(&self) -> bool {
        let mut asks = false;
        self.each_condition(&mut |condition| asks |= matches!(condition, Condition::First(_)));
        asks
    }
}

impl Action {
    fn each_condition<'a>(&'a self, show: &mut dyn FnMut(&'a Condition)) {
        if let Self::Choose(entries) = self {
            for (conditions, action) in entries {
                Condition::each(conditions, show);
                action.each_condition(show);
            }
        }
    }
}

fn unknown_action(action: &Action) -> Option<&str> {
    match action {
        Action::Unknown(text) => Some(text.as_str()),
        Action::Choose(entries) => entries.iter().find_map(|(_, action)| unknown_action(action)),
        _ => None,
    }
}
