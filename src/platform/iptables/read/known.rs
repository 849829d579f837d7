//! Values that were read before in the same file: rules ask for the same addresses and ports over and over.
//!
//! What is found again is shared, not copied, so that whoever judges the rules can tell by its place that it is the same.

use std::cell::RefCell;
use std::sync::Arc;

use foldhash::HashMap;
use rustc_hash::FxHashMap;

use super::options::Meaning;
use super::{names, values};
use crate::packet::{AddressSet, Family, Protocol, ServiceSet};

type ByText<T> = HashMap<Box<str>, Arc<T>>;

/// Values by their texts, of one file.
#[derive(Default)]
pub struct Known {
    addresses: RefCell<ByText<AddressSet>>,
    protocols: RefCell<ByText<ServiceSet>>,
    ports: RefCell<FxHashMap<(Meaning, Protocol), ByText<ServiceSet>>>,
    both: RefCell<FxHashMap<(*const ServiceSet, *const ServiceSet), Both>>,
}

/// Two sets, kept lest others come to lie at their places, and what is in both.
struct Both {
    _of: [Arc<ServiceSet>; 2],
    common: Arc<ServiceSet>,
}

impl Known {
    /// See [`values::addresses`]; all texts are of one family.
    pub fn addresses(&self, family: Family, text: &str) -> Option<Arc<AddressSet>> {
        or_read(&mut self.addresses.borrow_mut(), text, || values::addresses(family, text))
    }

    /// All of a protocol.
    pub fn protocol(&self, text: &str) -> Option<Arc<ServiceSet>> {
        or_read(&mut self.protocols.borrow_mut(), text, || Some(ServiceSet::protocol(names::protocol(text)?)))
    }

    /// What `--sports`, `--dports` or `--ports` ask of a protocol that has ports.
    pub fn ports(&self, meaning: Meaning, protocol: Protocol, text: &str) -> Option<Arc<ServiceSet>> {
        let mut all = self.ports.borrow_mut();
        or_read(all.entry((meaning, protocol)).or_default(), text, || {
            let ports = values::ports(text, ':')?;
            Some(match meaning {
                Meaning::SourcePorts => values::from_ports(protocol, &ports),
                Meaning::DestinationPorts => values::to_ports(protocol, &ports),
                _ => values::from_ports(protocol, &ports).union(&values::to_ports(protocol, &ports)),
            })
        })
    }

    /// The services in both of two sets.
    pub fn both(&self, one: &Arc<ServiceSet>, other: &Arc<ServiceSet>) -> Arc<ServiceSet> {
        let mut all = self.both.borrow_mut();
        let found = all
            .entry((Arc::as_ptr(one), Arc::as_ptr(other)))
            .or_insert_with(|| Both { _of: [one.clone(), other.clone()], common: one.intersection(other).into() });
        found.common.clone()
    }
}

fn or_read<T>(known: &mut ByText<T>, text: &str, read: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
    if let Some(known) = known.get(text) {
        return Some(known.clone());
    }
    let new = Arc::new(read()?);
    known.insert(text.into(), new.clone());
    Some(new)
}
