//! Reads nftables rule sets: what `nft list ruleset` prints, what `nft -f` takes, and what `nft -j list ruleset` prints.
//!
//! Text is cut into blocks and statements (`scan`), statements are parsed one by one (`plain`, and `parse` with `grammar/nftables.pest`), commands are carried out in their order
//! (`commands`) on tables, chains and sets (`ruleset`). JSON goes to the same tables by `json`. Then `lower` makes the listing; `compare` and `fields` know what
//! is asked of a packet.
//!
//! A reader may doubt that a statement which fits no grammar is kept as a rule: it is one, and may pass or drop anything. Absent on purpose: files named by `include`,
//! host names, and what the device had before a file was loaded.

mod addresses;
mod asked;
mod commands;
mod compare;
mod fields;
mod flags;
mod grammar;
mod json;
mod lower;
mod memory;
mod names;
mod parse;
mod plain;
mod printed;
mod ruleset;
mod scan;
mod statements;
mod tree;
mod words;

use crate::listing::{Blur, Listing, Noticed};
use commands::Reading;
use memory::Memory;

/// The largest text that is read, in bytes.
const LARGEST: usize = 256 << 20;

/// Reads a rule set, in text or JSON. Never fails: what is not understood is in the listing, as unknown.
///
/// Lines count from 1; of JSON, which has no lines worth naming, they are the handles of the rules.
#[must_use]
pub fn read(text: &str) -> Listing {
    Reader::default().read_text(text)
}

/// The same by the grammar alone: slow, and what [`read`] is held against.
#[doc(hidden)]
#[must_use]
pub fn read_by_grammar(text: &str) -> Listing {
    Reader::default().read_as(text, Reading::GrammarAlone)
}

/// Reads rule sets one after another. What several of them say is read once; each means what it means alone.
#[derive(Debug, Default)]
pub struct Reader {
    memory: Memory,
}

impl Reader {
    /// Reads a rule set, as [`read`].
    #[must_use]
    pub fn read_text(&mut self, text: &str) -> Listing {
        self.read_as(text, Reading::PlainFirst)
    }

    fn read_as(&mut self, text: &str, reading: Reading) -> Listing {
        if text.len() > LARGEST {
            let what = format!("a file of {} bytes, more than the {LARGEST} that are read", text.len());
            return Listing {
                noticed: vec![Noticed { line: 1, text: String::new(), what, blur: Blur::Whole }],
                ..Listing::default()
            };
        }
        if text.trim_start().starts_with(['{', '[']) {
            return lower::lower(json::read(text)).0;
        }
        let rules = commands::read(text, reading, std::mem::take(&mut self.memory));
        let (listing, memory) = lower::lower(rules);
        self.memory = memory;
        listing
    }
}
