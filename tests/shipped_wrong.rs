//! What well-known generators ship wrong, each a regression test: on both platforms, by reading the emitted text.
//!
//! Each test is named for the mistake. Files of other platforms' syntax that a loader refuses are found elsewhere: every emitted sample is
//! loaded by `golden_samples`. Absent on purpose: shadowing by the union of two rules, which nothing here looks for yet.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod support;

use std::fmt::Write as _;
use std::fs;

use tempfile::TempDir;

/// Two sites, each behind a firewall: one nftables, one iptables. `old/app4` has no IPv6 address.
const NETWORK: &str = r#"
sites:
  new:
    networks:
      office: { address: [10.1.0.0/24, "2001:db8:1::/64"] }
  old:
    networks:
      app: { address: [10.2.0.0/24, "2001:db8:2::/64"] }
    hosts:
      app4: { address: 10.2.0.4 }
      both: { address: [10.2.0.6, "2001:db8:2::6"] }
transit:
  wan: {}
devices:
  fw-new: { site: new, platform: nftables, interfaces: { eth0: wan, eth1: new/office } }
  fw-old: { site: old, platform: iptables, interfaces: { eth0: wan, eth1: old/app } }
"#;

fn project(network: &str, policy: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("network.yaml"), network).unwrap();
    fs::write(home.path().join("rules.policy"), policy).unwrap();
    home
}

/// Exit code and everything that is said.
fn sekisho(home: &TempDir, arguments: &[&str]) -> (i32, String) {
    let said = support::sekisho(home.path(), &[arguments, &["--at", "2026-11-21"]].concat());
    (said.code, said.all())
}

/// The files of the three kinds that a policy compiles to.
struct Emitted {
    nft: String,
    v4: String,
    v6: String,
}

fn emitted(policy: &str) -> Emitted {
    let home = project(NETWORK, policy);
    let (code, said) = sekisho(&home, &["compile", "-o", "out"]);
    assert_eq!(code, 0, "{said}");
    let read = |path: &str| fs::read_to_string(home.path().join("out").join(path)).unwrap();
    Emitted { nft: read("fw-new/ruleset.nft"), v4: read("fw-old/rules.v4"), v6: read("fw-old/rules.v6") }
}

/// The lines that stand for a rule.
fn lines<'t>(text: &'t str, rule: &str) -> Vec<&'t str> {
    let comment = format!("comment \"{rule}\"");
    text.lines().filter(|line| line.contains(&comment)).collect()
}

fn verdict(policy: &str, from: &str, to: &str, on: &str) -> String {
    let (code, said) = sekisho(&project(NETWORK, policy), &["explain", "--from", from, "--to", to, "--on", on]);
    assert_eq!(code, 0, "{said}");
    said.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned()
}

/// Bad input for `check`; `compile` refuses the same and writes nothing.
fn refused(network: &str, policy: &str, wanted: &str) {
    let home = project(network, policy);
    let (code, said) = sekisho(&home, &["check"]);
    assert!(code == 2 && said.contains(wanted), "{code} {said}");
    assert_eq!(sekisho(&home, &["compile", "-o", "out"]).0, 2);
    assert!(!home.path().join("out").exists());
}

const META: &str = "owner me ticket T-1 review 2027-01-01";

#[test]
fn a_word_that_a_platform_does_not_have_is_refused_not_dropped() {
    refused(NETWORK, "allow A from new/office to old/app on tcp/80 established\n", "established");
    refused(NETWORK, "allow A from new/office to old/app on tcp-established\n", "tcp-established");
}

#[test]
fn an_icmpv6_rule_keeps_its_match_and_its_family() {
    let text = emitted(&format!("allow PING6 from new/office to old/app on icmp6/128 {META}\n"));
    let [line] = lines(&text.nft, "PING6")[..] else { panic!("{}", text.nft) };
    assert!(line.contains("icmpv6 type 128") && line.contains("ip6 saddr") && line.contains("ip6 daddr"), "{line}");
    assert_eq!(lines(&text.v4, "PING6"), [""; 0]);
    let [line] = lines(&text.v6, "PING6")[..] else { panic!("{}", text.v6) };
    assert!(line.contains("-p ipv6-icmp") && line.contains("--icmpv6-type 128"), "{line}");
}

#[test]
fn ipv6_files_never_say_icmp_type() {
    let text = emitted(&format!("allow PING from new/office to old/app on ping {META}\n"));
    assert!(!text.v6.contains("--icmp-type") && text.v6.contains("--icmpv6-type"), "{}", text.v6);
    assert!(!text.v4.contains("--icmpv6-type") && text.v4.contains("--icmp-type"), "{}", text.v4);
}

#[test]
fn a_family_without_addresses_is_nothing_not_any() {
    for (from, to) in [("new/office", "old/app4"), ("old/app4", "new/office")] {
        let text = emitted(&format!("allow FOUR from {from} to {to} on tcp/443 {META}\n"));
        assert!(lines(&text.nft, "FOUR").iter().all(|line| line.contains("ip saddr") && line.contains("ip daddr")));
        assert_eq!((lines(&text.nft, "FOUR").len(), lines(&text.v4, "FOUR").len()), (1, 1));
        assert_eq!(lines(&text.v6, "FOUR"), [""; 0]);
    }
}

#[test]
fn every_accepting_line_of_a_rule_names_both_ends() {
    let text = emitted(&format!("allow ALL from any to any on any {META}\n"));
    for line in lines(&text.nft, "ALL") {
        assert!(line.contains("saddr") && line.contains("daddr"), "{line}");
    }
    for line in lines(&text.v4, "ALL").into_iter().chain(lines(&text.v6, "ALL")) {
        assert!(line.contains("-s ") && line.contains("-d "), "{line}");
    }
}

#[test]
fn a_misspelt_key_is_an_error_not_a_router() {
    let misspelt = NETWORK.replacen("platform", "platfrom", 1);
    refused(&misspelt, &format!("allow A from new/office to old/app on ssh {META}\n"), "`platfrom`");
}

#[test]
fn an_unknown_target_is_an_error_not_skipped() {
    refused(NETWORK, "allow A from new/office to old/apq on ssh\n", "use `old/app`");
    refused(NETWORK, "allow A from new/office, tag:nobody to old/app on ssh\n", "nobody");
    refused(NETWORK, "allow A from new/office to old/app on ssh, sssh\n", "sssh");
    let (unknown, any) =
        (NETWORK.replace("platform: iptables", "platform: iptable"), "allow A from new/office to old/app on any\n");
    refused(&unknown, any, "iptables");
}

#[test]
fn a_deny_that_lapses_says_what_it_opens() {
    let policy = format!(
        "allow OPEN from new/office to old/app on ssh {META}\n\
         deny SHUT from new/office to old/app on ssh until 2026-11-20 {META}\n"
    )
    .replace("review 2027-01-01\n", "\n");
    let (code, said) = sekisho(&project(NETWORK, &policy), &["check"]);
    assert!(code == 0 && said.contains("warning[W0412]") && said.contains("`SHUT`"), "{code} {said}");
    assert!(said.contains("2026-11-20"), "{said}");
    assert_eq!(verdict(&policy, "10.1.0.1", "10.2.0.6", "ssh"), "pass");
    let yesterday = policy.replace("2026-11-20", "2026-11-21");
    assert_eq!(verdict(&yesterday, "10.1.0.1", "10.2.0.6", "ssh"), "drop");
}

#[test]
fn names_that_are_words_of_nft_stand_in_quotes() {
    let names =
        ["frag", "tcp", "counter", "meta", "set", "map", "exthdr", "drop", "accept", "COMMIT", "関所", "a.b-c_d"];
    let policy = names.iter().fold(String::new(), |mut text, name| {
        let _ = writeln!(text, "allow {name} from new/office to old/app on tcp/80 {META}");
        text
    });
    let text = emitted(&policy);
    for name in names {
        assert!(!lines(&text.nft, name).is_empty(), "{name}: {}", text.nft);
        assert!(text.v4.contains(&format!("--comment \"{name}\"")), "{name}: {}", text.v4);
    }
    for line in text.nft.lines().filter(|line| line.trim_start().starts_with("chain ")) {
        let name = line.trim().trim_start_matches("chain ").trim_end_matches(" {");
        assert!(name.contains('_') || ["forward", "input", "own"].contains(&name), "{line}");
    }
    assert_eq!(text.v4.lines().filter(|line| *line == "COMMIT").count(), 1);
}

#[test]
fn quotes_and_second_lines_of_a_description_reach_no_config() {
    refused(NETWORK, "allow A \"one\ntwo\" from new/office to old/app on ssh\n", "E0102");
    refused(NETWORK, "allow A \"a\\nb\" from new/office to old/app on ssh\n", "E0103");
    refused(NETWORK, "allow A \"a\u{7}b\" from new/office to old/app on ssh\n", "E0103");
    let text =
        emitted(&format!("allow A \"\\\" accept #; $(x) `y` \\\\\" from new/office to old/app on ssh log {META}\n"));
    for file in [&text.nft, &text.v4, &text.v6] {
        assert!(!file.contains("$(x)") && !file.contains("`y`") && !file.contains(" accept #"), "{file}");
    }
}

#[test]
fn a_list_is_never_gone_before_the_new_one_is_there() {
    let text = emitted(&format!("allow A from new/office to old/app on ssh {META}\n"));
    let code: Vec<&str> = text.nft.lines().filter(|line| !line.starts_with('#')).take(3).collect();
    assert_eq!(code, ["table inet sekisho", "delete table inet sekisho", "table inet sekisho {"]);
    for file in [&text.v4, &text.v6] {
        let code: Vec<&str> = file.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(code.first().is_some_and(|line| line.starts_with('*')) && code.last() == Some(&"COMMIT"), "{file}");
        assert!(!file.contains("\n-X") && file.matches("COMMIT").count() == 1, "{file}");
    }
}

#[test]
fn denies_keep_their_direction() {
    let policy = format!(
        "allow ALL from any to any on any {META}\n\
         deny THERE from new/office to old/app4 on tcp/1 {META}\n\
         deny BACK from old/app4 to new/office on tcp/2 {META}\n"
    );
    let text = emitted(&policy);
    let (there, back) = (lines(&text.nft, "THERE"), lines(&text.nft, "BACK"));
    assert!(there.len() == 1 && there[0].contains("ip saddr 10.1.0.0/24 ip daddr 10.2.0.4 tcp dport 1 "), "{there:?}");
    assert!(back.len() == 1 && back[0].contains("ip saddr 10.2.0.4 ip daddr 10.1.0.0/24 tcp dport 2 "), "{back:?}");
    let (there, back) = (lines(&text.v4, "THERE"), lines(&text.v4, "BACK"));
    assert!(
        there.len() == 1 && there[0].contains("-s 10.1.0.0/24 -d 10.2.0.4/32 -p tcp -m tcp --dport 1 "),
        "{there:?}"
    );
    assert!(back.len() == 1 && back[0].contains("-s 10.2.0.4/32 -d 10.1.0.0/24 -p tcp -m tcp --dport 2 "), "{back:?}");
}

#[test]
fn what_a_deny_catches_is_not_permitted() {
    let policy = format!(
        "allow ALL from new/office to old/app on any {META}\ndeny SHUT from new/office to old/app on tcp/20-30 {META}\n"
    );
    assert_eq!(verdict(&policy, "10.1.0.1", "10.2.0.6", "tcp/25"), "drop");
    assert_eq!(verdict(&policy, "10.1.0.1", "10.2.0.6", "tcp/31"), "pass");
    let text = emitted(&policy);
    for file in [&text.nft, &text.v4] {
        assert!(file.find("comment \"SHUT\"").unwrap() < file.find("comment \"ALL\"").unwrap(), "{file}");
    }
}

#[test]
fn an_unrelated_rule_changes_no_answer() {
    let related = format!("allow A from new/office to old/app4 on tcp/443 {META}\n");
    let more = format!(
        "allow B from old/app to new/office on udp/443 {META}\n{related}deny C from old/app4 to new/office on tcp/443 {META}\n"
    );
    for (to, on) in [("10.2.0.4", "tcp/443"), ("10.2.0.6", "tcp/443"), ("10.2.0.4", "udp/443")] {
        assert_eq!(verdict(&related, "10.1.0.9", to, on), verdict(&more, "10.1.0.9", to, on), "{to} {on}");
    }
}

/// Paths are not enumerated: between the corners of this grid there are more than half a billion.
#[test]
fn a_grid_of_zones_costs_nothing_special() {
    const SIDE: usize = 7;
    let mut network = String::from("transit:\n");
    for at in 0..SIDE * SIDE {
        let _ = writeln!(network, "  z{at}: {{}}");
    }
    network.push_str("sites:\n");
    for (site, number) in [("a", 1), ("b", 2)] {
        let _ = writeln!(network, "  {site}: {{ networks: {{ net: {{ address: 10.{number}.0.0/24 }} }} }}");
    }
    network.push_str("devices:\n");
    let mut firewall = |name: String, from: String, to: String| {
        let _ = writeln!(network, "  {name}: {{ platform: nftables, interfaces: {{ eth0: {from}, eth1: {to} }} }}");
    };
    for row in 0..SIDE {
        for column in 0..SIDE {
            let at = row * SIDE + column;
            if column + 1 < SIDE {
                firewall(format!("h{at}"), format!("z{at}"), format!("z{}", at + 1));
            }
            if row + 1 < SIDE {
                firewall(format!("v{at}"), format!("z{at}"), format!("z{}", at + SIDE));
            }
        }
    }
    firewall("first".into(), "a/net".into(), "z0".into());
    firewall("last".into(), format!("z{}", SIDE * SIDE - 1), "b/net".into());
    let home = project(&network, &format!("allow A from a to b on ssh {META}\n"));
    let started = std::time::Instant::now();
    let (code, said) = sekisho(&home, &["compile", "-o", "out"]);
    assert_eq!(code, 0, "{said}");
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    assert_eq!(fs::read_dir(home.path().join("out")).unwrap().count(), 2 * SIDE * (SIDE - 1) + 3);
}

#[test]
fn a_rule_about_two_protocols_opens_no_port_of_the_other() {
    let policy = format!("allow MIX from new/office to old/app on tcp/80, udp/53 {META}\n");
    for (on, wanted) in [("tcp/80", "pass"), ("udp/53", "pass"), ("udp/80", "drop"), ("tcp/53", "drop")] {
        assert_eq!(verdict(&policy, "10.1.0.1", "10.2.0.6", on), wanted, "{on}");
    }
    let text = emitted(&policy);
    for line in lines(&text.nft, "MIX") {
        assert!(line.contains("meta l4proto . th dport { tcp . 80, udp . 53 } counter accept"), "{line}");
    }
    for line in lines(&text.v4, "MIX") {
        assert!(line.contains("-p tcp -m tcp --dport 80 ") || line.contains("-p udp -m udp --dport 53 "), "{line}");
    }
}

#[test]
fn protocol_4_is_not_tcp() {
    let policy = format!("allow TUNNEL from new/office to old/app on protocol/4 {META}\n");
    let text = emitted(&policy);
    for file in [&text.nft, &text.v4] {
        let found = lines(file, "TUNNEL");
        assert!(!found.is_empty() && found.iter().all(|line| !line.contains("tcp")), "{file}");
    }
    let [line] = lines(&text.v4, "TUNNEL")[..] else { panic!("{}", text.v4) };
    assert!(line.contains("-p 4 ") || line.contains("-p ipencap "), "{line}");
    assert_eq!(verdict(&policy, "10.1.0.1", "10.2.0.6", "protocol/4"), "pass");
    assert_eq!(verdict(&policy, "10.1.0.1", "10.2.0.6", "ipip"), "pass");
    assert_eq!(verdict(&policy, "10.1.0.1", "10.2.0.6", "tcp/4"), "drop");
}
