//! Conversations: answers, errors about a connection, and what a new rule set does to live sessions. With rule sets by hand.

use sekisho::packet::Flow;

use crate::Test;
use crate::forwarding::{flow, forward, namespace};
use crate::harness::{Flush, Namespace, Packet};

pub const TESTS: &[Test] = &[
    ("an_answer_needs_a_first_packet", an_answer_needs_a_first_packet),
    ("errors_about_a_connection_pass", errors_about_a_connection_pass),
    ("errors_about_no_connection_do_not", errors_about_no_connection_do_not),
    ("a_new_rule_set_ends_the_sessions_it_names", a_new_rule_set_ends_the_sessions_it_names),
    ("the_same_with_iptables", the_same_with_iptables),
];

const STATEFUL: &str =
    "ct state vmap { established : accept, related : accept }\niifname \"eth0\" oifname \"eth1\" accept";

/// One flow of every protocol that is tracked, in both families.
fn tracked() -> Vec<Flow> {
    let mut flows = Vec::new();
    for (source, destination, echo) in [("10.0.0.1", "10.0.0.2", (1, 8)), ("2001:db8::1", "2001:db8::2", (58, 128))] {
        for (protocol, a, b) in
            [(6, 1000, 443), (17, 1000, 53), (132, 1000, 80), (echo.0, echo.1, 0), (47, 0, 0), (50, 0, 0)]
        {
            flows.push(flow(source, destination, protocol, a, b));
        }
    }
    flows
}

fn an_answer_needs_a_first_packet() {
    let mut namespace = namespace(&["eth0", "eth1"]);
    namespace.load_nft(&forward(STATEFUL)).unwrap();
    for flow in tracked() {
        let first = Packet::first(&flow);
        let alone = namespace.conversation();
        assert!(!namespace.send_in(alone, "eth1", "eth0", &first.answer()).is_through(), "{flow:?}");
        assert!(opens(&mut namespace, &first).is_some(), "{flow:?}");
    }
}

/// Sends a first packet, its answer and a third, and gives the conversation if all three passed.
fn opens(namespace: &mut Namespace, first: &Packet) -> Option<crate::harness::Conversation> {
    let conversation = namespace.conversation();
    let passed = namespace.send_in(conversation, "eth0", "eth1", first).is_through()
        && namespace.send_in(conversation, "eth1", "eth0", &first.answer()).is_through()
        && namespace.send_in(conversation, "eth0", "eth1", &first.third()).is_through();
    passed.then_some(conversation)
}

fn errors_about_a_connection_pass() {
    let mut namespace = namespace(&["eth0", "eth1"]);
    namespace.load_nft(&forward(STATEFUL)).unwrap();
    for flow in tracked() {
        let first = Packet::first(&flow);
        let conversation = namespace.conversation();
        assert!(namespace.send_in(conversation, "eth0", "eth1", &first).is_through());
        let reporter = if flow.source.is_ipv6() { "2001:db8:9::9" } else { "10.9.9.9" };
        let error = first.error_from(reporter.parse().unwrap());
        assert!(namespace.send_in(conversation, "eth1", "eth0", &error).is_through(), "{flow:?}");
    }
}

fn errors_about_no_connection_do_not() {
    let mut namespace = namespace(&["eth0", "eth1"]);
    namespace.load_nft(&forward(STATEFUL)).unwrap();
    for flow in tracked() {
        let reporter = if flow.source.is_ipv6() { "2001:db8:9::9" } else { "10.9.9.9" };
        let error = Packet::first(&flow).error_from(reporter.parse().unwrap());
        let alone = namespace.conversation();
        assert!(!namespace.send_in(alone, "eth1", "eth0", &error).is_through(), "{flow:?}");
    }
}

/// Opens a session of every kind, loads a rule set that quarantines 10.0.0.1 and 2001:db8::1 but keeps tcp/443, and looks at
/// packets of both directions and at errors.
fn quarantined(namespace: &mut Namespace, load: &dyn Fn(&Namespace)) {
    namespace.load_nft(&forward(STATEFUL)).unwrap();
    let sessions: Vec<_> = tracked()
        .into_iter()
        .map(|flow| {
            let first = Packet::first(&flow);
            let conversation = opens(namespace, &first).unwrap_or_else(|| panic!("{flow:?}"));
            (flow, first, conversation)
        })
        .collect();
    namespace.load_nft("delete table inet sekisho").unwrap();
    load(namespace);
    for (flow, first, conversation) in sessions {
        let kept = flow.service.protocol.0 == 6;
        let reporter = if flow.source.is_ipv6() { "2001:db8:9::9" } else { "10.9.9.9" };
        let error = first.error_from(reporter.parse().unwrap());
        let on = namespace.send_in(conversation, "eth0", "eth1", &first.third()).is_through();
        let back = namespace.send_in(conversation, "eth1", "eth0", &first.answer()).is_through();
        let told = namespace.send_in(conversation, "eth1", "eth0", &error).is_through();
        assert_eq!((on, back, told), (kept, kept, kept), "{flow:?}");
    }
}

fn a_new_rule_set_ends_the_sessions_it_names() {
    let mut namespace = namespace(&["eth0", "eth1"]);
    let rules = "ct original ip saddr 10.0.0.1 goto kept
        ct original ip6 saddr 2001:db8::1 goto kept
        ct state vmap { established : accept, related : accept }
        iifname \"eth0\" accept
        }
        chain kept {
        ct state vmap { established : jump still, related : jump still }
        tcp dport 443 accept
        drop
        }
        chain still {
        ct original protocol tcp meta l4proto { tcp, icmp, ipv6-icmp } ct original proto-dst 443 accept";
    quarantined(&mut namespace, &|namespace| namespace.load_nft(&forward(rules)).unwrap());
}

fn the_same_with_iptables() {
    let mut namespace = namespace(&["eth0", "eth1"]);
    let file = |source: &str| {
        format!(
            "*filter\n:SEKISHO - [0:0]\n:KEPT - [0:0]\n-F FORWARD\n-A FORWARD -j SEKISHO\n\
             -A SEKISHO -m conntrack --ctorigsrc {source} -g KEPT\n\
             -A SEKISHO -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
             -A SEKISHO -j DROP\n\
             -A KEPT -m conntrack --ctproto 6 --ctorigdstport 443 -j ACCEPT\n-A KEPT -j DROP\nCOMMIT\n"
        )
    };
    quarantined(&mut namespace, &|namespace| {
        namespace.load_iptables(&file("10.0.0.1"), &file("2001:db8::1"), Flush::Table).unwrap();
    });
}
