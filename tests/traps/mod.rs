//! The documents under `tests/golden/traps/`: rule sets that are easily misread, and what must be said of them.
//!
//! A document has a title, a paragraph that says what the trap is, and sections. A section is one rule set: fences with the names of its files (`ruleset.nft`, `ruleset.json`, `rules.v4`,
//! `rules.v6`, `ipset.save`; with a second word `refused` where the device's program must refuse the file, `elsewhere` where it is in a form that cannot be loaded here), and a
//! fence `packets` with what becomes of packets, written by hand. A section without one has that of the section before it.
//! Fences `lines` and `equiv` are what the program prints (`UPDATE_GOLDEN=1` rewrites them); `equiv` compares with the first section.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "several test programs include this module; a fixture that cannot be read has failed"
)]

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sekisho::listing::{Crossing, Hook, State};
use sekisho::packet::{Flow, Protocol, ServicePoint};

/// What must be said of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It surely passes.
    Passes,
    /// It surely does not.
    Drops,
    /// Neither is certain.
    Unknown,
}

/// A line of a fence `packets`: `passes new eth0 > eth1 192.0.2.1 > 198.51.100.1 tcp/80`; an outgoing interface `-` is the device itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub text: String,
    pub answer: Answer,
    pub state: State,
    pub incoming: String,
    pub outgoing: Option<String>,
    pub flow: Flow,
}

impl Asked {
    pub fn crossing(&self) -> Crossing<'_> {
        Crossing {
            hook: if self.outgoing.is_some() { Hook::Forward } else { Hook::Input },
            incoming: Some(&self.incoming),
            outgoing: self.outgoing.as_deref(),
            state: self.state,
            direction: None,
        }
    }
}

/// A file of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub name: String,
    /// The words behind the name.
    pub words: Vec<String>,
    pub text: String,
}

/// One rule set.
#[derive(Debug, Clone, Default)]
pub struct Section {
    pub heading: String,
    pub files: Vec<File>,
    pub packets: Vec<Asked>,
}

impl Section {
    pub fn file(&self, name: &str) -> Option<&str> {
        self.files.iter().find(|file| file.name == name).map(|file| file.text.as_str())
    }

    pub fn says(&self, word: &str) -> bool {
        self.files.iter().any(|file| file.words.iter().any(|known| known == word))
    }

    pub fn named_texts(&self) -> Vec<(&str, &str)> {
        self.files.iter().map(|file| (file.name.as_str(), file.text.as_str())).collect()
    }
}

/// A piece of a document, in order.
pub enum Piece {
    Line(String),
    Fence(String, String),
}

pub fn documents() -> Vec<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/traps");
    let mut found: Vec<PathBuf> = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

pub fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        found.push(match line.strip_prefix("```") {
            Some(info) => {
                let body: String =
                    lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
                Piece::Fence(info.to_owned(), body)
            }
            None => Piece::Line(line.to_owned()),
        });
    }
    found
}

pub fn sections(text: &str) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let mut packets = Vec::new();
    for piece in pieces(text) {
        match piece {
            Piece::Line(line) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    found.push(Section { heading: heading.to_owned(), ..Section::default() });
                    found.last_mut().unwrap().packets.clone_from(&packets);
                }
            }
            Piece::Fence(info, body) => {
                let section = found.last_mut().expect("a fence stands in a section");
                match info.as_str() {
                    "packets" => {
                        packets = body.lines().map(asked).collect();
                        section.packets.clone_from(&packets);
                    }
                    "lines" | "equiv" => {}
                    _ => {
                        let mut words = info.split(' ').map(str::to_owned);
                        let name = words.next().unwrap();
                        section.files.push(File { name, words: words.collect(), text: body });
                    }
                }
            }
        }
    }
    found
}

fn asked(line: &str) -> Asked {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [answer, state, incoming, ">", outgoing, source, ">", destination, service] = words.as_slice() else {
        panic!("no packet: {line}")
    };
    let answer = match *answer {
        "passes" => Answer::Passes,
        "drops" => Answer::Drops,
        "unknown" => Answer::Unknown,
        other => panic!("no answer: {other}"),
    };
    let state = match *state {
        "new" => State::New,
        "established" => State::Established,
        "related" => State::Related,
        "invalid" => State::Invalid,
        "untracked" => State::Untracked,
        other => panic!("no state: {other}"),
    };
    let address = |text: &str| text.parse::<IpAddr>().unwrap_or_else(|_| panic!("no address: {text}"));
    Asked {
        text: line.to_owned(),
        answer,
        state,
        incoming: (*incoming).to_owned(),
        outgoing: (*outgoing != "-").then(|| (*outgoing).to_owned()),
        flow: Flow { source: address(source), destination: address(destination), service: service_of(service) },
    }
}

/// `tcp/80`, `tcp/1000:80`, `icmp/8`, `47`.
fn service_of(text: &str) -> ServicePoint {
    let (protocol, rest) = text.split_once('/').unwrap_or((text, "0"));
    let number = |text: &str| text.parse::<u16>().unwrap_or_else(|_| panic!("no number: {text}"));
    let protocol = match protocol {
        "tcp" => Protocol::TCP,
        "udp" => Protocol::UDP,
        "sctp" => Protocol::SCTP,
        "icmp" => Protocol::ICMP,
        "icmp6" => Protocol::ICMP6,
        other => Protocol(other.parse().expect("a protocol")),
    };
    let (a, b) = match rest.split_once(':') {
        Some((a, b)) => (number(a), number(b)),
        None if protocol.is_icmp() => (number(rest), 0),
        None if protocol.has_ports() => (40000, number(rest)),
        None => (0, 0),
    };
    ServicePoint { protocol, a, b }
}
