//! Rule sets that others wrote: where they are, and that nothing of them is passed over in silence.
//!
//! `tests/corpus/dumps/` has those whose licence allows it (its README says whence each is); the environment variable `SEKISHO_DUMPS` names further directories, with `:` between them.
//! The end of a file's name says what it is: `.v4`, `.v6`, `.ipset`, `.nft`, `.json`; files with the same name before it are of one device.
//!
//! How lines are told apart is written anew here, by braces and words alone, and shares nothing with the readers.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "several test programs include this module; a dump that cannot be read has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sekisho::listing::{Action, Condition, Listing};
use sekisho::platform;

/// The rule set of one device.
#[derive(Debug, Clone, Default)]
pub struct Dump {
    pub name: String,
    /// By the end of their names.
    pub files: BTreeMap<String, String>,
}

const ENDS: [(&str, &str); 5] =
    [("v4", "rules.v4"), ("v6", "rules.v6"), ("ipset", "ipset.save"), ("nft", "ruleset.nft"), ("json", "ruleset.json")];

impl Dump {
    pub fn is_nftables(&self) -> bool {
        self.files.contains_key("nft") || self.files.contains_key("json")
    }

    /// The listing of some of its files, as the program reads them; `None` where it says that they are no rule set.
    pub fn read_only(&self, ends: &[&str]) -> Option<Listing> {
        let name = |end: &str| ENDS.iter().find(|(known, _)| *known == end).map(|(_, name)| *name);
        let files: Vec<(&str, &str)> =
            ends.iter().filter_map(|end| Some((name(end)?, self.files.get(*end)?.as_str()))).collect();
        let wanted = if self.is_nftables() { "nftables" } else { "iptables" };
        let platform = platform::by_name(wanted).expect("a platform");
        platform.read(&files)
    }

    pub fn read(&self) -> Option<Listing> {
        let ends: Vec<&str> = self.files.keys().map(String::as_str).collect();
        self.read_only(&ends)
    }
}

fn gather(home: &Path, at: &Path, found: &mut BTreeMap<String, Dump>) {
    let mut inside: Vec<PathBuf> = fs::read_dir(at).into_iter().flatten().flatten().map(|one| one.path()).collect();
    inside.sort();
    for path in inside {
        if path.is_dir() {
            gather(home, &path, found);
            continue;
        }
        let end = path.extension().map(|end| end.to_string_lossy().into_owned()).unwrap_or_default();
        if ENDS.iter().all(|(known, _)| *known != end) {
            continue;
        }
        let stem = path.with_extension("");
        let name = stem.strip_prefix(home).unwrap_or(&stem).display().to_string();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let dump = found.entry(name.clone()).or_default();
        dump.name = name;
        dump.files.insert(end, text);
    }
}

/// All dumps that there are, by name.
pub fn dumps() -> Vec<Dump> {
    let mut homes = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/dumps")];
    if let Some(more) = std::env::var_os("SEKISHO_DUMPS") {
        homes.extend(std::env::split_paths(&more));
    }
    let mut all = Vec::new();
    for home in homes {
        let mut found = BTreeMap::new();
        gather(&home, &home, &mut found);
        all.extend(found.into_values());
    }
    all
}

/// What became of the lines of a file.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// Lines that are neither empty nor remarks.
    pub lines: usize,
    /// Those that must be rules.
    pub rules: usize,
    /// Rules of which everything is understood.
    pub understood: usize,
    /// Rules of which something is not, by the first word of what is not.
    pub unknown: BTreeMap<String, usize>,
    /// Lines that are noticed and no rules of the listing.
    pub noticed: usize,
    /// Rules that are nowhere: there must be none.
    pub silent: Vec<String>,
    /// Files that are refused as a whole: they are no rule sets.
    pub refused: usize,
}

impl Account {
    pub fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.rules += other.rules;
        self.understood += other.understood;
        self.noticed += other.noticed;
        self.refused += other.refused;
        for (reason, count) in &other.unknown {
            *self.unknown.entry(reason.clone()).or_default() += count;
        }
        self.silent.extend(other.silent.iter().cloned());
    }

    /// Looks a line up that must be a rule.
    fn rule(&mut self, listing: &Listing, line: usize, text: &str) {
        self.rules += 1;
        let rules = listing.chains.iter().flat_map(|chain| &chain.rules);
        let known: Vec<_> = rules.filter(|rule| rule.line == line).collect();
        if let Some(rule) = known.iter().find(|rule| rule.is_unknown()) {
            *self.unknown.entry(reason(&rule.when, &rule.action)).or_default() += 1;
        } else if !known.is_empty() {
            self.understood += 1;
        } else if listing.noticed.iter().any(|noticed| noticed.line == line) {
            self.noticed += 1;
        } else {
            self.silent.push(format!("{line}: {text}"));
        }
    }
}

/// The first two words of the first thing that is not understood.
fn reason(when: &[Condition], action: &Action) -> String {
    let text = first_unknown(when).or_else(|| match action {
        Action::Unknown(text) => Some(text.clone()),
        Action::Choose(entries) => entries.iter().find_map(|(when, then)| match then {
            Action::Unknown(text) => Some(text.clone()),
            _ => first_unknown(when),
        }),
        _ => None,
    });
    let text = text.unwrap_or_default();
    text.split_whitespace().filter(|word| *word != "!").take(2).collect::<Vec<_>>().join(" ")
}

fn first_unknown(when: &[Condition]) -> Option<String> {
    when.iter().find_map(|condition| match condition {
        Condition::Unknown(text) => Some(text.clone()),
        Condition::Not(inner) | Condition::First(inner) => first_unknown(inner),
        Condition::AnyOf(lists) => lists.iter().find_map(|list| first_unknown(list)),
        _ => None,
    })
}

/// Accounts for the lines of a file of rules of iptables.
pub fn of_iptables(text: &str, listing: &Listing) -> Account {
    let mut account = Account::default();
    let chains: BTreeSet<&str> =
        listing.chains.iter().filter_map(|chain| chain.name.split_once(' ')).map(|(_, name)| name).collect();
    let mut table = String::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        account.lines += 1;
        let noticed = || listing.noticed.iter().any(|noticed| noticed.line == number);
        if let Some(name) = line.strip_prefix('*') {
            table = name.trim().to_owned();
        } else if let Some(chain) = line.strip_prefix(':') {
            let name = chain.split_whitespace().next().unwrap_or_default();
            // Without the line that names the table, it is taken to be `filter`, which is noticed.
            let table = if table.is_empty() { "filter" } else { &table };
            if table != "nat" && !chains.contains(format!("{table} {name}").as_str()) && !noticed() {
                account.silent.push(format!("{number}: {line}"));
            }
        } else if line != "COMMIT" {
            // Counters may stand before the command.
            let words: Vec<&str> = line.split_whitespace().skip_while(|word| word.starts_with('[')).collect();
            match words.first() {
                Some(&("-A" | "-I" | "--append" | "--insert")) => account.rule(listing, number, line),
                Some(
                    &("-N" | "-P" | "-F" | "-X" | "-Z" | "-D" | "-R" | "--new-chain" | "--policy" | "--flush"
                    | "--delete-chain"),
                ) => {}
                _ if noticed() => account.noticed += 1,
                _ => account.silent.push(format!("{number}: {line}")),
            }
        }
    }
    account
}

/// What stands in a block of nftables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Table,
    /// Of a family that is noticed as a whole.
    Foreign,
    Chain,
    /// Sets, counters and the like.
    Object,
    /// Braces within a statement.
    Braces,
}

/// Accounts for the statements of a text of nftables.
pub fn of_nftables(text: &str, listing: &Listing) -> Account {
    let mut account = Account::default();
    let remarks = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with('#');
    account.lines = text.lines().filter(remarks).count();
    for (line, statement) in statements(text) {
        account.rule(listing, line, &statement);
    }
    account
}

/// The rules of a text, with the lines on which they begin.
pub fn statements(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside: Vec<Inside> = Vec::new();
    let (mut statement, mut begins, mut line) = (String::new(), 0, 1);
    let mut characters = text.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            '#' if !quoted => {
                while characters.next_if(|next| *next != '\n').is_some() {}
                continue;
            }
            '\\' if characters.peek() == Some(&'\n') => {
                characters.next();
                line += 1;
                continue;
            }
            _ => {}
        }
        if quoted || !matches!(character, '{' | '}' | '\n' | ';') {
            if statement.trim().is_empty() && !character.is_whitespace() {
                begins = line;
            }
            statement.push(character);
            line += usize::from(character == '\n');
            continue;
        }
        let in_braces = inside.last() == Some(&Inside::Braces);
        match character {
            '{' => {
                let opened = opened(statement.trim(), inside.last().copied());
                inside.push(opened);
                if opened == Inside::Braces { statement.push('{') } else { statement.clear() }
            }
            '}' => {
                if inside.pop() == Some(Inside::Braces) {
                    statement.push('}');
                } else {
                    end(&mut found, &mut statement, begins, Some(Inside::Chain));
                }
            }
            _ if in_braces => statement.push(' '),
            _ => end(&mut found, &mut statement, begins, inside.last().copied()),
        }
        line += usize::from(character == '\n');
    }
    found
}

fn opened(head: &str, outer: Option<Inside>) -> Inside {
    let mut words = head.split_whitespace().skip_while(|word| matches!(*word, "add" | "create"));
    let first = words.next().unwrap_or_default();
    match (outer, first) {
        (None, "table") => match words.next() {
            Some("arp" | "bridge" | "netdev") => Inside::Foreign,
            _ => Inside::Table,
        },
        (Some(Inside::Foreign), _) => Inside::Foreign,
        (None | Some(Inside::Table), "chain") => Inside::Chain,
        (
            Some(Inside::Table),
            "set" | "map" | "flowtable" | "counter" | "quota" | "limit" | "ct" | "secmark" | "synproxy" | "tunnel",
        ) => Inside::Object,
        _ => Inside::Braces,
    }
}

/// A statement ends: it is kept if it must be a rule.
fn end(found: &mut Vec<(usize, String)>, statement: &mut String, line: usize, inside: Option<Inside>) {
    let text = std::mem::take(statement);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    let is_rule = match inside {
        Some(Inside::Chain) => {
            let hook = first == "type" && text.contains(" hook ");
            let other = ["policy", "comment", "define", "redefine", "undefine", "devices", "device", "flags"];
            !(first.is_empty() || hook || other.contains(&first))
        }
        None => (matches!(first, "add" | "insert") && words.next() == Some("rule")) || first == "rule",
        Some(_) => false,
    };
    if is_rule {
        found.push((line, text));
    }
}

/// Accounts for the rules of JSON, which count by their handles.
pub fn of_json(text: &str, listing: &Listing) -> Account {
    let mut account = Account::default();
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    for object in value["nftables"].as_array().into_iter().flatten() {
        account.lines += 1;
        let rule = &object["rule"];
        let rule = if rule.is_null() { &object["add"]["rule"] } else { rule };
        let foreign = ["arp", "bridge", "netdev"].contains(&rule["family"].as_str().unwrap_or_default());
        if rule.is_object() && !foreign {
            let handle = rule["handle"].as_u64().unwrap_or(0);
            account.rule(listing, usize::try_from(handle).unwrap(), &rule.to_string());
        }
    }
    account
}

/// Accounts for all files of a dump, each read alone.
pub fn accounted(dump: &Dump) -> Account {
    let mut account = Account::default();
    for (end, text) in &dump.files {
        let listing = match end.as_str() {
            "ipset" => continue,
            "v4" | "v6" => dump.read_only(&[end, "ipset"]),
            _ => dump.read_only(&[end]),
        };
        account.add(&match (end.as_str(), listing) {
            (_, None) => Account { refused: 1, ..Account::default() },
            ("v4" | "v6", Some(listing)) => of_iptables(text, &listing),
            ("json", Some(listing)) => of_json(text, &listing),
            (_, Some(listing)) => of_nftables(text, &listing),
        });
    }
    account
}
