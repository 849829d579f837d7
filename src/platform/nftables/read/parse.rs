//! Turns the text of a rule or of a value into the tree of [`super::tree`].
//!
//! Variables are put in place here, because they mean what was defined above the line that uses them. How much a file may grow by them is bounded
//! ([`Variables::put`]), for definitions can double each other. Absent on purpose: what a field means.

use std::collections::BTreeMap;

use pest::Parser as _;
use pest::iterators::Pair;

use super::grammar::{Grammar, Rule};
use super::tree::{Does, Element, Expr, Only, Operator, Statement, Verdict};

/// The deepest nesting of braces and parentheses that is read.
const DEEPEST: usize = 16;

/// The deepest tree that a variable may hold, what is in it by other variables included.
const DEEPEST_VALUE: usize = 100;

/// The most operators after each other: the tree of them is as deep.
const MOST_OPERATORS: usize = 32;

/// How many nodes variables may put in place in one file.
const LARGEST_EXPANSION: usize = 4 << 20;

/// What `define` has defined so far.
#[derive(Debug, Default)]
pub struct Variables {
    scopes: Vec<BTreeMap<String, (Expr, usize)>>,
    expanded: usize,
}

impl Variables {
    /// A block begins: what it defines ends with it.
    pub fn enter(&mut self) {
        self.scopes.push(BTreeMap::new());
    }

    /// A block ends.
    pub fn leave(&mut self) {
        self.scopes.pop();
    }

    /// Defines a variable, or defines it anew.
    pub fn define(&mut self, name: &str, value: Expr) {
        let (size, depth) = measure(&value);
        let value = if depth > DEEPEST_VALUE { Expr::Other(format!("${name}")) } else { value };
        if self.scopes.is_empty() {
            self.enter();
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), (value, size));
        }
    }

    /// Forgets a variable.
    pub fn forget(&mut self, name: &str) {
        for scope in self.scopes.iter_mut().rev() {
            if scope.remove(name).is_some() {
                return;
            }
        }
    }

    /// The value of a variable; [`Expr::Other`] where there is none, or too much was put in place already.
    pub fn put(&mut self, name: &str) -> Expr {
        let found = self.scopes.iter().rev().find_map(|scope| scope.get(name));
        match found {
            Some((value, size)) if self.expanded.saturating_add(*size) <= LARGEST_EXPANSION => {
                self.expanded += size;
                value.clone()
            }
            _ => Expr::Other(format!("${name}")),
        }
    }
}

/// How many nodes an expression has, and how deep they stand in each other.
fn measure(expr: &Expr) -> (usize, usize) {
    let parts: (usize, usize) = match expr {
        Expr::Set(elements) => together(elements.iter().map(|element| &element.key)),
        Expr::Flags(parts) | Expr::Concat(parts) => together(parts.iter()),
        Expr::Range(a, b) | Expr::Bits(a, _, b) => together([a.as_ref(), b.as_ref()].into_iter()),
        Expr::Prefix(a, _) => measure(a),
        Expr::Word(_) | Expr::Quoted(_) | Expr::Named(_) | Expr::Field(_) | Expr::Star | Expr::Other(_) => (0, 0),
    };
    (parts.0 + 1, parts.1 + 1)
}

fn together<'e>(parts: impl Iterator<Item = &'e Expr>) -> (usize, usize) {
    parts.map(measure).fold((0, 0), |(size, depth), (more, deep)| (size + more, depth.max(deep)))
}

/// Reads the statements of a rule; `None` if they do not fit the grammar.
pub fn rule(text: &str, variables: &mut Variables) -> Option<Vec<Statement>> {
    let parsed = parsed(Rule::one_rule, text)?;
    let statements = parsed.into_inner().filter(|pair| pair.as_rule() == Rule::statement);
    Some(statements.filter_map(|pair| pair.into_inner().next()).map(|pair| statement(pair, variables)).collect())
}

/// Reads a value: of a variable, of `elements =`, of `devices =`; `None` if it does not fit the grammar.
pub fn value(text: &str, variables: &mut Variables) -> Option<Expr> {
    let parsed = parsed(Rule::one_value, text)?;
    parsed.into_inner().find(|pair| pair.as_rule() == Rule::list).map(|pair| list(pair, variables))
}

fn parsed(rule: Rule, text: &str) -> Option<Pair<'_, Rule>> {
    if too_deep(text) {
        return None;
    }
    Grammar::parse(rule, text).ok()?.next()
}

fn too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'{' | b'(' => depth += 1,
            b'}' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEEPEST
    })
}

/// A text on one line, without comments.
pub fn on_one_line(text: &str) -> String {
    if !text.contains(['\n', '#', '\t', '\\']) && !text.contains("  ") {
        return text.trim().to_owned();
    }
    let (mut result, mut quoted, mut rest) = (String::with_capacity(text.len()), false, text.chars().peekable());
    while let Some(c) = rest.next() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => {
                while rest.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            '\\' if !quoted && rest.peek().is_some_and(|next| *next == '\n') => continue,
            _ => {}
        }
        if c == '\n' || (c.is_whitespace() && !quoted) {
            if !result.ends_with(' ') {
                result.push(' ');
            }
        } else {
            result.push(c);
        }
    }
    result.trim().to_owned()
}

fn statement(pair: Pair<'_, Rule>, variables: &mut Variables) -> Statement {
    let text = on_one_line(pair.as_str());
    let does = match pair.as_rule() {
        Rule::verdict => Does::Decide(verdict(pair, variables)),
        Rule::reject => Does::Reject(rejected(&text)),
        Rule::comparison => comparison(pair, variables),
        Rule::count_limit | Rule::limit | Rule::quota | Rule::meter => Does::Ask,
        Rule::opaque => opaque(&pair),
        Rule::translate => Does::Translate,
        Rule::untrack => Does::Untrack,
        Rule::flow => Does::Offload,
        Rule::copied => Does::Copy,
        Rule::filled => filled(pair),
        Rule::remark | Rule::counter | Rule::last | Rule::log | Rule::reset_option => Does::Nothing,
        _ => Does::Unknown,
    };
    Statement { text, does }
}

/// `nft` adds what the answer asks for: a reset is for TCP alone.
fn rejected(text: &str) -> Only {
    let mut words = text.split_whitespace().skip_while(|word| *word != "with").skip(1);
    match words.next() {
        Some("tcp") => Only::Tcp,
        Some("icmp") => Only::Ip,
        Some("icmpv6") => Only::Ip6,
        _ => Only::Any,
    }
}

fn opaque(pair: &Pair<'_, Rule>) -> Does {
    let kind = pair.clone().into_inner().find(|part| part.as_rule() == Rule::kind);
    if kind.is_some_and(|kind| kind.as_str() == "match") { Does::Ask } else { Does::Unknown }
}

fn filled(pair: Pair<'_, Rule>) -> Does {
    let set = pair.into_inner().find(|part| part.as_rule() == Rule::reference);
    Does::Fill(set.map(|set| without_sign(set.as_str())).unwrap_or_default())
}

fn without_sign(name: &str) -> String {
    name.chars().skip(1).collect()
}

fn verdict(pair: Pair<'_, Rule>, variables: &mut Variables) -> Verdict {
    let text = pair.as_str().to_owned();
    let mut parts = pair.into_inner();
    let word = parts.next().map(|part| part.as_rule());
    let target = parts.find(|part| part.as_rule() == Rule::chain_name).and_then(|part| part.into_inner().next());
    let target = target.and_then(|part| name_of(primary_atom(part, variables)));
    match (word, target) {
        (Some(Rule::kw_accept), _) => Verdict::Accept,
        (Some(Rule::kw_drop), _) => Verdict::Drop,
        (Some(Rule::kw_continue), _) => Verdict::Continue,
        (Some(Rule::kw_return), _) => Verdict::Return,
        (Some(Rule::kw_jump), Some(chain)) => Verdict::Jump(chain),
        (Some(Rule::kw_goto), Some(chain)) => Verdict::Goto(chain),
        _ => Verdict::Other(on_one_line(&text)),
    }
}

fn name_of(expr: Expr) -> Option<String> {
    match expr {
        Expr::Word(name) | Expr::Quoted(name) => Some(name),
        Expr::Flags(mut parts) if parts.len() == 1 => parts.pop().and_then(name_of),
        _ => None,
    }
}

fn comparison(pair: Pair<'_, Rule>, variables: &mut Variables) -> Does {
    let (mut left, mut operator, mut values, mut source, mut changes) =
        (None, Operator::Implicit, Vec::new(), None, false);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::key => left = Some(key(part, variables)),
            Rule::operator => operator = self::operator(part.as_str().trim()),
            Rule::list => values.push(list(part, variables)),
            Rule::source => source = part.into_inner().next().map(|part| primary_atom(part, variables)),
            Rule::changed => changes = true,
            _ => {}
        }
    }
    let Some(left) = left else { return Does::Unknown };
    if changes {
        return Does::Change(left);
    }
    if let Some(source) = source {
        return Does::LookUp(left, source);
    }
    // `syn / syn,ack` asks for the first of the second.
    match (values.pop(), values.pop()) {
        (Some(mask), Some(value)) => {
            Does::Compare(Expr::Bits(Box::new(left), "/".to_owned(), Box::new(mask)), operator, value)
        }
        (Some(value), None) => Does::Compare(left, operator, value),
        (None, _) => Does::Unknown,
    }
}

fn operator(text: &str) -> Operator {
    match text {
        "==" | "eq" => Operator::Equal,
        "!=" | "ne" => Operator::Unequal,
        "!" => Operator::Without,
        "<" | "lt" => Operator::Below,
        ">" | "gt" => Operator::Above,
        "<=" | "le" => Operator::AtMost,
        ">=" | "ge" => Operator::AtLeast,
        _ => Operator::Implicit,
    }
}

fn key(pair: Pair<'_, Rule>, variables: &mut Variables) -> Expr {
    let parts = pair.into_inner().filter(|part| part.as_rule() == Rule::masked);
    one_or(parts.map(|part| with_bits(part, variables)).collect(), Expr::Concat)
}

fn field(pair: Pair<'_, Rule>) -> Expr {
    let words = on_one_line(pair.as_str());
    let mut words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let unqualified = pair.into_inner().next().and_then(|inner| match inner.as_rule() {
        Rule::meta => inner.into_inner().next(),
        _ => None,
    });
    if unqualified.is_some_and(|inner| inner.as_rule() == Rule::unqualified) {
        words.insert(0, "meta".to_owned());
    }
    Expr::Field(words)
}

fn list(pair: Pair<'_, Rule>, variables: &mut Variables) -> Expr {
    let parts: Vec<Expr> =
        pair.into_inner().filter(|part| part.as_rule() == Rule::concat).map(|part| concat(part, variables)).collect();
    one_or(parts, Expr::Flags)
}

fn one_or(mut parts: Vec<Expr>, several: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            several(parts)
        }
        (None, _) => Expr::Other(String::new()),
    }
}

fn concat(pair: Pair<'_, Rule>, variables: &mut Variables) -> Expr {
    let parts = pair.into_inner().filter(|part| part.as_rule() == Rule::binary);
    one_or(parts.map(|part| with_bits(part, variables)).collect(), Expr::Concat)
}

/// A field or a value with the operators after it, from left to right.
fn with_bits(pair: Pair<'_, Rule>, variables: &mut Variables) -> Expr {
    let (mut result, mut operator) = (None, String::new());
    if pair.clone().into_inner().count() > 2 * MOST_OPERATORS {
        return Expr::Other(on_one_line(pair.as_str()));
    }
    for part in pair.into_inner() {
        let next = match part.as_rule() {
            Rule::field => field(part),
            Rule::range => range(part, variables),
            _ => {
                part.as_str().trim().clone_into(&mut operator);
                continue;
            }
        };
        result = Some(match result.take() {
            None => next,
            Some(left) => Expr::Bits(Box::new(left), symbol(&operator), Box::new(next)),
        });
    }
    result.unwrap_or_else(|| Expr::Other(String::new()))
}

fn symbol(operator: &str) -> String {
    let symbol = match operator {
        "and" => "&",
        "or" => "|",
        "xor" => "^",
        "lshift" => "<<",
        "rshift" => ">>",
        other => other,
    };
    symbol.to_owned()
}

fn range(pair: Pair<'_, Rule>, variables: &mut Variables) -> Expr {
    let mut parts =
        pair.into_inner().filter(|part| part.as_rule() == Rule::primary).map(|part| primary(part, variables));
    match (parts.next(), parts.next()) {
        (Some(first), Some(last)) => Expr::Range(Box::new(first), Box::new(last)),
        (Some(only), None) => only,
        (None, _) => Expr::Other(String::new()),
    }
}

fn primary(pair: Pair<'_, Rule>, variables: &mut Variables) -> Expr {
    let mut parts = pair.into_inner();
    let Some(atom) = parts.next() else { return Expr::Other(String::new()) };
    let atom = primary_atom(atom, variables);
    match parts.find(|part| part.as_rule() == Rule::prefix_length) {
        Some(length) => match without_sign(length.as_str()).parse() {
            Ok(length) => Expr::Prefix(Box::new(atom), length),
            Err(_) => Expr::Other(length.as_str().to_owned()),
        },
        None => atom,
    }
}

fn primary_atom(pair: Pair<'_, Rule>, variables: &mut Variables) -> Expr {
    match pair.as_rule() {
        Rule::set => Expr::Set(elements(pair, variables)),
        Rule::group => {
            pair.into_inner().next().map_or_else(|| Expr::Other(String::new()), |part| list(part, variables))
        }
        Rule::reference => Expr::Named(without_sign(pair.as_str())),
        Rule::variable => variables.put(&without_sign(pair.as_str())),
        Rule::string => Expr::Quoted(pair.as_str().trim_matches('"').to_owned()),
        Rule::star => Expr::Star,
        Rule::word => word(pair.as_str()),
        _ => Expr::Word(pair.as_str().to_owned()),
    }
}

/// A word; `10.0.0.0/8` and `80-90` are one word to the grammar, because names may hold `/` and `-` too.
fn word(text: &str) -> Expr {
    if text == "*" {
        return Expr::Star;
    }
    let plain = || Expr::Word(text.to_owned());
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return plain();
    }
    if let Some((first, last)) = text.split_once('-').filter(|(_, last)| !last.contains('-')) {
        return Expr::Range(Box::new(word(first)), Box::new(word(last)));
    }
    if let Some((address, length)) = text.split_once('/') {
        return length.parse().map_or_else(|_| plain(), |length| Expr::Prefix(Box::new(word(address)), length));
    }
    plain()
}

fn elements(pair: Pair<'_, Rule>, variables: &mut Variables) -> Vec<Element> {
    let parts = pair.into_inner().filter(|part| part.as_rule() == Rule::element);
    parts.map(|part| element(part, variables)).collect()
}

fn element(pair: Pair<'_, Rule>, variables: &mut Variables) -> Element {
    let mut result = Element { key: Expr::Other(String::new()), verdict: None, fleeting: false };
    let mut seen_key = false;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::concat if !seen_key => {
                result.key = concat(part, variables);
                seen_key = true;
            }
            Rule::concat | Rule::queue_verdict => result.verdict = Some(Verdict::Other(on_one_line(part.as_str()))),
            Rule::verdict => result.verdict = Some(verdict(part, variables)),
            Rule::option => result.fleeting |= fleeting(part),
            _ => {}
        }
    }
    result
}

fn fleeting(option: Pair<'_, Rule>) -> bool {
    option.into_inner().any(|part| {
        matches!(part.as_rule(), Rule::kw_timeout | Rule::kw_expires | Rule::limit | Rule::quota | Rule::count_limit)
    })
}
