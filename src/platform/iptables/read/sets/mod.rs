//! Sets of `ipset save`: which packets are in one.
//!
//! `dump` reads the lines, `entry` one entry, `meaning` makes conditions of them.
//!
//! What makes a set unknown as a whole: entries that time out (who knows what is in it by now), a rule that adds or deletes entries (`-j SET`), types of
//! more than addresses and ports (MAC addresses, interfaces, marks), options that are not in ipset(8) as read here.

mod dump;
mod entry;
mod meaning;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::listing::{Condition, Noticed};
use crate::packet::Family;
use entry::{Entry, Kind};

pub use meaning::Why;

/// The sets of a dump, by name.
#[derive(Debug, Clone, Default)]
pub struct Sets {
    sets: BTreeMap<String, Set>,
    /// What was asked before: many rules ask the same of one large set.
    asked: RefCell<BTreeMap<(Family, String, String), Answer>>,
}

/// What a rule asks of a set, or why that is not known.
type Answer = Result<Vec<Condition>, Why>;

/// One of them.
#[derive(Debug, Clone)]
struct Set {
    /// What each part of an entry is.
    kinds: Vec<Kind>,
    /// Of its addresses.
    family: Family,
    /// Addresses are widened to this prefix length before they are looked up.
    netmask: Option<u8>,
    /// Whether what is in it can be said.
    understood: bool,
    /// In the order of the dump.
    entries: Vec<Entry>,
}

impl Sets {
    /// Reads a dump; `changed` are the sets that rules write to.
    pub fn read(text: &str, changed: &BTreeSet<String>, noticed: &mut Vec<Noticed>) -> Self {
        dump::read(text, changed, noticed)
    }
}
