//! Policy text to tree and back. Knows no inventory.

pub mod ast;
