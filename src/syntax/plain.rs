//! The plain `allow` or `deny`, read straight from the rough tokens.
//!
//! Nearly all statements of a large policy are rules of plain words, and the grammar spends most of its time on what they might be but are not. So a rule is
//! tried here first, and whatever is not seen at once to be right (an escape, a letter beyond ASCII, a name that begins with a digit, any mistake at all)
//! is nothing here: then the grammar reads the statement, and it alone speaks. The grammar stays the definition of the language; a test below sends random
//! statements through both and wants equal trees, positions included.
//!
//! Absent on purpose: diagnostics, and every statement but rules.

use jiff::civil::Date;

use super::ast::{All, Clauses, Effect, Endpoints, Name, Primary, Rule, Service, Services};
use super::keywords;
use super::lower;
use super::scan::{Kind, Token};
use crate::packet::{AddressRange, Interval, PortRange, Protocol};
use crate::source::{FileId, Span, Spanned};

/// The rule that `tokens` are, if it is a plain one.
pub(super) fn rule(file: FileId, text: &str, tokens: &[Token]) -> Option<Rule> {
    let mut reader = Reader { file, text, rest: tokens };
    let (keyword, at) = reader.word()?;
    let effect = match keyword {
        "allow" => Effect::Allow,
        "deny" => Effect::Deny,
        _ => return None,
    };
    let name = reader.name()?;
    let title = reader.string();
    let mut clauses = Clauses::default();
    while !reader.rest.is_empty() {
        reader.clause(&mut clauses)?;
    }
    let complete = clauses.from.is_some() && clauses.to.is_some() && clauses.on.is_some();
    let span = at.to(reader.span(tokens.last()?));
    complete.then_some(Rule { effect: Spanned::new(effect, at), name, title, clauses, span })
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    rest: &'t [Token],
}

impl<'t> Reader<'t> {
    fn span(&self, token: &Token) -> Span {
        Span::new(self.file, token.start, token.end)
    }

    /// Takes the next token if it is of a kind.
    fn take(&mut self, kind: Kind) -> Option<(&'t str, Span)> {
        let (first, rest) = self.rest.split_first()?;
        if first.kind != kind {
            return None;
        }
        self.rest = rest;
        Some((first.text(self.text), self.span(first)))
    }

    fn word(&mut self) -> Option<(&'t str, Span)> {
        self.take(Kind::Word)
    }

    fn name(&mut self) -> Option<Name> {
        let (word, span) = self.word()?;
        is_name(word).then(|| Spanned::new(word.to_owned(), span))
    }

    /// A string without escapes and control characters.
    fn string(&mut self) -> Option<Name> {
        let before = self.rest;
        let (quoted, span) = self.take(Kind::String)?;
        let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match inner.filter(|inner| !inner.contains(|c: char| c == '\\' || c.is_control())) {
            Some(inner) => Some(Spanned::new(inner.to_owned(), span)),
            None => {
                self.rest = before;
                None
            }
        }
    }

    fn name_or_string(&mut self) -> Option<Name> {
        match self.rest.first()?.kind {
            Kind::String => self.string(),
            _ => self.name(),
        }
    }

    fn date(&mut self) -> Option<Spanned<Date>> {
        let (word, span) = self.word()?;
        let is_date = word.len() == 10
            && word
                .bytes()
                .enumerate()
                .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
        let date = is_date.then(|| word.parse::<Date>().ok()).flatten()?;
        Some(Spanned::new(date, span))
    }

    /// Reads one clause; nothing if it is given again.
    fn clause(&mut self, into: &mut Clauses) -> Option<()> {
        let (keyword, span) = self.word()?;
        let meta = &mut into.meta;
        match keyword {
            "from" => once(&mut into.from, self.endpoints()?),
            "to" => once(&mut into.to, self.endpoints()?),
            "on" => once(&mut into.on, self.services()?),
            "both-ways" => once(&mut into.both_ways, span),
            "owner" => once(&mut meta.owner, self.name_or_string()?),
            "ticket" => once(&mut meta.ticket, self.name_or_string()?),
            "because" => once(&mut meta.because, self.string()?),
            "by" => once(&mut meta.by, self.name_or_string()?),
            "start" => once(&mut meta.start, self.date()?),
            "until" => once(&mut meta.until, self.date()?),
            "review" => once(&mut meta.review, self.date()?),
            "log" => once(&mut meta.log, span),
            "ref" if meta.refs.is_empty() => {
                meta.refs = self.list(Self::name_or_string)?;
                Some(())
            }
            _ => None,
        }
    }

    /// `item, item`
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.take(Kind::Comma).is_some() {
            items.push(item(self)?);
        }
        Some(items)
    }

    /// `item, item except item`, with the span of all of it.
    fn lists<T>(&mut self, item: impl Fn(&mut Self) -> Option<T>) -> Option<(Vec<T>, Vec<T>, Span)> {
        let before = self.rest;
        let items = self.list(&item)?;
        let mut except = Vec::new();
        if self.rest.first().is_some_and(|token| token.kind == Kind::Word && token.text(self.text) == "except") {
            self.word()?;
            except = self.list(&item)?;
        }
        Some((items, except, self.span_since(before)?))
    }

    /// From the first token of what was the rest to the last one taken.
    fn span_since(&self, before: &[Token]) -> Option<Span> {
        let last = before.get(before.len().checked_sub(self.rest.len() + 1)?)?;
        Some(self.span(before.first()?).to(self.span(last)))
    }

    fn endpoints(&mut self) -> Option<Endpoints> {
        let (items, except, span) = self.lists(Self::item)?;
        Some(Endpoints { items, except, span })
    }

    fn item(&mut self) -> Option<All> {
        let before = self.rest;
        let mut primaries = vec![self.primary()?];
        while self.take(Kind::Amp).is_some() {
            primaries.push(self.primary()?);
        }
        Some(All { primaries, span: self.span_since(before)? })
    }

    fn primary(&mut self) -> Option<Spanned<Primary>> {
        let (word, span) = self.word()?;
        let part = |text: &str, from: usize| {
            let start = span.start as usize + from;
            Spanned::new(text.to_owned(), Span::new(self.file, start, start + text.len()))
        };
        let value = match shape(word) {
            Shape::Word if word == "any" => Primary::Any,
            Shape::Word if is_name(word) => Primary::Name(word.to_owned()),
            Shape::Slash("*", name) if is_local(name) => Primary::Everywhere(part(name, 2)),
            Shape::Slash(site, name) if is_name(site) && is_local(name) => {
                Primary::Qualified { site: part(site, 0), name: part(name, site.len() + 1) }
            }
            Shape::Colon(key, value) if is_local(key) && (is_number(value) || is_name(value)) => {
                Primary::Attribute { key: part(key, 0), value: part(value, key.len() + 1) }
            }
            _ => Primary::Address(address(span, word)?),
        };
        Some(Spanned::new(value, span))
    }

    fn services(&mut self) -> Option<Services> {
        let (items, except, span) = self.lists(Self::service)?;
        Some(Services { items, except, span })
    }

    fn service(&mut self) -> Option<Spanned<Service>> {
        let (word, span) = self.word()?;
        let value = match word.split_once('/') {
            None if word == "any" => Service::Any,
            None if is_name(word) && word != "protocol" && Protocol::by_name(word).is_none() => {
                Service::Name(word.to_owned())
            }
            Some((name @ ("tcp" | "udp" | "sctp"), ports)) => with_ports(Protocol::by_name(name)?, ports)?,
            _ => return None,
        };
        Some(Spanned::new(value, span))
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.is_none().then(|| *place = Some(value))
}

/// A word by the one mark in it, if there is one.
enum Shape<'t> {
    Word,
    Slash(&'t str, &'t str),
    Colon(&'t str, &'t str),
    Other,
}

fn shape(word: &str) -> Shape<'_> {
    let mut marks = word.match_indices(['/', ':']);
    match (marks.next(), marks.next()) {
        (None, _) => Shape::Word,
        (Some((_, "/")), None) => word.split_once('/').map_or(Shape::Other, |(a, b)| Shape::Slash(a, b)),
        (Some(_), None) => word.split_once(':').map_or(Shape::Other, |(a, b)| Shape::Colon(a, b)),
        _ => Shape::Other,
    }
}

/// What may stand after a `/` or before a `:`: a NAME or a keyword. Names that begin with a digit are left to the grammar.
fn is_local(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

fn is_name(text: &str) -> bool {
    is_local(text) && !keywords::is_keyword(text)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An address in a word that can be nothing else: it begins with a digit, or has the two colons of IPv6.
fn address(span: Span, word: &str) -> Option<AddressRange> {
    let can_be = word.starts_with(|c: char| c.is_ascii_digit()) || word.matches(':').nth(1).is_some();
    can_be.then(|| lower::literal(span, word)).flatten()
}

/// `443`, `5985-5986`, `*`, `53:1024-65535`
fn with_ports(protocol: Protocol, text: &str) -> Option<Service> {
    let (source, destination) = match text.split_once(':') {
        Some((source, destination)) => (ports(source)?, ports(destination)?),
        None => (None, ports(text)?),
    };
    Some(Service::Ports { protocol, source, destination })
}

/// The inner `None` is `*`.
#[expect(clippy::option_option, reason = "outside: is it plain; inside: is it bounded")]
fn ports(text: &str) -> Option<Option<PortRange>> {
    if text == "*" {
        return Some(None);
    }
    let port = |digits: &str| is_number(digits).then(|| digits.parse::<u16>().ok()).flatten();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    (first <= last).then_some(Some(Interval { first, last }))
}

#[cfg(test)]
mod tests {
    use pest::Parser as _;
    use proptest::prelude::*;

    use super::*;
    use crate::diag::Sink;
    use crate::syntax::ast::Statement;
    use crate::syntax::grammar::{self, Grammar};
    use crate::syntax::scan::scan;

    /// What the grammar makes of a statement; nothing if it finds anything wrong.
    fn by_grammar(text: &str) -> Option<Rule> {
        let pair = Grammar::parse(grammar::Rule::one_statement, text).ok()?.next()?;
        let mut sink = Sink::default();
        match lower::statement(&mut lower::Context { file: FileId(0), base: 0, sink: &mut sink }, pair)? {
            Statement::Rule(rule) if sink.is_empty() => Some(rule),
            _ => None,
        }
    }

    fn plainly(text: &str) -> Option<Rule> {
        rule(FileId(0), text, &scan(text).tokens)
    }

    const ENDPOINTS: &[&str] = &[
        "any",
        "a",
        "tokyo",
        "tokyo/erp",
        "tokyo/from",
        "from/a",
        "*/office",
        "*/to",
        "tag:overseas",
        "tag:on",
        "on:x",
        "tier:2",
        "tier:02",
        "tier:2a",
        "a:b:c",
        "10.0.0.1",
        "10.0.0.0/8",
        "10.0.0.5/24",
        "10.0.0.1-10.0.0.9",
        "10.0.0.9-10.0.0.1",
        "fd00::1",
        "fd00::/8",
        "::",
        "::ffff:10.0.0.1",
        "fd:a",
        "face",
        "2026-01-31",
        "12",
        "1a",
        "1a/b",
        "a/1",
        "a/1b",
        "a/12",
        "a/b/c",
        "a//b",
        "日本",
        "a.b",
        "_x",
        "-x",
        "10.0",
        "010.0.0.1",
        "1.2.3",
        "a;b",
        "x:",
        ":x",
        "/x",
        "x/",
        "\"s\"",
        "tag:\"x y\"",
        "fe80::1%eth0",
        "a/10.0.0.1",
        "tag:10.0.0.1",
        "dead:beef",
        "ad:be:ef",
        "1::2/127",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "ALL",
        "any-x",
        "only",
        "any/x",
        "x/any",
        "1:2",
        "0/0",
        "tag:any",
        "any:tag",
    ];
    const SERVICES: &[&str] = &[
        "any",
        "ssh",
        "tcp",
        "tcp/443",
        "udp/53:1024-65535",
        "tcp/*",
        "tcp/*:*",
        "tcp/5-4",
        "tcp/4-5",
        "tcp/65536",
        "tcp/+1",
        "tcp/01",
        "tcp/",
        "tcp/1-2-3",
        "tcp/1:2:3",
        "gre",
        "gre/1",
        "icmp",
        "icmp/8",
        "icmp6/128/0",
        "protocol/6",
        "protocol",
        "tcp-alt",
        "protocol-x",
        "tcp/443/1",
        "from",
        "8443",
        "web.1",
        "sctp/7",
        "tcp/443x",
        "tcp /443",
        "esp",
        "icmpx",
        "tcpx/1",
        "日",
        "a/b",
        "a:b",
    ];
    const WORDS: &[&str] = &[
        "team",
        "CHG-4711",
        "\"a b\"",
        "\"a\\\"b\"",
        "\"日本\"",
        "\"a\tb\"",
        "from",
        "47",
        "2026-01-01",
        "#x\n",
        "é",
        "\"\"",
        "a/b",
    ];
    const DATES: &[&str] =
        &["2026-01-31", "2026-02-30", "2026-1-31", "2026-01-31x", "a", "\"2026-01-31\"", "-026-01-31", "2026-01-31T00"];

    fn one(of: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::sample::select(of).prop_map(str::to_owned)
    }

    /// A list whose joints are mostly right.
    fn list(of: &'static [&'static str]) -> impl Strategy<Value = String> {
        let joint = prop::sample::select(vec![", ", ",", " , ", " except ", " & ", "&", " # c\n,", " "]);
        (one(of), prop::collection::vec((joint, one(of)), 0..3))
            .prop_map(|(first, more)| more.into_iter().fold(first, |all, (joint, next)| all + joint + &next))
    }

    fn clause() -> impl Strategy<Value = String> {
        prop_oneof![
            6 => list(ENDPOINTS).prop_map(|list| format!("from {list}")),
            6 => list(ENDPOINTS).prop_map(|list| format!("to {list}")),
            6 => list(SERVICES).prop_map(|list| format!("on {list}")),
            2 => (prop::sample::select(vec!["owner", "ticket", "because", "by", "ref"]), list(WORDS)).prop_map(|(a, b)| format!("{a} {b}")),
            2 => (prop::sample::select(vec!["start", "until", "review"]), one(DATES)).prop_map(|(a, b)| format!("{a} {b}")),
            1 => one(&["log", "both-ways", "advisory", "via x", "transitive", "log\"x\"", "owner\"x\""]),
        ]
    }

    fn statement() -> impl Strategy<Value = String> {
        let head = one(&[
            "allow",
            "deny",
            "allow R",
            "deny R \"t\"",
            "allow \"t\"",
            "allow from",
            "deny 1a",
            "allow R \"t\\n\"",
            "deny\nR#c\n\"t\"",
            "never R",
        ]);
        let right = (list(ENDPOINTS), list(ENDPOINTS), list(SERVICES))
            .prop_map(|(from, to, on)| vec![format!("from {from}"), format!("to {to}"), format!("on {on}")]);
        let clauses = prop_oneof![3 => (right, prop::collection::vec(clause(), 0..3)).prop_map(|(mut a, b)| { a.extend(b); a }), 1 => prop::collection::vec(clause(), 0..5)];
        let blank = prop::sample::select(vec![" ", "\n  ", "\t", " # c\n "]);
        (prop_oneof![4 => Just("allow R".to_owned()), 1 => head], clauses, blank)
            .prop_map(|(head, clauses, blank)| format!("{head}{blank}{}", clauses.join(blank)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        /// What is read here, the grammar reads as well, and finds the same at the same places.
        #[test]
        fn the_grammar_agrees(text in statement()) {
            if let Some(found) = plainly(&text) {
                prop_assert_eq!(by_grammar(&text), Some(found), "{}", text);
            }
        }

        #[test]
        fn the_grammar_agrees_on_single_words(from in one(ENDPOINTS), on in one(SERVICES)) {
            let text = format!("allow R from {from} to a on {on}");
            if let Some(found) = plainly(&text) {
                prop_assert_eq!(by_grammar(&text), Some(found), "{}", text);
            }
        }
    }

    #[test]
    fn reads_what_large_policies_are_made_of() {
        for text in [
            "allow ERP-WEB from bangkok/office, jakarta/office to tokyo/erp on tcp/443, ssh log",
            "deny X-1 \"why\" from any except country:JP to class:secret & tag:a on any owner \"team a\" ticket CHG-1 until 2026-06-30 ref A, B",
            "allow R from 10.0.0.0/8, fd00::/8 to */erp both-ways on udp/53:1024-65535",
        ] {
            assert!(plainly(text).is_some(), "{text}");
            assert_eq!(plainly(text), by_grammar(text));
        }
    }
}
