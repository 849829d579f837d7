//! Reads the text form: blocks and commands, in order.
//!
//! A file that is loaded over what a device already has means that, too; what the file says of itself is all that is read here.
//! Absent on purpose: files named by `include`, and what handles (`delete rule ... handle 5`) mean, which only the device knows.

use super::memory::Memory;
use super::parse::{self, Variables, on_one_line};
use super::plain;
use super::ruleset::{BaseEntry, ChainEntry, RuleEntry, Ruleset, TableFamily, TableKey, hook, priority};
use super::scan::{Next, Piece, Scanner, is_anonymous_chain};
use super::tree::{Does, Expr, Statement, Text, Verdict};
use super::words::Words;
use crate::listing::Blur;

mod sets;

/// Which readings are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// What is plain without the grammar, the rest by it.
    PlainFirst,
    /// The grammar alone: what the other one is measured by.
    GrammarAlone,
}

/// Reads a text; `memory` is what was read before.
pub fn read(text: &str, reading: Reading, memory: Memory) -> Ruleset<'_> {
    let mut reader = Reader {
        scanner: Scanner::new(text),
        rules: Ruleset::new(memory, text.len()),
        variables: Variables::default(),
        reading,
        depth: 0,
        unnamed: 0,
    };
    reader.variables.enter();
    reader.file();
    reader.rules
}

struct Reader<'t> {
    scanner: Scanner<'t>,
    rules: Ruleset<'t>,
    variables: Variables<'t>,
    reading: Reading,
    /// In how many chains without a name the one that is read stands.
    depth: usize,
    /// How many of them there were.
    unnamed: usize,
}

/// How deep chains without a name may stand in each other, as deep as `nft` lets chains be nested.
const DEEPEST: usize = 16;

/// How many lines of a statement that does not fit are tried as rules.
const MOST_LINES: usize = 20;

const OBJECTS: [&str; 11] =
    ["chain", "set", "map", "flowtable", "counter", "quota", "limit", "secmark", "synproxy", "ct", "tunnel"];

/// Whether a block of a table begins after these words.
fn opens_object(head: &str) -> bool {
    OBJECTS.contains(&Words { rest: head }.next())
}

/// Whether a block begins after these words of a command.
fn opens_block(head: &str) -> bool {
    let mut words = Words { rest: head };
    let mut first = words.next();
    if matches!(first, "add" | "create") {
        first = words.next();
    }
    first == "table" || OBJECTS.contains(&first)
}

impl<'t> Reader<'t> {
    fn lost(&mut self, piece: Piece<'_>, what: &str) {
        self.rules.notice(piece.line, &on_one_line(piece.text), what, Blur::Whole);
    }

    fn file(&mut self) {
        loop {
            match self.scanner.next(opens_block) {
                Next::Block(head) => self.top_block(head),
                Next::Statement(piece) if piece.text.is_empty() => {}
                Next::Statement(piece) => self.command(piece),
                Next::Broken(piece) => self.lost(piece, "a brace that is not closed"),
                Next::Close(line) => {
                    self.rules.notice(line, "}", "a brace that closes nothing", Blur::Whole);
                }
                Next::End => return,
            }
        }
    }

    fn top_block(&mut self, head: Piece<'t>) {
        let mut words = Words { rest: head.text };
        if matches!(words.peek(), "add" | "create") {
            words.next();
        }
        let object = words.next();
        if object == "table" {
            let table = words.table();
            self.rules.declare(&table, head.line);
            return self.table(&table, head);
        }
        if object == "ct" {
            words.next();
        }
        let table = words.table();
        self.object(&table, object, words, head);
    }

    fn table(&mut self, table: &TableKey, head: Piece<'t>) {
        self.variables.enter();
        loop {
            match self.scanner.next(opens_object) {
                Next::Block(head) => {
                    let mut words = Words { rest: head.text };
                    let object = words.next();
                    self.object(table, object, words, head);
                }
                Next::Statement(piece) if piece.text.is_empty() => {}
                Next::Statement(piece) => self.table_statement(table, piece),
                Next::Broken(piece) => self.lost(piece, "a brace that is not closed"),
                Next::Close(_) => break,
                Next::End => {
                    self.lost(head, "a table that does not end");
                    break;
                }
            }
        }
        self.variables.leave();
    }

    fn table_statement(&mut self, table: &TableKey, piece: Piece<'t>) {
        let mut words = Words { rest: piece.text };
        match words.next() {
            "flags" => {
                let dormant = words.rest.split(',').any(|flag| flag.trim() == "dormant");
                self.rules.table(table, piece.line).dormant |= dormant;
            }
            "comment" => {}
            _ if self.anywhere(piece) => {}
            _ => self.lost(piece, "a statement that is not known in a table"),
        }
    }

    /// What may stand in every block.
    fn anywhere(&mut self, piece: Piece<'t>) -> bool {
        let mut words = Words { rest: piece.text };
        match words.next() {
            "define" | "redefine" => self.define(words.rest),
            "undefine" => self.variables.forget(words.next()),
            "include" => self.lost(piece, "a file that is not read"),
            _ => return false,
        }
        true
    }

    fn define(&mut self, text: &'t str) {
        let Some((name, value)) = text.split_once('=') else { return };
        let value = self.value(value);
        let value = value.unwrap_or_else(|| Expr::Other(format!("${}", name.trim()).into()));
        self.variables.define(name.trim(), value);
    }

    fn object(&mut self, table: &TableKey, object: &str, mut words: Words<'t>, head: Piece<'t>) {
        match object {
            "chain" => {
                let name = words.next();
                self.chain(table, name.into(), head);
            }
            "set" | "map" => {
                let name = words.next();
                self.set(table, object, name, head);
            }
            "flowtable" => {
                self.scanner.skip_block();
                let noticed = super::ruleset::noticed(
                    head.line,
                    &on_one_line(head.text),
                    "a flow table: packets of connections that it holds pass by the rules",
                    Blur::Clear,
                );
                self.rules.table(table, head.line).noticed.push(noticed);
            }
            // Counters, quotas, limits, helpers: they decide nothing where no rule names them.
            _ => {
                self.rules.table(table, head.line);
                self.scanner.skip_block();
            }
        }
    }

    fn chain(&mut self, table: &TableKey, name: Text<'t>, head: Piece<'t>) {
        let mut chain = self.rules.take_chain(table, &name, head.line);
        self.variables.enter();
        loop {
            match self.scanner.next(is_anonymous_chain) {
                Next::Block(head) => {
                    let rule = self.anonymous_chain(table, &name, head);
                    chain.rules.push_back(rule);
                }
                Next::Broken(piece) => {
                    let rule = self.broken_rule(piece);
                    chain.rules.push_back(rule);
                }
                Next::Statement(piece) => self.chain_statement(table, &mut chain, piece),
                Next::Close(_) => break,
                Next::End => {
                    self.lost(head, "a chain that does not end");
                    break;
                }
            }
        }
        self.variables.leave();
        self.rules.put_back(table, name, chain);
    }

    /// `tcp dport 22 jump {` and the rules up to its brace: a chain that is named after the one it stands in, with a number, and the rule that leads there.
    fn anonymous_chain(&mut self, table: &TableKey, chain: &str, head: Piece<'t>) -> RuleEntry<'t> {
        let text: Text<'t> = format!("{} {{ ... }}", on_one_line(head.text)).into();
        if self.depth >= DEEPEST {
            self.lost(head, "chains that are nested too deep");
            self.scanner.skip_block();
            return RuleEntry { line: head.line, text, statements: None };
        }
        self.unnamed += 1;
        let name = format!("{chain} {{{}}}", self.unnamed);
        let there = Text::from(name.clone());
        let (before, verdict) = match head.text.strip_suffix("goto") {
            Some(before) => (before, Verdict::Goto(there)),
            None => (head.text.strip_suffix("jump").unwrap_or(head.text), Verdict::Jump(there)),
        };
        let mut statements = parse::rule(before, &mut self.variables);
        if let Some(statements) = &mut statements {
            statements.push(Statement { text: text.clone(), does: Does::Decide(verdict) });
        }
        let rule = self.rule(head, statements);
        self.depth += 1;
        self.chain(table, name.into(), head);
        self.depth -= 1;
        RuleEntry { text, ..rule }
    }

    /// The first line of a statement that does not fit, where it took lines into its braces that are rules themselves.
    fn without_swallowed(&mut self, piece: Piece<'t>) -> Option<Piece<'t>> {
        let (first, rest) = piece.text.split_once('\n')?;
        let mut lines = rest.lines().filter(|line| !line.trim().is_empty()).take(MOST_LINES);
        let swallowed = lines.any(|line| parse::rule(line, &mut self.variables).is_some_and(|rule| !rule.is_empty()));
        (swallowed && self.scanner.back_to_first_line(piece)).then(|| Piece { text: first.trim(), ..piece })
    }

    fn broken_rule(&mut self, piece: Piece<'t>) -> RuleEntry<'t> {
        self.lost(piece, "a brace that is not closed");
        RuleEntry { line: piece.line, text: on_one_line(piece.text), statements: None }
    }

    fn plain_rule(&mut self, piece: Piece<'t>) -> Option<RuleEntry<'t>> {
        if !piece.comment.is_empty() || piece.text.is_empty() || self.reading == Reading::GrammarAlone {
            return None;
        }
        let (statements, text) = plain::rule(piece.text, &mut self.rules.statements)?;
        Some(RuleEntry { line: piece.line, text, statements: Some(statements) })
    }

    fn chain_statement(&mut self, table: &TableKey, chain: &mut ChainEntry<'t>, piece: Piece<'t>) {
        if let Some(rule) = self.plain_rule(piece) {
            chain.rules.push_back(rule);
            return;
        }
        let mut words = Words { rest: piece.text };
        match words.next() {
            "" if !is_rule_in_comment(piece.comment) => {}
            "type" if piece.text.split_whitespace().any(|word| word == "hook") => {
                let known = chain.base.as_ref().map(|base| base.drops);
                let base = self.base(table, piece);
                // Who declares a base chain again without a policy leaves it the one that it has.
                chain.base = Some(BaseEntry { drops: known.unwrap_or(base.drops), ..base });
            }
            "policy" => {
                let policy = self.word(words.rest);
                if let Some(base) = &mut chain.base {
                    base.drops = drops(&policy);
                }
            }
            "comment" if Words { rest: words.rest }.peek().starts_with('"') && words.rest.trim().ends_with('"') => {}
            "devices" | "device" | "flags" => {}
            _ if self.anywhere(piece) => {}
            _ => {
                let statements = parse::rule(piece.text, &mut self.variables);
                let first = if statements.is_none() { self.without_swallowed(piece) } else { None };
                let rule = match first {
                    Some(first) => self.broken_rule(first),
                    None => self.rule(piece, statements),
                };
                chain.rules.push_back(rule);
            }
        }
    }

    /// A word, or the value of a variable that is one.
    fn word(&mut self, text: &str) -> String {
        let text = text.trim();
        let Some(name) = text.strip_prefix('$') else { return text.trim_matches('"').to_owned() };
        match self.variables.put(name) {
            Expr::Word(word) | Expr::Quoted(word) => word.into_owned(),
            _ => text.to_owned(),
        }
    }

    fn base(&mut self, table: &TableKey, piece: Piece<'t>) -> BaseEntry {
        let text = on_one_line(piece.text);
        let after = |word: &str| {
            text.split_once(&format!(" {word} "))
                .and_then(|(_, rest)| rest.split_whitespace().next())
                .unwrap_or_default()
        };
        let (kind, hooked) = (text.split_whitespace().nth(1).unwrap_or_default(), hook(after("hook")));
        let number = text.split_once(" priority ").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        let number = number.split_whitespace().map(|word| self.word(word)).collect::<Vec<_>>().join(" ");
        let base =
            BaseEntry { kind: kind.to_owned(), hook: hooked, priority: priority(table.0, &number), drops: Some(false) };
        if base.priority.is_none() {
            self.lost(piece, "a priority that is not understood");
        }
        base
    }

    fn rule(&mut self, piece: Piece<'t>, mut statements: Option<Vec<Statement<'t>>>) -> RuleEntry<'t> {
        if statements.is_none() {
            self.lost(piece, "a rule that was not understood");
        }
        let mut text = on_one_line(piece.text);
        if is_rule_in_comment(piece.comment) {
            text = format!("{text} # {}", piece.comment).trim().to_owned().into();
            if let Some(statements) = &mut statements {
                statements.extend(rest_in_comment(piece.comment));
            }
        }
        let statements = statements.map(|statements| self.rules.statements.keep(statements));
        RuleEntry { line: piece.line, text, statements }
    }

    /// A list of elements, or another value.
    fn value(&mut self, text: &'t str) -> Option<Expr<'t>> {
        let plain = if self.reading == Reading::PlainFirst { plain::value(text) } else { None };
        plain.or_else(|| parse::value(text, &mut self.variables))
    }

    fn command(&mut self, piece: Piece<'t>) {
        let mut words = Words { rest: piece.text };
        let first = words.next();
        match first {
            "add" | "create" | "insert" => {
                let object = words.next();
                self.add(first, object, words, piece);
            }
            "table" | "chain" | "rule" | "element" | "set" | "map" | "counter" | "quota" | "limit" | "flowtable"
            | "ct" => {
                self.add("add", first, words, piece);
            }
            "flush" => self.flush(words, piece),
            "delete" | "destroy" => self.delete(words, piece),
            "list" | "reset" | "describe" | "monitor" | "export" => {}
            _ if self.anywhere(piece) => {}
            _ => self.lost(piece, "a command that is not known"),
        }
    }

    fn add(&mut self, command: &str, object: &str, mut words: Words<'t>, piece: Piece<'t>) {
        let table = words.table();
        match object {
            "table" => self.rules.declare(&table, piece.line),
            "chain" => {
                let name = words.next();
                self.rules.chain(&table, name, piece.line);
            }
            "set" | "map" => {
                let name = words.next();
                self.rules.set(&table, name, piece.line);
            }
            "element" => {
                let name = words.next();
                let elements = self.value(words.rest);
                if elements.is_none() {
                    self.lost(piece, "elements that were not understood");
                }
                self.rules.set(&table, name, piece.line).add(elements.unwrap_or(Expr::Other("".into())));
            }
            "rule" => self.add_rule(command, &table, words, piece),
            "counter" | "quota" | "limit" | "ct" | "flowtable" | "secmark" | "synproxy" => {}
            _ => self.lost(piece, "a command that is not known"),
        }
    }

    fn add_rule(&mut self, command: &str, table: &TableKey, mut words: Words<'t>, piece: Piece<'t>) {
        let chain = words.next();
        let mut place = None;
        if matches!(words.peek(), "handle" | "position" | "index") {
            let (kind, number) = (words.next(), words.next());
            place = number.parse::<usize>().ok().filter(|_| kind == "index");
            if place.is_none() {
                self.lost(piece, "a rule at a place that only the device knows");
            }
        }
        let piece = Piece { text: words.rest.trim(), ..piece };
        let rule = self.plain_rule(piece).unwrap_or_else(|| {
            let statements = parse::rule(piece.text, &mut self.variables);
            self.rule(piece, statements)
        });
        let rules = &mut self.rules.chain(table, chain, piece.line).rules;
        let at = match (place, command) {
            (Some(index), "insert") => index,
            (Some(index), _) => index.saturating_add(1),
            (None, "insert") => 0,
            (None, _) => rules.len(),
        };
        rules.insert(at.min(rules.len()), rule);
    }

    fn flush(&mut self, mut words: Words<'t>, piece: Piece<'t>) {
        let object = words.next();
        if object == "ruleset" {
            let family = TableFamily::by_name(words.peek());
            return self.rules.flush(family);
        }
        let key = words.table();
        let name = words.next();
        let Some(table) = self.rules.existing(&key) else { return };
        match object {
            "table" => table.chains.values_mut().for_each(|chain| chain.rules.clear()),
            "chain" => {
                if let Some(chain) = table.chains.get_mut(name) {
                    chain.rules.clear();
                }
            }
            "set" | "map" | "meter" => {
                if let Some(set) = table.sets.get_mut(name) {
                    set.clear();
                }
            }
            _ => self.lost(piece, "a command that is not known"),
        }
    }

    fn delete(&mut self, mut words: Words<'t>, piece: Piece<'t>) {
        let object = words.next();
        let key = words.table();
        if object == "table" {
            self.rules.delete(&key);
            return;
        }
        let name = words.next();
        let elements = if object == "element" { self.value(words.rest) } else { None };
        let Some(table) = self.rules.existing(&key) else { return };
        match object {
            "chain" => {
                table.chains.remove(name);
            }
            "set" | "map" => {
                table.sets.remove(name);
            }
            "element" => {
                if let Some(set) = table.sets.get_mut(name) {
                    set.remove(elements.unwrap_or(Expr::Other("".into())));
                }
            }
            "flowtable" | "counter" | "quota" | "limit" | "ct" | "secmark" | "synproxy" => {}
            _ => self.lost(piece, "a command that only the device understands"),
        }
    }
}

fn drops(policy: &str) -> Option<bool> {
    match policy {
        "accept" => Some(false),
        "drop" => Some(true),
        _ => None,
    }
}

/// Whether a comment is the rest of a rule: `nft` prints what other programs loaded, and it cannot say, behind a `#`.
fn is_rule_in_comment(comment: &str) -> bool {
    comment.starts_with("xt") || comment.starts_with("match-set") || comment.contains("counter packets ")
}

/// What is known of a rule from there on: one more condition, and its verdict if it ends in one.
fn rest_in_comment(comment: &str) -> [Statement<'_>; 2] {
    let mut words = comment.split_whitespace().rev();
    let (last, before) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let decides = match (before, last) {
        ("jump", chain) => Does::Decide(Verdict::Jump(chain.into())),
        ("goto", chain) => Does::Decide(Verdict::Goto(chain.into())),
        (_, "accept") => Does::Decide(Verdict::Accept),
        (_, "drop") => Does::Decide(Verdict::Drop),
        (_, "return") => Does::Decide(Verdict::Return),
        _ => Does::Unknown,
    };
    let text = Text::from(format!("# {comment}"));
    [Statement { text: text.clone(), does: Does::Ask }, Statement { text, does: decides }]
}
