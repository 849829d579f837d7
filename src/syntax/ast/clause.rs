//! Clauses: what stands after the name of a statement.

use jiff::civil::Date;

use super::{Endpoints, Name, Services};
use crate::source::{Span, Spanned};

/// The clauses of a rule or an assertion; each at most once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clauses {
    /// `from endpoints`
    pub from: Option<Endpoints>,
    /// `to endpoints`
    pub to: Option<Endpoints>,
    /// `on services`
    pub on: Option<Services>,
    /// `both-ways`, at its keyword.
    pub both_ways: Option<Span>,
    /// `via NAME, NAME`; the names may be qualified (`site/network`).
    pub via: Vec<Name>,
    /// `transitive`, at its keyword.
    pub transitive: Option<Span>,
    /// Dates and words.
    pub meta: Meta,
}

/// Dates and words about a statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meta {
    /// `owner WORD`
    pub owner: Option<Name>,
    /// `ticket WORD`
    pub ticket: Option<Name>,
    /// `because STRING`
    pub because: Option<Name>,
    /// `by WORD`
    pub by: Option<Name>,
    /// `start DATE`: the first day on which it is active.
    pub start: Option<Spanned<Date>>,
    /// `until DATE`: the last day on which it is active.
    pub until: Option<Spanned<Date>>,
    /// `review DATE`
    pub review: Option<Spanned<Date>>,
    /// `ref WORD, WORD`
    pub refs: Vec<Name>,
    /// `log`, at its keyword.
    pub log: Option<Span>,
    /// `advisory`, at its keyword.
    pub advisory: Option<Span>,
}
