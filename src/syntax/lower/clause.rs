//! Clauses: which statement takes which, each at most once, none that is needed left out.

use pest::iterators::Pair;

use super::{Context, date, endpoint, service, text};
use crate::diag::Diagnostic;
use crate::diag::codes::syntax;
use crate::source::Span;
use crate::syntax::ast::{Clauses, Name};
use crate::syntax::grammar::Rule;

/// The statements that take clauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Allow,
    Deny,
    Never,
    Only,
    Must,
    Waive,
    Quarantine,
    Purpose,
}

impl Kind {
    fn keyword(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Never => "never",
            Self::Only => "only",
            Self::Must => "must",
            Self::Waive => "waive",
            Self::Quarantine => "quarantine",
            Self::Purpose => "purpose",
        }
    }

    fn is_assertion(self) -> bool {
        matches!(self, Self::Never | Self::Only | Self::Must)
    }

    fn is_rule(self) -> bool {
        matches!(self, Self::Allow | Self::Deny)
    }

    /// The table of docs/language.md.
    fn takes(self, which: Rule) -> bool {
        match which {
            Rule::from | Rule::to | Rule::on => self.is_rule() || self.is_assertion(),
            Rule::both_ways => matches!(self, Self::Allow | Self::Deny | Self::Never | Self::Must),
            Rule::via => self == Self::Must,
            Rule::transitive => self == Self::Never,
            Rule::owner | Rule::ticket | Rule::because | Rule::by | Rule::start | Rule::until | Rule::refs => true,
            Rule::review => self != Self::Waive,
            Rule::log => self.is_rule() || self == Self::Purpose,
            Rule::advisory => self.is_assertion() || self == Self::Purpose,
            _ => false,
        }
    }

    fn needs(self) -> &'static [(Rule, &'static str)] {
        match self {
            Self::Allow | Self::Deny => &[(Rule::from, "from"), (Rule::to, "to"), (Rule::on, "on")],
            Self::Never | Self::Only | Self::Must => &[(Rule::from, "from"), (Rule::to, "to")],
            Self::Waive => &[(Rule::until, "until")],
            Self::Quarantine | Self::Purpose => &[],
        }
    }

    fn takes_in_words(self) -> &'static str {
        match self {
            Self::Allow | Self::Deny => {
                "`from`, `to`, `on`, `both-ways`, `owner`, `ticket`, `because`, `by`, `start`, `until`, `review`, `ref` and `log`"
            }
            Self::Never => {
                "`from`, `to`, `on`, `both-ways`, `transitive`, `owner`, `ticket`, `because`, `by`, `start`, `until`, `review`, `ref` and `advisory`"
            }
            Self::Only => {
                "`from`, `to`, `on`, `owner`, `ticket`, `because`, `by`, `start`, `until`, `review`, `ref` and `advisory`"
            }
            Self::Must => {
                "`from`, `to`, `on`, `both-ways`, `via`, `owner`, `ticket`, `because`, `by`, `start`, `until`, `review`, `ref` and `advisory`"
            }
            Self::Waive => "`owner`, `ticket`, `because`, `by`, `start`, `until` and `ref`",
            Self::Quarantine => "`owner`, `ticket`, `because`, `by`, `start`, `until`, `review` and `ref`",
            Self::Purpose => {
                "`owner`, `ticket`, `because`, `by`, `start`, `until`, `review`, `ref`, `log` and `advisory`"
            }
        }
    }
}

/// Reads the clauses of a statement whose head (keyword and name) stands at `head`.
///
/// Reports a clause that is given twice, that the statement does not take, or that it needs and has not. A needed clause that
/// is there but could not be read is not reported again; it is `None` in the result.
pub(super) fn clauses<'i>(
    context: &mut Context<'_>,
    kind: Kind,
    name: &str,
    head: Span,
    pairs: impl Iterator<Item = Pair<'i, Rule>>,
) -> Clauses {
    let mut clauses = Clauses::default();
    let mut seen: Vec<(Rule, Span)> = Vec::new();
    for pair in pairs {
        let which = pair.as_rule();
        let mut inner = pair.into_inner();
        let Some(keyword) = inner.next() else { continue };
        let span = context.span(&keyword);
        if !kind.takes(which) {
            not_taken(context, kind, keyword.as_str(), span);
        } else if let Some((_, first)) = seen.iter().find(|(known, _)| *known == which) {
            twice(context, name, keyword.as_str(), span, *first);
        } else {
            seen.push((which, span));
            clause(context, which, span, inner, &mut clauses);
        }
    }
    missing(context, kind, name, head, &seen);
    clauses
}

fn not_taken(context: &mut Context<'_>, kind: Kind, clause: &str, span: Span) {
    let statement = kind.keyword();
    let error = Diagnostic::new(&syntax::CLAUSE_NOT_TAKEN, span, format!("`{statement}` takes no `{clause}`"));
    let error = if kind == Kind::Quarantine && clause == "log" {
        error.label("a quarantine always logs").help("leave `log` out")
    } else if kind == Kind::Only && clause == "both-ways" {
        error.label("it speaks about one direction").help("write a second `only` for the other direction")
    } else {
        error.label("has no meaning here").help(format!("`{statement}` takes {}", kind.takes_in_words()))
    };
    context.report(error);
}

fn twice(context: &mut Context<'_>, name: &str, clause: &str, span: Span, first: Span) {
    let error = Diagnostic::new(&syntax::CLAUSE_TWICE, span, format!("`{name}` has two `{clause}` clauses"))
        .label("given again")
        .also(first, "first given here");
    context.report(match clause {
        "from" | "to" | "on" | "via" | "ref" => error.help(format!("join them with a comma after one `{clause}`")),
        _ => error.help("leave one of them out"),
    });
}

fn missing(context: &mut Context<'_>, kind: Kind, name: &str, head: Span, seen: &[(Rule, Span)]) {
    let missing: Vec<String> = kind
        .needs()
        .iter()
        .filter(|(needed, _)| !seen.iter().any(|(known, _)| known == needed))
        .map(|(_, keyword)| format!("`{keyword}`"))
        .collect();
    if missing.is_empty() {
        return;
    }
    let message = format!("`{name}` has no {}", missing.join(" and no "));
    let error = Diagnostic::new(&syntax::CLAUSE_MISSING, head, message);
    let needs: Vec<String> = kind.needs().iter().map(|(_, keyword)| format!("`{keyword}`")).collect();
    let error = error.label(format!("`{}` needs {}", kind.keyword(), needs.join(", ")));
    context.report(match missing.as_slice() {
        [only] if only == "`on`" => error.help("add `on` and services, or `on any`"),
        [only] if only == "`until`" => {
            error.help("add `until` and the last day of the exception, as in `until 2026-12-31`")
        }
        _ => error.help("add `any` where everything is meant, as in `from any`"),
    });
}

fn clause<'i>(
    context: &mut Context<'_>,
    which: Rule,
    keyword: Span,
    mut inner: impl Iterator<Item = Pair<'i, Rule>>,
    into: &mut Clauses,
) {
    match which {
        Rule::from => into.from = inner.next().and_then(|pair| endpoint::endpoints(context, pair)),
        Rule::to => into.to = inner.next().and_then(|pair| endpoint::endpoints(context, pair)),
        Rule::on => into.on = inner.next().and_then(|pair| service::services(context, pair)),
        Rule::both_ways => into.both_ways = Some(keyword),
        Rule::transitive => into.transitive = Some(keyword),
        Rule::via => into.via = inner.filter(not_comma).map(|pair| endpoint::place(context, &pair)).collect(),
        _ => meta(context, which, keyword, inner, into),
    }
}

fn meta<'i>(
    context: &mut Context<'_>,
    which: Rule,
    keyword: Span,
    mut inner: impl Iterator<Item = Pair<'i, Rule>>,
    into: &mut Clauses,
) {
    let meta = &mut into.meta;
    let mut word = || -> Option<Name> { inner.next().map(|pair| text::word(context, &pair)) };
    match which {
        Rule::owner => meta.owner = word(),
        Rule::ticket => meta.ticket = word(),
        Rule::because => meta.because = word(),
        Rule::by => meta.by = word(),
        Rule::start => meta.start = inner.next().and_then(|pair| date::date(context, &pair)),
        Rule::until => meta.until = inner.next().and_then(|pair| date::date(context, &pair)),
        Rule::review => meta.review = inner.next().and_then(|pair| date::date(context, &pair)),
        Rule::refs => meta.refs = inner.filter(not_comma).map(|pair| text::word(context, &pair)).collect(),
        Rule::log => meta.log = Some(keyword),
        Rule::advisory => meta.advisory = Some(keyword),
        _ => {}
    }
}

pub(super) fn not_comma(pair: &Pair<'_, Rule>) -> bool {
    pair.as_rule() != Rule::comma
}
