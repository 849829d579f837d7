//! What a rule says, before anybody asks what it means: the common form of text and JSON.
//!
//! Words are borrowed from the text, for a rule set has millions of them; those of JSON are owned.

use std::borrow::Cow;

/// A piece of the text.
pub type Text<'t> = Cow<'t, str>;

/// An expression: a value, or something that a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expr<'t> {
    /// A word or a number, without quotes.
    Word(Text<'t>),
    /// A quoted string, without its quotes.
    Quoted(Text<'t>),
    /// Everything between two values.
    Range(Box<Expr<'t>>, Box<Expr<'t>>),
    /// An address with the length of its prefix.
    Prefix(Box<Expr<'t>>, u8),
    /// An anonymous set, or the elements of a named one.
    Set(Vec<Element<'t>>),
    /// Values with commas between them: one or several flags.
    Flags(Vec<Expr<'t>>),
    /// A named set or map.
    Named(Text<'t>),
    /// Several values, or fields, side by side.
    Concat(Vec<Expr<'t>>),
    /// Something of a packet: `ip saddr`, `meta l4proto`.
    Field(Vec<Text<'t>>),
    /// A field or a value, an operator, a value: `ct mark & 0xff`.
    Bits(Box<Expr<'t>>, Text<'t>, Box<Expr<'t>>),
    /// The element that stands for all others.
    Star,
    /// Something else.
    Other(Text<'t>),
}

/// An element of a set or of a map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Element<'t> {
    /// What is looked up.
    pub key: Expr<'t>,
    /// What a verdict map says; other maps have [`Verdict::Other`], sets `None`.
    pub verdict: Option<Verdict<'t>>,
    /// Whether it leaves the set by itself, or holds only within a limit.
    pub fleeting: bool,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// None is written: equal to, or among, or having one of these flags.
    Implicit,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `!`: none of these flags.
    Without,
    /// `<`
    Below,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
}

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Verdict<'t> {
    /// It passes the base chain.
    Accept,
    /// It is dropped or rejected.
    Drop,
    /// The next rule is asked.
    Continue,
    /// The calling chain goes on.
    Return,
    /// A chain is asked.
    Jump(Text<'t>),
    /// A chain is asked instead of the rest.
    Goto(Text<'t>),
    /// Not known.
    Other(Text<'t>),
}

/// A piece of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<'t> {
    /// As written, on one line, its end left out if it is long.
    pub text: Text<'t>,
    /// What it does.
    pub does: Does<'t>,
}

/// Which packets a rejection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// All.
    Any,
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
    /// TCP.
    Tcp,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does<'t> {
    /// Goes on only if a comparison holds.
    Compare(Expr<'t>, Operator, Expr<'t>),
    /// Goes on only if something holds that is not understood.
    Ask,
    /// Looks a verdict up.
    LookUp(Expr<'t>, Expr<'t>),
    /// Decides.
    Decide(Verdict<'t>),
    /// Answers and drops, packets of one kind alone.
    Reject(Only),
    /// Changes nothing that decides: counters, logs, marks.
    Nothing,
    /// Changes a field of the packet.
    Change(Expr<'t>),
    /// Translates an address or a port, and accepts.
    Translate,
    /// Takes the packet out of connection tracking.
    Untrack,
    /// Lets later packets of the connection pass by.
    Offload,
    /// Changes a named set, and goes on if that could be done.
    Fill(Text<'t>),
    /// Gives a copy of the packet elsewhere.
    Copy,
    /// Does something that is not understood and may decide.
    Unknown,
}

impl Expr<'_> {
    /// The same, with words of its own.
    pub fn into_owned(self) -> Expr<'static> {
        let boxed = |expr: Box<Self>| Box::new(expr.into_owned());
        let list = |list: Vec<Self>| list.into_iter().map(Self::into_owned).collect();
        match self {
            Self::Word(word) => Expr::Word(owned(word)),
            Self::Quoted(word) => Expr::Quoted(owned(word)),
            Self::Range(first, last) => Expr::Range(boxed(first), boxed(last)),
            Self::Prefix(network, length) => Expr::Prefix(boxed(network), length),
            Self::Set(elements) => Expr::Set(elements.into_iter().map(Element::into_owned).collect()),
            Self::Flags(parts) => Expr::Flags(list(parts)),
            Self::Named(name) => Expr::Named(owned(name)),
            Self::Concat(parts) => Expr::Concat(list(parts)),
            Self::Field(words) => Expr::Field(words.into_iter().map(word).collect()),
            Self::Bits(left, sign, right) => Expr::Bits(boxed(left), owned(sign), boxed(right)),
            Self::Star => Expr::Star,
            Self::Other(text) => Expr::Other(owned(text)),
        }
    }
}

impl Element<'_> {
    /// The same, with words of its own.
    pub fn into_owned(self) -> Element<'static> {
        let verdict = self.verdict.map(Verdict::into_owned);
        Element { key: self.key.into_owned(), verdict, fleeting: self.fleeting }
    }
}

impl Verdict<'_> {
    fn into_owned(self) -> Verdict<'static> {
        match self {
            Self::Accept => Verdict::Accept,
            Self::Drop => Verdict::Drop,
            Self::Continue => Verdict::Continue,
            Self::Return => Verdict::Return,
            Self::Jump(chain) => Verdict::Jump(owned(chain)),
            Self::Goto(chain) => Verdict::Goto(owned(chain)),
            Self::Other(text) => Verdict::Other(owned(text)),
        }
    }
}

impl Statement<'_> {
    /// The same, with words of its own.
    pub fn into_owned(self) -> Statement<'static> {
        Statement { text: owned(self.text), does: self.does.into_owned() }
    }
}

impl Does<'_> {
    fn into_owned(self) -> Does<'static> {
        match self {
            Self::Compare(left, operator, right) => Does::Compare(left.into_owned(), operator, right.into_owned()),
            Self::Ask => Does::Ask,
            Self::LookUp(key, map) => Does::LookUp(key.into_owned(), map.into_owned()),
            Self::Decide(verdict) => Does::Decide(verdict.into_owned()),
            Self::Reject(only) => Does::Reject(only),
            Self::Nothing => Does::Nothing,
            Self::Change(key) => Does::Change(key.into_owned()),
            Self::Translate => Does::Translate,
            Self::Untrack => Does::Untrack,
            Self::Offload => Does::Offload,
            Self::Fill(set) => Does::Fill(owned(set)),
            Self::Copy => Does::Copy,
            Self::Unknown => Does::Unknown,
        }
    }
}

/// A word of a field: those of the frequent fields need no room of their own.
fn word(text: Text<'_>) -> Text<'static> {
    const KNOWN: [&str; 12] =
        ["tcp", "udp", "dport", "sport", "meta", "l4proto", "th", "ip", "ip6", "saddr", "daddr", "type"];
    KNOWN.into_iter().find(|known| *known == text).map_or_else(|| owned(text), Cow::Borrowed)
}

fn owned(text: Text<'_>) -> Text<'static> {
    Cow::Owned(text.into_owned())
}
