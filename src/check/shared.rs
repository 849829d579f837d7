//! Hosts that share addresses.

use std::collections::BTreeSet;

use super::{Context, Lint};
use crate::diag::codes::names::HOSTS_SHARE;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{HostId, Model};
use crate::packet::AddressRange;

/// Finds hosts with common addresses: a rule for one of them then is a rule for the other.
///
/// Each host is held against the one before it that reaches farthest, not against all others: so each host that shares is named at least once, in n log n.
pub(super) struct SharedAddresses;

impl Lint for SharedAddresses {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&HOSTS_SHARE] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let model = context.model;
        let mut all: Vec<(AddressRange, HostId)> = Vec::with_capacity(model.hosts.len());
        for (at, host) in model.hosts.iter().enumerate() {
            all.extend(host.addresses.ranges().map(|range| (range, HostId::from_index(at))));
        }
        all.sort_unstable();
        let mut seen = BTreeSet::new();
        let mut farthest: Option<(AddressRange, HostId)> = None;
        for (range, host) in all {
            if let Some((before, other)) = farthest.filter(|(before, _)| before.last() >= range.first())
                && other != host
                && seen.insert((other.min(host), other.max(host)))
            {
                let common = AddressRange::between(range.first(), before.last().min(range.last()));
                if let Some(found) = report(model, other, host, common.unwrap_or(range)) {
                    sink.push(found);
                }
            }
            if farthest.is_none_or(|(before, _)| before.last() < range.last()) {
                farthest = Some((range, host));
            }
        }
    }
}

fn report(model: &Model, a: HostId, b: HostId, common: AddressRange) -> Option<Diagnostic> {
    let (a, b) = (model.hosts.get(a.index())?, model.hosts.get(b.index())?);
    let message = format!("`{}` and `{}` share {common}", a.full_name, b.full_name);
    let found = Diagnostic::new(&HOSTS_SHARE, b.name.span, message)
        .label("a rule for one is a rule for the other there")
        .also(a.name.span, "the other host")
        .help("give each its own addresses, or make them one host");
    Some(found)
}
