//! Atoms to lines, and comments back to their atoms.

use super::atoms::{Atom, Level};
use crate::source::Span;
use crate::syntax::scan::Comment;

/// The most columns that a line has, where it can be broken.
const WIDTH: usize = 100;

/// Lines so far, and the comments that are still to be printed.
pub(super) struct Printer<'t> {
    text: &'t str,
    comments: std::iter::Peekable<std::vec::IntoIter<Comment>>,
    out: String,
    /// Offset in the text up to which everything is printed.
    done: usize,
    blank_wanted: bool,
    /// Whether something was printed since the file or the body began.
    begun: bool,
}

/// Whose a comment behind the last token is, when the order of the clauses changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// It stays at the end of the line, if it is the only comment.
    OfLine,
    /// It stays with its token.
    OfToken,
}

/// What stands around an atom.
#[derive(Default, Clone)]
struct Around {
    before: Vec<String>,
    behind: Option<String>,
}

impl<'t> Printer<'t> {
    pub(super) fn new(text: &'t str, comments: Vec<Comment>) -> Self {
        let done = crate::syntax::scan::mark_length(text);
        Self {
            text,
            comments: comments.into_iter().peekable(),
            out: String::new(),
            done,
            blank_wanted: false,
            begun: false,
        }
    }

    /// Asks for an empty line before whatever comes next.
    pub(super) fn want_blank(&mut self) {
        self.blank_wanted = true;
    }

    /// Prints a whole statement that stood at `span`.
    pub(super) fn statement(&mut self, atoms: Vec<Atom>, span: Span, indent: usize) {
        self.statement_part(atoms, span.start, indent);
        self.done = self.done.max(usize_of(span.end));
    }

    /// Prints the comments before `start`, then the atoms with the comments among them.
    pub(super) fn statement_part(&mut self, atoms: Vec<Atom>, start: u32, indent: usize) {
        self.comments_before(usize_of(start), indent);
        self.gap(usize_of(start));
        let around = self.attach(&atoms, Last::OfLine);
        self.write(&atoms, &around, indent);
    }

    /// Prints meta clauses of a purpose, each on its line.
    pub(super) fn lines(&mut self, atoms: Vec<Atom>, indent: usize) {
        if atoms.is_empty() {
            return;
        }
        let around = self.attach(&atoms, Last::OfToken);
        let breaks: Vec<bool> = atoms.iter().map(|atom| atom.level == Level::Meta).collect();
        self.emit(&atoms, &around, &breaks, indent, 0);
        self.begun = true;
    }

    /// The `{` of a purpose has been printed.
    pub(super) fn open_body(&mut self) {
        self.begun = false;
        self.blank_wanted = false;
    }

    /// Prints what is left before the `}` that ends at `end`, and the `}`.
    pub(super) fn close_body(&mut self, end: u32) {
        self.blank_wanted = false;
        let close = usize_of(end).saturating_sub(1);
        self.comments_before(close, 4);
        self.out.push('}');
        self.done = self.done.max(usize_of(end));
        let behind = self.behind(usize_of(end));
        self.end_line(behind.as_deref());
        self.begun = true;
    }

    /// Prints the comments that are left.
    pub(super) fn rest(&mut self) {
        self.comments_before(usize::MAX, 0);
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn comment_text(&self, comment: &Comment) -> String {
        self.text.get(comment.range.clone()).unwrap_or("").to_owned()
    }

    fn comments_before(&mut self, offset: usize, indent: usize) {
        while let Some(comment) = self.comments.next_if(|comment| comment.range.start < offset) {
            self.gap(comment.range.start);
            let text = self.comment_text(&comment);
            self.line(&text, indent);
            self.done = self.done.max(comment.range.end);
        }
    }

    /// Prints an empty line if one is asked for, or if the text has one before `offset`.
    fn gap(&mut self, offset: usize) {
        let between = self.text.get(self.done..offset).unwrap_or("");
        let blank = between.bytes().filter(|&byte| byte == b'\n').count() > 1;
        if self.begun && (blank || self.blank_wanted) {
            self.out.push('\n');
        }
        self.blank_wanted = false;
        self.begun = true;
    }

    fn line(&mut self, text: &str, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn end_line(&mut self, behind: Option<&str>) {
        if let Some(comment) = behind {
            self.out.push_str("  ");
            self.out.push_str(comment);
        }
        self.out.push('\n');
    }

    /// The comment behind a token that ends at `end`, on its line, with nothing between them but a mark.
    fn behind(&mut self, end: usize) -> Option<String> {
        let text = self.text;
        let same_line = |comment: &Comment| {
            let between = text.get(end..comment.range.start);
            between.is_some_and(|between| between.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'{')))
        };
        let comment = self.comments.next_if(same_line)?;
        self.done = self.done.max(comment.range.end);
        Some(self.comment_text(&comment))
    }

    /// Takes the comments up to the last atom, and the one behind it, and gives each to its atom.
    fn attach(&mut self, atoms: &[Atom], last: Last) -> Vec<Around> {
        let mut around = vec![Around::default(); atoms.len()];
        let mut order: Vec<usize> = (0..atoms.len()).collect();
        order.sort_by_key(|&index| atoms.get(index).map(|atom| (atom.span.start, atom.span.end)));
        let mut previous: Option<usize> = None;
        for &index in &order {
            let Some(atom) = atoms.get(index) else { continue };
            while let Some(comment) = self.comments.next_if(|comment| comment.range.start < usize_of(atom.span.end)) {
                let text = self.comment_text(&comment);
                self.done = self.done.max(comment.range.end);
                let free =
                    previous.and_then(|previous| around.get_mut(previous)).filter(|around| around.behind.is_none());
                match free {
                    Some(free) if !comment.own_line => free.behind = Some(text),
                    _ => around.iter_mut().skip(index).take(1).for_each(|around| around.before.push(text.clone())),
                }
            }
            previous = Some(index);
            self.done = self.done.max(usize_of(atom.span.end));
        }
        let end = order.last().and_then(|&index| atoms.get(index)).map_or(0, |atom| usize_of(atom.span.end));
        if let Some(text) = self.behind(end) {
            let alone = around.iter().all(|around| around.before.is_empty() && around.behind.is_none());
            let at = if alone && last == Last::OfLine { atoms.len().checked_sub(1) } else { previous };
            if let Some(around) = at.and_then(|at| around.get_mut(at)) {
                around.behind = Some(text);
            }
        }
        around
    }

    fn write(&mut self, atoms: &[Atom], around: &[Around], indent: usize) {
        let inner = around.iter().enumerate().any(|(index, around)| {
            !around.before.is_empty() && index > 0 || around.behind.is_some() && index + 1 < atoms.len()
        });
        let width: usize = atoms.iter().map(|atom| atom.text.chars().count() + 1).sum::<usize>() + indent;
        if !inner && width <= WIDTH + 1 {
            return self.emit(atoms, around, &[], indent, 4);
        }
        let flow: usize = atoms
            .iter()
            .take_while(|atom| atom.level != Level::Meta)
            .map(|atom| atom.text.chars().count() + 1)
            .sum::<usize>()
            + indent;
        let narrow = !inner && flow <= WIDTH + 1;
        let mut met = false;
        let breaks: Vec<bool> = atoms
            .iter()
            .map(|atom| match atom.level {
                Level::Head | Level::Item => false,
                Level::Flow => !narrow,
                Level::Meta => !std::mem::replace(&mut met, true),
            })
            .collect();
        self.emit(atoms, around, &breaks, indent, 4);
    }

    /// Prints atoms, a new line before each one of `breaks` and wherever a comment or the width asks for it.
    fn emit(&mut self, atoms: &[Atom], around: &[Around], breaks: &[bool], indent: usize, deeper: usize) {
        let mut column = 0;
        for (index, atom) in atoms.iter().enumerate() {
            let here = around.get(index).cloned().unwrap_or_default();
            let depth = match atom.level {
                Level::Head => indent,
                Level::Flow | Level::Meta => indent + deeper,
                Level::Item => {
                    indent
                        + deeper
                        + if atoms.iter().any(|atom| atom.level != Level::Head && atom.level != Level::Item) {
                            4
                        } else {
                            0
                        }
                }
            };
            let length = atom.text.chars().count();
            let broken = breaks.get(index).copied().unwrap_or(false) || !here.before.is_empty();
            if column > 0 && (broken || (column + 1 + length > WIDTH && !breaks.is_empty())) {
                self.out.push('\n');
                column = 0;
            }
            for comment in &here.before {
                self.line(comment, depth);
            }
            if column == 0 {
                self.out.extend(std::iter::repeat_n(' ', depth));
                column = depth;
            } else {
                self.out.push(' ');
                column += 1;
            }
            self.out.push_str(&atom.text);
            column += length;
            if let Some(comment) = &here.behind {
                self.end_line(Some(comment));
                column = 0;
            }
        }
        if column > 0 {
            self.out.push('\n');
        }
    }
}

fn usize_of(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
