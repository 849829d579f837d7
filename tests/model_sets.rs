//! Endpoint expressions against a literal reading of the contract: which addresses does an expression hold?
//!
//! The reading here asks one address at a time and knows no sets. `scale` (ignored by default) measures the resolver on a large synthetic project.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]
#![expect(clippy::print_stdout, reason = "the measurement is read by people")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use sekisho::diag::Sink;
use sekisho::inventory;
use sekisho::model::{self, Input, Model};
use sekisho::source::Sources;
use sekisho::syntax;
use sekisho::syntax::ast::{All, Endpoints, File, Primary, Statement};

/// What this thread has used of a processor, where the system says so, so that a busy machine does not count; else the time since `start`.
fn used(start: Instant) -> Duration {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = said.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

fn resolve(yaml: &str, policy: &str) -> (Model, Vec<File>, Sink) {
    let mut sources = Sources::default();
    let (net, pol) = (sources.add("network.yaml", yaml), sources.add("a.policy", policy));
    let mut sink = Sink::default();
    let inventory = inventory::read(&sources, &[net], &mut sink);
    let files = vec![syntax::parse(pol, policy, &mut sink)];
    let feeds = |_: &str| Err("no feeds here".to_owned());
    let start = Instant::now();
    let before = used(start);
    let input = Input { inventory: &inventory, files: &files, sources: &sources, platforms: &[], feeds: &feeds };
    let model = model::resolve(input, &mut sink);
    if std::env::var_os("SEKISHO_TIMES").is_some() {
        println!("resolve: {:?}", used(start).saturating_sub(before));
    }
    (model, files, sink)
}

const NETWORKS: &str = "
sites:
  a:
    tier: 1
    tags: [left]
    networks:
      all: { address: 10.0.0.0/28 }
      in:  { address: 10.0.0.4/30, subnet_of: all, tags: [deep], tier: 2 }
    hosts:
      h: { address: [10.0.0.1, 10.0.0.5-10.0.0.6], tags: [admin] }
      r: { address: 10.0.0.8-10.0.0.11, tier: 3 }
  b:
    tier: 2
    networks:
      net: { address: [10.0.1.0/29, 9.9.9.0/30], tags: [left] }
    hosts:
      h: { address: 9.9.9.1, tags: [deep] }
transit:
  internet: { internet: true }
devices:
  r1: { interfaces: { e0: { network: a/all, address: 10.0.0.2 }, e1: internet } }
";

/// What each named thing holds: name, tags, tiers, and the last octets of 10.0.0, 10.0.1 and 9.9.9.
struct Thing {
    site: &'static str,
    name: &'static str,
    tags: &'static [&'static str],
    tiers: &'static [&'static str],
    parts: &'static [([u8; 3], u8, u8)],
}

const A: [u8; 3] = [10, 0, 0];
const B: [u8; 3] = [10, 0, 1];
const C: [u8; 3] = [9, 9, 9];

/// Tags and tiers are written out with what is inherited from the site, but not from the network.
const THINGS: &[Thing] = &[
    Thing { site: "a", name: "all", tags: &["left"], tiers: &["1"], parts: &[(A, 0, 15)] },
    Thing { site: "a", name: "in", tags: &["left", "deep"], tiers: &["1", "2"], parts: &[(A, 4, 7)] },
    Thing { site: "a", name: "h", tags: &["left", "admin"], tiers: &["1"], parts: &[(A, 1, 1), (A, 5, 6)] },
    Thing { site: "a", name: "r", tags: &["left"], tiers: &["1", "3"], parts: &[(A, 8, 11)] },
    Thing { site: "b", name: "net", tags: &["left"], tiers: &["2"], parts: &[(B, 0, 7), (C, 0, 3)] },
    Thing { site: "b", name: "h", tags: &["deep"], tiers: &["2"], parts: &[(C, 1, 1)] },
];

fn lies_in(parts: &[([u8; 3], u8, u8)], address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    parts.iter().any(|(net, first, last)| *net == [a, b, c] && (*first..=*last).contains(&d))
}

fn any_of(address: Ipv4Addr, wanted: impl Fn(&Thing) -> bool) -> bool {
    THINGS.iter().any(|thing| wanted(thing) && lies_in(thing.parts, address))
}

fn holds(primary: &Primary, groups: &[(String, Endpoints)], address: Ipv4Addr) -> bool {
    let in_network = any_of(address, |thing| ["all", "in", "net"].contains(&thing.name));
    let internet = !in_network && address.octets()[0] == 8;
    match primary {
        Primary::Any => in_network || internet,
        Primary::Name(name) if name == "internet" => internet,
        Primary::Name(name) if name == "r1" => address == Ipv4Addr::new(10, 0, 0, 2),
        Primary::Name(name) => match groups.iter().find(|(group, _)| group == name) {
            Some((_, endpoints)) => member(endpoints, groups, address),
            None => any_of(address, |thing| thing.site == name),
        },
        Primary::Qualified { site, name } => {
            any_of(address, |thing| thing.site == site.value && thing.name == name.value)
        }
        Primary::Everywhere(name) => any_of(address, |thing| thing.name == name.value),
        Primary::Attribute { key, value } if key.value == "tag" => {
            any_of(address, |thing| thing.tags.contains(&value.value.as_str()))
        }
        Primary::Attribute { value, .. } => any_of(address, |thing| thing.tiers.contains(&value.value.as_str())),
        Primary::Address(range) => {
            (in_network || internet) && (range.first()..=range.last()).contains(&IpAddr::from(address))
        }
    }
}

fn member(endpoints: &Endpoints, groups: &[(String, Endpoints)], address: Ipv4Addr) -> bool {
    let item = |all: &All| all.primaries.iter().all(|primary| holds(&primary.value, groups, address));
    endpoints.items.iter().any(item) && !endpoints.except.iter().any(item)
}

fn primary() -> impl Strategy<Value = String> {
    let names = [
        "any",
        "a",
        "b",
        "internet",
        "r1",
        "a/all",
        "a/in",
        "a/h",
        "a/r",
        "b/net",
        "b/h",
        "*/h",
        "*/in",
        "tag:left",
        "tag:deep",
        "tag:admin",
        "tier:1",
        "tier:2",
        "tier:3",
        "10.0.0.0/29",
        "10.0.0.3-10.0.1.2",
        "9.9.9.0/24",
        "8.8.8.8",
        "g1",
        "g2",
    ];
    prop::sample::select(names.map(str::to_owned).to_vec())
}

fn expression() -> impl Strategy<Value = String> {
    let item = prop::collection::vec(primary(), 1..3).prop_map(|parts| parts.join(" & ")).boxed();
    let items =
        |range: std::ops::Range<usize>| prop::collection::vec(item.clone(), range).prop_map(|all| all.join(", "));
    (items(1..4), items(0..3)).prop_map(|(kept, taken)| match taken.as_str() {
        "" => kept,
        taken => format!("{kept} except {taken}"),
    })
}

fn addresses() -> impl Iterator<Item = Ipv4Addr> {
    let near = [A, B, C].into_iter().flat_map(|[a, b, c]| (0..=20).map(move |d| Ipv4Addr::new(a, b, c, d)));
    near.filter(|address| address.octets()[0] != 9 || address.octets()[3] <= 3).chain([
        Ipv4Addr::new(8, 8, 8, 8),
        Ipv4Addr::new(8, 0, 0, 0),
        Ipv4Addr::new(192, 168, 0, 1),
    ])
}

fn strip(expression: &str) -> String {
    expression.replace("g1", "b").replace("g2", "a/in")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn expressions_hold_what_the_contract_says(one in expression(), two in expression(), from in expression()) {
        let two = two.replace("g2", "g1");
        let policy = format!("group g2 = {two}\ngroup g1 = {}\nallow R from {from} to any on any", strip(&one));
        let (model, files, sink) = resolve(NETWORKS, &policy);
        prop_assert!(!sink.has_bad_input(), "{policy}\n{:?}", sink.as_slice());
        let groups: Vec<(String, Endpoints)> = files[0].statements.iter().filter_map(|statement| match statement {
            Statement::Group(group) => Some((group.name.value.clone(), group.endpoints.clone())),
            _ => None,
        }).collect();
        let Some(Statement::Rule(rule)) = files[0].statements.last() else { panic!("{policy}") };
        let set = model.endpoint(model.rules[0].products[0].source);
        for address in addresses() {
            let expected = member(rule.clauses.from.as_ref().unwrap(), &groups, address);
            prop_assert_eq!(set.contains(address.into()), expected, "{} in {}", address, policy);
        }
    }
}

/// 10,000 sites with 62,000 hosts, 20,000 rules.
#[test]
#[ignore = "measures; run it in release with SEKISHO_TIMES=1 and --nocapture"]
fn scale() {
    use std::fmt::Write as _;
    let mut yaml = String::from("sites:\n");
    for site in 0..10_000_u32 {
        let net = Ipv4Addr::from_bits(0x0a00_0000 + site * 1024);
        writeln!(yaml, "  s{site}:\n    country: C{}\n    tags: [t{}]\n    networks:", site % 50, site % 7).unwrap();
        writeln!(yaml, "      office: {{ address: {net}/23 }}").unwrap();
        writeln!(yaml, "      plant: {{ address: {}/24 }}\n    hosts:", Ipv4Addr::from_bits(net.to_bits() + 512))
            .unwrap();
        for host in 0..6 {
            let address = Ipv4Addr::from_bits(net.to_bits() + 10 + host);
            writeln!(yaml, "      h{host}: {{ address: {address}, tags: [k{host}], role: r{host} }}").unwrap();
        }
    }
    let mut policy = String::from("group gone = tag:t1 except country:C3\n");
    for rule in 0..20_000_u32 {
        let (a, b) = (rule % 10_000, (rule * 7919) % 10_000);
        let from = match rule % 10 {
            0 => "tag:t1".to_owned(),
            1 => format!("country:C{} & tag:t{}", rule % 50, rule % 7),
            2 => "gone".to_owned(),
            3 => "any except country:C7".to_owned(),
            _ => format!("s{a}/office, s{a}/h1"),
        };
        writeln!(
            policy,
            "allow R-{rule} from {from} to s{b}/h{} on tcp/{} owner o ticket T-{rule}",
            rule % 6,
            1000 + rule % 2000
        )
        .unwrap();
    }
    let (model, files, sink) = resolve(&yaml, &policy);
    assert!(!sink.has_bad_input(), "{:?}", sink.as_slice().first());
    assert_eq!(model.rules.len(), 20_000);
    let start = Instant::now();
    let topology = sekisho::graph::Topology::new(&model);
    println!("topology: {:?}, {} endpoint sets", start.elapsed(), model.endpoints.len());
    let at = jiff::civil::date(2026, 11, 22);
    let prover = sekisho::reach::Prover::new(&model, &topology, at, &sekisho::reach::Extra::default());
    let findings = prover.all();
    let context = sekisho::check::Context {
        model: &model,
        files: &files,
        topology: &topology,
        at,
        prover: &prover,
        findings: &findings,
    };
    let start = Instant::now();
    let mut found = Sink::default();
    sekisho::check::run_all(&context, &mut found);
    println!("lints: {:?}, {} found", start.elapsed(), found.as_slice().len());
}
