//! What the naive reference says about all packets, on tiny worlds whose answers were derived by hand from the contract:
//! assertions, chains, mends, and the reading of rows.

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

use reference::answers::{self, Cut, Product, Row};
use reference::assertions::{Judge, Outcome};
use reference::chains::{Chains, Hops};
use reference::classes::{Asked, Block};
use reference::table::Table;
use reference::{Reference, Verdict, sample};
use serde_json::json;
use std::collections::BTreeSet;
use std::net::IpAddr;
use worlds::random::AT;
use worlds::{Endpoints, Flow, Span, World};

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

/// A branch, a server site, an internal network and the directory behind it; each behind a firewall of its own.
fn incident() -> World {
    World::default()
        .transit("wan")
        .site("branch")
        .network("branch/office", "10.1.0.0/24", "")
        .site("dc")
        .network("dc/front", "10.2.0.0/24", "")
        .host("dc/web", "10.2.0.10", "")
        .host("dc/jump", "10.2.0.11", "")
        .network("dc/inner", "10.3.0.0/24", "")
        .host("dc/files", "10.3.0.10", "")
        .network("dc/core", "10.4.0.0/24", "")
        .host("dc/directory", "10.4.0.10", "")
        .firewall("f1", "branch", "branch/office wan")
        .firewall("f2", "dc", "wan dc/front")
        .firewall("f3", "dc", "dc/front dc/inner")
        .firewall("f4", "dc", "dc/inner dc/core")
}

fn judge<T>(world: &World, date: &str, ask: impl FnOnce(&Judge<'_, '_, '_>) -> T) -> T {
    let reference = Reference::new(world, date);
    let table = Table::new(&reference, &Asked::default());
    ask(&Judge::new(&table, world.assertions.last().unwrap()))
}

#[track_caller]
fn finds(world: &World, expected: Outcome) {
    assert_eq!(judge(world, AT, |judge| judge.outcome()), expected);
}

#[track_caller]
fn proved(world: &World) {
    finds(world, Outcome::Proved);
}

#[track_caller]
fn violated(world: &World) {
    finds(world, Outcome::Violated);
}

/// The length of the shortest chain that violates the last assertion.
fn length(world: &World) -> Option<usize> {
    judge(world, AT, |judge| judge.length())
}

/// The least number of rules that mend the last assertion.
fn least_mend(world: &World) -> Option<usize> {
    judge(world, AT, |judge| judge.least_mend().unwrap())
}

/// The lengths of the shortest chains from an expression to some addresses.
fn blast<const N: usize>(world: &World, from: &str, to: [&str; N]) -> [Option<usize>; N] {
    let reference = Reference::new(world, AT);
    let from = Endpoints::parse(from);
    let asked = Asked { endpoints: vec![from.clone()], services: Vec::new() };
    let table = Table::new(&reference, &asked);
    let hops = Hops::new(&table, &table.served(None));
    let lengths = Chains::new(&table, &hops, 0).lengths(&table.held(&from));
    to.map(|address| lengths[table.place_of(address.parse::<IpAddr>().unwrap())])
}

#[test]
fn the_table_says_what_the_reference_says() {
    for seed in 0..40 {
        let world = if seed < 20 { World::random(seed) } else { World::asked(seed) };
        let reference = Reference::new(&world, AT);
        let table = Table::new(&reference, &Asked::default());
        for flow in sample::sample(&reference, seed, 150) {
            let triple = table.triple_of(&flow);
            assert_eq!(table.verdict(triple, 0), reference.verdict(&flow), "world {seed}\n{}\n{flow:?}", world.text());
            let allows: Vec<String> = reference.allows_of(&flow).into_iter().collect();
            assert_eq!(table.names(table.facts(triple).allows), allows, "world {seed} {flow:?}");
        }
    }
}

#[test]
fn classes_hold_every_address_and_every_packet_once() {
    let world = World::asked(1);
    let reference = Reference::new(&world, AT);
    let table = Table::new(&reference, &Asked::default());
    let cells = table.places.iter().flat_map(|place| &place.cells);
    let four: u128 = cells.filter(|cell| cell.first.is_ipv4()).map(Span::size).sum();
    assert_eq!(four, 1 << 32);
    let width = |(low, high): (u16, u16)| u64::from(high - low) + 1;
    let blocks: Vec<&Block> = table.kinds.iter().flat_map(|kind| &kind.cells).collect();
    let size = |protocol: u8| -> u64 {
        let own = blocks.iter().filter(|one| one.protocols == (protocol, protocol));
        own.map(|one| width(one.first) * width(one.second)).sum()
    };
    assert_eq!([size(6), size(17), size(132), size(1), size(58)], [1 << 32, 1 << 32, 1 << 32, 1 << 16, 1 << 16]);
    assert!((0..=255).all(|protocol| size(protocol) > 0));
}

#[test]
fn never_is_violated_by_what_passes_and_by_what_nothing_enforces() {
    let world = two_sites().allow("R", "a", "b/erp", "tcp/443");
    violated(&world.clone().never("N", "a", "b"));
    proved(&world.clone().never("N", "a", "b").on("udp"));
    proved(&world.clone().never("N", "b", "a"));
    violated(&world.clone().never("N", "b", "a").asserting(|one| one.both_ways = true));
    proved(&world.clone().never("N", "a", "b except b/erp"));
    violated(&world.never("N", "any", "b/erp").on("udp"));
}

#[test]
fn the_violating_flows_are_exactly_those() {
    let world = two_sites().allow("R", "a", "b/erp", "tcp/440-450").never("N", "10.1.0.0/28", "b").on("tcp/443-500");
    let reference = Reference::new(&world, AT);
    let table = Table::new(&reference, &Asked::default());
    let judge = Judge::new(&table, &world.assertions[0]);
    let violating: BTreeSet<_> =
        judge.violating().into_iter().map(|triple| table.flow(triple).unwrap().csv()).collect();
    assert_eq!(violating, BTreeSet::from(["10.1.0.0,10.2.0.10,tcp,0,443".to_string()]));
}

#[test]
fn only_spares_the_zone_of_the_destination() {
    let world = two_sites().allow("R", "a", "b/erp", "tcp/22");
    proved(&world.clone().only("O", "a", "b"));
    violated(&world.clone().only("O", "10.1.0.7", "b"));
    violated(&world.clone().only("O", "b", "b"));
    proved(&world.only("O", "b", "b").on("udp"));
}

#[test]
fn must_wants_every_flow_but_not_those_without_a_firewall() {
    let world = two_sites().allow("R", "a", "b/erp", "tcp/443");
    proved(&world.clone().must("M", "a", "b/erp").on("tcp/443"));
    violated(&world.clone().must("M", "a", "b/erp").on("tcp/443-444"));
    violated(&world.clone().must("M", "a", "b").on("tcp/443"));
    proved(&world.clone().must("M", "b/n", "b/erp"));
    violated(&world.must("M", "a", "b/erp").on("tcp/443").asserting(|one| one.both_ways = true));
}

#[test]
fn without_a_path_never_holds_and_must_does_not() {
    let world = World::default()
        .site("a")
        .network("a/x", "10.1.0.0/24", "")
        .network("a/y", "10.1.1.0/24", "")
        .allow("R", "any", "any", "any");
    proved(&world.clone().never("N", "a/x", "a/y"));
    violated(&world.must("M", "a/x", "a/y"));
}

#[test]
fn flows_between_public_addresses_are_in_no_assertion() {
    let world = World::default()
        .internet("inet")
        .site("a")
        .network("a/n", "10.1.0.0/24", "")
        .firewall("f", "a", "a/n inet")
        .allow("R", "any", "any", "any");
    proved(&world.clone().must("M", "any", "any"));
    proved(&world.clone().never("N", "inet", "inet"));
    violated(&world.never("N", "inet", "any"));
}

#[test]
fn an_assertion_has_dates_and_so_has_its_purpose() {
    let world = two_sites().allow("R", "a", "b", "any").never("N", "a", "b");
    let until = |date: &str| world.clone().asserting(|one| one.until = Some(date.to_string()));
    finds(&until("2026-06-14"), Outcome::Inactive);
    violated(&until("2026-06-15"));
    let mut inside = until("2026-12-31");
    inside = inside.allow("X", "a", "b", "any").within("p", "2026-07-01", "");
    inside.assertions[0].purpose = Some("p".to_string());
    finds(&inside, Outcome::Inactive);
}

#[test]
fn a_waiver_takes_one_rule_away_from_one_assertion() {
    let world = two_sites().allow("R", "a", "b", "any").never("N", "a", "b");
    proved(&world.clone().waive("N", "R", "", "2026-06-15"));
    violated(&world.clone().waive("N", "R", "", "2026-06-14"));
    violated(&world.clone().waive("N", "R", "2026-06-16", "2026-12-31"));
    violated(&world.clone().allow("S", "a", "b/erp", "tcp/22").waive("N", "R", "", "2026-12-31"));
    violated(&world.waive("N", "R", "", "2026-12-31").never("N2", "a", "b"));
}

#[test]
fn what_a_quarantine_keeps_counts_only_while_it_is_not_waived() {
    let held = |keep: &str| {
        let world = two_sites().allow("R", "a", "b", "any").allow("K", "a", "b/erp", "tcp/443");
        world.quarantine("Q", "b", keep, "", "").never("N", "a", "b")
    };
    proved(&held(""));
    violated(&held("K"));
    proved(&held("K").waive("N", "K", "", "2026-12-31"));
    violated(&held("K").waive("N", "R", "", "2026-12-31"));
    proved(&held("").must("M", "b/n", "b/erp"));
    violated(&held("").must("M", "a", "b"));
}

/// Two ways from `a` to `b`: by f1, a router and f3, or by f2.
fn two_ways() -> World {
    World::default()
        .site("a")
        .network("a/n", "10.1.0.0/24", "")
        .network("a/mid", "10.1.1.0/24", "")
        .network("a/dmz", "10.1.2.0/24", "")
        .network("a/end", "10.1.3.0/24", "")
        .firewall("f1", "", "a/n a/mid")
        .router("r", "", "a/mid a/dmz")
        .firewall("f2", "", "a/n a/end")
        .firewall("f3", "", "a/dmz a/end")
        .allow("R", "any", "any", "any")
        .must("M", "a/n", "a/end")
}

#[test]
fn via_wants_one_of_the_named_things_on_every_path() {
    for named in ["f1", "f2", "f3", "r", "a/mid", "a/dmz"] {
        violated(&two_ways().via(named));
    }
    for named in ["f1 f2", "f2 f3", "f2 r", "f2 a/mid", "f2 a/dmz", "a/n", "a/end"] {
        proved(&two_ways().via(named));
    }
}

#[test]
fn a_firewall_that_joins_two_segments_of_a_zone_gets_around_the_router() {
    let shortcut = two_ways().firewall("f4", "", "a/n a/dmz");
    violated(&shortcut.clone().via("f2 r"));
    violated(&shortcut.clone().via("f2 f1"));
    proved(&shortcut.via("f2 f3"));
}

#[test]
fn inside_one_zone_a_flow_crosses_no_firewall_but_may_cross_a_router() {
    let world = World::default()
        .site("a")
        .network("a/x", "10.1.0.0/24", "")
        .network("a/y", "10.1.1.0/24", "")
        .router("r", "", "a/x a/y")
        .must("M", "a/x", "a/y");
    proved(&world.clone().via("r"));
    violated(&world.clone().router("r2", "", "a/x a/y").via("r"));
    proved(&world.clone().router("r2", "", "a/x a/y").via("r r2"));
    violated(&world.firewall("f", "", "a/x a/y").via("f"));
}

#[test]
fn via_a_transit_is_between_the_sites() {
    let world = two_sites().allow("R", "a", "b", "any").must("M", "a", "b");
    proved(&world.clone().via("wan"));
    proved(&world.clone().via("fb"));
    violated(
        &world.clone().transit("wan2").firewall("fa2", "a", "a/n wan2").firewall("fb2", "b", "b/n wan2").via("wan"),
    );
    violated(&world.must("M2", "b/n", "b/erp").via("fb"));
}

#[test]
fn one_hop_from_the_branch_to_a_server() {
    let world = incident().allow("R", "branch", "dc/web", "tcp/445").never("N", "branch", "dc/web").transitive();
    assert_eq!(length(&world), Some(1));
    assert_eq!(least_mend(&world), Some(1));
    assert_eq!(length(&incident().never("N", "branch", "dc/web").transitive()), None);
}

#[test]
fn three_hops_from_the_branch_to_the_directory() {
    let world = incident()
        .allow("H1", "branch", "dc/web", "tcp/443")
        .allow("H2", "dc/web", "dc/files", "tcp/445")
        .allow("H3", "dc/files", "dc/directory", "tcp/389")
        .never("N", "branch", "dc/directory")
        .transitive();
    assert_eq!(length(&world), Some(3));
    assert_eq!(length(&world.clone().on("tcp/443, tcp/445")), None);
    assert_eq!(length(&world.clone().waive("N", "H2", "", "2026-12-31")), None);
    assert_eq!(least_mend(&world), Some(1));
    let mut reversed = world.clone();
    let last = reversed.assertions.last_mut().unwrap();
    std::mem::swap(&mut last.from, &mut last.to);
    assert_eq!(length(&reversed), None);
    assert_eq!(length(&reversed.asserting(|one| one.both_ways = true)), Some(3));
    let ends = ["10.2.0.10", "10.2.0.11", "10.3.0.10", "10.3.0.9", "10.4.0.10", "10.4.0.9", "10.1.0.7"];
    let expected = [Some(1), Some(2), Some(2), Some(3), Some(3), Some(4), Some(1)];
    assert_eq!(blast(&world, "branch", ends), expected);
}

#[test]
fn movement_counts_at_the_ends_and_not_between_two_hops() {
    let world = incident()
        .allow("H1", "branch", "dc/web", "tcp/443")
        .allow("H2", "dc/jump", "dc/files", "tcp/445")
        .allow("X", "10.1.0.7", "dc/core", "tcp/1");
    assert_eq!(length(&world.clone().never("N", "branch", "dc/files").transitive()), Some(2));
    assert_eq!(length(&world.clone().never("N", "branch", "dc/jump").transitive()), Some(2));
    assert_eq!(length(&world.clone().never("N", "dc/web", "dc/files").transitive()), Some(2));
    assert_eq!(length(&world.clone().never("N", "dc/web", "dc/inner except dc/files").transitive()), Some(3));
    assert_eq!(length(&world.clone().never("N", "dc/web", "dc/jump").transitive()), Some(1));
    assert_eq!(length(&world.clone().never("N", "10.1.0.8", "dc/core").transitive()), Some(2));
    assert_eq!(least_mend(&world.never("N", "dc/web", "dc/jump").transitive()), None);
}

#[test]
fn a_second_hop_costs_as_much_as_movement_at_the_end() {
    let world = incident()
        .allow("A", "branch", "dc/directory", "tcp/1")
        .allow("B", "dc/directory", "dc/web", "tcp/1")
        .allow("C", "branch", "dc/jump", "tcp/1");
    assert_eq!(length(&world.never("N", "branch", "dc/web").transitive()), Some(2));
}

/// One network of both families, one of IPv6, and behind them one of IPv4.
fn families() -> World {
    World::default()
        .site("s")
        .network("s/both", "10.1.0.0/24, 2001:db8:1::/64", "")
        .network("s/six", "2001:db8:2::/64", "")
        .network("s/four", "10.3.0.0/24", "")
        .network("s/start", "10.9.0.0/24", "")
        .firewall("f", "", "s/both s/six s/four s/start")
        .allow("H1", "s/start", "10.1.0.5", "tcp/1")
        .allow("H2", "2001:db8:1::9", "s/six", "tcp/2")
        .allow("H3", "10.3.0.9", "10.9.0.200", "tcp/3")
}

#[test]
fn an_intruder_changes_the_family_inside_a_zone() {
    let world = families().never("N", "s/start", "s/six").transitive();
    assert_eq!(length(&world), Some(2));
    assert_eq!(length(&families().never("N", "10.1.0.1", "2001:db8:1::1").transitive()), Some(1));
}

#[test]
fn an_intruder_changes_the_zone_on_a_host_with_both_families() {
    let never = |world: World| world.never("N", "s/start", "s/four").transitive();
    assert_eq!(length(&never(families())), None);
    let twin = families().host("s/twin", "10.3.0.7, 2001:db8:2::7", "");
    assert_eq!(length(&never(twin.clone())), Some(3));
    assert_eq!(blast(&twin, "s/start", ["10.3.0.7", "10.3.0.8", "2001:db8:2::7"]), [Some(3), Some(3), Some(2)]);
    let one_family = families().host("s/odd", "2001:db8:2::7", "").host("s/even", "10.3.0.7", "");
    assert_eq!(length(&never(one_family)), None);
    assert_eq!(length(&twin.never("N", "s/six", "s/four").transitive()), Some(1));
}

#[test]
fn the_internet_ends_a_chain_and_is_no_stepping_stone() {
    let world = World::default()
        .internet("inet")
        .site("s")
        .network("s/a", "10.1.0.0/24", "")
        .network("s/b", "10.2.0.0/24", "")
        .host("s/mail", "10.2.0.25", "")
        .firewall("f", "", "s/a s/b inet")
        .allow("OUT", "s/a", "inet", "tcp/443")
        .allow("IN", "inet", "s/mail", "tcp/25");
    assert_eq!(length(&world.clone().never("N", "s/a", "s/mail").transitive()), None);
    assert_eq!(length(&world.clone().never("N", "s/a", "inet").transitive()), Some(1));
    assert_eq!(length(&world.clone().never("N", "inet", "s/mail").transitive()), Some(1));
    assert_eq!(length(&world.clone().never("N", "inet", "s/b except s/mail").transitive()), Some(2));
    assert_eq!(length(&world.clone().never("N", "8.8.8.8", "s/mail").transitive()), Some(1));
    assert_eq!(length(&world.clone().never("N", "inet", "inet").transitive()), None);
    let through = world.allow("BACK", "s/mail", "inet", "udp/53");
    assert_eq!(length(&through.clone().never("N", "inet", "inet").transitive()), Some(2));
    let one = World::default().internet("inet").site("s").network("s/a", "10.1.0.0/24", "");
    let one = one.firewall("f", "", "s/a inet").allow("IN", "8.8.8.8", "s/a", "tcp/1");
    assert_eq!(length(&one.never("N", "9.9.9.9", "s/a").transitive()), None);
}

#[test]
fn a_mend_is_as_small_as_it_can_be() {
    let two = two_sites().allow("R", "a", "b", "tcp").allow("S", "a", "b/erp", "tcp/443").never("N", "a", "b");
    assert_eq!(least_mend(&two), Some(2));
    assert_eq!(least_mend(&two.clone().waive("N", "R", "", "2026-12-31")), Some(1));
    assert_eq!(least_mend(&two.deny("D", "a", "b/erp", "any").must("M", "a", "b/erp").on("tcp/443")), Some(1));
    assert_eq!(least_mend(&two_sites().must("M", "a", "b")), None);
    assert_eq!(least_mend(&two_sites().never("N", "any", "b")), None);
    let kept =
        two_sites().allow("R", "a", "b", "any").allow("K", "a", "b", "tcp/443").quarantine("Q", "b", "K", "", "");
    assert_eq!(least_mend(&kept.only("O", "b", "b")), Some(1));
}

fn row(from: &str, to: &str, on: &str) -> Row {
    Row {
        rules: vec!["R".to_string()],
        exact: vec![Product {
            sources: vec![answers::span(from).unwrap()],
            destinations: vec![answers::span(to).unwrap()],
            services: vec![answers::block(on).unwrap()],
        }],
        witness: None,
    }
}

/// The flows on which a row and the passing flows of a world differ, up to equivalence.
fn differences(world: &World, row: Row) -> usize {
    let reference = Reference::new(world, AT);
    let table = Table::new(&reference, &Asked::default());
    let mut differences = 0;
    let see = |_: &Flow, triple, rows: &BTreeSet<usize>| {
        let passes = table.verdict(triple, 0) == Verdict::Pass;
        differences += usize::from(passes == rows.is_empty());
        Ok(())
    };
    Cut::new(&table, &[row]).each(see).unwrap();
    differences
}

#[test]
fn a_row_that_is_off_by_one_is_found() {
    let world = two_sites().allow("R", "10.1.0.0/24", "b/erp", "tcp/443");
    assert_eq!(differences(&world, row("10.1.0.0/24", "10.2.0.10", "tcp/443")), 0);
    assert_eq!(differences(&world, row("10.1.0.0/24", "10.2.0.10", "tcp/*:443")), 0);
    for (from, to, on) in [
        ("10.1.0.1-10.1.0.255", "10.2.0.10", "tcp/443"),
        ("10.1.0.0/23", "10.2.0.10", "tcp/443"),
        ("10.1.0.0/24", "10.2.0.10-10.2.0.11", "tcp/443"),
        ("10.1.0.0/24", "10.2.0.10", "tcp/443-444"),
        ("10.1.0.0/24", "10.2.0.10", "tcp/1-65535:443"),
    ] {
        assert!(differences(&world, row(from, to, on)) > 0, "{from} {to} {on}");
    }
}

#[test]
fn what_an_answer_may_not_say_is_refused() {
    for text in ["10.1.0.1/24", "10.0.0.9-10.0.0.1", "10.0.0.1-10.0.0.1", "a/n", "10.0.0.0/33", "10.0.0.1-fd00::1", ""]
    {
        assert!(answers::span(text).is_err(), "{text}");
    }
    for text in ["ssh", "tcp/", "tcp/5-1", "icmp/300", "gre/1", "protocol/256", "protocol", "icmp/0-7", "tcp/70000"] {
        assert!(answers::block(text).is_err(), "{text}");
    }
    assert_eq!(answers::span("fd00::/8").unwrap(), Span::parse("fd00::/8"));
    let block = answers::block("tcp/53:1024-65535").unwrap();
    assert_eq!((block.first, block.second), ((53, 53), (1024, 65535)));
    assert!(answers::block("any").unwrap().holds((99, None, None)));
}

#[test]
fn a_row_is_read_as_the_contract_shows_it() {
    let value = json!([{"from": "bangkok/office", "to": "tokyo/erp", "services": ["tcp/443"], "rules": ["ERP-WEB"],
        "exact": [{"src": ["10.81.0.0/16"], "dst": ["10.10.5.12"], "services": ["tcp/443"]}],
        "witness": {"src": "10.81.0.1", "dst": "10.10.5.12", "protocol": "tcp", "source_port": 49152,
            "destination_port": 443}}]);
    let rows = answers::rows(&value).unwrap();
    assert!(rows[0].holds(&rows[0].witness.unwrap().flow().unwrap()));
    assert!(!rows[0].holds(&Flow::tcp("10.82.0.1", "10.10.5.12", 443)));
    let icmp = json!([{"from": "a", "to": "b", "services": ["icmp/8"], "rules": [], "exact": [],
        "witness": {"src": "10.0.0.1", "dst": "10.0.0.2", "protocol": "icmp", "source_port": null,
            "destination_port": null, "icmp_type": 8, "icmp_code": 0}}]);
    assert_eq!(answers::rows(&icmp).unwrap()[0].witness.unwrap().packet, Some((1, Some(8), Some(0))));
}
