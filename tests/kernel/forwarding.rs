//! The harness itself: does it send what it says, and see what comes of it? With rule sets written by hand.

use std::net::IpAddr;

use sekisho::packet::{Flow, Protocol, ServicePoint};

use crate::Test;
use crate::harness::{
    Expectation, Flush, Interface, Namespace, Outcome, Packet, Probe, Ruleset, check_device, disagreements,
};

pub const TESTS: &[Test] = &[
    ("everything_passes_where_there_are_no_rules", everything_passes_where_there_are_no_rules),
    ("nothing_passes_a_drop", nothing_passes_a_drop),
    ("one_probe_does_not_open_the_way_for_another", one_probe_does_not_open_the_way_for_another),
    ("thousands_of_probes_in_one_call", thousands_of_probes_in_one_call),
    ("borders_of_a_verdict_map", borders_of_a_verdict_map),
    ("interface_pairs", interface_pairs),
    ("iptables_files", iptables_files),
    ("packets_to_the_firewall_itself", packets_to_the_firewall_itself),
    ("disagreements_are_told_in_words", disagreements_are_told_in_words),
    ("namespaces_side_by_side", namespaces_side_by_side),
];

/// A flow in short: addresses, protocol number, and ports, or type and code.
pub fn flow(source: &str, destination: &str, protocol: u8, a: u16, b: u16) -> Flow {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let service = ServicePoint { protocol: Protocol(protocol), a, b };
    Flow { source: address(source), destination: address(destination), service }
}

pub fn probe(input: &str, output: &str, flow: Flow) -> Probe {
    Probe { input: input.to_owned(), output: output.to_owned(), packet: Packet::first(&flow) }
}

pub fn expect(input: &str, output: &str, flow: Flow, passes: bool) -> Expectation {
    Expectation { input: input.to_owned(), output: output.to_owned(), flow, passes }
}

pub fn namespace(names: &[&str]) -> Namespace {
    Namespace::new(names).unwrap_or_else(|reason| panic!("{reason}"))
}

/// A table with a forward chain that drops, and these rules in it.
pub fn forward(rules: &str) -> String {
    format!(
        "table inet sekisho\ndelete table inet sekisho\ntable inet sekisho {{\n\
         chain forward {{\ntype filter hook forward priority filter; policy drop;\n{rules}\n}}\n}}\n"
    )
}

/// Flows of every kind in both families.
fn all_kinds() -> Vec<Flow> {
    let ends = [("10.1.0.1", "192.0.2.10"), ("8.8.8.8", "10.255.255.255"), ("2001:db8:1::1", "2001:db8:ff::10")];
    let mut flows = Vec::new();
    for (source, destination) in ends {
        let icmp = if source.contains(':') { 58 } else { 1 };
        for protocol in [6, 17, 132] {
            for (a, b) in [(40_000, 443), (0, 0), (65_535, 65_535)] {
                flows.push(flow(source, destination, protocol, a, b));
            }
        }
        for (kind, code) in [(8, 0), (128, 0), (3, 1), (13, 0), (0, 0), (255, 255), (135, 0)] {
            flows.push(flow(source, destination, icmp, kind, code));
        }
        for protocol in [2, 4, 47, 50, 51, 89, 103, 253, 255] {
            flows.push(flow(source, destination, protocol, 0, 0));
        }
    }
    flows
}

fn everything_passes_where_there_are_no_rules() {
    let names = ["eth0", "eth0.100", "br_lan-7", "fifteen_chars_x"];
    let mut namespace = namespace(&names);
    let mut probes = Vec::new();
    for input in names {
        for output in names {
            probes.extend(all_kinds().into_iter().map(|flow| probe(input, output, flow)));
        }
    }
    let outcomes = namespace.send(&probes);
    for (probe, outcome) in probes.iter().zip(&outcomes) {
        assert_eq!(*outcome, Outcome::Passed { output: probe.output.clone() }, "{probe:?}");
    }
}

fn nothing_passes_a_drop() {
    let mut namespace = namespace(&["eth0", "eth1"]);
    namespace.load_nft(&forward("")).unwrap();
    let probes: Vec<_> = all_kinds().into_iter().map(|flow| probe("eth0", "eth1", flow)).collect();
    for (probe, outcome) in probes.iter().zip(&namespace.send(&probes)) {
        assert_eq!(*outcome, Outcome::Dropped, "{probe:?}");
    }
}

fn one_probe_does_not_open_the_way_for_another() {
    let mut namespace = namespace(&["eth0", "eth1"]);
    namespace.load_nft(&forward("ct state established accept\niifname \"eth0\" accept")).unwrap();
    for (source, destination, protocol) in
        [("10.0.0.1", "10.0.0.2", 17), ("2001:db8::1", "2001:db8::2", 17), ("10.0.0.1", "10.0.0.2", 47)]
    {
        let there = flow(source, destination, protocol, 500, 500);
        let back = flow(destination, source, protocol, 500, 500);
        let alternating: Vec<_> =
            (0..100).flat_map(|_| [probe("eth0", "eth1", there), probe("eth1", "eth0", back)]).collect();
        let outcomes = namespace.send(&alternating);
        for pair in outcomes.chunks(2) {
            assert_eq!(*pair, [Outcome::Passed { output: "eth1".to_owned() }, Outcome::Dropped]);
        }
        // The same two packets in one conversation: now the second is an answer.
        let conversation = namespace.conversation();
        assert!(namespace.send_in(conversation, "eth0", "eth1", &Packet::first(&there)).is_through());
        assert!(namespace.send_in(conversation, "eth1", "eth0", &Packet::first(&back)).is_through());
    }
}

fn thousands_of_probes_in_one_call() {
    let mut namespace = namespace(&["eth0", "eth1"]);
    namespace.load_nft(&forward("tcp dport 0-29999 accept\nudp dport 0-29999 accept")).unwrap();
    let ends = [("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")];
    let ports = (0..60_000).step_by(3);
    let probes: Vec<_> = ends
        .iter()
        .flat_map(|(source, destination)| {
            ports.clone().map(move |port| (port, probe("eth0", "eth1", flow(source, destination, 6, 1, port))))
        })
        .collect();
    let start = std::time::Instant::now();
    let outcomes = namespace.send(&probes.iter().map(|(_, probe)| probe.clone()).collect::<Vec<_>>());
    let rate = probes.len() as f64 / start.elapsed().as_secs_f64();
    for ((port, _), outcome) in probes.iter().zip(&outcomes) {
        assert_eq!(outcome.is_through(), *port < 30_000, "port {port}");
    }
    println!("{} probes, {rate:.0} a second", probes.len());
    assert!(rate > 5_000.0, "{rate:.0} probes a second");
}

fn borders_of_a_verdict_map() {
    let mut namespace = namespace(&["eth0", "eth1"]);
    let ruleset = "table inet t {
        map services { type ipv4_addr . inet_proto . inet_service : verdict; flags interval; counter; elements = {
            192.0.2.10 . tcp . 443 comment \"WEB\" : accept,
            192.0.2.12-192.0.2.15 . udp . 8000-8099 comment \"RANGE\" : accept,
            10.0.0.0/8 . 0-5 . 0-65535 : accept,
            172.16.0.0/12 . gre . 0-65535 : accept } }
        map services6 { type ipv6_addr . inet_proto . inet_service : verdict; flags interval; elements = {
            2001:db8::10-2001:db8::1f . tcp . 443 : accept } }
        chain forward { type filter hook forward priority filter; policy drop;
            ip daddr . meta l4proto . th dport vmap @services
            ip6 daddr . meta l4proto . th dport vmap @services6
        }
    }";
    namespace.load_nft(ruleset).unwrap();
    let mut expectations = Vec::new();
    for (destination, protocol, port, passes) in [
        ("192.0.2.10", 6, 443, true),
        ("192.0.2.10", 6, 442, false),
        ("192.0.2.10", 6, 444, false),
        ("192.0.2.10", 17, 443, false),
        ("192.0.2.9", 6, 443, false),
        ("192.0.2.11", 17, 8000, false),
        ("192.0.2.12", 17, 8000, true),
        ("192.0.2.15", 17, 8099, true),
        ("192.0.2.15", 17, 8100, false),
        ("192.0.2.16", 17, 8050, false),
        ("2001:db8::10", 6, 443, true),
        ("2001:db8::1f", 6, 443, true),
        ("2001:db8::f", 6, 443, false),
        ("2001:db8::20", 6, 443, false),
        ("10.0.0.0", 4, 0, true),
        ("10.255.255.255", 4, 0, true),
        ("11.0.0.0", 4, 0, false),
        ("10.0.0.1", 6, 9, false),
        ("172.16.0.1", 47, 0, true),
        ("172.16.0.1", 50, 0, false),
    ] {
        let source = if destination.contains(':') { "2001:db8:1::1" } else { "10.1.0.1" };
        expectations.push(expect("eth0", "eth1", flow(source, destination, protocol, 40_000, port), passes));
    }
    assert_eq!(disagreements(&mut namespace, &expectations), Vec::<String>::new());
}

fn interface_pairs() {
    let names = ["eth0", "eth0.100", "wan-1", "br_lan"];
    let mut namespace = namespace(&names);
    let rules = "iifname . oifname vmap { \"eth0\" . \"eth0.100\" : accept, \"wan-1\" . \"br_lan\" : accept }";
    namespace.load_nft(&forward(rules)).unwrap();
    let mut expectations = Vec::new();
    for input in names {
        for output in names {
            let passes = matches!((input, output), ("eth0", "eth0.100") | ("wan-1", "br_lan"));
            expectations.push(expect(input, output, flow("10.0.0.1", "10.0.0.1", 6, 1, 1), passes));
            expectations.push(expect(input, output, flow("2001:db8::1", "2001:db8::2", 1, 8, 0), passes));
        }
    }
    assert_eq!(disagreements(&mut namespace, &expectations), Vec::<String>::new());
}

const RULES_V4: &str = "*filter
:SEKISHO - [0:0]
:P0 - [0:0]
-F FORWARD
-A FORWARD -j SEKISHO
-A SEKISHO -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A SEKISHO -i eth0 -o eth0.100 -j P0
-A SEKISHO -j DROP
-A P0 -d 192.0.2.0/24 -p tcp -m multiport --dports 443,8000:8099 -m comment --comment \"WEB\" -j ACCEPT
-A P0 -p icmp -m icmp --icmp-type 8/0 -j ACCEPT
-A P0 -p 47 -j ACCEPT
-A P0 -j DROP
COMMIT
";
const RULES_V6: &str = "*filter
:SEKISHO - [0:0]
-F FORWARD
-A FORWARD -j SEKISHO
-A SEKISHO -s 2001:db8::/32 -p udp -m udp --dport 53 -j ACCEPT
-A SEKISHO -j DROP
COMMIT
";

fn iptables_files() {
    let expectations = [
        expect("eth0", "eth0.100", flow("10.0.0.1", "192.0.2.0", 6, 1, 443), true),
        expect("eth0", "eth0.100", flow("10.0.0.1", "192.0.2.255", 6, 1, 8099), true),
        expect("eth0", "eth0.100", flow("10.0.0.1", "192.0.2.255", 6, 1, 8100), false),
        expect("eth0", "eth0.100", flow("10.0.0.1", "192.0.3.0", 6, 1, 443), false),
        expect("eth0.100", "eth0", flow("10.0.0.1", "192.0.2.0", 6, 1, 443), false),
        expect("eth0", "eth0.100", flow("10.0.0.1", "1.1.1.1", 1, 8, 0), true),
        expect("eth0", "eth0.100", flow("10.0.0.1", "1.1.1.1", 1, 13, 0), false),
        expect("eth0", "eth0.100", flow("10.0.0.1", "1.1.1.1", 47, 0, 0), true),
        expect("eth0", "eth0.100", flow("10.0.0.1", "1.1.1.1", 50, 0, 0), false),
        expect("eth0.100", "eth0", flow("2001:db8::1", "2001:4860::1", 17, 1, 53), true),
        expect("eth0.100", "eth0", flow("2001:db9::1", "2001:4860::1", 17, 1, 53), false),
    ];
    let ruleset = Ruleset::Iptables { v4: RULES_V4.to_owned(), v6: RULES_V6.to_owned() };
    check_device("fw", &["eth0".into(), "eth0.100".into()], &ruleset, &expectations).unwrap();
}

fn packets_to_the_firewall_itself() {
    let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let interfaces = [
        Interface { name: "eth0".to_owned(), addresses: addresses(&["10.0.0.1", "2001:db8::1"]) },
        Interface { name: "eth1".to_owned(), addresses: addresses(&["10.0.1.1"]) },
    ];
    let mut namespace = Namespace::with_interfaces(&interfaces).unwrap();
    let ssh = flow("10.0.0.9", "10.0.0.1", 6, 1, 22);
    let ssh6 = flow("2001:db8::9", "2001:db8::1", 6, 1, 22);
    let ping_across = flow("10.0.0.9", "10.0.1.1", 1, 8, 0);
    let telnet = flow("10.0.0.9", "10.0.0.1", 6, 1, 23);
    let probes: Vec<_> = [ssh, ssh6, ping_across, telnet].into_iter().map(|flow| probe("eth0", "eth1", flow)).collect();
    assert_eq!(namespace.send(&probes), [const { Outcome::Delivered }; 4]);
    let ruleset = "table inet t {
        chain input { type filter hook input priority filter; policy drop;
            tcp dport 22 accept
        }
    }";
    namespace.load_nft(ruleset).unwrap();
    use Outcome::{Delivered, Dropped};
    assert_eq!(namespace.send(&probes), [Delivered, Delivered, Dropped, Dropped]);
}

fn disagreements_are_told_in_words() {
    let expectations = [
        expect("eth0", "eth1", flow("10.0.0.1", "10.0.0.2", 6, 1, 443), false),
        expect("eth0", "eth1", flow("10.0.0.1", "10.0.0.2", 1, 8, 0), true),
    ];
    let ruleset = Ruleset::Nftables(forward("tcp dport 443 accept"));
    let told = check_device("fw", &["eth0".into(), "eth1".into()], &ruleset, &expectations).unwrap_err();
    let expected = "fw: the kernel disagrees about 2 of 2 flows
  eth0 -> eth1: 10.0.0.1 -> 10.0.0.2 tcp port 1 to 443 passes and should be dropped
  eth0 -> eth1: 10.0.0.1 -> 10.0.0.2 icmp type 8 code 0 is dropped and should pass";
    assert_eq!(told, expected);

    let twice = RULES_V6.replace("-F FORWARD\n", "");
    let ruleset = Ruleset::Iptables { v4: RULES_V4.to_owned(), v6: twice };
    let told = check_device("fw", &["eth0".into()], &ruleset, &[]).unwrap_err();
    assert_eq!(told, "fw: loading its rules a second time changes them");
}

fn namespaces_side_by_side() {
    let mut open = namespace(&["eth0", "eth1"]);
    let mut closed = namespace(&["eth0", "eth1"]);
    closed.load_nft(&forward("")).unwrap();
    let probes = [probe("eth0", "eth1", flow("10.0.0.1", "10.0.0.2", 6, 1, 443))];
    assert!(open.send(&probes)[0].is_through());
    assert!(!closed.send(&probes)[0].is_through());
    closed.clear().unwrap();
    open.load_iptables(RULES_V4, RULES_V6, Flush::Table).unwrap();
    assert!(closed.send(&probes)[0].is_through());
    assert!(!open.send(&probes)[0].is_through());
}
