//! Definitions: `service`, `group`, `feed`.

use pest::iterators::Pair;

use super::{Context, endpoint, service as services, text};
use crate::diag::Diagnostic;
use crate::diag::codes::syntax;
use crate::packet::Protocol;
use crate::syntax::ast::{Feed, Group, Name, ServiceDefinition};
use crate::syntax::grammar::Rule;

/// `service NAME = services`
pub(super) fn service(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<ServiceDefinition> {
    let span = context.span(&pair);
    let (name, body) = parts(context, pair)?;
    let services = services::services(context, body);
    if Protocol::by_name(&name.value).is_some() || name.value == "protocol" {
        let message = format!("`{}` is a protocol and cannot be the name of a service", name.value);
        let error = Diagnostic::new(&syntax::KEYWORD_AS_NAME, name.span, message);
        context.report(error.label("after `on` this always means the protocol").help("choose another name"));
        return None;
    }
    Some(ServiceDefinition { name, services: services?, span })
}

/// `group NAME = endpoints`
pub(super) fn group(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Group> {
    let span = context.span(&pair);
    let (name, body) = parts(context, pair)?;
    Some(Group { name, endpoints: endpoint::endpoints(context, body)?, span })
}

/// `feed NAME = "file"`
pub(super) fn feed(context: &mut Context<'_>, pair: Pair<'_, Rule>) -> Option<Feed> {
    let span = context.span(&pair);
    let (name, body) = parts(context, pair)?;
    Some(Feed { name, path: text::word(context, &body), span })
}

fn parts<'i>(context: &Context<'_>, pair: Pair<'i, Rule>) -> Option<(Name, Pair<'i, Rule>)> {
    let mut inner = pair.into_inner();
    let name = inner.find(|part| part.as_rule() == Rule::name)?;
    Some((context.name(&name), inner.last()?))
}
