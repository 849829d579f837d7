//! The naive reference on tiny worlds whose answers were derived by hand from the contract: one test per sentence.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod reference;
mod worlds;

use reference::Verdict::{Drop, Pass, Unenforced, Unroutable};
use reference::{Reference, Verdict, sample};
use std::collections::BTreeSet;
use worlds::random::AT;
use worlds::{Flow, World};

/// Two sites, each with one network and one firewall, and a WAN between them.
fn two_sites() -> World {
    World::default()
        .transit("wan")
        .site("a")
        .network("a/n", "10.1.0.0/24, 2001:db8:1::/64", "")
        .site("b")
        .network("b/n", "10.2.0.0/24, 2001:db8:2::/64", "")
        .host("b/erp", "10.2.0.10", "")
        .firewall("fa", "a", "a/n wan")
        .firewall("fb", "b", "b/n wan")
}

/// One site with two networks that two firewalls join in parallel.
fn parallel() -> World {
    World::default()
        .site("a")
        .network("a/x", "10.1.0.0/24", "")
        .network("a/y", "10.1.1.0/24", "")
        .firewall("f1", "a", "a/x a/y")
        .firewall("f2", "a", "a/x a/y")
        .allow("R", "a/x", "a/y", "tcp/443")
}

/// One network, one firewall, the internet.
fn breakout() -> World {
    World::default()
        .internet("inet")
        .site("a")
        .network("a/n", "10.1.0.0/24, 20.1.0.0/24", "")
        .firewall("f", "a", "a/n inet")
        .allow("OUT", "a", "inet", "tcp/443")
}

fn tcp(from: &str, to: &str) -> Flow {
    Flow::tcp(from, to, 443)
}

fn verdict(world: &World, flow: &Flow) -> Verdict {
    Reference::new(world, AT).verdict(flow)
}

#[track_caller]
fn says(world: &World, from: &str, to: &str, expected: Verdict) {
    assert_eq!(verdict(world, &tcp(from, to)), expected, "{from} -> {to}");
}

/// The pairs of interfaces by which a firewall must pass a flow, as `in>out` joined by blanks.
fn pairs(world: &World, firewall: &str, flow: &Flow) -> String {
    let reference = Reference::new(world, AT);
    let device = world.devices.iter().find(|device| device.name == firewall).unwrap();
    let names: Vec<&String> = device.interfaces.iter().map(|interface| &interface.name).collect();
    let all = names.iter().flat_map(|from| names.iter().map(move |to| (*from, *to)));
    let passing = all.filter(|(from, to)| reference.expected(firewall, from, to, flow));
    passing.map(|(from, to)| format!("{from}>{to}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_an_allow_covers_passes_and_nothing_else() {
    let world = two_sites().allow("R", "a/n", "b/erp", "tcp/443");
    says(&world, "10.1.0.1", "10.2.0.10", Pass);
    says(&world, "10.1.0.1", "10.2.0.11", Drop);
    says(&world, "10.2.0.10", "10.1.0.1", Drop);
    assert_eq!(verdict(&world, &Flow::tcp("10.1.0.1", "10.2.0.10", 444)), Drop);
    assert_eq!(verdict(&world, &Flow::ports("10.1.0.1", "10.2.0.10", 17, 1, 443)), Drop);
}

#[test]
fn a_deny_beats_an_allow() {
    let world = two_sites().allow("R", "a", "b", "any").deny("D", "a", "b/erp", "tcp/443");
    says(&world, "10.1.0.1", "10.2.0.10", Drop);
    says(&world, "10.1.0.1", "10.2.0.11", Pass);
    let rules = Reference::new(&world, AT).rules_of(&tcp("10.1.0.1", "10.2.0.10"));
    assert_eq!(rules, BTreeSet::from(["D".to_string(), "R".to_string()]));
}

#[test]
fn both_ends_of_the_dates_are_inside() {
    let world = two_sites().allow("R", "a", "b", "any").dates("2026-06-15", "2026-06-16");
    let at = |date: &str| Reference::new(&world, date).verdict(&tcp("10.1.0.1", "10.2.0.10"));
    let days = ["2026-06-14", "2026-06-15", "2026-06-16", "2026-06-17"];
    assert_eq!(days.map(at), [Drop, Pass, Pass, Drop]);
}

#[test]
fn dates_of_a_purpose_and_of_its_rule_are_both_bounds() {
    let world = two_sites().allow("R", "a", "b", "any").dates("2026-06-10", "2026-06-20").within(
        "p",
        "2026-06-15",
        "2026-06-30",
    );
    let at = |date: &str| Reference::new(&world, date).verdict(&tcp("10.1.0.1", "10.2.0.10"));
    assert_eq!(["2026-06-14", "2026-06-15", "2026-06-20", "2026-06-21"].map(at), [Drop, Pass, Pass, Drop]);
}

#[test]
fn an_inactive_deny_denies_nothing() {
    let world = two_sites().allow("R", "a", "b", "any").deny("D", "a", "b", "any").dates("", "2026-06-14");
    says(&world, "10.1.0.1", "10.2.0.10", Pass);
}

#[test]
fn both_ways_turns_addresses_round_but_not_ports() {
    let world = two_sites().allow("R", "a", "b/erp", "tcp/443").both_ways();
    says(&world, "10.2.0.10", "10.1.0.1", Pass);
    assert_eq!(verdict(&world, &Flow::ports("10.2.0.10", "10.1.0.1", 6, 443, 5000)), Drop);
}

#[test]
fn source_ports_are_before_the_colon() {
    let world = two_sites().allow("R", "a", "b", "tcp/53:1024-65535");
    let answer = |from: u16, to: u16| verdict(&world, &Flow::ports("10.1.0.1", "10.2.0.10", 6, from, to));
    assert_eq!([answer(53, 1024), answer(53, 65535), answer(53, 1023), answer(1024, 53)], [Pass, Pass, Drop, Drop]);
}

#[test]
fn icmp_and_icmp6_are_two_protocols() {
    let world = two_sites().allow("R", "a", "b", "icmp/8");
    assert_eq!(verdict(&world, &Flow::ports("10.1.0.1", "10.2.0.10", 1, 8, 0)), Pass);
    assert_eq!(verdict(&world, &Flow::ports("10.1.0.1", "10.2.0.10", 1, 8, 7)), Pass);
    assert_eq!(verdict(&world, &Flow::ports("10.1.0.1", "10.2.0.10", 1, 0, 0)), Drop);
    assert_eq!(verdict(&world, &Flow::ports("2001:db8:1::1", "2001:db8:2::1", 58, 8, 0)), Drop);
}

#[test]
fn protocol_6_is_tcp() {
    let world = two_sites().allow("R", "a", "b", "protocol/6");
    says(&world, "10.1.0.1", "10.2.0.10", Pass);
}

#[test]
fn services_except_services() {
    let world = two_sites().service("most", "any except tcp/443").allow("R", "a", "b", "most");
    says(&world, "10.1.0.1", "10.2.0.10", Drop);
    assert_eq!(verdict(&world, &Flow::tcp("10.1.0.1", "10.2.0.10", 442)), Pass);
}

#[test]
fn ipv6_goes_as_ipv4_does() {
    let world = two_sites().allow("R", "a", "b", "tcp/443");
    says(&world, "2001:db8:1::1", "2001:db8:2::1", Pass);
    says(&world, "2001:db8:3::1", "2001:db8:2::1", Unroutable);
}

#[test]
fn an_unknown_end_is_unroutable() {
    let world = two_sites().allow("R", "any", "any", "any");
    says(&world, "10.3.0.1", "10.2.0.10", Unroutable);
    says(&world, "10.1.0.1", "8.8.8.8", Unroutable);
    assert!(!Reference::new(&world, AT).permitted(&tcp("10.1.0.1", "8.8.8.8")));
}

#[test]
fn what_nothing_joins_is_unroutable() {
    let world = two_sites().network("b/lone", "10.2.9.0/24", "").allow("R", "any", "any", "any");
    says(&world, "10.1.0.1", "10.2.9.1", Unroutable);
    says(&world, "10.2.0.1", "10.2.9.1", Unroutable);
    says(&world, "10.2.9.2", "10.2.9.1", Unenforced);
}

#[test]
fn one_zone_is_unenforced_whatever_a_policy_says() {
    let world =
        two_sites().network("a/lab", "10.1.9.0/24", "").router("core", "a", "a/n a/lab").deny("D", "any", "any", "any");
    says(&world, "10.1.0.1", "10.1.9.1", Unenforced);
    says(&world, "10.1.9.1", "10.2.0.10", Drop);
}

#[test]
fn a_firewall_with_two_interfaces_in_one_zone_is_bypassed() {
    let world = two_sites().network("a/lab", "10.1.9.0/24", "").router("core", "a", "a/n a/lab").firewall(
        "f",
        "a",
        "a/n a/lab",
    );
    says(&world, "10.1.0.1", "10.1.9.1", Unenforced);
    assert_eq!(pairs(&world, "f", &tcp("10.1.0.1", "10.1.9.1")), "");
}

#[test]
fn a_quarantine_beats_both_but_keeps_what_it_keeps() {
    let world = two_sites()
        .allow("R", "a", "b", "any")
        .allow("EDR", "a", "b/erp", "tcp/443")
        .quarantine("Q", "a", "EDR", "", "");
    says(&world, "10.1.0.1", "10.2.0.10", Pass);
    says(&world, "10.1.0.1", "10.2.0.11", Drop);
    let denied = world.clone().deny("D", "a", "b", "any");
    says(&denied, "10.1.0.1", "10.2.0.10", Drop);
    let twice = world.quarantine("Q2", "b", "", "", "");
    says(&twice, "10.1.0.1", "10.2.0.10", Drop);
}

#[test]
fn a_lapsed_quarantine_or_a_lapsed_kept_rule_does_nothing() {
    let lapsed = two_sites().allow("R", "a", "b", "any").quarantine("Q", "a", "", "", "2026-06-14");
    says(&lapsed, "10.1.0.1", "10.2.0.10", Pass);
    let kept = two_sites().allow("R", "a", "b", "any").allow("K", "a", "b", "any").dates("", "2026-06-14");
    says(&kept.quarantine("Q", "a", "K", "", ""), "10.1.0.1", "10.2.0.10", Drop);
}

#[test]
fn the_internet_is_every_public_address_that_no_network_holds() {
    let world = breakout();
    says(&world, "10.1.0.1", "8.8.8.8", Pass);
    says(&world, "20.1.0.1", "20.2.0.1", Pass);
    says(&world, "10.1.0.1", "172.16.0.1", Unroutable);
    says(&world, "10.1.0.1", "172.32.0.1", Pass);
    says(&world, "8.8.8.8", "9.9.9.9", Unroutable);
    says(&world, "8.8.8.8", "20.1.0.1", Drop);
    says(&world, "10.1.0.1", "20.1.0.1", Unenforced);
}

#[test]
fn the_internet_is_no_way_between_two_sites() {
    let world = World::default()
        .internet("i1")
        .internet("i2")
        .site("a")
        .network("a/n", "10.1.0.0/24", "")
        .site("b")
        .network("b/n", "10.2.0.0/24", "")
        .firewall("fa", "a", "a/n i1")
        .firewall("fb", "b", "b/n i2")
        .allow("R", "any", "any", "any");
    says(&world, "10.1.0.1", "10.2.0.1", Unroutable);
    says(&world, "10.1.0.1", "8.8.8.8", Pass);
    assert_eq!(pairs(&world, "fb", &tcp("10.1.0.1", "8.8.8.8")), "");
    assert_eq!(pairs(&world, "fb", &tcp("8.8.8.8", "10.2.0.1")), "eth1>eth0");
}

#[test]
fn on_a_line_a_flow_comes_in_at_one_side_only() {
    let world = two_sites().allow("R", "any", "any", "any");
    let flow = tcp("10.1.0.1", "10.2.0.10");
    assert_eq!([pairs(&world, "fa", &flow), pairs(&world, "fb", &flow)], ["eth0>eth1", "eth1>eth0"]);
    assert!(Reference::new(&world, AT).must_pass("fa", &flow));
}

#[test]
fn a_spoofed_source_is_dropped() {
    let world = two_sites().firewall("fc", "a", "a/n").allow("R", "any", "any", "any");
    let reference = Reference::new(&world, AT);
    let flow = tcp("10.1.0.1", "10.2.0.10");
    assert!(!reference.expected("fa", "eth1", "eth0", &flow));
    assert!(!reference.expected("fa", "eth1", "eth1", &flow));
    assert!(!reference.must_pass("fc", &flow));
}

#[test]
fn parallel_firewalls_must_both_pass() {
    let flow = tcp("10.1.0.1", "10.1.1.1");
    assert_eq!([pairs(&parallel(), "f1", &flow), pairs(&parallel(), "f2", &flow)], ["eth0>eth1", "eth0>eth1"]);
    assert_eq!(pairs(&parallel(), "f1", &tcp("10.1.1.1", "10.1.0.1")), "");
}

#[test]
fn nested_firewalls_are_all_on_the_way() {
    let world = World::default()
        .transit("wan")
        .site("a")
        .network("a/outer", "10.1.0.0/24", "")
        .network("a/inner", "10.1.1.0/24", "")
        .site("b")
        .network("b/n", "10.2.0.0/24", "")
        .firewall("border", "a", "wan a/outer")
        .firewall("deep", "a", "a/outer a/inner")
        .firewall("fb", "b", "b/n wan")
        .allow("R", "any", "any", "any");
    let flow = tcp("10.2.0.1", "10.1.1.1");
    assert_eq!(
        ["fb", "border", "deep"].map(|name| pairs(&world, name, &flow)),
        ["eth0>eth1", "eth0>eth1", "eth0>eth1"]
    );
    assert_eq!(pairs(&world, "deep", &tcp("10.2.0.1", "10.1.0.1")), "");
}

#[test]
fn an_inner_path_keeps_the_others_out() {
    let world = World::default()
        .transit("wan")
        .site("a")
        .network("a/x", "10.1.0.0/24", "")
        .network("a/y", "10.1.1.0/24", "")
        .firewall("fx", "a", "a/x wan")
        .firewall("fy", "a", "a/y wan")
        .allow("R", "any", "any", "any");
    let flow = tcp("10.1.0.1", "10.1.1.1");
    assert_eq!(["fx", "fy"].map(|name| pairs(&world, name, &flow)), ["eth0>eth1", "eth1>eth0"]);
    let inner = world.firewall("fi", "a", "a/x a/y");
    assert_eq!(["fx", "fy", "fi"].map(|name| pairs(&inner, name, &flow)), ["", "", "eth0>eth1"]);
}

#[test]
fn another_sites_firewall_is_on_no_way_unless_it_is_a_hub() {
    let spokes = |hub: bool| {
        let world = World::default().transit("w1").transit("w2");
        let world = if hub { world.hub("h") } else { world.site("h") };
        world
            .network("h/n", "10.9.0.0/24", "")
            .site("a")
            .network("a/n", "10.1.0.0/24", "")
            .site("b")
            .network("b/n", "10.2.0.0/24", "")
            .firewall("fa", "a", "a/n w1")
            .firewall("fb", "b", "b/n w2")
            .firewall("fh", "h", "w1 w2 h/n")
            .allow("R", "any", "any", "any")
    };
    says(&spokes(false), "10.1.0.1", "10.2.0.1", Unroutable);
    says(&spokes(false), "10.1.0.1", "10.9.0.1", Pass);
    says(&spokes(true), "10.1.0.1", "10.2.0.1", Pass);
    assert_eq!(pairs(&spokes(true), "fh", &tcp("10.1.0.1", "10.2.0.1")), "eth0>eth1");
}

#[test]
fn a_firewall_without_a_site_is_core() {
    let world = World::default()
        .transit("w1")
        .transit("w2")
        .site("a")
        .network("a/n", "10.1.0.0/24", "")
        .site("b")
        .network("b/n", "10.2.0.0/24", "")
        .router("ra", "a", "a/n w1")
        .firewall("fb", "b", "b/n w2")
        .firewall("core", "", "w1 w2")
        .allow("R", "any", "any", "any");
    assert_eq!(
        ["core", "fb"].map(|name| pairs(&world, name, &tcp("10.1.0.1", "10.2.0.1"))),
        ["eth0>eth1", "eth1>eth0"]
    );
}

/// `a/n` - f1 - m1 - f2 - `b/n` and `a/n` - f3 - m2 - f4 - `b/n`, with fx across from m1 to m2.
#[test]
fn inside_a_loop_every_pair_of_the_block_but_backwards() {
    let world = World::default()
        .transit("m1")
        .transit("m2")
        .site("a")
        .network("a/n", "10.1.0.0/24", "")
        .network("a/z", "10.1.1.0/24", "")
        .firewall("f1", "", "a/n m1")
        .firewall("f2", "", "m1 a/z")
        .firewall("f3", "", "a/n m2")
        .firewall("f4", "", "m2 a/z")
        .firewall("fx", "", "m1 m2")
        .allow("R", "any", "any", "any");
    let flow = tcp("10.1.0.1", "10.1.1.1");
    assert_eq!(pairs(&world, "fx", &flow), "eth0>eth1 eth1>eth0");
    assert_eq!(["f1", "f2", "f3", "f4"].map(|name| pairs(&world, name, &flow)), ["eth0>eth1"; 4]);
    assert_eq!(Reference::new(&world, AT).unsound_pairs(&flow), []);
}

#[test]
fn a_firewall_that_joins_two_blocks_takes_from_one_and_gives_to_the_other() {
    let world = World::default()
        .transit("w1")
        .transit("w2")
        .transit("side")
        .site("a")
        .network("a/n", "10.1.0.0/24", "")
        .site("b")
        .network("b/n", "10.2.0.0/24", "")
        .firewall("fa", "", "a/n w1 w2")
        .firewall("mid", "", "w1 w2 b/n side")
        .allow("R", "any", "any", "any");
    assert_eq!(pairs(&world, "mid", &tcp("10.1.0.1", "10.2.0.1")), "eth0>eth2 eth1>eth2");
    assert_eq!(pairs(&world, "fa", &tcp("10.1.0.1", "10.2.0.1")), "eth0>eth1 eth0>eth2");
    assert_eq!(pairs(&world, "fa", &tcp("10.2.0.1", "10.1.0.1")), "eth1>eth0 eth2>eth0");
}

#[test]
fn the_innermost_network_decides_the_zone_and_the_outer_name_includes_it() {
    let world = World::default()
        .site("a")
        .network("a/outer", "10.1.0.0/16", "tag:t")
        .subnet("a/inner", "outer", "10.1.1.0/24")
        .network("a/x", "10.9.0.0/24", "")
        .firewall("f", "a", "a/outer a/inner a/x")
        .allow("R", "a/x", "a/outer", "tcp/443")
        .allow("T", "tag:t & a/inner", "a/x", "tcp/443");
    assert_eq!(pairs(&world, "f", &tcp("10.9.0.1", "10.1.1.1")), "eth2>eth1");
    assert_eq!(pairs(&world, "f", &tcp("10.9.0.1", "10.1.2.1")), "eth2>eth0");
    says(&world, "10.1.1.1", "10.9.0.1", Pass);
    says(&world, "10.1.2.1", "10.9.0.1", Drop);
    says(&world, "10.1.2.1", "10.1.1.1", Drop);
}

#[test]
fn selectors_add_up_and_except_takes_away() {
    let world = two_sites()
        .network("b/lab", "10.2.9.0/24", "class:secret")
        .firewall("fl", "b", "b/n b/lab")
        .label("country:JP")
        .group("japan", "country:JP except class:secret")
        .allow("R", "a", "japan", "any");
    says(&world, "10.1.0.1", "10.2.0.1", Pass);
    says(&world, "10.1.0.1", "10.2.9.1", Drop);
    let both = two_sites()
        .network("b/lab", "10.2.9.0/24", "class:secret")
        .firewall("fl", "b", "b/n b/lab")
        .label("country:JP");
    let both = both.allow("R", "a", "country:JP & class:secret", "any");
    says(&both, "10.1.0.1", "10.2.0.1", Drop);
    says(&both, "10.1.0.1", "10.2.9.1", Pass);
}

#[test]
fn star_name_is_every_network_and_host_of_that_name() {
    let world = two_sites().allow("R", "*/n", "*/erp", "any");
    says(&world, "10.1.0.1", "10.2.0.10", Pass);
    says(&world, "10.1.0.1", "10.2.0.11", Drop);
}

#[test]
fn an_address_literal_stands_for_its_known_addresses() {
    let world = two_sites().allow("R", "10.0.0.0/8", "10.2.0.4-10.2.0.7", "any");
    says(&world, "10.1.0.1", "10.2.0.4", Pass);
    says(&world, "10.1.0.1", "10.2.0.8", Drop);
    says(&world, "10.7.0.1", "10.2.0.4", Unroutable);
}

#[test]
fn hosts_may_share_an_address() {
    let world = two_sites().host("b/other", "10.2.0.8-10.2.0.11", "tag:t").allow("R", "a", "tag:t except b/erp", "any");
    says(&world, "10.1.0.1", "10.2.0.9", Pass);
    says(&world, "10.1.0.1", "10.2.0.10", Drop);
}

#[test]
fn input_is_filtered_only_where_the_device_is_protected() {
    let world =
        two_sites().firewall("fp", "b", "b/n wan").protected("10.2.0.1 172.30.0.1").allow("R", "a", "fp", "tcp/22");
    let reference = Reference::new(&world, AT);
    let ssh = Flow::tcp("10.1.0.1", "10.2.0.1", 22);
    assert_eq!(reference.expected_input("fp", "eth1", &ssh), Some(true));
    assert_eq!(reference.expected_input("fp", "eth0", &ssh), Some(true));
    assert_eq!(reference.expected_input("fp", "eth0", &tcp("10.1.0.1", "10.2.0.1")), Some(false));
    assert_eq!(reference.expected_input("fp", "eth1", &tcp("10.1.0.1", "10.2.0.2")), None);
    let error = Flow::ports("10.9.9.9", "10.2.0.1", 1, 3, 1);
    assert_eq!(reference.expected_input("fp", "eth1", &error), Some(true));
    let open = two_sites().firewall("fp", "b", "b/n wan").allow("R", "a", "b", "tcp/22");
    assert_eq!(Reference::new(&open, AT).expected_input("fp", "eth1", &ssh), None);
}

#[test]
fn blocks_allow_whatever_a_simple_path_uses() {
    for seed in 0..150 {
        let world = World::random(seed);
        let reference = Reference::new(&world, AT);
        for flow in sample::sample(&reference, seed, 150) {
            assert_eq!(reference.unsound_pairs(&flow), [], "world {seed}\n{}\n{flow:?}", world.text());
        }
    }
}

#[test]
fn random_worlds_have_every_verdict_and_every_seed_one_world() {
    let mut seen = BTreeSet::new();
    for seed in 0..20 {
        let world = World::random(seed);
        assert_eq!(world, World::random(seed));
        let reference = Reference::new(&world, AT);
        seen.extend(sample::sample(&reference, seed, 300).iter().map(|flow| reference.verdict(flow)));
    }
    assert_eq!(seen, BTreeSet::from([Pass, Drop, Unenforced, Unroutable]));
}

#[test]
fn random_worlds_are_valid() {
    for seed in 0..300 {
        let world = World::random(seed);
        let sets = reference::sets::Sets { world: &world };
        let home = |address| sets.network_of(address).map(|(site, network)| (site.name.clone(), network.name.clone()));
        for (site, host) in world.hosts() {
            let homes: BTreeSet<_> =
                host.addresses.iter().flat_map(|span| [span.first, span.last]).map(&home).collect();
            assert_eq!(homes.len(), 1, "world {seed}: {}/{} {homes:?}", site.name, host.name);
            assert_eq!(homes.first().unwrap().as_ref().unwrap().0, site.name, "world {seed}");
        }
        let mut taken = BTreeSet::new();
        for interface in world.devices.iter().flat_map(|device| &device.interfaces) {
            for address in &interface.addresses {
                let home = home(*address).map(|(site, network)| format!("{site}/{network}"));
                let joins = Some(interface.joins.clone()).filter(|joins| joins.contains('/'));
                assert_eq!(home, joins, "world {seed}: {address}");
                assert!(taken.insert(*address), "world {seed}: {address} twice");
            }
        }
        for (site, network) in world.networks() {
            for (other_site, other) in world.networks().filter(|(other_site, _)| other_site.name != site.name) {
                let apart =
                    |one: &worlds::Span| !other.prefixes.iter().any(|two| one.holds(two.first) || two.holds(one.first));
                assert!(network.prefixes.iter().all(apart), "world {seed}: {} {}", other_site.name, site.name);
            }
        }
    }
}
