//! Policy text to tree and back. Knows no inventory.
//!
//! [`parse`] cuts a text into statements, gives each to the pest grammar `grammar/policy.pest` (plain rules are read without it, see `plain`), and lowers it to
//! the tree in [`ast`]; [`format()`] prints the tree and the comments of its text in the one canonical form. Names are not resolved here and
//! dates not compared: whatever needs a second statement to be judged is the business of `model`.

pub mod ast;
mod expect;
mod format;
pub mod fuzz;
mod grammar;
mod keywords;
mod lower;
mod parser;
mod plain;
mod recover;
mod scan;

pub use format::format;
pub use keywords::{is_keyword, is_name, is_plain_word};
pub use parser::{MAX_POLICY_BYTES, parse, parse_endpoints, parse_services};
