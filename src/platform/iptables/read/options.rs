//! Words to options: which words belong together.
//!
//! iptables(8) options are read as the program does: the matches that a rule names decide what an option means, and long words are values where an option takes one,
//! even if they begin with `-`. Options that are not in the table are kept with the words behind them, up to the next option.

use super::lines::Word;

/// What an option says; its values are in [`Given`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// `-s`
    Source,
    /// `-d`
    Destination,
    /// `-p`
    Protocol,
    /// `-i`
    In,
    /// `-o`
    Out,
    /// `-f`
    Fragment,
    /// `-4`
    OnlyV4,
    /// `-6`
    OnlyV6,
    /// `-m`
    Match,
    /// `-j`
    Jump,
    /// `-g`
    Goto,
    /// `--sport`, `--sports`
    SourcePorts,
    /// `--dport`, `--dports`
    DestinationPorts,
    /// `--ports`
    EitherPorts,
    /// `--syn`
    Syn,
    /// `--tcp-flags`
    TcpFlags,
    /// `--icmp-type`
    IcmpType,
    /// `--icmpv6-type`
    Icmp6Type,
    /// `--src-range`
    SourceRange,
    /// `--dst-range`
    DestinationRange,
    /// `--ctstate`, `--state`
    States,
    /// `--ctproto`
    ConnectionProtocol,
    /// `--ctorigsrc`
    ConnectionSource,
    /// `--ctorigdst`
    ConnectionDestination,
    /// `--ctorigsrcport`
    ConnectionSourcePorts,
    /// `--ctorigdstport`
    ConnectionDestinationPorts,
    /// `--ctdir`
    Direction,
    /// `--match-set`
    Set,
    /// Says nothing about the packet: comments, counters.
    Nothing,
    /// A text that belongs to a match or target that the table does not know.
    Text,
    /// Not in the table.
    Other,
}

/// An option with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<'a> {
    /// What it says.
    pub meaning: Meaning,
    /// Whether a `!` stands before it, or, in the old form, before its value.
    pub negated: bool,
    /// Its values.
    pub values: Vec<&'a str>,
    /// Whether it lacks values, or is a word where an option should be.
    pub broken: bool,
    words: &'a [Word<'a>],
}

impl<'a> Given<'a> {
    /// Its first value.
    pub fn value(&self) -> &'a str {
        self.values.first().copied().unwrap_or_default()
    }

    /// As written, `!` included.
    pub fn text(&self) -> String {
        let words: Vec<_> = self.words.iter().map(Word::written).collect();
        words.join(" ")
    }
}

/// What a spelling means, and how many words it takes.
fn known(spelling: &str) -> Option<(Meaning, usize)> {
    Some(match spelling {
        "-s" | "--source" | "--src" => (Meaning::Source, 1),
        "-d" | "--destination" | "--dst" => (Meaning::Destination, 1),
        "-p" | "--protocol" | "--proto" => (Meaning::Protocol, 1),
        "-i" | "--in-interface" => (Meaning::In, 1),
        "-o" | "--out-interface" => (Meaning::Out, 1),
        "-f" | "--fragment" => (Meaning::Fragment, 0),
        "-4" | "--ipv4" => (Meaning::OnlyV4, 0),
        "-6" | "--ipv6" => (Meaning::OnlyV6, 0),
        "-m" | "--match" => (Meaning::Match, 1),
        "-j" | "--jump" => (Meaning::Jump, 1),
        "-g" | "--goto" => (Meaning::Goto, 1),
        "-c" | "--set-counters" => (Meaning::Nothing, 2),
        "--comment" => (Meaning::Nothing, 1),
        "--update-counters" | "--update-subcounters" => (Meaning::Nothing, 0),
        "--sport" | "--sports" | "--source-port" | "--source-ports" => (Meaning::SourcePorts, 1),
        "--dport" | "--dports" | "--destination-port" | "--destination-ports" => (Meaning::DestinationPorts, 1),
        "--ports" | "--port" => (Meaning::EitherPorts, 1),
        "--syn" => (Meaning::Syn, 0),
        "--tcp-flags" => (Meaning::TcpFlags, 2),
        "--icmp-type" => (Meaning::IcmpType, 1),
        "--icmpv6-type" => (Meaning::Icmp6Type, 1),
        "--src-range" => (Meaning::SourceRange, 1),
        "--dst-range" => (Meaning::DestinationRange, 1),
        "--ctstate" | "--state" => (Meaning::States, 1),
        "--ctproto" => (Meaning::ConnectionProtocol, 1),
        "--ctorigsrc" => (Meaning::ConnectionSource, 1),
        "--ctorigdst" => (Meaning::ConnectionDestination, 1),
        "--ctorigsrcport" => (Meaning::ConnectionSourcePorts, 1),
        "--ctorigdstport" => (Meaning::ConnectionDestinationPorts, 1),
        "--ctdir" => (Meaning::Direction, 1),
        "--match-set" => (Meaning::Set, 2),
        "--log-prefix" | "--nflog-prefix" | "--ulog-prefix" | "--string" | "--hex-string" | "--u32" => {
            (Meaning::Text, 1)
        }
        "--bytecode" | "--reject-with" | "--name" => (Meaning::Text, 1),
        _ => return None,
    })
}

/// How a spelling is read behind `-m MODULE`: some matches have an option of the name of another one.
fn look_up(spelling: &str, module: &str) -> (Meaning, Option<usize>) {
    match (module, spelling) {
        ("policy", "--proto") => return (Meaning::Text, Some(1)),
        ("set", "--set") => return (Meaning::Set, Some(2)),
        _ => {}
    }
    known(spelling).map_or((Meaning::Other, None), |(meaning, takes)| (meaning, Some(takes)))
}

/// Groups the words behind the chain of a command.
pub fn options<'a>(words: &'a [Word<'a>]) -> Vec<Given<'a>> {
    let mut found = Vec::with_capacity(8);
    let mut rest = Words { words, at: 0 };
    let mut module = "";
    while let Some(given) = rest.option(module) {
        if given.meaning == Meaning::Match {
            module = given.value();
        }
        found.push(given);
    }
    found
}

struct Words<'a> {
    words: &'a [Word<'a>],
    at: usize,
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<&'a Word<'a>> {
        self.words.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Word<'a>> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    fn option(&mut self, module: &str) -> Option<Given<'a>> {
        let start = self.at;
        let first = self.next()?;
        let negated = first.is_bang() && self.peek().is_some();
        let head = if negated { self.next()? } else { first };
        let (spelling, inline) = split(&head.text);
        let (meaning, takes) = look_up(spelling, module);
        let mut values = Vec::with_capacity(takes.unwrap_or(1));
        values.extend(inline);
        let mut given = Given { meaning, negated, values, broken: !looks_like_option(head), words: &[] };
        match takes {
            Some(takes) => self.take(&mut given, takes),
            None => self.take_all(&mut given),
        }
        given.words = self.words.get(start..self.at).unwrap_or_default();
        Some(given)
    }

    /// The words that an option of the table takes.
    fn take(&mut self, given: &mut Given<'a>, takes: usize) {
        let old_form = !matches!(given.meaning, Meaning::Nothing | Meaning::Text) && takes > 0;
        if old_form && !given.negated && self.peek().is_some_and(Word::is_bang) {
            self.at += 1;
            given.negated = true;
        }
        while given.values.len() < takes {
            let Some(word) = self.next() else {
                given.broken = true;
                return;
            };
            given.values.push(&word.text);
        }
    }

    /// All words up to the next option.
    fn take_all(&mut self, given: &mut Given<'a>) {
        while let Some(word) = self.peek() {
            let behind = self.words.get(self.at + 1);
            if word.is_bang() && behind.is_none_or(looks_like_option) || looks_like_option(word) {
                return;
            }
            given.values.push(&word.text);
            self.at += 1;
        }
    }
}

/// `--dport=80` and `-s10.0.0.1` have their value with them.
fn split(head: &str) -> (&str, Option<&str>) {
    if head.starts_with("--") {
        return head.split_once('=').map_or((head, None), |(name, value)| (name, Some(value)));
    }
    match head.split_at_checked(2) {
        Some((short @ ("-s" | "-d" | "-p" | "-i" | "-o" | "-m" | "-j" | "-g"), value)) if !value.is_empty() => {
            (short, Some(value))
        }
        _ => (head, None),
    }
}

/// Whether a word begins an option: a number below zero does not.
fn looks_like_option(word: &Word<'_>) -> bool {
    let mut characters = word.text.chars();
    let dash = characters.next() == Some('-') && !word.quoted;
    dash && characters.next().is_some_and(|next| next == '-' || next.is_ascii_alphabetic() || "46".contains(next))
}
