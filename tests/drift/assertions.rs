//! `check --configs`: the assertions of the project over what devices run.

use serde_json::Value;

use super::support::Said;
use super::world::{World, golden};

const ACCEPT: &str = "\t\tct state established accept\n";

fn check(world: &World, more: &[&str]) -> Said {
    world.sekisho(&[&["check", "project", "--configs", "backups"], more].concat())
}

fn assertion(world: &World, more: &[&str], name: &str) -> Value {
    let said = check(world, &[more, &["--format", "json"]].concat());
    let all = said.json()["assertions"].as_array().unwrap().clone();
    all.into_iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {}", said.out))
}

/// Lets something through before everything else.
fn open(world: &World, device: &str, line: &str) {
    world.spoil(device, &format!("backups/{device}"), ACCEPT, &format!("{ACCEPT}\t\t{line}\n"));
}

#[test]
fn what_runs_as_compiled_holds() {
    let said = check(&World::backed_up(), &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.ends_with("firewalls: 2 as the policy asks, 1 as the policy asks, in other words\n"),
        "{}",
        said.err
    );
}

#[test]
fn one_open_firewall_of_two_opens_nothing() {
    let world = World::backed_up();
    open(&world, "fw-tokyo", "ip saddr 10.81.0.0/16 tcp dport 22 accept");
    assert_eq!(assertion(&world, &[], "NEV-01")["outcome"], "proved");
    open(&world, "fw-bangkok", "tcp dport { 22, 23 } accept");
    let found = assertion(&world, &[], "NEV-01");
    assert_eq!((&found["outcome"], &found["by_policy"]), (&"violated".into(), &"proved".into()));
    assert_eq!(found["hops"][0]["services"], serde_json::json!(["tcp/22"]));
    let devices: Vec<&str> =
        found["lines"].as_array().unwrap().iter().map(|line| line["device"].as_str().unwrap()).collect();
    assert_eq!(devices, ["fw-bangkok", "fw-tokyo"]);
    let said = check(&world, &[]);
    assert_eq!(said.code, 1);
    golden("assertions.txt", &said.err);
    golden("assertions.json", &check(&world, &["--format", "json"]).out);
}

#[test]
fn a_chain_goes_over_a_rule_and_then_over_a_config() {
    let world = World::backed_up();
    world.write("project/more.policy", "never NEV-02 from bangkok/office to class:secret transitive\n");
    assert_eq!(assertion(&world, &[], "NEV-02")["outcome"], "proved");
    open(&world, "fw-tokyo", "ip saddr 10.10.5.0/24 ip daddr 10.10.64.0/24 tcp dport 445 accept");
    let found = assertion(&world, &[], "NEV-02");
    assert_eq!((&found["outcome"], &found["by_policy"]), (&"violated".into(), &"proved".into()));
    assert_eq!(found["hops"][0]["rules"], serde_json::json!(["ERP-WEB"]));
    assert_eq!(found["hops"][1]["rules"], serde_json::json!([]));
    assert_eq!(found["lines"][0]["device"], "fw-tokyo");
}

#[test]
fn what_is_not_known_of_a_device_is_not_proved() {
    let world = World::backed_up();
    std::fs::remove_file(world.path("backups/fw-tokyo")).unwrap();
    let never = assertion(&world, &[], "NEV-01");
    assert_eq!(never["outcome"], "proved", "fw-bangkok lets nothing of it through: {never}");
    let only = assertion(&world, &[], "ONL-01");
    assert_eq!(only["because"], "there is no config of `fw-tokyo`", "tokyo/secret is next to it");
    let must = assertion(&world, &[], "MST-01");
    assert_eq!(must["outcome"], "unproven");
    assert_eq!(must["because"], "there is no config of `fw-tokyo`");
    assert_eq!(check(&world, &[]).code, 3);
    std::fs::remove_file(world.path("backups/fw-bangkok")).unwrap();
    let never = assertion(&world, &[], "NEV-01");
    assert_eq!(never["because"], "there is no config of `fw-bangkok`, and there is no config of `fw-tokyo`");
}

#[test]
fn a_line_that_is_not_understood_is_named() {
    let world = World::backed_up();
    open(&world, "fw-tokyo", "meta mark 7 ip daddr 10.10.64.0/24 accept");
    assert_eq!(assertion(&world, &[], "NEV-01")["outcome"], "proved", "fw-bangkok holds");
    open(&world, "fw-bangkok", "ip daddr 10.10.64.0/24 tcp dport 3389 accept");
    let found = assertion(&world, &[], "NEV-01");
    assert_eq!(found["outcome"], "unproven");
    let because = found["because"].as_str().unwrap();
    assert!(because.starts_with("of `fw-tokyo`, line ") && because.contains("mark"), "{because}");
}

#[test]
fn a_dropped_answer_breaks_a_must_and_no_never() {
    let world = World::backed_up();
    let drop = "ip saddr 10.10.5.12 tcp sport 443 drop";
    world.spoil("fw-bangkok", "backups/fw-bangkok", ACCEPT, &format!("\t\t{drop}\n{ACCEPT}"));
    let found = assertion(&world, &[], "MST-01");
    assert_eq!(found["outcome"], "violated", "{found}");
    assert_eq!(found["lines"][0]["text"], drop);
}

#[test]
fn an_old_config_proves_nothing() {
    let world = World::backed_up();
    let dated = |device: &str, day: &str| {
        world.write(&format!("backups/{device}"), format!("# collected {day}\n{}", world.compiled(device)));
    };
    dated("fw-bangkok", "2026-11-20");
    dated("fw-tokyo", "2026-10-01");
    let must = assertion(&world, &["--max-age", "7d"], "MST-01");
    assert_eq!(must["outcome"], "unproven", "{must}");
    assert!(must["because"].as_str().unwrap().contains("fw-tokyo"), "{must}");
    assert_eq!(assertion(&world, &["--max-age", "7d"], "NEV-01")["outcome"], "proved", "fw-bangkok is young");
}

#[test]
fn a_stranger_is_named() {
    let world = World::backed_up();
    world.write("backups/fw-lima.nft", "table ip x {}\n");
    let said = check(&world, &[]);
    assert!(said.err.contains("`fw-lima` has a config and is not in the inventory"), "{}", said.err);
}

#[test]
fn other_options_need_configs() {
    let world = World::new();
    let said = world.sekisho(&["check", "project", "--max-age", "7d"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--configs"), "{}", said.err);
    let said = world.sekisho(&["check", "project", "--configs", "nowhere"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("nowhere"), "{}", said.err);
}

#[test]
fn behind_a_translation_nothing_is_followed() {
    let world = World::backed_up();
    let text = world.compiled("fw-bangkok");
    let nat = "table ip nat {\n\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n\t\toifname \"eth0\" masquerade\n\t}\n}\n";
    world.write("backups/fw-bangkok", format!("{text}{nat}"));
    let must = assertion(&world, &[], "MST-01");
    assert_eq!(must["outcome"], "unproven", "{must}");
    assert!(must["because"].as_str().unwrap().contains("behind `fw-bangkok` nothing is followed, line "), "{must}");
}

#[test]
fn a_number_that_may_be_octal_is_not_guessed() {
    for line in ["tcp dport 026 accept", "tcp dport { 026 } accept", "ip saddr 10.80.0.0/010 accept"] {
        let world = World::backed_up();
        open(&world, "fw-tokyo", line);
        open(&world, "fw-bangkok", line);
        let found = assertion(&world, &[], "NEV-01");
        assert_eq!(found["outcome"], "unproven", "{line}: {found}");
    }
    for line in ["-A FORWARD -p 00 -j ACCEPT", "-A FORWARD -s 10.20.0.0/010 -j ACCEPT", "-A FORWARD -p 021 -j ACCEPT"] {
        let world = World::backed_up();
        world.spoil(
            "fw-osaka",
            "backups/fw-osaka",
            "-A FORWARD -j SEKISHO\n",
            &format!("{line}\n-A FORWARD -j SEKISHO\n"),
        );
        open(&world, "fw-tokyo", "tcp dport 22 accept");
        let said = check(&world, &["--format", "json"]);
        let devices = said.json()["configs"].as_array().unwrap().clone();
        let osaka = devices.into_iter().find(|one| one["device"] == "fw-osaka").unwrap();
        assert!(osaka["outcome"] == "unproven", "{line}: {osaka}");
    }
}

#[test]
fn what_passes_over_an_interface_that_nobody_knows_may_go_anywhere() {
    let world = World::backed_up();
    open(&world, "fw-bangkok", "iifname \"wg0\" tcp dport 22 accept");
    assert_eq!(assertion(&world, &[], "NEV-01")["outcome"], "proved", "fw-tokyo holds");
    open(&world, "fw-tokyo", "oifname \"wg0\" tcp dport 22 accept");
    let found = assertion(&world, &[], "NEV-01");
    assert_eq!(found["outcome"], "unproven", "{found}");
    let because = found["because"].as_str().unwrap();
    assert!(
        because.contains("`fw-bangkok` lets flows pass over an interface that the inventory does not know, line 15"),
        "{because}"
    );
}

#[test]
fn what_packets_become_behind_a_device_is_not_followed() {
    for line in ["ip ttl set 1", "tcp dport 443 ct helper set \"ftp\""] {
        let world = World::backed_up();
        open(&world, "fw-bangkok", line);
        let must = assertion(&world, &[], "MST-01");
        assert_eq!(must["outcome"], "unproven", "{line}: {must}");
        assert!(
            must["because"].as_str().unwrap().contains("behind `fw-bangkok` nothing is followed, line 15"),
            "{must}"
        );
    }
    let world = World::backed_up();
    let save = world.compiled("fw-osaka");
    world.write(
        "backups/fw-osaka",
        save.replacen("*filter", "*mangle\n-A FORWARD -j TTL --ttl-set 1\nCOMMIT\n*filter", 1),
    );
    let said = check(&world, &["--format", "json"]);
    let devices = said.json()["configs"].as_array().unwrap().clone();
    let osaka = devices.into_iter().find(|one| one["device"] == "fw-osaka").unwrap();
    assert!(osaka["because"].as_str().unwrap_or("").contains("another number of hops"), "{osaka}");
}

#[test]
fn what_a_firewall_takes_from_anybody_counts_where_another_lets_it_come() {
    let world = World::backed_up();
    open(&world, "fw-bangkok", "ip daddr 10.10.64.0/24 icmp type echo-request accept");
    assert_eq!(assertion(&world, &[], "NEV-01")["outcome"], "proved", "fw-tokyo holds");
    open(&world, "fw-bangkok", "ip daddr 10.10.64.0/24 icmp type destination-unreachable accept");
    let found = assertion(&world, &[], "NEV-01");
    assert_eq!(found["outcome"], "violated", "{found}");
    assert_eq!(
        found["hops"][0]["exact"][0]["dst"][0], "10.10.64.1",
        "its own address, which admits ICMP errors: {found}"
    );
    std::fs::remove_file(world.path("backups/fw-tokyo")).unwrap();
    assert_eq!(assertion(&world, &[], "NEV-01")["outcome"], "unproven", "nothing is known of fw-tokyo");
}
