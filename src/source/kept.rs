//! What was made once and may be asked for again, for several threads.
//!
//! A history reads thousands of versions of one project, each nearly the same as the one before. Keeping everything would hold them all in memory; so [`Kept::forget`] lets go of what was
//! not asked for since the last time, and whoever walks a history calls it now and then.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxBuildHasher;

/// Values by their keys.
#[derive(Debug)]
pub struct Kept<K, V> {
    inner: Mutex<Inner<K, V>>,
}

#[derive(Debug)]
struct Inner<K, V> {
    values: HashMap<K, (V, u64), FxBuildHasher>,
    round: u64,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { inner: Mutex::new(Inner { values: HashMap::default(), round: 0 }) }
    }
}

impl<K: Hash + Eq, V: Clone> Kept<K, V> {
    /// The value of a key, if it was made before.
    pub fn get(&self, key: &K) -> Option<V> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let round = inner.round;
        inner.values.get_mut(key).map(|(value, used)| {
            *used = round;
            value.clone()
        })
    }

    /// Keeps a value.
    pub fn keep(&self, key: K, value: V) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let round = inner.round;
        inner.values.insert(key, (value, round));
    }

    /// The value of a key, made now if it is not there. Two threads may both make it; the value of one of them is kept.
    pub fn get_or(&self, key: K, make: impl FnOnce() -> V) -> V {
        if let Some(known) = self.get(&key) {
            return known;
        }
        let value = make();
        self.keep(key, value.clone());
        value
    }

    /// Lets go of what was not asked for since the last call.
    pub fn forget(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let round = inner.round;
        inner.values.retain(|_, (_, used)| *used == round);
        inner.round += 1;
    }
}
