//! Rules and assertions: products of sets, with dates and words.

use rustc_hash::FxHashMap;

use super::endpoints::EndpointResolver;
use super::meta::{check_dates, marked, period, words};
use super::names::{NameTable, Named};
use super::places::Places;
use super::problem::Guesses;
use super::services::ServiceResolver;
use crate::diag::codes::statements;
use crate::diag::{Diagnostic, Sink};
use crate::model::types::{Assertion, Product, Rule, Via};
use crate::source::Spanned;
use crate::syntax::ast::{self, AssertionKind, Clauses, Effect, Member, Purpose, Statement};

/// A statement that has a name of the project-wide name space, with the purpose that it stands in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sentence<'a> {
    Rule(&'a ast::Rule),
    Assertion(&'a ast::Assertion),
    Waiver(&'a ast::Waiver),
    Quarantine(&'a ast::Quarantine),
}

impl<'a> Sentence<'a> {
    /// Its name.
    pub(super) fn name(self) -> &'a Spanned<String> {
        match self {
            Self::Rule(rule) => &rule.name,
            Self::Assertion(assertion) => &assertion.name,
            Self::Waiver(waiver) => &waiver.name,
            Self::Quarantine(quarantine) => &quarantine.name,
        }
    }

    /// Its keyword.
    pub(super) fn keyword(self) -> &'static str {
        match self {
            Self::Rule(rule) => effect_word(rule.effect.value),
            Self::Assertion(assertion) => kind_word(assertion.kind.value),
            Self::Waiver(_) => "waive",
            Self::Quarantine(_) => "quarantine",
        }
    }
}

/// The keyword of an effect.
fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

/// The keyword of an assertion.
fn kind_word(kind: AssertionKind) -> &'static str {
    match kind {
        AssertionKind::Never => "never",
        AssertionKind::Only => "only",
        AssertionKind::Must => "must",
    }
}

/// All sentences with the purposes that they stand in. A name is looked up by [`Sentences::get`].
#[derive(Debug, Default)]
pub(super) struct Sentences<'a> {
    /// In the order of files; of two with one name the second is in it as well, marked as a double.
    pub(super) all: Vec<(Sentence<'a>, Option<&'a Purpose>, Standing)>,
    by_name: FxHashMap<&'a str, Sentence<'a>>,
}

/// Whether the name of a sentence is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The only or first one of its name.
    First,
    /// A later one of a name that is taken.
    Double,
}

impl<'a> Sentences<'a> {
    /// The sentence of a name.
    pub(super) fn get(&self, name: &str) -> Option<Sentence<'a>> {
        self.by_name.get(name).copied()
    }

    /// The names of the sentences that pass a filter, in the order of files.
    pub(super) fn names(&self, filter: impl Fn(Sentence<'a>) -> bool) -> impl Iterator<Item = &'a str> {
        self.all
            .iter()
            .map(|(sentence, ..)| *sentence)
            .filter(move |sentence| filter(*sentence))
            .map(|sentence| sentence.name().value.as_str())
    }

    fn add(&mut self, sentence: Sentence<'a>, purpose: Option<&'a Purpose>, sink: &mut Sink) {
        let name = sentence.name();
        let standing = match self.by_name.get(name.value.as_str()) {
            Some(first) => {
                let message = format!("the name `{}` is taken", name.value);
                sink.push(
                    Diagnostic::new(&statements::STATEMENT_TWICE, name.span, message)
                        .label(format!("names this `{}`", sentence.keyword()))
                        .also(first.name().span, format!("names this `{}`", first.keyword()))
                        .help("rename one of them"),
                );
                Standing::Double
            }
            None => {
                self.by_name.insert(&name.value, sentence);
                Standing::First
            }
        };
        self.all.push((sentence, purpose, standing));
    }
}

/// Collects all sentences; reports names that are taken, and dates of purposes that make no sense.
pub(super) fn collect<'a>(files: &'a [ast::File], sink: &mut Sink) -> Sentences<'a> {
    let mut sentences = Sentences::default();
    for statement in files.iter().flat_map(|file| &file.statements) {
        match statement {
            Statement::Service(_) | Statement::Group(_) | Statement::Feed(_) => {}
            Statement::Rule(rule) => sentences.add(Sentence::Rule(rule), None, sink),
            Statement::Assertion(assertion) => sentences.add(Sentence::Assertion(assertion), None, sink),
            Statement::Waiver(waiver) => sentences.add(Sentence::Waiver(waiver), None, sink),
            Statement::Quarantine(quarantine) => sentences.add(Sentence::Quarantine(quarantine), None, sink),
            Statement::Purpose(purpose) => {
                check_dates(&purpose.meta, sink);
                for member in &purpose.members {
                    let sentence = match member {
                        Member::Rule(rule) => Sentence::Rule(rule),
                        Member::Assertion(assertion) => Sentence::Assertion(assertion),
                        Member::Waiver(waiver) => Sentence::Waiver(waiver),
                    };
                    sentences.add(sentence, Some(purpose), sink);
                }
            }
        }
    }
    sentences
}

/// What rules and assertions are resolved with.
pub(super) struct Resolvers<'a, 'm> {
    pub(super) endpoints: EndpointResolver<'a, 'm>,
    pub(super) services: ServiceResolver<'a, 'm>,
    pub(super) places: &'m Places<'a>,
    pub(super) table: &'m NameTable<'a>,
    pub(super) guesses: &'m Guesses,
}

impl<'a> Resolvers<'a, '_> {
    /// `allow` or `deny`.
    pub(super) fn rule(&mut self, rule: &'a ast::Rule, purpose: Option<&'a Purpose>, sink: &mut Sink) -> Rule {
        let meta = &rule.clauses.meta;
        Rule {
            name: rule.name.clone(),
            span: rule.span,
            effect: rule.effect.value,
            products: self.products(&rule.clauses, sink),
            period: period(meta, purpose, effect_word(rule.effect.value), &rule.name, sink),
            log: marked(meta, purpose, |meta| meta.log),
            meta: words(meta, rule.title.as_ref(), purpose),
        }
    }

    /// `never`, `only` or `must`.
    pub(super) fn assertion(
        &mut self,
        assertion: &'a ast::Assertion,
        purpose: Option<&'a Purpose>,
        sink: &mut Sink,
    ) -> Assertion {
        let meta = &assertion.clauses.meta;
        let via = assertion.clauses.via.iter().filter_map(|name| self.via(name, sink)).collect();
        Assertion {
            name: assertion.name.clone(),
            span: assertion.span,
            kind: assertion.kind.value,
            products: self.products(&assertion.clauses, sink),
            via,
            transitive: assertion.clauses.transitive.is_some(),
            advisory: marked(meta, purpose, |meta| meta.advisory),
            period: period(meta, purpose, kind_word(assertion.kind.value), &assertion.name, sink),
            meta: words(meta, assertion.title.as_ref(), purpose),
        }
    }

    /// One product, or two with `both-ways`. A clause with something wrong in it stands for nothing.
    fn products(&mut self, clauses: &'a Clauses, sink: &mut Sink) -> Vec<Product> {
        let mut side = |endpoints: Option<&'a ast::Endpoints>| {
            let id = endpoints.and_then(|endpoints| self.endpoints.resolve(endpoints, sink));
            id.unwrap_or_else(|| self.endpoints.empty())
        };
        let (source, destination) = (side(clauses.from.as_ref()), side(clauses.to.as_ref()));
        let services = match &clauses.on {
            None => self.services.any(),
            Some(services) => match self.services.resolve(services, sink) {
                Some(id) => id,
                None => self.services.empty(),
            },
        };
        let forth = Product { source, destination, services };
        match clauses.both_ways {
            Some(_) => vec![forth, Product { source: destination, destination: source, services }],
            None => vec![forth],
        }
    }

    fn via(&self, name: &Spanned<String>, sink: &mut Sink) -> Option<Via> {
        if let Some((site, network)) = name.value.split_once('/') {
            let found = self.places.site(site).and_then(|site| self.places.network(site, network)).map(Via::Network);
            if found.is_none() {
                sink.push(self.unknown_via(name));
            }
            return found;
        }
        match self.table.get(&name.value) {
            Some(Named::Device(id)) => Some(Via::Device(id)),
            Some(Named::Transit(id)) => Some(Via::Transit(id)),
            Some(Named::Site(_) | Named::Group(_) | Named::Feed(_)) | None => {
                sink.push(self.unknown_via(name));
                None
            }
        }
    }

    fn unknown_via(&self, name: &Spanned<String>) -> Diagnostic {
        let message = format!("no device, network or transit is called `{}`", name.value);
        let found = Diagnostic::new(&statements::UNKNOWN_VIA, name.span, message).label("not found");
        if let Some((kind, place)) = self.table.described(&name.value) {
            return found.also(place.span, format!("this is {kind}"));
        }
        match name.value.split_once('/') {
            Some((site, network)) => self.similar_network(found, site, network),
            None => self.similar_crossing(found, &name.value),
        }
    }

    fn similar_network(&self, found: Diagnostic, site: &str, network: &str) -> Diagnostic {
        let sites = self.places.sites.iter().map(|site| site.name.value.as_str());
        let close_site = if self.places.site(site).is_some() { Some(site) } else { self.guesses.closest(site, sites) };
        let Some(site) = close_site else { return found };
        let siblings = self.places.site(site).map_or(&[][..], |id| self.places.networks_of(id));
        let close = self.guesses.closest(network, siblings.iter().map(|sibling| sibling.name.value.as_str()));
        match close {
            Some(close) => found.help(format!("use `{site}/{close}`")),
            None => found,
        }
    }

    fn similar_crossing(&self, found: Diagnostic, name: &str) -> Diagnostic {
        let crossings = self
            .table
            .names()
            .filter(|name| matches!(self.table.get(name), Some(Named::Device(_) | Named::Transit(_))));
        let Some(close) = self.guesses.closest(name, crossings) else { return found };
        let found = found.help(format!("use `{close}`"));
        match self.table.described(close) {
            Some((kind, place)) => found.also(place.span, format!("{kind} with a similar name")),
            None => found,
        }
    }
}
