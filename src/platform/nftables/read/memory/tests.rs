//! Random files, made of the same few pieces, through one reader: each means what it means to the grammar alone, which remembers nothing.

use proptest::prelude::*;

use super::super::{Reader, read_by_grammar};
use crate::listing::Condition;

/// Beginnings of rules: of those that ask for addresses, what follows is looked for as a whole.
const HEADS: &[&str] = &[
    "",
    "ip saddr 10.0.0.0/25 ",
    "ip saddr 10.0.0.1 ip daddr @hosts ",
    "ip saddr != 10.0.0.1 ",
    "ip6 saddr 2001:db8::/64 ip6 daddr { 2001:db8::1, 2001:db8::2-2001:db8::9 } ",
    "ip daddr { 10.0.0.1,\n\t\t\t10.0.0.2 } ",
    "ip daddr @nowhere ",
    "ip daddr $net ",
    "ip6 daddr @hosts ",
    "iifname \"lan\" ",
    "meta l4proto { tcp, udp } ",
    "meta l4proto udp ",
    "tcp sport 1024-65535 ",
    "ct original protocol tcp ",
    "ct original ip saddr 10.0.0.0/25 ",
    "ct original ip6 daddr { 2001:db8::1, 2001:db8::/64 } ",
    "ip saddr vmap @to ",
];

/// Ends of rules.
const ENDS: &[&str] = &[
    "tcp dport 22 accept",
    "meta l4proto { tcp, udp } th dport 53 counter accept comment \"R-1\"",
    "th dport 53 accept",
    "th dport @ports drop",
    "ct original proto-dst 53 accept",
    "ct original ip daddr { 10.0.0.1, 10.0.0.2 } log prefix \"held Q: \" counter drop",
    "ct original ip saddr 10.0.0.1 ct original protocol 6 ct original proto-dst { 22, 443 } return",
    "accept",
    "drop",
    "jump there",
    "goto there",
    "return",
    "continue",
    "accept drop",
    "reject",
    "reject with tcp reset",
    "counter",
    "limit rate 5/second accept",
    "ct state established,related accept",
    "log prefix \"a  #b \" drop",
    "th dport { 53,\n\t\t\t54 } accept",
    "th dport { 53, 54 } accept",
    "tcp dport {\n\t\t\t22, 23 }",
    "tcp dport {\r22 } log prefix \"a  b\" accept",
    "comment \"a\" tcp dport 22 accept comment \"b\"",
    "th dport @many accept",
    "ip daddr vmap @to",
    "ip saddr . tcp dport vmap @to",
    "update @hosts { ip saddr }",
    "dnat to 10.0.0.9",
    "quota over 5 mbytes drop",
];

/// Elements of sets and maps.
const LISTS: &[&str] = &[
    "10.0.0.1, 10.0.0.2",
    "10.0.0.1, 10.0.0.2,",
    "10.0.0.0/25,\n\t\t\t10.0.1.1-10.0.1.9",
    "2001:db8::1, 2001:db8::/64",
    "10.0.0.1, 2001:db8::1",
    "10.0.0.1 comment \"x\", 10.0.0.2 counter",
    "10.0.0.1 timeout 5s",
    "10.0.0.9-10.0.0.1",
    "10.0.0.1, # one }\n\t\t\t10.0.0.2",
    "10.0.0.1 comment \"}\", 10.0.0.2",
    "10.0.0.1 }\n\t\tdefine net = { 10.0.0.7",
    "10.0.0.1 : accept, 10.0.0.0/25 : goto there",
    "10.0.0.1 counter comment \"R-1, R-2\" : drop, 10.0.2.0/24 : jump there",
    "2001:db8::/64 : accept, 10.0.0.1 : drop",
    "10.0.0.1 : accept, * : drop",
    "10.0.0.1 : 10.0.0.2",
    "443, 53",
    "http",
    "",
];

/// What stands in a set before its elements.
const BEFORE: &[&str] = &[
    "",
    "flags interval; ",
    "timeout 5s; ",
    "define net = 10.0.0.7\n\t\t",
    "comment \"{\"; ",
    "# }\n\t\t",
    "gc-interval 5s\n\n\t\t",
    "include \"x\"; ",
    "elements = $net\n\t\t",
    "elements = { 10.0.0.9 }\n\t\t",
];

/// Where a text ends before its time.
const CUT: &[&str] = &[
    "\tset cut {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1 }\n\t\t# }",
    "\tset cut {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1 }",
];

#[derive(Debug, Clone)]
struct File {
    /// Whether `$net` has no elements before the sets.
    has_empty: bool,
    /// What the text ends with, and whether it ends there.
    cut: Option<(&'static str, bool)>,
    has_chain: bool,
    /// What stands before the elements, and those.
    hosts: Vec<(&'static str, &'static str)>,
    to: Vec<&'static str>,
    added: Option<&'static str>,
    gone: Option<&'static str>,
    rules: Vec<(&'static str, &'static str)>,
}

impl File {
    fn text(&self) -> String {
        let mut text = String::from(
            "table inet filter {\n\tset ports { type inet_service; elements = { 53, 54 } }\n\tset many { type inet_service; elements = { 53, 100-200 } }\n",
        );
        if self.has_empty {
            text = format!("define net = {{ }}\n{text}");
        }
        for (before, list) in &self.hosts {
            text += &format!("\tset hosts {{ type ipv4_addr; {before}elements = {{ {list} }} }}\n");
        }
        for list in &self.to {
            text += &format!("\tmap to {{ type ipv4_addr : verdict; elements = {{ {list} }} }}\n");
        }
        if self.has_chain {
            text += "\tchain there {\n\t\ttcp dport 80 accept\n\t}\n";
        }
        text += "\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n";
        for (head, end) in &self.rules {
            text += &format!("\t\t{head}{end}\n");
        }
        text += "\t}\n}\n";
        if let Some(list) = self.added {
            text += &format!("add element inet filter to {{ {list} }}\n");
        }
        if let Some(list) = self.gone {
            text += &format!("delete element inet filter hosts {{ {list} }}\n");
        }
        if let Some((set, is_end)) = self.cut {
            text += &format!("table inet filter {{\n{set}{}", if is_end { "" } else { "\n\t}\n}\n" });
        }
        text
    }
}

fn one(of: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(of)
}

fn file() -> impl Strategy<Value = File> {
    let hosts = prop::collection::vec((one(BEFORE), one(LISTS)), 0..3);
    let to = prop::collection::vec(one(LISTS), 0..3);
    let added = prop::option::weighted(0.3, one(LISTS));
    let gone = prop::option::weighted(0.2, one(LISTS));
    let rules = prop::collection::vec((one(HEADS), one(ENDS)), 0..8);
    let cut = prop::option::weighted(0.3, (one(CUT), any::<bool>()));
    let odd = (any::<bool>(), cut);
    (odd, any::<bool>(), hosts, to, added, gone, rules).prop_map(|(odd, has_chain, hosts, to, added, gone, rules)| {
        File { has_empty: odd.0, cut: odd.1, has_chain, hosts, to, added, gone, rules }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_was_read_before_changes_no_meaning(files in prop::collection::vec(file(), 1..6)) {
        let mut reader = Reader::default();
        // Remembered is what is met twice: the third time nothing is new.
        for text in (0..3).flat_map(|_| files.iter().map(File::text)) {
            prop_assert_eq!(reader.read_text(&text), read_by_grammar(&text), "{}", text);
        }
    }
}

#[test]
fn pieces_and_sets_are_remembered() {
    let text = "table ip t {\n\tset a { type ipv4_addr; elements = { 10.0.0.1 } }\n\tchain c {\n\t\tip saddr @a tcp dport 22 accept\n\t}\n}\n";
    let mut reader = Reader::default();
    let first = reader.read_text(text);
    assert!(reader.memory.pieces.is_empty(), "met once");
    assert_eq!((first, 1), (reader.read_text(text), reader.memory.sets.len()));
    assert!(reader.memory.find("tcp dport 22 accept").is_some());
    assert!(reader.memory.find("ip saddr @a").is_none(), "it names a set");
}

/// What the only rule asks for, with these statements in the set that it names.
fn asked(set: &str) -> Vec<Condition> {
    let text = format!(
        "table ip t {{\n\tset a {{\n\t\ttype ipv4_addr\n{set}\t}}\n\tchain c {{\n\t\tip saddr @a accept\n\t}}\n}}\n"
    );
    let listing = read_by_grammar(&text);
    assert_eq!(Reader::default().read_text(&text), listing, "{text}");
    listing.chains.first().and_then(|chain| chain.rules.first()).map(|rule| rule.when.clone()).unwrap()
}

#[test]
fn of_two_lists_in_one_block_neither_is_believed() {
    let (one, other) = ("\t\telements = { 10.0.0.1 }\n", "\t\telements = { 10.0.0.9 }\n");
    assert!(matches!(asked(one).as_slice(), [Condition::Source(_)]));
    assert!(asked(&[other, one].concat()).iter().any(|condition| matches!(condition, Condition::Unknown(_))));
}

#[test]
fn a_set_that_does_not_end_is_not_remembered() {
    let cut = "table ip t {\n\tset a {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1 }\n\t\t# }";
    let mut reader = Reader::default();
    let readings = [(); 3].map(|()| reader.read_text(cut));
    assert!(readings.iter().all(|listing| listing.noticed == read_by_grammar(cut).noticed));
    let whole = format!("{cut}\n\t}}\n}}\n");
    assert_eq!(reader.read_text(&whole), read_by_grammar(&whole));
}
