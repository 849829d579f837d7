//! Random inventories in random styles of YAML come back as they were, and every place is exact; random text never panics.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use sekisho::diag::Sink;
use sekisho::inventory::{self, Host, Inventory, Network, Site};
use sekisho::source::{FileId, Sources, Spanned};

/// What one site holds, and the style in which it is written.
#[derive(Debug, Clone)]
struct Wanted {
    attributes: Vec<(usize, String)>,
    tags: Vec<String>,
    networks: Vec<Vec<(u32, u8, bool)>>,
    hosts: Vec<(u32, u32)>,
    style: u32,
}

const KEYS: [&str; 4] = ["country", "класс", "所有者", "x-1.y"];
const NAMES: [&str; 4] = ["東京", "bangkok", "กรุงเทพ", "_q"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zé東-]{1,8}",
        Just("no".to_owned()),
        Just("0x10".to_owned()),
        Just("null".to_owned()),
        Just("~".to_owned()),
        Just("# x".to_owned()),
        Just("it's \"so\": a\\b".to_owned()),
        Just("[a, b]".to_owned()),
        Just("2026-01-01".to_owned()),
        Just("- é".to_owned()),
        Just(String::new()),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let prefix = (any::<u32>(), 0_u8..=32, any::<bool>());
    (
        prop::collection::btree_map(0..KEYS.len(), text(), 0..4),
        prop::collection::btree_set("[a-zé東][a-z0-9é.-]{0,5}", 0..4),
        prop::collection::vec(prop::collection::vec(prefix, 1..4), 0..3),
        prop::collection::vec((any::<u32>(), 0_u32..1000), 0..4),
        any::<u32>(),
    )
        .prop_map(|(attributes, tags, networks, hosts, style)| Wanted {
            attributes: attributes.into_iter().collect(),
            tags: tags.into_iter().collect(),
            networks,
            hosts,
            style,
        })
}

/// A scalar, quoted in one of the ways that keep its text; plain where that is possible and asked for.
fn scalar(text: &str, style: u32) -> String {
    let simple =
        !text.is_empty() && text != "null" && !text.starts_with('-') && text.chars().all(char::is_alphanumeric);
    match style % 3 {
        0 if simple => text.to_owned(),
        1 => format!("'{}'", text.replace('\'', "''")),
        _ => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

fn prefix(&(bits, length, v6): &(u32, u8, bool)) -> String {
    if v6 {
        return format!("2001:db8:{:x}::/48", bits >> 16);
    }
    let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
    format!("{}/{length}", std::net::Ipv4Addr::from_bits(bits & mask))
}

fn host(&(first, more): &(u32, u32)) -> String {
    let last = first.saturating_add(more);
    let address = std::net::Ipv4Addr::from_bits;
    if first == last { address(first).to_string() } else { format!("{}-{}", address(first), address(last)) }
}

/// `key:` with named items, in flow or block style.
fn items(out: &mut String, key: &str, items: &[(String, String)], style: u32) {
    let flow: Vec<String> = items.iter().map(|(name, body)| format!("{name}: {{ address: {body} }}")).collect();
    if style & 64 == 0 || items.is_empty() {
        return writeln!(out, "    {key}: {{ {} }}   # é", flow.join(", ")).unwrap();
    }
    writeln!(out, "    {key}:").unwrap();
    for (name, body) in items {
        writeln!(out, "      # 見\n      {name}:\n        address: {body}").unwrap();
    }
}

fn yaml(sites: &[Wanted]) -> String {
    let mut out = "# 関所 é\nsites:\n".to_owned();
    for (wanted, name) in sites.iter().zip(NAMES) {
        let style = wanted.style;
        writeln!(out, "  {}:  # comment", scalar(name, style >> 8)).unwrap();
        let tags: Vec<String> = wanted.tags.iter().map(|tag| scalar(tag, style >> 2)).collect();
        writeln!(out, "    tags: [{}]", tags.join(", ")).unwrap();
        for (key, value) in &wanted.attributes {
            writeln!(out, "    {}: {}", scalar(KEYS[*key], 1 + style % 2), scalar(value, style >> 4)).unwrap();
        }
        let networks = wanted.networks.iter().enumerate().map(|(at, list)| {
            let list: Vec<String> = list.iter().map(prefix).collect();
            (
                format!("n{at}"),
                if list.len() == 1 { format!("'{}'", list[0]) } else { format!("[{}]", list.join(", ")) },
            )
        });
        items(&mut out, "networks", &networks.collect::<Vec<_>>(), style);
        let hosts: Vec<_> = wanted.hosts.iter().enumerate().map(|(at, one)| (format!("h{at}"), host(one))).collect();
        items(&mut out, "hosts", &hosts, style >> 1);
    }
    if style_of(sites) & 128 == 0 { out } else { format!("\u{feff}{}", out.replace('\n', "\r\n")) }
}

fn style_of(sites: &[Wanted]) -> u32 {
    sites.first().map_or(0, |site| site.style)
}

fn read(text: &str) -> (Sources, FileId, Inventory, Sink) {
    let mut sources = Sources::default();
    let file = sources.add("network.yaml", text);
    let mut sink = Sink::default();
    let inventory = inventory::read(&sources, &[file], &mut sink);
    (sources, file, inventory, sink)
}

/// The text at the place of a value, escapes undone.
fn at<T>(text: &str, value: &Spanned<T>) -> String {
    let raw = &text[value.span.start as usize..value.span.end as usize];
    if raw == "''" || raw == "\"\"" {
        return String::new();
    }
    match text.as_bytes()[value.span.start as usize - 1] {
        b'\'' => raw.replace("''", "'"),
        b'"' => raw.replace("\\\"", "\"").replace("\\\\", "\\"),
        _ => raw.to_owned(),
    }
}

fn compare(text: &str, site: &Site, wanted: &Wanted) {
    assert_eq!(at(text, &site.name), site.name.value);
    let tags: Vec<&String> = site.tags.iter().map(|tag| &tag.value).collect();
    assert_eq!(tags, wanted.tags.iter().collect::<Vec<_>>());
    site.tags.iter().for_each(|tag| assert_eq!(at(text, tag), tag.value));
    assert_eq!(site.attributes.len(), wanted.attributes.len());
    for (key, value) in &wanted.attributes {
        let found = &site.attributes[KEYS[*key]];
        assert_eq!(&found.value, value);
        assert_eq!(&at(text, found), value);
    }
    assert_eq!(site.networks.len(), wanted.networks.len());
    for (Network { addresses, .. }, list) in site.networks.iter().zip(&wanted.networks) {
        let found: Vec<String> = addresses.iter().map(|address| at(text, address)).collect();
        assert_eq!(found, list.iter().map(prefix).collect::<Vec<_>>());
        addresses
            .iter()
            .for_each(|address| assert_eq!(at(text, address).parse::<ipnet::IpNet>().unwrap(), address.value));
    }
    for (Host { addresses, name, .. }, one) in site.hosts.iter().zip(&wanted.hosts) {
        assert_eq!(at(text, &addresses[0]), host(one));
        assert_eq!(at(text, name), name.value);
        assert_eq!(
            u128::from(one.0),
            match addresses[0].value.first() {
                std::net::IpAddr::V4(v4) => u128::from(v4.to_bits()),
                std::net::IpAddr::V6(v6) => v6.to_bits(),
            }
        );
    }
}

proptest! {
    #[test]
    fn what_was_written_comes_back(sites in prop::collection::vec(wanted(), 0..4)) {
        let text = yaml(&sites);
        let (sources, file, inventory, sink) = read(&text);
        prop_assume!(!sites.is_empty());
        prop_assert!(sink.is_empty(), "{text}\n{:#?}", sink.as_slice());
        prop_assert_eq!(inventory.sites.len(), sites.len());
        for (wanted, name) in sites.iter().zip(NAMES) {
            let site = inventory.sites.iter().find(|site| site.name.value == name).unwrap();
            compare(sources.text(file), site, wanted);
        }
    }

    #[test]
    fn mutations_never_panic(
        sites in prop::collection::vec(wanted(), 1..3),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, "[\\[\\]{}:,&*!|>'\"#%@` \t\n\r\u{0}\u{85}é-]{0,3}"), 1..6),
    ) {
        let mut text: Vec<char> = yaml(&sites).chars().collect();
        for (place, length, new) in edits {
            let start = place.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, new.chars());
        }
        let text: String = text.into_iter().collect();
        prop_assert!(inventory::exercise(&text));
    }
}

#[test]
fn the_corpus_is_replayed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/inventory");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(inventory::exercise(&text), "{}", path.display());
        seen += 1;
    }
    assert!(seen > 50);
}

#[test]
fn order_of_files_changes_nothing() {
    let texts = ["sites: { b: { networks: {} }, a: { networks: {} } }", "transit: { w: {} }\nsites: { c: {} }"];
    let names = |order: [usize; 2]| {
        let mut sources = Sources::default();
        let files: Vec<FileId> = order.iter().map(|&at| sources.add(format!("{at}.yaml"), texts[at])).collect();
        let inventory = inventory::read(&sources, &files, &mut Sink::default());
        inventory.sites.iter().map(|site| site.name.value.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names([0, 1]), names([1, 0]));
}
