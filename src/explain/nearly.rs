//! The rules that nearly decide a flow otherwise.
//!
//! For a dropped flow: the allows that cover it and are beaten; where there is none, those that would cover it if one thing were different (date, service, source,
//! destination), then two. Among these the nearer comes first: an address of the same network, then of the same site; a destination counts more than a source.
//! For an unenforced flow: the rules that cover it and have no effect. A passing flow needs none: [`super::notes`] says what carries it.
//! Absent on purpose: combinations of several rules.

use std::net::IpAddr;

use jiff::civil::Date;

use super::Reason;
use super::words::Words;
use crate::model::{EndpointId, Location, Model, Product, Rule, RuleId};
use crate::packet::{AddressSet, Flow, ServiceSet};
use crate::reach::{Judgement, Verdict};
use crate::syntax::ast::Effect;

/// Rules that are shown at most.
const MOST: usize = 5;
/// Rules that differ in two things are shown while there are fewer rules than this.
const ENOUGH: usize = 3;

/// What of a rule would have to be different for it to cover a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Differs {
    /// The day: the rule is not in force.
    Date,
    /// The service.
    Service,
    /// The source.
    Source,
    /// The destination.
    Destination,
}

impl Differs {
    /// As programs see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Service => "service",
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}

/// A rule or quarantine that nearly decides a flow, and what keeps it from that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearly {
    /// The rule and where it stands.
    pub rule: Reason,
    /// What would have to be different; empty if it covers the flow.
    pub differs: Vec<Differs>,
    /// Why it does not decide, without its name: `covers https ..., not tcp/8443`.
    pub said: String,
}

/// An allow, by the product of it that comes nearest.
pub(super) struct Candidate<'m> {
    pub id: RuleId,
    pub rule: &'m Rule,
    pub product: Product,
    pub differs: Vec<Differs>,
    distance: usize,
}

/// The question: a flow on a day.
pub(super) struct Near<'m> {
    pub model: &'m Model,
    pub at: Date,
    pub flow: Flow,
}

impl<'m> Near<'m> {
    /// The rules that nearly decide, the nearest first. `reason` says where a rule stands.
    pub(super) fn find(&self, judgement: &Judgement, reason: &dyn Fn(&Rule) -> Reason) -> Vec<Nearly> {
        match judgement.verdict {
            Verdict::Drop => self.beaten_and_near(judgement, reason),
            Verdict::Unenforced => self.without_effect(reason),
            Verdict::Pass | Verdict::Unroutable => Vec::new(),
        }
    }

    fn beaten_and_near(&self, judgement: &Judgement, reason: &dyn Fn(&Rule) -> Reason) -> Vec<Nearly> {
        let mut found: Vec<Candidate<'m>> = (0..)
            .zip(&self.model.rules)
            .filter(|(_, rule)| rule.effect == Effect::Allow)
            .filter_map(|(id, rule)| self.candidate(RuleId(id), rule))
            .collect();
        found.sort_by(|a, b| {
            let rank = |one: &Candidate<'_>| (one.differs.len(), one.distance, one.differs.clone(), one.id);
            rank(a).cmp(&rank(b))
        });
        let up_to = |count: usize| found.partition_point(|candidate| candidate.differs.len() <= count);
        // Where an allow is beaten, what others lack is beside the point.
        found.truncate(match up_to(0) {
            0 => up_to(1).clamp(ENOUGH, MOST),
            beaten => beaten.min(MOST),
        });
        if found.is_empty() {
            return Vec::new();
        }
        let words = Words::new(self, judgement);
        let nearly = |one: Candidate<'m>| Nearly { rule: reason(one.rule), said: words.of(&one), differs: one.differs };
        found.into_iter().map(nearly).collect()
    }

    /// The nearest product of a rule; `None` if none is near.
    fn candidate(&self, id: RuleId, rule: &'m Rule) -> Option<Candidate<'m>> {
        let nearest = rule.products.iter().filter_map(|product| self.measure(rule, product));
        let (differs, distance, product) =
            nearest.min_by(|a, b| (a.0.len(), a.1, &a.0).cmp(&(b.0.len(), b.1, &b.0)))?;
        Some(Candidate { id, rule, product, differs, distance })
    }

    fn measure(&self, rule: &Rule, product: &Product) -> Option<(Vec<Differs>, usize, Product)> {
        let from = self.model.endpoint(product.source).contains(self.flow.source);
        let to = self.model.endpoint(product.destination).contains(self.flow.destination);
        let on = self.model.service(product.services).contains(self.flow.service);
        let tests = [
            (rule.period.contains(self.at), Differs::Date),
            (on, Differs::Service),
            (from, Differs::Source),
            (to, Differs::Destination),
        ];
        let differs: Vec<Differs> = tests.into_iter().filter(|(same, _)| !same).map(|(_, what)| what).collect();
        if differs.len() > 2 || rule.period.is_never() {
            return None;
        }
        let off = |same: bool, set: EndpointId, address| {
            if same { 0 } else { self.off(self.model.endpoint(set), address) }
        };
        let (source, destination) =
            (off(from, product.source, self.flow.source), off(to, product.destination, self.flow.destination));
        // What a neighbour may do here is worth knowing; what the source may do elsewhere is not, nor what anybody may do here.
        if differs.len() == 2 && (!to || source > 1) {
            return None;
        }
        let protocol = ServiceSet::protocol(self.flow.service.protocol);
        let services = usize::from(!on && !self.model.service(product.services).intersects(&protocol));
        Some((differs, source + 2 * destination + services, *product))
    }

    /// How far the nearest member of a set is from an address: 0 the same network, 1 the same site, 2 elsewhere.
    fn off(&self, set: &AddressSet, address: IpAddr) -> usize {
        let network = match self.model.located.of(address) {
            Some(Location::Network(network)) => self.model.networks.get(network.index()),
            Some(Location::Internet) => return if set.intersects(&self.model.internet) { 0 } else { 2 },
            None => None,
        };
        let Some(network) = network else { return 2 };
        let site = self.model.sites.get(network.site.index());
        if set.intersects(&network.addresses) {
            0
        } else if site.is_some_and(|site| set.intersects(&site.addresses)) {
            1
        } else {
            2
        }
    }

    /// The rules that cover a flow which no firewall sees.
    fn without_effect(&self, reason: &dyn Fn(&Rule) -> Reason) -> Vec<Nearly> {
        let covers = |rule: &&Rule| {
            rule.period.contains(self.at)
                && rule.products.iter().any(|product| {
                    self.model.endpoint(product.source).contains(self.flow.source)
                        && self.model.endpoint(product.destination).contains(self.flow.destination)
                        && self.model.service(product.services).contains(self.flow.service)
                })
        };
        let mut found: Vec<&Rule> = self.model.rules.iter().filter(covers).collect();
        // A denial without effect is what one must know first.
        found.sort_by_key(|rule| rule.effect == Effect::Allow);
        let said = |rule: &Rule| match rule.effect {
            Effect::Allow => "allows it, and has no effect: it needs no rule".to_owned(),
            Effect::Deny => "denies it, and has no effect: no firewall stands between to drop it".to_owned(),
        };
        let nearly = |rule: &Rule| Nearly { rule: reason(rule), differs: Vec::new(), said: said(rule) };
        found.into_iter().take(MOST).map(nearly).collect()
    }
}
