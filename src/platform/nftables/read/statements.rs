//! The statements of a file's rules, each kept once.
//!
//! Rules of one file say the same things over and over (`ip daddr @servers`, `accept`). A plain statement is found again by its text, so that it is read once, and
//! its meaning is looked for once (`super::lower`). What the grammar reads is not looked up: a variable in it may have another value by then.

use rustc_hash::FxHashMap;

use super::tree::{Does, Statement};

/// A place in [`Statements`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id(u32);

/// All statements of a file.
#[derive(Debug, Default)]
pub struct Statements<'t> {
    all: Vec<Kept<'t>>,
    plain: FxHashMap<&'t str, Id>,
}

#[derive(Debug)]
struct Kept<'t> {
    statement: Statement<'t>,
    again: bool,
}

impl<'t> Statements<'t> {
    /// The statement at a place.
    pub fn get(&self, id: Id) -> Option<&Statement<'t>> {
        self.all.get(usize::try_from(id.0).ok()?).map(|kept| &kept.statement)
    }

    /// Whether more than one rule says it.
    pub fn is_common(&self, id: Id) -> bool {
        usize::try_from(id.0).ok().and_then(|at| self.all.get(at)).is_some_and(|kept| kept.again)
    }

    /// Keeps the statements of a rule, without those that change nothing.
    pub fn keep(&mut self, statements: Vec<Statement<'t>>) -> Vec<Id> {
        let kept = statements.into_iter().filter(|statement| statement.does != Does::Nothing);
        kept.map(|statement| self.push(statement)).collect()
    }

    /// Keeps one.
    pub fn push(&mut self, statement: Statement<'t>) -> Id {
        let id = Id(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(Kept { statement, again: false });
        id
    }

    /// The plain statement of a text, read if it is new; `None` if `read` does not understand it.
    pub fn plain(&mut self, text: &'t str, read: impl FnOnce() -> Option<Statement<'t>>) -> Option<Id> {
        if let Some(id) = self.plain.get(text).copied() {
            if let Some(kept) = usize::try_from(id.0).ok().and_then(|at| self.all.get_mut(at)) {
                kept.again = true;
            }
            return Some(id);
        }
        let id = self.push(read()?);
        self.plain.insert(text, id);
        Some(id)
    }
}
