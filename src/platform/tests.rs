//! What all platforms promise: the lines mean the plan, the text loads, and nothing that PLATFORMS.md calls a trap is shipped.

use std::net::IpAddr;
use std::process::Command;
use std::sync::Arc;

use proptest::prelude::*;

use super::{ALL, Decision, Detail, Line, LineScope, Platform, Written, by_name};
use crate::diag::Sink;
use crate::packet::{AddressRange, AddressSet, Flow, Interval, Protocol, ServicePoint, ServiceSet};
use crate::plan::{DevicePlan, InputPlan, PairPlan, PlannedInterface, PlannedQuarantine, PlannedRule, RuleLabel};
use crate::source::{FileId, Span};
use crate::syntax::ast::Effect;

fn span() -> Span {
    Span::new(FileId(0), 0, 0)
}

fn label(name: &str) -> Arc<RuleLabel> {
    Arc::new(RuleLabel { name: name.into(), span: span() })
}

fn range(text: &str) -> AddressRange {
    match text.split_once('-') {
        Some((a, b)) => AddressRange::between(a.parse().unwrap(), b.parse().unwrap()).unwrap(),
        None if text.contains('/') => text.parse::<ipnet::IpNet>().unwrap().into(),
        None => AddressRange::single(text.parse().unwrap()),
    }
}

fn set(text: &str) -> Arc<AddressSet> {
    Arc::new(text.split_whitespace().map(range).collect())
}

fn tcp(port: u16) -> ServiceSet {
    ServiceSet::ports(Protocol::TCP, Interval::single(port))
}

fn allow(name: &str, source: &str, destination: &str, services: ServiceSet) -> PlannedRule {
    PlannedRule {
        label: label(name),
        effect: Effect::Allow,
        source: set(source),
        destination: set(destination),
        services: Arc::new(services),
        log: false,
    }
}

fn plan(rules: Vec<PlannedRule>) -> DevicePlan {
    let interface = |name: &str| PlannedInterface { name: name.into(), span: span(), addresses: vec![] };
    DevicePlan {
        device: "fw".into(),
        span: span(),
        platform: String::new(),
        interfaces: vec![interface("eth0"), interface("eth1")],
        quarantines: vec![],
        pairs: vec![PairPlan { in_interface: 0, out_interface: 1, rules }],
        input: None,
    }
}

fn write(platform: &dyn Platform, plan: &DevicePlan) -> Written {
    let mut sink = Sink::default();
    platform.write(plan, Detail::Lines, &mut sink).unwrap_or_else(|| panic!("{:?}", sink.as_slice()))
}

fn text(platform: &str, plan: &DevicePlan) -> String {
    write(by_name(platform).unwrap(), plan).files.iter().map(|file| file.text.as_str()).collect()
}

/// A small generator of numbers, so that one seed makes a whole plan.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn addresses(&mut self) -> Arc<AddressSet> {
        if self.roll(20) == 0 {
            return Arc::new(AddressSet::full());
        }
        let count = if self.roll(12) == 0 { 24 } else { self.roll(4) };
        let families = self.roll(3);
        let mut ranges = Vec::new();
        for _ in 0..count {
            let (a, b) = (self.roll(256) as u32, self.roll(12) as u32);
            if families != 0 {
                ranges.push(AddressRange::V4(Interval { first: 0x0a00_0000 + a, last: 0x0a00_0000 + a + b }));
            }
            if families != 1 {
                let base = 0x2001_0db8_u128 << 96;
                ranges.push(AddressRange::V6(Interval { first: base + u128::from(a), last: base + u128::from(a + b) }));
            }
        }
        Arc::new(ranges.into_iter().collect())
    }

    fn services(&mut self) -> Arc<ServiceSet> {
        let mut services = ServiceSet::empty();
        for _ in 0..=self.roll(3) {
            let (low, high) = (self.roll(6) as u16, self.roll(3) as u16);
            let ports = Interval { first: low, last: low + high };
            let port = [Protocol::TCP, Protocol::UDP, Protocol::SCTP][self.roll(3) as usize];
            services = services.union(&match self.roll(9) {
                0 => ServiceSet::any(),
                1 => ServiceSet::any().difference(&ServiceSet::ports(port, ports)),
                2 => ServiceSet::protocol(Protocol(self.roll(140) as u8)),
                3 => ServiceSet::rectangle(Protocol::ICMP, ports, ports),
                4 => ServiceSet::rectangle(Protocol::ICMP6, ports, Interval { first: 0, last: 255 }),
                5 => ServiceSet::rectangle(port, ports, Interval { first: 3, last: 65535 }),
                _ => ServiceSet::ports(port, ports),
            });
        }
        Arc::new(services)
    }

    fn rules(&mut self, count: u64) -> Vec<PlannedRule> {
        let pool: Vec<_> = (0..8).map(|_| self.addresses()).collect();
        let mut rules: Vec<PlannedRule> = (0..count)
            .map(|at| PlannedRule {
                label: label(&format!("R-{at:03}")),
                effect: if self.roll(4) == 0 { Effect::Deny } else { Effect::Allow },
                source: if self.roll(2) == 0 { pool[self.roll(8) as usize].clone() } else { self.addresses() },
                destination: if self.roll(2) == 0 { pool[self.roll(8) as usize].clone() } else { self.addresses() },
                services: self.services(),
                log: self.roll(4) == 0,
            })
            .collect();
        rules.sort_by_key(|rule| (rule.effect == Effect::Allow, !rule.log, rule.label.name.clone()));
        rules
    }

    fn plan(&mut self) -> DevicePlan {
        let count = [3, 12, 40, 3, 12, 40, 90, 210][self.roll(8) as usize];
        let mut plan = plan(self.rules(count));
        for name in ["Q-1", "Q-2"] {
            if self.roll(3) == 0 {
                let keep = self.rules(3);
                plan.quarantines.push(PlannedQuarantine { label: label(name), held: self.addresses(), keep });
            }
        }
        if self.roll(3) == 0 {
            let rules = self.rules(6);
            plan.input = Some(InputPlan { addresses: set("10.0.0.1 10.0.0.77 2001:db8::1"), rules: vec![(1, rules)] });
        }
        plan
    }

    fn flow(&mut self) -> Flow {
        let (a, b) = (self.roll(270) as u32, self.roll(270) as u32);
        let protocol = Protocol([6, 6, 17, 17, 132, 1, 58, 47, 0, 139][self.roll(10) as usize]);
        let v6 = match protocol {
            Protocol::ICMP => false,
            Protocol::ICMP6 => true,
            _ => self.roll(2) == 0,
        };
        let address = |n: u32| -> IpAddr {
            if v6 {
                std::net::Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) + u128::from(n)).into()
            } else {
                std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).into()
            }
        };
        let (x, y) = (self.roll(9) as u16, self.roll(9) as u16);
        let (x, y) = if protocol.largest() == 0 { (0, 0) } else { (x, y) };
        Flow { source: address(a), destination: address(b), service: ServicePoint { protocol, a: x, b: y } }
    }
}

fn rule_covers(rule: &PlannedRule, flow: &Flow) -> bool {
    rule.source.contains(flow.source)
        && rule.destination.contains(flow.destination)
        && rule.services.contains(flow.service)
}

/// Whether the plan passes a flow, and whether the flow is logged as the plan says.
fn meant(quarantines: &[PlannedQuarantine], rules: &[PlannedRule], flow: &Flow) -> (bool, bool) {
    for quarantine in quarantines {
        let held = quarantine.held.contains(flow.source) || quarantine.held.contains(flow.destination);
        if held && !quarantine.keep.iter().any(|rule| rule_covers(rule, flow)) {
            return (false, true);
        }
    }
    rules
        .iter()
        .find(|rule| rule_covers(rule, flow))
        .map_or((false, false), |rule| (rule.effect == Effect::Allow, rule.log))
}

/// What the lines of a scope do with a flow: whether it passes, and the text of the deciding line.
fn decided<'w>(written: &'w Written, scope: LineScope, flow: &Flow) -> (bool, Option<&'w Line>) {
    let mut kept: Vec<&str> = Vec::new();
    for line in &written.lines {
        let seen = line.scope == scope || (line.scope == LineScope::Forward && matches!(scope, LineScope::Pair(_)));
        let first = line.labels.first().map_or("", |label| label.name.as_str());
        if !seen
            || kept.contains(&first)
            || !line.source.contains(flow.source)
            || !line.destination.contains(flow.destination)
            || !line.services.contains(flow.service)
        {
            continue;
        }
        match line.decision {
            Decision::Keep => kept.push(first),
            Decision::Accept => return (true, Some(line)),
            Decision::Drop => return (false, Some(line)),
        }
    }
    (false, None)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn the_lines_mean_the_plan(seed in 1_u64..) {
        let mut dice = Dice(seed);
        let plan = dice.plan();
        for platform in ALL {
            let written = write(*platform, &plan);
            let alone = platform.write(&plan, Detail::Files, &mut Sink::default()).unwrap();
            prop_assert!(alone.lines.is_empty());
            prop_assert_eq!(&alone.files, &written.files);
            for (at, file) in written.files.iter().enumerate() {
                let labels = written.lines.iter().filter(|line| line.file == at).flat_map(|line| &line.labels);
                let expected: std::collections::BTreeSet<&String> = labels.map(|label| &label.name).collect();
                prop_assert!(file.rules.iter().map(|label| &label.name).eq(expected));
            }
            let mut dice = Dice(seed ^ 0x5555);
            for _ in 0..400 {
                let flow = dice.flow();
                let (pass, _) = meant(&plan.quarantines, &plan.pairs[0].rules, &flow);
                let (found, line) = decided(&written, LineScope::Pair(0), &flow);
                prop_assert_eq!(found, pass, "{} {:?} {:?}", platform.name(), flow, line);
                if let Some(input) = &plan.input {
                    let (pass, _) = meant(&plan.quarantines, &input.rules[0].1, &flow);
                    let (found, line) = decided(&written, LineScope::Input(1), &flow);
                    prop_assert_eq!(found, pass, "{} input {:?} {:?}", platform.name(), flow, line);
                }
            }
            for line in &written.lines {
                let text = written.files[line.file].text.lines().nth(line.line - 1).unwrap_or("");
                let name = &line.labels.last().unwrap().name;
                prop_assert!(text.contains(name.as_str()) || text.len() > 100, "{name}: {text}");
            }
        }
    }
}

/// Loads files in a network namespace of its own, iptables a second time with `--noflush`, after which nothing may have changed (but for a second, idle jump in INPUT); `None` if that is not possible here.
fn loads(platform: &str, written: &Written) -> Option<Result<(), String>> {
    let folder = tempfile::tempdir().unwrap();
    for file in &written.files {
        std::fs::write(folder.path().join(file.name), &file.text).unwrap();
    }
    let script = match platform {
        "nftables" => "nft -f ruleset.nft && nft -f ruleset.nft && nft list ruleset >/dev/null",
        _ => {
            "iptables-restore rules.v4 && iptables-save | grep -v '^#' | sed 's/\\[.*//' | uniq >1 && iptables-restore --noflush rules.v4 && iptables-save | grep -v '^#' | sed 's/\\[.*//' | uniq >2 && cmp 1 2 && ip6tables-restore rules.v6 && ip6tables-restore --noflush rules.v6"
        }
    };
    let able = Command::new("unshare").args(["-n", "sh", "-c", "nft list ruleset && iptables-save"]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let output = Command::new("unshare").args(["-n", "sh", "-c", script]).current_dir(folder.path()).output().unwrap();
    Some(if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) })
}

#[test]
fn what_is_written_loads_twice_and_changes_nothing_the_second_time() {
    for seed in 1..13_u64 {
        let plan = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).plan();
        for platform in ALL {
            let written = write(*platform, &plan);
            match loads(platform.name(), &written) {
                None => {
                    eprintln!("skipped: needs root, unshare, nft and iptables");
                    return;
                }
                Some(result) => assert_eq!(result, Ok(()), "seed {seed} {}", platform.name()),
            }
        }
    }
}

/// PLATFORMS.md trap 2: an ICMPv6 rule in a dual-family table loses its match.
#[test]
fn an_icmp_rule_of_the_other_family_writes_no_line() {
    let plan = plan(vec![allow("PING", "10.0.0.0/8", "10.1.0.1", ServiceSet::protocol(Protocol::ICMP6))]);
    for platform in ALL {
        assert!(write(*platform, &plan).lines.is_empty(), "{}", platform.name());
        assert!(!text(platform.name(), &plan).contains("PING"));
    }
}

/// PLATFORMS.md trap 3: a destination group with no address in a family becomes *any* there.
#[test]
fn a_family_without_addresses_writes_no_line() {
    let plan = plan(vec![allow("A-1", "10.0.0.0/8 2001:db8::/32", "10.1.0.1", tcp(443))]);
    for platform in ALL {
        let written = write(*platform, &plan);
        assert_eq!(written.lines.len(), 1, "{}", platform.name());
        let all = text(platform.name(), &plan);
        assert!(!all.contains("2001:db8"), "{all}");
    }
}

/// PLATFORMS.md trap 9: names that are keywords, quotes or a second line in a comment.
#[test]
fn names_cannot_break_or_inject() {
    let rules =
        ["counter", "log", "drop; }\n}\nflush ruleset", "a\" -j ACCEPT\n-A FORWARD -j ACCEPT", "関所-規則", "$x", "\\"];
    let mut rules: Vec<PlannedRule> =
        rules.iter().map(|name| allow(name, "10.0.0.0/8", "10.1.0.1", tcp(443))).collect();
    rules.push(allow(&"規".repeat(200), "10.0.0.0/8", "10.1.0.1", tcp(443)));
    for rule in rules.clone() {
        rules.push(PlannedRule { log: true, ..rule });
    }
    let mut plan = plan(rules);
    plan.device = "fw\nflush ruleset".into();
    for platform in ALL {
        let written = write(*platform, &plan);
        for line in written.files.iter().flat_map(|file| file.text.lines()) {
            assert!(!line.starts_with("flush") && !line.starts_with("-A FORWARD -j ACCEPT"), "{line}");
        }
        if let Some(result) = loads(platform.name(), &written) {
            assert_eq!(result, Ok(()), "{}", platform.name());
        }
    }
}

/// PLATFORMS.md trap 13: IPv6 files that the loader refuses.
#[test]
fn icmp_of_ipv6_is_said_as_the_loader_wants_it() {
    let services = ServiceSet::rectangle(Protocol::ICMP6, Interval::single(128), Interval { first: 0, last: 255 });
    let plan = plan(vec![allow("P", "2001:db8::/32", "2001:db8:1::1", services)]);
    assert!(text("iptables", &plan).contains("-p ipv6-icmp -m icmp6 --icmpv6-type 128 "));
    assert!(text("nftables", &plan).contains("icmpv6 type 128 counter accept"));
}

/// `--icmp-type 255` means every type to iptables.
#[test]
fn icmp_type_255_is_not_every_type() {
    let services = ServiceSet::rectangle(Protocol::ICMP, Interval::single(255), Interval { first: 0, last: 255 });
    let plan = plan(vec![allow("P", "10.0.0.0/8", "10.1.0.1", services)]);
    assert!(!text("iptables", &plan).contains("--icmp-type 255"));
}

/// PLATFORMS.md trap 16: both ports open on both protocols.
#[test]
fn a_service_of_two_protocols_keeps_its_ports_apart() {
    let services = tcp(80).union(&ServiceSet::ports(Protocol::UDP, Interval::single(53)));
    let plan = plan(vec![allow("S", "10.0.0.0/8", "10.1.0.1", services)]);
    let nft = text("nftables", &plan);
    assert!(nft.contains("meta l4proto . th dport { tcp . 80, udp . 53 } counter"), "{nft}");
}

/// PLATFORMS.md trap 17: protocol 4 taken for TCP.
#[test]
fn protocol_4_is_not_tcp() {
    let plan = plan(vec![allow("I", "10.0.0.0/8", "10.1.0.1", ServiceSet::protocol(Protocol::IPIP))]);
    assert!(text("nftables", &plan).contains("meta l4proto 4 counter"));
    assert!(text("iptables", &plan).contains("-p 4 "));
}

#[test]
fn without_rules_everything_is_dropped() {
    let mut plan = plan(vec![]);
    plan.pairs.clear();
    for platform in ALL {
        let written = write(*platform, &plan);
        assert_eq!(written.default_drop.len(), written.files.len());
        for &(file, line) in &written.default_drop {
            let line = written.files[file].text.lines().nth(line - 1).unwrap();
            assert!(line.contains("no rule permits it"), "{line}");
        }
    }
}

#[test]
fn a_small_rule_set_reads_well() {
    let mut rules = vec![
        PlannedRule {
            effect: Effect::Deny,
            log: true,
            ..allow("EXPORT-01", "10.9.0.0/16", "10.1.0.0/24", ServiceSet::any())
        },
        allow("ERP-WEB", "10.81.0.0/16 2001:db8:81::/48", "10.1.0.12 2001:db8:1::12", tcp(443).union(&tcp(8443))),
        allow(
            "PING",
            "10.81.0.0/16",
            "10.1.0.0/24",
            ServiceSet::rectangle(Protocol::ICMP, Interval::single(8), Interval::single(0)),
        ),
    ];
    rules[1].log = true;
    let plan = plan(rules);
    for platform in ALL {
        for file in write(*platform, &plan).files {
            let path = format!("{}/tests/golden/platform/small.{}", env!("CARGO_MANIFEST_DIR"), file.name);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
                std::fs::write(&path, &file.text).unwrap();
            }
            let golden = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(file.text, golden, "{path}; UPDATE_GOLDEN=1 rewrites it");
        }
    }
}
