//! Reads what `iptables-restore` and `ip6tables-restore` are given: what is emitted, and what one change makes of it.
//!
//! Written from iptables(8) and iptables-extensions(8). The two files are one rule set: chains of the first begin with `4 `, of the second with `6 `.

use super::rules::{Base, Field, Hook, Match, Refusal, Rule, RuleSet, Sense, State, Verdict, outside, wrong};
use super::values::{address, merged, number, prefix, protocol, range};

/// Reads both files.
pub fn read(v4: &str, v6: &str) -> Result<RuleSet, Refusal> {
    let mut found = RuleSet::default();
    for (text, family) in [(v4, 4), (v6, 6)] {
        for (name, hook) in [("INPUT", Hook::Input), ("FORWARD", Hook::Forward), ("OUTPUT", Hook::Output)] {
            let chain = format!("{family} {name}");
            found.chains.insert(chain.clone(), Vec::new());
            found.bases.push(Base { chain, hook, priority: 0, accepts: true, family: Some(family) });
        }
        File { family, found: &mut found }.read(text)?;
    }
    found.checked()
}

struct File<'a> {
    family: u8,
    found: &'a mut RuleSet,
}

impl File<'_> {
    fn read(&mut self, text: &str) -> Result<(), Refusal> {
        let mut is_open = false;
        let mut is_done = false;
        for line in text.lines() {
            let words = words(line)?;
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words.as_slice() {
                [] => {}
                ["*filter"] if !is_open => is_open = true,
                ["COMMIT"] if is_open => (is_open, is_done) = (false, true),
                _ if !is_open => return wrong(format!("`{line}` outside a table")),
                [chain, policy, ..] if chain.starts_with(':') => self.declare(&chain[1..], policy)?,
                ["-N", chain] => self.declare(chain, "-")?,
                ["-F", chain] => self.chain(chain)?.clear(),
                ["-A", chain, rest @ ..] => {
                    let rule = Options { family: self.family, words: rest, at: 0 }.rule()?;
                    self.chain(chain)?.push(rule);
                }
                _ => return outside(format!("`{line}`")),
            }
        }
        if is_done && !is_open { Ok(()) } else { outside("a table without COMMIT") }
    }

    fn chain(&mut self, name: &str) -> Result<&mut Vec<Rule>, Refusal> {
        let name = format!("{} {name}", self.family);
        match self.found.chains.get_mut(&name) {
            Some(chain) => Ok(chain),
            None => wrong(format!("there is no chain {name}")),
        }
    }

    fn declare(&mut self, name: &str, policy: &str) -> Result<(), Refusal> {
        let chain = format!("{} {name}", self.family);
        if let Some(base) = self.found.bases.iter_mut().find(|base| base.chain == chain) {
            base.accepts = match policy {
                "ACCEPT" => true,
                "DROP" => false,
                "-" => base.accepts,
                _ => return wrong(format!("policy {policy}")),
            };
            return Ok(());
        }
        if policy != "-" || name.len() > 28 {
            return wrong(format!("chain {name} with {policy}"));
        }
        self.found.chains.insert(chain, Vec::new());
        Ok(())
    }
}

fn words(line: &str) -> Result<Vec<String>, Refusal> {
    let mut found = Vec::new();
    let mut rest = line.chars().peekable();
    if line.starts_with('#') {
        return Ok(found);
    }
    while let Some(one) = rest.next() {
        let mut word = String::new();
        match one {
            c if c.is_whitespace() => continue,
            '"' => loop {
                match rest.next() {
                    Some('"') => break,
                    Some('\\') => word.extend(rest.next()),
                    Some(c) => word.push(c),
                    None => return wrong("a string without end"),
                }
            },
            c => {
                word.push(c);
                while let Some(next) = rest.next_if(|c| !c.is_whitespace()) {
                    word.push(next);
                }
            }
        }
        found.push(word);
    }
    Ok(found)
}

/// Modules that must ask something.
const NEEDED: [(&str, &[&str]); 3] = [
    ("conntrack", &["--ctstate", "--ctorigsrc", "--ctorigdst", "--ctproto", "--ctorigsrcport", "--ctorigdstport"]),
    ("iprange", &["--src-range", "--dst-range"]),
    ("multiport", &["--sports", "--dports"]),
];

struct Options<'a> {
    family: u8,
    words: &'a [&'a str],
    at: usize,
}

impl Options<'_> {
    fn next(&mut self) -> Result<&str, Refusal> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word.map_or_else(|| wrong("an option without its value"), Ok)
    }

    fn by_family(&self, four: Field, six: Field) -> Field {
        if self.family == 6 { six } else { four }
    }

    fn rule(&mut self) -> Result<Rule, Refusal> {
        let (mut matches, mut verdict) = (Vec::new(), None);
        let mut modules: Vec<String> = Vec::new();
        let mut protocol_asked: Option<u128> = None;
        let mut seen: Vec<String> = Vec::new();
        // The parts of a `-m conntrack`: they are judged together.
        let mut tracked: Vec<Match> = Vec::new();
        while self.at < self.words.len() {
            let mut sense = Sense::Is;
            let mut option = self.next()?.to_owned();
            if option == "!" {
                (sense, option) = (Sense::IsNot, self.next()?.to_owned());
            }
            if option == "-m" {
                let module = self.next()?.to_owned();
                matches.extend(conntrack(std::mem::take(&mut tracked)));
                match (module.as_str(), self.family) {
                    // An extension header, which `-p` passes over.
                    ("ah", 6) => matches.push(Match::Value(Field::Protocol, vec![(51, 51)], Sense::Is)),
                    (
                        "tcp" | "udp" | "sctp" | "icmp" | "icmp6" | "multiport" | "iprange" | "conntrack" | "comment",
                        _,
                    ) => {}
                    _ => return outside(format!("-m {module}")),
                }
                seen.clear();
                modules.push(module);
                continue;
            }
            if sense == Sense::IsNot && ["-j", "-g", "--comment", "--log-prefix"].contains(&option.as_str()) {
                return wrong(format!("! before {option}"));
            }
            if seen.contains(&option) {
                return wrong(format!("{option} twice"));
            }
            seen.push(option.clone());
            let needs = |module: &str| {
                if modules.last().is_some_and(|last| last == module) || modules.iter().any(|one| one == module) {
                    Ok(())
                } else {
                    wrong(format!("{option} without -m {module}"))
                }
            };
            let family = self.family;
            match option.as_str() {
                "-s" | "-d" => {
                    let field = if option == "-s" {
                        self.by_family(Field::Source4, Field::Source6)
                    } else {
                        self.by_family(Field::Destination4, Field::Destination6)
                    };
                    let range = prefix(self.next()?, family)?;
                    matches.push(Match::Value(field, vec![range], sense));
                }
                "-i" | "-o" => {
                    let name = self.next()?;
                    if name.len() > 15 || name.is_empty() {
                        return wrong(format!("interface {name}"));
                    }
                    let name =
                        name.strip_suffix('+').map_or((name.to_owned(), false), |start| (start.to_owned(), true));
                    matches.push(if option == "-i" {
                        Match::In(vec![name], sense)
                    } else {
                        Match::Out(vec![name], sense)
                    });
                }
                "-p" => {
                    let number = protocol(self.next()?)?;
                    if number == 0 {
                        return outside("-p 0");
                    }
                    protocol_asked = (sense == Sense::Is).then_some(number);
                    if sense == Sense::IsNot
                        && self.words.contains(&"-m")
                        && self.words.iter().any(|word| word.ends_with("port") || word.ends_with("ports"))
                    {
                        // The kernel is asked for the ports of whatever it is.
                        return outside("ports of other protocols than one");
                    }
                    matches.push(Match::Value(Field::Protocol, vec![(number, number)], sense));
                }
                "--sport" | "--dport" => {
                    let module = match protocol_asked {
                        Some(6) => "tcp",
                        Some(17) => "udp",
                        Some(132) => "sctp",
                        _ => return wrong(format!("{option} without a protocol")),
                    };
                    needs(module)?;
                    let field = if option == "--sport" { Field::First } else { Field::Second };
                    let ports = range(self.next()?, ':', |one| number(one, 65535))?;
                    matches.push(Match::Value(field, vec![ports], sense));
                }
                "--sports" | "--dports" => {
                    needs("multiport")?;
                    if !matches!(protocol_asked, Some(6 | 17 | 132)) {
                        return wrong("multiport without a protocol");
                    }
                    let field = if option == "--sports" { Field::First } else { Field::Second };
                    let list: Vec<&str> = self.next()?.split(',').collect();
                    let slots: usize = list.iter().map(|one| if one.contains(':') { 2 } else { 1 }).sum();
                    if slots > 15 {
                        return wrong("too many ports");
                    }
                    let ranges: Result<Vec<_>, _> =
                        list.iter().map(|one| range(one, ':', |one| number(one, 65535))).collect();
                    matches.push(Match::Value(field, merged(ranges?), sense));
                }
                "--icmp-type" | "--icmpv6-type" => {
                    let (of, wanted, module) = if option == "--icmp-type" { (4, 1, "icmp") } else { (6, 58, "icmp6") };
                    needs(module)?;
                    if family != of || protocol_asked != Some(wanted) {
                        return wrong(format!("{option} without its protocol"));
                    }
                    let text = self.next()?.to_owned();
                    matches.push(kind(&text, of, sense)?);
                }
                "--src-range" | "--dst-range" => {
                    needs("iprange")?;
                    let field = if option == "--src-range" {
                        self.by_family(Field::Source4, Field::Source6)
                    } else {
                        self.by_family(Field::Destination4, Field::Destination6)
                    };
                    let range = range(self.next()?, '-', |one| address(one, family))?;
                    matches.push(Match::Value(field, vec![range], sense));
                }
                "--ctstate" => {
                    needs("conntrack")?;
                    let states = self.next()?.split(',').map(|name| {
                        State::named(name)
                            .filter(|_| name.chars().all(|c| c.is_ascii_uppercase()))
                            .map_or_else(|| wrong(format!("state {name}")), Ok)
                    });
                    let states: Result<Vec<State>, Refusal> = states.collect();
                    tracked.push(Match::State(states?, sense));
                }
                "--ctorigsrc" | "--ctorigdst" => {
                    needs("conntrack")?;
                    let field = if option == "--ctorigsrc" {
                        self.by_family(Field::OriginalSource4, Field::OriginalSource6)
                    } else {
                        self.by_family(Field::OriginalDestination4, Field::OriginalDestination6)
                    };
                    let range = prefix(self.next()?, family)?;
                    tracked.push(Match::Value(field, vec![range], sense));
                }
                "--ctproto" => {
                    needs("conntrack")?;
                    let number = protocol(self.next()?)?;
                    if number == 0 && sense == Sense::IsNot {
                        return wrong("! --ctproto 0");
                    }
                    tracked.push(Match::Value(Field::OriginalProtocol, vec![(number, number)], sense));
                }
                "--ctorigsrcport" | "--ctorigdstport" => {
                    needs("conntrack")?;
                    let field = if option == "--ctorigsrcport" { Field::OriginalFirst } else { Field::OriginalSecond };
                    let ports = range(self.next()?, ':', |one| number(one, 65535))?;
                    tracked.push(Match::Value(field, vec![ports], sense));
                }
                "--comment" => {
                    needs("comment")?;
                    self.next()?;
                }
                "--log-prefix" => {
                    self.next()?;
                }
                "-j" | "-g" => {
                    let target = self.next()?;
                    let chain = format!("{family} {target}");
                    verdict = Some(match (option.as_str(), target) {
                        ("-j", "ACCEPT") => Verdict::Accept,
                        ("-j", "DROP" | "REJECT") => Verdict::Drop,
                        ("-j", "RETURN") => Verdict::Return,
                        ("-j", "LOG") => Verdict::Continue,
                        ("-j", _) => Verdict::Jump(chain),
                        _ => Verdict::Goto(chain),
                    });
                }
                other => return outside(format!("option {other}")),
            }
        }
        // Where a source port would be the kernel keeps the number of an echo.
        let asks = |wanted: Field| tracked.iter().any(|one| matches!(one, Match::Value(field, ..) if *field == wanted));
        let has_ports = |one: &Match| match one {
            Match::Value(Field::OriginalProtocol, ranges, Sense::Is) => {
                ranges.iter().all(|(first, last)| first == last && [6, 17, 132].contains(first))
            }
            _ => false,
        };
        if asks(Field::OriginalFirst) && !tracked.iter().any(has_ports) {
            return outside("--ctorigsrcport of what has no ports");
        }
        matches.extend(conntrack(tracked));
        let has = |options: &[&str]| self.words.iter().any(|word| options.contains(word));
        for (module, options) in NEEDED {
            if modules.iter().any(|one| one == module) && !has(options) {
                return wrong(format!("-m {module} that asks nothing"));
            }
        }
        Ok(Rule { matches, verdict: verdict.unwrap_or(Verdict::Continue) })
    }
}

/// Of packets without a connection the state alone is asked, and nothing else matches if no state is.
fn conntrack(parts: Vec<Match>) -> Vec<Match> {
    let asks_state = parts.iter().any(|one| matches!(one, Match::State(..)));
    let part = |one: Match| match one {
        Match::Value(..) if asks_state => Match::OfConnections(Box::new(one)),
        other => other,
    };
    parts.into_iter().map(part).collect()
}

fn kind(text: &str, family: u8, sense: Sense) -> Result<Match, Refusal> {
    let (kind, code) = text.split_once('/').map_or((text, None), |(kind, code)| (kind, Some(code)));
    let named = match (family, kind) {
        (4, "destination-unreachable") => 3,
        (4, "time-exceeded") => 11,
        (4, "parameter-problem") => 12,
        _ => number(kind, 255)?,
    };
    if family == 4 && named == 255 {
        return outside("--icmp-type 255");
    }
    let kind = Match::Value(Field::First, vec![(named, named)], Sense::Is);
    let both = match code {
        None => vec![kind],
        Some(code) => {
            let code = number(code, 255)?;
            vec![kind, Match::Value(Field::Second, vec![(code, code)], Sense::Is)]
        }
    };
    match (sense, both.as_slice()) {
        (Sense::Is, _) => Ok(Match::Any(vec![both])),
        (Sense::IsNot, [Match::Value(field, ranges, _)]) => Ok(Match::Value(*field, ranges.clone(), Sense::IsNot)),
        (Sense::IsNot, _) => outside("a type and a code that are not"),
    }
}
