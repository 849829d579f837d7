//! Words to options: which words belong together.
//!
//! iptables(8) options are read as the program does: the matches that a rule names decide what an option means, and long words are values where an option takes one,
//! even if they begin with `-`. Options that are not in the table are kept with the words behind them, up to the next option.

use super::lines::Word;

/// What an option says; its values are in [`Given`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
pub struct Given {
    /// What it says.
    pub meaning: Meaning,
    /// Whether a `!` stands before it, or, in the old form, before its value.
    pub negated: bool,
    /// Its values.
    pub values: Vec<String>,
    /// As written, `!` included.
    pub text: String,
    /// Whether it lacks values, or is a word where an option should be.
    pub broken: bool,
}

impl Given {
    /// Its first value.
    pub fn value(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }
}

/// Spellings, what they mean, and how many words they take.
const TABLE: &[(&[&str], Meaning, usize)] = &[
    (&["-s", "--source", "--src"], Meaning::Source, 1),
    (&["-d", "--destination", "--dst"], Meaning::Destination, 1),
    (&["-p", "--protocol", "--proto"], Meaning::Protocol, 1),
    (&["-i", "--in-interface"], Meaning::In, 1),
    (&["-o", "--out-interface"], Meaning::Out, 1),
    (&["-f", "--fragment"], Meaning::Fragment, 0),
    (&["-4", "--ipv4"], Meaning::OnlyV4, 0),
    (&["-6", "--ipv6"], Meaning::OnlyV6, 0),
    (&["-m", "--match"], Meaning::Match, 1),
    (&["-j", "--jump"], Meaning::Jump, 1),
    (&["-g", "--goto"], Meaning::Goto, 1),
    (&["-c", "--set-counters"], Meaning::Nothing, 2),
    (&["--comment"], Meaning::Nothing, 1),
    (&["--update-counters", "--update-subcounters"], Meaning::Nothing, 0),
    (&["--sport", "--sports", "--source-port", "--source-ports"], Meaning::SourcePorts, 1),
    (&["--dport", "--dports", "--destination-port", "--destination-ports"], Meaning::DestinationPorts, 1),
    (&["--ports", "--port"], Meaning::EitherPorts, 1),
    (&["--syn"], Meaning::Syn, 0),
    (&["--tcp-flags"], Meaning::TcpFlags, 2),
    (&["--icmp-type"], Meaning::IcmpType, 1),
    (&["--icmpv6-type"], Meaning::Icmp6Type, 1),
    (&["--src-range"], Meaning::SourceRange, 1),
    (&["--dst-range"], Meaning::DestinationRange, 1),
    (&["--ctstate", "--state"], Meaning::States, 1),
    (&["--ctproto"], Meaning::ConnectionProtocol, 1),
    (&["--ctorigsrc"], Meaning::ConnectionSource, 1),
    (&["--ctorigdst"], Meaning::ConnectionDestination, 1),
    (&["--ctorigsrcport"], Meaning::ConnectionSourcePorts, 1),
    (&["--ctorigdstport"], Meaning::ConnectionDestinationPorts, 1),
    (&["--ctdir"], Meaning::Direction, 1),
    (&["--match-set"], Meaning::Set, 2),
    (&["--log-prefix", "--nflog-prefix", "--ulog-prefix", "--string", "--hex-string", "--u32"], Meaning::Text, 1),
    (&["--bytecode", "--reject-with", "--name"], Meaning::Text, 1),
];

/// How a spelling is read behind `-m MODULE`: some matches have an option of the name of another one.
fn look_up(spelling: &str, module: &str) -> (Meaning, Option<usize>) {
    match (module, spelling) {
        ("policy", "--proto") => return (Meaning::Text, Some(1)),
        ("set", "--set") => return (Meaning::Set, Some(2)),
        _ => {}
    }
    let known = TABLE.iter().find(|(spellings, ..)| spellings.contains(&spelling));
    known.map_or((Meaning::Other, None), |(_, meaning, takes)| (*meaning, Some(*takes)))
}

/// Groups the words behind the chain of a command.
pub fn options(words: &[Word]) -> Vec<Given> {
    let mut found = Vec::new();
    let mut rest = Words { words: words.iter().peekable() };
    let mut module = String::new();
    while let Some(given) = rest.option(&module) {
        if given.meaning == Meaning::Match {
            given.value().clone_into(&mut module);
        }
        found.push(given);
    }
    found
}

struct Words<'a> {
    words: std::iter::Peekable<std::slice::Iter<'a, Word>>,
}

impl Words<'_> {
    fn option(&mut self, module: &str) -> Option<Given> {
        let first = self.words.next()?;
        let negated = first.is_bang() && self.words.peek().is_some();
        let head = if negated { self.words.next()? } else { first };
        let (spelling, inline) = split(head);
        let (meaning, takes) = look_up(&spelling, module);
        let mut given = Given {
            meaning,
            negated,
            values: inline.into_iter().collect(),
            text: format!("{}{}", if negated { "! " } else { "" }, head.written()),
            broken: !looks_like_option(head),
        };
        match takes {
            Some(takes) => self.take(&mut given, takes),
            None => self.take_all(&mut given),
        }
        Some(given)
    }

    /// The words that an option of the table takes.
    fn take(&mut self, given: &mut Given, takes: usize) {
        let old_form = !matches!(given.meaning, Meaning::Nothing | Meaning::Text) && takes > 0;
        if old_form && !given.negated && self.words.peek().is_some_and(|word| word.is_bang()) {
            self.words.next();
            given.negated = true;
            given.text.push_str(" !");
        }
        while given.values.len() < takes {
            let Some(word) = self.words.next() else {
                given.broken = true;
                return;
            };
            given.push(word);
        }
    }

    /// All words up to the next option.
    fn take_all(&mut self, given: &mut Given) {
        loop {
            let mut ahead = self.words.clone();
            match ahead.next() {
                Some(word) if word.is_bang() && ahead.next().is_none_or(looks_like_option) => return,
                Some(word) if !looks_like_option(word) => given.push(word),
                _ => return,
            }
            self.words.next();
        }
    }
}

impl Given {
    fn push(&mut self, word: &Word) {
        self.values.push(word.text.clone());
        self.text.push(' ');
        self.text.push_str(&word.written());
    }
}

/// `--dport=80` and `-s10.0.0.1` have their value with them.
fn split(head: &Word) -> (String, Option<String>) {
    if head.text.starts_with("--") {
        let parts = head.text.split_once('=');
        return parts.map_or((head.text.clone(), None), |(name, value)| (name.to_owned(), Some(value.to_owned())));
    }
    let glued = ["-s", "-d", "-p", "-i", "-o", "-m", "-j", "-g"].iter().find_map(|short| {
        let value = head.text.strip_prefix(short).filter(|value| !value.is_empty())?;
        Some(((*short).to_owned(), Some(value.to_owned())))
    });
    glued.unwrap_or_else(|| (head.text.clone(), None))
}

/// Whether a word begins an option: a number below zero does not.
fn looks_like_option(word: &Word) -> bool {
    let mut characters = word.text.chars();
    let dash = characters.next() == Some('-') && !word.quoted;
    dash && characters.next().is_some_and(|next| next == '-' || next.is_ascii_alphabetic() || "46".contains(next))
}
