//! The resolver: one file per construct. [`resolve`] is the table of contents.
//!
//! Input that is wrong in one place must not hide what is wrong elsewhere, so nothing stops at the first error: what is wrong stands for the empty set, in silence, and the rest is
//! resolved. The model that comes out beside an error is good for further checks and for nothing else.
//!
//! Rules, assertions, waivers and quarantines share one name space, because a name must lead back to one statement. Purposes are not in it: a purpose is a heading, and
//! two files may write under the same one.

mod asked;
mod circles;
mod devices;
mod endpoints;
mod exceptions;
mod feeds;
mod intern;
mod located;
mod meta;
mod names;
mod nesting;
mod places;
mod problem;
mod selectors;
mod services;
mod statements;

pub use self::asked::{attribute_values, resolve_endpoints};
use self::circles::order;
use self::endpoints::EndpointResolver;
use self::names::{Definitions, NameTable, Named};
use self::problem::Guesses;
use self::services::ServiceResolver;
use self::statements::{Resolvers, Sentence, Sentences, Standing};
use crate::diag::codes::names::GROUP_CIRCLE;
use crate::diag::{Diagnostic, Sink};
use crate::inventory::Inventory;
use crate::model::naming::Naming;
use crate::model::types::Model;
use crate::packet::ServiceSet;
use crate::source::Sources;
use crate::syntax::ast::{self, Group, Primary};

/// What is resolved, and what that needs from outside.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// All inventory files.
    pub inventory: &'a Inventory,
    /// All policy files, in the order of their paths.
    pub files: &'a [ast::File],
    /// The paths of the files; feeds are looked for beside the policy file that names them.
    pub sources: &'a Sources,
    /// The names that `platform:` may have.
    pub platforms: &'a [&'a str],
    /// Reads a feed: the path is relative to the project and never leaves it; the error is in the user's words.
    pub feeds: &'a dyn Fn(&str) -> Result<String, String>,
}

/// Resolves inventory and policy against each other.
///
/// Everything wrong is pushed into `sink`. If that makes `sink.has_bad_input()`, the model holds what could be resolved, and nothing should be computed from it. Time and memory are
/// n log n in the size of the input, whatever is wrong with it.
#[must_use]
pub fn resolve(input: Input<'_>, sink: &mut Sink) -> Model {
    let guesses = Guesses::default();
    let mut model = Model::default();
    let places = places::collect(input.inventory, &mut model, sink);
    nesting::nest(&places, &mut model, &guesses, sink);
    located::locate(&mut model);
    located::check_hosts(&places, &model, sink);
    let ground = devices::Ground { places: &places, platforms: input.platforms, guesses: &guesses };
    devices::collect(input.inventory, &ground, &mut model, sink);
    model.naming = Naming::build(&model);
    let (table, definitions) = names::enter(&places, input.inventory, input.files, &model, sink);
    let sentences = statements::collect(input.files, sink);
    let scene = Scene { input, places: &places, table: &table, definitions: &definitions, guesses: &guesses };
    let policy = scene.policy(&model, &sentences, sink);
    policy.finish(&sentences, &guesses, model, sink)
}

/// Resolves a service expression from outside the project, such as a command line argument, with the definitions of the project.
///
/// `None` if something in it is wrong, which is then in `sink`; what is wrong with the project's own definitions is not said again.
#[must_use]
pub fn resolve_services(files: &[ast::File], services: &ast::Services, sink: &mut Sink) -> Option<ServiceSet> {
    let guesses = Guesses::default();
    let definitions: Vec<&ast::ServiceDefinition> = files
        .iter()
        .flat_map(|file| &file.statements)
        .filter_map(|statement| match statement {
            ast::Statement::Service(definition) => Some(definition),
            _ => None,
        })
        .collect();
    let mut resolver = ServiceResolver::new(&definitions, &guesses, &mut Sink::default());
    let id = resolver.resolve(services, sink)?;
    resolver.into_sets().get(id.index()).map(|set| (**set).clone())
}

/// Everything that names are looked up in.
struct Scene<'a, 'm> {
    input: Input<'a>,
    places: &'m places::Places<'a>,
    table: &'m NameTable<'a>,
    definitions: &'m Definitions<'a>,
    guesses: &'m Guesses,
}

/// The resolved statements, before those that name others.
#[derive(Default)]
struct Policy {
    endpoints: Vec<std::sync::Arc<crate::packet::AddressSet>>,
    services: Vec<std::sync::Arc<crate::packet::ServiceSet>>,
    rules: Vec<crate::model::types::Rule>,
    assertions: Vec<crate::model::types::Assertion>,
    groups: Vec<(String, std::sync::Arc<crate::packet::AddressSet>)>,
    feeds: Vec<(String, std::sync::Arc<crate::packet::AddressSet>)>,
    named_services: Vec<(String, std::sync::Arc<crate::packet::ServiceSet>)>,
    /// What the quarantines hold, in the order of [`Sentences::all`].
    held: Vec<crate::model::types::EndpointId>,
}

impl<'a> Scene<'a, '_> {
    fn policy(&self, model: &Model, sentences: &Sentences<'a>, sink: &mut Sink) -> Policy {
        let feeds = self.definitions.feeds.iter();
        let feeds: Vec<endpoints::Defined> =
            feeds.map(|feed| feeds::read(feed, self.input.sources, self.input.feeds, model, sink)).collect();
        let read = self.definitions.feeds.iter().zip(&feeds);
        let mut named_feeds: Vec<(String, std::sync::Arc<crate::packet::AddressSet>)> =
            read.filter_map(|(feed, set)| Some((feed.name.value.clone(), set.clone()?))).collect();
        named_feeds.sort_by(|(a, _), (b, _)| a.cmp(b));
        let groups = &self.definitions.groups;
        let mut endpoints = EndpointResolver::new(model, self.places, self.table, self.guesses, feeds, groups.len());
        let named = self.define_groups(&mut endpoints, sink);
        let services = ServiceResolver::new(&self.definitions.services, self.guesses, sink);
        let mut resolvers =
            Resolvers { endpoints, services, places: self.places, table: self.table, guesses: self.guesses };
        let mut policy = Policy { groups: named, feeds: named_feeds, ..Policy::default() };
        for &(sentence, purpose, standing) in &sentences.all {
            match sentence {
                Sentence::Rule(rule) => {
                    let rule = resolvers.rule(rule, purpose, sink);
                    if standing == Standing::First {
                        policy.rules.push(rule);
                    }
                }
                Sentence::Assertion(assertion) => {
                    let assertion = resolvers.assertion(assertion, purpose, sink);
                    if standing == Standing::First {
                        policy.assertions.push(assertion);
                    }
                }
                Sentence::Quarantine(quarantine) => {
                    let held = resolvers.endpoints.resolve(&quarantine.of, sink);
                    policy.held.push(held.unwrap_or_else(|| resolvers.endpoints.empty()));
                }
                Sentence::Waiver(_) => {}
            }
        }
        policy.rules.sort_by(|a, b| a.name.cmp(&b.name));
        policy.assertions.sort_by(|a, b| a.name.cmp(&b.name));
        policy.endpoints = resolvers.endpoints.into_sets();
        policy.named_services = resolvers.services.named();
        policy.services = resolvers.services.into_sets();
        policy
    }

    fn define_groups(
        &self,
        endpoints: &mut EndpointResolver<'a, '_>,
        sink: &mut Sink,
    ) -> Vec<(String, std::sync::Arc<crate::packet::AddressSet>)> {
        let groups = &self.definitions.groups;
        let uses: Vec<Vec<usize>> = groups.iter().map(|group| self.groups_in(group)).collect();
        let order = order(&uses);
        for circle in &order.circles {
            let members: Vec<&Group> = circle.iter().filter_map(|&at| groups.get(at).copied()).collect();
            report_circle(&members, sink);
        }
        let mut named = Vec::with_capacity(groups.len());
        for &at in order.evaluable.iter().chain(&order.stuck) {
            let Some(group) = groups.get(at) else { continue };
            let set = endpoints.resolve(&group.endpoints, sink).map(|id| endpoints.set(id));
            named.extend(set.clone().map(|set| (group.name.value.clone(), set)));
            endpoints.define_group(at, set);
        }
        named.sort_by(|(a, _), (b, _)| a.cmp(b));
        named
    }

    fn groups_in(&self, group: &Group) -> Vec<usize> {
        let items = group.endpoints.items.iter().chain(&group.endpoints.except);
        items
            .flat_map(|item| &item.primaries)
            .filter_map(|primary| match &primary.value {
                Primary::Name(name) => match self.table.get(name) {
                    Some(Named::Group(at)) => Some(at),
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }
}

fn report_circle(circle: &[&Group], sink: &mut Sink) {
    let Some((first, others)) = circle.split_first() else { return };
    let shown: Vec<String> = circle.iter().chain([first]).map(|group| format!("`{}`", group.name.value)).collect();
    let message = format!("groups contain each other in a circle: {}", shown.join(" uses "));
    let found = Diagnostic::new(&GROUP_CIRCLE, first.name.span, message).label("part of the circle");
    let found = others.iter().fold(found, |found, other| found.also(other.name.span, "part of the circle"));
    sink.push(found.help("take one of them out of another"));
}

impl Policy {
    /// Puts the statements into the model, and resolves those that name other statements.
    fn finish(self, sentences: &Sentences<'_>, guesses: &Guesses, mut model: Model, sink: &mut Sink) -> Model {
        model.groups = self.groups;
        model.feeds = self.feeds;
        model.named_services = self.named_services;
        model.endpoints = self.endpoints;
        model.services = self.services;
        model.rules = self.rules;
        model.assertions = self.assertions;
        let named = exceptions::Named { sentences, guesses, model: &model };
        let (mut waivers, mut quarantines) = (Vec::new(), Vec::new());
        let mut held = self.held.into_iter();
        for &(sentence, purpose, standing) in &sentences.all {
            match sentence {
                Sentence::Waiver(waiver) => {
                    let waiver = named.waiver(waiver, purpose, sink);
                    waivers.extend(waiver.filter(|_| standing == Standing::First));
                }
                Sentence::Quarantine(quarantine) => {
                    let Some(held) = held.next() else { continue };
                    let quarantine = named.quarantine(quarantine, held, sink);
                    if standing == Standing::First {
                        quarantines.push(quarantine);
                    }
                }
                Sentence::Rule(_) | Sentence::Assertion(_) => {}
            }
        }
        waivers.sort_by(|a, b| a.name.cmp(&b.name));
        quarantines.sort_by(|a, b| a.name.cmp(&b.name));
        model.waivers = waivers;
        model.quarantines = quarantines;
        model
    }
}
