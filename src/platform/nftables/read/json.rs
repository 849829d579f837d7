//! Reads the JSON form: what `nft -j list ruleset` prints, and the commands that `nft -j -f` takes.
//!
//! JSON is a tree already; it becomes the same tree that text becomes, so that both mean the same. A statement whose name is not known may be a condition or
//! a verdict, and is taken for what leaves most open.

use serde_json::{Map, Value};

use super::parse::title;
use super::ruleset::{BaseEntry, RuleEntry, Ruleset, TableFamily, TableKey, hook, noticed, priority};
use super::tree::{Does, Element, Expr, Only, Operator, Statement, Text, Verdict};
use crate::listing::Blur;

/// Reads a text in JSON.
pub fn read(text: &str) -> Ruleset<'static> {
    let mut rules = Ruleset::default();
    let parsed: Result<Value, _> = serde_json::from_str(text);
    let objects = parsed.as_ref().ok().and_then(|value| value.get("nftables")).and_then(Value::as_array);
    let Some(objects) = objects else {
        let line = parsed.as_ref().err().map_or(1, serde_json::Error::line);
        rules.notice(line, "", "JSON that is no rule set", Blur::Whole);
        return rules;
    };
    for object in objects {
        match only(object) {
            Some((command @ ("add" | "create" | "insert" | "replace" | "delete" | "destroy" | "flush"), inner)) => {
                match only(inner) {
                    Some((kind, of)) => command_on(&mut rules, command, kind, of),
                    None => lost(&mut rules, object),
                }
            }
            Some((kind, of)) => add(&mut rules, kind, of, object),
            None => lost(&mut rules, object),
        }
    }
    rules
}

fn lost(rules: &mut Ruleset<'static>, object: &Value) {
    rules.notice(0, &object.to_string(), "an object that is not known", Blur::Whole);
}

/// The only member of an object.
fn only(value: &Value) -> Option<(&str, &Value)> {
    let mut members = value.as_object()?.iter();
    let (name, inner) = members.next()?;
    members.next().is_none().then_some((name.as_str(), inner))
}

fn text<'v>(of: &'v Value, member: &str) -> &'v str {
    of.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn handle(of: &Value) -> usize {
    of.get("handle").and_then(Value::as_u64).and_then(|handle| usize::try_from(handle).ok()).unwrap_or(0)
}

fn table_of(of: &Value, name: &str) -> Option<TableKey> {
    Some((TableFamily::by_name(text(of, "family"))?, text(of, name).into()))
}

fn command_on(rules: &mut Ruleset<'static>, command: &str, kind: &str, of: &Value) {
    let object = Value::Object(Map::from_iter([(kind.to_owned(), of.clone())]));
    match (command, kind) {
        ("add" | "create", "rule") if placed(of) => {
            rules.notice(0, &object.to_string(), "a rule at a place that only the device knows", Blur::Whole);
            add(rules, kind, of, &object);
        }
        ("add" | "create", _) => add(rules, kind, of, &object),
        ("insert", "rule") => {
            if placed(of) {
                rules.notice(0, &object.to_string(), "a rule at a place that only the device knows", Blur::Whole);
            }
            if let Some(table) = table_of(of, "table") {
                let rule = rule(rules, of);
                rules.chain(&table, text(of, "chain").to_owned(), 0).rules.push_front(rule);
            }
        }
        ("flush", "ruleset") => rules.flush(TableFamily::by_name(text(of, "family"))),
        ("delete" | "destroy", "table") => {
            if let Some(table) = table_of(of, "name") {
                rules.delete(&table);
            }
        }
        _ => take_away(rules, command, kind, of, &object),
    }
}

fn placed(of: &Value) -> bool {
    ["handle", "index", "position"].iter().any(|member| of.get(member).is_some())
}

fn take_away(rules: &mut Ruleset<'static>, command: &str, kind: &str, of: &Value, object: &Value) {
    let key = table_of(of, if kind == "table" { "name" } else { "table" });
    let Some(table) = key.and_then(|key| rules.existing(&key)) else { return };
    let name = text(of, "name");
    match (command, kind) {
        ("flush", "table") => table.chains.values_mut().for_each(|chain| chain.rules.clear()),
        ("flush", "chain") => {
            if let Some(chain) = table.chains.get_mut(name) {
                chain.rules.clear();
            }
        }
        ("flush", "set" | "map") => {
            if let Some(set) = table.sets.get_mut(name) {
                set.clear();
            }
        }
        ("delete" | "destroy", "chain") => {
            table.chains.remove(name);
        }
        ("delete" | "destroy", "set" | "map") => {
            table.sets.remove(name);
        }
        _ => lost(rules, object),
    }
}

fn add(rules: &mut Ruleset<'static>, kind: &str, of: &Value, object: &Value) {
    match kind {
        "metainfo" => return,
        "table" => {
            let Some(table) = table_of(of, "name") else { return lost(rules, object) };
            rules.table(&table, 0).dormant = has_flag(of, "dormant");
            return;
        }
        _ => {}
    }
    let Some(table) = table_of(of, "table") else { return lost(rules, object) };
    match kind {
        "chain" => chain(rules, &table, of),
        "rule" => {
            let rule = rule(rules, of);
            rules.chain(&table, text(of, "chain").to_owned(), 0).rules.push_back(rule);
        }
        "set" | "map" => set(rules, &table, of),
        "element" => {
            let elements = elements(of.get("elem"), Pairs::Perhaps);
            rules.set(&table, text(of, "name").to_owned(), 0).add(elements);
        }
        "flowtable" => {
            let what = "a flow table: packets of connections that it holds pass by the rules";
            let noticed = noticed(0, &format!("flowtable {}", text(of, "name")), what, Blur::Clear);
            rules.table(&table, 0).noticed.push(noticed);
        }
        "counter" | "quota" | "limit" | "ct helper" | "ct timeout" | "ct expectation" | "secmark" | "synproxy"
        | "tunnel" => {}
        _ => lost(rules, object),
    }
}

fn has_flag(of: &Value, flag: &str) -> bool {
    match of.get("flags") {
        Some(Value::String(one)) => one.split(',').any(|one| one.trim() == flag),
        Some(Value::Array(flags)) => flags.iter().any(|one| one == flag),
        _ => false,
    }
}

fn chain(rules: &mut Ruleset<'static>, table: &TableKey, of: &Value) {
    let name = text(of, "name");
    let base = of.get("hook").map(|hooked| BaseEntry {
        kind: text(of, "type").to_owned(),
        hook: hook(hooked.as_str().unwrap_or_default()),
        priority: match of.get("prio") {
            Some(Value::String(word)) => priority(table.0, word),
            Some(number) => number.as_i64().and_then(|number| i32::try_from(number).ok()),
            None => Some(0),
        },
        drops: match of.get("policy").and_then(Value::as_str) {
            Some("drop") => Some(true),
            Some("accept") | None => Some(false),
            Some(_) => None,
        },
    });
    if base.as_ref().is_some_and(|base| base.priority.is_none()) {
        rules.notice(0, &of.to_string(), "a priority that is not understood", Blur::Whole);
    }
    let chain = rules.chain(table, name.to_owned(), handle(of));
    chain.line = handle(of);
    let (known, has_policy) = (chain.base.as_ref().map(|base| base.drops), of.get("policy").is_some());
    chain.base = base.map(|base| BaseEntry { drops: known.filter(|_| !has_policy).unwrap_or(base.drops), ..base });
}

fn set(rules: &mut Ruleset<'static>, table: &TableKey, of: &Value) {
    let changes = has_flag(of, "dynamic") || has_flag(of, "timeout") || of.get("timeout").is_some();
    let pairs = if of.get("map").is_some() { Pairs::Yes } else { Pairs::No };
    let set = rules.set(table, text(of, "name").to_owned(), 0);
    set.unknown |= changes;
    if let Some(listed) = of.get("elem") {
        set.add(elements(Some(listed), pairs));
    }
}

fn rule(rules: &mut Ruleset<'static>, of: &Value) -> RuleEntry<'static> {
    let none = Vec::new();
    let parts = of.get("expr").and_then(Value::as_array).unwrap_or(&none);
    let mut statements: Vec<Statement<'_>> = parts.iter().map(statement).collect();
    // What other programs loaded is not told: before a verdict it was a condition, at the end it may be a verdict itself.
    let mut decided = false;
    for statement in statements.iter_mut().rev() {
        if decided && statement.text.starts_with("{\"xt\"") {
            statement.does = Does::Ask;
        }
        decided |= matches!(statement.does, Does::Decide(_) | Does::LookUp(..));
    }
    let text = of.get("expr").map(Value::to_string).unwrap_or_default();
    RuleEntry { line: handle(of), text: text.into(), statements: Some(rules.statements.keep(statements)) }
}

fn owned_title(value: &Value) -> Text<'static> {
    title(&value.to_string()).into_owned().into()
}

fn statement(value: &Value) -> Statement<'static> {
    let does = match only(value) {
        Some((name, of)) => does(name, of, value),
        None => Does::Unknown,
    };
    Statement { text: owned_title(value), does }
}

fn does(name: &str, of: &Value, whole: &Value) -> Does<'static> {
    match name {
        "match" => Does::Compare(expr(member(of, "left")), operator(text(of, "op")), expr(member(of, "right"))),
        "vmap" => {
            let data = match only(member(of, "data")) {
                Some(("set", listed)) => elements(Some(listed), Pairs::Yes),
                _ => expr(member(of, "data")),
            };
            Does::LookUp(expr(member(of, "key")), data)
        }
        "reject" => match text(of, "type") {
            "tcp reset" => Does::Reject(Only::Tcp),
            "icmp" => Does::Reject(Only::Ip),
            "icmpv6" => Does::Reject(Only::Ip6),
            _ => Does::Reject(Only::Any),
        },
        "accept" | "drop" | "continue" | "return" | "jump" | "goto" => Does::Decide(verdict(whole)),
        "ct helper" => Does::Change(Expr::Field(vec!["ct".into(), "helper".into()])),
        "ct expectation" => Does::Change(Expr::Field(vec!["ct".into(), "expectation".into()])),
        "counter" | "log" | "last" | "comment" | "ct timeout" | "secmark" | "reset" => Does::Nothing,
        "limit" | "quota" | "ct count" | "meter" => Does::Ask,
        "mangle" => Does::Change(expr(member(of, "key"))),
        "snat" | "dnat" | "masquerade" | "redirect" => Does::Translate,
        "notrack" => Does::Untrack,
        "flow" => Does::Offload,
        "dup" => Does::Copy,
        "set" | "map" => Does::Fill(text(of, name).trim_start_matches('@').to_owned().into()),
        _ => Does::Unknown,
    }
}

fn member<'v>(of: &'v Value, name: &str) -> &'v Value {
    of.get(name).unwrap_or(&Value::Null)
}

fn operator(text: &str) -> Operator {
    match text {
        "==" => Operator::Equal,
        "!=" => Operator::Unequal,
        "!" => Operator::Without,
        "<" => Operator::Below,
        ">" => Operator::Above,
        "<=" => Operator::AtMost,
        ">=" => Operator::AtLeast,
        _ => Operator::Implicit,
    }
}

fn verdict(value: &Value) -> Verdict<'static> {
    let other = || Verdict::Other(owned_title(value));
    match only(value) {
        Some(("accept", _)) => Verdict::Accept,
        Some(("drop", _)) => Verdict::Drop,
        Some(("continue", _)) => Verdict::Continue,
        Some(("return", _)) => Verdict::Return,
        Some(("jump", to)) if to.get("target").is_some_and(Value::is_string) => {
            Verdict::Jump(text(to, "target").to_owned().into())
        }
        Some(("goto", to)) if to.get("target").is_some_and(Value::is_string) => {
            Verdict::Goto(text(to, "target").to_owned().into())
        }
        _ => other(),
    }
}

fn expr(value: &Value) -> Expr<'static> {
    match value {
        Value::String(word) => match word.strip_prefix('@') {
            Some(name) => Expr::Named(name.to_owned().into()),
            None => Expr::Word(word.strip_suffix(" [invalid type]").unwrap_or(word).to_owned().into()),
        },
        Value::Number(number) => Expr::Word(number.to_string().into()),
        Value::Bool(true) => Expr::Word("exists".into()),
        Value::Bool(false) => Expr::Word("missing".into()),
        Value::Array(parts) => Expr::Flags(parts.iter().map(expr).collect()),
        Value::Object(_) => only(value).map_or_else(|| Expr::Other(owned_title(value)), |(name, of)| object(name, of)),
        Value::Null => Expr::Other(owned_title(value)),
    }
}

fn object(name: &str, of: &Value) -> Expr<'static> {
    match name {
        "payload" if of.get("field").is_some() => {
            Expr::Field(vec![text(of, "protocol").to_owned().into(), text(of, "field").to_owned().into()])
        }
        "payload" => Expr::Field(vec![format!("@{of}").into()]),
        "meta" => Expr::Field(vec!["meta".into(), text(of, "key").to_owned().into()]),
        "ct" => {
            let words = [text(of, "dir"), text(of, "family")].into_iter().chain(text(of, "key").split_whitespace());
            let words = words.filter(|word| !word.is_empty()).map(|word| word.to_owned().into());
            Expr::Field(std::iter::once("ct".into()).chain(words).collect())
        }
        "concat" => Expr::Concat(array(of).iter().map(expr).collect()),
        "set" => elements(Some(of), Pairs::No),
        "prefix" => match member(of, "len").as_u64().and_then(|length| u8::try_from(length).ok()) {
            Some(length) => Expr::Prefix(Box::new(expr(member(of, "addr"))), length),
            None => Expr::Other(owned_title(of)),
        },
        "range" => match array(of) {
            [first, last] => Expr::Range(Box::new(expr(first)), Box::new(expr(last))),
            _ => Expr::Other(owned_title(of)),
        },
        "elem" => expr(member(of, "val")),
        "|" | "&" | "^" | "<<" | ">>" if array(of).len() <= MOST_OPERATORS => {
            let parts = array(of).iter().map(expr);
            let joined =
                parts.reduce(|left, right| Expr::Bits(Box::new(left), name.to_owned().into(), Box::new(right)));
            joined.unwrap_or_else(|| Expr::Other(owned_title(of)))
        }
        _ => Expr::Field(vec![name.to_owned().into(), of.to_string().into()]),
    }
}

fn array(of: &Value) -> &[Value] {
    of.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The most values that one operator joins: the tree of them is as deep.
const MOST_OPERATORS: usize = 32;

/// Whether a list of two is a key with what it maps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pairs {
    /// It is: the elements of a map.
    Yes,
    /// It is not: the elements of a set.
    No,
    /// It is if the second is a verdict: elements whose set is not at hand.
    Perhaps,
}

fn elements(listed: Option<&Value>, pairs: Pairs) -> Expr<'static> {
    match listed {
        Some(Value::Array(listed)) => Expr::Set(listed.iter().map(|value| element(value, pairs)).collect()),
        Some(Value::Object(_)) => listed.map_or_else(|| Expr::Other("".into()), expr),
        Some(single @ (Value::String(_) | Value::Number(_))) => Expr::Set(vec![element(single, pairs)]),
        _ => Expr::Other("".into()),
    }
}

fn element(value: &Value, pairs: Pairs) -> Element<'static> {
    let pair = match value {
        Value::Array(parts) if pairs != Pairs::No => match parts.as_slice() {
            [key, data] if pairs == Pairs::Yes || !matches!(verdict(data), Verdict::Other(_)) => Some((key, data)),
            _ => None,
        },
        _ => None,
    };
    let key = pair.map_or(value, |(key, _)| key);
    let wrapped = key.get("elem");
    let fleeting = wrapped.is_some_and(|elem| {
        ["timeout", "expires", "limit", "quota", "ct count"].iter().any(|member| elem.get(member).is_some())
    });
    let inner = wrapped.and_then(|elem| elem.get("val")).unwrap_or(key);
    let key = if inner == "*" { Expr::Star } else { expr(inner) };
    Element { key, verdict: pair.map(|(_, data)| verdict(data)), fleeting }
}
