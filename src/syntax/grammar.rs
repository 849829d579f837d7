//! The parser that pest makes of `grammar/policy.pest`. Nothing else is here; who calls it is [`super::parser`].

#![allow(missing_docs, reason = "the rules are documented in the grammar, which reads as the language reference")]

use pest_derive::Parser;

#[derive(Parser)]
#[grammar = "../grammar/policy.pest"]
pub struct Grammar;
