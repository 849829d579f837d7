//! Packets per second: what a rule set costs on the way. Figures for the performance page, taken only if SEKISHO_SPEED=1: a busy machine must not fail a test.
//!
//! With SEKISHO_RULESET=FILE, SEKISHO_INTERFACES=IN,OUT and SEKISHO_FLOW=SRC,DST,PORT they are taken of packets of that flow through that file, too.

use std::fmt::Write as _;
use std::time::Duration;

use crate::Test;
use crate::forwarding::{flow, forward, namespace};
use crate::harness::Packet;

pub const TESTS: &[Test] = &[("throughput_of_a_large_map_is_that_of_a_small_one", throughput_of_a_large_map)];

/// A verdict map of this many disjoint elements, none of which matches the packets sent.
fn map_of(elements: u32) -> String {
    let mut text = String::from(
        "table inet sekisho\ndelete table inet sekisho\ntable inet sekisho {\nmap m {\n\
         type ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict\nflags interval\nelements = {\n",
    );
    for number in 0..elements {
        let [_, a, b, c] = number.to_be_bytes();
        writeln!(text, "172.{a}.{b}.{c} . 192.0.2.0/24 . tcp . 443-445 : accept,").expect("text grows");
    }
    text.push_str("}\n}\nchain forward {\ntype filter hook forward priority filter; policy drop;\n");
    text.push_str("ip saddr . ip daddr . meta l4proto . th dport vmap @m\n}\n}\n");
    text
}

fn throughput_of_a_large_map() {
    if std::env::var_os("SEKISHO_SPEED").is_none() {
        return println!("skipped: figures are taken with SEKISHO_SPEED=1");
    }
    throughput_of_a_file();
    let mut namespace = namespace(&["eth0", "eth1"]);
    let packets: Vec<Packet> = (0..10_000_u16)
        .map(|number| {
            Packet::first(&flow(&format!("172.99.{}.{}", number >> 8, number & 255), "198.51.100.7", 6, number, 443))
        })
        .collect();
    let mut rate = |title: &str, rules: Option<&str>| {
        namespace.clear().unwrap();
        if let Some(rules) = rules {
            let start = std::time::Instant::now();
            namespace.load_nft(rules).unwrap();
            println!("{title}: loaded in {:.2} s", start.elapsed().as_secs_f64());
        }
        let rate = namespace.throughput("eth0", "eth1", &packets, 1, Duration::from_millis(500));
        println!("{title}: {:.0} thousand packets a second", rate / 1000.0);
        rate
    };
    rate("no rules", None);
    rate("drop", Some(&forward("")));
    let small = rate("a map of 10 elements", Some(&map_of(10)));
    let large = rate("a map of 20,000 elements", Some(&map_of(20_000)));
    assert!(large * 4.0 > small, "{large:.0} packets a second through the large map, {small:.0} through the small one");
}

/// The packets of one flow, from many source ports, through a file and without it.
fn throughput_of_a_file() {
    let (Ok(file), Ok(interfaces), Ok(wanted)) =
        (std::env::var("SEKISHO_RULESET"), std::env::var("SEKISHO_INTERFACES"), std::env::var("SEKISHO_FLOW"))
    else {
        return;
    };
    let (input, output) = interfaces.split_once(',').expect("two interfaces");
    let fields: Vec<&str> = wanted.split(',').collect();
    let port = fields[2].parse().expect("a port");
    let packets: Vec<Packet> =
        (10_000..20_000).map(|from| Packet::first(&flow(fields[0], fields[1], 17, from, port))).collect();
    let mut namespace = namespace(&[input, output]);
    let rules = std::fs::read_to_string(&file).expect("a rule set");
    for (title, rules) in [("no rules", None), ("drop", Some(forward(""))), (file.as_str(), Some(rules))] {
        namespace.clear().unwrap();
        if let Some(rules) = rules {
            namespace.load_nft(&rules).unwrap();
        }
        let rate = namespace.throughput(input, output, &packets, 1, Duration::from_millis(1000));
        println!("{title}: {:.0} thousand packets a second", rate / 1000.0);
    }
}
