//! A file's lines, carried out one after the other.

use super::conditions::{Context, Target, lower};
use super::lines::{Content, Line, Word};
use super::options::{self, Given, Meaning};
use super::sets::Sets;
use super::tables::{Chain, Draft, KINDS, Table};
use super::targets::{self, Translation};
use crate::listing::{Action, Noticed};
use crate::packet::Family;

/// A file while it is read.
pub struct Reader<'a> {
    family: Family,
    sets: &'a Sets,
    tables: Vec<Table>,
    /// Whether the last line with a table was one that is known, or nothing came yet.
    open: Open,
    missing_sets: Vec<String>,
    noticed: Vec<Noticed>,
}

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
pub fn read(family: Family, lines: &[Line], sets: &Sets) -> (Vec<Table>, Vec<Noticed>) {
    let mut reader =
        Reader { family, sets, tables: Vec::new(), open: Open::Nothing, missing_sets: Vec::new(), noticed: Vec::new() };
    for line in lines {
        reader.line(line);
    }
    for table in reader.tables.iter().filter(|table| !table.committed) {
        let what = "a table without COMMIT: iptables-restore does not load it".to_owned();
        reader.noticed.push(Noticed { line: table.line, text: table.text.clone(), what, blurs: true });
    }
    if !reader.tables.iter().any(|table| table.kind.name == "filter") {
        let what = "no table `filter`: what it holds on the device is not known".to_owned();
        reader.noticed.push(Noticed { line: 0, text: String::new(), what, blurs: true });
    }
    (reader.tables, reader.noticed)
}

impl Reader<'_> {
    fn notice(&mut self, line: &Line, what: &str, blurs: bool) {
        self.noticed.push(Noticed { line: line.number, text: line.text.clone(), what: what.to_owned(), blurs });
    }

    fn line(&mut self, line: &Line) {
        match &line.content {
            Content::Remark(text) => self.remark(line, text),
            Content::Table(name) => self.table(line, name),
            Content::Commit => self.commit(line),
            Content::Unreadable => self.notice(line, "a line that could not be read", true),
            _ if self.open == Open::Strange => self.notice(line, "of a table that is not known", true),
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
    fn remark(&mut self, line: &Line, text: &str) {
        if text.contains("incompatible, use 'nft'") {
            self.notice(line, "rules that iptables cannot show: `nft list ruleset` does", true);
        } else if text.contains("tables present, use") {
            self.notice(line, "rules of the other kind of iptables (legacy or nf_tables) filter as well", true);
        }
    }

    fn table(&mut self, line: &Line, name: &str) {
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
            self.open = Open::Strange;
            self.notice(line, "a table that is not known", true);
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
                self.notice(line, "the same table again without COMMIT: iptables-restore refuses the file", true);
                Some(table)
            }
            None => None,
        };
        let new = || Table::new(kind, self.family, line.number, line.text.clone());
        self.tables.push(table.unwrap_or_else(new));
    }

    /// Notices what a later table of the same name takes away.
    fn replaced(&mut self, line: &Line, table: &Table) {
        self.notice(line, "the same table again: iptables-restore empties what came before", true);
        for rule in table.chains.iter().flat_map(|chain| &chain.rules) {
            let what = "a rule that the same table further down takes away".to_owned();
            self.noticed.push(Noticed { line: rule.line, text: rule.text.clone(), what, blurs: false });
        }
    }

    fn commit(&mut self, line: &Line) {
        match (self.open, self.tables.last_mut()) {
            (Open::Table, Some(table)) => table.committed = true,
            (Open::Strange, _) => {}
            _ => self.notice(line, "COMMIT without a table", true),
        }
        self.open = Open::Nothing;
    }

    /// Lines outside of a table are taken for those of `filter`, as `iptables -S` prints them.
    fn inside(&mut self, line: &Line) {
        if self.open != Open::Nothing {
            return;
        }
        self.notice(line, "no table is named before this line: taken for `filter`", true);
        self.open = Open::Table;
        let place = self.tables.iter().position(|table| table.kind.name == "filter");
        let table = place.map(|place| self.tables.remove(place));
        let kind = KINDS.iter().find(|kind| kind.name == "filter");
        let table = table.or_else(|| kind.map(|kind| Table::new(kind, self.family, line.number, line.text.clone())));
        self.tables.extend(table);
    }

    /// `:FORWARD DROP [0:0]`, `-P FORWARD DROP`, `-N mine`.
    fn declare(&mut self, line: &Line, name: &str, policy: &str) {
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
                return self.notice(line, "a chain that was declared before: iptables-restore empties it", true);
            }
            (Some(_), None) => return self.notice(line, "the policy is not known", true),
            (None, Some(_)) => return self.notice(line, "a policy of a chain that can have none", true),
        }
        if nat && policy == Some(Action::Drop) {
            self.notice(line, "drops in the table of address translation", true);
        }
    }

    fn command(&mut self, line: &Line, words: &[Word]) {
        let lead =
            words.iter().take_while(|word| ["-4", "-6", "--ipv4", "--ipv6"].contains(&word.text.as_str())).count();
        let (front, rest) = words.split_at_checked(lead).unwrap_or((&[], words));
        let Some((command, arguments)) = rest.split_first() else { return };
        let name = |place: usize| arguments.get(place).map_or("", |word| word.text.as_str());
        let tail = |from: usize| -> Vec<Word> { front.iter().chain(arguments.iter().skip(from)).cloned().collect() };
        let number = name(1).parse::<usize>().ok();
        let behind = if number.is_some() { 2 } else { 1 };
        match command.text.as_str() {
            "-A" | "--append" => self.insert(line, name(0), None, &tail(1)),
            "-I" | "--insert" => self.insert(line, name(0), Some(number.unwrap_or(1)), &tail(behind)),
            "-R" | "--replace" => self.replace(line, name(0), number, &tail(behind)),
            "-D" | "--delete" => self.delete(line, name(0), number, &tail(behind)),
            "-P" | "--policy" if arguments.len() > 1 => self.declare(line, name(0), name(1)),
            "-N" | "--new-chain" if arguments.len() == 1 => self.declare(line, name(0), "-"),
            "-F" | "--flush" => self.flush(line, name(0)),
            "-X" | "--delete-chain" => self.remove(line, name(0)),
            "-Z" | "--zero" => {}
            _ => self.notice(line, "a command that is not understood", true),
        }
    }

    fn insert(&mut self, line: &Line, chain: &str, place: Option<usize>, words: &[Word]) {
        let Some(draft) = self.draft(line, words) else { return };
        let Some(table) = self.tables.last_mut() else { return };
        let (chain, known) = table.chain_or_new(chain, 0);
        let end = chain.rules.len();
        let at = place.map_or(end, |place| place.saturating_sub(1));
        let fits = at <= end && place != Some(0);
        chain.rules.insert(at.min(end), draft);
        if !known {
            self.notice(line, "a rule of a chain that is not declared: iptables-restore refuses the file", true);
        }
        if !fits {
            self.notice(line, "a place that the chain does not have: iptables-restore refuses the file", true);
        }
    }

    fn replace(&mut self, line: &Line, chain: &str, number: Option<usize>, words: &[Word]) {
        let Some(draft) = self.draft(line, words) else { return };
        match self.rule(chain, number) {
            Some(rule) => *rule = draft,
            None => self.notice(line, "there is no such rule to replace: iptables-restore refuses the file", true),
        }
    }

    fn rule(&mut self, chain: &str, number: Option<usize>) -> Option<&mut Draft> {
        self.tables.last_mut()?.chain(chain)?.rules.get_mut(number?.checked_sub(1)?)
    }

    fn delete(&mut self, line: &Line, chain: &str, number: Option<usize>, words: &[Word]) {
        let wanted = if number.is_some() { None } else { self.draft(line, words) };
        let chain = self.tables.last_mut().and_then(|table| table.chain(chain));
        let found = chain.and_then(|chain| {
            let place = match (number, &wanted) {
                (Some(number), _) => number.checked_sub(1).filter(|place| *place < chain.rules.len()),
                (None, Some(wanted)) => place(chain, wanted),
                (None, None) => None,
            }?;
            Some(chain.rules.remove(place))
        });
        if found.is_none() {
            self.notice(line, "there is no such rule to delete: iptables-restore refuses the file", true);
        }
    }

    fn flush(&mut self, line: &Line, name: &str) {
        let Some(table) = self.tables.last_mut() else { return };
        if name.is_empty() {
            table.chains.iter_mut().for_each(|chain| chain.rules.clear());
            return;
        }
        match table.chain(name) {
            Some(chain) => chain.rules.clear(),
            None => self.notice(line, "there is no such chain to empty: iptables-restore refuses the file", true),
        }
    }

    fn remove(&mut self, line: &Line, name: &str) {
        let Some(table) = self.tables.last_mut() else { return };
        let wanted = |chain: &Chain| chain.base.is_none() && (name.is_empty() || chain.name == name);
        let names: Vec<String> =
            table.chains.iter().filter(|chain| wanted(chain)).map(|chain| chain.name.clone()).collect();
        let used = |chain: &Chain| names.contains(&chain.name) && !chain.rules.is_empty();
        let refused = table.chains.iter().any(used) || names.iter().any(|name| table.leads_to(name));
        if refused || (names.is_empty() && !name.is_empty()) {
            self.notice(line, "a chain that cannot be deleted: iptables-restore refuses the file", true);
            return;
        }
        table.remove(&names);
    }

    /// Reads the options of a rule; `None` if it is for the other family.
    fn draft(&mut self, line: &Line, words: &[Word]) -> Option<Draft> {
        let options = options::options(words);
        let table = self.tables.last().map_or("", |table| table.kind.name);
        let done = lower(Context { family: self.family, table, sets: self.sets }, &options);
        if done.other_family {
            self.notice(line, "a rule for the other family only: the program leaves it out", false);
            return None;
        }
        self.notice_sets(line, done.missing_sets);
        self.notice_target(line, &done.target, &done.details);
        let words = words.iter().map(Word::written).collect();
        let text = line.text.clone();
        Some(Draft { line: line.number, text, words, when: done.when, target: done.target, details: done.details })
    }

    fn notice_sets(&mut self, line: &Line, names: Vec<String>) {
        for name in names {
            if !self.missing_sets.contains(&name) {
                self.notice(
                    line,
                    &format!("the set `{name}` is not in an ipset dump: what is in it is not known"),
                    false,
                );
                self.missing_sets.push(name);
            }
        }
    }

    /// What a rule does besides filtering.
    fn notice_target(&mut self, line: &Line, target: &Target, details: &[String]) {
        let table = self.tables.last().map_or("", |table| table.kind.name);
        if table == "nat" {
            return self.notice_translation(line, target);
        }
        let Target::Jump(name) = target else { return };
        let untracked =
            name == "NOTRACK" || name == "CT" && details.iter().any(|detail| detail.starts_with("--notrack"));
        match name.as_str() {
            _ if untracked => self.notice(line, "packets that are not tracked: they have no state later on", true),
            "CT" => self.notice(line, "connection tracking is set up for some packets", false),
            "TEE" => self.notice(line, "copies of packets go elsewhere", false),
            "SET" => self.notice(line, "a rule that changes a set", false),
            _ => {}
        }
    }

    fn notice_translation(&mut self, line: &Line, target: &Target) {
        const PICKS: &str = "a rule of the table of address translation: it picks what is translated";
        let Target::Jump(name) = target else {
            // A target that was not understood may translate anything.
            let unclear = matches!(target, Target::Puzzle(_));
            return self.notice(line, PICKS, unclear);
        };
        match (targets::translation(name), targets::action(name)) {
            (Translation::Destination, _) => {
                self.notice(
                    line,
                    "address translation: the filter sees another destination than the sender gave",
                    true,
                );
            }
            (Translation::Source, _) => {
                self.notice(line, "address translation: the source changes behind the filter", false)
            }
            (_, Some(Action::Drop | Action::Unknown(_))) => {
                self.notice(line, "a rule of the table of address translation that may drop", true);
            }
            _ => self.notice(line, PICKS, false),
        }
    }
}

/// The first rule that is written as the wanted one, else the first of the same meaning.
fn place(chain: &Chain, wanted: &Draft) -> Option<usize> {
    let written = chain.rules.iter().position(|rule| rule.words == wanted.words);
    let same =
        |rule: &Draft| rule.when == wanted.when && rule.target == wanted.target && rule.details == wanted.details;
    written.or_else(|| chain.rules.iter().position(same))
}

/// The sets that the rules of a file add to or delete from.
pub fn changed_sets(lines: &[Line]) -> impl Iterator<Item = String> + '_ {
    let words = |line: &Line| match &line.content {
        Content::Command(words) if line.text.contains("-set") => options::options(words),
        _ => Vec::new(),
    };
    let writes = |given: &Given| {
        given.meaning == Meaning::Other
            && ["--add-set", "--del-set", "--map-set"].iter().any(|name| given.text.contains(name))
    };
    lines.iter().flat_map(words).filter(move |given| writes(given)).map(|given| given.value().to_owned())
}
