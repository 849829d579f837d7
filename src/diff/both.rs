//! Something of both sides of a comparison.

/// A side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// The old one.
    Before,
    /// The new one.
    After,
}

impl Which {
    /// The other side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Before => Self::After,
            Self::After => Self::Before,
        }
    }
}

/// The same thing of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Both<T> {
    /// Of the old side.
    pub before: T,
    /// Of the new side.
    pub after: T,
}

impl<T> Both<T> {
    /// What a side has.
    pub fn of(&self, which: Which) -> &T {
        match which {
            Which::Before => &self.before,
            Which::After => &self.after,
        }
    }

    /// What a side has, to be changed.
    pub fn of_mut(&mut self, which: Which) -> &mut T {
        match which {
            Which::Before => &mut self.before,
            Which::After => &mut self.after,
        }
    }

    /// Something else made of each.
    pub fn map<U>(self, mut make: impl FnMut(T) -> U) -> Both<U> {
        Both { before: make(self.before), after: make(self.after) }
    }

    /// References to both.
    pub fn as_ref(&self) -> Both<&T> {
        Both { before: &self.before, after: &self.after }
    }
}
