//! Tables and their chains while a file is read.
//!
//! Commands take effect in order, as `iptables-restore` carries them out without `--noflush`: every table that a file names begins empty, with policies that accept.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::conditions::Target;
use super::lines::Word;
use crate::listing::{Action, Condition, Hook};
use crate::packet::Family;

/// A table of the kernel: its name, its hooks, the priority at which it is asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// As in `*filter`.
    pub name: &'static str,
    /// Its chains.
    pub chains: &'static [(&'static str, Hook)],
    /// Lower ones are asked first (iptables(8) gives the order, the kernel the numbers).
    pub priority: i32,
}

const PREROUTING: (&str, Hook) = ("PREROUTING", Hook::Prerouting);
const INPUT: (&str, Hook) = ("INPUT", Hook::Input);
const FORWARD: (&str, Hook) = ("FORWARD", Hook::Forward);
const OUTPUT: (&str, Hook) = ("OUTPUT", Hook::Output);
const POSTROUTING: (&str, Hook) = ("POSTROUTING", Hook::Postrouting);

/// The tables of iptables(8).
pub const KINDS: &[Kind] = &[
    Kind { name: "raw", chains: &[PREROUTING, OUTPUT], priority: -300 },
    Kind { name: "mangle", chains: &[PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING], priority: -150 },
    Kind { name: "nat", chains: &[PREROUTING, INPUT, OUTPUT, POSTROUTING], priority: -100 },
    Kind { name: "filter", chains: &[INPUT, FORWARD, OUTPUT], priority: 0 },
    Kind { name: "security", chains: &[INPUT, FORWARD, OUTPUT], priority: 50 },
];

/// A rule before the chains are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft<'a> {
    /// From 1.
    pub line: usize,
    /// The line.
    pub text: &'a str,
    /// The words behind the chain, to find it again.
    pub words: Cow<'a, [Word<'a>]>,
    /// All must hold.
    pub when: Vec<Condition>,
    /// Where it sends the packet.
    pub target: Target,
    /// The options of its target.
    pub details: Vec<String>,
}

/// A chain.
#[derive(Debug, Clone)]
pub struct Chain<'a> {
    /// Its name.
    pub name: String,
    /// The line that declares it, or 0.
    pub line: usize,
    /// Of a chain that the kernel asks by itself.
    pub base: Option<(Hook, Action)>,
    /// In order. Each by itself, so that one can be put between others in a long chain.
    pub rules: VecDeque<Box<Draft<'a>>>,
}

/// A table of a file.
#[derive(Debug)]
pub struct Table<'a> {
    /// Which.
    pub kind: &'static Kind,
    /// Of the file.
    pub family: Family,
    /// The line that begins it.
    pub line: usize,
    /// That line.
    pub text: &'a str,
    /// Those of the kernel first.
    pub chains: Vec<Chain<'a>>,
    /// Places by name.
    places: BTreeMap<String, usize>,
    /// Whether `COMMIT` came.
    pub committed: bool,
}

impl<'a> Table<'a> {
    /// A table with nothing but the chains of the kernel.
    pub fn new(kind: &'static Kind, family: Family, line: usize, text: &'a str) -> Self {
        let base = |(name, hook): &(&str, Hook)| Chain {
            name: (*name).to_owned(),
            line: 0,
            base: Some((*hook, Action::Accept)),
            rules: VecDeque::new(),
        };
        let chains = kind.chains.iter().map(base).collect();
        let mut table = Self { kind, family, line, text, chains, places: BTreeMap::new(), committed: false };
        table.index();
        table
    }

    /// The chain of a name.
    pub fn chain(&mut self, name: &str) -> Option<&mut Chain<'a>> {
        let place = *self.places.get(name)?;
        self.chains.get_mut(place)
    }

    /// Leaves out chains.
    pub fn remove(&mut self, names: &BTreeSet<String>) {
        self.chains.retain(|chain| !names.contains(&chain.name));
        self.index();
    }

    fn index(&mut self) {
        self.places = self.chains.iter().map(|chain| chain.name.clone()).zip(0..).collect();
    }

    /// The chain of a name, made if it is not there, and whether it was.
    pub fn chain_or_new(&mut self, name: &str, line: usize) -> (&mut Chain<'a>, bool) {
        let place = self.places.get(name).copied();
        let known = place.is_some();
        let place = place.unwrap_or(self.chains.len());
        if !known {
            self.places.insert(name.to_owned(), place);
            self.chains.push(Chain { name: name.to_owned(), line, base: None, rules: VecDeque::new() });
        }
        #[expect(clippy::indexing_slicing, reason = "the place was found, or is that of the chain pushed just now")]
        (&mut self.chains[place], known)
    }

    /// Whether a rule leads to one of some chains.
    pub fn leads_to(&self, names: &BTreeSet<String>) -> bool {
        let to = |draft: &Draft<'_>| matches!(&draft.target, Target::Jump(to) | Target::Goto(to) if names.contains(to));
        self.chains.iter().any(|chain| chain.rules.iter().any(|draft| to(draft)))
    }

    /// How many chains and rules there are.
    pub fn size(&self) -> usize {
        self.chains.iter().map(|chain| chain.rules.len()).sum::<usize>().saturating_add(self.chains.len())
    }
}
