//! Reads a file: cut into statements, each given to pest, each lowered.
//!
//! The text is cut at statement borders first ([`super::recover`]) and pest reads one statement at a time. Given the whole file, pest
//! stops at the first error and says nothing about the rest; given statements, every one has its own error, the next begins afresh,
//! and a file of 20,000 statements needs memory for one. Borders are exact for text without errors, which a test holds against the
//! grammar's own rule `file`. Plain rules skip pest ([`super::plain`]). Nothing nests but a purpose, one level deep, and lists are read by loops: no input can exhaust the stack.

use pest::Parser as _;
use pest::iterators::{Pair, Pairs};

use super::ast::{Endpoints, File, Member, Meta, Name, Purpose, Services, Statement};
use super::expect::{self, Piece};
use super::grammar::{Grammar, Rule};
use super::keywords;
use super::lower::{self, Context};
use super::plain;
use super::recover::Borders;
use super::scan::{Kind, Scan, scan};
use crate::diag::codes::syntax;
use crate::diag::{Diagnostic, Sink};
use crate::source::{FileId, Span, Spanned};

/// The largest policy file that is read, in bytes: far beyond what people write and review.
pub const MAX_POLICY_BYTES: usize = 64 << 20;

/// Reads a policy file.
///
/// Every independent error goes to `sink`; what could be read is in the result all the same, so that later stages can check it.
/// Takes time linear in the text and never fails otherwise.
pub fn parse(file: FileId, text: &str, sink: &mut Sink) -> File {
    if text.len() > MAX_POLICY_BYTES {
        let message = format!("this file has {} bytes, more than the {MAX_POLICY_BYTES} that are read", text.len());
        let error = Diagnostic::new(&syntax::FILE_TOO_LARGE, Span::new(file, 0, 0), message);
        sink.push(error.help("split it into several files: their order has no meaning"));
        return File { file, statements: Vec::new(), broken: Vec::new() };
    }
    let found = scan(text);
    let borders = Borders { text, tokens: &found.tokens };
    let (opened, closed) = (borders.count(Kind::Open), borders.count(Kind::Close));
    let mut reader = Reader {
        file,
        scan: &found,
        borders,
        sink,
        statements: Vec::new(),
        broken: Vec::new(),
        purpose: None,
        closes_all: closed >= opened,
        surplus: closed.saturating_sub(opened),
        stray_open: 0,
    };
    reader.read();
    File { file, statements: reader.statements, broken: reader.broken }
}

/// Reads an endpoint expression that is not in a file, such as the argument of `--from`. Spans are offsets in `text`, in `file`.
///
/// # Errors
///
/// Everything that is wrong with it; at least one diagnostic.
pub fn parse_endpoints(file: FileId, text: &str) -> Result<Endpoints, Vec<Diagnostic>> {
    expression(file, text, Rule::one_endpoints, Rule::endpoints, lower::endpoints)
}

/// Reads a service expression that is not in a file, such as the argument of `--on`. Spans are offsets in `text`, in `file`.
///
/// # Errors
///
/// Everything that is wrong with it; at least one diagnostic.
pub fn parse_services(file: FileId, text: &str) -> Result<Services, Vec<Diagnostic>> {
    expression(file, text, Rule::one_services, Rule::services, lower::services)
}

fn expression<T>(
    file: FileId,
    text: &str,
    entry: Rule,
    wanted: Rule,
    lower: impl FnOnce(&mut Context<'_>, Pair<'_, Rule>) -> Option<T>,
) -> Result<T, Vec<Diagnostic>> {
    let found = scan(text);
    let piece = Piece { file, text, whole: text, base: 0, scan: &found, first: 0, end: found.tokens.len(), entry };
    if let Some(error) = expect::unclosed_string(&piece) {
        return Err(vec![error]);
    }
    let mut sink = Sink::default();
    let lowered = match Grammar::parse(entry, text) {
        Ok(mut pairs) => {
            let pair = pairs.find(|pair| pair.as_rule() == wanted);
            pair.and_then(|pair| lower(&mut Context { file, base: 0, sink: &mut sink }, pair))
        }
        Err(error) => return Err(vec![expect::explain(&piece, &error)]),
    };
    match lowered {
        Some(value) if sink.is_empty() => Ok(value),
        _ => Err(sink.into_sorted()),
    }
}

/// A purpose whose `}` has not come yet.
struct Open {
    purpose: Purpose,
    head: Span,
}

struct Reader<'t, 's> {
    file: FileId,
    scan: &'t Scan,
    borders: Borders<'t>,
    sink: &'s mut Sink,
    statements: Vec<Statement>,
    broken: Vec<Name>,
    purpose: Option<Open>,
    /// Whether the braces of the file close as often as they open.
    closes_all: bool,
    /// How many `}` there are beyond the `{`.
    surplus: usize,
    /// How many `{` stood where none may: their `}` are passed over in silence.
    stray_open: usize,
}

impl<'t> Reader<'t, '_> {
    fn read(&mut self) {
        let mut at = 0;
        while at < self.scan.tokens.len() {
            at = if self.borders.kind(at) == Some(Kind::Close) {
                self.close(at)
            } else if self.borders.is_statement(at) {
                self.statement(at)
            } else {
                let junk = expect::junk(&self.piece(at, at + 1, Rule::one_statement));
                self.sink.push(junk);
                self.skip(at, at + 1)
            };
        }
        self.unclosed();
    }

    /// Reads the statement at `at`, returns where to go on.
    fn statement(&mut self, at: usize) -> usize {
        let keyword = self.borders.word(at);
        let end = self.borders.statement_end(at);
        if self.purpose.is_some() && !matches!(keyword, "allow" | "deny" | "never" | "only" | "must" | "waive") {
            self.leave_or_refuse(at, keyword);
        }
        if keyword == "purpose" {
            return self.purpose(at, end);
        }
        let tokens = self.scan.tokens.get(at..end).unwrap_or_default();
        if let Some(rule) = plain::rule(self.file, self.borders.text, tokens) {
            self.add(Statement::Rule(rule));
            return end;
        }
        let piece = self.piece(at, end, Rule::one_statement);
        let Some(pair) = self.pest(&piece) else {
            self.remember_name(at);
            return self.skip(at, end);
        };
        let lowered = lower::statement(&mut self.context(piece.base), pair);
        match lowered {
            Some(statement) => self.add(statement),
            None => self.remember_name(at),
        }
        end
    }

    fn at_line_start(&self, at: usize) -> bool {
        let start = self.scan.tokens.get(at).map_or(0, |token| token.start);
        self.borders.text.get(..start).is_some_and(|before| before.ends_with('\n'))
    }

    /// A statement that only stands at the top level, inside a purpose: either the purpose lacks its `}`, or the statement
    /// stands in the wrong place. Which of the two, the braces of the file and the indentation tell.
    fn leave_or_refuse(&mut self, at: usize, keyword: &str) {
        if !self.closes_all && self.at_line_start(at) {
            self.closes_all = true;
            self.unclosed();
            return;
        }
        let Some(open) = &self.purpose else { return };
        let error = Diagnostic::new(
            &syntax::NOT_IN_PURPOSE,
            self.span(at, at + 1),
            format!("`{keyword}` does not stand inside a purpose"),
        );
        let error = error.label("only allow, deny, never, only, must and waive do");
        self.sink.push(
            error
                .also(open.head, format!("purpose `{}` begins here", open.purpose.name.value))
                .help("move it before the purpose, or after the `}` that ends it"),
        );
        if keyword == "purpose" {
            self.finish(at);
            self.stray_open += 1;
        }
    }

    fn purpose(&mut self, at: usize, end: usize) -> usize {
        let piece = self.piece(at, end, Rule::one_purpose_head);
        let opened = end.checked_sub(1).and_then(|last| self.borders.kind(last)) == Some(Kind::Open);
        let read = self.pest(&piece);
        let lowered = read.and_then(|pair| lower::purpose_head(&mut self.context(piece.base), pair));
        let head = self.span(at, end.min(at + 2));
        let (name, title) = match lowered {
            Some(head) => head,
            None if opened => (Spanned::new(self.borders.word(at + 1).to_owned(), head), None),
            None => return self.unopened(at, end),
        };
        let body = self.body_end(end);
        let meta = if body > end { self.meta(&name.value, head, end, body) } else { Meta::default() };
        let span = self.span(at, end);
        self.purpose = Some(Open { purpose: Purpose { name, title, meta, members: Vec::new(), span }, head });
        body
    }

    /// Goes on after a `purpose` without a `{`: its `}`, if it has one, closes nothing and is passed over.
    fn unopened(&mut self, at: usize, end: usize) -> usize {
        if self.surplus > 0 {
            self.surplus -= 1;
            self.stray_open += 1;
        }
        self.skip(at, end)
    }

    /// The end of the meta clauses that begin at `start`.
    fn body_end(&self, start: usize) -> usize {
        let done = |at: &usize| self.borders.kind(*at) == Some(Kind::Close) || self.ends_body(start, *at);
        (start..self.scan.tokens.len()).find(done).unwrap_or(self.scan.tokens.len())
    }

    fn ends_body(&self, start: usize, at: usize) -> bool {
        if at == start {
            return self.borders.is_statement(at);
        }
        self.borders.begins_statement(start, at)
    }

    fn meta(&mut self, name: &str, head: Span, start: usize, end: usize) -> Meta {
        let piece = self.piece(start, end, Rule::purpose_body);
        match self.pest(&piece) {
            Some(pair) => lower::purpose_body(&mut self.context(piece.base), name, head, pair),
            None => Meta::default(),
        }
    }

    /// Handles a `}`, returns where to go on.
    fn close(&mut self, at: usize) -> usize {
        if self.purpose.is_some() {
            self.finish(at + 1);
        } else if self.stray_open > 0 {
            self.stray_open -= 1;
        } else {
            let error = Diagnostic::new(&syntax::UNEXPECTED, self.span(at, at + 1), "this `}` closes nothing");
            self.sink.push(error.label("no purpose is open here").help("remove it"));
        }
        at + 1
    }

    /// Ends the open purpose before the token `end`.
    fn finish(&mut self, end: usize) {
        if let Some(mut open) = self.purpose.take() {
            let last = self.span(end.saturating_sub(1), end);
            open.purpose.span = open.purpose.span.to(last);
            self.statements.push(Statement::Purpose(open.purpose));
        }
    }

    /// Reports an open purpose as not closed, and ends it.
    fn unclosed(&mut self) {
        let Some(open) = &self.purpose else { return };
        let message = format!("purpose `{}` is not closed", open.purpose.name.value);
        let error = Diagnostic::new(&syntax::UNCLOSED_PURPOSE, open.head, message);
        self.sink.push(error.label("its `{` has no `}`").help("add a `}` after its last statement"));
        if let Some(open) = self.purpose.take() {
            self.statements.push(Statement::Purpose(open.purpose));
        }
    }

    fn add(&mut self, statement: Statement) {
        let Some(open) = &mut self.purpose else { return self.statements.push(statement) };
        match statement {
            Statement::Rule(rule) => open.purpose.members.push(Member::Rule(rule)),
            Statement::Assertion(assertion) => open.purpose.members.push(Member::Assertion(assertion)),
            Statement::Waiver(waiver) => open.purpose.members.push(Member::Waiver(waiver)),
            other => self.statements.push(other),
        }
    }

    /// Keeps the name that a broken statement gives, so that nobody reports it as unknown.
    fn remember_name(&mut self, at: usize) {
        let name = self.borders.word(at + 1);
        if keywords::is_plain_word(name) {
            self.broken.push(Spanned::new(name.to_owned(), self.span(at + 1, at + 2)));
        }
    }

    /// Where to go on after an error in `start..end`.
    fn skip(&mut self, start: usize, end: usize) -> usize {
        let safe = self.borders.next_safe(end);
        let tokens = self.scan.tokens.get(start..safe).unwrap_or_default();
        self.stray_open += tokens.iter().filter(|token| token.kind == Kind::Open).count();
        safe
    }

    fn pest(&mut self, piece: &Piece<'t>) -> Option<Pair<'t, Rule>> {
        let error = match expect::unclosed_string(piece) {
            Some(error) => error,
            None => match Grammar::parse(piece.entry, piece.text) {
                Ok(pairs) => return first(pairs),
                Err(error) => expect::explain(piece, &error),
            },
        };
        self.sink.push(error);
        None
    }

    fn context(&mut self, base: usize) -> Context<'_> {
        Context { file: self.file, base, sink: self.sink }
    }

    fn piece(&self, first: usize, end: usize, entry: Rule) -> Piece<'t> {
        let start = self.scan.tokens.get(first).map_or(0, |token| token.start);
        let last = end.checked_sub(1).and_then(|last| self.scan.tokens.get(last));
        let text = self.borders.text.get(start..last.map_or(start, |token| token.end)).unwrap_or("");
        Piece { file: self.file, text, whole: self.borders.text, base: start, scan: self.scan, first, end, entry }
    }

    /// The span of the tokens `first..end`.
    fn span(&self, first: usize, end: usize) -> Span {
        let start = self.scan.tokens.get(first).map_or(0, |token| token.start);
        let last = end.checked_sub(1).and_then(|last| self.scan.tokens.get(last));
        Span::new(self.file, start, last.map_or(start, |token| token.end))
    }
}

fn first<'i>(mut pairs: Pairs<'i, Rule>) -> Option<Pair<'i, Rule>> {
    pairs.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cuts of the reader agree with the grammar's own rule for a whole file: as many statements, no error.
    #[test]
    fn cuts_agree_with_the_grammar() {
        let text = include_str!("../../tests/corpus/policy/every-construct.policy");
        let mut sink = Sink::default();
        let tree = parse(FileId(0), text, &mut sink);
        assert!(sink.is_empty(), "{:?}", sink.as_slice());
        let mut whole = Grammar::parse(Rule::file, text).expect("the grammar takes it");
        let statements = whole.next().expect("a file").into_inner().filter(|pair| pair.as_rule() != Rule::EOI);
        assert_eq!(statements.count(), tree.statements.len());
    }

    #[test]
    fn expressions_of_the_command_line() {
        let file = FileId(0);
        assert_eq!(parse_endpoints(file, " tag:a & b, 10.0.0.0/8 ").map(|found| found.items.len()), Ok(2));
        assert_eq!(parse_services(file, "tcp/443, ssh except udp").map(|found| found.except.len()), Ok(1));
        for text in ["", "a b", "a,", "10.0.0.5/24", "from", "\"", "a }"] {
            assert!(parse_endpoints(file, text).is_err_and(|errors| !errors.is_empty()), "{text}");
            assert!(parse_services(file, text).is_err_and(|errors| !errors.is_empty()), "{text}");
        }
    }
}
