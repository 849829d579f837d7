//! Expressions from outside the project, such as command line arguments, with the names of the project.
//!
//! The project was resolved before, so only its name space is built again: groups are taken from the model, feeds are read once more. What is wrong with the project's own
//! files was said then and is not said again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::endpoints::EndpointResolver;
use super::problem::Guesses;
use super::selectors::{self, Selectors};
use super::{Input, feeds, names, places};
use crate::diag::Sink;
use crate::inventory::Inventory;
use crate::model::types::Model;
use crate::packet::AddressSet;
use crate::syntax::ast::Endpoints;

/// Resolves endpoint expressions against a model that was resolved from the same input, one answer each.
///
/// `None` if something in an expression is wrong, which is then in `sink`. One that comes out empty is the empty set, with a warning.
#[must_use]
pub fn resolve_endpoints<'a>(
    input: Input<'a>,
    model: &Model,
    expressions: &[&'a Endpoints],
    sink: &mut Sink,
) -> Vec<Option<Arc<AddressSet>>> {
    let (guesses, mut said) = (Guesses::default(), Sink::default());
    let places = places::collect(input.inventory, &mut Model::default(), &mut said);
    let (table, definitions) = names::enter(&places, input.inventory, input.files, model, &mut said);
    let read = |feed: &&_| feeds::read(feed, input.sources, input.feeds, model, &mut said);
    let feeds = definitions.feeds.iter().map(read).collect();
    let count = definitions.groups.len();
    let mut resolver = EndpointResolver::new(model, &places, &table, &guesses, feeds, count);
    for (number, group) in definitions.groups.iter().enumerate() {
        let known = model.groups.binary_search_by(|(name, _)| name.as_str().cmp(&group.name.value)).ok();
        resolver.define_group(number, known.and_then(|at| model.groups.get(at)).map(|(_, set)| set.clone()));
    }
    let mut answer = |expression| resolver.resolve(expression, sink).map(|id| resolver.set(id));
    expressions.iter().map(|expression| answer(*expression)).collect()
}

/// The addresses of each value of an attribute, `tag` for the tags, by value. A host or network that carries several is in several.
///
/// # Errors
///
/// Nothing has such an attribute; a similar key, if there is one.
pub fn attribute_values(
    inventory: &Inventory,
    model: &Model,
    key: &str,
) -> Result<BTreeMap<String, Arc<AddressSet>>, Option<String>> {
    let places = places::collect(inventory, &mut Model::default(), &mut Sink::default());
    let selectors = Selectors::build(&places);
    let of = |value: &str| {
        let carriers = if key == "tag" { selectors.tagged(value) } else { selectors.with(key, value) };
        (value.to_owned(), selectors::union(carriers, model))
    };
    let values: BTreeMap<_, _> = match selectors.values(key) {
        Some(values) if key != "tag" => values.map(of).collect(),
        _ if key == "tag" => selectors.tag_names().map(of).collect(),
        _ => BTreeMap::new(),
    };
    if values.is_empty() {
        return Err(crate::diag::closest(key, selectors.keys().chain(["tag"])).map(str::to_owned));
    }
    Ok(values)
}
