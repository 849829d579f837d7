//! `sekisho lines` and `sekisho equiv` at the command line.

use std::fs;
use std::path::Path;
use std::process::Command;

const NFT: &str = "table inet filter {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname \"lan\" ip saddr 10.0.0.0/8 tcp dport { 80, 443 } accept
    iifname \"lan\" ip saddr 10.1.0.0/16 tcp dport 80 accept
  }
}
";

const SAVE: &str = "*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lan -s 10.0.0.0/8 -p tcp -m multiport --dports 80,443 -j ACCEPT
COMMIT
";

fn asked(home: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_sekisho")).args(arguments).current_dir(home).output().unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap())
}

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(home.path().join(name), text).unwrap();
    write("a.nft", NFT);
    write("port.nft", &NFT.replace("443", "444"));
    write("mark.nft", &NFT.replace("iifname \"lan\" ip saddr 10.1.0.0/16", "meta mark 7"));
    write("text.md", "# nothing of this kind\n");
    fs::create_dir(home.path().join("d")).unwrap();
    write("d/rules.v4", SAVE);
    write("d/rules.v6", &SAVE.lines().filter(|line| !line.contains("10.0.0.0")).collect::<Vec<_>>().join("\n"));
    home
}

#[test]
fn the_exit_code_says_whether_two_rule_sets_are_equal() {
    let home = home();
    let equiv = |second| asked(home.path(), &["equiv", "a.nft", second]);
    assert_eq!(equiv("d"), (Some(0), "the two mean the same for every packet\n".to_owned()));
    let (code, text) = equiv("port.nft");
    assert_eq!(code, Some(1));
    assert!(text.contains("only the first passes 10.0.0.0/8 -> 0.0.0.0/0 on tcp/443"), "{text}");
    let (code, text) = equiv("mark.nft");
    assert_eq!(code, Some(3));
    assert!(text.contains("line 6 of the second: not certain: meta mark 7"), "{text}");
    assert_eq!(equiv("text.md").0, Some(2));
    assert_eq!(equiv("missing").0, Some(2));
}

#[test]
fn quarantines_are_compared_by_the_first_packets_of_connections() {
    let home = home();
    let held = |name: &str, lines: &str| {
        let text = NFT.replace("    ct state", &format!("{lines}    ct state"));
        fs::write(home.path().join(name), text).unwrap();
    };
    held("whole.nft", "    ct original ip saddr 10.9.0.0/24 drop\n");
    held("halves.nft", "    ct original ip saddr 10.9.0.0/25 drop\n    ct original ip saddr 10.9.0.128/25 drop\n");
    held("half.nft", "    ct original ip saddr 10.9.0.0/25 drop\n");
    let equiv = |second| asked(home.path(), &["equiv", "whole.nft", second]);
    assert_eq!(equiv("halves.nft"), (Some(0), "the two mean the same for every packet\n".to_owned()));
    let (code, text) = equiv("half.nft");
    assert_eq!(code, Some(1));
    assert!(text.contains("established, answers in connections that began with\n"), "{text}");
    assert!(text.contains("  only the second passes 10.9.0.128/25 -> 0.0.0.0/0 on any"), "{text}");
}

#[test]
fn idle_lines_are_findings_and_name_those_that_hide_them() {
    let home = home();
    let (code, text) = asked(home.path(), &["lines", "a.nft", "--format", "json"]);
    assert_eq!(code, Some(1));
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let finding = &report["findings"][0];
    assert_eq!((finding["kind"].as_str(), finding["line"].as_u64()), (Some("shadowed"), Some(6)));
    assert_eq!(finding["by"][1]["line"].as_u64(), Some(5));
    assert_eq!(asked(home.path(), &["lines", "d"]).0, Some(0));
    assert_eq!(asked(home.path(), &["lines", "d", "--platform", "nftables"]).0, Some(2));
}

/// What a rule asks can differ from way to way inside one condition: what was computed for one way must not be taken for another.
#[test]
fn a_rule_that_asks_otherwise_on_each_way_is_asked_on_each() {
    let home = tempfile::tempdir().unwrap();
    let chain = |rules: &str| {
        format!(
            "table inet f {{\n chain forward {{\n  type filter hook forward priority filter; policy drop;\n{rules} }}\n}}\n"
        )
    };
    let write = |name: &str, rules: &str| fs::write(home.path().join(name), chain(rules)).unwrap();
    write("joined", "  iifname . ip saddr { \"eth0\" . 10.0.0.1, \"eth1\" . 10.0.0.2 } accept\n");
    write("apart", "  iifname \"eth0\" ip saddr 10.0.0.1 accept\n  iifname \"eth1\" ip saddr 10.0.0.2 accept\n");
    write("crossed", "  iifname \"eth1\" ip saddr 10.0.0.1 accept\n  iifname \"eth0\" ip saddr 10.0.0.2 accept\n");
    write("states", "  ct state . ip saddr { new . 10.0.0.1, established . 10.0.0.2 } accept\n");
    write("states-apart", "  ct state new ip saddr 10.0.0.1 accept\n  ct state established ip saddr 10.0.0.2 accept\n");
    write(
        "states-crossed",
        "  ct state established ip saddr 10.0.0.1 accept\n  ct state new ip saddr 10.0.0.2 accept\n",
    );
    let equiv = |first, second| asked(home.path(), &["equiv", first, second]).0;
    assert_eq!((equiv("joined", "apart"), equiv("joined", "crossed")), (Some(0), Some(1)));
    assert_eq!((equiv("states", "states-apart"), equiv("states", "states-crossed")), (Some(0), Some(1)));
}
