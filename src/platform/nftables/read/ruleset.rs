//! Tables, chains and sets as they stand after the commands read so far.
//!
//! A file is a list of commands and their order counts: what is flushed or deleted is gone, what is added comes last, what is inserted first.

use std::cell::OnceCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use foldhash::HashMap;

use super::addresses::{Addresses, Entry};
use super::memory::Memory;
use super::plain;
use super::statements::{Ids, Statements};
use super::tree::{Element, Expr, Text};
use crate::listing::{Blur, Hook, Noticed};

/// The family of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableFamily {
    /// IPv4 alone.
    Ip,
    /// IPv6 alone.
    Ip6,
    /// Both.
    Inet,
    /// ARP.
    Arp,
    /// Frames between ports of a bridge.
    Bridge,
    /// Frames of one device, before everything else.
    Netdev,
}

impl TableFamily {
    /// The family of a word.
    pub fn by_name(word: &str) -> Option<Self> {
        Some(match word {
            "ip" => Self::Ip,
            "ip6" => Self::Ip6,
            "inet" => Self::Inet,
            "arp" => Self::Arp,
            "bridge" => Self::Bridge,
            "netdev" => Self::Netdev,
            _ => return None,
        })
    }

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
            Self::Inet => "inet",
            Self::Arp => "arp",
            Self::Bridge => "bridge",
            Self::Netdev => "netdev",
        }
    }
}

/// The family and the name of a table.
pub type TableKey = (TableFamily, Arc<str>);

/// Everything read so far.
#[derive(Debug, Default)]
pub struct Ruleset<'t> {
    tables: BTreeMap<TableKey, Table<'t>>,
    /// What rules are made of.
    pub statements: Statements<'t>,
    /// What is not part of a table.
    pub noticed: Vec<Noticed>,
    made: usize,
}

/// A table.
#[derive(Debug, Default)]
pub struct Table<'t> {
    /// Earlier ones are lower.
    pub order: usize,
    /// Its line.
    pub line: usize,
    /// Whether `flags dormant` puts its chains to sleep.
    pub dormant: bool,
    /// Its chains.
    pub chains: BTreeMap<Text<'t>, ChainEntry<'t>>,
    /// Its sets and maps.
    pub sets: HashMap<Text<'t>, SetEntry<'t>>,
    /// Flow tables and other things that are no rules.
    pub noticed: Vec<Noticed>,
}

/// A chain.
#[derive(Debug, Default)]
pub struct ChainEntry<'t> {
    /// Earlier ones are lower.
    pub order: usize,
    /// Its line.
    pub line: usize,
    /// What makes it a base chain.
    pub base: Option<BaseEntry>,
    /// Its rules.
    pub rules: VecDeque<RuleEntry<'t>>,
}

/// Where a base chain is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseEntry {
    /// `filter`, `nat` or `route`.
    pub kind: String,
    /// `None` for hooks of devices.
    pub hook: Option<Hook>,
    /// Lower ones first; `None` if it is not understood.
    pub priority: Option<i32>,
    /// Whether it drops what no rule decides; `None` if the policy is not understood.
    pub drops: Option<bool>,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct RuleEntry<'t> {
    /// Its line, or its handle.
    pub line: usize,
    /// As written, on one line.
    pub text: Text<'t>,
    /// What was read of it, without what changes nothing; `None` if it does not fit the grammar.
    pub statements: Option<Ids>,
}

/// A set or a map.
#[derive(Debug, Default)]
pub struct SetEntry<'t> {
    /// Whether the file says what its elements are.
    pub typed: bool,
    /// Whether its content changes by itself or was not understood.
    pub unknown: bool,
    /// A list of nothing but addresses, and its text; then nothing else was added.
    listed: Option<(Listed<'t>, &'t str)>,
    elements: OnceCell<Vec<Element<'t>>>,
    /// What was taken away, each time with the number of elements that had been added before.
    taken: Vec<(usize, Vec<Element<'t>>)>,
}

/// Elements that are all addresses.
#[derive(Debug)]
pub enum Listed<'t> {
    /// Of a set.
    Set(Addresses),
    /// Of a verdict map.
    Map(Vec<Entry<'t>>),
}

impl<'t> Ruleset<'t> {
    /// Nothing yet; of a text of so many bytes.
    pub fn new(memory: Memory, bytes: usize) -> Self {
        Self { statements: Statements::new(memory, bytes), ..Self::default() }
    }

    /// A table, made if it is new.
    pub fn table(&mut self, key: &TableKey, line: usize) -> &mut Table<'t> {
        self.made += 1;
        let made = self.made;
        self.tables.entry(key.clone()).or_insert_with(|| Table { order: made, line, ..Table::default() })
    }

    /// Declares a table, made if it is new: it is awake unless the declaration says otherwise, whatever an earlier one said.
    pub fn declare(&mut self, key: &TableKey, line: usize) {
        self.table(key, line).dormant = false;
    }

    /// A table that is there.
    pub fn existing(&mut self, key: &TableKey) -> Option<&mut Table<'t>> {
        self.tables.get_mut(key)
    }

    /// A chain, made with its table if it is new.
    pub fn chain(&mut self, table: &TableKey, name: impl Into<Text<'t>>, line: usize) -> &mut ChainEntry<'t> {
        self.made += 1;
        let made = self.made;
        self.table(table, line).chains.entry(name.into()).or_insert_with(|| ChainEntry::new(made, line))
    }

    /// Takes a chain out while its block is read, made if it is new; [`Self::put_back`] puts it back.
    pub fn take_chain(&mut self, table: &TableKey, name: &str, line: usize) -> ChainEntry<'t> {
        self.made += 1;
        let made = self.made;
        self.table(table, line).chains.remove(name).unwrap_or_else(|| ChainEntry::new(made, line))
    }

    /// Puts a chain back.
    pub fn put_back(&mut self, table: &TableKey, name: Text<'t>, chain: ChainEntry<'t>) {
        let line = chain.line;
        self.table(table, line).chains.insert(name, chain);
    }

    /// Takes a set out while its block is read, if there is one.
    pub fn take_set(&mut self, table: &TableKey, name: &str) -> Option<SetEntry<'t>> {
        self.existing(table)?.sets.remove(name)
    }

    /// Puts a set in, or back.
    pub fn put_set(&mut self, table: &TableKey, name: &'t str, line: usize, set: SetEntry<'t>) {
        self.table(table, line).sets.insert(name.into(), set);
    }

    /// A set, made with its table if it is new.
    pub fn set(&mut self, table: &TableKey, name: impl Into<Text<'t>>, line: usize) -> &mut SetEntry<'t> {
        self.table(table, line).sets.entry(name.into()).or_default()
    }

    /// Takes all tables of a family, or of all, away.
    pub fn flush(&mut self, family: Option<TableFamily>) {
        self.tables.retain(|(of, _), _| family.is_some_and(|family| family != *of));
    }

    /// Takes a table away; whether it was there.
    pub fn delete(&mut self, key: &TableKey) -> bool {
        self.tables.remove(key).is_some()
    }

    /// The tables in the order in which they were made.
    pub fn into_tables(self) -> Vec<(TableKey, Table<'t>)> {
        let mut tables: Vec<(TableKey, Table<'t>)> = self.tables.into_iter().collect();
        tables.sort_by_key(|(_, table)| table.order);
        tables.iter_mut().flat_map(|(_, table)| table.sets.values_mut()).for_each(SetEntry::settle);
        tables
    }

    /// Keeps something that is not part of a table.
    pub fn notice(&mut self, line: usize, text: &str, what: &str, blur: Blur) {
        self.noticed.push(noticed(line, text, what, blur));
    }
}

/// Something noticed.
pub fn noticed(line: usize, text: &str, what: &str, blur: Blur) -> Noticed {
    Noticed { line, text: text.to_owned(), what: what.to_owned(), blur }
}

/// The elements of a plain list.
fn in_words(text: &str) -> Vec<Element<'_>> {
    match plain::value(text) {
        Some(Expr::Set(elements)) => elements,
        _ => Vec::new(),
    }
}

impl ChainEntry<'_> {
    fn new(order: usize, line: usize) -> Self {
        Self { order, line, ..Self::default() }
    }
}

impl<'t> SetEntry<'t> {
    /// A set that a block says is a list of addresses.
    pub fn of_list(addresses: Addresses, text: &'t str) -> Self {
        Self { typed: true, listed: Some((Listed::Set(addresses), text)), ..Self::default() }
    }

    /// The list of addresses, and its text, if that is all there is to the set.
    pub fn is_list(&self) -> Option<(&Addresses, &'t str)> {
        match &self.listed {
            Some((Listed::Set(addresses), text)) if self.typed && !self.unknown && self.taken.is_empty() => {
                Some((addresses, text))
            }
            _ => None,
        }
    }

    /// Adds what a value lists; anything else makes the content unknown.
    pub fn add(&mut self, value: Expr<'t>) {
        match value {
            Expr::Set(elements) => self.change(|own| match own {
                own if own.is_empty() => *own = elements,
                own => own.extend(elements),
            }),
            _ => self.unknown = true,
        }
    }

    /// Adds a list of nothing but addresses, by its text.
    pub fn add_listed(&mut self, listed: Listed<'t>, text: &'t str) {
        if self.count() == 0 {
            self.listed = Some((listed, text));
            self.elements = OnceCell::new();
        } else {
            self.change(|own| own.extend(in_words(text)));
        }
    }

    /// Takes away what a value lists; what was not added in the same words makes the content unknown.
    pub fn remove(&mut self, value: Expr<'t>) {
        match value {
            Expr::Set(gone) => self.taken.push((self.count(), gone)),
            _ => self.unknown = true,
        }
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.change(Vec::clear);
        self.taken.clear();
    }

    /// How many elements it has.
    pub fn count(&self) -> usize {
        match &self.listed {
            Some((Listed::Set(addresses), _)) => addresses.count,
            Some((Listed::Map(entries), _)) => entries.len(),
            None => self.elements().len(),
        }
    }

    /// Its elements, as lists of them were added.
    pub fn elements(&self) -> &[Element<'t>] {
        self.elements.get_or_init(|| self.listed.as_ref().map(|(_, text)| in_words(text)).unwrap_or_default())
    }

    /// Its elements, if they are nothing but addresses of one list.
    pub fn listed(&self) -> Option<&Listed<'t>> {
        self.listed.as_ref().map(|(listed, _)| listed)
    }

    /// Changes the elements, which are no plain list from then on.
    fn change(&mut self, change: impl FnOnce(&mut Vec<Element<'t>>)) {
        self.elements();
        let mut elements = std::mem::take(&mut self.elements).into_inner().unwrap_or_default();
        change(&mut elements);
        self.listed = None;
        self.elements = OnceCell::from(elements);
    }

    /// Carries out what was taken away; before that, elements are those that were ever added. All at once, for there may be many commands.
    fn settle(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        if taken.is_empty() {
            return;
        }
        let mut lost = false;
        let mut keeps = vec![true; self.count()];
        let mut places: HashMap<&Expr<'t>, Vec<usize>> = HashMap::default();
        let mut added = self.elements().iter().enumerate().peekable();
        for (before, gone) in &taken {
            while let Some((at, element)) = added.next_if(|(at, _)| at < before) {
                places.entry(&element.key).or_default().push(at);
            }
            let mut found = 0;
            for at in gone.iter().filter_map(|gone| places.remove(&gone.key)).flatten() {
                found += 1;
                if let Some(keeps) = keeps.get_mut(at) {
                    *keeps = false;
                }
            }
            lost |= found != gone.len();
        }
        self.unknown |= lost;
        let mut keeps = keeps.into_iter();
        self.change(|elements| elements.retain(|_| keeps.next().unwrap_or(true)));
    }
}

/// The hook of a word; `None` for those of devices.
pub fn hook(word: &str) -> Option<Hook> {
    Some(match word {
        "prerouting" => Hook::Prerouting,
        "input" => Hook::Input,
        "forward" => Hook::Forward,
        "output" => Hook::Output,
        "postrouting" => Hook::Postrouting,
        _ => return None,
    })
}

/// The number of a priority: `0`, `filter`, `filter + 10`, `dstnat-5`.
pub fn priority(family: TableFamily, text: &str) -> Option<i32> {
    let text: String = text.split_whitespace().collect();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let end = text.find(['+', '-']).unwrap_or(text.len());
    let (name, offset) = (text.get(..end)?, text.get(end..)?);
    let offset: i32 = if offset.is_empty() { 0 } else { offset.parse().ok()? };
    let base: i32 = match (family, name) {
        (TableFamily::Bridge, "dstnat") => -300,
        (TableFamily::Bridge, "filter") => -200,
        (TableFamily::Bridge, "out") => 100,
        (TableFamily::Bridge, "srcnat") => 300,
        (_, "raw") => -300,
        (_, "mangle") => -150,
        (_, "dstnat") => -100,
        (_, "filter") => 0,
        (_, "security") => 50,
        (_, "srcnat") => 100,
        _ => return None,
    };
    base.checked_add(offset)
}
