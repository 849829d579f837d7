//! The one canonical form of a policy file.
//!
//! The tree is printed anew, and the comments of the text are put back where they stood: before or behind the same token. So spelling
//! is canonical too: `protocol/6` becomes `tcp`, `10.0.0.0-10.0.0.255` a prefix, `"CHG-1"` after `ticket` loses its quotes.
//!
//! - Clauses stand in one order: `from to on both-ways via transitive of keep`, then `owner ticket because by start until review ref log advisory`.
//! - A statement of up to 100 columns is one line. A longer one breaks before its words about itself (owner, ticket ...), which go on
//!   4 columns deeper; if that is not enough, every clause of its flow has a line of its own, and lists wrap 8 columns deeper.
//! - A comment inside a statement breaks the line; each comment stays with the token that it stood at.
//! - In a purpose each meta clause has a line of its own, keywords padded to one width, then an empty line, then the members.
//! - Between statements up to one empty line is kept; nothing is aligned across statements, so that a change touches its own lines only.
//!
//! What is absent on purpose: no setting. The caller checks that the text had no errors; a tree with gaps would print as one without.

mod atoms;
mod layout;
mod words;

use super::ast::{File, Member, Purpose, Statement};
use super::scan::scan;
use crate::source::Span;
use atoms::{Atom, Level, member_atoms, statement_atoms};
use layout::Printer;

/// Prints a file, with the comments of the text that it was read from.
///
/// `file` must be what [`parse`](super::parse) made of `text` without an error (an empty text stands for "no comments"). The
/// result ends in one line break and reads as the same tree; formatting it again changes nothing.
#[must_use]
pub fn format(text: &str, file: &File) -> String {
    let comments = if text.is_empty() { Vec::new() } else { scan(text).comments };
    let mut printer = Printer::new(text, comments);
    for statement in &file.statements {
        match statement {
            Statement::Purpose(purpose) => print_purpose(&mut printer, purpose),
            other => {
                let atoms = statement_atoms(other);
                printer.statement(atoms, span_of(other), 0);
            }
        }
    }
    printer.rest();
    printer.finish()
}

fn print_purpose(printer: &mut Printer<'_>, purpose: &Purpose) {
    let head = atoms::purpose_head(purpose);
    let head_end = purpose.title.as_ref().map_or(purpose.name.span, |title| title.span);
    printer.statement_part(
        vec![Atom::new(Level::Head, head, purpose.span.to_start().to(head_end))],
        purpose.span.start,
        0,
    );
    let metas = atoms::purpose_metas(purpose);
    let some_meta = !metas.is_empty();
    printer.open_body();
    printer.lines(metas, 4);
    for (index, member) in purpose.members.iter().enumerate() {
        if index == 0 && some_meta {
            printer.want_blank();
        }
        printer.statement(member_atoms(member), span_of_member(member), 4);
    }
    printer.close_body(purpose.span.end);
}

fn span_of(statement: &Statement) -> Span {
    match statement {
        Statement::Service(x) => x.span,
        Statement::Group(x) => x.span,
        Statement::Feed(x) => x.span,
        Statement::Purpose(x) => x.span,
        Statement::Rule(x) => x.span,
        Statement::Assertion(x) => x.span,
        Statement::Waiver(x) => x.span,
        Statement::Quarantine(x) => x.span,
    }
}

fn span_of_member(member: &Member) -> Span {
    match member {
        Member::Rule(x) => x.span,
        Member::Assertion(x) => x.span,
        Member::Waiver(x) => x.span,
    }
}

trait ToStart {
    fn to_start(self) -> Self;
}

impl ToStart for Span {
    fn to_start(mut self) -> Self {
        self.end = self.start;
        self
    }
}
