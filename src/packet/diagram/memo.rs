//! What was computed before: a table that forgets.
//!
//! Each pair of operands has one place; a newer answer takes it from an older one. That costs a repeated step now and then and
//! saves every chain, every deletion and most of the memory of a map.

/// The key of an answer: which operation (never 0), of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Key {
    /// The operation; 0 marks an empty place.
    pub operation: u32,
    /// The left operand.
    pub left: u32,
    /// The right operand.
    pub right: u32,
}

/// The table. Its size is a power of two.
#[derive(Debug, Clone)]
pub struct Memo {
    entries: Vec<(Key, u32)>,
}

const SMALLEST: usize = 1 << 8;
const LARGEST: usize = 1 << 21;

impl Memo {
    /// A small, empty table.
    pub fn new() -> Self {
        Self { entries: vec![(Key::default(), 0); SMALLEST] }
    }

    /// Forgets everything, and gives the memory back.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The answer, if it is still known.
    pub fn get(&self, key: Key) -> Option<u32> {
        self.entries.get(self.place(key)).filter(|(known, _)| *known == key).map(|(_, answer)| *answer)
    }

    /// Notes an answer.
    pub fn put(&mut self, key: Key, answer: u32) {
        let place = self.place(key);
        if let Some(entry) = self.entries.get_mut(place) {
            *entry = (key, answer);
        }
    }

    /// Grows to about as many places as there are nodes, up to a bound (2 million places, 32 MiB).
    pub fn fit(&mut self, nodes: usize) {
        if nodes <= self.entries.len() || self.entries.len() >= LARGEST {
            return;
        }
        let larger = vec![(Key::default(), 0); (nodes * 2).next_power_of_two().min(LARGEST)];
        for (key, answer) in std::mem::replace(&mut self.entries, larger) {
            if key.operation != 0 {
                self.put(key, answer);
            }
        }
    }

    fn place(&self, key: Key) -> usize {
        let mixed = (u64::from(key.left) << 32 | u64::from(key.right)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 29) ^ u64::from(key.operation)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from(mixed >> 32).unwrap_or(0) & (self.entries.len() - 1)
    }
}
