//! The parser that pest makes of `grammar/nftables.pest`. Nothing else is here; who calls it is [`super::parse`].

#![allow(missing_docs, reason = "the rules are documented in the grammar")]

use pest_derive::Parser;

#[derive(Parser)]
#[grammar = "../grammar/nftables.pest"]
pub struct Grammar;
