//! The blocks of sets and maps. One that several files have, and that lists nothing but addresses, is read once.

use super::super::addresses::Addresses;
use super::super::memory::Block;
use super::super::plain;
use super::super::ruleset::{Listed, SetEntry, TableKey};
use super::super::scan::{Next, Piece, Place};
use super::super::tree::Expr;
use super::super::words::Words;
use super::{Reader, Reading};

/// Statements of a set that concern nothing but it, and ask nothing of the rest of the file where they name no variable.
const ALONE: [&str; 9] = ["", "type", "typeof", "flags", "elements", "size", "auto-merge", "gc-interval", "comment"];

impl<'t> Reader<'t> {
    /// The block of a set or a map.
    pub(super) fn set(&mut self, table: &TableKey, object: &str, name: &'t str, head: Piece<'t>) {
        let known = self.rules.take_set(table, name);
        let is_new = known.is_none() && object == "set" && self.reading == Reading::PlainFirst;
        let block = if is_new { self.scanner.up_to_second_brace() } else { None };
        if let Some(set) = block.and_then(|block| self.remembered_set(block)) {
            return self.rules.put_set(table, name, head.line, set);
        }
        // Whether the block says by itself what the set holds, and is closed.
        let (from, mut lists, mut says_all) = (self.scanner.place(), 0, true);
        let mut set = known.unwrap_or_default();
        loop {
            match self.scanner.next(|_| false) {
                Next::Statement(piece) => {
                    let mut words = Words { rest: piece.text };
                    let word = words.next().trim_end_matches('=');
                    lists += usize::from(word == "elements");
                    says_all &= ALONE.contains(&word) && !piece.text.contains('$');
                    self.set_statement(object, &mut set, piece);
                }
                Next::Block(piece) | Next::Broken(piece) => {
                    self.lost(piece, "a brace that is not closed");
                    set.unknown = true;
                }
                Next::Close(_) => break,
                Next::End => {
                    self.lost(head, "a set that does not end");
                    says_all = false;
                    break;
                }
            }
        }
        if !set.typed && !set.unknown {
            self.lost(head, "a set without a type");
            set.unknown = true;
        }
        // Of several lists in one block `nft` takes the last, or all of them, as its version may be.
        set.unknown |= lists > 1;
        if let Some(block) = block.filter(|_| says_all) {
            self.remember_set(block, from, &set);
        }
        self.rules.put_set(table, name, head.line, set);
    }

    /// The set of a block that begins here, if it was read before, in this file or another; then the block is passed.
    fn remembered_set(&mut self, block: &'t str) -> Option<SetEntry<'t>> {
        let known = self.rules.statements.memory.set(block)?;
        let set = SetEntry::of_list(known.addresses.clone(), block.get(known.list.clone())?);
        self.scanner.pass(block, known.lines);
        Some(set)
    }

    /// Remembers a block that began at a place and was just closed, if it holds one list of addresses. `block` is the text up to the second brace from there, which is the block only if it ends here, too.
    fn remember_set(&mut self, block: &'t str, from: Place, set: &SetEntry<'t>) {
        let to = self.scanner.place();
        if from.at + block.len() != to.at {
            return;
        }
        self.rules.statements.memory.keep_set(block, || {
            let (addresses, text) = set.is_list()?;
            let list = block.find('{')?..block.find('}')? + 1;
            let is_it = block.get(list.clone()) == Some(text);
            is_it.then(|| Block { addresses: addresses.clone(), list, lines: to.line - from.line })
        });
    }

    fn set_statement(&mut self, object: &str, set: &mut SetEntry<'t>, piece: Piece<'t>) {
        let mut words = Words { rest: piece.text };
        let first = words.next();
        match first.trim_end_matches('=') {
            "" | "gc-interval" | "size" | "policy" | "auto-merge" | "counter" | "comment" => {}
            "typeof" => set.typed = true,
            "type" if is_type(words.rest) => set.typed = true,
            "flags" => {
                let changes = words.rest.split(',').any(|flag| matches!(flag.trim(), "dynamic" | "timeout"));
                set.unknown |= changes;
            }
            "timeout" => set.unknown = true,
            "elements" => {
                let text = piece.text.split_once('=').map(|(_, text)| text.trim());
                if let Some((listed, text)) = text.and_then(|text| Some((self.listed(object, text)?, text))) {
                    return set.add_listed(listed, text);
                }
                let elements = text.and_then(|text| self.value(text));
                if elements.is_none() {
                    self.lost(piece, "elements that were not understood");
                }
                set.add(elements.unwrap_or(Expr::Other("".into())));
            }
            _ if self.anywhere(piece) => {}
            _ => {
                self.lost(piece, "a statement that is not known in a set");
                set.unknown = true;
            }
        }
    }

    /// A list of nothing but addresses.
    fn listed(&mut self, object: &str, text: &'t str) -> Option<Listed<'t>> {
        match object {
            _ if self.reading == Reading::GrammarAlone || !text.starts_with('{') => None,
            "set" => Addresses::listed(text).map(Listed::Set),
            _ => plain::addresses(text).filter(|entries| !entries.is_empty()).map(Listed::Map),
        }
    }
}

/// Whether a text names the type of the elements of a set or map: names joined by dots, and after a colon what they lead to. `nft` refuses a file with any other.
fn is_type(text: &str) -> bool {
    let is_name = |name: &str| {
        let name = name.trim();
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    text.split(':').count() <= 2 && text.split([':', '.']).all(is_name)
}
