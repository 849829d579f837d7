//! A file's lines, carried out one after the other.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::conditions::{Context, Target, lower};
use super::known::Known;
use super::lines::{Content, Line, Word};
use super::options::{self, Given, Meaning};
use super::sets::Sets;
use super::tables::{Chain, Draft, KINDS, Table};
use super::targets::{self, Translation};
use crate::listing::{Action, Blur, COPIES, HELPER, HOPS, Noticed, TRANSLATION};
use crate::packet::Family;

/// A file while it is read.
pub struct Reader<'a> {
    family: Family,
    sets: &'a Sets,
    known: Known,
    tables: Vec<Table<'a>>,
    /// Whether the last line with a table was one that is known, or nothing came yet.
    open: Open,
    missing_sets: BTreeSet<String>,
    /// What searches through the rules have cost so far.
    effort: usize,
    noticed: Vec<Noticed>,
}

/// How many rules commands that search may look at, all together.
const MOST_EFFORT: usize = 1 << 23;

/// What lines belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// No table yet, or `COMMIT` came.
    Nothing,
    /// The last table.
    Table,
    /// A table that is not known.
    Strange,
}

/// Reads a file.
pub fn read<'a>(family: Family, lines: &'a [Line<'a>], sets: &'a Sets) -> (Vec<Table<'a>>, Vec<Noticed>) {
    let mut reader = Reader {
        family,
        sets,
        known: Known::default(),
        tables: Vec::new(),
        open: Open::Nothing,
        missing_sets: BTreeSet::new(),
        effort: 0,
        noticed: Vec::new(),
    };
    for line in lines {
        reader.line(line);
    }
    for table in reader.tables.iter().filter(|table| !table.committed) {
        let what = "a table without COMMIT: iptables-restore does not load it".to_owned();
        reader.noticed.push(Noticed { line: table.line, text: table.text.to_owned(), what, blur: Blur::Whole });
    }
    if !reader.tables.iter().any(|table| table.kind.name == "filter") {
        let what = "no table `filter`: what it holds on the device is not known".to_owned();
        reader.noticed.push(Noticed { line: 0, text: String::new(), what, blur: Blur::Whole });
    }
    (reader.tables, reader.noticed)
}

impl<'a> Reader<'a> {
    fn notice(&mut self, line: &Line<'_>, what: &str, blur: Blur) {
        self.noticed.push(Noticed { line: line.number, text: line.text.to_owned(), what: what.to_owned(), blur });
    }

    fn line(&mut self, line: &'a Line<'a>) {
        match &line.content {
            Content::Remark(text) => self.remark(line, text),
            Content::Table(name) => self.table(line, name),
            Content::Commit => self.commit(line),
            Content::Unreadable => self.notice(line, "a line that could not be read", Blur::Whole),
            _ if self.open == Open::Strange => self.notice(line, "of a table that is not known", Blur::Whole),
            Content::Chain { name, policy } => {
                self.inside(line);
                self.declare(line, name, policy);
            }
            Content::Command(words) => {
                self.inside(line);
                self.command(line, words);
            }
        }
    }

    /// Remarks of the program itself say that there is more than it shows.
    fn remark(&mut self, line: &Line<'_>, text: &str) {
        if text.contains("incompatible, use 'nft'") {
            self.notice(line, "rules that iptables cannot show: `nft list ruleset` does", Blur::Whole);
        } else if text.contains("tables present, use") {
            self.notice(line, "rules of the other kind of iptables (legacy or nf_tables) filter as well", Blur::Whole);
        }
    }

    fn table(&mut self, line: &'a Line<'a>, name: &str) {
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
            self.open = Open::Strange;
            self.notice(line, "a table that is not known", Blur::Whole);
            return;
        };
        self.open = Open::Table;
        let before = self.tables.iter().position(|table| table.kind == kind).map(|place| self.tables.remove(place));
        let table = match before {
            Some(table) if table.committed => {
                self.replaced(line, &table);
                None
            }
            Some(table) => {
                self.notice(
                    line,
                    "the same table again without COMMIT: iptables-restore refuses the file",
                    Blur::Whole,
                );
                Some(table)
            }
            None => None,
        };
        let new = || Table::new(kind, self.family, line.number, line.text);
        self.tables.push(table.unwrap_or_else(new));
    }

    /// Notices what a later table of the same name takes away.
    fn replaced(&mut self, line: &Line<'_>, table: &Table<'_>) {
        self.notice(line, "the same table again: iptables-restore empties what came before", Blur::Whole);
        for rule in table.chains.iter().flat_map(|chain| &chain.rules) {
            let what = "a rule that the same table further down takes away".to_owned();
            self.noticed.push(Noticed { line: rule.line, text: rule.text.to_owned(), what, blur: Blur::Clear });
        }
    }

    fn commit(&mut self, line: &Line<'_>) {
        match (self.open, self.tables.last_mut()) {
            (Open::Table, Some(table)) => table.committed = true,
            (Open::Strange, _) => {}
            _ => self.notice(line, "COMMIT without a table", Blur::Whole),
        }
        self.open = Open::Nothing;
    }

    /// Lines outside of a table are taken for those of `filter`, as `iptables -S` prints them.
    fn inside(&mut self, line: &'a Line<'a>) {
        if self.open != Open::Nothing {
            return;
        }
        self.notice(line, "no table is named before this line: taken for `filter`", Blur::Whole);
        self.open = Open::Table;
        let place = self.tables.iter().position(|table| table.kind.name == "filter");
        let table = place.map(|place| self.tables.remove(place));
        let kind = KINDS.iter().find(|kind| kind.name == "filter");
        let table = table.or_else(|| kind.map(|kind| Table::new(kind, self.family, line.number, line.text)));
        self.tables.extend(table);
    }

    /// `:FORWARD DROP [0:0]`, `-P FORWARD DROP`, `-N mine`.
    fn declare(&mut self, line: &Line<'_>, name: &str, policy: &str) {
        let Some(table) = self.tables.last_mut() else { return };
        let nat = table.kind.name == "nat";
        let (chain, known) = table.chain_or_new(name, line.number);
        chain.line = line.number;
        let policy = match policy {
            "ACCEPT" => Some(Action::Accept),
            "DROP" => Some(Action::Drop),
            _ => None,
        };
        match (&mut chain.base, &policy) {
            (Some((_, set)), Some(policy)) => *set = policy.clone(),
            (None, None) if !known => return,
            (None, None) => {
                chain.rules.clear();
                return self.notice(line, "a chain that was declared before: iptables-restore empties it", Blur::Whole);
            }
            (Some(_), None) => return self.notice(line, "the policy is not known", Blur::Whole),
            (None, Some(_)) => return self.notice(line, "a policy of a chain that can have none", Blur::Whole),
        }
        if nat && policy == Some(Action::Drop) {
            self.notice(line, "drops in the table of address translation", Blur::Whole);
        }
    }

    fn command(&mut self, line: &'a Line<'a>, words: &'a [Word<'a>]) {
        let lead = words.iter().take_while(|word| ["-4", "-6", "--ipv4", "--ipv6"].contains(&&*word.text)).count();
        let (front, rest) = words.split_at_checked(lead).unwrap_or((&[], words));
        let Some((command, arguments)) = rest.split_first() else { return };
        let name = |place: usize| arguments.get(place).map_or("", |word| &*word.text);
        let tail = |from: usize| -> Cow<'a, [Word<'a>]> {
            let behind = arguments.get(from..).unwrap_or_default();
            if front.is_empty() { behind.into() } else { front.iter().chain(behind).cloned().collect() }
        };
        let number = name(1).parse::<usize>().ok();
        let behind = if number.is_some() { 2 } else { 1 };
        match &*command.text {
            "-A" | "--append" => self.insert(line, name(0), None, tail(1)),
            "-I" | "--insert" => self.insert(line, name(0), Some(number.unwrap_or(1)), tail(behind)),
            "-R" | "--replace" => self.replace(line, name(0), number, tail(behind)),
            "-D" | "--delete" => self.delete(line, name(0), number, tail(behind)),
            "-P" | "--policy" if arguments.len() > 1 => self.declare(line, name(0), name(1)),
            "-N" | "--new-chain" if arguments.len() == 1 => self.declare(line, name(0), "-"),
            "-F" | "--flush" => self.flush(line, name(0)),
            "-X" | "--delete-chain" => self.remove(line, name(0)),
            "-Z" | "--zero" => {}
            _ => self.notice(line, "a command that is not understood", Blur::Whole),
        }
    }

    fn insert(&mut self, line: &'a Line<'a>, chain: &str, place: Option<usize>, words: Cow<'a, [Word<'a>]>) {
        let Some(draft) = self.draft(line, words) else { return };
        let Some(table) = self.tables.last_mut() else { return };
        let (chain, known) = table.chain_or_new(chain, 0);
        let end = chain.rules.len();
        let at = place.map_or(end, |place| place.saturating_sub(1));
        let fits = at <= end && place != Some(0);
        chain.rules.insert(at.min(end), Box::new(draft));
        if !known {
            self.notice(line, "a rule of a chain that is not declared: iptables-restore refuses the file", Blur::Whole);
        }
        if !fits {
            self.notice(line, "a place that the chain does not have: iptables-restore refuses the file", Blur::Whole);
        }
    }

    fn replace(&mut self, line: &'a Line<'a>, chain: &str, number: Option<usize>, words: Cow<'a, [Word<'a>]>) {
        let Some(draft) = self.draft(line, words) else { return };
        match self.rule(chain, number) {
            Some(rule) => **rule = draft,
            None => {
                self.notice(line, "there is no such rule to replace: iptables-restore refuses the file", Blur::Whole)
            }
        }
    }

    fn rule(&mut self, chain: &str, number: Option<usize>) -> Option<&mut Box<Draft<'a>>> {
        self.tables.last_mut()?.chain(chain)?.rules.get_mut(number?.checked_sub(1)?)
    }

    fn delete(&mut self, line: &'a Line<'a>, chain: &str, number: Option<usize>, words: Cow<'a, [Word<'a>]>) {
        let wanted = if number.is_some() { None } else { self.draft(line, words) };
        if wanted.is_some() && !self.affords(line) {
            return;
        }
        let chain = self.tables.last_mut().and_then(|table| table.chain(chain));
        let found = chain.and_then(|chain| {
            let place = match (number, &wanted) {
                (Some(number), _) => number.checked_sub(1).filter(|place| *place < chain.rules.len()),
                (None, Some(wanted)) => place(chain, wanted),
                (None, None) => None,
            }?;
            chain.rules.remove(place)
        });
        if found.is_none() {
            self.notice(line, "there is no such rule to delete: iptables-restore refuses the file", Blur::Whole);
        }
    }

    fn flush(&mut self, line: &Line<'_>, name: &str) {
        if name.is_empty() && !self.affords(line) {
            return;
        }
        let Some(table) = self.tables.last_mut() else { return };
        if name.is_empty() {
            table.chains.iter_mut().for_each(|chain| chain.rules.clear());
            return;
        }
        match table.chain(name) {
            Some(chain) => chain.rules.clear(),
            None => {
                self.notice(line, "there is no such chain to empty: iptables-restore refuses the file", Blur::Whole)
            }
        }
    }

    fn remove(&mut self, line: &Line<'_>, name: &str) {
        if !self.affords(line) {
            return;
        }
        let Some(table) = self.tables.last_mut() else { return };
        let wanted = |chain: &Chain<'_>| chain.base.is_none() && (name.is_empty() || chain.name == name);
        let names: BTreeSet<String> =
            table.chains.iter().filter(|chain| wanted(chain)).map(|chain| chain.name.clone()).collect();
        let used = |chain: &Chain<'_>| names.contains(&chain.name) && !chain.rules.is_empty();
        let refused = table.chains.iter().any(used) || table.leads_to(&names);
        if refused || (names.is_empty() && !name.is_empty()) {
            self.notice(line, "a chain that cannot be deleted: iptables-restore refuses the file", Blur::Whole);
            return;
        }
        table.remove(&names);
    }

    /// Whether one more search through the table may be made: a file with as many commands that search as it has rules would take forever.
    fn affords(&mut self, line: &Line<'_>) -> bool {
        let cost = self.tables.last().map_or(0, Table::size);
        self.effort = self.effort.saturating_add(cost);
        if self.effort > MOST_EFFORT {
            self.notice(line, "too many commands that search the rules: this one was not carried out", Blur::Whole);
        }
        self.effort <= MOST_EFFORT
    }

    /// Reads the options of a rule; `None` if it is for the other family.
    fn draft(&mut self, line: &'a Line<'a>, words: Cow<'a, [Word<'a>]>) -> Option<Draft<'a>> {
        let options = options::options(&words);
        let table = self.tables.last().map_or("", |table| table.kind.name);
        let done = lower(Context { family: self.family, table, sets: self.sets, known: &self.known }, &options);
        if done.other_family {
            self.notice(line, "a rule for the other family only: the program leaves it out", Blur::Clear);
            return None;
        }
        self.notice_sets(line, done.missing_sets);
        self.notice_target(line, &done.target, &done.details);
        drop(options);
        Some(Draft {
            line: line.number,
            text: line.text,
            words,
            when: done.when,
            target: done.target,
            details: done.details,
        })
    }

    fn notice_sets(&mut self, line: &Line<'_>, names: Vec<String>) {
        for name in names {
            if self.missing_sets.insert(name.clone()) {
                self.notice(
                    line,
                    &format!("the set `{name}` is not in an ipset dump: what is in it is not known"),
                    Blur::Clear,
                );
            }
        }
    }

    /// What a rule does besides filtering.
    fn notice_target(&mut self, line: &Line<'_>, target: &Target, details: &[String]) {
        let table = self.tables.last().map_or("", |table| table.kind.name);
        if table == "nat" {
            return self.notice_translation(line, target);
        }
        let Target::Jump(name) = target else { return };
        let untracked =
            name == "NOTRACK" || name == "CT" && details.iter().any(|detail| detail.starts_with("--notrack"));
        match name.as_str() {
            _ if untracked => {
                self.notice(line, "packets that are not tracked: they have no state later on", Blur::Whole)
            }
            "CT" if details.iter().any(|detail| detail.starts_with("--helper")) => {
                self.notice(line, HELPER, Blur::Beyond)
            }
            "CT" if details.iter().any(|detail| detail.starts_with("--zone")) => {
                self.notice(line, "connections are tracked apart, so that answers may belong to none", Blur::Whole)
            }
            // A packet whose hops have run out goes no further once its way has been looked for.
            "TTL" | "HL" => {
                // The chain, and nothing that somebody writes into a remark.
                let mut words = line.text.split_whitespace().skip_while(|word| !word.starts_with('-'));
                let is_on_its_way = matches!(words.nth(1), Some("FORWARD" | "POSTROUTING"));
                self.notice(line, HOPS, if is_on_its_way { Blur::Beyond } else { Blur::Whole })
            }
            "CT" => self.notice(line, "connection tracking is set up for some packets", Blur::Clear),
            "TEE" => self.notice(line, COPIES, Blur::Beyond),
            "SET" => self.notice(line, "a rule that changes a set", Blur::Clear),
            _ => {}
        }
    }

    fn notice_translation(&mut self, line: &Line<'_>, target: &Target) {
        const PICKS: &str = "a rule of the table of address translation: it picks what is translated";
        let Target::Jump(name) = target else {
            // A target that was not understood may translate anything.
            let blur = if matches!(target, Target::Puzzle(_)) { Blur::Whole } else { Blur::Clear };
            return self.notice(line, PICKS, blur);
        };
        match (targets::translation(name), targets::action(name)) {
            (Translation::Destination, _) => {
                self.notice(
                    line,
                    &format!("{TRANSLATION}: the filter sees another destination than the sender gave"),
                    Blur::Beyond,
                );
            }
            (Translation::Source, _) => {
                self.notice(line, &format!("{TRANSLATION}: the source changes behind the filter"), Blur::Beyond)
            }
            (_, Some(Action::Drop | Action::Unknown(_))) => {
                self.notice(line, "a rule of the table of address translation that may drop", Blur::Whole);
            }
            _ => self.notice(line, PICKS, Blur::Clear),
        }
    }
}

/// The first rule that is written as the wanted one, else the first of the same meaning.
fn place<'a>(chain: &Chain<'a>, wanted: &Draft<'a>) -> Option<usize> {
    let written = chain.rules.iter().position(|rule| rule.words == wanted.words);
    written.or_else(|| {
        chain
            .rules
            .iter()
            .position(|rule| rule.when == wanted.when && rule.target == wanted.target && rule.details == wanted.details)
    })
}

/// The sets that the rules of a file add to or delete from.
pub fn changed_sets<'a>(lines: &'a [Line<'a>]) -> impl Iterator<Item = String> {
    let words = |line: &'a Line<'a>| match &line.content {
        Content::Command(words) if line.text.contains("-set") => options::options(words),
        _ => Vec::new(),
    };
    let writes = |given: &Given<'_>| {
        given.meaning == Meaning::Other
            && ["--add-set", "--del-set", "--map-set"].iter().any(|name| given.text().contains(name))
    };
    lines.iter().flat_map(words).filter(move |given| writes(given)).map(|given| given.value().to_owned())
}
