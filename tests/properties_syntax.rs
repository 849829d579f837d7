//! What must hold of every policy text: print and parse are inverse, formatting is idempotent, comments are kept, nothing panics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, reason = "tests")]

use proptest::prelude::*;
use sekisho::diag::Sink;
use sekisho::source::FileId;
use sekisho::syntax::{self, ast, fuzz};

fn corpus() -> Vec<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/policy");
    let mut paths: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn corpus_holds() {
    for text in corpus() {
        fuzz::check_parse(&text).unwrap();
        fuzz::check_format(&text).unwrap();
    }
}

/// A name, in any script; never a keyword.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z0-9_.-]{0,6}", "[0-9]{1,3}[a-z_][a-z0-9.-]{0,3}", "[ก-ฮ山川東]{1,4}", "[A-Z]{2}-[0-9]{2}"]
        .prop_filter("plain", |name| syntax::is_plain_word(name))
}

fn string() -> impl Strategy<Value = String> {
    "[ -!#-\\[\\]-~é]{0,12}".prop_map(|text| format!("\"{text}\"")).boxed()
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![name(), string(), Just("\"log\"".to_owned()), Just("\"a \\\"b\\\" \\\\\"".to_owned())]
}

fn primary() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("any".to_owned()),
        name(),
        (name(), name()).prop_map(|(a, b)| format!("{a}/{b}")),
        name().prop_map(|a| format!("*/{a}")),
        Just("tokyo/log".to_owned()),
        (name(), word()).prop_map(|(a, b)| format!("{a}:{b}")),
        (name(), 0..999u32).prop_map(|(a, b)| format!("{a}:{b}")),
        any::<[u8; 4]>().prop_map(|a| std::net::Ipv4Addr::from(a).to_string()),
        any::<u128>().prop_map(|a| std::net::Ipv6Addr::from(a).to_string()),
        (any::<u32>(), 0..=32u8)
            .prop_map(|(a, bits)| { ipnet::Ipv4Net::new(a.into(), bits).unwrap().trunc().to_string() }),
        (any::<u128>(), 0..=128u8)
            .prop_map(|(a, bits)| { ipnet::Ipv6Net::new(a.into(), bits).unwrap().trunc().to_string() }),
        (any::<u32>(), any::<u32>()).prop_map(|(a, b)| {
            format!("{}-{}", std::net::Ipv4Addr::from(a.min(b)), std::net::Ipv4Addr::from(a.max(b)))
        }),
    ]
}

/// What may stand between two tokens.
fn gap() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => Just(" ".to_owned()),
        2 => Just("\n".to_owned()),
        1 => Just("\r\n\n\n  ".to_owned()),
        1 => "[a-z #\"]{0,5}".prop_map(|text| format!(" # {text}\n")),
        1 => Just("\n# own \n".to_owned()),
    ]
}

fn list(item: impl Strategy<Value = String>, mark: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec((item, gap(), gap()), 1..5).prop_map(move |items| {
        let mut out = String::new();
        for (index, (item, before, after)) in items.into_iter().enumerate() {
            if index > 0 {
                out += &format!("{before}{mark}{after}");
            }
            out += &item;
        }
        out
    })
}

fn with_except(items: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    (items.clone(), prop::option::of((gap(), items))).prop_map(|(items, except)| match except {
        Some((gap, except)) => format!("{items}{gap}except {except}"),
        None => items,
    })
}

fn endpoints() -> impl Strategy<Value = String> {
    with_except(list(list(primary().boxed(), "&").boxed(), ",").boxed())
}

fn services() -> impl Strategy<Value = String> {
    let service = prop_oneof![
        Just("any".to_owned()),
        name().prop_filter("no protocol", |name| name.len() > 5),
        any::<u16>().prop_map(|port| format!("tcp/{port}")),
        (any::<u16>(), any::<u16>()).prop_map(|(a, b)| format!("udp/{a}:{}-{}", a.min(b), a.max(b))),
        any::<u8>().prop_map(|n| format!("protocol/{n}")),
        any::<(u8, u8)>().prop_map(|(a, b)| format!("icmp6/{a}/{b}")),
        Just("sctp/*".to_owned()),
        Just("tcp/53:*".to_owned()),
        Just("gre".to_owned()),
    ];
    with_except(list(service, ",").boxed())
}

fn meta() -> impl Strategy<Value = Vec<String>> {
    let date = "20[0-9]{2}-0[1-9]-[12][0-8]";
    let all = vec![
        word().prop_map(|w| format!("owner {w}")).boxed(),
        word().prop_map(|w| format!("ticket {w}")).boxed(),
        string().prop_map(|w| format!("because {w}")).boxed(),
        word().prop_map(|w| format!("by {w}")).boxed(),
        date.prop_map(|d| format!("start {d}")).boxed(),
        date.prop_map(|d| format!("until {d}")).boxed(),
        list(word(), ",").prop_map(|w| format!("ref {w}")).boxed(),
    ];
    let count = all.len();
    (all, prop::sample::subsequence((0..count).collect::<Vec<_>>(), 0..=count))
        .prop_map(|(all, chosen)| chosen.into_iter().map(|index| all[index].clone()).collect())
}

fn shuffled(first: Vec<String>) -> impl Strategy<Value = String> {
    let length = first.len();
    (Just(first).prop_shuffle(), prop::collection::vec(gap(), length))
        .prop_map(|(clauses, gaps)| gaps.iter().zip(clauses).map(|(gap, clause)| format!("{gap}{clause}")).collect())
}

fn rule() -> impl Strategy<Value = String> {
    let head = (prop_oneof![Just("allow"), Just("deny")], gap(), name(), prop::option::of(string()));
    let flow = (endpoints(), endpoints(), services(), meta(), any::<bool>());
    (head, flow).prop_flat_map(|((keyword, gap, name, title), (from, to, on, mut clauses, log))| {
        clauses.extend([format!("from {from}"), format!("to {to}"), format!("on {on}")]);
        if log {
            clauses.extend(["log".to_owned(), "both-ways".to_owned()]);
        }
        let title = title.map_or(String::new(), |title| format!(" {title}"));
        shuffled(clauses).prop_map(move |clauses| format!("{keyword}{gap}{name}{title}{clauses}"))
    })
}

fn assertion() -> impl Strategy<Value = String> {
    let which = prop_oneof![Just(("never", "transitive")), Just(("only", "advisory")), Just(("must", "via a, b/log"))];
    (which, name(), endpoints(), endpoints(), meta()).prop_flat_map(|((keyword, own), name, from, to, mut clauses)| {
        clauses.extend([format!("from {from}"), format!("to {to}"), own.to_owned()]);
        shuffled(clauses).prop_map(move |clauses| format!("{keyword} {name}{clauses}"))
    })
}

fn waiver() -> impl Strategy<Value = String> {
    (name(), name(), gap(), name(), word())
        .prop_map(|(a, b, gap, c, by)| format!("waive {a} for {b}{gap}allow {c} by {by} until 2027-01-01"))
}

fn statement() -> impl Strategy<Value = String> {
    let member = prop_oneof![rule(), assertion(), waiver()].boxed();
    let members = prop::collection::vec((gap(), member.clone()), 0..3)
        .prop_map(|members| members.into_iter().map(|(gap, member)| format!("{gap}{member}")).collect::<String>());
    prop_oneof![
        4 => member,
        1 => (name(), gap(), endpoints()).prop_map(|(n, gap, e)| format!("group {n}{gap}={e}")),
        1 => (name().prop_filter("no protocol", |n| n.len() > 4), services()).prop_map(|(n, s)| format!("service {n} = {s}")),
        1 => (name(), string()).prop_map(|(n, s)| format!("feed {n} = {s}")),
        1 => (name(), endpoints(), list(name(), ",")).prop_map(|(n, e, k)| format!("quarantine {n} of {e} keep {k} by a")),
        2 => (name(), gap(), gap(), meta().prop_flat_map(shuffled), members, gap())
            .prop_map(|(n, g, h, meta, members, end)| format!("purpose {n}{g}{{{h}{meta}{members}{end}}}")),
    ]
}

fn policy() -> impl Strategy<Value = String> {
    prop::collection::vec((gap(), statement()), 0..5).prop_map(|statements| {
        let mut text: String = statements.into_iter().map(|(gap, statement)| format!("{statement}{gap}\n")).collect();
        text += "# end";
        text
    })
}

fn read(text: &str) -> Option<ast::File> {
    let mut sink = Sink::default();
    let tree = syntax::parse(FileId(0), text, &mut sink);
    assert!(sink.is_empty(), "{text}\n{:?}", sink.as_slice());
    Some(tree)
}

/// The tree without its places.
fn bare(tree: &ast::File) -> String {
    let text = format!("{tree:?}");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("Span { file") {
        out += &rest[..at];
        rest = &rest[at..];
        rest = &rest[rest.find('}').unwrap() + 1..];
    }
    out + rest
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn formatting_keeps_meaning_and_comments(text in policy()) {
        let tree = read(&text).unwrap();
        let printed = syntax::format(&text, &tree);
        prop_assert_eq!(bare(&tree), bare(&read(&printed).unwrap()), "{}\n---\n{}", text, printed);
        fuzz::check_format(&text).map_err(TestCaseError::fail)?;
    }

    /// The tree alone, without the comments of its text, prints as the same tree.
    #[test]
    fn a_tree_prints_without_its_text(text in policy()) {
        let tree = read(&text).unwrap();
        let printed = syntax::format("", &tree);
        prop_assert_eq!(bare(&tree), bare(&read(&printed).unwrap()), "{}", printed);
    }

    #[test]
    fn edits_never_panic(which in any::<prop::sample::Index>(), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3u8, "[ \"#{},&=/:\\\\a-c0\n\r-]|allow|purpose"), 1..6)) {
        let corpus = corpus();
        let mut text: Vec<char> = which.get(&corpus).chars().collect();
        for (at, other, kind, insert) in edits {
            if text.is_empty() { break }
            let (at, other) = (at.index(text.len()), other.index(text.len()));
            match kind {
                0 => { text.remove(at); }
                1 => text.swap(at, other),
                _ => { text.splice(at..at, insert.chars()); }
            }
        }
        let text: String = text.into_iter().collect();
        fuzz::check_parse(&text).map_err(TestCaseError::fail)?;
        fuzz::check_format(&text).map_err(TestCaseError::fail)?;
    }
}

/// Long lists neither overflow the stack nor take quadratic time; nor does nonsense.
#[test]
fn deep_and_long_lists_are_read() {
    let list = vec!["a & b & c"; 100_000].join(", ");
    let text = format!("group g = {list}\nallow A from {} to b on c", vec!["a"; 100_000].join(" & "));
    assert_eq!(read(&text).unwrap().statements.len(), 2);
    let broken = "purpose x {".repeat(20_000) + &"allow ".repeat(20_000) + &"{ } \" \n".repeat(20_000);
    fuzz::check_parse(&broken).unwrap();
}
