//! Turns tables, chains and sets into a [`Listing`].
//!
//! A reader may doubt that what translates addresses accepts: it does, in its own base chain, where later rules are not asked. That address translation and
//! the like stand before or after the filter is said in [`Listing::noticed`], and blurs where it changes what the filter sees.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::Comparer;
use super::fields::{Field, field};
use super::ruleset::{Blur, ChainEntry, RuleEntry, Ruleset, Table, TableFamily, TableKey, noticed};
use super::tree::{Does, Expr, Only, Statement, Verdict};
use crate::listing::{Action, Base, Chain, ChainId, Condition, Hook, Listing, Noticed, Rule};
use crate::packet::{Family, Protocol, ServiceSet};

/// Makes a listing of what stands at the end of the text.
pub fn lower(mut rules: Ruleset) -> Listing {
    let mut listing = Listing { noticed: std::mem::take(&mut rules.noticed), ..Listing::default() };
    let tables = rules.into_tables();
    let mut budget = 0;
    let mut bases = Vec::new();
    for (key, table) in &tables {
        listing.noticed.extend(table.noticed.iter().cloned());
        match key.0 {
            TableFamily::Ip | TableFamily::Ip6 | TableFamily::Inet => {
                lower_table(key, table, &mut listing, &mut bases, &mut budget);
            }
            TableFamily::Arp | TableFamily::Bridge | TableFamily::Netdev => listing.noticed.push(foreign(key, table)),
        }
    }
    // On one hook and with one priority, the chain that was made last is asked first.
    bases.sort_by_key(|(order, base): &(usize, Base)| (base.hook, base.priority, std::cmp::Reverse(*order)));
    listing.bases = bases.into_iter().map(|(_, base)| base).collect();
    clear_untracked(&mut listing);
    listing.noticed.sort_by_key(|noticed| noticed.line);
    listing
}

const UNTRACKED: &str = "packets that connection tracking does not see: rules that ask for states judge them otherwise";

/// Packets that are not tracked matter only where a rule asks for a state.
fn clear_untracked(listing: &mut Listing) {
    let asked = listing.chains.iter().flat_map(|chain| &chain.rules).any(|rule| {
        any_state(&rule.when)
            || matches!(&rule.action, Action::Choose(entries) if entries.iter().any(|(when, _)| any_state(when)))
    });
    for noticed in &mut listing.noticed {
        noticed.blurs &= asked || noticed.what != UNTRACKED;
    }
}

fn any_state(conditions: &[Condition]) -> bool {
    conditions.iter().any(|condition| match condition {
        Condition::State(_) | Condition::First(_) => true,
        Condition::Not(inner) => any_state(inner),
        Condition::AnyOf(lists) => lists.iter().any(|list| any_state(list)),
        Condition::In(_)
        | Condition::Out(_)
        | Condition::Family(_)
        | Condition::Source(_)
        | Condition::Destination(_)
        | Condition::Service(_)
        | Condition::Unknown(_) => false,
    })
}

fn foreign(key: &TableKey, table: &Table) -> Noticed {
    let what = match key.0 {
        TableFamily::Arp => "a table of ARP: it judges no IP packets",
        TableFamily::Bridge => "a table of bridged frames",
        _ => "a table of frames of a device, before all others",
    };
    let drops = key.0 != TableFamily::Arp && table.chains.values().any(may_drop);
    let text = format!("table {} {}", key.0.name(), key.1);
    noticed(table.line, &text, what, if drops { Blur::Blurs } else { Blur::Clear })
}

fn may_drop(chain: &ChainEntry) -> bool {
    let policy = chain.base.as_ref().is_some_and(|base| base.drops != Some(false));
    policy
        || chain.rules.iter().any(|rule| rule.statements.as_ref().is_none_or(|all| all.iter().any(statement_may_drop)))
}

fn statement_may_drop(statement: &Statement) -> bool {
    match &statement.does {
        Does::Decide(verdict) => verdict_may_drop(verdict),
        Does::LookUp(_, Expr::Set(elements)) => {
            elements.iter().any(|element| element.verdict.as_ref().is_none_or(verdict_may_drop))
        }
        Does::LookUp(..) | Does::Change(_) | Does::Reject(_) | Does::Translate | Does::Unknown => true,
        Does::Compare(..) | Does::Ask | Does::Nothing | Does::Untrack | Does::Offload | Does::Fill(_) | Does::Copy => {
            false
        }
    }
}

fn verdict_may_drop(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Drop | Verdict::Other(_))
}

fn chains_in_order(table: &Table) -> Vec<(&String, &ChainEntry)> {
    let mut chains: Vec<_> = table.chains.iter().collect();
    chains.sort_by_key(|(_, chain)| chain.order);
    chains
}

fn lower_table(
    key: &TableKey,
    table: &Table,
    listing: &mut Listing,
    bases: &mut Vec<(usize, Base)>,
    budget: &mut usize,
) {
    let chains = chains_in_order(table);
    let first = listing.chains.len();
    let ids: BTreeMap<&str, ChainId> =
        chains.iter().enumerate().map(|(at, (name, _))| (name.as_str(), ChainId(first + at))).collect();
    let filled: BTreeSet<&str> = chains.iter().flat_map(|(_, chain)| filled(chain)).collect();
    for (name, chain) in chains {
        let title = format!("{} {} {name}", key.0.name(), key.1);
        if let Some(id) = ids.get(name.as_str()) {
            base(key, table, (*id, chain, &title), listing, bases);
        }
        let compare = Comparer::new(table, &filled, budget);
        let mut lowering = Lowering { ids: &ids, compare, noticed: &mut listing.noticed, chain };
        let rules = chain.rules.iter().map(|rule| lowering.rule(rule)).collect();
        listing.chains.push(Chain { name: title, line: chain.line, rules });
    }
}

fn filled(chain: &ChainEntry) -> impl Iterator<Item = &str> {
    chain.rules.iter().filter_map(|rule| rule.statements.as_ref()).flatten().filter_map(|statement| {
        match &statement.does {
            Does::Fill(set) => Some(set.as_str()),
            _ => None,
        }
    })
}

fn base(
    key: &TableKey,
    table: &Table,
    (id, chain, title): (ChainId, &ChainEntry, &str),
    listing: &mut Listing,
    bases: &mut Vec<(usize, Base)>,
) {
    let Some(base) = &chain.base else { return };
    let mut notice = |what, blurs| listing.noticed.push(noticed(chain.line, &format!("chain {title}"), what, blurs));
    if table.dormant {
        return notice("a chain of a table that sleeps: it is not asked", Blur::Clear);
    }
    let Some(hook) = base.hook else {
        let drops = table.chains.values().any(may_drop);
        let blurs = if drops { Blur::Blurs } else { Blur::Clear };
        return notice("a chain of a device, before all others", blurs);
    };
    if base.drops.is_none() {
        notice("a policy that is not understood", Blur::Blurs);
    }
    let families = match key.0 {
        TableFamily::Ip => vec![Family::V4],
        TableFamily::Ip6 => vec![Family::V6],
        _ => Family::BOTH.to_vec(),
    };
    let policy = if base.drops == Some(false) { Action::Accept } else { Action::Drop };
    bases.push((chain.order, Base { chain: id, hook, priority: base.priority.unwrap_or(0), policy, families }));
}

struct Lowering<'a> {
    ids: &'a BTreeMap<&'a str, ChainId>,
    compare: Comparer<'a>,
    noticed: &'a mut Vec<Noticed>,
    chain: &'a ChainEntry,
}

impl Lowering<'_> {
    fn rule(&mut self, rule: &RuleEntry) -> Rule {
        let (when, action) = match &rule.statements {
            Some(statements) => self.statements(rule, statements),
            None => (vec![Condition::Unknown(rule.text.clone())], Action::Unknown(rule.text.clone())),
        };
        for set in self.compare.missing() {
            self.notice(rule, &format!("a set that is not in the file: `{set}`"), Blur::Clear);
        }
        Rule { line: rule.line, text: rule.text.clone(), when, action }
    }

    fn notice(&mut self, rule: &RuleEntry, what: &str, blurs: Blur) {
        self.noticed.push(noticed(rule.line, &rule.text, what, blurs));
    }

    fn statements(&mut self, rule: &RuleEntry, statements: &[Statement]) -> (Vec<Condition>, Action) {
        let (mut when, mut action) = (Vec::new(), None);
        for statement in statements {
            if action.is_some() && statement.does != Does::Nothing {
                // Only a verdict map may stand before something else, which is asked where the map says `continue`.
                if !matches!(&action, Some(Action::Choose(entries)) if entries.iter().all(|(_, action)| ends(action))) {
                    action = Some(Action::Unknown(rule.text.clone()));
                }
                break;
            }
            match self.statement(rule, statement, &mut when) {
                Some(Action::Continue) | None => {}
                decided => action = decided,
            }
        }
        (super::compare::tidy(when), action.unwrap_or(Action::Continue))
    }

    fn statement(&mut self, rule: &RuleEntry, statement: &Statement, when: &mut Vec<Condition>) -> Option<Action> {
        let unknown = || statement.text.clone();
        match &statement.does {
            Does::Compare(left, operator, right) => {
                let conditions = self.compare.compare(left, *operator, right, &statement.text, when);
                when.extend(conditions);
            }
            Does::Ask | Does::Fill(_) => when.push(Condition::Unknown(unknown())),
            Does::LookUp(key, map) => return Some(self.look_up(rule, key, map, &statement.text, when)),
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
            Does::Unknown => return Some(Action::Unknown(unknown())),
            Does::Change(key) => self.change(rule, key),
            Does::Translate => return Some(self.translate(rule, &statement.text)),
            Does::Untrack => self.notice(rule, UNTRACKED, Blur::Blurs),
            Does::Offload => {
                self.notice(rule, "a flow table: later packets of these connections pass by the rules", Blur::Clear);
            }
            Does::Copy => self.notice(rule, "packets are also sent elsewhere", Blur::Clear),
            Does::Nothing => {}
        }
        None
    }

    fn look_up(&mut self, rule: &RuleEntry, key: &Expr, map: &Expr, text: &str, when: &mut Vec<Condition>) -> Action {
        let Some((implied, entries)) = self.compare.look_up(key, map, text, when) else {
            return Action::Unknown(text.to_owned());
        };
        when.extend(implied);
        let entries = entries.into_iter().map(|(conditions, verdict)| match verdict {
            Some(verdict) => (conditions, self.verdict(rule, &verdict)),
            None => (conditions, Action::Unknown(text.to_owned())),
        });
        Action::Choose(entries.collect())
    }

    fn verdict(&mut self, rule: &RuleEntry, verdict: &Verdict) -> Action {
        match verdict {
            Verdict::Accept => Action::Accept,
            Verdict::Drop => Action::Drop,
            Verdict::Continue => Action::Continue,
            Verdict::Return => Action::Return,
            Verdict::Jump(chain) => self.chain_action(rule, chain, Action::Jump),
            Verdict::Goto(chain) => self.chain_action(rule, chain, Action::Goto),
            Verdict::Other(text) => Action::Unknown(text.clone()),
        }
    }

    fn chain_action(&mut self, rule: &RuleEntry, chain: &str, action: fn(ChainId) -> Action) -> Action {
        if let Some(id) = self.ids.get(chain) {
            return action(*id);
        }
        self.notice(rule, &format!("a chain that is not in the file: `{chain}`"), Blur::Clear);
        Action::Unknown(format!("chain {chain}"))
    }

    fn change(&mut self, rule: &RuleEntry, key: &Expr) {
        let changed = match key {
            Expr::Field(path) => path.first().is_some_and(|word| word.starts_with('@')) || judged(field(path)),
            _ => true,
        };
        if changed {
            self.notice(rule, "packets are changed in what other rules look at", Blur::Blurs);
        }
    }

    fn translate(&mut self, rule: &RuleEntry, text: &str) -> Action {
        let destination = text.contains("dnat") || text.contains("redirect");
        let hook = self.chain.base.as_ref().and_then(|base| base.hook);
        let blurs = if destination && hook != Some(Hook::Output) { Blur::Blurs } else { Blur::Clear };
        self.notice(rule, "address translation", blurs);
        Action::Accept
    }
}

/// Whether nothing after an action of a verdict map is asked.
fn ends(action: &Action) -> bool {
    !matches!(action, Action::Continue | Action::Unknown(_))
}

/// Whether rules are judged by a field.
fn judged(field: Field) -> bool {
    !matches!(field, Field::Other(_))
}
