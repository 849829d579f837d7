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
