//! One change to a rule set, as a slip of the hand or an intruder would make it, or as a tool that writes the same in other words.
//!
//! Changes are made in the text, on lines and words, by rules that know where a rule set has which kind of word; nothing is parsed. So a change may make a
//! text that no program loads: whoever judges must find that out.

use crate::asked::Files;
use crate::words::{Words, halves};
use crate::worlds::random::Random;

/// A text with one change.
#[derive(Clone, Debug)]
pub struct Change {
    pub text: String,
    /// What kind of change it is.
    pub kind: &'static str,
    /// The lines of the text that it made, from 1; none where it took one away.
    #[allow(dead_code, reason = "the kernel blames no lines")]
    pub lines: Vec<usize>,
    /// Before and after, in short.
    pub told: String,
}

/// Which program a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Nft,
    Iptables,
}

/// The kinds of change; the last ones are meant to keep the meaning.
const KINDS: [(&str, usize); 21] = [
    ("port or number", 10),
    ("prefix length", 8),
    ("address", 10),
    ("order", 10),
    ("interface", 5),
    ("line deleted", 10),
    ("line duplicated", 6),
    ("line elsewhere", 5),
    ("verdict", 8),
    ("jump target", 5),
    ("set element added", 5),
    ("set element removed", 5),
    ("protocol", 6),
    ("state", 4),
    ("policy or hook", 2),
    ("side", 5),
    ("negation", 4),
    ("condition dropped", 6),
    ("comment", 3),
    ("same in other words", 10),
    ("line split in two", 6),
];

/// Makes a change, if the kind that was drawn is possible anywhere.
pub fn change(text: &str, dialect: Dialect, random: &mut Random) -> Option<Change> {
    let total: usize = KINDS.iter().map(|(_, weight)| weight).sum();
    let mut drawn = random.below(total);
    let (kind, _) = KINDS.iter().find(|(_, weight)| {
        let here = drawn < *weight;
        drawn = drawn.saturating_sub(*weight);
        here
    })?;
    Text::new(text, dialect).changed(kind, random)
}

/// The files with one change, and the change.
pub fn mutant(files: &Files, random: &mut Random) -> Option<(Files, Change)> {
    match files {
        Files::Nft(text) => {
            let change = change(text, Dialect::Nft, random)?;
            Some((Files::Nft(change.text.clone()), change))
        }
        Files::Iptables { v4, v6 } => {
            let is_six = random.chance(35);
            let change = change(if is_six { v6 } else { v4 }, Dialect::Iptables, random)?;
            let (v4, v6) = if is_six { (v4.clone(), change.text.clone()) } else { (change.text.clone(), v6.clone()) };
            Some((Files::Iptables { v4, v6 }, change))
        }
    }
}

/// The lines of a text, and which of them are what.
struct Text {
    lines: Vec<String>,
    dialect: Dialect,
}

type Edit = Option<(Vec<usize>, String)>;

impl Text {
    fn new(text: &str, dialect: Dialect) -> Self {
        Self { lines: text.lines().map(str::to_owned).collect(), dialect }
    }

    fn changed(mut self, kind: &'static str, random: &mut Random) -> Option<Change> {
        let before = self.lines.clone();
        let (lines, told) = match kind {
            "order" => self.order(random),
            "line deleted" => self.delete(random),
            "line duplicated" => self.duplicate(random),
            "line elsewhere" => self.move_elsewhere(random),
            "policy or hook" => self.policy(random),
            "line split in two" => self.split(random),
            _ => self.words(kind, random),
        }?;
        (self.lines != before).then(|| Change { text: self.lines.join("\n") + "\n", kind, lines, told })
    }

    /// The chain that a line with a rule stands in.
    fn chain_of(&self, at: usize) -> Option<String> {
        let line = self.lines.get(at)?;
        match self.dialect {
            Dialect::Iptables => line.strip_prefix("-A ").and_then(|rest| rest.split(' ').next()).map(str::to_owned),
            Dialect::Nft => {
                let is_rule = line.starts_with("\t\t")
                    && !line.starts_with("\t\t\t")
                    && !line.trim().starts_with("type ")
                    && line.trim() != "}"
                    && !line.trim_end().ends_with('{');
                if !is_rule {
                    return None;
                }
                let head =
                    self.lines[..at].iter().rev().find(|line| line.starts_with('\t') && !line.starts_with("\t\t"))?;
                head.strip_prefix("\tchain ").and_then(|rest| rest.strip_suffix(" {")).map(str::to_owned)
            }
        }
    }

    fn rules(&self) -> Vec<usize> {
        (0..self.lines.len()).filter(|at| self.chain_of(*at).is_some()).collect()
    }

    /// Lines with an entry of a look-up, or with elements of a set.
    fn entries(&self) -> Vec<usize> {
        if self.dialect == Dialect::Iptables {
            return Vec::new();
        }
        let is_entry = |at: &usize| {
            let line = &self.lines[*at];
            let first = line.trim().chars().next().unwrap_or('#');
            line.starts_with("\t\t")
                && self.chain_of(*at).is_none()
                && (first == '"' || first.is_ascii_hexdigit())
                && !line.trim().starts_with("counter")
                && !line.trim_end().ends_with('{')
        };
        (0..self.lines.len()).filter(is_entry).collect()
    }

    fn order(&mut self, random: &mut Random) -> Edit {
        let rules = self.rules();
        let place = random.below(rules.len());
        let one = *rules.get(place)?;
        let chain = self.chain_of(one)?;
        let others: Vec<usize> = rules
            .iter()
            .copied()
            .filter(|other| *other != one && self.chain_of(*other).as_ref() == Some(&chain))
            .collect();
        let next = others.iter().copied().find(|other| *other > one);
        let other = if random.chance(60) { next? } else { *others.get(random.below(others.len()))? };
        self.lines.swap(one, other);
        let told = format!("{} <-> {}", self.lines[one].trim(), self.lines[other].trim());
        Some((vec![one + 1, other + 1], told))
    }

    fn delete(&mut self, random: &mut Random) -> Edit {
        let mut lines = self.rules();
        lines.extend(self.entries().into_iter().filter(|at| self.lines[*at].trim_end().ends_with(',')));
        let at = *lines.get(random.below(lines.len()))?;
        let gone = self.lines.remove(at);
        Some((Vec::new(), gone.trim().to_owned()))
    }

    fn duplicate(&mut self, random: &mut Random) -> Edit {
        let rules = self.rules();
        let at = *rules.get(random.below(rules.len()))?;
        let line = self.lines[at].clone();
        let chain = self.chain_of(at)?;
        let places: Vec<usize> =
            rules.into_iter().filter(|other| self.chain_of(*other).as_ref() == Some(&chain)).collect();
        let to = if random.chance(50) { at } else { places[random.below(places.len())] };
        self.lines.insert(to, line.clone());
        Some((vec![to + 1], line.trim().to_owned()))
    }

    fn move_elsewhere(&mut self, random: &mut Random) -> Edit {
        let rules = self.rules();
        let (from, to) = (*rules.get(random.below(rules.len()))?, *rules.get(random.below(rules.len()))?);
        let (old, new) = (self.chain_of(from)?, self.chain_of(to)?);
        let mut line = self.lines.remove(from);
        if self.dialect == Dialect::Iptables {
            line = line.replacen(&format!("-A {old} "), &format!("-A {new} "), 1);
        }
        let to = if to > from { to - 1 } else { to };
        self.lines.insert(to, line.clone());
        Some((vec![to + 1], format!("{old} to {new}: {}", line.trim())))
    }

    fn policy(&mut self, random: &mut Random) -> Edit {
        match self.dialect {
            Dialect::Nft => {
                let heads: Vec<usize> =
                    (0..self.lines.len()).filter(|at| self.lines[*at].trim().starts_with("type filter")).collect();
                let at = *heads.get(random.below(heads.len()))?;
                let line = &mut self.lines[at];
                let (from, to) = *random.pick(&[
                    ("policy drop", "policy accept"),
                    ("policy accept", "policy drop"),
                    ("hook forward", "hook input"),
                    ("hook input", "hook forward"),
                    ("priority filter", "priority 10"),
                    ("priority filter", "priority raw"),
                ]);
                *line = line.replacen(from, to, 1);
                Some((vec![at + 1], format!("{from} to {to}")))
            }
            Dialect::Iptables => {
                let chain = *random.pick(&["FORWARD", "INPUT", "OUTPUT"]);
                let at = self.lines.iter().position(|line| line == "*filter")?;
                let line = format!(":{chain} {} [0:0]", random.pick(&["DROP", "DROP", "ACCEPT"]));
                self.lines.insert(at + 1, line.clone());
                Some((vec![at + 2], line))
            }
        }
    }

    /// One line becomes two, each about one half of what it asked: nothing changes but the text.
    fn split(&mut self, random: &mut Random) -> Edit {
        let rules = self.rules();
        for _ in 0..20 {
            let at = *rules.get(random.below(rules.len()))?;
            let line = Words::of(&self.lines[at]);
            let spots: Vec<usize> = (0..line.words.len())
                .filter(|place| {
                    halves(&line.words[*place]).is_some() && !line.is_quoted_out(*place) && !line.is_negated(*place)
                })
                .collect();
            let Some(spot) = spots.get(random.below(spots.len())) else { continue };
            let (first, second) = halves(&line.words[*spot])?;
            let (mut one, mut other) = (line.clone(), line);
            (one.words[*spot], other.words[*spot]) = (first, second);
            self.lines[at] = one.text();
            self.lines.insert(at + 1, other.text());
            return Some((vec![at + 1, at + 2], one.text().trim().to_owned()));
        }
        None
    }

    /// Changes that touch words of one line.
    fn words(&mut self, kind: &str, random: &mut Random) -> Edit {
        let mut lines = self.rules();
        lines.extend(self.entries());
        if self.dialect == Dialect::Nft {
            let is_map =
                |at: &usize| self.lines[*at].starts_with("\t\t") && self.lines[*at].trim_end().ends_with("vmap {");
            lines.extend((0..self.lines.len()).filter(is_map));
            lines.extend(
                (0..self.lines.len())
                    .filter(|at| self.lines[*at].trim().starts_with("set ") && self.lines[*at].contains("elements")),
            );
        }
        let others = self.lines.clone();
        for _ in 0..40 {
            let at = *lines.get(random.below(lines.len()))?;
            let mut line = Words::of(&self.lines[at]);
            let done = match kind {
                "port or number" => line.number(random),
                "prefix length" => line.length(random),
                "address" => line.address(&others, random),
                "interface" => line.interface(random),
                "verdict" => line.verdict(random),
                "jump target" => line.target(&others, self.dialect, random),
                "set element added" => line.element_added(&others, random),
                "set element removed" => line.element_removed(random),
                "protocol" => line.protocol(random),
                "state" => line.state(random),
                "side" => line.side(random),
                "negation" => line.negation(self.dialect, random),
                "condition dropped" => line.condition(self.dialect, random),
                "comment" => line.comment(random),
                _ => line.in_other_words(self.dialect, random),
            };
            let after = line.text();
            if done.is_some() && after != self.lines[at] {
                let told = format!("{} -> {}", self.lines[at].trim(), after.trim());
                self.lines[at] = after;
                return Some((vec![at + 1], told));
            }
        }
        None
    }
}
