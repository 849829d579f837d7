//! The lines of a dump: the grammar `grammar/ipset_save.pest`, one line at a time. Lines without quotes, which are nearly all, are cut at their blanks; a test
//! holds both readings together.

use std::collections::BTreeSet;

use pest::Parser as _;
use pest::iterators::Pair;

use super::entry::{self, Kind};
use super::{Set, Sets};
use crate::listing::{Blur, Noticed};
use crate::packet::Family;

/// The parser that pest makes of the grammar.
mod grammar {
    #![allow(missing_docs, reason = "the rules are documented in the grammar")]

    use pest_derive::Parser;

    #[derive(Parser)]
    #[grammar = "../grammar/ipset_save.pest"]
    pub struct Grammar;
}

use grammar::{Grammar, Rule};

struct Dump<'a> {
    sets: Sets,
    changed: &'a BTreeSet<String>,
    noticed: &'a mut Vec<Noticed>,
}

/// A line and its number.
#[derive(Clone, Copy)]
struct At<'a> {
    number: usize,
    text: &'a str,
}

/// See [`Sets::read`].
pub fn read(text: &str, changed: &BTreeSet<String>, noticed: &mut Vec<Noticed>) -> Sets {
    let mut dump = Dump { sets: Sets::default(), changed, noticed };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, number) in text.split('\n').zip(1..) {
        dump.line(At { number, text: line.trim_matches([' ', '\t', '\r']) });
    }
    dump.sets
}

impl Dump<'_> {
    fn line(&mut self, at: At<'_>) {
        if at.text.is_empty() {
            return;
        }
        match plainly(at.text).or_else(|| by_grammar(at.text)) {
            Some((Rule::create, words)) => {
                if let [name, kind, options @ ..] = words.as_slice() {
                    self.create(at, name, kind, options);
                }
            }
            Some((Rule::add, words)) => {
                if let [name, entry, options @ ..] = words.as_slice() {
                    self.add(at, name, entry, options);
                }
            }
            Some((Rule::other, words)) => self.other(at, &words),
            Some(_) => {}
            None => self.notice(at, "a line of the ipset dump that could not be read", Blur::Whole),
        }
    }

    fn notice(&mut self, at: At<'_>, what: &str, blur: Blur) {
        self.noticed.push(Noticed { line: at.number, text: at.text.to_owned(), what: what.to_owned(), blur });
    }

    fn create(&mut self, at: At<'_>, name: &str, kind: &str, options: &[&str]) {
        let mut set = Set {
            kinds: entry::kinds(kind).unwrap_or_default(),
            family: Family::V4,
            netmask: None,
            understood: true,
            entries: Vec::new(),
        };
        let fine = !set.kinds.is_empty() && !set.kinds.contains(&Kind::Other) && set.options(options);
        set.understood = fine && !self.changed.contains(name);
        if self.changed.contains(name) {
            self.notice(at, "a set that rules add to or delete from: what is in it is not known", Blur::Clear);
        } else if !fine {
            self.notice(at, "a set whose type or options are not understood: what is in it is not known", Blur::Clear);
        }
        if self.sets.sets.contains_key(name) {
            self.notice(at, "a second set of this name", Blur::Whole);
            set.understood = false;
        }
        self.sets.sets.insert(name.to_owned(), set);
    }

    fn add(&mut self, at: At<'_>, name: &str, text: &str, options: &[&str]) {
        let Some(set) = self.sets.sets.get_mut(name) else {
            self.notice(at, "an entry of a set that is not in the ipset dump", Blur::Whole);
            return;
        };
        if !set.understood {
            return;
        }
        match entry::read(&set.kinds, set.family, text, options) {
            Some(entry) => set.entries.push(entry),
            None => {
                set.understood = false;
                self.notice(at, "an entry that is not understood: what is in its set is not known", Blur::Clear);
            }
        }
    }

    /// A command that `ipset save` does not print. The sets that it names are known no more.
    fn other(&mut self, at: At<'_>, words: &[&str]) {
        if matches!(words, ["COMMIT" | "quit" | "version"]) {
            return;
        }
        for word in words {
            if let Some(set) = self.sets.sets.get_mut(*word) {
                set.understood = false;
            }
        }
        self.notice(at, "a command that is neither `create` nor `add`: what is in its sets is not known", Blur::Whole);
    }
}

impl Set {
    /// Reads what stands behind the type; whether all of it is understood.
    fn options(&mut self, options: &[&str]) -> bool {
        let mut rest = options.iter().copied();
        while let Some(option) = rest.next() {
            let fine = match option {
                "counters" | "comment" | "skbinfo" | "forceadd" | "-exist" | "-!" => true,
                "hashsize" | "maxelem" | "bucketsize" | "initval" | "range" | "size" => rest.next().is_some(),
                "family" => self.family_of(rest.next()),
                "netmask" => {
                    self.netmask = rest.next().and_then(|length| length.parse().ok());
                    self.netmask.is_some()
                }
                _ => false,
            };
            if !fine {
                return false;
            }
        }
        true
    }

    fn family_of(&mut self, name: Option<&str>) -> bool {
        match name {
            Some("inet") => self.family = Family::V4,
            Some("inet6") => self.family = Family::V6,
            _ => return false,
        }
        true
    }
}

/// What a line is, and its words behind the command; of another command, all words.
type Cut<'t> = (Rule, Vec<&'t str>);

fn by_grammar(line: &str) -> Option<Cut<'_>> {
    let inside = Grammar::parse(Rule::line, line).ok()?.next()?.into_inner().next()?;
    let rule = inside.as_rule();
    Some((rule, inside.into_inner().filter(|part| part.as_rule() == Rule::word).map(word).collect()))
}

/// The same of a line without quotes.
fn plainly(line: &str) -> Option<Cut<'_>> {
    if line.contains('"') || line.starts_with('#') {
        return None;
    }
    let mut words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
    let rule = match words.as_slice() {
        ["create" | "--create" | "-N", _, _, ..] => Rule::create,
        ["add" | "--add" | "-A", _, _, ..] => Rule::add,
        [] => return None,
        _ => return Some((Rule::other, words)),
    };
    words.remove(0);
    Some((rule, words))
}

fn word(pair: Pair<'_, Rule>) -> &str {
    match pair.into_inner().next() {
        Some(part) if part.as_rule() == Rule::quoted => part.into_inner().next().map_or("", |inner| inner.as_str()),
        Some(part) => part.as_str(),
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn the_grammar_agrees(head in "(add|create|-A|-N|--add|--create|addx|flush|COMMIT|#)", rest in "[ \ta-c\"#é:]{0,12}") {
            let line = format!("{head}{rest}");
            let line = line.trim_matches([' ', '\t', '\r']);
            if let Some(found) = plainly(line) {
                prop_assert_eq!(by_grammar(line), Some(found), "{}", line);
            }
        }
    }
}
