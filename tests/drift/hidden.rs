//! What opens or closes a firewall beside the rules that everybody looks at: other chains, tables, zones of connections, names that begin like another. Each of these could be taken for nothing.

use super::support::Home;
use super::world::{Devices as _, World};

/// The outcome of a firewall whose text has been edited.
fn outcome(device: &str, edit: impl Fn(String) -> String) -> String {
    let world = World::backed_up();
    let text = world.compiled(device);
    let edited = edit(text.clone());
    assert_ne!(edited, text);
    world.write(&format!("backups/{device}"), edited);
    world.drifted(&[]).outcome(device)
}

/// That of the one in Bangkok with something put behind all that it has.
fn with(more: &str) -> String {
    outcome("fw-bangkok", |text| format!("{text}{more}"))
}

/// The same with another table, in which stands a chain.
fn with_chain(chain: &str) -> String {
    with(&format!("table inet other {{\n\tchain early {{\n{chain}\n\t}}\n}}\n"))
}

#[test]
fn names_that_begin_like_the_loop_back_interface_are_other_interfaces() {
    for asks in ["iifname \"lo*\" accept", "oifname \"lo*\" accept"] {
        let found = outcome("fw-bangkok", |text| {
            text.replacen("ct state established accept", &format!("{asks}\n\t\tct state established accept"), 1)
        });
        assert_eq!(found, "differs", "{asks}");
    }
    let first = "-A FORWARD -j SEKISHO";
    let found = outcome("fw-osaka", |text| text.replacen(first, &format!("-A FORWARD -i lo+ -j ACCEPT\n{first}"), 1));
    assert_eq!(found, "differs");
}

#[test]
fn no_chain_before_connection_tracking_knows_a_connection() {
    // Every packet is invalid there (tried on Linux 6.18: nothing passes).
    let raw = |priority| with_chain(&format!("type filter hook prerouting priority {priority}; ct state invalid drop"));
    assert_eq!([raw("raw"), raw("-201"), raw("-200")], ["unproven"; 3]);
    assert_eq!(with_chain("type filter hook prerouting priority -199; ct state invalid drop"), "text-differs");
    let raw = |asks| with_chain(&format!("type filter hook prerouting priority raw; {asks} drop"));
    assert_eq!(raw("ct state established"), "unproven");
    assert_eq!(raw("ct original ip saddr 10.81.0.7"), "unproven");
}

#[test]
fn chains_that_translate_see_first_packets_alone() {
    // Later packets of what it drops pass, and so does what begins no connection; after another one has translated, it is not asked at all.
    let nat = |asks| with_chain(&format!("type nat hook prerouting priority dstnat; {asks}"));
    assert_eq!([nat("ct state established drop"), nat("tcp dport 443 drop")], ["unproven"; 2]);
    assert_eq!(nat("policy drop; tcp dport 443 accept"), "unproven");
    assert_eq!(nat("tcp dport 443 accept"), "text-differs");
    let filter = with_chain("type filter hook prerouting priority mangle; ct state established drop");
    assert_eq!(filter, "differs");
}

#[test]
fn who_declares_a_table_or_chain_again_changes_what_he_says() {
    let sleeping = "table inet other {\n\tflags dormant\n\tchain f {\n\t\ttype filter hook forward priority -10; policy drop;\n\t}\n}\n";
    assert_eq!(with(sleeping), "text-differs");
    assert_eq!(with(&format!("{sleeping}add table inet other\n")), "differs");
    assert_eq!(with(&format!("{sleeping}table inet other {{\n}}\n")), "differs");
    let drops = "table inet other {\n\tchain f {\n\t\ttype filter hook forward priority -10; policy drop;\n\t}\n}\n";
    let again = |policy| {
        with(&format!("{drops}add chain inet other f {{ type filter hook forward priority -10; {policy} }}\n"))
    };
    assert_eq!([again(""), again("policy accept;")], ["differs", "text-differs"]);
}

#[test]
fn what_is_changed_of_packets_and_connections_is_told_or_known_to_be_harmless() {
    let changed = |statement| with_chain(&format!("type filter hook prerouting priority raw; {statement}"));
    for statement in [
        "ct zone set 1",
        "meta pkttype set multicast",
        "ip ttl set 1",
        "ip6 hoplimit set 1",
        "ip hdrlength set 6",
        "ip version set 6",
        "ip length set 30",
        "tcp flags set rst",
    ] {
        assert_eq!(changed(statement), "unproven", "{statement}");
    }
    for statement in ["meta mark set 1", "ip dscp set cs1", "tcp option maxseg size set 1400", "ct mark set meta mark"]
    {
        assert_eq!(changed(statement), "text-differs", "{statement}");
    }
    let on_its_way = with_chain("type filter hook forward priority mangle; ip ttl set 60");
    assert_eq!(on_its_way, "text-differs");
    let found = |table: &str, rule: &str| {
        outcome("fw-osaka", |text| format!("*{table}\n:PREROUTING ACCEPT [0:0]\n{rule}\nCOMMIT\n{text}"))
    };
    assert_eq!(found("raw", "-A PREROUTING -i eth1 -j CT --zone 1"), "unproven");
    assert_eq!(found("mangle", "-A PREROUTING -j TTL --ttl-set 1"), "unproven");
    assert_eq!(found("mangle", "-A PREROUTING -m comment --comment FORWARD -j TTL --ttl-set 1"), "unproven");
    assert_eq!(found("mangle", "-A PREROUTING -j MARK --set-mark 1"), "text-differs");
}

#[test]
fn sources_are_translated_before_some_chains_and_answers_after_some() {
    let nat = "table ip nat {\n\tchain post {\n\t\ttype nat hook postrouting priority srcnat;\n\t\toifname \"eth0\" snat to 203.0.113.1\n\t}\n";
    let and = |chain: &str| with(&format!("{nat}\tchain more {{\n\t\t{chain}\n\t}}\n}}\n"));
    let behind = "type filter hook postrouting priority srcnat + 10; ip saddr 203.0.113.1 tcp dport 443 drop";
    assert_eq!(and(behind), "unproven");
    let before = "type filter hook prerouting priority raw; ip daddr 203.0.113.1 tcp sport 443 drop";
    assert_eq!(and(before), "unproven");
    let itself = |priority: &str| {
        let rule = "ip saddr 10.20.0.7 tcp dport 22 snat to 10.81.0.10";
        let chain = format!("\tchain in {{\n\t\ttype nat hook input priority 100;\n\t\t{rule}\n\t}}\n");
        outcome("fw-tokyo", |text| {
            let input = "type filter hook input priority filter;";
            assert!(text.contains(input), "{text}");
            let text = text.replacen(input, &format!("type filter hook input priority {priority};"), 1);
            format!("{text}table ip nat {{\n{chain}}}\n")
        })
    };
    assert_eq!([itself("110"), itself("90")], ["unproven", "text-differs"]);
    assert_eq!(
        and("type filter hook postrouting priority mangle; ip saddr 203.0.113.1 tcp dport 443 drop"),
        "text-differs"
    );
}

#[test]
fn translations_that_nft_does_not_name_are_noticed() {
    let nat = |rule: &str| {
        let chain = "type nat hook prerouting priority dstnat; policy accept;";
        with(&format!("table ip nat {{\n\tchain PREROUTING {{\n\t\t{chain}\n\t\t{rule}\n\t}}\n}}\n"))
    };
    let to = "ip daddr 203.0.113.8 counter packets 0 bytes 0";
    for lost in ["xt target NETMAP", "xt target \"DNAT\"", "# xt_DNAT", "# xt_DNAT LOG", "", "comment \"log it\""] {
        assert_eq!(nat(&format!("{to} {lost}")), "unproven", "{lost}");
    }
    assert_eq!(nat(&format!("{to} log prefix \"seen \"")), "text-differs");
    let mangle = |rule: &str| {
        let chain = "type filter hook prerouting priority mangle; policy accept;";
        with(&format!("table ip mangle {{\n\tchain PREROUTING {{\n\t\t{chain}\n\t\t{rule}\n\t}}\n}}\n"))
    };
    assert_eq!(mangle("counter packets 0 bytes 0 xt target TTL"), "unproven");
}

#[test]
fn copies_go_past_the_rules() {
    let copied = "type filter hook prerouting priority 0; ip daddr 10.20.0.0/24 dup to 10.20.0.5 device \"eth1\"";
    assert_eq!(with_chain(copied), "unproven");
    let tee = "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i eth0 -j TEE --gateway 10.20.0.5\nCOMMIT\n";
    assert_eq!(outcome("fw-osaka", |text| format!("{tee}{text}")), "unproven");
}

#[test]
fn protocols_of_ipv6_may_stand_behind_other_headers() {
    // A packet of TCP with options for its destination passes by the rule.
    let drops = |asks| with_chain(&format!("type filter hook forward priority -10; {asks} drop"));
    let quarantined = [drops("ip6 nexthdr 17"), drops("meta nfproto ipv6 meta l4proto 17")];
    assert_eq!(quarantined, ["text-differs", "text-differs"]);
    assert_eq!(drops("ip6 nexthdr tcp"), "unproven");
    // It stands behind a header that is not UDP, or is not UDP itself.
    assert_eq!(drops("ip6 nexthdr != udp"), "differs");
    // So do ICMP errors, which are none of TCP.
    assert_eq!(drops("ip6 nexthdr != tcp"), "differs");
}

#[test]
fn a_range_of_all_ports_is_not_negated() {
    let first = "-A FORWARD -j SEKISHO";
    let rule = "-A FORWARD -p tcp -m tcp ! --dport 0:65535 -j ACCEPT";
    assert_eq!(outcome("fw-osaka", |text| text.replacen(first, &format!("{rule}\n{first}"), 1)), "unproven");
}

#[test]
fn what_is_related_to_the_device_itself_is_compared() {
    let known = "ct state related meta l4proto { icmp, ipv6-icmp } accept\n\t\ticmp type";
    let own = |instead: &str| {
        outcome("fw-tokyo", |text| {
            assert!(text.contains(known), "{text}");
            text.replacen(known, &format!("{instead}\n\t\ticmp type"), 1)
        })
    };
    assert_ne!(own("ct state related drop"), "text-differs");
}

#[test]
fn what_is_related_is_an_icmp_error_unless_a_helper_reads_announcements() {
    let both = "ct state established accept\n\t\tct state related meta l4proto { icmp, ipv6-icmp } accept";
    let helper = "\tchain helps {\n\t\ttype filter hook prerouting priority filter; policy accept;\n\t\ttcp dport 21 ct helper set \"ftp\"\n\t}\n";
    for device in ["fw-bangkok", "fw-tokyo"] {
        let edited = |more: &str| {
            outcome(device, |text| {
                assert!(text.contains(both), "{text}");
                let text = text.replace(both, "ct state established,related accept");
                text.replacen("\tchain forward {\n", &format!("{more}\tchain forward {{\n"), 1)
            })
        };
        assert_eq!([edited(""), edited(helper)], ["text-differs", "differs"], "{device}");
    }
    let helped = |more: &str| {
        outcome("fw-osaka", |text| {
            let only_errors = "-p icmp -m conntrack --ctstate RELATED ";
            assert!(text.contains(only_errors), "{text}");
            format!("{more}{}", text.replace(only_errors, "-m conntrack --ctstate RELATED "))
        })
    };
    let helper = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\nCOMMIT\n";
    assert_eq!([helped(""), helped(helper)], ["text-differs", "differs"]);
}

/// A firewall that offloads connections, with and without a quarantine.
#[test]
fn a_flow_table_lets_live_sessions_pass_by_a_quarantine() {
    let outcome = |more: &str| {
        let world = World::backed_up();
        world.write("project/more.policy", more);
        let compiled = world.sekisho(&["compile", "project", "-o", "out"]);
        assert_eq!(compiled.code, 0, "{}", compiled.err);
        let text = world.compiled("fw-bangkok");
        let table =
            "\tflowtable fast {\n\t\thook ingress priority 0; devices = { eth0, eth1 };\n\t}\n\tchain forward {";
        let text = text.replacen("\tchain forward {", table, 1);
        let accepts = "\t\tct state established accept";
        let text = text.replacen(accepts, &format!("\t\tct state established flow add @fast\n{accepts}"), 1);
        world.write("backups/fw-bangkok", text);
        world.drifted(&[]).outcome("fw-bangkok")
    };
    assert_eq!(outcome(""), "text-differs");
    assert_eq!(outcome("quarantine Q-1 of bangkok/jump ticket INC-1 by soc\n"), "unproven");
}

#[test]
fn one_text_for_two_families_is_two_rule_sets() {
    let home = Home::new();
    let text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n";
    home.write("one/rules.v4", text);
    home.write("two/rules.v6", text);
    assert_ne!(home.sekisho(&["equiv", "one", "two"]).code, 0);
}

#[test]
fn what_is_not_understood_is_equal_to_nothing_but_itself() {
    let home = Home::new();
    let filter = |before: &str, rule: &str| {
        format!(
            "table inet t {{\n{before}\n\tchain f {{\n\t\ttype filter hook forward priority 0; policy drop;\n\t\t{rule}\n\t}}\n}}\n"
        )
    };
    let set = |of: &str| {
        format!("\tset s {{\n\t\ttype ipv4_addr\n\t\tflags timeout, interval\n\t\telements = {{ {of} }}\n\t}}")
    };
    let limit = |rate: &str| format!("\tlimit l {{\n\t\trate {rate}/second\n\t}}");
    let ingress = |net: &str| {
        let chain = format!("type filter hook ingress device \"lo\" priority 0; ip saddr {net} drop");
        format!("{}table netdev n {{\n\tchain i {{\n\t\t{chain}\n\t}}\n}}\n", filter("", "accept"))
    };
    let marks = |last: u32| {
        format!("meta mark {{ {}, {last} }} accept", (1000..1100).map(|n| n.to_string()).collect::<Vec<_>>().join(", "))
    };
    for (first, second) in [
        (filter(&set("10.0.0.1"), "ip saddr @s accept"), filter(&set("0.0.0.0/0"), "ip saddr @s accept")),
        (filter(&limit("1"), "limit name \"l\" accept"), filter(&limit("1000000"), "limit name \"l\" accept")),
        (ingress("10.0.0.0/8"), ingress("11.0.0.0/8")),
        (filter("", &marks(7)), filter("", &marks(9))),
        // Connections that are announced, and what goes past the rules.
        (
            filter("", "tcp dport 21 ct helper set \"h\"\n\t\tct state established,related accept"),
            filter("", "ct state established,related accept"),
        ),
        (
            filter("", "ct state established flow add @ft\n\t\tct state established ip saddr 10.9.0.1 drop"),
            filter("", "ct state established ip saddr 10.9.0.1 drop"),
        ),
        // What the device itself sends to one address, and goes to another.
        (
            format!(
                "table ip n {{\n\tchain o {{\n\t\ttype nat hook output priority -100\n\t\toifname \"eth0\" ip daddr 10.1.9.77 dnat to 10.1.9.10\n\t}}\n}}\n{}",
                filter("", "accept")
            ),
            filter("", "accept"),
        ),
    ] {
        home.write("first.nft", &first);
        home.write("second.nft", &second);
        home.write("again.nft", &first);
        let said = |other: &str| home.sekisho(&["equiv", "first.nft", other]).code;
        assert_eq!([said("second.nft"), said("again.nft")], [3, 0], "{first}\n{second}");
    }
}
