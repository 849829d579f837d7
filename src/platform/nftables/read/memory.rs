//! What a reader remembers from file to file: pieces of rules and sets of addresses by their text, and what they mean.
//!
//! The firewalls of one network say the same things: ten thousand branches name the same servers, and a rule that is on a thousand of them ends in the same words. What a text means by
//! itself, whatever sets, chains and variables its file has, is found once for all files. It changes no meaning, whichever files were read before: tests read many by one
//! reader and want what a new one reads.
//!
//! A reader may doubt that it grows without end: long texts are not remembered, nor what is met once, and nothing is once it is full. Absent on purpose: whatever
//! names a set or a chain.

use std::cell::OnceCell;
use std::hash::BuildHasher as _;
use std::ops::Range;

use foldhash::HashMap;
use rustc_hash::FxBuildHasher;

use super::addresses::Addresses;
use super::parse::is_on_one_line;
use super::tree::{Does, Expr, Statement, Verdict};
use crate::listing::{Action, Condition};

/// The longest piece that is remembered, in bytes: what it means may take fifty times as much.
const LONGEST: usize = 512;

/// The longest set of addresses that is remembered, in bytes: what it means takes about as much.
const LONGEST_SET: usize = 4 << 10;

/// How much text is remembered, in bytes.
const LARGEST: usize = 4 << 20;

/// What was read before.
#[derive(Debug, Default)]
pub struct Memory {
    pieces: Vec<Piece>,
    places: HashMap<Box<str>, u32>,
    sets: HashMap<Box<str>, Block>,
    /// Of each text that was met once, a part of its hash at the place that the rest of it says. Texts that are met no more take no room.
    met: Vec<u16>,
    bytes: usize,
}

/// The block of a set of addresses, from behind its opening brace to behind its closing one.
#[derive(Debug, Clone)]
pub struct Block {
    /// What the set holds.
    pub addresses: Addresses,
    /// Where the list of them stands in the text.
    pub list: Range<usize>,
    /// How many lines end in it.
    pub lines: usize,
}

/// Statements of a rule, one after another, and what they were found to mean.
#[derive(Debug)]
pub struct Piece {
    /// What it says.
    pub statements: Vec<Statement<'static>>,
    /// What that means, once it was looked for.
    pub meaning: OnceCell<Meaning>,
}

/// What statements mean.
#[derive(Debug)]
pub struct Meaning {
    /// What that depends on besides their text.
    pub dependence: Dependence,
    /// What they ask for where nothing was asked for before.
    pub when: Vec<Condition>,
    /// What they decide, if they do.
    pub action: Option<Action>,
}

/// What the meaning of a comparison depends on besides itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependence {
    /// Nothing.
    None,
    /// The services that the rule asked for before.
    Services,
    /// Those, and what it asked of the first packet of the connection.
    More,
}

impl Memory {
    /// The place of a piece, by its text.
    pub fn find(&self, text: &str) -> Option<u32> {
        self.places.get(text).copied()
    }

    /// The piece at a place.
    pub fn get(&self, place: u32) -> Option<&Piece> {
        self.pieces.get(usize::try_from(place).ok()?)
    }

    /// Whether a text should be remembered: it is on one line, as rules are called, was met before, and there is room.
    pub fn wants(&mut self, text: &str) -> bool {
        text.len() <= LONGEST && self.is_worth_its_room(text) && is_on_one_line(text)
    }

    /// Remembers what a text says, if [it means the same in every file](is_the_same_everywhere) and [should be](Self::wants); its place.
    pub fn keep(&mut self, text: &str, statements: Vec<Statement<'static>>) -> Option<u32> {
        let place = u32::try_from(self.pieces.len()).ok()?;
        self.bytes += text.len();
        self.pieces.push(Piece { statements, meaning: OnceCell::new() });
        self.places.insert(text.into(), place);
        Some(place)
    }

    fn is_worth_its_room(&mut self, text: &str) -> bool {
        self.bytes + text.len() <= LARGEST && self.is_met(text)
    }

    /// Whether a text was met before. Seldom true of one that was not, and false of one that was long ago: then it is remembered too early or too late.
    fn is_met(&mut self, text: &str) -> bool {
        let [low, high, one, other, ..] = FxBuildHasher.hash_one(text).to_le_bytes();
        let (place, mark) = (u16::from_le_bytes([low, high]), u16::from_le_bytes([one, other]) | 1);
        self.met.resize(1 << 16, 0);
        self.met.get_mut(usize::from(place)).is_some_and(|met| std::mem::replace(met, mark) == mark)
    }

    /// The set of a block.
    pub fn set(&self, block: &str) -> Option<&Block> {
        self.sets.get(block)
    }

    /// Remembers what a block was found to hold, if it should be.
    pub fn keep_set(&mut self, text: &str, block: impl FnOnce() -> Option<Block>) {
        if text.len() <= LONGEST_SET
            && self.is_worth_its_room(text)
            && let Some(block) = block()
        {
            self.bytes += text.len();
            self.sets.insert(text.into(), block);
        }
    }
}

/// Whether statements, at least one, name nothing of their file, and none stands behind one that decides.
pub fn is_the_same_everywhere<'s, 't: 's>(statements: impl Iterator<Item = &'s Statement<'t>>) -> bool {
    let (mut is_any, mut is_decided) = (false, false);
    for statement in statements {
        let names_nothing = match &statement.does {
            Does::Compare(_, _, value) => !matches!(value, Expr::Named(_)),
            Does::Decide(verdict) => !matches!(verdict, Verdict::Jump(_) | Verdict::Goto(_)),
            Does::Ask | Does::Reject(_) => true,
            _ => false,
        };
        if is_decided || !names_nothing {
            return false;
        }
        is_any = true;
        is_decided = matches!(statement.does, Does::Decide(_) | Does::Reject(_));
    }
    is_any
}

#[cfg(test)]
mod tests;
