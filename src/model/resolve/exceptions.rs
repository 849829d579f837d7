//! Waivers and quarantines: statements that name other statements.

use super::meta::{period, words};
use super::problem::Guesses;
use super::statements::{Sentence, Sentences};
use crate::diag::codes::statements;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::types::{EndpointId, Model, Quarantine, RuleId, Waiver};
use crate::source::Spanned;
use crate::syntax::ast::{self, AssertionKind, Effect, Purpose};

/// What waivers and quarantines are resolved against.
pub(super) struct Named<'a, 'm> {
    pub(super) sentences: &'m Sentences<'a>,
    pub(super) guesses: &'m Guesses,
    pub(super) model: &'m Model,
}

/// A kind of statement that a name must be of.
struct Wanted<'a> {
    code: &'static Code,
    /// "a waiver is for a `never` or an `only`".
    rule: &'static str,
    /// "`never` or `only`".
    kind: &'static str,
    fits: fn(Sentence<'a>) -> bool,
}

fn is_allow(sentence: Sentence<'_>) -> bool {
    matches!(sentence, Sentence::Rule(rule) if rule.effect.value == Effect::Allow)
}

fn can_be_waived(sentence: Sentence<'_>) -> bool {
    matches!(sentence, Sentence::Assertion(assertion) if assertion.kind.value != AssertionKind::Must)
}

impl<'a> Named<'a, '_> {
    /// `waive`; `None` if what it names is wrong, which is then reported.
    pub(super) fn waiver(&self, waiver: &ast::Waiver, purpose: Option<&Purpose>, sink: &mut Sink) -> Option<Waiver> {
        let assertion = self.check(
            &waiver.assertion,
            &Wanted {
                code: &statements::WAIVED_ASSERTION,
                rule: "a waiver is for a `never` or an `only`",
                kind: "`never` or `only`",
                fits: can_be_waived,
            },
            sink,
        );
        let rule = self.check(
            &waiver.rule,
            &Wanted {
                code: &statements::WAIVED_RULE,
                rule: "a waiver leaves out an `allow`",
                kind: "`allow`",
                fits: is_allow,
            },
            sink,
        );
        let period = period(&waiver.meta, purpose, "waiver", &waiver.name, sink);
        Some(Waiver {
            name: waiver.name.clone(),
            span: waiver.span,
            assertion: self.model.assertion_by_name(assertion?)?,
            rule: self.model.rule_by_name(rule?)?,
            period,
            meta: words(&waiver.meta, None, purpose),
        })
    }

    /// `quarantine`; rules to keep that are wrong are reported and left out.
    pub(super) fn quarantine(&self, quarantine: &ast::Quarantine, held: EndpointId, sink: &mut Sink) -> Quarantine {
        let wanted = Wanted {
            code: &statements::KEPT_RULE,
            rule: "a quarantine keeps `allow` rules",
            kind: "`allow`",
            fits: is_allow,
        };
        let mut keep: Vec<RuleId> = quarantine
            .keep
            .iter()
            .filter_map(|name| self.model.rule_by_name(self.check(name, &wanted, sink)?))
            .collect();
        keep.sort_unstable();
        keep.dedup();
        Quarantine {
            name: quarantine.name.clone(),
            span: quarantine.span,
            held,
            keep,
            period: period(&quarantine.meta, None, "quarantine", &quarantine.name, sink),
            meta: words(&quarantine.meta, None, None),
        }
    }

    /// The name, if it is one of the wanted kind; else reports what it is instead.
    fn check<'n>(&self, name: &'n Spanned<String>, wanted: &Wanted<'a>, sink: &mut Sink) -> Option<&'n str> {
        match self.sentences.get(&name.value) {
            Some(sentence) if (wanted.fits)(sentence) => return Some(&name.value),
            Some(other) => {
                let message = format!("{}, and `{}` is `{}`", wanted.rule, name.value, other.keyword());
                sink.push(
                    Diagnostic::new(wanted.code, name.span, message)
                        .label(format!("not {}", wanted.kind))
                        .also(other.name().span, format!("this is `{}`", other.keyword()))
                        .help(format!("name a statement that begins with {}", wanted.kind)),
                );
            }
            None => sink.push(self.unknown(name, wanted)),
        }
        None
    }

    fn unknown(&self, name: &Spanned<String>, wanted: &Wanted<'a>) -> Diagnostic {
        let message = format!("no {} is called `{}`", wanted.kind, name.value);
        let found = Diagnostic::new(wanted.code, name.span, message).label("not found");
        let Some(close) = self.guesses.closest(&name.value, self.sentences.names(wanted.fits)) else { return found };
        let found = found.help(format!("use `{close}`"));
        match self.sentences.get(close) {
            Some(place) => found.also(place.name().span, "a similar name"),
            None => found,
        }
    }
}
