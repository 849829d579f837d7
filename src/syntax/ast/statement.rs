//! Statements: the sentences of the language.

use super::{Clauses, Endpoints, Meta, Name, Services};
use crate::source::{FileId, Span, Spanned};

/// One `.policy` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Which file.
    pub file: FileId,
    /// Its statements, in order.
    pub statements: Vec<Statement>,
    /// Names of statements that were too broken to keep: whoever resolves names does not report these as unknown.
    pub broken: Vec<Name>,
}

/// A statement at the top level of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `service NAME = services`
    Service(ServiceDefinition),
    /// `group NAME = endpoints`
    Group(Group),
    /// `feed NAME = "file"`
    Feed(Feed),
    /// `purpose NAME "..." { ... }`
    Purpose(Purpose),
    /// `allow` or `deny`
    Rule(Rule),
    /// `never`, `only` or `must`
    Assertion(Assertion),
    /// `waive NAME for NAME allow NAME`
    Waiver(Waiver),
    /// `quarantine NAME of endpoints`
    Quarantine(Quarantine),
}

/// `service NAME = services`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceDefinition {
    /// What it is called.
    pub name: Name,
    /// What it stands for.
    pub services: Services,
    /// The whole statement.
    pub span: Span,
}

/// `group NAME = endpoints`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What it is called.
    pub name: Name,
    /// What it stands for.
    pub endpoints: Endpoints,
    /// The whole statement.
    pub span: Span,
}

/// `feed NAME = "file"`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// What it is called.
    pub name: Name,
    /// The path as written, relative to the directory of the policy file.
    pub path: Name,
    /// The whole statement.
    pub span: Span,
}

/// `purpose NAME "title" { meta; members }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    /// What it is called.
    pub name: Name,
    /// The text after the name.
    pub title: Option<Name>,
    /// Defaults for what stands in it; its dates bound what stands in it.
    pub meta: Meta,
    /// What stands in it, in order.
    pub members: Vec<Member>,
    /// The whole statement.
    pub span: Span,
}

/// What may stand in a purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// `allow` or `deny`
    Rule(Rule),
    /// `never`, `only` or `must`
    Assertion(Assertion),
    /// `waive`
    Waiver(Waiver),
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// `allow`
    Allow,
    /// `deny`
    Deny,
}

/// `allow NAME from endpoints to endpoints on services ...`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Allow or deny, at its keyword.
    pub effect: Spanned<Effect>,
    /// What it is called.
    pub name: Name,
    /// The text after the name.
    pub title: Option<Name>,
    /// Everything after it. The parser has checked that only clauses which a rule takes are there and that `from`, `to`, `on` are.
    pub clauses: Clauses,
    /// The whole statement.
    pub span: Span,
}

/// What an assertion claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AssertionKind {
    /// `never`
    Never,
    /// `only`
    Only,
    /// `must`
    Must,
}

/// `never NAME from endpoints to endpoints ...`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Which claim, at its keyword.
    pub kind: Spanned<AssertionKind>,
    /// What it is called.
    pub name: Name,
    /// The text after the name.
    pub title: Option<Name>,
    /// Everything after it. The parser has checked that only clauses which this kind takes are there and that `from` and `to` are.
    pub clauses: Clauses,
    /// The whole statement.
    pub span: Span,
}

/// `waive NAME for ASSERTION allow RULE until DATE ...`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// What it is called.
    pub name: Name,
    /// The `never` or `only` that it is about.
    pub assertion: Name,
    /// The allow rule that is judged as if it did not exist.
    pub rule: Name,
    /// Dates and words; `until` is there.
    pub meta: Meta,
    /// The whole statement.
    pub span: Span,
}

/// `quarantine NAME of endpoints keep NAME, NAME ...`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// What it is called.
    pub name: Name,
    /// What is cut off.
    pub of: Endpoints,
    /// The allow rules that stay.
    pub keep: Vec<Name>,
    /// Dates and words.
    pub meta: Meta,
    /// The whole statement.
    pub span: Span,
}
