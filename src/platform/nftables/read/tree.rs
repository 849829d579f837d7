//! What a rule says, before anybody asks what it means: the common form of text and JSON.

/// An expression: a value, or something that a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// A word or a number, without quotes.
    Word(String),
    /// A quoted string, without its quotes.
    Quoted(String),
    /// Everything between two values.
    Range(Box<Expr>, Box<Expr>),
    /// An address with the length of its prefix.
    Prefix(Box<Expr>, u8),
    /// An anonymous set, or the elements of a named one.
    Set(Vec<Element>),
    /// Values with commas between them: one or several flags.
    Flags(Vec<Expr>),
    /// A named set or map.
    Named(String),
    /// Several values, or fields, side by side.
    Concat(Vec<Expr>),
    /// Something of a packet: `ip saddr`, `meta l4proto`.
    Field(Vec<String>),
    /// A field or a value, an operator, a value: `ct mark & 0xff`.
    Bits(Box<Expr>, String, Box<Expr>),
    /// The element that stands for all others.
    Star,
    /// Something else.
    Other(String),
}

/// An element of a set or of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// What is looked up.
    pub key: Expr,
    /// What a verdict map says; other maps have [`Verdict::Other`], sets `None`.
    pub verdict: Option<Verdict>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It passes the base chain.
    Accept,
    /// It is dropped or rejected.
    Drop,
    /// The next rule is asked.
    Continue,
    /// The calling chain goes on.
    Return,
    /// A chain is asked.
    Jump(String),
    /// A chain is asked instead of the rest.
    Goto(String),
    /// Not known.
    Other(String),
}

/// A piece of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// As written, on one line.
    pub text: String,
    /// What it does.
    pub does: Does,
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
pub enum Does {
    /// Goes on only if a comparison holds.
    Compare(Expr, Operator, Expr),
    /// Goes on only if something holds that is not understood.
    Ask,
    /// Looks a verdict up.
    LookUp(Expr, Expr),
    /// Decides.
    Decide(Verdict),
    /// Answers and drops, packets of one kind alone.
    Reject(Only),
    /// Changes nothing that decides: counters, logs, marks.
    Nothing,
    /// Changes a field of the packet.
    Change(Expr),
    /// Translates an address or a port, and accepts.
    Translate,
    /// Takes the packet out of connection tracking.
    Untrack,
    /// Lets later packets of the connection pass by.
    Offload,
    /// Changes a named set, and goes on if that could be done.
    Fill(String),
    /// Gives a copy of the packet elsewhere.
    Copy,
    /// Does something that is not understood and may decide.
    Unknown,
}
