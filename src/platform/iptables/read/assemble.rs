//! Tables to a [`Listing`]: chains get their places, jumps their ends, base chains their order.

use super::conditions::Target;
use super::tables::{Chain as OfTable, Draft, Table};
use super::targets::{self, Translation};
use super::{rules_of, said};
use crate::listing::{
    Action, Base, Blur, Chain, ChainId, Condition, Divert, Hook, Listing, Noticed, Rule, Sees, behind_translation,
};
use crate::packet::Family;
use foldhash::HashMap;

/// Puts the tables of both families together. The table `nat` has been noticed, line by line, and is no part of it.
pub fn assemble(tables: Vec<Table<'_>>, noticed: Vec<Noticed>) -> Listing {
    let mut listing = Listing { noticed, ..Listing::default() };
    for table in tables {
        if table.kind.name == "nat" {
            listing.diverts.extend(diverts(&table));
        } else {
            add(table, &mut listing);
        }
    }
    listing.bases.sort_by_key(|base| (hook(base.hook), base.priority));
    cut_circles(&mut listing);
    behind_translation(&mut listing);
    listing
}

/// What a table `nat` gives another destination.
fn diverts(table: &Table<'_>) -> Vec<Divert> {
    let family = table.family;
    let at = |chain: &OfTable<'_>| chain.base.as_ref().map(|(hook, _)| *hook);
    let drafts = table.chains.iter().flat_map(|chain| chain.rules.iter().map(move |draft| (at(chain), &**draft)));
    let of = |(at, draft): (Option<Hook>, &Draft<'_>)| {
        let (Target::Jump(name) | Target::Goto(name)) = &draft.target else { return None };
        let when = std::iter::once(Condition::Family(family)).chain(draft.when.iter().cloned()).collect();
        let divert = Divert { at, line: draft.line, text: draft.text.to_owned(), when };
        (targets::translation(name) == Translation::Destination).then_some(divert)
    };
    drafts.filter_map(of).collect()
}

fn hook(hook: Hook) -> u8 {
    match hook {
        Hook::Prerouting => 0,
        Hook::Input => 1,
        Hook::Forward => 2,
        Hook::Output => 3,
        Hook::Postrouting => 4,
    }
}

/// `iptables filter FORWARD`: also says which of the two files a line is in.
fn name(table: &Table<'_>, chain: &str) -> String {
    let program = if table.family == Family::V4 { "iptables" } else { "ip6tables" };
    format!("{program} {} {chain}", table.kind.name)
}

fn add(mut table: Table<'_>, listing: &mut Listing) {
    let first = listing.chains.len();
    let chains = std::mem::take(&mut table.chains);
    let heads: Vec<_> = chains.iter().map(|chain| (chain.name.clone(), chain.base.is_none())).collect();
    let ids: HashMap<&str, (ChainId, bool)> = heads
        .iter()
        .zip(first..)
        .map(|((name, may_be_jumped_to), id)| (name.as_str(), (ChainId(id), *may_be_jumped_to)))
        .collect();
    for (chain, id) in chains.into_iter().zip(first..) {
        if let Some((hook, policy)) = &chain.base {
            listing.bases.push(Base {
                chain: ChainId(id),
                hook: *hook,
                priority: table.kind.priority,
                policy: policy.clone(),
                families: vec![table.family],
                sees: Sees::All,
            });
        }
        let end = |name: &str| ids.get(name).filter(|(_, may_be_jumped_to)| *may_be_jumped_to).map(|(id, _)| *id);
        let rules =
            chain.rules.into_iter().map(|draft| rule(*draft, end, table.family, &mut listing.noticed)).collect();
        listing.chains.push(Chain { name: name(&table, &chain.name), line: chain.line, rules });
    }
}

fn rule(draft: Draft<'_>, end: impl Fn(&str) -> Option<ChainId>, family: Family, noticed: &mut Vec<Noticed>) -> Rule {
    let action = match &draft.target {
        Target::None => Some(Action::Continue),
        Target::Puzzle(text) => Some(Action::Unknown(text.clone())),
        Target::Jump(name) => end(name).map(Action::Jump).or_else(|| targets::action(name)),
        Target::Goto(name) => end(name).map(Action::Goto),
    };
    let action = action.unwrap_or_else(|| {
        let what = "the chain or target is not in the file, and not known".to_owned();
        noticed.push(said(
            Noticed { line: draft.line, text: draft.text.to_owned(), what, blur: Blur::Clear },
            rules_of(family),
        ));
        Action::Unknown(written(&draft.target))
    });
    let remembers = ["--set", "--update", "--remove"].iter().any(|option| draft.text.contains(option));
    let shares = draft.text.contains("-m recent") && remembers
        || ["-m quota", "--hashlimit-name"].iter().any(|text| draft.text.contains(text));
    let acts =
        shares || matches!(&draft.target, Target::Jump(name) if end(name).is_none() && !targets::only_decides(name));
    Rule { line: draft.line, text: draft.text.to_owned(), when: draft.when, action, acts }
}

fn written(target: &Target) -> String {
    match target {
        Target::None => String::new(),
        Target::Jump(name) => format!("-j {name}"),
        Target::Goto(name) => format!("-g {name}"),
        Target::Puzzle(text) => text.clone(),
    }
}

/// Whether a chain has been walked through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Walked {
    Not,
    Now,
    Done,
}

/// The kernel loads no chains that lead back to themselves. A jump that closes a circle is made unknown, so that nobody walks in circles.
fn cut_circles(listing: &mut Listing) {
    let mut walked = vec![Walked::Not; listing.chains.len()];
    for start in 0..listing.chains.len() {
        if walked.get(start) == Some(&Walked::Not) {
            walk(listing, &mut walked, start);
        }
    }
}

fn walk(listing: &mut Listing, walked: &mut [Walked], start: usize) {
    let mut way = vec![(start, 0)];
    set(walked, start, Walked::Now);
    while let Some((chain, place)) = way.last_mut() {
        let rules = listing.chains.get_mut(*chain).map(|chain| &mut chain.rules);
        let Some(rule) = rules.and_then(|rules| rules.get_mut(*place)) else {
            set(walked, *chain, Walked::Done);
            way.pop();
            continue;
        };
        *place = place.saturating_add(1);
        let (Action::Jump(ChainId(to)) | Action::Goto(ChainId(to))) = rule.action else { continue };
        match walked.get(to) {
            Some(Walked::Not) => {
                set(walked, to, Walked::Now);
                way.push((to, 0));
            }
            Some(Walked::Now) => {
                rule.action = Action::Unknown("a jump back into a chain that led here".to_owned());
                let what = "chains that lead in a circle: iptables-restore refuses the file".to_owned();
                let noticed = Noticed { line: rule.line, text: rule.text.clone(), what, blur: Blur::Whole };
                let v6 = listing.chains.get(to).is_some_and(|chain| chain.name.starts_with("ip6"));
                listing.noticed.push(said(noticed, rules_of(if v6 { Family::V6 } else { Family::V4 })));
            }
            _ => {}
        }
    }
}

fn set(walked: &mut [Walked], chain: usize, to: Walked) {
    if let Some(place) = walked.get_mut(chain) {
        *place = to;
    }
}
