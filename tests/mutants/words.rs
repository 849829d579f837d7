//! The words of a line of a rule set, and what can be changed about them.
//!
//! Nothing is parsed: a word is known by what it looks like and by the words beside it.

use crate::change::Dialect;
use crate::worlds::random::Random;

/// Options of iptables that say what a rule is about; [`Words::negation`] and [`Words::condition`] each know a few more.
const OPTIONS: [&str; 12] = [
    "-s",
    "-d",
    "-i",
    "-o",
    "--dport",
    "--sport",
    "--dports",
    "--src-range",
    "--dst-range",
    "--ctorigsrc",
    "--ctorigdst",
    "--icmp-type",
];

/// Words of nft that say what a rule is about; [`Words::negation`] and [`Words::condition`] know them, the latter a few more.
const SELECTORS: [&str; 7] = ["saddr", "daddr", "sport", "dport", "l4proto", "type", "protocol"];

/// The words of a line; what is quoted is one word.
#[derive(Clone)]
pub struct Words {
    indent: String,
    pub words: Vec<String>,
}

impl Words {
    pub fn of(line: &str) -> Self {
        let indent: String = line.chars().take_while(|c| *c == '\t').collect();
        let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
        for c in line.trim().chars() {
            quoted ^= c == '"';
            if c == ' ' && !quoted {
                words.push(std::mem::take(&mut word));
            } else {
                word.push(c);
            }
        }
        words.push(word);
        Self { indent, words }
    }

    pub fn text(&self) -> String {
        format!("{}{}", self.indent, self.words.join(" "))
    }

    /// The places of words of which something is true, names and comments aside.
    fn places(&self, is: impl Fn(&str) -> bool) -> Vec<usize> {
        (0..self.words.len()).filter(|place| !self.is_quoted_out(*place) && is(core(&self.words[*place]))).collect()
    }

    pub fn is_quoted_out(&self, place: usize) -> bool {
        let before = |back: usize| place.checked_sub(back).map_or("", |at| self.words[at].as_str());
        [
            "comment",
            "prefix",
            "--comment",
            "--log-prefix",
            "-A",
            "-j",
            "-g",
            "jump",
            "goto",
            "set",
            "chain",
            "type",
            "flags",
        ]
        .contains(&before(1))
            && before(1) != "type"
            || before(1) == "type" && before(2) == "{"
    }

    pub fn is_negated(&self, place: usize) -> bool {
        self.words[..place].iter().any(|word| word == "!=" || word == "!")
    }

    fn put(&mut self, place: usize, new: &str) -> Option<()> {
        let word = &self.words[place];
        let tail = &word[core(word).len()..];
        self.words[place] = format!("{new}{tail}");
        Some(())
    }

    fn drawn(&self, is: impl Fn(&str) -> bool, random: &mut Random) -> Option<usize> {
        let places = self.places(is);
        places.get(random.below(places.len())).copied()
    }

    pub fn number(&mut self, random: &mut Random) -> Option<()> {
        let place = self.drawn(
            |word| {
                word.chars().all(|c| c.is_ascii_digit() || "-:,/".contains(c))
                    && word.chars().next().is_some_and(|c| c.is_ascii_digit())
            },
            random,
        )?;
        let word = core(&self.words[place]).to_owned();
        let numbers: Vec<(usize, &str)> = word
            .split(|c: char| !c.is_ascii_digit())
            .scan(0, |at, part| {
                let here = *at;
                *at += part.len() + 1;
                Some((here, part))
            })
            .filter(|(_, part)| !part.is_empty())
            .collect();
        let (at, old) = *numbers.get(random.below(numbers.len()))?;
        let value: u32 = old.parse().ok()?;
        let new = match random.below(6) {
            0 | 1 => value + 1,
            2 | 3 => value.checked_sub(1)?,
            4 => value ^ (1 << random.below(8)),
            _ => *random.pick(&[22, 80, 443, 53, 8, 0, 6, 17, 255, 65535, 1024]),
        };
        let new = format!("{}{new}{}", &word[..at], &word[at + old.len()..]);
        self.put(place, &new)
    }

    pub fn length(&mut self, random: &mut Random) -> Option<()> {
        let place = self.drawn(|word| address(word).is_some() && word.contains('/'), random)?;
        let word = core(&self.words[place]).to_owned();
        let (base, length) = word.split_once('/')?;
        let length: u32 = length.parse().ok()?;
        let most = if base.contains(':') { 128 } else { 32 };
        let length = match random.below(4) {
            0 | 1 => length.checked_sub(1)?,
            2 => length + 1,
            _ => random.below(most + 1) as u32,
        };
        self.put(place, &format!("{base}/{length}"))
    }

    pub fn address(&mut self, others: &[String], random: &mut Random) -> Option<()> {
        let place = self.drawn(|word| address(word).is_some(), random)?;
        let word = core(&self.words[place]).to_owned();
        let is_six = word.contains(':');
        if random.chance(35) {
            let known: Vec<String> = others
                .iter()
                .flat_map(|line| Words::of(line).words)
                .map(|word| core(&word).to_owned())
                .filter(|other| {
                    address(other).is_some()
                        && other.contains(':') == is_six
                        && other.contains('-') == word.contains('-')
                })
                .collect();
            let new = known.get(random.below(known.len()))?.clone();
            return self.put(place, &new);
        }
        let (first, rest) = match word.find(['/', '-']) {
            Some(at) if word[at..].starts_with('-') && random.chance(50) => {
                let new = nudged(&word[at + 1..], random)?;
                return self.put(place, &format!("{}-{new}", &word[..at]));
            }
            Some(at) => (&word[..at], &word[at..]),
            None => (word.as_str(), ""),
        };
        let new = nudged(first, random)?;
        self.put(place, &format!("{new}{rest}"))
    }

    pub fn interface(&mut self, random: &mut Random) -> Option<()> {
        let place =
            self.drawn(|word| word.trim_matches('"').starts_with("eth") || word.trim_matches('"') == "lo", random)?;
        let word = core(&self.words[place]).to_owned();
        let is_quoted = word.starts_with('"');
        let star = if is_quoted { "eth*" } else { "eth+" };
        let name = *random.pick(&["eth0", "eth1", "eth2", "eth3", "eth9", star]);
        self.put(place, &if is_quoted { format!("\"{name}\"") } else { name.to_owned() })
    }

    pub fn verdict(&mut self, random: &mut Random) -> Option<()> {
        let place = (0..self.words.len()).rev().find(|place| {
            ["accept", "drop", "return", "ACCEPT", "DROP", "RETURN"].contains(&core(&self.words[*place]))
        })?;
        let word = core(&self.words[place]).to_owned();
        let upper = word.chars().all(char::is_uppercase);
        let new = *random.pick(&["accept", "drop", "return", "continue"]);
        if new == "continue" && upper {
            return None;
        }
        self.put(place, &if upper { new.to_uppercase() } else { new.to_owned() })
    }

    pub fn target(&mut self, others: &[String], dialect: Dialect, random: &mut Random) -> Option<()> {
        let is_jump = |word: &String| ["jump", "goto", "-j", "-g"].contains(&word.as_str());
        let place = self.words.iter().position(is_jump)? + 1;
        let name = core(self.words.get(place)?).to_owned();
        if ["ACCEPT", "DROP", "LOG", "RETURN"].contains(&name.as_str()) {
            return None;
        }
        if random.chance(20) {
            let new = match self.words[place - 1].as_str() {
                "jump" => "goto",
                "goto" => "jump",
                "-j" => "-g",
                _ => "-j",
            };
            self.words[place - 1] = new.to_owned();
            return Some(());
        }
        let chains: Vec<String> = others
            .iter()
            .filter_map(|line| match dialect {
                Dialect::Nft => {
                    line.strip_prefix("\tchain ").and_then(|rest| rest.strip_suffix(" {")).map(str::to_owned)
                }
                Dialect::Iptables => line.strip_prefix(':').and_then(|rest| rest.split(' ').next()).map(str::to_owned),
            })
            .collect();
        let new = chains.get(random.below(chains.len()))?.clone();
        self.put(place, &new)
    }

    /// The places of the elements of a set in this line.
    fn elements(&self, random: &mut Random) -> Option<Vec<usize>> {
        if self.words.iter().any(|word| word == ":") {
            return None;
        }
        let Some(open) = self.words.iter().position(|word| word == "{") else {
            // A line of a set with a name.
            let all = (0..self.words.len()).collect::<Vec<_>>();
            let is_list = self.words.iter().all(|word| {
                address(core(word)).is_some() || core(word).chars().all(|c| c.is_ascii_digit() || c == '-')
            });
            return is_list.then_some(all);
        };
        let opens: Vec<usize> = (open..self.words.len()).filter(|at| self.words[*at] == "{").collect();
        let open = opens[random.below(opens.len())];
        let close = (open..self.words.len()).find(|at| self.words[*at] == "}")?;
        let inside: Vec<usize> = (open + 1..close).collect();
        (!inside.iter().any(|at| self.words[*at] == ".")).then_some(inside)
    }

    pub fn element_added(&mut self, others: &[String], random: &mut Random) -> Option<()> {
        if let Some(list) = self.words.iter().position(|word| word == "--dports" || word == "--sports") {
            let more = *random.pick(&["22", "80", "443", "1000:2000", "65535"]);
            self.words[list + 1] = format!("{},{more}", self.words[list + 1]);
            return Some(());
        }
        let elements = self.elements(random)?;
        let one = *elements.get(random.below(elements.len()))?;
        let mut copy = Words { indent: String::new(), words: vec![core(&self.words[one]).to_owned()] };
        let done = copy.address(others, random).or_else(|| copy.number(random)).or_else(|| copy.protocol(random));
        done?;
        self.words.insert(one, format!("{},", copy.words[0]));
        Some(())
    }

    pub fn element_removed(&mut self, random: &mut Random) -> Option<()> {
        if let Some(list) = self.words.iter().position(|word| word == "--dports" || word == "--sports") {
            let mut ports: Vec<&str> = self.words[list + 1].split(',').collect();
            if ports.len() < 2 {
                return None;
            }
            ports.remove(random.below(ports.len()));
            self.words[list + 1] = ports.join(",");
            return Some(());
        }
        let elements = self.elements(random)?;
        if elements.len() < 2 {
            return None;
        }
        let which = random.below(elements.len());
        let has_comma = |word: &str| word.ends_with(',');
        if which + 1 == elements.len() && !has_comma(&self.words[elements[which]]) {
            let before = elements[which - 1];
            self.words[before] = core(&self.words[before]).to_owned();
        }
        self.words.remove(elements[which]);
        Some(())
    }

    pub fn protocol(&mut self, random: &mut Random) -> Option<()> {
        const NAMES: [&str; 7] = ["tcp", "udp", "sctp", "icmp", "icmpv6", "ipv6-icmp", "gre"];
        let place = self.drawn(|word| NAMES.contains(&word), random)?;
        let word = core(&self.words[place]).to_owned();
        let new = match word.as_str() {
            "tcp" | "udp" | "sctp" => *random.pick(&["tcp", "udp", "sctp", "gre"]),
            "icmp" => *random.pick(&["icmpv6", "tcp", "gre"]),
            "icmpv6" => "icmp",
            _ => *random.pick(&["tcp", "udp", "icmp"]),
        };
        self.put(place, new)?;
        // `-p tcp -m tcp`, and what nft calls by the protocol's name, belong together.
        for at in 0..self.words.len() {
            if self.words[at] == word
                && (at > 0 && self.words[at - 1] == "-m"
                    || ["sport", "dport"].contains(&self.words.get(at + 1).map_or("", String::as_str)))
            {
                self.words[at] = new.to_owned();
            }
        }
        Some(())
    }

    pub fn state(&mut self, random: &mut Random) -> Option<()> {
        const NAMES: [&str; 5] = ["new", "established", "related", "invalid", "untracked"];
        let is_state = |word: &str| word.split(',').all(|part| NAMES.contains(&part.to_lowercase().as_str()));
        let place = self.drawn(is_state, random)?;
        let word = core(&self.words[place]).to_owned();
        let mut parts: Vec<String> = word.split(',').map(str::to_owned).collect();
        let one = random.below(parts.len());
        let new = *random.pick(&NAMES);
        let is_upper = parts[one].chars().all(char::is_uppercase);
        let new = if is_upper { new.to_uppercase() } else { new.to_owned() };
        if is_upper && random.chance(30) {
            parts.push(new);
        } else {
            parts[one] = new;
        }
        self.put(place, &parts.join(","))
    }

    pub fn side(&mut self, random: &mut Random) -> Option<()> {
        const PAIRS: [(&str, &str); 9] = [
            ("saddr", "daddr"),
            ("sport", "dport"),
            ("iifname", "oifname"),
            ("-s", "-d"),
            ("-i", "-o"),
            ("--sport", "--dport"),
            ("--sports", "--dports"),
            ("--src-range", "--dst-range"),
            ("--ctorigsrc", "--ctorigdst"),
        ];
        let (one, other) = *random.pick(&PAIRS);
        let swapped = |word: &str| {
            if word == one {
                other.to_owned()
            } else if word == other {
                one.to_owned()
            } else {
                word.to_owned()
            }
        };
        self.words = self.words.iter().map(|word| swapped(word)).collect();
        Some(())
    }

    pub fn negation(&mut self, dialect: Dialect, random: &mut Random) -> Option<()> {
        match dialect {
            Dialect::Nft => {
                let place = self.drawn(|word| SELECTORS.contains(&word), random)?;
                match self.words.get(place + 1).map(String::as_str) {
                    Some("." | "vmap") | None => None,
                    Some("!=") => {
                        self.words.remove(place + 1);
                        Some(())
                    }
                    _ => {
                        self.words.insert(place + 1, "!=".to_owned());
                        Some(())
                    }
                }
            }
            Dialect::Iptables => {
                let place =
                    self.drawn(|word| OPTIONS.contains(&word) || ["-p", "--ctstate"].contains(&word), random)?;
                self.words.insert(place, "!".to_owned());
                Some(())
            }
        }
    }

    pub fn condition(&mut self, dialect: Dialect, random: &mut Random) -> Option<()> {
        let place = match dialect {
            Dialect::Nft => {
                self.drawn(|word| SELECTORS.contains(&word) || ["code", "state", "proto-dst"].contains(&word), random)?
            }
            Dialect::Iptables => self.drawn(
                |word| OPTIONS.contains(&word) || ["--icmpv6-type", "--ctproto", "--ctorigdstport"].contains(&word),
                random,
            )?,
        };
        let mut end = place + 2;
        if self.words.get(place + 1).map(String::as_str) == Some("{") {
            end = (place..self.words.len()).find(|at| self.words[*at] == "}")? + 1;
        }
        if [".", "vmap"].contains(&self.words.get(place + 1).map_or("", String::as_str)) {
            return None;
        }
        let mut start = place;
        let is_head = |word: &str| {
            ["ip", "ip6", "tcp", "udp", "sctp", "th", "icmp", "icmpv6", "meta", "ct", "original"].contains(&word)
        };
        while dialect == Dialect::Nft && start > 0 && is_head(&self.words[start - 1]) {
            start -= 1;
        }
        self.words.drain(start..end.min(self.words.len()));
        Some(())
    }

    pub fn comment(&mut self, random: &mut Random) -> Option<()> {
        let place = self.words.iter().position(|word| word == "comment" || word == "--comment")?;
        if random.chance(50) && self.words[place] == "comment" {
            self.words.drain(place..place + 2);
            return Some(());
        }
        let tail = if self.words[place + 1].ends_with(',') { "," } else { "" };
        self.words[place + 1] = format!("\"something else, -j ACCEPT }}\"{tail}");
        Some(())
    }

    /// Other words that mean the same.
    pub fn in_other_words(&mut self, dialect: Dialect, random: &mut Random) -> Option<()> {
        match random.below(6) {
            0 => {
                // The order of a set means nothing.
                let elements = self.elements(random)?;
                let (one, other) =
                    (*elements.get(random.below(elements.len()))?, *elements.get(random.below(elements.len()))?);
                let (a, b) = (core(&self.words[one]).to_owned(), core(&self.words[other]).to_owned());
                self.put(one, &b)?;
                self.put(other, &a)
            }
            1 => {
                let place =
                    self.drawn(|word| address(word).is_some() && !word.contains('/') && !word.contains('-'), random)?;
                let word = core(&self.words[place]).to_owned();
                let bits = if word.contains(':') { 128 } else { 32 };
                // A set without intervals takes no prefix.
                (self.words[0] != word && !self.words.iter().any(|word| word == "elements")).then_some(())?;
                self.put(place, &format!("{word}/{bits}"))
            }
            2 => {
                let place = self.drawn(|word| address(word).is_some() && word.contains('/'), random)?;
                let word = core(&self.words[place]).to_owned();
                if dialect == Dialect::Iptables {
                    return self.put(place, &word.replace("/32", "").replace("/128", ""));
                }
                let (first, last) = ends(&word)?;
                self.put(place, &if first == last { first } else { format!("{first}-{last}") })
            }
            3 => {
                let names =
                    [("tcp", "6"), ("udp", "17"), ("sctp", "132"), ("icmp", "1"), ("ipv6-icmp", "58"), ("gre", "47")];
                let is_value = |at: usize| {
                    let before = at.checked_sub(1).map_or("", |at| self.words[at].as_str());
                    let comma = before.ends_with(',')
                        || before == "{"
                        || before == "l4proto"
                        || before == "-p"
                        || before == "protocol";
                    comma
                        && !["sport", "dport", "type", "code"]
                            .contains(&self.words.get(at + 1).map_or("", String::as_str))
                };
                let found: Vec<(usize, &str)> = (0..self.words.len())
                    .filter(|at| is_value(*at))
                    .filter_map(|at| {
                        names
                            .iter()
                            .find(|(name, number)| {
                                *name == core(&self.words[at])
                                    || *number == core(&self.words[at]) && self.words[at - 1] != "type"
                            })
                            .map(|(name, number)| (at, if *name == core(&self.words[at]) { *number } else { *name }))
                    })
                    .collect();
                let (at, new) = *found.get(random.below(found.len()))?;
                self.put(at, new)
            }
            4 => {
                // Leading zeros, capital letters and full length of an IPv6 address.
                let place =
                    self.drawn(|word| word.contains(':') && word.parse::<std::net::Ipv6Addr>().is_ok(), random)?;
                let six: std::net::Ipv6Addr = core(&self.words[place]).parse().ok()?;
                let groups: Vec<String> = six.segments().iter().map(|group| format!("{group:04X}")).collect();
                self.put(place, &groups.join(":"))
            }
            _ => {
                let place = self.words.iter().position(|word| word == "counter")?;
                self.words.remove(place);
                Some(())
            }
        }
    }
}

/// A word without the comma or semicolon behind it.
fn core(word: &str) -> &str {
    word.trim_end_matches([',', ';'])
}

/// Whether a word is an address, a prefix or a range of addresses.
fn address(word: &str) -> Option<()> {
    let is = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    let part = word.split_once('/').map_or(word, |(base, _)| base);
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    (is(first) && is(last)).then_some(())
}

/// A neighbour of an address.
fn nudged(text: &str, random: &mut Random) -> Option<String> {
    let how = random.below(3);
    let bit = random.below(128);
    let step = |value: u128, bits: usize| match how {
        0 => Some(value + 1),
        1 => value.checked_sub(1),
        _ => Some(value ^ (1 << (bit % bits))),
    };
    match text.parse().ok()? {
        std::net::IpAddr::V4(four) => {
            let new = step(u128::from(u32::from(four)), 32)?;
            Some(std::net::Ipv4Addr::from(u32::try_from(new).ok()?).to_string())
        }
        std::net::IpAddr::V6(six) => Some(std::net::Ipv6Addr::from(step(u128::from(six), 128)?).to_string()),
    }
}

/// The first and the last address of a prefix.
fn ends(word: &str) -> Option<(String, String)> {
    let span = crate::worlds::Span::parse(word);
    Some((span.first.to_string(), span.last.to_string()))
}

/// Two words that mean what one does: halves of a prefix, of a range of ports, of a list of ports.
pub fn halves(word: &str) -> Option<(String, String)> {
    let whole = core(word);
    if whole != word {
        return None;
    }
    if address(whole).is_some()
        && let Some((base, length)) = whole.split_once('/')
    {
        let span = crate::worlds::Span::parse(whole);
        let length: u32 = length.parse().ok()?;
        if length >= if base.contains(':') { 128 } else { 32 } {
            return None;
        }
        let middle = span.nth(span.size() / 2)?;
        return Some((format!("{base}/{}", length + 1), format!("{middle}/{}", length + 1)));
    }
    if let Some((first, rest)) = whole.split_once(',') {
        let is_list = whole.chars().all(|c| c.is_ascii_digit() || ",:".contains(c));
        return is_list.then(|| (first.to_owned(), rest.to_owned()));
    }
    None
}
