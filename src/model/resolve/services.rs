//! Service expressions become service sets: definitions of the project, the well-known table, and what is written out.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::circles::order;
use super::intern::Interner;
use super::problem::{Guesses, Problem};
use crate::diag::codes::names;
use crate::diag::{Diagnostic, Sink};
use crate::model::services::{well_known, well_known_names};
use crate::model::types::ServiceId;
use crate::packet::{Interval, ServiceSet};
use crate::source::Spanned;
use crate::syntax::ast::{Service, ServiceDefinition, Services};

/// What a service name came out as.
#[derive(Debug, Clone)]
enum Value {
    Set(Arc<ServiceSet>),
    Wrong(Problem),
    /// Wrong, and said already at its definition.
    Silent,
}

/// Resolves service expressions.
pub(super) struct ServiceResolver<'a, 'm> {
    guesses: &'m Guesses,
    names: FxHashMap<&'a str, usize>,
    definitions: &'m [&'a ServiceDefinition],
    values: FxHashMap<&'a str, Value>,
    expressions: FxHashMap<Vec<Option<&'a Service>>, ServiceId>,
    sets: Interner<ServiceSet>,
}

impl<'a, 'm> ServiceResolver<'a, 'm> {
    /// A resolver that knows the definitions of the project, all of which are evaluated and checked here.
    pub(super) fn new(definitions: &'m [&'a ServiceDefinition], guesses: &'m Guesses, sink: &mut Sink) -> Self {
        let mut resolver = Self {
            guesses,
            names: FxHashMap::default(),
            definitions,
            values: FxHashMap::default(),
            expressions: FxHashMap::default(),
            sets: Interner::default(),
        };
        for (at, definition) in definitions.iter().enumerate() {
            resolver.enter(at, definition, sink);
        }
        resolver.define(sink);
        resolver
    }

    /// The sets in the order of their ids.
    pub(super) fn into_sets(self) -> Vec<Arc<ServiceSet>> {
        self.sets.into_list()
    }

    /// What the definitions of the project came out as, in name order.
    pub(super) fn named(&self) -> Vec<(String, Arc<ServiceSet>)> {
        let set = |name: &str| match self.values.get(name) {
            Some(Value::Set(set)) => Some((name.to_owned(), set.clone())),
            Some(Value::Wrong(_) | Value::Silent) | None => None,
        };
        let mut names: Vec<&str> = self.definitions.iter().map(|definition| definition.name.value.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(set).collect()
    }

    /// The id of every service.
    pub(super) fn any(&mut self) -> ServiceId {
        ServiceId::from_index(self.sets.intern(Arc::new(ServiceSet::any())))
    }

    /// The id of no service.
    pub(super) fn empty(&mut self) -> ServiceId {
        ServiceId::from_index(self.sets.intern(Arc::default()))
    }

    /// Resolves an expression; `None` if something in it is wrong, which is then reported.
    pub(super) fn resolve(&mut self, expression: &'a Services, sink: &mut Sink) -> Option<ServiceId> {
        let all = || expression.items.iter().chain(&expression.except);
        // Every service is checked, so that every wrong one is reported.
        if all().filter(|service| !self.check(service, sink)).count() > 0 {
            return None;
        }
        let mut key: Vec<Option<&'a Service>> = expression.items.iter().map(|item| Some(&item.value)).collect();
        key.push(None);
        key.extend(expression.except.iter().map(|item| Some(&item.value)));
        let id = match self.expressions.get(&key) {
            Some(&id) => id,
            None => {
                let set = self.union(&expression.items).difference(&self.union(&expression.except));
                let id = ServiceId::from_index(self.sets.intern(Arc::new(set)));
                self.expressions.insert(key, id);
                id
            }
        };
        if self.sets.get(id.index()).is_none_or(|set| set.is_empty()) {
            let found = Diagnostic::new(&names::EMPTY_SERVICES, expression.span, "this comes out as no service at all");
            sink.push(found.label("no service is left").help("remove it, or mend what `except` leaves"));
        }
        Some(id)
    }

    fn enter(&mut self, at: usize, definition: &'a ServiceDefinition, sink: &mut Sink) {
        let name = &definition.name;
        let first = self.names.get(name.value.as_str()).and_then(|&first| self.definitions.get(first));
        match first {
            Some(first) => {
                let message = format!("the service `{}` is defined twice", name.value);
                sink.push(
                    Diagnostic::new(&names::SERVICE_TWICE, name.span, message)
                        .label("the second one")
                        .also(first.name.span, "the first one")
                        .help("rename or remove one of them"),
                );
            }
            None => {
                self.names.insert(&name.value, at);
            }
        }
    }

    fn define(&mut self, sink: &mut Sink) {
        let uses: Vec<Vec<usize>> = self
            .definitions
            .iter()
            .map(|definition| {
                let services = definition.services.items.iter().chain(&definition.services.except);
                services.filter_map(|service| self.names.get(name_of(service)?).copied()).collect()
            })
            .collect();
        let order = order(&uses);
        for circle in &order.circles {
            self.report_circle(circle, sink);
        }
        for &at in &order.stuck {
            if let Some(definition) = self.definitions.get(at) {
                self.values.insert(&definition.name.value, Value::Silent);
            }
        }
        for &at in order.evaluable.iter().chain(&order.stuck) {
            let Some(definition) = self.definitions.get(at).copied() else { continue };
            let set = self.resolve(&definition.services, sink).and_then(|id| self.sets.get(id.index()).cloned());
            if self.names.get(definition.name.value.as_str()) == Some(&at) {
                self.values.insert(&definition.name.value, set.map_or(Value::Silent, Value::Set));
            }
        }
    }

    fn report_circle(&self, circle: &[usize], sink: &mut Sink) {
        let members: Vec<&ServiceDefinition> =
            circle.iter().filter_map(|&at| self.definitions.get(at).copied()).collect();
        let Some((first, others)) = members.split_first() else { return };
        let shown: Vec<String> =
            members.iter().chain([first]).map(|definition| format!("`{}`", definition.name.value)).collect();
        let message = format!("services contain each other in a circle: {}", shown.join(" uses "));
        let found = Diagnostic::new(&names::SERVICE_CIRCLE, first.name.span, message).label("part of the circle");
        let found = others.iter().fold(found, |found, other| found.also(other.name.span, "part of the circle"));
        sink.push(found.help("take one of them out of another"));
    }

    /// Whether a service is sound; a wrong name is reported.
    fn check(&mut self, service: &'a Spanned<Service>, sink: &mut Sink) -> bool {
        let Some(name) = name_of(service) else { return true };
        if !self.values.contains_key(name) {
            let value = match well_known(name) {
                Some(set) => Value::Set(Arc::new(set)),
                None => Value::Wrong(self.unknown(name)),
            };
            self.values.insert(name, value);
        }
        match self.values.get(name) {
            Some(Value::Set(_)) => true,
            Some(Value::Wrong(problem)) => {
                sink.push(problem.at(service.span));
                false
            }
            Some(Value::Silent) | None => false,
        }
    }

    fn unknown(&self, name: &str) -> Problem {
        let problem = Problem::new(&names::UNKNOWN_SERVICE, format!("no service is called `{name}`"), "not found");
        let own = self.definitions.iter().map(|definition| definition.name.value.as_str());
        let Some(close) = self.guesses.closest(name, own.chain(well_known_names())) else {
            return problem.help(format!("define it: `service {name} = tcp/443`"));
        };
        let place = self.names.get(close).and_then(|&at| self.definitions.get(at));
        let problem = problem.help(format!("use `{close}`"));
        match place {
            Some(place) => problem.also(place.name.span, "a service with a similar name"),
            None => problem,
        }
    }

    fn union(&self, services: &'a [Spanned<Service>]) -> ServiceSet {
        services.iter().fold(ServiceSet::empty(), |set, service| set.union(&self.set_of(&service.value)))
    }

    fn set_of(&self, service: &Service) -> ServiceSet {
        let ports = |range: &Option<_>| range.unwrap_or(Interval::full());
        let types = |value: &Option<u8>| value.map_or(Interval::full(), |value| Interval::single(u16::from(value)));
        match service {
            Service::Any => ServiceSet::any(),
            Service::Name(name) => match self.values.get(name.as_str()) {
                Some(Value::Set(set)) => (**set).clone(),
                _ => ServiceSet::empty(),
            },
            Service::Ports { protocol, source, destination } => {
                ServiceSet::rectangle(*protocol, ports(source), ports(destination))
            }
            Service::Icmp { protocol, kind, code } => ServiceSet::rectangle(*protocol, types(kind), types(code)),
            Service::Protocol(protocol) => ServiceSet::protocol(*protocol),
        }
    }
}

fn name_of(service: &Spanned<Service>) -> Option<&str> {
    match &service.value {
        Service::Name(name) => Some(name),
        Service::Any | Service::Ports { .. } | Service::Icmp { .. } | Service::Protocol(_) => None,
    }
}
