//! What the judge keeps of a rule set, whichever program it is for.

use std::collections::BTreeMap;

/// A part of a header, or of the first packet of the connection (`Original...`). Addresses are of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    Source4,
    Destination4,
    Source6,
    Destination6,
    Protocol,
    /// The source port, or the ICMP type.
    First,
    /// The destination port, or the ICMP code.
    Second,
    OriginalSource4,
    OriginalDestination4,
    OriginalSource6,
    OriginalDestination6,
    OriginalProtocol,
    OriginalFirst,
    OriginalSecond,
}

impl Field {
    /// How many bits it has.
    pub fn bits(self) -> u32 {
        match self {
            Self::Source4 | Self::Destination4 | Self::OriginalSource4 | Self::OriginalDestination4 => 32,
            Self::Source6 | Self::Destination6 | Self::OriginalSource6 | Self::OriginalDestination6 => 128,
            Self::Protocol | Self::OriginalProtocol => 8,
            Self::First | Self::Second | Self::OriginalFirst | Self::OriginalSecond => 16,
        }
    }

    /// The family of its addresses: 4 or 6.
    pub fn family(self) -> Option<u8> {
        match self {
            Self::Source4 | Self::Destination4 | Self::OriginalSource4 | Self::OriginalDestination4 => Some(4),
            Self::Source6 | Self::Destination6 | Self::OriginalSource6 | Self::OriginalDestination6 => Some(6),
            _ => None,
        }
    }

    /// Whether only packets of a connection have it.
    pub fn is_original(self) -> bool {
        self >= Self::OriginalSource4
    }
}

/// Numbers from the first to the last.
pub type Range = (u128, u128);

/// One thing that a rule asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Match {
    /// The name of the interface by which a packet comes is one of these; `true` stands for "begins with".
    In(Vec<(String, bool)>, Sense),
    /// The same of the one by which it leaves.
    Out(Vec<(String, bool)>, Sense),
    /// The family: 4 or 6.
    Family(u8),
    /// The value of a field is in one of the ranges.
    Value(Field, Vec<Range>, Sense),
    /// Connection tracking calls it one of these.
    State(Vec<State>, Sense),
    /// All of at least one list.
    Any(Vec<Vec<Match>>),
    /// Nothing for packets that belong to no connection.
    OfConnections(Box<Match>),
}

/// Whether a match is meant as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sense {
    Is,
    IsNot,
}

/// What connection tracking calls a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    New,
    Established,
    Related,
    Invalid,
    Untracked,
}

impl State {
    pub const ALL: [State; 5] = [State::New, State::Established, State::Related, State::Invalid, State::Untracked];

    /// The state of a name, in either program's spelling.
    pub fn named(name: &str) -> Option<State> {
        Some(match name.to_ascii_lowercase().as_str() {
            "new" => Self::New,
            "established" => Self::Established,
            "related" => Self::Related,
            "invalid" => Self::Invalid,
            "untracked" => Self::Untracked,
            _ => return None,
        })
    }
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    Accept,
    Drop,
    Return,
    Continue,
    Jump(String),
    Goto(String),
    /// The entry that matches, if any.
    Choose(Vec<(Vec<Match>, Verdict)>),
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    pub matches: Vec<Match>,
    pub verdict: Verdict,
}

/// On which packets a chain is asked without a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    Forward,
    Input,
    Output,
}

/// A chain that the kernel asks by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    pub chain: String,
    pub hook: Hook,
    pub priority: i32,
    pub accepts: bool,
    /// The family that it sees; none for both.
    pub family: Option<u8>,
}

/// A rule set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSet {
    pub bases: Vec<Base>,
    pub chains: BTreeMap<String, Vec<Rule>>,
}

/// Why a text is no rule set that the judge can judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The program would not load it.
    Wrong(String),
    /// The program may load it; the judge does not know what it means.
    Outside(String),
}

/// A refusal of what the program would refuse.
pub fn wrong<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Wrong(why.into()))
}

/// A refusal of what only the judge does not know.
pub fn outside<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Outside(why.into()))
}

impl RuleSet {
    /// Refuses jumps to chains that are not there, and chains that lead to themselves.
    pub fn checked(self) -> Result<RuleSet, Refusal> {
        let mut done: Vec<&str> = Vec::new();
        for name in self.chains.keys() {
            self.visit(name, &mut Vec::new(), &mut done)?;
        }
        Ok(self)
    }

    fn visit<'a>(&'a self, name: &'a str, above: &mut Vec<&'a str>, done: &mut Vec<&'a str>) -> Result<(), Refusal> {
        if above.contains(&name) {
            return wrong(format!("chain {name} leads to itself"));
        }
        if done.contains(&name) {
            return Ok(());
        }
        let Some(rules) = self.chains.get(name) else { return wrong(format!("there is no chain {name}")) };
        above.push(name);
        for target in rules.iter().flat_map(|rule| rule.verdict.targets()) {
            self.visit(target, above, done)?;
        }
        above.pop();
        done.push(name);
        Ok(())
    }

    /// Every interface pattern that it names.
    pub fn interfaces(&self) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        for rule in self.chains.values().flatten() {
            rule.matches.iter().for_each(|one| one.interfaces(&mut found));
            if let Verdict::Choose(entries) = &rule.verdict {
                entries.iter().flat_map(|(key, _)| key).for_each(|one| one.interfaces(&mut found));
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// Whether any rule asks for the first packet of a connection.
    pub fn asks_for_originals(&self) -> bool {
        self.chains.values().flatten().any(|rule| rule.all_matches().any(Match::is_original))
    }

    /// The ranges that it asks of each field.
    pub fn values(&self) -> BTreeMap<Field, Vec<Range>> {
        let mut found: BTreeMap<Field, Vec<Range>> = BTreeMap::new();
        for rule in self.chains.values().flatten() {
            rule.all_matches().for_each(|one| one.values(&mut found));
        }
        found.values_mut().for_each(|ranges| {
            ranges.sort_unstable();
            ranges.dedup();
        });
        found
    }
}

impl Rule {
    fn all_matches(&self) -> impl Iterator<Item = &Match> {
        let entries = match &self.verdict {
            Verdict::Choose(entries) => entries.as_slice(),
            _ => &[],
        };
        self.matches.iter().chain(entries.iter().flat_map(|(key, _)| key))
    }
}

impl Verdict {
    fn targets(&self) -> Vec<&str> {
        match self {
            Self::Jump(name) | Self::Goto(name) => vec![name],
            Self::Choose(entries) => entries.iter().flat_map(|(_, verdict)| verdict.targets()).collect(),
            _ => Vec::new(),
        }
    }
}

impl Match {
    fn interfaces(&self, found: &mut Vec<(String, bool)>) {
        match self {
            Self::In(names, _) | Self::Out(names, _) => found.extend(names.iter().cloned()),
            Self::Any(lists) => lists.iter().flatten().for_each(|one| one.interfaces(found)),
            _ => {}
        }
    }

    fn values(&self, found: &mut BTreeMap<Field, Vec<Range>>) {
        match self {
            Self::Value(field, ranges, _) => found.entry(*field).or_default().extend(ranges),
            Self::Any(lists) => lists.iter().flatten().for_each(|one| one.values(found)),
            Self::OfConnections(inner) => inner.values(found),
            _ => {}
        }
    }

    fn is_original(&self) -> bool {
        match self {
            Self::Value(field, ..) => field.is_original(),
            Self::Any(lists) => lists.iter().flatten().any(Self::is_original),
            Self::OfConnections(inner) => inner.is_original(),
            _ => false,
        }
    }
}
