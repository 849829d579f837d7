//! A question about flows in the words of the language, asked of many versions of one project.
//!
//! It is parsed once and resolved in every version, because a name means what it meant then. Each item of an expression is resolved alone: what a version does not know yet must not hide what it
//! knows. What no version knows is a mistake of the question.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::answer::Asked;
use crate::diag::{Diagnostic, Severity, Sink};
use crate::model::resolve_services;
use crate::packet::{AddressSet, ServiceSet};
use crate::pipeline::Loaded;
use crate::source::{Sources, Spanned};
use crate::syntax::{self, ast};

/// A question in the words of the language; each text is a file of its own to diagnostics.
#[derive(Debug)]
pub struct Question {
    /// Sources, destinations and services as they were written.
    pub text: [String; 3],
    /// The three texts as files, for diagnostics.
    pub sources: Sources,
    from: Expression<ast::Endpoints>,
    to: Expression<ast::Endpoints>,
    on: Expression<ast::Services>,
}

/// An expression, item by item: what a version does not know yet must not hide what it knows.
#[derive(Debug)]
struct Expression<T> {
    items: Vec<Item<T>>,
    except: Vec<Item<T>>,
}

#[derive(Debug)]
struct Item<T> {
    /// The item, as an expression of its own.
    expression: T,
    /// Whether any version knew it.
    known: AtomicBool,
}

impl Question {
    /// Reads a question.
    ///
    /// # Errors
    ///
    /// What is wrong with its words; the diagnostics are about the returned files.
    pub fn new(from: &str, to: &str, on: &str) -> Result<Self, (Sources, Vec<Diagnostic>)> {
        let mut sources = Sources::default();
        let ids = [("--from", from), ("--to", to), ("--on", on)].map(|(name, text)| sources.add(name, text));
        let (first, second) = (syntax::parse_endpoints(ids[0], from), syntax::parse_endpoints(ids[1], to));
        match (first, second, syntax::parse_services(ids[2], on)) {
            (Ok(first), Ok(second), Ok(third)) => Ok(Self {
                text: [from.to_owned(), to.to_owned(), on.to_owned()],
                sources,
                from: Expression::of_endpoints(&first),
                to: Expression::of_endpoints(&second),
                on: Expression::of_services(&third),
            }),
            (a, b, c) => {
                let wrong = [a.err(), b.err(), c.err()];
                Err((sources, wrong.into_iter().flatten().flatten().collect()))
            }
        }
    }

    /// The sets that the question means in a version.
    pub(super) fn asked(&self, loaded: &Loaded) -> Result<Asked, String> {
        let mut wrong = Sink::default();
        let from = self.from.addresses(loaded, &mut wrong);
        let to = self.to.addresses(loaded, &mut wrong);
        let on = self.on.services(loaded, &mut wrong);
        match (from, to, on) {
            (Some(from), Some(to), Some(on)) => Ok(Asked { from: Arc::new(from), to: Arc::new(to), on: Arc::new(on) }),
            _ => Err(reason(&wrong.into_sorted())),
        }
    }

    /// What is wrong with the parts that no version knew, as the last one says it.
    pub(super) fn never_known(&self, last: &Loaded) -> Vec<Diagnostic> {
        let mut wrong = Sink::default();
        for expression in self.from.never_known().chain(self.to.never_known()) {
            let _ = last.endpoints(&[expression], &mut wrong);
        }
        for expression in self.on.never_known() {
            let _ = resolve_services(&last.files, expression, &mut wrong);
        }
        let mut found = wrong.into_sorted();
        found.retain(|one| one.severity == Severity::Error);
        // Other places are in files of the version, which are not those of the question.
        found.iter_mut().for_each(|one| one.secondary.clear());
        found
    }
}

impl<T> Item<T> {
    fn new(expression: T) -> Self {
        Self { expression, known: AtomicBool::new(false) }
    }

    /// Notes that a version knew it, if it did.
    fn note<U>(&self, found: Option<U>) -> Option<U> {
        if found.is_some() {
            self.known.store(true, Ordering::Relaxed);
        }
        found
    }
}

impl<T> Expression<T> {
    fn never_known(&self) -> impl Iterator<Item = &T> {
        let all = self.items.iter().chain(&self.except);
        all.filter(|item| !item.known.load(Ordering::Relaxed)).map(|item| &item.expression)
    }
}

impl Expression<ast::Endpoints> {
    fn of_endpoints(whole: &ast::Endpoints) -> Self {
        let alone = |item: &ast::All| {
            Item::new(ast::Endpoints { items: vec![item.clone()], except: Vec::new(), span: whole.span })
        };
        Self { items: whole.items.iter().map(alone).collect(), except: whole.except.iter().map(alone).collect() }
    }

    /// The addresses; `None` if nothing of it is known. An exception that is not known takes nothing away.
    fn addresses(&self, loaded: &Loaded, wrong: &mut Sink) -> Option<AddressSet> {
        let all: Vec<&Item<ast::Endpoints>> = self.items.iter().chain(&self.except).collect();
        let expressions: Vec<&ast::Endpoints> = all.iter().map(|item| &item.expression).collect();
        let sets: Vec<Option<Arc<AddressSet>>> =
            all.iter().zip(loaded.endpoints(&expressions, wrong)).map(|(item, set)| item.note(set)).collect();
        let (items, except) = sets.split_at_checked(self.items.len())?;
        if items.iter().all(Option::is_none) {
            return None;
        }
        let union = |sets: &[Option<Arc<AddressSet>>]| AddressSet::union_all(sets.iter().flatten().map(|set| &**set));
        Some(union(items).difference(&union(except)))
    }
}

impl Expression<ast::Services> {
    fn of_services(whole: &ast::Services) -> Self {
        let alone = |item: &Spanned<ast::Service>| {
            Item::new(ast::Services { items: vec![item.clone()], except: Vec::new(), span: whole.span })
        };
        Self { items: whole.items.iter().map(alone).collect(), except: whole.except.iter().map(alone).collect() }
    }

    /// The services; `None` if nothing of it is known. An exception that is not known takes nothing away.
    fn services(&self, loaded: &Loaded, wrong: &mut Sink) -> Option<ServiceSet> {
        let mut set = |item: &Item<ast::Services>| item.note(resolve_services(&loaded.files, &item.expression, wrong));
        let items: Vec<ServiceSet> = self.items.iter().filter_map(&mut set).collect();
        let except: Vec<ServiceSet> = self.except.iter().filter_map(&mut set).collect();
        let sum = items.into_iter().reduce(|sum, set| sum.union(&set))?;
        Some(except.iter().fold(sum, |sum, set| sum.difference(set)))
    }
}

fn reason(found: &[Diagnostic]) -> String {
    let wrong = found.iter().find(|one| one.severity == Severity::Error);
    wrong.map_or_else(|| "nothing of it is known".to_owned(), |one| one.message.clone())
}
