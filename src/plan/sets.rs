//! Equal sets of one device are one `Arc`.
//!
//! A device sees the same few sets again and again: those of the policy as they stand, and its own cuts of them. The former are hashed once for all devices; so a
//! look-up costs the same whether a set has one range or ten thousand.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::packet::AddressSet;

/// The hashes of sets that live as long as the placement, by where they are.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    known: FxHashMap<usize, Kept>,
}

#[derive(Debug)]
struct Kept {
    hash: u64,
    /// Keeps the place from being used for another set.
    _set: Arc<AddressSet>,
}

impl Hashes {
    /// Remembers the hash of a set, and the set.
    pub(super) fn keep(&mut self, set: &Arc<AddressSet>) {
        let kept = || Kept { hash: hash(set), _set: set.clone() };
        self.known.entry(place(set)).or_insert_with(kept);
    }
}

fn place(set: &Arc<AddressSet>) -> usize {
    Arc::as_ptr(set).addr()
}

fn hash(set: &AddressSet) -> u64 {
    FxBuildHasher.hash_one(set)
}

/// The sets of one device.
pub(super) struct SetTable<'h> {
    hashes: &'h Hashes,
    /// What was seen, by where it is: sets that live at least as long as the table.
    by_place: FxHashMap<usize, Arc<AddressSet>>,
    known: FxHashSet<Hashed>,
}

/// A set with its hash.
struct Hashed {
    hash: u64,
    set: Arc<AddressSet>,
}

impl Hash for Hashed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialEq for Hashed {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && (Arc::ptr_eq(&self.set, &other.set) || self.set == other.set)
    }
}

impl Eq for Hashed {}

impl<'h> SetTable<'h> {
    /// An empty table.
    pub(super) fn new(hashes: &'h Hashes) -> Self {
        Self { hashes, by_place: FxHashMap::default(), known: FxHashSet::default() }
    }

    /// The one `Arc` of a set.
    pub(super) fn share(&mut self, set: Arc<AddressSet>) -> Arc<AddressSet> {
        if let Some(known) = self.by_place.get(&place(&set)) {
            return known.clone();
        }
        let kept = self.hashes.known.get(&place(&set));
        let hashed = Hashed { hash: kept.map_or_else(|| hash(&set), |kept| kept.hash), set };
        if let Some(known) = self.known.get(&hashed) {
            if kept.is_some() {
                self.by_place.insert(place(&hashed.set), known.set.clone());
            }
            return known.set.clone();
        }
        let set = hashed.set.clone();
        self.by_place.insert(place(&set), set.clone());
        self.known.insert(hashed);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{AddressRange, Interval};

    fn set(first: u32) -> Arc<AddressSet> {
        Arc::new(AddressRange::V4(Interval::new(first, first + 1)).into())
    }

    #[test]
    fn equal_sets_are_one() {
        let (global, mut hashes) = (set(7), Hashes::default());
        hashes.keep(&global);
        let mut table = SetTable::new(&hashes);
        let first = table.share(set(7));
        assert!(Arc::ptr_eq(&first, &table.share(global.clone())));
        assert!(Arc::ptr_eq(&first, &table.share(global)));
        assert!(Arc::ptr_eq(&first, &table.share(set(7))));
        assert!(!Arc::ptr_eq(&first, &table.share(set(8))));
    }
}
