//! Rule sets in which two entries of a map, or two states, are one for a hasty reader.

use super::world::{Devices as _, World};

const STATES: &str = "\t\tct state established accept\n\t\tct state related meta l4proto { icmp, ipv6-icmp } accept\n";
const FORWARD: &str = "\tchain forward {\n";

/// Which of its differences a firewall has whose text has been edited.
fn outcome(device: &str, edit: impl Fn(String) -> String) -> &'static str {
    let world = World::backed_up();
    let text = world.compiled(device);
    let edited = edit(text.clone());
    assert_ne!(edited, text);
    world.write(&format!("backups/{device}"), edited);
    let said = world.drifted(&[]);
    assert_eq!((said.outcome(device), said.code), ("differs".to_owned(), 1));
    let has = |list: &str| said.device(device)[list].as_array().is_some_and(|list| !list.is_empty());
    match (has("extra"), has("missing")) {
        (true, false) => "extra",
        (false, true) => "missing",
        (true, true) => "both",
        (false, false) => "none",
    }
}

/// With more chains, and other first lines behind those that ask for states.
fn with(chains: &str, lines: &str) -> &'static str {
    outcome("fw-bangkok", |text| {
        assert!(text.contains(STATES) && text.contains(FORWARD), "{text}");
        text.replacen(FORWARD, &format!("{chains}{FORWARD}"), 1).replacen(STATES, &format!("{STATES}{lines}"), 1)
    })
}

#[test]
fn the_entry_for_all_others_takes_no_packets_of_others() {
    let nothing = "\tchain nothing {\n\t}\n";
    // What comes in over eth0 or eth1 comes back from `nothing`, and is accepted.
    let lines = "\t\tiifname vmap { \"eth0\" : jump nothing, \"eth1\" : jump nothing, * : drop }\n\t\taccept\n";
    assert_eq!(with(nothing, lines), "extra");
    let lines = "\t\tiifname vmap { \"eth0\" : jump nothing, \"eth1\" : jump nothing, * : goto nothing }\n\t\taccept\n";
    assert_eq!(with(nothing, lines), "extra");
    // One client is sent to where nothing is permitted, all others where they were sent before.
    let lines = "\t\tip saddr vmap { 10.81.0.7 : goto nothing, * : continue }\n";
    assert_eq!(with(nothing, lines), "missing");
}

#[test]
fn entries_that_overlap_are_asked_in_their_order() {
    let chains = "\tchain lets {\n\t\taccept\n\t}\n\tchain stops {\n\t\tdrop\n\t}\n";
    let map = "ip saddr . ip daddr vmap { 10.81.0.7 . 10.20.0.0-10.20.0.15 : jump lets, 10.81.0.0-10.81.0.15 . 10.20.0.0-10.20.0.15 : jump stops }";
    assert_eq!(with(chains, &format!("\t\t{map}\n")), "extra");
}

#[test]
fn packets_of_no_connection_are_told_from_later_ones() {
    for states in ["established,invalid", "established,untracked"] {
        let accepting = format!("ct state {states} accept");
        let found = outcome("fw-bangkok", |text| text.replacen("ct state established accept", &accepting, 1));
        assert_eq!(found, "extra", "{states}");
    }
    let accepting = "ct state related,invalid meta l4proto { icmp, ipv6-icmp } accept";
    let found = outcome("fw-bangkok", |text| {
        text.replacen("ct state related meta l4proto { icmp, ipv6-icmp } accept", accepting, 1)
    });
    assert_eq!(found, "extra");
    let found = outcome("fw-osaka", |text| text.replace("--ctstate ESTABLISHED ", "--ctstate INVALID,ESTABLISHED "));
    assert_eq!(found, "extra");
}
