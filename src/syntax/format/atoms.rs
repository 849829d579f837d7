//! A statement as a row of atoms: pieces of text that no line break splits, in canonical order, each with its place in the source.

use super::words;
use crate::source::Span;
use crate::syntax::ast::{
    All, AssertionKind, Clauses, Effect, Endpoints, Member, Meta, Name, Purpose, Services, Statement,
};

/// What an atom is, and so how deep it stands when a line begins with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Keyword and name of the statement.
    Head,
    /// The first of a clause of the flow: `from`, `to`, `on` ...
    Flow,
    /// The first of a clause about the statement: `owner`, `ticket` ...
    Meta,
    /// A further item of a list.
    Item,
}

/// A piece of text that no line break splits.
#[derive(Debug, Clone)]
pub(super) struct Atom {
    pub(super) level: Level,
    pub(super) text: String,
    /// Where it stood.
    pub(super) span: Span,
}

impl Atom {
    pub(super) fn new(level: Level, text: String, span: Span) -> Self {
        Self { level, text, span }
    }
}

pub(super) fn statement_atoms(statement: &Statement) -> Vec<Atom> {
    match statement {
        Statement::Service(x) => defined("service", &x.name, x.span, service_texts(&x.services)),
        Statement::Group(x) => defined("group", &x.name, x.span, endpoint_texts(&x.endpoints)),
        Statement::Feed(x) => {
            vec![Atom::new(Level::Head, format!("feed {} = {}", x.name.value, words::quoted(&x.path.value)), x.span)]
        }
        Statement::Purpose(_) => Vec::new(),
        Statement::Rule(x) => rule(x),
        Statement::Assertion(x) => assertion(x),
        Statement::Waiver(x) => waiver(x),
        Statement::Quarantine(x) => {
            let mut atoms = head("quarantine", &x.name, None, x.span);
            list(&mut atoms, Level::Flow, "of", endpoint_texts(&x.of));
            list(&mut atoms, Level::Flow, "keep", names(&x.keep, |name| name.to_owned()));
            meta(&mut atoms, &x.meta);
            atoms
        }
    }
}

pub(super) fn member_atoms(member: &Member) -> Vec<Atom> {
    match member {
        Member::Rule(x) => rule(x),
        Member::Assertion(x) => assertion(x),
        Member::Waiver(x) => waiver(x),
    }
}

fn rule(x: &crate::syntax::ast::Rule) -> Vec<Atom> {
    let keyword = match x.effect.value {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    with_clauses(head(keyword, &x.name, x.title.as_ref(), x.span), &x.clauses)
}

fn assertion(x: &crate::syntax::ast::Assertion) -> Vec<Atom> {
    let keyword = match x.kind.value {
        AssertionKind::Never => "never",
        AssertionKind::Only => "only",
        AssertionKind::Must => "must",
    };
    with_clauses(head(keyword, &x.name, x.title.as_ref(), x.span), &x.clauses)
}

fn waiver(x: &crate::syntax::ast::Waiver) -> Vec<Atom> {
    let text = format!("waive {} for {} allow {}", x.name.value, x.assertion.value, x.rule.value);
    let mut atoms = vec![Atom::new(Level::Head, text, until(x.span, x.rule.span))];
    meta(&mut atoms, &x.meta);
    atoms
}

pub(super) fn purpose_head(x: &Purpose) -> String {
    let title = x.title.as_ref().map_or(String::new(), |title| format!(" {}", words::quoted(&title.value)));
    format!("purpose {}{title} {{", x.name.value)
}

/// The meta clauses of a purpose, one text a clause, keywords padded to one width; items of `ref` stay together.
pub(super) fn purpose_metas(x: &Purpose) -> Vec<Atom> {
    let mut atoms = Vec::new();
    meta(&mut atoms, &x.meta);
    let keyword = |atom: &Atom| atom.text.split(' ').next().map_or(0, str::len);
    let clauses = || atoms.iter().filter(|atom| atom.level == Level::Meta);
    let width = clauses().filter(|atom| atom.text.contains(' ')).map(keyword).max().unwrap_or(0);
    atoms
        .iter()
        .map(|atom| match atom.text.split_once(' ') {
            Some((word, rest)) if atom.level == Level::Meta => {
                Atom::new(Level::Meta, format!("{word:width$} {rest}"), atom.span)
            }
            _ => atom.clone(),
        })
        .collect()
}

fn until(whole: Span, last: Span) -> Span {
    Span { end: last.end.max(whole.start), ..whole }
}

fn head(keyword: &str, name: &Name, title: Option<&Name>, whole: Span) -> Vec<Atom> {
    let shown = title.map_or(String::new(), |title| format!(" {}", words::quoted(&title.value)));
    let last = title.map_or(name.span, |title| title.span);
    vec![Atom::new(Level::Head, format!("{keyword} {}{shown}", name.value), until(whole, last))]
}

fn defined(keyword: &str, name: &Name, whole: Span, texts: Vec<(String, Span)>) -> Vec<Atom> {
    let mut atoms = vec![Atom::new(Level::Head, format!("{keyword} {} =", name.value), until(whole, name.span))];
    atoms.extend(texts.into_iter().map(|(text, span)| Atom::new(Level::Item, text, span)));
    atoms
}

fn with_clauses(mut atoms: Vec<Atom>, clauses: &Clauses) -> Vec<Atom> {
    for (keyword, endpoints) in [("from", &clauses.from), ("to", &clauses.to)] {
        if let Some(endpoints) = endpoints {
            list(&mut atoms, Level::Flow, keyword, endpoint_texts(endpoints));
        }
    }
    if let Some(services) = &clauses.on {
        list(&mut atoms, Level::Flow, "on", service_texts(services));
    }
    flag(&mut atoms, Level::Flow, "both-ways", clauses.both_ways);
    list(&mut atoms, Level::Flow, "via", names(&clauses.via, |name| name.to_owned()));
    flag(&mut atoms, Level::Flow, "transitive", clauses.transitive);
    meta(&mut atoms, &clauses.meta);
    atoms
}

fn meta(atoms: &mut Vec<Atom>, meta: &Meta) {
    let word =
        |name: &Option<Name>, spell: fn(&str) -> String| name.as_ref().map(|name| (spell(&name.value), name.span));
    for (keyword, value) in [
        ("owner", word(&meta.owner, words::word)),
        ("ticket", word(&meta.ticket, words::word)),
        ("because", word(&meta.because, words::quoted)),
        ("by", word(&meta.by, words::word)),
    ] {
        list(atoms, Level::Meta, keyword, value.into_iter().collect());
    }
    for (keyword, date) in [("start", &meta.start), ("until", &meta.until), ("review", &meta.review)] {
        if let Some(date) = date {
            atoms.push(Atom::new(Level::Meta, format!("{keyword} {}", date.value), date.span));
        }
    }
    list(atoms, Level::Meta, "ref", names(&meta.refs, words::word));
    flag(atoms, Level::Meta, "log", meta.log);
    flag(atoms, Level::Meta, "advisory", meta.advisory);
}

fn flag(atoms: &mut Vec<Atom>, level: Level, keyword: &str, at: Option<Span>) {
    if let Some(span) = at {
        atoms.push(Atom::new(level, keyword.to_owned(), span));
    }
}

fn list(atoms: &mut Vec<Atom>, level: Level, keyword: &str, texts: Vec<(String, Span)>) {
    for (index, (text, span)) in texts.into_iter().enumerate() {
        atoms.push(match index {
            0 => Atom::new(level, format!("{keyword} {text}"), span),
            _ => Atom::new(Level::Item, text, span),
        });
    }
}

fn names(names: &[Name], spell: impl Fn(&str) -> String) -> Vec<(String, Span)> {
    with_commas(names.iter().map(|name| (spell(&name.value), name.span)).collect())
}

fn endpoint_texts(endpoints: &Endpoints) -> Vec<(String, Span)> {
    let all = |items: &[All]| items.iter().map(all_text).collect();
    with_except(all(&endpoints.items), all(&endpoints.except))
}

fn all_text(item: &All) -> (String, Span) {
    let texts: Vec<String> = item.primaries.iter().map(|primary| words::primary(&primary.value)).collect();
    (texts.join(" & "), item.span)
}

fn service_texts(services: &Services) -> Vec<(String, Span)> {
    let all = |items: &[crate::source::Spanned<crate::syntax::ast::Service>]| {
        items.iter().map(|item| (words::service(&item.value), item.span)).collect()
    };
    with_except(all(&services.items), all(&services.except))
}

fn with_except(items: Vec<(String, Span)>, except: Vec<(String, Span)>) -> Vec<(String, Span)> {
    let mut texts = with_commas(items);
    let mut except = with_commas(except);
    if let Some((first, _)) = except.first_mut() {
        first.insert_str(0, "except ");
    }
    texts.append(&mut except);
    texts
}

fn with_commas(mut texts: Vec<(String, Span)>) -> Vec<(String, Span)> {
    if let Some((_, others)) = texts.split_last_mut() {
        for (text, _) in others {
            text.push(',');
        }
    }
    texts
}
