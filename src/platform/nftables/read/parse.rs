//! Turns the text of a rule or of a value into the tree of [`super::tree`].
//!
//! Variables are put in place here, because they mean what was defined above the line that uses them. How much a file may grow by them is bounded
//! ([`Variables::put`]), for definitions can double each other. Absent on purpose: what a field means.

use std::collections::BTreeMap;

use pest::Parser as _;
use pest::iterators::Pair;

use super::grammar::{Grammar, Rule};
use super::names::prefix_length;
use super::tree::{Does, Element, Expr, Only, Operator, Statement, Text, Verdict};

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
pub struct Variables<'t> {
    scopes: Vec<BTreeMap<&'t str, (Expr<'t>, usize)>>,
    expanded: usize,
}

impl<'t> Variables<'t> {
    /// A block begins: what it defines ends with it.
    pub fn enter(&mut self) {
        self.scopes.push(BTreeMap::new());
    }

    /// A block ends.
    pub fn leave(&mut self) {
        self.scopes.pop();
    }

    /// Defines a variable, or defines it anew.
    pub fn define(&mut self, name: &'t str, value: Expr<'t>) {
        let (size, depth) = measure(&value);
        let value = if depth > DEEPEST_VALUE { Expr::Other(format!("${name}").into()) } else { value };
        if self.scopes.is_empty() {
            self.enter();
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, (value, size));
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
    pub fn put(&mut self, name: &str) -> Expr<'t> {
        let found = self.scopes.iter().rev().find_map(|scope| scope.get(name));
        match found {
            Some((value, size)) if self.expanded.saturating_add(*size) <= LARGEST_EXPANSION => {
                self.expanded += size;
                value.clone()
            }
            _ => Expr::Other(format!("${name}").into()),
        }
    }
}

/// How many nodes an expression has, and how deep they stand in each other.
fn measure(expr: &Expr<'_>) -> (usize, usize) {
    let parts: (usize, usize) = match expr {
        Expr::Set(elements) => together(elements.iter().map(|element| &element.key)),
        Expr::Flags(parts) | Expr::Concat(parts) => together(parts.iter()),
        Expr::Range(a, b) | Expr::Bits(a, _, b) => together([a.as_ref(), b.as_ref()].into_iter()),
        Expr::Prefix(a, _) => measure(a),
        Expr::Word(_) | Expr::Quoted(_) | Expr::Named(_) | Expr::Field(_) | Expr::Star | Expr::Other(_) => (0, 0),
    };
    (parts.0 + 1, parts.1 + 1)
}

fn together<'e, 't: 'e>(parts: impl Iterator<Item = &'e Expr<'t>>) -> (usize, usize) {
    parts.map(measure).fold((0, 0), |(size, depth), (more, deep)| (size + more, depth.max(deep)))
}

/// Reads the statements of a rule; `None` if they do not fit the grammar.
pub fn rule<'t>(text: &'t str, variables: &mut Variables<'t>) -> Option<Vec<Statement<'t>>> {
    let parsed = parsed(Rule::one_rule, text)?;
    let statements = parsed.into_inner().filter(|pair| pair.as_rule() == Rule::statement);
    Some(statements.filter_map(|pair| pair.into_inner().next()).map(|pair| statement(pair, variables)).collect())
}

/// Reads a value: of a variable, of `elements =`, of `devices =`; `None` if it does not fit the grammar.
pub fn value<'t>(text: &'t str, variables: &mut Variables<'t>) -> Option<Expr<'t>> {
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
pub fn on_one_line(text: &str) -> Text<'_> {
    if is_on_one_line(text) {
        return text.trim().into();
    }
    let (mut result, mut quoted, mut rest) = (String::with_capacity(text.len()), false, text.chars().peekable());
    while let Some(c) = rest.next() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => {
                while rest.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            '\\' if !quoted && rest.clone().find(|next| *next != '\r') == Some('\n') => continue,
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
    result.trim().to_owned().into()
}

/// Whether a text has no comment, no line's end, and no blank that [`on_one_line`] would take out or change.
pub(super) fn is_on_one_line(text: &str) -> bool {
    let mut before = 0;
    text.bytes().all(|byte| {
        let is_second_blank = (byte == b' ') & (before == b' ');
        before = byte;
        !(is_second_blank | (byte != b' ' && byte.is_ascii_whitespace()) | matches!(byte, b'#' | b'\\'))
    })
}

/// How much of a statement is kept to name it by, in bytes.
const LONGEST: usize = 400;

/// What a statement is called where it is not understood: its text, the end of a long one left out. A set of many elements may be named by each of them.
pub fn title(text: &str) -> Text<'_> {
    let text = text.trim();
    if text.len() <= LONGEST {
        return on_one_line(text);
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{} ...", on_one_line(text.get(..end).unwrap_or_default())).into()
}

fn statement<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Statement<'t> {
    let text = title(pair.as_str());
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
pub(super) fn rejected(text: &str) -> Only {
    let mut words = text.split_whitespace().skip_while(|word| *word != "with").skip(1);
    match words.next() {
        Some("tcp") => Only::Tcp,
        Some("icmp") => Only::Ip,
        Some("icmpv6") => Only::Ip6,
        _ => Only::Any,
    }
}

fn opaque<'t>(pair: &Pair<'t, Rule>) -> Does<'t> {
    let kind = pair.clone().into_inner().find(|part| part.as_rule() == Rule::kind);
    if kind.is_some_and(|kind| kind.as_str() == "match") { Does::Ask } else { Does::Unknown }
}

fn filled(pair: Pair<'_, Rule>) -> Does<'_> {
    let set = pair.into_inner().find(|part| part.as_rule() == Rule::reference);
    Does::Fill(set.map(|set| without_sign(set.as_str())).unwrap_or_default().into())
}

/// A name without the `@` or `$` before it, a length without its `/`.
fn without_sign(name: &str) -> &str {
    name.get(1..).unwrap_or_default()
}

fn verdict<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Verdict<'t> {
    let text = pair.as_str();
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
        _ => Verdict::Other(title(text)),
    }
}

fn name_of(expr: Expr<'_>) -> Option<Text<'_>> {
    match expr {
        Expr::Word(name) | Expr::Quoted(name) => Some(name),
        Expr::Flags(mut parts) if parts.len() == 1 => parts.pop().and_then(name_of),
        _ => None,
    }
}

fn comparison<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Does<'t> {
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
            Does::Compare(Expr::Bits(Box::new(left), "/".into(), Box::new(mask)), operator, value)
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

fn key<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Expr<'t> {
    let parts = pair.into_inner().filter(|part| part.as_rule() == Rule::masked);
    one_or(parts.map(|part| with_bits(part, variables)).collect(), Expr::Concat)
}

fn field(pair: Pair<'_, Rule>) -> Expr<'_> {
    let mut words: Vec<Text<'_>> = match on_one_line(pair.as_str()) {
        Text::Borrowed(words) => words.split_whitespace().map(Text::Borrowed).collect(),
        Text::Owned(words) => words.split_whitespace().map(|word| word.to_owned().into()).collect(),
    };
    let unqualified = pair.into_inner().next().and_then(|inner| match inner.as_rule() {
        Rule::meta => inner.into_inner().next(),
        _ => None,
    });
    if unqualified.is_some_and(|inner| inner.as_rule() == Rule::unqualified) {
        words.insert(0, "meta".into());
    }
    Expr::Field(words)
}

fn list<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Expr<'t> {
    let parts: Vec<Expr> =
        pair.into_inner().filter(|part| part.as_rule() == Rule::concat).map(|part| concat(part, variables)).collect();
    one_or(parts, Expr::Flags)
}

pub(super) fn one_or<'t>(mut parts: Vec<Expr<'t>>, several: impl FnOnce(Vec<Expr<'t>>) -> Expr<'t>) -> Expr<'t> {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            several(parts)
        }
        (None, _) => Expr::Other("".into()),
    }
}

fn concat<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Expr<'t> {
    let parts = pair.into_inner().filter(|part| part.as_rule() == Rule::binary);
    one_or(parts.map(|part| with_bits(part, variables)).collect(), Expr::Concat)
}

/// A field or a value with the operators after it, from left to right.
fn with_bits<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Expr<'t> {
    let (mut result, mut operator) = (None, "");
    if pair.clone().into_inner().count() > 2 * MOST_OPERATORS {
        return Expr::Other(title(pair.as_str()));
    }
    for part in pair.into_inner() {
        let next = match part.as_rule() {
            Rule::field => field(part),
            Rule::range => range(part, variables),
            _ => {
                operator = part.as_str().trim();
                continue;
            }
        };
        result = Some(match result.take() {
            None => next,
            Some(left) => Expr::Bits(Box::new(left), symbol(operator).into(), Box::new(next)),
        });
    }
    result.unwrap_or_else(|| Expr::Other("".into()))
}

fn symbol(operator: &str) -> &str {
    match operator {
        "and" => "&",
        "or" => "|",
        "xor" => "^",
        "lshift" => "<<",
        "rshift" => ">>",
        other => other,
    }
}

fn range<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Expr<'t> {
    let mut parts =
        pair.into_inner().filter(|part| part.as_rule() == Rule::primary).map(|part| primary(part, variables));
    match (parts.next(), parts.next()) {
        (Some(first), Some(last)) => Expr::Range(Box::new(first), Box::new(last)),
        (Some(only), None) => only,
        (None, _) => Expr::Other("".into()),
    }
}

fn primary<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Expr<'t> {
    let mut parts = pair.into_inner();
    let Some(atom) = parts.next() else { return Expr::Other("".into()) };
    let atom = primary_atom(atom, variables);
    match parts.find(|part| part.as_rule() == Rule::prefix_length) {
        Some(length) => match prefix_length(without_sign(length.as_str())) {
            Some(length) => Expr::Prefix(Box::new(atom), length),
            None => Expr::Other(length.as_str().into()),
        },
        None => atom,
    }
}

fn primary_atom<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Expr<'t> {
    match pair.as_rule() {
        Rule::set => Expr::Set(elements(pair, variables)),
        Rule::group => pair.into_inner().next().map_or_else(|| Expr::Other("".into()), |part| list(part, variables)),
        Rule::reference => Expr::Named(without_sign(pair.as_str()).into()),
        Rule::variable => variables.put(without_sign(pair.as_str())),
        Rule::string => Expr::Quoted(pair.as_str().trim_matches('"').into()),
        Rule::star => Expr::Star,
        Rule::word => word(pair.as_str()),
        _ => Expr::Word(pair.as_str().into()),
    }
}

/// A word; `10.0.0.0/8` and `80-90` are one word to the grammar, because names may hold `/` and `-` too.
pub(super) fn word(text: &str) -> Expr<'_> {
    if text == "*" {
        return Expr::Star;
    }
    let plain = || Expr::Word(text.into());
    let bytes = text.as_bytes();
    let is_one = bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    if is_one || !bytes.first().is_some_and(u8::is_ascii_digit) {
        return plain();
    }
    if let Some((first, last)) = text.split_once('-').filter(|(_, last)| !last.contains('-')) {
        return Expr::Range(Box::new(word(first)), Box::new(word(last)));
    }
    if let Some((address, length)) = text.split_once('/') {
        return prefix_length(length).map_or_else(plain, |length| Expr::Prefix(Box::new(word(address)), length));
    }
    plain()
}

fn elements<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Vec<Element<'t>> {
    let parts = pair.into_inner().filter(|part| part.as_rule() == Rule::element);
    parts.map(|part| element(part, variables)).collect()
}

fn element<'t>(pair: Pair<'t, Rule>, variables: &mut Variables<'t>) -> Element<'t> {
    let mut result = Element { key: Expr::Other("".into()), verdict: None, fleeting: false };
    let mut seen_key = false;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::concat if !seen_key => {
                result.key = concat(part, variables);
                seen_key = true;
            }
            Rule::concat | Rule::queue_verdict => result.verdict = Some(Verdict::Other(title(part.as_str()))),
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
