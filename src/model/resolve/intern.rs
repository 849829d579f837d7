//! Equal sets get equal ids.

use std::hash::Hash;
use std::sync::Arc;

use foldhash::HashMap;

/// A list of values, each once.
#[derive(Debug)]
pub(super) struct Interner<T> {
    ids: HashMap<Arc<T>, usize>,
    list: Vec<Arc<T>>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { ids: HashMap::default(), list: Vec::new() }
    }
}

impl<T: Eq + Hash> Interner<T> {
    /// The place of a value in the list.
    pub(super) fn intern(&mut self, value: Arc<T>) -> usize {
        if let Some(&id) = self.ids.get(&value) {
            return id;
        }
        let id = self.list.len();
        self.list.push(Arc::clone(&value));
        self.ids.insert(value, id);
        id
    }

    /// The value at a place.
    pub(super) fn get(&self, id: usize) -> Option<&Arc<T>> {
        self.list.get(id)
    }

    /// The list.
    pub(super) fn into_list(self) -> Vec<Arc<T>> {
        self.list
    }
}
