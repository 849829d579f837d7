//! What a `.policy` file says, as a tree. Every node knows where it stands; nothing is resolved.

mod clause;
mod endpoint;
mod service;
mod statement;

pub use clause::{Clauses, Meta};
pub use endpoint::{All, Endpoints, Primary};
pub use service::{Service, Services};
pub use statement::{
    Assertion, AssertionKind, Effect, Feed, File, Group, Member, Purpose, Quarantine, Rule, ServiceDefinition,
    Statement, Waiver,
};

use crate::source::Spanned;

/// A name or a word as the user wrote it (the value of a string is unescaped; its span includes the quotes).
pub type Name = Spanned<String>;
