//! The statements of a file's rules, each kept once.
//!
//! Rules say the same things over and over (`ip daddr @servers`, `accept`). A plain statement is found again by its text, so that it is read once, and
//! its meaning is looked for once (`super::lower`): in one file if it names a set of it, else in all that one reader reads (`super::memory`), as are the ends of rules. What the grammar reads is not looked
//! up: a variable in it may have another value by then.

use foldhash::HashMap;
use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::memory::{Memory, Piece, is_the_same_everywhere};
use super::tree::{Does, Statement};

/// A place in [`Statements`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Id {
    /// Of this file alone.
    Own(u32),
    /// Of what is remembered from file to file.
    Remembered(u32),
}

/// The pieces of a rule, in order: few.
pub type Ids = SmallVec<[Id; 4]>;

/// How many bytes of a file there are for each statement of its own, about.
const BYTES_EACH: usize = 256;

/// No more room than for this is made before it is known to be needed.
const MOST_LIKELY: usize = 4096;

/// All statements of a file.
#[derive(Debug, Default)]
pub struct Statements<'t> {
    /// What was read before, in this file or another.
    pub memory: Memory,
    own: Vec<Kept<'t>>,
    places: HashMap<&'t str, u32>,
}

#[derive(Debug)]
struct Kept<'t> {
    statement: Statement<'t>,
    again: bool,
}

impl<'t> Statements<'t> {
    /// No statement yet; of a text of so many bytes.
    pub fn new(memory: Memory, bytes: usize) -> Self {
        let likely = (bytes / BYTES_EACH).min(MOST_LIKELY);
        let places = HashMap::with_capacity_and_hasher(likely, RandomState::default());
        Self { memory, own: Vec::with_capacity(likely), places }
    }

    /// What a piece of a rule says.
    pub fn said(&self, id: Id) -> &[Statement<'t>] {
        match id {
            Id::Own(at) => {
                let own = usize::try_from(at).ok().and_then(|at| self.own.get(at));
                own.map(|kept| std::slice::from_ref(&kept.statement)).unwrap_or_default()
            }
            Id::Remembered(_) => self.remembered(id).map(|piece| piece.statements.as_slice()).unwrap_or_default(),
        }
    }

    /// What is remembered of it from file to file.
    pub fn remembered(&self, id: Id) -> Option<&Piece> {
        match id {
            Id::Own(_) => None,
            Id::Remembered(at) => self.memory.get(at),
        }
    }

    /// Whether more than one rule of this file says it, of what is of this file alone.
    pub fn is_common(&self, id: Id) -> bool {
        let Id::Own(at) = id else { return false };
        usize::try_from(at).ok().and_then(|at| self.own.get(at)).is_some_and(|kept| kept.again)
    }

    /// The remembered piece of a text: of several statements, such as the end of a rule.
    pub fn piece(&self, text: &str) -> Option<Id> {
        self.memory.find(text).map(Id::Remembered)
    }

    /// Remembers the statements that a text was found to say, if it should be.
    pub fn keep_piece(&mut self, text: &str, ids: &[Id]) {
        // One alone was remembered as it was read.
        if ids.len() > 1 && is_the_same_everywhere(self.all_said(ids)) && self.memory.wants(text) {
            let said = self.all_said(ids).map(|statement| statement.clone().into_owned()).collect();
            self.memory.keep(text, said);
        }
    }

    fn all_said(&self, ids: &[Id]) -> impl Iterator<Item = &Statement<'t>> {
        ids.iter().flat_map(|id| self.said(*id))
    }

    /// Keeps the statements of a rule, without those that change nothing.
    pub fn keep(&mut self, statements: Vec<Statement<'t>>) -> Ids {
        let kept = statements.into_iter().filter(|statement| statement.does != Does::Nothing);
        kept.map(|statement| self.push(statement)).collect()
    }

    /// Keeps one.
    pub fn push(&mut self, statement: Statement<'t>) -> Id {
        let at = u32::try_from(self.own.len()).unwrap_or(u32::MAX);
        self.own.push(Kept { statement, again: false });
        Id::Own(at)
    }

    /// The plain statement of a text that names no set, read if it is new; `None` if `read` does not understand it.
    pub fn plain(&mut self, text: &'t str, read: impl FnOnce() -> Option<Statement<'t>>) -> Option<Id> {
        if let Some(at) = self.memory.find(text) {
            return Some(Id::Remembered(at));
        }
        if let Some(own) = self.again(text) {
            return Some(own);
        }
        let statement = read()?;
        if is_the_same_everywhere(std::iter::once(&statement))
            && self.memory.wants(text)
            && let Some(at) = self.memory.keep(text, vec![statement.clone().into_owned()])
        {
            return Some(Id::Remembered(at));
        }
        Some(self.push_plain(text, statement))
    }

    /// The plain statement of a text that means something in this file alone.
    pub fn of_file(&mut self, text: &'t str, read: impl FnOnce() -> Option<Statement<'t>>) -> Option<Id> {
        match self.again(text) {
            Some(own) => Some(own),
            None => Some(self.push_plain(text, read()?)),
        }
    }

    /// The statement of a text that this file has said before.
    fn again(&mut self, text: &str) -> Option<Id> {
        let at = *self.places.get(text)?;
        self.own.get_mut(usize::try_from(at).ok()?)?.again = true;
        Some(Id::Own(at))
    }

    fn push_plain(&mut self, text: &'t str, statement: Statement<'t>) -> Id {
        let id = self.push(statement);
        if let Id::Own(at) = id {
            self.places.insert(text, at);
        }
        id
    }
}
