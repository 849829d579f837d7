//! Turns tables, chains and sets into a [`Listing`].
//!
//! A reader may doubt that what translates addresses accepts: it does, in its own base chain, where later rules are not asked. That address translation and
//! the like stand before or after the filter is said in [`Listing::noticed`], and blurs where it changes what the filter sees.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::HashMap;
use rustc_hash::FxHashMap;

use super::asked::{Asked, asks_any_transport};
use super::compare::Comparer;
use super::fields::{Field, field};
use super::memory::{Dependence, Meaning, Memory};
use super::names;
use super::ruleset::{ChainEntry, RuleEntry, Ruleset, Table, TableFamily, TableKey, noticed};
use super::statements::{Id, Statements};
use super::tree::{Does, Expr, Only, Operator, Statement, Text, Verdict};
use crate::listing::{
    Action, Base, Blur, COPIES, Chain, ChainId, Condition, Divert, HELPER, HOPS, Hook, Listing, Noticed, OFFLOAD, Rule,
    Sees, TRANSLATION, behind_translation, each_below, forget,
};
use crate::packet::{Family, Protocol, ServiceSet};

/// Makes a listing of what stands at the end of the text; also gives back what is remembered of it for other texts.
pub fn lower(mut rules: Ruleset<'_>) -> (Listing, Memory) {
    let listing = Listing { noticed: std::mem::take(&mut rules.noticed), ..Listing::default() };
    let statements = std::mem::take(&mut rules.statements);
    let tables = rules.into_tables();
    let mut whole = Whole { statements: &statements, listing, bases: Vec::new(), budget: 0 };
    for (key, table) in &tables {
        whole.listing.noticed.extend(table.noticed.iter().cloned());
        match key.0 {
            TableFamily::Ip | TableFamily::Ip6 | TableFamily::Inet => {
                lower_table(key, table, &mut whole);
            }
            TableFamily::Arp | TableFamily::Bridge | TableFamily::Netdev => {
                whole.listing.noticed.push(foreign(key, table, &statements));
            }
        }
    }
    let Whole { mut listing, mut bases, .. } = whole;
    // On one hook and with one priority, the chain that was made last is asked first.
    bases.sort_by_key(|(order, base): &(usize, Base)| (base.hook, base.priority, std::cmp::Reverse(*order)));
    listing.bases = bases.into_iter().map(|(_, base)| base).collect();
    clear_untracked(&mut listing);
    behind_translation(&mut listing);
    listing.noticed.sort_by_key(|noticed| noticed.line);
    drop(tables);
    (listing, statements.memory)
}

const UNTRACKED: &str = "packets that connection tracking does not see: rules that ask for states judge them otherwise";

/// Packets that are not tracked matter only where a rule asks for a state.
fn clear_untracked(listing: &mut Listing) {
    if listing.noticed.iter().all(|noticed| noticed.what != UNTRACKED) {
        return;
    }
    let mut asked = false;
    for rule in listing.chains.iter().flat_map(|chain| &chain.rules) {
        rule.each_condition(&mut |condition| {
            asked |= matches!(condition, Condition::State(_) | Condition::First(_));
        });
    }
    for noticed in &mut listing.noticed {
        if noticed.what == UNTRACKED && !asked {
            noticed.blur = Blur::Clear;
        }
    }
}

fn foreign<'t>(key: &TableKey, table: &Table<'t>, statements: &Statements<'t>) -> Noticed {
    let what = match key.0 {
        TableFamily::Arp => "a table of ARP: it judges no IP packets",
        TableFamily::Bridge => "a table of bridged frames",
        _ => "a table of frames of a device, before all others",
    };
    let drops = key.0 != TableFamily::Arp && table.chains.values().any(|chain| may_drop(chain, statements));
    let text = format!("table {} {}", key.0.name(), key.1);
    noticed(table.line, &text, what, if drops { Blur::Whole } else { Blur::Clear })
}

fn may_drop<'t>(chain: &ChainEntry<'t>, statements: &Statements<'t>) -> bool {
    let policy = chain.base.as_ref().is_some_and(|base| base.drops != Some(false));
    policy
        || chain.rules.iter().any(|rule| {
            let all = rule.statements.as_ref();
            all.is_none_or(|all| all.iter().flat_map(|id| statements.said(*id)).any(statement_may_drop))
        })
}

fn statement_may_drop(statement: &Statement<'_>) -> bool {
    match &statement.does {
        Does::Decide(verdict) => verdict_may_drop(verdict),
        Does::LookUp(_, Expr::Set(elements)) => {
            elements.iter().any(|element| element.verdict.as_ref().is_none_or(verdict_may_drop))
        }
        Does::LookUp(..) | Does::Change(_) | Does::Reject(_) | Does::Translate | Does::Copy | Does::Unknown => true,
        Does::Compare(..) | Does::Ask | Does::Nothing | Does::Untrack | Does::Offload | Does::Fill(_) => false,
    }
}

/// Whether a table has a chain that translates addresses.
fn translates(table: &Table<'_>) -> bool {
    table.chains.values().filter_map(|chain| chain.base.as_ref()).any(|base| base.kind == "nat")
}

fn verdict_may_drop(verdict: &Verdict<'_>) -> bool {
    matches!(verdict, Verdict::Drop | Verdict::Other(_))
}

fn chains_in_order<'a, 't>(table: &'a Table<'t>) -> Vec<(&'a Text<'t>, &'a ChainEntry<'t>)> {
    let mut chains: Vec<_> = table.chains.iter().collect();
    chains.sort_by_key(|(_, chain)| chain.order);
    chains
}

/// What is the same for all tables.
struct Whole<'a, 't> {
    statements: &'a Statements<'t>,
    listing: Listing,
    /// With the order in which they were made.
    bases: Vec<(usize, Base)>,
    budget: usize,
}

fn lower_table<'t>(key: &TableKey, table: &Table<'t>, whole: &mut Whole<'_, 't>) {
    let chains = chains_in_order(table);
    let first = whole.listing.chains.len();
    let ids: HashMap<&str, ChainId> =
        chains.iter().enumerate().map(|(at, (name, _))| (&***name, ChainId(first + at))).collect();
    let filled: BTreeSet<&str> = chains.iter().flat_map(|(_, chain)| filled(chain, whole.statements)).collect();
    let drops = OnceCell::new();
    for (at, (name, chain)) in chains.iter().enumerate() {
        let title = [key.0.name(), &key.1, &***name].join(" ");
        let may_drop = || *drops.get_or_init(|| table.chains.values().any(|chain| may_drop(chain, whole.statements)));
        base(key, table, (ChainId(first + at), chain, &title), may_drop, &mut whole.listing, &mut whole.bases);
        whole.listing.chains.push(Chain { name: title, line: chain.line, rules: Vec::new() });
    }
    let mut lowering = Lowering {
        ids: &ids,
        compare: Comparer::new(table, &filled, &mut whole.budget),
        noticed: &mut whole.listing.noticed,
        diverts: &mut whole.listing.diverts,
        is_diverting: false,
        statements: whole.statements,
        meanings: Meanings::default(),
        hook: None,
        is_filter: matches!(&*key.1, "filter" | "security") && !translates(table),
        is_nat: &*key.1 == "nat" && translates(table),
    };
    for ((_, chain), into) in chains.iter().zip(whole.listing.chains.iter_mut().skip(first)) {
        lowering.hook = chain.base.as_ref().and_then(|base| base.hook);
        into.rules = chain.rules.iter().map(|rule| lowering.rule(rule)).collect();
    }
    let nat = own_bases(whole, first).filter(|base| base.sees == Sees::First);
    let stopping = nat.filter(|base| may_stop(&whole.listing, base));
    let stopping = stopping.filter_map(|base| whole.listing.chains.get(base.chain.0));
    let found: Vec<Noticed> =
        stopping.map(|chain| noticed(chain.line, &format!("chain {}", chain.name), STOPS, Blur::Whole)).collect();
    whole.listing.noticed.extend(found);
    let tracked = |base: &Base| !matches!(base.hook, Hook::Prerouting | Hook::Output) || base.priority > TRACKING;
    let early: Vec<ChainId> = own_bases(whole, first).filter(|base| !tracked(base)).map(|base| base.chain).collect();
    forget(&mut whole.listing, &early, |one| matches!(one, Condition::State(_) | Condition::First(_)));
}

/// The base chains whose chains are at a place and behind it.
fn own_bases<'w>(whole: &'w Whole<'_, '_>, first: usize) -> impl Iterator<Item = &'w Base> {
    whole.bases.iter().map(|(_, base)| base).filter(move |base| base.chain.0 >= first)
}

const STOPS: &str =
    "a chain of address translation that may drop: it is asked about the first packet of a connection, if about any";

/// Whether a base chain, or one that it leads to, drops.
fn may_stop(listing: &Listing, base: &Base) -> bool {
    let mut drops = base.policy != Action::Accept;
    each_below(listing, &[base.chain], &mut |rule| drops |= may_drop_by(&rule.action));
    drops
}

fn may_drop_by(action: &Action) -> bool {
    match action {
        Action::Drop => true,
        Action::Choose(entries) => entries.iter().any(|(_, action)| may_drop_by(action)),
        _ => false,
    }
}

/// Connection tracking looks at packets with this priority, on the two hooks where they come in: no chain before it knows a connection (netfilter's `NF_IP_PRI_CONNTRACK`).
const TRACKING: i32 = -200;

fn filled<'a, 't>(chain: &'a ChainEntry<'t>, statements: &'a Statements<'t>) -> impl Iterator<Item = &'a str> {
    let all = chain.rules.iter().filter_map(|rule| rule.statements.as_ref()).flatten();
    all.flat_map(|id| statements.said(*id)).filter_map(|statement| match &statement.does {
        Does::Fill(set) => Some(&**set),
        _ => None,
    })
}

fn base(
    key: &TableKey,
    table: &Table<'_>,
    (id, chain, title): (ChainId, &ChainEntry<'_>, &str),
    may_drop: impl Fn() -> bool,
    listing: &mut Listing,
    bases: &mut Vec<(usize, Base)>,
) {
    let Some(base) = &chain.base else { return };
    let mut notice = |what, blurs| listing.noticed.push(noticed(chain.line, &format!("chain {title}"), what, blurs));
    if table.dormant {
        return notice("a chain of a table that sleeps: it is not asked", Blur::Clear);
    }
    let Some(hook) = base.hook else {
        let blurs = if may_drop() { Blur::Whole } else { Blur::Clear };
        return notice("a chain of a device, before all others", blurs);
    };
    if base.drops.is_none() {
        notice("a policy that is not understood", Blur::Whole);
    }
    let families = match key.0 {
        TableFamily::Ip => vec![Family::V4],
        TableFamily::Ip6 => vec![Family::V6],
        _ => Family::BOTH.to_vec(),
    };
    let policy = if base.drops == Some(false) { Action::Accept } else { Action::Drop };
    let sees = if base.kind == "nat" { Sees::First } else { Sees::All };
    let priority = base.priority.unwrap_or(0);
    bases.push((chain.order, Base { chain: id, hook, priority, policy, families, sees }));
}

/// What comparisons of this file that several rules make were found to ask for.
#[derive(Default)]
struct Meanings<'t> {
    /// Of those that ask for an address alone.
    addresses: FxHashMap<Id, Condition>,
    /// By themselves, with the sets that are missing.
    alone: FxHashMap<Id, (Vec<Condition>, Vec<String>)>,
    /// Of those that ask for ports of any protocol: by the services that the rule asked for before. Also of what is remembered from file to file, for the services may be of this file.
    behind: FxHashMap<(*const Statement<'t>, *const ServiceSet), Behind>,
}

struct Behind {
    /// Kept lest others come to lie at their place.
    _before: Arc<ServiceSet>,
    both: Arc<ServiceSet>,
}

struct Lowering<'a, 't> {
    ids: &'a HashMap<&'a str, ChainId>,
    compare: Comparer<'a, 't>,
    noticed: &'a mut Vec<Noticed>,
    statements: &'a Statements<'t>,
    meanings: Meanings<'t>,
    /// Where the chain is asked.
    hook: Option<Hook>,
    diverts: &'a mut Vec<Divert>,
    /// Whether the rule that is read gives packets another destination.
    is_diverting: bool,
    /// Whether the table has the name of one in which iptables keeps filters.
    is_filter: bool,
    /// Whether it has the name of the one in which iptables translates, and does.
    is_nat: bool,
}

const FOREIGN: &str = "a target of another program: it may translate addresses or change packets";

/// How much of a rule stands beside what is noticed about it, in bytes: a map may have something to notice in each of its elements.
const LONGEST: usize = 1_000;

impl<'a, 't> Lowering<'a, 't> {
    fn rule(&mut self, rule: &RuleEntry<'t>) -> Rule {
        let text = rule.text.to_string();
        let (when, action) = match &rule.statements {
            Some(statements) => self.statements(rule, statements),
            None => (vec![Condition::Unknown(text.clone())], Action::Unknown(text.clone())),
        };
        self.notice_missing(rule);
        self.notice_lost(rule, &action);
        if std::mem::take(&mut self.is_diverting) {
            self.diverts.push(Divert { at: self.hook, line: rule.line, text: text.clone(), when: when.clone() });
        }
        let acts = rule.statements.iter().flatten().flat_map(|id| self.statements.said(*id)).any(acts);
        Rule { line: rule.line, text, when, action, acts }
    }

    fn notice_missing(&mut self, rule: &RuleEntry<'t>) {
        for set in self.compare.missing() {
            self.notice(rule, &format!("a set that is not in the file: `{set}`"), Blur::Clear);
        }
    }

    fn notice(&mut self, rule: &RuleEntry<'t>, what: &str, blurs: Blur) {
        let end = rule.text.char_indices().map(|(at, _)| at).find(|at| *at > LONGEST);
        let text = end
            .map_or_else(|| rule.text.to_string(), |end| format!("{} ...", rule.text.get(..end).unwrap_or_default()));
        self.noticed.push(noticed(rule.line, &text, what, blurs));
    }

    fn statements(&mut self, rule: &RuleEntry<'t>, statements: &[Id]) -> (Vec<Condition>, Action) {
        let (mut when, mut action) = (Asked::default(), None);
        for id in statements {
            if action.is_some() {
                // Only a verdict map may stand before something else, which is asked where the map says `continue`.
                if !matches!(&action, Some(Action::Choose(entries)) if entries.iter().all(|(_, action)| ends(action))) {
                    action = Some(Action::Unknown(rule.text.to_string()));
                }
                break;
            }
            action = self.piece(rule, *id, &mut when);
        }
        (when.finish(), action.unwrap_or(Action::Continue))
    }

    /// What a piece of a rule decides; what it asks for is added.
    fn piece(&mut self, rule: &RuleEntry<'t>, id: Id, when: &mut Asked) -> Option<Action> {
        if let Some(piece) = self.statements.remembered(id) {
            let known = piece.meaning.get_or_init(|| self.meaning(rule, id));
            if known.dependence == Dependence::None
                || (known.dependence == Dependence::Services && when.service().is_none())
            {
                when.extend(known.when.iter().cloned());
                return known.action.clone();
            }
        }
        // Of several, none stands behind one that decides.
        let all = self.statements.said(id).iter();
        all.filter_map(|statement| self.statement(rule, id, statement, when))
            .last()
            .filter(|it| *it != Action::Continue)
    }

    /// What a piece means where nothing was asked for before.
    fn meaning(&mut self, rule: &RuleEntry<'t>, id: Id) -> Meaning {
        let (mut when, mut action, mut dependence) = (Asked::default(), None, Dependence::None);
        for statement in self.statements.said(id) {
            if let Does::Compare(left, ..) = &statement.does {
                dependence = dependence.max(self::dependence(left));
            }
            action = self.statement(rule, id, statement, &mut when).filter(|it| *it != Action::Continue);
        }
        Meaning { dependence, when: when.finish(), action }
    }

    fn statement(
        &mut self,
        rule: &RuleEntry<'t>,
        id: Id,
        statement: &'a Statement<'t>,
        when: &mut Asked,
    ) -> Option<Action> {
        let unknown = || statement.text.to_string();
        match &statement.does {
            Does::Compare(left, operator, right) => self.compared(id, statement, (left, *operator, right), when),
            Does::Ask | Does::Fill(_) => when.add(Condition::Unknown(unknown())),
            Does::LookUp(key, map) => return Some(self.look_up(rule, (key, map), &statement.text, when)),
            Does::Decide(verdict) => return Some(self.verdict(rule, verdict)),
            Does::Reject(only) => {
                when.extend(match only {
                    Only::Any => None,
                    Only::Ip => Some(Condition::Family(Family::V4)),
                    Only::Ip6 => Some(Condition::Family(Family::V6)),
                    Only::Tcp => Some(Condition::Service(ServiceSet::protocol(Protocol::TCP).into())),
                });
                return Some(Action::Drop);
            }
            Does::Unknown => {
                self.notice_foreign(rule, statement);
                return Some(Action::Unknown(unknown()));
            }
            Does::Change(key) => self.change(rule, key),
            Does::Translate => return Some(self.translate(rule, &statement.text)),
            Does::Untrack => self.notice(rule, UNTRACKED, Blur::Whole),
            Does::Offload => {
                self.notice(rule, OFFLOAD, Blur::Clear);
            }
            Does::Copy => {
                let blur = if self.hook == Some(Hook::Output) { Blur::Clear } else { Blur::Beyond };
                self.notice(rule, COPIES, blur);
            }
            Does::Nothing => {}
        }
        None
    }

    /// Adds what a comparison asks for; of one that other rules make as well, what was found before.
    fn compared(
        &mut self,
        id: Id,
        statement: &'a Statement<'t>,
        (left, operator, right): (&Expr<'t>, Operator, &'a Expr<'t>),
        when: &mut Asked,
    ) {
        let text = &*statement.text;
        let is_common = self.statements.is_common(id);
        if is_common && let Some(known) = self.meanings.addresses.get(&id) {
            return when.add(known.clone());
        }
        if let Some(condition) = self.compare.address(left, operator, right) {
            if is_common {
                self.meanings.addresses.insert(id, condition.clone());
            }
            return when.add(condition);
        }
        let is_remembered = self.statements.remembered(id).is_some();
        match (is_common || is_remembered, dependence(left), when.service()) {
            (true, Dependence::Services, Some(_)) => {
                return self.compared_behind(statement, (left, operator, right), when);
            }
            // What is remembered may be several statements.
            (true, Dependence::None | Dependence::Services, _) if is_common => {}
            _ => return when.extend(self.compare.compare(left, operator, right, text, when)),
        }
        if let Some((known, missing)) = self.meanings.alone.get(&id) {
            self.compare.miss(missing);
            return when.extend(known.iter().cloned());
        }
        let outer = self.compare.missing();
        let found = super::asked::tidy(self.compare.compare(left, operator, right, text, &Asked::default()));
        let missing = self.compare.missing();
        self.compare.miss(&outer);
        self.compare.miss(&missing);
        when.extend(found.iter().cloned());
        self.meanings.alone.insert(id, (found, missing));
    }

    /// The same of ports of any protocol, where services were asked for before.
    fn compared_behind(
        &mut self,
        statement: &'a Statement<'t>,
        (left, operator, right): (&Expr<'t>, Operator, &'a Expr<'t>),
        when: &mut Asked,
    ) {
        let before = when.service().cloned();
        let key = before.as_ref().map(|before| (std::ptr::from_ref(statement), Arc::as_ptr(before)));
        if let Some(known) = key.and_then(|key| self.meanings.behind.get(&key)) {
            return when.set_service(known.both.clone());
        }
        let found = self.compare.compare(left, operator, right, &statement.text, when);
        let is_plain = matches!((left, found.as_slice()), (Expr::Field(_), [Condition::Service(_)]));
        when.extend(found);
        if let (Some(key), Some(before), Some(both), true) = (key, before, when.service(), is_plain) {
            let both = both.clone();
            self.meanings.behind.insert(key, Behind { _before: before, both });
        }
    }

    fn look_up(
        &mut self,
        rule: &RuleEntry<'t>,
        (key, map): (&Expr<'t>, &'a Expr<'t>),
        text: &str,
        when: &mut Asked,
    ) -> Action {
        let Some((implied, entries)) = self.compare.look_up(key, map, text, when) else {
            return Action::Unknown(text.to_owned());
        };
        when.extend(implied);
        let entries = entries.into_iter().map(|(conditions, verdict)| match verdict {
            Some(verdict) => (conditions, self.verdict(rule, verdict)),
            None => (conditions, Action::Unknown(text.to_owned())),
        });
        Action::Choose(entries.collect())
    }

    fn verdict(&mut self, rule: &RuleEntry<'t>, verdict: &Verdict<'t>) -> Action {
        match verdict {
            Verdict::Accept => Action::Accept,
            Verdict::Drop => Action::Drop,
            Verdict::Continue => Action::Continue,
            Verdict::Return => Action::Return,
            Verdict::Jump(chain) => self.chain_action(rule, chain, Action::Jump),
            Verdict::Goto(chain) => self.chain_action(rule, chain, Action::Goto),
            Verdict::Other(text) => Action::Unknown(text.to_string()),
        }
    }

    fn chain_action(&mut self, rule: &RuleEntry<'t>, chain: &str, action: fn(ChainId) -> Action) -> Action {
        if let Some(id) = self.ids.get(chain) {
            return action(*id);
        }
        self.notice(rule, &format!("a chain that is not in the file: `{chain}`"), Blur::Clear);
        Action::Unknown(format!("chain {chain}"))
    }

    fn change(&mut self, rule: &RuleEntry<'t>, key: &Expr<'t>) {
        let path: Vec<&str> = match key {
            Expr::Field(path) => path.iter().map(|word| &**word).collect(),
            _ => Vec::new(),
        };
        match path.as_slice() {
            ["ct", "helper" | "expectation"] => self.notice(rule, HELPER, Blur::Beyond),
            // A packet whose hops have run out goes no further once its way has been looked for.
            ["ip", "ttl"] | ["ip6", "hoplimit"] => {
                let is_on_its_way = matches!(self.hook, Some(Hook::Forward | Hook::Postrouting));
                self.notice(rule, HOPS, if is_on_its_way { Blur::Beyond } else { Blur::Whole });
            }
            // What no rule is judged by, and no packet is lost for.
            ["meta", "mark" | "priority" | "nftrace" | "secmark" | "rtclassid"]
            | ["mark"]
            | ["ct", "mark" | "label" | "event" | "secmark" | "timeout"]
            | ["ip", "dscp" | "ecn"]
            | ["ip6", "dscp" | "ecn" | "flowlabel"]
            | ["tcp", "option", "maxseg", ..] => {}
            // As JSON has it.
            ["tcp option", option] if option.contains("\"maxseg\"") => {}
            _ => self.notice(rule, "packets or connections are changed in what decides about them", Blur::Whole),
        }
    }

    /// A target of iptables is not told in JSON. In the tables of that program for filters there are none but those that decide or log.
    fn notice_foreign(&mut self, rule: &RuleEntry<'t>, statement: &Statement<'t>) {
        let is_new = self.noticed.last().is_none_or(|last| last.line != rule.line || last.what != FOREIGN);
        let text = statement.text.trim_start_matches(['#', ' ']);
        let is_foreign = text.starts_with("{\"xt\"") || text.starts_with("xt");
        let mut words = text.split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit());
        let is_harmless = words.find(|word| !word.is_empty()).is_some_and(names::is_harmless);
        if is_foreign && !self.is_filter && !is_harmless && is_new {
            self.notice(rule, FOREIGN, Blur::Whole);
        }
    }

    /// `nft` 1.0.6 prints nothing of some translations that iptables loaded: a rule that only asks is one of these.
    fn notice_lost(&mut self, rule: &RuleEntry<'t>, action: &Action) {
        let only_asks = |statement: &Statement<'_>| matches!(statement.does, Does::Compare(..) | Does::Ask);
        let mut all = rule.statements.iter().flatten().flat_map(|id| self.statements.said(*id));
        // Before any quote, where nobody's remark stands.
        let logs = rule.text.split('"').next().is_some_and(|text| text.contains("log "));
        if self.is_nat && *action == Action::Continue && all.all(only_asks) && !logs {
            self.notice(rule, TRANSLATION, Blur::Beyond);
            self.is_diverting = true;
        }
    }

    fn translate(&mut self, rule: &RuleEntry<'t>, text: &str) -> Action {
        let destination = text.contains("dnat") || text.contains("redirect");
        let blur = match (destination, self.hook) {
            (true, Some(Hook::Output)) => Blur::Clear,
            _ => Blur::Beyond,
        };
        self.is_diverting |= destination;
        self.notice(rule, TRANSLATION, blur);
        Action::Accept
    }
}

fn dependence(left: &Expr<'_>) -> Dependence {
    match left {
        Expr::Field(path) => match field(path) {
            of if !asks_any_transport(&of) => Dependence::None,
            Field::First(_) => Dependence::More,
            _ => Dependence::Services,
        },
        Expr::Concat(parts) => parts.iter().map(dependence).max().unwrap_or(Dependence::None),
        _ => Dependence::None,
    }
}

/// Whether nothing after an action of a verdict map is asked.
fn ends(action: &Action) -> bool {
    !matches!(action, Action::Continue | Action::Unknown(_))
}

/// Conditions on something that several rules may name, in text and JSON.
const SHARED: [&str; 4] = ["quota", "limit name", "{\"quota\"", "{\"limit\":\""];

/// Whether a statement does more than ask and decide.
fn acts(statement: &Statement<'_>) -> bool {
    match statement.does {
        // What several rules share is used up by one of them.
        Does::Ask => SHARED.iter().any(|name| statement.text.starts_with(name)),
        Does::Compare(..) | Does::LookUp(..) | Does::Decide(_) | Does::Reject(_) | Does::Nothing => false,
        Does::Change(_)
        | Does::Translate
        | Does::Untrack
        | Does::Offload
        | Does::Fill(_)
        | Does::Copy
        | Does::Unknown => true,
    }
}
