//! Random rules and lists through both readings.

use proptest::prelude::*;

use super::super::parse::{self, Variables};
use super::*;

/// What the grammar makes of a rule, without what changes nothing.
fn by_grammar(text: &str) -> Option<Vec<Statement<'_>>> {
    let all = parse::rule(text, &mut Variables::default())?;
    Some(all.into_iter().filter(|statement| statement.does != Does::Nothing).collect())
}

fn plainly(text: &str) -> Option<Vec<Statement<'_>>> {
    let mut statements = Statements::default();
    let (found, on_one) = rule(text, &mut statements)?;
    assert_eq!(on_one, on_one_line(text));
    Some(found.into_iter().flat_map(|id| statements.said(id).to_vec()).collect())
}

const FIELDS: &[&str] = &[
    "ip saddr",
    "ip daddr",
    "ip6 saddr",
    "ip6 daddr",
    "ip protocol",
    "ip6 nexthdr",
    "tcp dport",
    "udp sport",
    "th dport",
    "meta l4proto",
    "meta nfproto",
    "meta mark",
    "meta iifname",
    "iifname",
    "oifname",
    "iif",
    "icmp type",
    "icmpv6 code",
    "ct state",
    "ct status",
    "ct mark",
    "ct count",
    "ip option",
    "tcp option",
    "tcp flags",
    "ip  saddr",
    "ct original ip saddr",
    "ct original ip6 daddr",
    "ct original protocol",
    "ct original proto-src",
    "ct original proto-dst",
    "ct original saddr",
    "ct reply ip saddr",
    "ct original",
    "meta length",
    "@th,0,16",
    "fib daddr type",
    "ip6",
    "mark",
    "add",
];
const VALUES: &[&str] = &[
    "10.0.0.1",
    "10.0.0.0/8",
    "10.0.0.1-10.0.0.9",
    "10.0.0.0/255.0.0.0",
    "10.0.0.0/999",
    "10.0.0.0/",
    "10.0.0.",
    "10..0",
    "10/8-9",
    "1-2-3",
    "80-",
    "-1",
    "443",
    "0x1f",
    "0x1f/0x3",
    "80-90",
    "http",
    "http-alt",
    "2001:db8::1",
    "2001:db8::/32",
    "2001:db8::/1234",
    "2001:db8::/300",
    "2001:db8::/64-2001:db8::9",
    "2001:db8::1-2001:db8::9",
    "::",
    "::1",
    "1::",
    ":::",
    "::g",
    "a:b",
    "a:b:",
    ":a:b",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    "02:00:00:00:00:01",
    "02:00:00:00:00:01/64",
    "1:2:3:4:5:6:7:8:9",
    "face",
    "dead:beef:",
    "tcp",
    "ipv6-icmp",
    "established",
    "established,related",
    "new,,old",
    "new,",
    "@set",
    "@set-1",
    "@set.x",
    "@",
    "\"lan\"",
    "\"a b\"",
    "\"a\\*\"",
    "\"a#b\"",
    "\"a}b\"",
    "\"\"",
    "\"a",
    "lan",
    "eth0.100",
    "eth*",
    "*",
    "**",
    "_x",
    "accept",
    "drop",
    "set",
    "map",
    "vmap",
    "eq",
    "and",
    "counter",
    "comment",
    "logs",
    "1a",
    "日本",
    "é",
    "$x",
    "(a)",
    "a/b",
    "a|b",
    "exists",
    "#x",
];
const CHAINS: &[&str] =
    &["there", "a-b", "_c", "1a", "10-20", "accept", "a.b", "\"q\"", "$c", "set", "é", "a/b", "log"];
const OTHERS: &[&str] = &[
    "counter",
    "counter packets 1 bytes 2",
    "counter packets 1",
    "counter name x",
    "counter name \"x\"",
    "comment \"a b\"",
    "comment \"a",
    "comment a",
    "comment \"\"",
    "log",
    "log prefix \"a b\"",
    "log prefix x",
    "log level warn",
    "log group 1",
    "log snaplen 7",
    "log flags all",
    "log prefix \"a\" level debug",
    "log level drop",
    "log prefix \"a\"/3",
    "accept",
    "drop",
    "return",
    "continue",
    "reject",
    "reject with tcp reset",
    "reject with tcp",
    "reject with icmp type port-unreachable",
    "reject with icmpx port-unreachable",
    "reject with icmpv6 type type",
    "reject with icmp type drop",
    "reject with",
    "limit rate 5/second",
    "limit rate over 5/second burst 5 packets",
    "limit rate 5/second burst 5",
    "limit rate 10 mbytes/second",
    "limit rate 10 bytes/second burst 3 bytes",
    "limit name x",
    "limit rate until 5/minute",
    "notrack",
    "masquerade",
    "meta mark set 1",
    "queue",
    "dnat to 10.0.0.1",
    "quota over 5 mbytes",
    "ct count over 5",
    "tcp flags & (fin | syn) == syn",
    "tcp flags syn / fin,syn",
    "add @set { ip saddr }",
    "last used 1s",
    "xt match comment",
    "reset tcp option 5",
];

fn one(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(of).prop_map(str::to_owned)
}

fn chosen(of: &[&'static str]) -> impl Strategy<Value = &'static str> + use<> {
    prop::sample::select(of.to_vec())
}

fn verdict() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => chosen(&["accept", "drop", "return", "continue", "queue", "10.0.0.1"]).prop_map(str::to_owned),
        4 => (chosen(&["jump ", "goto ", "jump  ", "goto\n"]), one(CHAINS)).prop_map(|(a, b)| format!("{a}{b}")),
    ]
}

fn element() -> impl Strategy<Value = String> {
    let key = (one(VALUES), prop::option::weighted(0.3, (chosen(&[" . ", ".", " .", "\n.\t"]), one(VALUES))))
        .prop_map(|(first, more)| more.map_or(first.clone(), |(dot, more)| format!("{first}{dot}{more}")));
    let options = chosen(&[
        "",
        "",
        "",
        " counter",
        " counter packets 1 bytes 2",
        " comment \"x: y\"",
        " timeout 1s",
        " counter comment \"x\"",
        "\ncounter\ncomment\n\"x\"",
        " limit rate 5/second",
    ]);
    let colon = chosen(&[" : ", ": ", ":", " :", "\n:\n"]);
    let after = chosen(&["", "", "", " counter", " comment \"x\""]);
    (key, options, prop::option::weighted(0.4, (colon, verdict(), after))).prop_map(|(key, options, map)| {
        let map = map.map(|(colon, verdict, after)| format!("{colon}{verdict}{after}"));
        format!("{key}{options}{}", map.unwrap_or_default())
    })
}

fn list() -> impl Strategy<Value = String> {
    let joint = chosen(&[", ", ", ", ",\n\t\t", " ,", ",", " ", ",,"]);
    let ends = prop::sample::select(vec![
        ("{ ", " }"),
        ("{ ", " }"),
        ("{", "}"),
        ("{\n\t", ",\n}"),
        ("{ ", " } }"),
        ("{ {", "} }"),
        ("{ ", ""),
    ]);
    (ends, prop::collection::vec((element(), joint), 0..4)).prop_map(|((open, close), elements)| {
        let mut text = open.to_owned();
        for (at, (element, joint)) in elements.iter().enumerate() {
            text = if at == 0 { text + element } else { text + joint + element };
        }
        text + close
    })
}

fn comparison() -> impl Strategy<Value = String> {
    let key = prop_oneof![4 => one(FIELDS), 1 => (one(FIELDS), chosen(&[" . ", ".", " .", "  . "]), one(FIELDS)).prop_map(|(a, dot, b)| format!("{a}{dot}{b}"))];
    let operator =
        chosen(&[" ", " ", " ", " ", " != ", " == ", " < ", " ! ", " vmap ", " vmap ", " & 1 == ", " set ", "  "]);
    let value = prop_oneof![4 => one(VALUES), 3 => list(), 1 => (one(VALUES), chosen(&[" . ", " - ", ", ", " / ", " | ", " ", " and "]), one(VALUES)).prop_map(|(a, joint, b)| format!("{a}{joint}{b}"))];
    (key, operator, value).prop_map(|(key, operator, value)| format!("{key}{operator}{value}"))
}

fn statement() -> impl Strategy<Value = String> {
    prop_oneof![5 => comparison(), 3 => one(OTHERS), 1 => verdict()]
}

fn any_rule() -> impl Strategy<Value = String> {
    let joint = chosen(&[" ", " ", " ", " ", " ", " ", "  ", "\n", "\t", " # x\n", " \\\n", ""]);
    prop::collection::vec((statement(), joint), 1..5).prop_map(|parts| {
        let text: String = parts.iter().map(|(statement, joint)| format!("{statement}{joint}")).collect();
        text.trim().to_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    /// What is read here, the grammar reads as well, and finds the same.
    #[test]
    fn the_grammar_agrees(text in any_rule()) {
        if let Some(found) = plainly(&text) {
            prop_assert_eq!(by_grammar(&text), Some(found), "{}", text);
        }
    }

    #[test]
    fn the_grammar_agrees_on_single_comparisons(text in comparison()) {
        if let Some(found) = plainly(&text) {
            prop_assert_eq!(by_grammar(&text), Some(found), "{}", text);
        }
    }

    #[test]
    fn the_grammar_agrees_on_lists(text in list()) {
        if let Some(found) = value(&text) {
            prop_assert_eq!(parse::value(&text, &mut Variables::default()), Some(found), "{}", text);
        }
    }
}

#[test]
fn reads_what_large_rule_sets_are_made_of() {
    for text in [
        "ip saddr 10.16.27.128/25 ip daddr @servers meta l4proto . th dport { tcp . 443, udp . 5948 } counter accept comment \"R-1\"",
        "ip6 saddr 2001:db8:1:37::/64 ip6 daddr { 2001:db8::6c, 2001:db8::/96 } tcp dport 6238-6247 log prefix \"x: \" counter drop",
        "iifname . oifname vmap {\n\t\"lan\" . \"wan\" : jump lan_wan,\n\t\"wan\" . \"lan\" counter comment \"x\" : goto wan_lan\n}",
        "ct state established,related counter packets 12 bytes 3456 accept",
        "iifname \"lo\" oifname != { \"a\", \"b\" } icmp type echo-request limit rate 5/second burst 5 packets reject with icmpx type admin-prohibited",
    ] {
        assert!(plainly(text).is_some(), "{text}");
        assert_eq!(plainly(text), by_grammar(text));
    }
}
