//! Endpoint expressions become address sets.
//!
//! Every primary that is written is resolved once, whatever the number of rules that write it, and so is every expression; a wrong one is reported wherever it is
//! used, once a place. An expression with a wrong primary has the empty set and says nothing about being empty.

use std::cell::OnceCell;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::intern::Interner;
use super::names::{NameTable, Named};
use super::places::{Inside, Places};
use super::problem::{Guesses, Problem};
use super::selectors::{self, Selectors};
use crate::diag::codes::names;
use crate::diag::{Diagnostic, Sink};
use crate::model::types::{EndpointId, Model};
use crate::packet::{AddressRange, AddressSet};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{All, Endpoints, Primary};

/// A primary without its places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'a> {
    Any,
    Name(&'a str),
    Qualified(&'a str, &'a str),
    Everywhere(&'a str),
    Attribute(&'a str, &'a str),
    Address(AddressRange),
}

/// What a primary came out as.
#[derive(Debug)]
enum Value {
    /// Its addresses.
    Set(Arc<AddressSet>),
    /// Wrong, to be said at every use.
    Wrong(Problem),
    /// Wrong, and said already at its definition.
    Silent,
}

/// What a group or feed came out as; `None`: something in it is wrong and was reported.
pub(super) type Defined = Option<Arc<AddressSet>>;

/// Resolves endpoint expressions against a model.
pub(super) struct EndpointResolver<'a, 'm> {
    model: &'m Model,
    places: &'m Places<'a>,
    table: &'m NameTable<'a>,
    guesses: &'m Guesses,
    selectors: OnceCell<Selectors<'a>>,
    groups: Vec<Defined>,
    feeds: Vec<Defined>,
    primaries: FxHashMap<Key<'a>, usize>,
    values: Vec<(Value, Option<EndpointId>)>,
    expressions: FxHashMap<Vec<usize>, EndpointId>,
    sets: Interner<AddressSet>,
}

/// Between items in the key of an expression; no primary has this number.
const NEXT_ITEM: usize = usize::MAX;
/// Before the exceptions in the key of an expression.
const EXCEPT: usize = usize::MAX - 1;

impl<'a, 'm> EndpointResolver<'a, 'm> {
    /// A resolver for which groups are still undefined.
    pub(super) fn new(
        model: &'m Model,
        places: &'m Places<'a>,
        table: &'m NameTable<'a>,
        guesses: &'m Guesses,
        feeds: Vec<Defined>,
        groups: usize,
    ) -> Self {
        Self {
            model,
            places,
            table,
            guesses,
            selectors: OnceCell::new(),
            groups: vec![None; groups],
            feeds,
            primaries: FxHashMap::default(),
            values: Vec::new(),
            expressions: FxHashMap::default(),
            sets: Interner::default(),
        }
    }

    /// Says what a group stands for. Everything that it uses must be defined before, everything that uses it resolved after.
    pub(super) fn define_group(&mut self, group: usize, set: Defined) {
        if let Some(place) = self.groups.get_mut(group) {
            *place = set;
        }
    }

    /// The sets in the order of their ids.
    pub(super) fn into_sets(self) -> Vec<Arc<AddressSet>> {
        self.sets.into_list()
    }

    /// The addresses of an id.
    pub(super) fn set(&self, id: EndpointId) -> Arc<AddressSet> {
        self.sets.get(id.index()).cloned().unwrap_or_default()
    }

    /// The id of the empty set.
    pub(super) fn empty(&mut self) -> EndpointId {
        EndpointId::from_index(self.sets.intern(Arc::default()))
    }

    /// Resolves an expression; `None` if something in it is wrong, which is then reported.
    pub(super) fn resolve(&mut self, expression: &'a Endpoints, sink: &mut Sink) -> Option<EndpointId> {
        let mut key = Vec::with_capacity(2 * (expression.items.len() + expression.except.len()) + 1);
        let sound = self.key_of(&expression.items, &mut key, sink);
        if !expression.except.is_empty() {
            key.push(EXCEPT);
        }
        let id = (self.key_of(&expression.except, &mut key, sink) && sound).then(|| self.evaluate(key))?;
        if self.sets.get(id.index()).is_none_or(|set| set.is_empty()) {
            sink.push(
                Diagnostic::new(&names::EMPTY_EXPRESSION, expression.span, "this comes out empty")
                    .label("no address is left")
                    .help("remove it, or mend what `&` or `except` leaves"),
            );
        }
        Some(id)
    }

    /// Appends the numbers of primaries; `false` if one is wrong.
    fn key_of(&mut self, items: &'a [All], key: &mut Vec<usize>, sink: &mut Sink) -> bool {
        let mut sound = true;
        for item in items {
            for primary in &item.primaries {
                let at = self.primary(&primary.value);
                key.push(at);
                match self.values.get(at) {
                    Some((Value::Set(_), _)) => {}
                    Some((Value::Wrong(problem), _)) => {
                        sink.push(problem.at(place_of(primary)));
                        sound = false;
                    }
                    Some((Value::Silent, _)) | None => sound = false,
                }
            }
            key.push(NEXT_ITEM);
        }
        sound
    }

    fn evaluate(&mut self, key: Vec<usize>) -> EndpointId {
        if let [only, NEXT_ITEM] = key.as_slice() {
            return self.evaluate_single(*only);
        }
        if let Some(&id) = self.expressions.get(&key) {
            return id;
        }
        let mut sides = key.split(|&part| part == EXCEPT);
        let kept = self.union_of(sides.next().unwrap_or(&[]));
        let result = match sides.next() {
            Some(taken) => Arc::new(kept.difference(&self.union_of(taken))),
            None => kept,
        };
        let id = EndpointId::from_index(self.sets.intern(result));
        self.expressions.insert(key, id);
        id
    }

    fn evaluate_single(&mut self, at: usize) -> EndpointId {
        let Some((Value::Set(set), id)) = self.values.get_mut(at) else { return self.empty() };
        *id.get_or_insert_with(|| EndpointId::from_index(self.sets.intern(Arc::clone(set))))
    }

    fn union_of(&self, items: &[usize]) -> Arc<AddressSet> {
        let sets: Vec<Arc<AddressSet>> = items
            .split(|&part| part == NEXT_ITEM)
            .filter(|item| !item.is_empty())
            .map(|item| self.meet_of(item))
            .collect();
        match sets.as_slice() {
            [only] => Arc::clone(only),
            _ => Arc::new(AddressSet::union_all(sets.iter().map(|set| &**set))),
        }
    }

    fn meet_of(&self, primaries: &[usize]) -> Arc<AddressSet> {
        let sets = primaries.iter().filter_map(|&at| match self.values.get(at) {
            Some((Value::Set(set), _)) => Some(Arc::clone(set)),
            _ => None,
        });
        sets.reduce(|met, set| Arc::new(met.intersection(&set))).unwrap_or_default()
    }

    /// The number of a primary, resolving it if it is new.
    fn primary(&mut self, primary: &'a Primary) -> usize {
        let key = match primary {
            Primary::Any => Key::Any,
            Primary::Name(name) => Key::Name(name),
            Primary::Qualified { site, name } => Key::Qualified(&site.value, &name.value),
            Primary::Everywhere(name) => Key::Everywhere(&name.value),
            Primary::Attribute { key, value } => Key::Attribute(&key.value, &value.value),
            Primary::Address(range) => Key::Address(*range),
        };
        if let Some(&at) = self.primaries.get(&key) {
            return at;
        }
        let value = match key {
            Key::Any => Value::Set(Arc::clone(&self.model.known)),
            Key::Name(name) => self.named(name),
            Key::Qualified(site, name) => self.qualified(site, name),
            Key::Everywhere(name) => self.everywhere(name),
            Key::Attribute("tag", tag) => self.tagged(tag),
            Key::Attribute(key, value) => self.attributed(key, value),
            Key::Address(range) => self.literal(range),
        };
        let at = self.values.len();
        self.values.push((value, None));
        self.primaries.insert(key, at);
        at
    }

    fn selectors(&self) -> &Selectors<'a> {
        self.selectors.get_or_init(|| Selectors::build(self.places))
    }

    fn named(&self, name: &str) -> Value {
        let defined = |set: Option<&Defined>| match set {
            Some(Some(set)) => Value::Set(Arc::clone(set)),
            _ => Value::Silent,
        };
        match self.table.get(name) {
            None => Value::Wrong(self.unknown(name)),
            Some(Named::Site(id)) => known(self.model.sites.get(id.index()).map(|site| &site.addresses)),
            Some(Named::Group(at)) => defined(self.groups.get(at)),
            Some(Named::Feed(at)) => defined(self.feeds.get(at)),
            Some(Named::Device(id)) => self.device(id.index()),
            Some(Named::Transit(id)) => match self.model.transits.get(id.index()) {
                Some(transit) if !transit.internet => Value::Wrong(
                    Problem::new(
                        &names::TRANSIT_ENDPOINT,
                        format!("the transit `{name}` has no addresses of its own"),
                        "joins sites, holds nobody",
                    )
                    .also(transit.name.span, "not `internet: true`")
                    .help("name the sites or networks behind it"),
                ),
                _ => Value::Set(Arc::clone(&self.model.internet)),
            },
        }
    }

    fn device(&self, at: usize) -> Value {
        let Some(device) = self.model.devices.get(at) else { return Value::Silent };
        let reached = device.addresses.intersection(&self.model.known);
        if !reached.is_empty() {
            return Value::Set(Arc::new(reached));
        }
        let name = &device.name.value;
        let (message, help) = if device.addresses.is_empty() {
            (
                format!("the device `{name}` has no interface address"),
                "give an interface its address: `eth0: { network: site/network, address: ... }`",
            )
        } else {
            (
                format!("no interface address of the device `{name}` lies in a network"),
                "give an interface that is attached to a network its address",
            )
        };
        let problem = Problem::new(&names::DEVICE_ENDPOINT, message, "stands for its interface addresses");
        Value::Wrong(problem.also(device.name.span, "the device").help(help))
    }

    fn qualified(&self, site: &str, name: &str) -> Value {
        let Some(id) = self.places.site(site) else { return Value::Wrong(self.unknown_site(site, name)) };
        match self.places.inside(id, name) {
            Some(Inside::Network(id)) => known(self.model.networks.get(id.index()).map(|network| &network.addresses)),
            Some(Inside::Host(id)) => known(self.model.hosts.get(id.index()).map(|host| &host.addresses)),
            None => Value::Wrong(self.unknown_inside(site, id, name)),
        }
    }

    fn everywhere(&self, name: &str) -> Value {
        let found = self.selectors().called(name);
        if !found.is_empty() {
            return Value::Set(selectors::union(found, self.model));
        }
        let problem = Problem::new(
            &names::UNKNOWN_NAME,
            format!("no network or host of any site is called `{name}`"),
            "not found",
        );
        let close = self.guesses.closest(name, self.selectors().inner_names());
        Value::Wrong(self.similar(
            problem,
            close,
            |selectors, close| selectors.called(close),
            |close| format!("*/{close}"),
        ))
    }

    fn tagged(&self, tag: &str) -> Value {
        let found = self.selectors().tagged(tag);
        if !found.is_empty() {
            return Value::Set(selectors::union(found, self.model));
        }
        let message = format!("no site, network or host has the tag `{tag}`");
        let problem = Problem::new(&names::UNKNOWN_TAG, message, "selects nothing");
        let close = self.guesses.closest(tag, self.selectors().tag_names());
        Value::Wrong(self.similar(
            problem,
            close,
            |selectors, close| selectors.tagged(close),
            |close| format!("tag:{close}"),
        ))
    }

    fn attributed(&self, key: &str, value: &str) -> Value {
        let found = self.selectors().with(key, value);
        if !found.is_empty() {
            return Value::Set(selectors::union(found, self.model));
        }
        let new = |message: String| Problem::new(&names::UNKNOWN_ATTRIBUTE, message, "selects nothing");
        let Some(values) = self.selectors().values(key) else {
            let problem = new(format!("no site, network or host has an attribute `{key}`"));
            return Value::Wrong(match self.guesses.closest(key, self.selectors().keys()) {
                Some(close) => problem.help(format!("use `{close}:{value}`")),
                None if self.places.site(key).is_some() => {
                    problem.help(format!("a network or host is written `{key}/{value}`"))
                }
                None => problem,
            });
        };
        let problem = new(format!("no site, network or host has the {key} `{value}`"));
        let close = self.guesses.closest(value, values);
        Value::Wrong(self.similar(
            problem,
            close,
            |selectors, close| selectors.with(key, close),
            |close| format!("{key}:{close}"),
        ))
    }

    /// Adds what is similar to a problem: its place and what to type.
    fn similar<'s>(
        &'s self,
        problem: Problem,
        close: Option<&str>,
        places: impl Fn(&'s Selectors<'a>, &str) -> &'s [(selectors::Carrier, Span)],
        spelt: impl Fn(&str) -> String,
    ) -> Problem {
        let Some(close) = close else { return problem };
        let problem = problem.help(format!("use `{}`", spelt(close)));
        match places(self.selectors(), close).first() {
            Some((_, span)) => problem.also(*span, "this is similar"),
            None => problem,
        }
    }

    fn literal(&self, range: AddressRange) -> Value {
        let set = AddressSet::from(range).intersection(&self.model.known);
        if !set.is_empty() {
            return Value::Set(Arc::new(set));
        }
        let message = format!("no network of the inventory holds an address of {range}");
        let problem = Problem::new(&names::UNKNOWN_ADDRESS, message, "not known");
        let is_public = AddressSet::from(range).intersects(crate::model::public::public());
        Value::Wrong(problem.help(if is_public && self.model.internet.is_empty() {
            "add a transit with `internet: true` to the inventory, or a network that holds it"
        } else {
            "add a network that holds it to the inventory"
        }))
    }

    fn unknown(&self, name: &str) -> Problem {
        let message = format!("no site, transit, device, group or feed is called `{name}`");
        let problem = Problem::new(&names::UNKNOWN_NAME, message, "not found");
        if let [(carrier, span), ..] = self.selectors().called(name) {
            let full = selectors::full_name(*carrier, self.model);
            return problem.also(*span, format!("this is `{full}`")).help(format!("use `{full}`"));
        }
        let Some(close) = self.guesses.closest(name, self.table.names()) else { return problem };
        let problem = problem.help(format!("use `{close}`"));
        match self.table.described(close) {
            Some((kind, place)) => problem.also(place.span, format!("{kind} with a similar name")),
            None => problem,
        }
    }

    fn unknown_site(&self, site: &str, name: &str) -> Problem {
        let message = format!("no site, network or host is called `{site}/{name}`");
        let problem = Problem::new(&names::UNKNOWN_NAME, message, "no such site");
        if let Some((kind, place)) = self.table.described(site) {
            return problem.also(place.span, format!("`{site}` is {kind}, and only sites have networks and hosts"));
        }
        let Some(close) = self.guesses.closest(site, self.places.sites.iter().map(|site| site.name.value.as_str()))
        else {
            return problem;
        };
        let Some(id) = self.places.site(close) else { return problem };
        let problem = match self.places.sites.get(id.index()) {
            Some(place) => problem.also(place.name.span, "a site with a similar name"),
            None => problem,
        };
        let is_there = self.places.inside(id, name).is_some();
        if is_there { problem.help(format!("use `{close}/{name}`")) } else { problem }
    }

    fn unknown_inside(&self, site: &str, id: crate::model::types::SiteId, name: &str) -> Problem {
        let message = format!("no site, network or host is called `{site}/{name}`");
        let problem = Problem::new(&names::UNKNOWN_NAME, message, "not found");
        let networks = self.places.networks_of(id).iter().map(|network| (&network.name, "network"));
        let hosts = self.places.hosts_of(id).iter().map(|host| (&host.name, "host"));
        let all: Vec<(&Spanned<String>, &str)> = networks.chain(hosts).collect();
        let Some(close) = self.guesses.closest(name, all.iter().map(|(name, _)| name.value.as_str())) else {
            return problem;
        };
        let problem = problem.help(format!("use `{site}/{close}`"));
        match all.iter().find(|(name, _)| name.value == close) {
            Some((place, kind)) => problem.also(place.span, format!("a {kind} with a similar name")),
            None => problem,
        }
    }
}

fn known(set: Option<&Arc<AddressSet>>) -> Value {
    set.map_or(Value::Silent, |set| Value::Set(Arc::clone(set)))
}

fn place_of(primary: &Spanned<Primary>) -> Span {
    primary.span
}
