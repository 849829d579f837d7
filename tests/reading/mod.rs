//! A listing as text that people can read.

use std::fmt::Write as _;

use sekisho::listing::{Action, Condition, InterfacePattern, Listing};
use sekisho::packet::{AddressSet, Family, Interval, ServiceSet};

/// Everything that a listing says.
pub fn shown(listing: &Listing) -> String {
    let mut text = String::new();
    for base in &listing.bases {
        let families: Vec<&str> = base.families.iter().map(|family| family_name(*family)).collect();
        let name = &listing.chains[base.chain.0].name;
        let hook = format!("{:?}", base.hook).to_lowercase();
        let policy = action(listing, &base.policy);
        writeln!(text, "{hook} {} {}: {name}, else {policy}", base.priority, families.join("+")).unwrap();
    }
    for chain in &listing.chains {
        writeln!(text, "chain {} (line {})", chain.name, chain.line).unwrap();
        for rule in &chain.rules {
            let when = all(&rule.when);
            writeln!(text, "  {}: {when} -> {}", rule.line, action(listing, &rule.action)).unwrap();
        }
    }
    for noticed in &listing.noticed {
        let blurs = if noticed.blurs() { " (blurs)" } else { "" };
        writeln!(text, "noticed {}: {}{blurs}: {}", noticed.line, noticed.what, noticed.text).unwrap();
    }
    text
}

fn all(conditions: &[Condition]) -> String {
    if conditions.is_empty() {
        return "always".to_owned();
    }
    conditions.iter().map(condition).collect::<Vec<_>>().join(", ")
}

fn condition(of: &Condition) -> String {
    match of {
        Condition::In(names) => format!("in {}", interfaces(names)),
        Condition::Out(names) => format!("out {}", interfaces(names)),
        Condition::Family(family) => family_name(*family).to_owned(),
        Condition::Source(set) => format!("from {}", addresses(set)),
        Condition::Destination(set) => format!("to {}", addresses(set)),
        Condition::Service(set) => format!("on {}", services(set)),
        Condition::State(states) => {
            let mut names: Vec<String> = states.0.iter().map(|state| format!("{state:?}").to_lowercase()).collect();
            names.sort();
            format!("state {}", names.join("|"))
        }
        Condition::Not(inner) => format!("not ({})", all(inner)),
        Condition::AnyOf(lists) if lists.is_empty() => "never".to_owned(),
        Condition::AnyOf(lists) => {
            let lists: Vec<String> = lists.iter().map(|list| format!("({})", all(list))).collect();
            format!("any of {}", lists.join(" "))
        }
        Condition::First(inner) => format!("first packet ({})", all(inner)),
        Condition::Usual(holds, text) => format!("usually {holds} [{text}]"),
        Condition::Unknown(text) => format!("unknown [{text}]"),
    }
}

fn action(listing: &Listing, of: &Action) -> String {
    match of {
        Action::Continue => "next".to_owned(),
        Action::Accept => "accept".to_owned(),
        Action::Drop => "drop".to_owned(),
        Action::Return => "return".to_owned(),
        Action::Jump(chain) => format!("jump {}", listing.chains[chain.0].name),
        Action::Goto(chain) => format!("goto {}", listing.chains[chain.0].name),
        Action::Choose(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(when, then)| format!("[{} -> {}]", all(when), action(listing, then))).collect();
            format!("choose {}", entries.join(" "))
        }
        Action::Unknown(text) => format!("unknown [{text}]"),
    }
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

fn interfaces(names: &[InterfacePattern]) -> String {
    let mut names: Vec<String> = names
        .iter()
        .map(|name| match name {
            InterfacePattern::Exactly(name) => name.clone(),
            InterfacePattern::Beginning(start) => format!("{start}..."),
        })
        .collect();
    names.sort();
    names.join("|")
}

fn addresses(set: &AddressSet) -> String {
    let ranges: Vec<String> = set.ranges().map(|range| range.to_string()).collect();
    if ranges.is_empty() { "nowhere".to_owned() } else { ranges.join("|") }
}

fn services(set: &ServiceSet) -> String {
    let range = |of: Interval<u16>| match of {
        Interval { first, last } if first == last => first.to_string(),
        Interval { first: 0, last: 255 | 65535 } => "*".to_owned(),
        Interval { first, last } => format!("{first}-{last}"),
    };
    let pieces: Vec<String> = set
        .rectangles()
        .iter()
        .map(|piece| {
            let (first, last) = (piece.protocols.first, piece.protocols.last);
            let protocol = if first == last { first.to_string() } else { format!("{first}-{last}") };
            if piece.whole {
                return format!("protocol {protocol}");
            }
            let b: Vec<String> = piece.b.intervals().iter().map(|one| range(*one)).collect();
            format!("{protocol}/{}:{}", range(piece.a), b.join(","))
        })
        .collect();
    if pieces.is_empty() { "nothing".to_owned() } else { pieces.join("|") }
}

/// What a listing means, whatever the lines, the words and the order of sets.
pub fn meaning(listing: &Listing) -> String {
    let mut listing = listing.clone();
    let names = listing.clone();
    for chain in &mut listing.chains {
        chain.line = 0;
        for rule in &mut chain.rules {
            rule.line = 0;
            conditions_in_order(&mut rule.when);
            action_in_order(&names, &mut rule.action);
        }
    }
    for noticed in &mut listing.noticed {
        noticed.line = 0;
        noticed.text.clear();
    }
    listing.noticed.sort_by(|a, b| a.what.cmp(&b.what));
    shown(&listing)
}

fn conditions_in_order(conditions: &mut [Condition]) {
    for condition in &mut *conditions {
        match condition {
            Condition::Unknown(text) | Condition::Usual(_, text) => "?".clone_into(text),
            Condition::Not(inner) | Condition::First(inner) => conditions_in_order(inner),
            Condition::AnyOf(lists) => {
                lists.iter_mut().for_each(|list| conditions_in_order(list));
                lists.sort_by_key(|list| all(list));
            }
            _ => {}
        }
    }
    conditions.sort_by_key(condition);
}

fn action_in_order(listing: &Listing, of: &mut Action) {
    match of {
        Action::Unknown(text) => "?".clone_into(text),
        Action::Choose(entries) => {
            for (when, then) in &mut *entries {
                conditions_in_order(when);
                action_in_order(listing, then);
            }
            entries.sort_by_key(|(when, then)| format!("{} {}", all(when), action(listing, then)));
        }
        _ => {}
    }
}
