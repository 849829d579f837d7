//! Reads what nftables is given: the part of the language that is emitted, and what one change makes of it.
//!
//! Written from nft(8). One table, sets, maps and chains in it; a rule is a list of tokens up to the end of its line.

use std::collections::BTreeMap;

use super::nft_keys::{Key, What, disjoint, matched, ports_need_protocols, together};
use super::rules::{Base, Field, Hook, Match, Refusal, Rule, RuleSet, Sense, Verdict, outside, wrong};
use super::values::protocol;

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    Word(String),
    Text(String),
    Mark(char),
    NotEqual,
    End,
}

/// Reads a rule set.
pub fn read(text: &str) -> Result<RuleSet, Refusal> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, sets: BTreeMap::new() };
    let mut found = RuleSet::default();
    loop {
        reader.ends();
        match reader.next() {
            None => return found.checked(),
            Some(Token::Word(word)) if word == "delete" => {
                reader.word("table")?;
                reader.name()?;
                reader.name()?;
                found = RuleSet::default();
            }
            Some(Token::Word(word)) if word == "table" => {
                reader.word("inet")?;
                reader.name()?;
                if reader.takes(&Token::Mark('{')) {
                    reader.table(&mut found)?;
                }
            }
            Some(other) => return wrong(format!("{other:?} at the top")),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(one) = rest.next() {
        match one {
            '#' => while rest.next_if(|c| *c != '\n').is_some() {},
            '\n' | ';' => found.push(Token::End),
            '{' | '}' | ',' | '=' => found.push(Token::Mark(one)),
            '!' if rest.next_if_eq(&'=').is_some() => found.push(Token::NotEqual),
            '"' => {
                let mut inside = String::new();
                loop {
                    match rest.next() {
                        Some('"') => break,
                        Some(c) => inside.push(c),
                        None => return wrong("a string without end"),
                    }
                }
                found.push(Token::Text(inside));
            }
            c if c.is_whitespace() => {}
            c => {
                let mut word = String::from(c);
                while let Some(next) = rest.next_if(|c| !c.is_whitespace() && !"{},;=!\"#".contains(*c)) {
                    word.push(next);
                }
                found.push(Token::Word(word));
            }
        }
    }
    Ok(found)
}

struct Named {
    kind: Vec<String>,
    is_map: bool,
    has_intervals: bool,
    elements: Vec<Element>,
}

/// The parts of a key, and what it is mapped to.
#[derive(Clone)]
pub struct Element {
    pub key: Vec<Token>,
    pub verdict: Option<Verdict>,
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    sets: BTreeMap<String, Named>,
}

impl Reader {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found == word)
    }

    fn takes(&mut self, token: &Token) -> bool {
        let is = self.peek() == Some(token);
        self.at += usize::from(is);
        is
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        self.at += usize::from(is);
        is
    }

    fn ends(&mut self) {
        while self.takes(&Token::End) {}
    }

    fn word(&mut self, wanted: &str) -> Result<(), Refusal> {
        if self.takes_word(wanted) { Ok(()) } else { wrong(format!("{:?} instead of {wanted}", self.peek())) }
    }

    fn mark(&mut self, wanted: char) -> Result<(), Refusal> {
        if self.takes(&Token::Mark(wanted)) { Ok(()) } else { wrong(format!("{:?} instead of {wanted}", self.peek())) }
    }

    fn name(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            other => wrong(format!("{other:?} instead of a name")),
        }
    }

    fn table(&mut self, found: &mut RuleSet) -> Result<(), Refusal> {
        loop {
            self.ends();
            match self.next() {
                Some(Token::Mark('}')) => return Ok(()),
                Some(Token::Word(word)) if word == "chain" => self.chain(found)?,
                Some(Token::Word(word)) if word == "set" || word == "map" => self.set(word == "map")?,
                other => return wrong(format!("{other:?} in a table")),
            }
        }
    }

    fn set(&mut self, is_map: bool) -> Result<(), Refusal> {
        let name = self.name()?;
        self.mark('{')?;
        let mut set = Named { kind: Vec::new(), is_map, has_intervals: false, elements: Vec::new() };
        loop {
            self.ends();
            match self.next() {
                Some(Token::Mark('}')) => break,
                Some(Token::Word(word)) if word == "type" => {
                    set.kind.push(self.name()?);
                    while self.takes_word(".") {
                        set.kind.push(self.name()?);
                    }
                    if self.takes_word(":") {
                        self.word("verdict")?;
                    }
                }
                Some(Token::Word(word)) if word == "flags" => {
                    self.word("interval")?;
                    set.has_intervals = true;
                }
                Some(Token::Word(word)) if word == "auto-merge" || word == "counter" => {}
                Some(Token::Word(word)) if word == "elements" => {
                    self.mark('=')?;
                    set.elements = self.elements(is_map)?;
                }
                other => return wrong(format!("{other:?} in a set")),
            }
        }
        let many = set.elements.iter().flat_map(|element| &element.key);
        let is_range = |token: &Token| matches!(token, Token::Word(word) if word.contains('/') || word.contains('-') && word.chars().all(|c| c.is_ascii_hexdigit() || "-.:".contains(c)));
        if !set.has_intervals && many.clone().any(is_range) {
            return wrong(format!("ranges in {name}, which has none"));
        }
        match self.sets.insert(name.clone(), set) {
            None => Ok(()),
            Some(_) => wrong(format!("{name} is there twice")),
        }
    }

    /// `{ a, b . c : verdict comment "...", ... }`
    fn elements(&mut self, is_map: bool) -> Result<Vec<Element>, Refusal> {
        self.mark('{')?;
        let mut found = Vec::new();
        loop {
            self.ends();
            if self.takes(&Token::Mark('}')) {
                return Ok(found);
            }
            let mut key = vec![self.value()?];
            while self.takes_word(".") {
                key.push(self.value()?);
            }
            while let Some(Token::Word(word)) = self.peek().cloned() {
                match word.as_str() {
                    "comment" => {
                        self.at += 2;
                    }
                    "counter" => self.at += 1,
                    _ => break,
                }
            }
            let verdict = if is_map {
                self.word(":")?;
                Some(self.verdict()?.ok_or(Refusal::Wrong("a map entry without verdict".to_owned()))?)
            } else {
                None
            };
            found.push(Element { key, verdict });
            self.ends();
            if !self.takes(&Token::Mark(',')) {
                self.ends();
                self.mark('}')?;
                return Ok(found);
            }
        }
    }

    fn value(&mut self) -> Result<Token, Refusal> {
        match self.next() {
            Some(token @ (Token::Word(_) | Token::Text(_))) => Ok(token),
            other => wrong(format!("{other:?} instead of a value")),
        }
    }

    fn verdict(&mut self) -> Result<Option<Verdict>, Refusal> {
        let Some(Token::Word(word)) = self.peek().cloned() else { return Ok(None) };
        let verdict = match word.as_str() {
            "accept" => Verdict::Accept,
            "drop" | "reject" => Verdict::Drop,
            "return" => Verdict::Return,
            "continue" => Verdict::Continue,
            "jump" | "goto" => {
                self.at += 1;
                let name = self.name()?;
                return Ok(Some(if word == "jump" { Verdict::Jump(name) } else { Verdict::Goto(name) }));
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(verdict))
    }

    fn chain(&mut self, found: &mut RuleSet) -> Result<(), Refusal> {
        let name = self.name()?;
        self.mark('{')?;
        let mut rules = Vec::new();
        loop {
            self.ends();
            if self.takes(&Token::Mark('}')) {
                break;
            }
            if self.takes_word("type") {
                let base = self.base(&name)?;
                found.bases.push(base);
                continue;
            }
            if self.takes_word("policy") {
                let accepts = match self.name()?.as_str() {
                    "accept" => true,
                    "drop" => false,
                    other => return wrong(format!("policy {other}")),
                };
                let Some(base) = found.bases.iter_mut().find(|base| base.chain == name) else {
                    return wrong("a policy of a chain that is no base chain");
                };
                base.accepts = accepts;
                continue;
            }
            rules.push(self.rule()?);
        }
        found.chains.entry(name).or_default().extend(rules);
        Ok(())
    }

    fn base(&mut self, name: &str) -> Result<Base, Refusal> {
        self.word("filter")?;
        self.word("hook")?;
        let hook = match self.name()?.as_str() {
            "forward" => Hook::Forward,
            "input" => Hook::Input,
            "output" => Hook::Output,
            other => return outside(format!("hook {other}")),
        };
        self.word("priority")?;
        let priority = match self.name()?.as_str() {
            "raw" => -300,
            "mangle" => -150,
            "filter" => 0,
            "security" => 50,
            other => other.parse().map_err(|_| Refusal::Wrong(format!("priority {other}")))?,
        };
        Ok(Base { chain: name.to_owned(), hook, priority, accepts: true, family: None })
    }

    fn rule(&mut self) -> Result<Rule, Refusal> {
        let mut rule = Rule { matches: Vec::new(), verdict: Verdict::Continue };
        let mut is_decided = false;
        loop {
            if matches!(self.peek(), Some(Token::End | Token::Mark('}')) | None) {
                break;
            }
            if self.takes_word("counter") {
                continue;
            }
            if self.takes_word("comment") {
                self.value()?;
                continue;
            }
            if is_decided {
                return wrong(format!("{:?} behind a verdict", self.peek()));
            }
            if self.takes_word("log") {
                if self.takes_word("prefix") {
                    self.value()?;
                }
                continue;
            }
            if let Some(verdict) = self.verdict()? {
                (rule.verdict, is_decided) = (verdict, true);
                continue;
            }
            is_decided = self.asks(&mut rule)?;
        }
        ports_need_protocols(&rule.matches)?;
        Ok(rule)
    }

    /// A match or a verdict map; says whether it is the latter.
    fn asks(&mut self, rule: &mut Rule) -> Result<bool, Refusal> {
        let mut keys = vec![self.key()?];
        while self.takes_word(".") {
            keys.push(self.key()?);
        }
        if self.takes_word("vmap") {
            let elements = self.right_side(&keys, true)?;
            let mut entries = Vec::new();
            for element in &elements {
                let key = matched(&keys, &element.key, Sense::Is)?;
                ports_need_protocols(&[rule.matches.as_slice(), key.as_slice()].concat())?;
                entries.push((key, element.verdict.clone().unwrap_or(Verdict::Continue)));
            }
            disjoint(&keys, &elements)?;
            rule.verdict = Verdict::Choose(entries);
            return Ok(true);
        }
        let sense = if self.takes(&Token::NotEqual) { Sense::IsNot } else { Sense::Is };
        let is_set = matches!(self.peek(), Some(Token::Mark('{')))
            || matches!(self.peek(), Some(Token::Word(word)) if word.starts_with('@'));
        let mut elements = if is_set {
            self.right_side(&keys, false)?
        } else {
            let mut key = vec![self.value()?];
            while self.takes_word(".") {
                key.push(self.value()?);
            }
            vec![Element { key, verdict: None }]
        };
        if let ([key], false) = (keys.as_slice(), is_set) {
            while key.what == What::State && self.takes(&Token::Mark(',')) {
                elements.push(Element { key: vec![self.value()?], verdict: None });
            }
            if key.what == What::State && sense == Sense::IsNot && elements.len() > 1 {
                return outside("two states that are not");
            }
        }
        rule.matches.extend(together(&keys, &elements, sense)?);
        Ok(false)
    }

    /// The elements of a set, named or not.
    fn right_side(&mut self, keys: &[Key], is_map: bool) -> Result<Vec<Element>, Refusal> {
        if matches!(self.peek(), Some(Token::Mark('{'))) {
            let elements = self.elements(is_map)?;
            return if elements.is_empty() { wrong("an empty set") } else { Ok(elements) };
        }
        let name = self.name()?;
        let Some(set) = name.strip_prefix('@').and_then(|name| self.sets.get(name)) else {
            return wrong(format!("there is no set {name}"));
        };
        let wanted: Vec<&str> = keys.iter().map(|key| key.kind).collect();
        if set.kind != wanted || set.is_map != is_map {
            return wrong(format!("{name} is of another type"));
        }
        let elements = set.elements.clone();
        disjoint(keys, &elements)?;
        Ok(elements)
    }

    fn key(&mut self) -> Result<Key, Refusal> {
        let first = self.name()?;
        let plain = |what, kind| Ok(Key { what, kind, needs: Vec::new() });
        if first == "iifname" {
            return plain(What::In, "ifname");
        }
        if first == "oifname" {
            return plain(What::Out, "ifname");
        }
        let second = self.name()?;
        let port = |name: &str| match name {
            "sport" => Ok(Field::First),
            "dport" => Ok(Field::Second),
            other => outside(format!("port {other}")),
        };
        let ported = |number: u128| vec![Match::Value(Field::Protocol, vec![(number, number)], Sense::Is)];
        match (first.as_str(), second.as_str()) {
            ("ip", "saddr") => plain(What::Address(Field::Source4), "ipv4_addr"),
            ("ip", "daddr") => plain(What::Address(Field::Destination4), "ipv4_addr"),
            ("ip6", "saddr") => plain(What::Address(Field::Source6), "ipv6_addr"),
            ("ip6", "daddr") => plain(What::Address(Field::Destination6), "ipv6_addr"),
            ("meta", "l4proto") => plain(What::Protocol(Field::Protocol), "inet_proto"),
            ("meta", "nfproto") => plain(What::Family, "nf_proto"),
            ("ct", "state") => plain(What::State, "ct_state"),
            ("th", name) => plain(What::Port(port(name)?), "inet_service"),
            ("tcp" | "udp" | "sctp", name) => {
                let needs = ported(protocol(&first)?);
                Ok(Key { what: What::Port(port(name)?), kind: "inet_service", needs })
            }
            ("icmp" | "icmpv6", name) => {
                let is_six = first == "icmpv6";
                let mut needs = ported(if is_six { 58 } else { 1 });
                needs.push(Match::Family(if is_six { 6 } else { 4 }));
                let (field, is_type) = match name {
                    "type" => (Field::First, true),
                    "code" => (Field::Second, false),
                    other => return outside(format!("icmp {other}")),
                };
                let kind = match (is_six, is_type) {
                    (false, true) => "icmp_type",
                    (true, true) => "icmpv6_type",
                    (false, false) => "icmp_code",
                    (true, false) => "icmpv6_code",
                };
                Ok(Key { what: What::Icmp(field, is_six), kind, needs })
            }
            ("ct", "original") => self.original(),
            (one, two) => outside(format!("{one} {two}")),
        }
    }

    fn original(&mut self) -> Result<Key, Refusal> {
        let plain = |what, kind| Ok(Key { what, kind, needs: Vec::new() });
        match self.name()?.as_str() {
            "protocol" => plain(What::Protocol(Field::OriginalProtocol), "inet_proto"),
            "proto-src" => plain(What::Port(Field::OriginalFirst), "inet_service"),
            "proto-dst" => plain(What::Port(Field::OriginalSecond), "inet_service"),
            family @ ("ip" | "ip6") => match (family, self.name()?.as_str()) {
                ("ip", "saddr") => plain(What::Address(Field::OriginalSource4), "ipv4_addr"),
                ("ip", "daddr") => plain(What::Address(Field::OriginalDestination4), "ipv4_addr"),
                ("ip6", "saddr") => plain(What::Address(Field::OriginalSource6), "ipv6_addr"),
                ("ip6", "daddr") => plain(What::Address(Field::OriginalDestination6), "ipv6_addr"),
                (_, other) => wrong(format!("ct original {family} {other}")),
            },
            other => outside(format!("ct original {other}")),
        }
    }
}
