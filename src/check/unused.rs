//! Definitions that nothing uses.
//!
//! "Used" is asked of the text: a group that only an unused group names is used. Removing the outer one brings the inner one up, so nothing is hidden for ever.

use std::collections::HashSet;

use super::{Context, Lint};
use crate::diag::codes::names::{UNUSED_FEED, UNUSED_GROUP, UNUSED_SERVICE};
use crate::diag::{Code, Diagnostic, Sink};
use crate::source::Spanned;
use crate::syntax::ast::{Clauses, Endpoints, File, Member, Primary, Service, Services, Statement};

/// Finds groups, services and feeds that no statement names.
pub(super) struct Unused;

impl Lint for Unused {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&UNUSED_GROUP, &UNUSED_SERVICE, &UNUSED_FEED] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let used = Used::of(context.files);
        for statement in context.files.iter().flat_map(|file| &file.statements) {
            let unused = match statement {
                Statement::Group(group) if !used.endpoints.contains(group.name.value.as_str()) => {
                    unused(&UNUSED_GROUP, "group", &group.name)
                }
                Statement::Feed(feed) if !used.endpoints.contains(feed.name.value.as_str()) => {
                    unused(&UNUSED_FEED, "feed", &feed.name)
                }
                Statement::Service(service) if !used.services.contains(service.name.value.as_str()) => {
                    unused(&UNUSED_SERVICE, "service", &service.name)
                }
                _ => continue,
            };
            sink.push(unused);
        }
    }
}

fn unused(code: &'static Code, kind: &str, name: &Spanned<String>) -> Diagnostic {
    Diagnostic::new(code, name.span, format!("nothing uses the {kind} `{}`", name.value))
        .label("defined here, named nowhere")
        .help("remove it")
}

/// Names that occur in expressions.
#[derive(Default)]
struct Used<'a> {
    endpoints: HashSet<&'a str>,
    services: HashSet<&'a str>,
}

impl<'a> Used<'a> {
    fn of(files: &'a [File]) -> Self {
        let mut used = Self::default();
        for statement in files.iter().flat_map(|file| &file.statements) {
            match statement {
                Statement::Service(service) => used.services(&service.services),
                Statement::Group(group) => used.endpoints(&group.endpoints),
                Statement::Rule(rule) => used.clauses(&rule.clauses),
                Statement::Assertion(assertion) => used.clauses(&assertion.clauses),
                Statement::Quarantine(quarantine) => used.endpoints(&quarantine.of),
                Statement::Purpose(purpose) => used.members(&purpose.members),
                Statement::Feed(_) | Statement::Waiver(_) => {}
            }
        }
        used
    }

    fn members(&mut self, members: &'a [Member]) {
        for member in members {
            match member {
                Member::Rule(rule) => self.clauses(&rule.clauses),
                Member::Assertion(assertion) => self.clauses(&assertion.clauses),
                Member::Waiver(_) => {}
            }
        }
    }

    fn clauses(&mut self, clauses: &'a Clauses) {
        clauses.from.iter().chain(&clauses.to).for_each(|endpoints| self.endpoints(endpoints));
        clauses.on.iter().for_each(|services| self.services(services));
    }

    fn endpoints(&mut self, endpoints: &'a Endpoints) {
        let items = endpoints.items.iter().chain(&endpoints.except);
        self.endpoints.extend(items.flat_map(|item| &item.primaries).filter_map(|primary| match &primary.value {
            Primary::Name(name) => Some(name.as_str()),
            _ => None,
        }));
    }

    fn services(&mut self, services: &'a Services) {
        let items = services.items.iter().chain(&services.except);
        self.services.extend(items.filter_map(|service| match &service.value {
            Service::Name(name) => Some(name.as_str()),
            _ => None,
        }));
    }
}
