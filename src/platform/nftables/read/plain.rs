//! The plain statements and lists of elements, read straight from the bytes.
//!
//! Nearly all of a large rule set is of a few forms: a field and its value, a counter, a remark, a verdict, lists of addresses. So a rule is tried here first, and whatever
//! is not seen at once to be right is nothing here: then the grammar reads the rule, and it alone speaks. The grammar stays the definition of what rules say; tests send
//! random rules, and the fuzz target sends any text, through both and want the same.
//!
//! A reader may doubt that the end of a statement is found before its value is read: a value that went on (`80 - 90`, `a . b`) would leave a word that begins no
//! statement here, and then nothing of the rule is taken. Absent on purpose: variables, comments, escapes, operators on bits, and every statement that is rare.

use super::addresses::{Entry, range};
use super::names::prefix_length;
use super::parse::{is_on_one_line, on_one_line, one_or, rejected, title, word};
use super::statements::{Id, Ids, Statements};
use super::tree::{Does, Element, Expr, Operator, Statement, Text, Verdict};

#[cfg(test)]
mod tests;

/// Reads a rule: its statements, and its text on one line; `None` if any of it is not plain.
pub fn rule<'t>(text: &'t str, statements: &mut Statements<'t>) -> Option<(Ids, Text<'t>)> {
    let mut line = Cursor { text, at: 0, is_folded: false };
    let mut found = Ids::new();
    let mut end = None;
    loop {
        // What stands behind the addresses stands in rules of many files. What begins with a remark is no rule.
        if end.is_none() && !line.asks_for_address() && !text.starts_with("comment") {
            end = Some((line.rest(), found.len()));
            if let Some(piece) = statements.piece(line.rest()) {
                found.push(piece);
                break;
            }
        }
        found.extend(line.statement(statements)?);
        if line.peek().is_none() {
            if let Some((text, from)) = end {
                statements.keep_piece(text, found.get(from..).unwrap_or_default());
            }
            break;
        }
        line.take(b' ')?;
    }
    Some((found, if line.is_folded { on_one_line(text) } else { text.into() }))
}

/// Reads a list of elements in braces; `None` if any of it is not plain.
pub fn value(text: &str) -> Option<Expr<'_>> {
    let mut list = Cursor { text: text.trim_matches(is_blank_char), at: 0, is_folded: false };
    let elements = list.elements()?;
    list.peek().is_none().then_some(Expr::Set(elements))
}

/// Reads a list of addresses in braces; `None` if any of it is something else, though that may be plain as well.
pub fn addresses(text: &str) -> Option<Vec<Entry<'_>>> {
    let mut list = Cursor { text: text.trim_matches(is_blank_char), at: 0, is_folded: false };
    let found = list.list(|list| {
        let range = range(list.value())?;
        Some((range, list.behind_key()?))
    })?;
    list.peek().is_none().then_some(found)
}

/// Statements that are no longer are called by all of their text.
const SHORT: usize = 100;

/// No more room than for this many elements is made before they are seen.
const MOST_ROOM: usize = 4096;

/// What is kept of a statement.
type Kept = Option<Id>;

/// A place in a text.
struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// Whether a list has more than single blanks in it: there are no others outside of lists and strings.
    is_folded: bool,
}

impl<'t> Cursor<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn asks_for_address(&self) -> bool {
        let Some(rest) = self.rest().strip_prefix("ip") else { return false };
        let rest = rest.strip_prefix('6').unwrap_or(rest);
        rest.starts_with(" saddr ") || rest.starts_with(" daddr ")
    }

    /// Takes what begins here, if it is followed by a blank or nothing.
    fn take_word(&mut self, word: &str) -> Option<()> {
        let after = self.rest().strip_prefix(word)?.bytes().next();
        matches!(after, None | Some(b' ')).then(|| self.at += word.len())
    }

    fn run(&mut self, of: impl Fn(u8) -> bool) -> &'t str {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !of(*byte)).unwrap_or(rest.len());
        self.since(start)
    }

    /// Blanks between the parts of a list.
    fn blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    /// A string, without its quotes.
    fn string(&mut self) -> Option<&'t str> {
        self.take(b'"')?;
        let length = self.rest().bytes().position(|byte| matches!(byte, b'"' | b'\n'))?;
        let inner = self.rest().get(..length)?;
        self.at += length;
        self.take(b'"')?;
        Some(inner)
    }

    fn digits(&mut self) -> Option<()> {
        (!self.run(|byte| byte.is_ascii_digit()).is_empty()).then_some(())
    }

    /// Reads one statement. Inside: nothing is kept of what changes nothing.
    fn statement(&mut self, statements: &mut Statements<'t>) -> Option<Kept> {
        let start = self.at;
        match self.run(is_name) {
            "counter" => self.counted().map(|()| None),
            "comment" if start > 0 => {
                self.take(b' ')?;
                self.string().map(|_| None)
            }
            "log" => self.logged().map(|()| None),
            "accept" | "drop" | "return" | "continue" | "jump" | "goto" => {
                self.at = start;
                let verdict = self.verdict()?;
                self.keep(start, statements, Does::Decide(verdict)).map(Some)
            }
            "reject" => {
                self.rejection()?;
                self.keep(start, statements, Does::Reject(rejected(self.since(start)))).map(Some)
            }
            "limit" => {
                self.rate()?;
                self.keep(start, statements, Does::Ask).map(Some)
            }
            word => self.comparison(start, word, statements).map(Some),
        }
    }

    fn keep(&self, start: usize, statements: &mut Statements<'t>, does: Does<'t>) -> Option<Id> {
        let text = self.since(start);
        statements.plain(text, || Some(Statement { text: called(text), does }))
    }

    /// Behind `counter`.
    fn counted(&mut self) -> Option<()> {
        if self.rest().starts_with(" packets ") {
            self.at += " packets ".len();
            self.digits()?;
            self.rest().starts_with(" bytes ").then(|| self.at += " bytes ".len())?;
            self.digits()?;
        }
        Some(())
    }

    /// Behind `log`.
    fn logged(&mut self) -> Option<()> {
        loop {
            let rest = self.rest();
            let option =
                [" prefix ", " level ", " group ", " snaplen "].iter().find(|option| rest.starts_with(**option));
            let Some(option) = option else { return Some(()) };
            self.at += option.len();
            if *option == " prefix " { self.string().map(drop)? } else { self.plain_word().map(drop)? }
        }
    }

    /// Behind `limit`.
    fn rate(&mut self) -> Option<()> {
        let rest = self.rest();
        self.at += [" rate over ", " rate "].iter().find(|head| rest.starts_with(**head))?.len();
        self.digits()?;
        self.take(b'/')?;
        (!self.run(|byte| byte.is_ascii_lowercase()).is_empty()).then_some(())?;
        if self.rest().starts_with(" burst ") {
            self.at += " burst ".len();
            self.digits()?;
            self.take_word(" packets")?;
        }
        Some(())
    }

    /// Behind `reject`.
    fn rejection(&mut self) -> Option<()> {
        if self.take_word(" with tcp reset").is_some() || !self.rest().starts_with(" with ") {
            return Some(());
        }
        let rest = self.rest();
        let heads = [
            " with icmp type ",
            " with icmpv6 type ",
            " with icmpx type ",
            " with icmp ",
            " with icmpv6 ",
            " with icmpx ",
        ];
        self.at += heads.iter().find(|head| rest.starts_with(**head))?.len();
        self.plain_word().map(drop)
    }

    /// A word that is no keyword.
    fn plain_word(&mut self) -> Option<&'t str> {
        let word = self.run(is_name);
        (word.starts_with(|c: char| c.is_ascii_alphanumeric()) && !is_reserved(word)).then_some(word)
    }

    /// `accept`, `jump there`
    fn verdict(&mut self) -> Option<Verdict<'t>> {
        Some(match self.run(is_name) {
            "accept" => Verdict::Accept,
            "drop" => Verdict::Drop,
            "return" => Verdict::Return,
            "continue" => Verdict::Continue,
            word @ ("jump" | "goto") => {
                self.take(b' ')?;
                let chain = self.run(is_name);
                let fine = chain.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !is_reserved(chain);
                let chain = fine.then_some(Text::Borrowed(chain))?;
                if word == "jump" { Verdict::Jump(chain) } else { Verdict::Goto(chain) }
            }
            _ => return None,
        })
    }

    /// `ip saddr 10.0.0.0/8`, `iifname . oifname vmap { ... }`; `first` is the word that was read already.
    fn comparison(&mut self, start: usize, first: &str, statements: &mut Statements<'t>) -> Option<Id> {
        self.field(first)?;
        while self.rest().as_bytes().get(1) == Some(&b'.') && self.rest().starts_with(" . ") {
            self.at += " . ".len();
            let first = self.run(is_name);
            self.field(first)?;
        }
        let key = self.since(start);
        self.take(b' ')?;
        if self.peek() == Some(b'v') && self.rest().starts_with("vmap ") {
            self.at += "vmap ".len();
            return self.look_up(start, key, statements);
        }
        let operator = self.operator();
        let value = self.at;
        let first = self.peek()?;
        match first {
            b'{' => self.at += self.rest().find('}')? + 1,
            b'"' => drop(self.string()?),
            _ => drop(self.run(|byte| byte != b' ')),
        }
        let (text, value) = (self.since(start), self.since(value));
        let read = || {
            let does = Does::Compare(fields(key), operator, compared(value)?);
            Some(Statement { text: called(text), does })
        };
        let id = if first == b'@' { statements.of_file(text, read)? } else { statements.plain(text, read)? };
        // What is remembered is on one line.
        self.is_folded |= first == b'{' && matches!(id, Id::Own(_)) && !is_on_one_line(value);
        Some(id)
    }

    fn operator(&mut self) -> Operator {
        let operator = match self.rest().as_bytes() {
            [b'!', b'=', b' ', ..] => Operator::Unequal,
            [b'=', b'=', b' ', ..] => Operator::Equal,
            _ => return Operator::Implicit,
        };
        self.at += "!= ".len();
        operator
    }

    fn look_up(&mut self, start: usize, key: &'t str, statements: &mut Statements<'t>) -> Option<Id> {
        if self.peek() == Some(b'{') {
            let from = self.at;
            let map = Expr::Set(self.elements()?);
            self.is_folded |= !is_on_one_line(self.since(from));
            let does = Does::LookUp(fields(key), map);
            return Some(statements.push(Statement { text: title(self.since(start)), does }));
        }
        let map = named(self.run(|byte| byte != b' '))?;
        let text = self.since(start);
        let read = || Some(Statement { text: called(text), does: Does::LookUp(fields(key), map) });
        statements.of_file(text, read)
    }

    /// The other words of a field that is known; the first was read already.
    fn field(&mut self, first: &str) -> Option<()> {
        if matches!(first, "iifname" | "oifname" | "iif" | "oif") {
            return Some(());
        }
        self.take(b' ')?;
        let second = self.run(is_name);
        if (first, second) == ("ct", "original") {
            return self.of_first_packet();
        }
        is_field(first, second).then_some(())
    }

    /// Behind `ct original`.
    fn of_first_packet(&mut self) -> Option<()> {
        self.take(b' ')?;
        let word = self.run(is_name);
        if matches!(word, "ip" | "ip6") {
            self.take(b' ')?;
            return matches!(self.run(is_name), "saddr" | "daddr").then_some(());
        }
        matches!(word, "protocol" | "proto-src" | "proto-dst").then_some(())
    }

    /// `{ ... }`
    fn list<T>(&mut self, element: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.take(b'{')?;
        let end = memchr::memchr(b'}', self.rest().as_bytes())?;
        let commas = memchr::memchr_iter(b',', self.rest().as_bytes().get(..end)?).count();
        let mut found = Vec::with_capacity(commas.saturating_add(1).min(MOST_ROOM));
        loop {
            self.blanks();
            if self.take(b'}').is_some() {
                return Some(found);
            }
            found.push(element(self)?);
            self.blanks();
            if self.take(b',').is_none() {
                self.take(b'}')?;
                return Some(found);
            }
        }
    }

    fn elements(&mut self) -> Option<Vec<Element<'t>>> {
        self.list(|list| {
            let key = list.key()?;
            Some(Element { key, verdict: list.behind_key()?, fleeting: false })
        })
    }

    /// What stands behind the key of an element: counters and remarks, and the verdict if it has one.
    fn behind_key(&mut self) -> Option<Option<Verdict<'t>>> {
        self.blanks();
        while let Some(b'c') = self.peek() {
            match self.run(is_name) {
                "counter" => self.counted()?,
                "comment" => {
                    self.blanks();
                    self.string().map(drop)?;
                }
                _ => return None,
            }
            self.blanks();
        }
        if self.take(b':').is_none() {
            return Some(None);
        }
        self.blanks();
        self.verdict().map(Some)
    }

    /// Values with dots between them.
    fn key(&mut self) -> Option<Expr<'t>> {
        let first = self.atom()?;
        self.blanks();
        if self.peek() != Some(b'.') {
            return Some(first);
        }
        let mut parts = vec![first];
        while self.take(b'.').is_some() {
            self.blanks();
            parts.push(self.atom()?);
            self.blanks();
        }
        Some(Expr::Concat(parts))
    }

    fn atom(&mut self) -> Option<Expr<'t>> {
        if self.peek() == Some(b'"') {
            return self.string().map(|inner| Expr::Quoted(inner.into()));
        }
        atom(self.value())
    }

    /// What may be a value, up to where it ends in a list.
    fn value(&mut self) -> &'t str {
        self.run(|byte| !is_blank(byte) && !matches!(byte, b',' | b'}' | b'"'))
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_blank_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_blank)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// The longest of the words that are [reserved](is_reserved).
const LONGEST_RESERVED: usize = "continue".len();

/// Words that are no values, or go on with what was read before.
fn is_reserved(word: &str) -> bool {
    word.len() <= LONGEST_RESERVED
        && matches!(
            word,
            "accept"
                | "drop"
                | "continue"
                | "return"
                | "jump"
                | "goto"
                | "vmap"
                | "map"
                | "comment"
                | "counter"
                | "log"
                | "reject"
                | "set"
                | "eq"
                | "ne"
                | "lt"
                | "gt"
                | "le"
                | "ge"
                | "and"
                | "or"
                | "xor"
                | "lshift"
                | "rshift"
        )
}

/// Whether two words name a field that is read here.
fn is_field(first: &str, second: &str) -> bool {
    match first {
        "ip" => matches!(second, "saddr" | "daddr" | "protocol"),
        "ip6" => matches!(second, "saddr" | "daddr" | "nexthdr"),
        "tcp" | "udp" | "sctp" | "th" => matches!(second, "dport" | "sport"),
        "meta" => matches!(second, "l4proto" | "nfproto" | "iifname" | "oifname" | "iif" | "oif" | "protocol" | "mark"),
        "icmp" | "icmpv6" => matches!(second, "type" | "code"),
        "ct" => matches!(second, "state" | "status" | "mark"),
        _ => false,
    }
}

/// What a statement is called, as [`title`] says. Outside of lists it has no more than single blanks.
fn called(text: &str) -> Text<'_> {
    if text.len() <= SHORT && !text.contains('{') { text.into() } else { title(text) }
}

/// The fields of a key whose words are known.
fn fields(key: &str) -> Expr<'_> {
    let field = |words| {
        let unqualified = matches!(words, "iifname" | "oifname" | "iif" | "oif").then_some("meta");
        Expr::Field(unqualified.into_iter().chain(str::split(words, ' ')).map(Text::Borrowed).collect())
    };
    // No field has a dot in its name.
    if key.bytes().all(|byte| byte != b'.') {
        return field(key);
    }
    one_or(key.split(" . ").map(field).collect(), Expr::Concat)
}

/// The value behind a field.
fn compared(text: &str) -> Option<Expr<'_>> {
    match text.bytes().next()? {
        b'{' => value(text),
        b'@' => named(text),
        b'"' => Some(Expr::Quoted(text.strip_prefix('"')?.strip_suffix('"')?.into())),
        _ if text.bytes().all(|byte| byte != b',') => atom(text),
        _ => Some(one_or(text.split(',').map(atom).collect::<Option<_>>()?, Expr::Flags)),
    }
}

fn named(text: &str) -> Option<Expr<'_>> {
    let name = text.strip_prefix('@')?;
    (!name.is_empty() && name.bytes().all(is_name)).then_some(Expr::Named(name.into()))
}

/// A word, number, address, prefix or range that the grammar takes as one.
fn atom(text: &str) -> Option<Expr<'_>> {
    match text.bytes().next()? {
        b'*' => (text == "*").then_some(Expr::Star),
        _ if text.bytes().any(|byte| byte == b':') => addresses6(text),
        b'0'..=b'9' => is_number_or_address4(text).then(|| word(text)),
        first if first.is_ascii_alphabetic() || first == b'_' => {
            (text.bytes().all(is_name) && !is_reserved(text)).then_some(Expr::Word(text.into()))
        }
        _ => None,
    }
}

/// `443`, `80-90`, `10.0.0.0/8`, `10.0.0.1-10.0.0.9`: behind a dot or slash stands a letter or digit.
fn is_number_or_address4(text: &str) -> bool {
    let mut mark = false;
    let fine = text.bytes().all(|byte| {
        let was = std::mem::replace(&mut mark, matches!(byte, b'.' | b'/'));
        byte.is_ascii_alphanumeric() || (!was && (mark || matches!(byte, b'_' | b'-')))
    });
    fine && !mark
}

/// `2001:db8::1`, `2001:db8::/32`, `2001:db8::1-2001:db8::9`
fn addresses6(text: &str) -> Option<Expr<'_>> {
    if let Some((first, last)) = text.split_once('-') {
        let ends = (address6(first)?, address6(last)?);
        return Some(Expr::Range(Box::new(ends.0), Box::new(ends.1)));
    }
    let Some((address, length)) = text.split_once('/') else { return address6(text) };
    let fine = (1..=3).contains(&length.len()) && length.bytes().all(|byte| byte.is_ascii_digit());
    let length = fine.then(|| prefix_length(length)).flatten()?;
    Some(Expr::Prefix(Box::new(address6(address)?), length))
}

/// At least two colons, each before a hexadecimal digit or beside another one.
fn address6(text: &str) -> Option<Expr<'_>> {
    let mut colons = 0;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b':' if bytes.next_if_eq(&b':').is_some() => colons += 2,
            b':' if bytes.peek().is_some_and(u8::is_ascii_hexdigit) => colons += 1,
            _ if byte.is_ascii_hexdigit() => {}
            _ => return None,
        }
    }
    (colons >= 2).then_some(Expr::Word(text.into()))
}
