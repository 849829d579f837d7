//! What the loaders accept: the facts on which the writers of nftables and iptables files rely.

use crate::Test;
use crate::forwarding::{flow, forward, namespace, probe};
use crate::harness::{Flush, Namespace};

pub const TESTS: &[Test] = &[
    ("lengths_of_comments_prefixes_and_names", lengths),
    ("text_in_any_language", text_in_any_language),
    ("conditions_on_the_first_packet_of_a_connection", conditions_on_the_first_packet),
    ("elements_of_concatenations", elements_of_concatenations),
    ("names_of_interfaces_may_be_patterns", names_of_interfaces_may_be_patterns),
    ("ports_need_four_bytes", ports_need_four_bytes),
    ("iptables_lengths_and_quotes", iptables_lengths_and_quotes),
    ("a_restore_file_loads_twice_only_if_it_clears_its_hook", a_restore_file_loads_twice),
];

/// Whether `nft -c` and `nft` take a rule; they must agree.
fn takes(namespace: &Namespace, rule: &str) -> bool {
    let text = forward(rule);
    let checked = namespace.check_nft(&text).is_ok();
    assert_eq!(namespace.load_nft(&text).is_ok(), checked, "{rule}");
    checked
}

fn lengths() {
    let namespace = namespace(&["eth0"]);
    let of = |length: usize| "x".repeat(length);
    assert!(takes(&namespace, &format!("drop comment \"{}\"", of(128))));
    assert!(!takes(&namespace, &format!("drop comment \"{}\"", of(129))));
    assert!(takes(&namespace, &format!("log prefix \"{}\"", of(127))));
    assert!(!takes(&namespace, &format!("log prefix \"{}\"", of(128))));
    assert!(takes(&namespace, &format!("drop\n}}\nchain {} {{", of(255))));
    assert!(!takes(&namespace, &format!("drop\n}}\nchain {} {{", of(256))));
    assert!(takes(&namespace, "iifname \"fifteen_chars_x\" drop"));
    assert!(!takes(&namespace, "iifname \"sixteen_chars_xx\" drop"));
    // Bytes count, not characters.
    assert!(takes(&namespace, &format!("drop comment \"{}\"", "é".repeat(64))));
    assert!(!takes(&namespace, &format!("drop comment \"{}\"", "関".repeat(43))));
}

fn text_in_any_language() {
    let namespace = namespace(&["eth0"]);
    let comment = "関所 é \\ $x ; } # % ' ` @ ends with \\";
    assert!(takes(&namespace, &format!("drop comment \"{comment}\"")));
    assert!(namespace.list().unwrap().contains(comment));
    assert!(!takes(&namespace, "drop comment \"a\"b\""));
    // A log prefix expands variables, a comment does not.
    assert!(!takes(&namespace, "log prefix \"$x\""));
    assert!(takes(&namespace, "drop comment \"$x\""));
    // A block ends after a line or a semicolon.
    assert!(takes(&namespace, "drop\n}\nchain a { drop; }\nchain b {"));
    assert!(!takes(&namespace, "drop\n}\nchain a { drop }\nchain b {"));
}

fn conditions_on_the_first_packet() {
    let mut namespace = namespace(&["eth0", "eth1"]);
    assert!(takes(
        &namespace,
        "ct original ip saddr . ct original ip daddr . meta l4proto { 10.0.0.0/8 . 10.0.0.2 . 0-255 } drop"
    ));
    assert!(takes(&namespace, "ct original ip6 daddr 2001:db8::/32 drop"));
    assert!(!takes(&namespace, "ct original saddr 10.0.0.1 drop"));
    assert!(!takes(&namespace, "ct original proto-dst 80 drop"));
    assert!(!takes(&namespace, "ct protocol tcp ct original proto-dst 80 drop"));
    for (protocol, rule, passes) in [
        (1, "meta l4proto icmp ct original proto-dst 2048 accept", true),
        (1, "meta l4proto icmp ct original proto-dst 8 accept", false),
        (6, "meta l4proto tcp ct original proto-dst 0 accept", true),
        (6, "meta l4proto { tcp, udp } ct original proto-dst 0-9 accept", true),
    ] {
        assert!(takes(&namespace, rule));
        let first = flow("10.0.0.1", "10.0.0.2", protocol, 8, 0);
        assert_eq!(namespace.send(&[probe("eth0", "eth1", first)])[0].is_through(), passes, "{rule}");
    }
}

fn elements_of_concatenations() {
    let namespace = namespace(&["eth0"]);
    let map = |declared: &str, elements: &str| {
        let kind = "type ipv4_addr . inet_proto . inet_service : verdict; flags interval;";
        takes(&namespace, &format!("drop\n}}\nmap m {{ {kind} {declared} elements = {{ {elements} }}"))
    };
    assert!(map("", "10.0.0.0/8 . 0-255 . 0-65535 comment \"A\" : accept, 11.0.0.1-11.0.0.9 . tcp . 80 : drop"));
    assert!(!map("", "10.0.0.0/8 . tcp . 80 : accept comment \"A\""));
    assert!(map("counter;", "10.0.0.0/8 . tcp . 80 counter comment \"A\" : accept"));
    assert!(!map("", "10.0.0.0/8 . tcp . 80 counter comment \"A\" : accept"));
    // Overlapping elements: only with the narrower one first, and merging is not done.
    assert!(map("", "10.0.0.5 . tcp . 80 : drop, 10.0.0.0/8 . tcp . 80 : accept"));
    assert!(!map("", "10.0.0.0/8 . tcp . 80 : accept, 10.0.0.5 . tcp . 80 : drop"));
    assert!(!map("auto-merge;", "10.0.0.0/8 . tcp . 80 : accept, 10.0.0.5 . tcp . 80 : accept"));
}

fn names_of_interfaces_may_be_patterns() {
    let mut namespace = namespace(&["eth0", "eth*", "eth+"]);
    let packet = flow("10.0.0.1", "10.0.0.2", 6, 1, 1);
    for (written, passing) in [("eth*", &["eth0", "eth*", "eth+"][..]), ("eth\\*", &["eth*"]), ("eth+", &["eth+"])] {
        assert!(takes(&namespace, &format!("iifname . oifname vmap {{ \"{written}\" . \"eth0\" : accept }}")));
        for name in ["eth0", "eth*", "eth+"] {
            let passed = namespace.send(&[probe(name, "eth0", packet)])[0].is_through();
            assert_eq!(passed, passing.contains(&name), "{written} and {name}");
        }
    }
}

fn ports_need_four_bytes() {
    let mut namespace = namespace(&["eth0", "eth1"]);
    assert!(takes(&namespace, "meta l4proto . th dport { 0-255 . 0-65535 } accept"));
    let mut short = probe("eth0", "eth1", flow("10.0.0.1", "10.0.0.2", 253, 0, 0));
    assert!(namespace.send(std::slice::from_ref(&short))[0].is_through());
    short.packet.body = crate::harness::Body::Other { protocol: 253, bytes: vec![1, 2, 3] };
    assert!(!namespace.send(&[short])[0].is_through());
}

const NO_RULES: &str = "*filter\nCOMMIT\n";

/// What `iptables-save` shows of a rule in the chain SEKISHO, or why it was refused.
fn restored(namespace: &Namespace, rule: &str) -> Result<String, String> {
    let file = format!("*filter\n:SEKISHO - [0:0]\n-A SEKISHO {rule}\nCOMMIT\n");
    namespace.load_iptables(&file, NO_RULES, Flush::Table)?;
    let saved = namespace.run("iptables-save", &[], "")?;
    Ok(saved.lines().filter_map(|line| line.strip_prefix("-A SEKISHO ")).collect())
}

fn iptables_lengths_and_quotes() {
    let namespace = namespace(&["eth0"]);
    let kept = |rule: &str| assert_eq!(restored(&namespace, rule).as_deref(), Ok(rule));
    kept("-m comment --comment \"関所 \\\"q\\\" \\\\ $x # ; ! %\" -j DROP");
    kept("-p tcp -m multiport --dports 1:5,7,8,9,10:20,22,23,24,25,26,27,28,29 -j DROP");
    kept("-m conntrack --ctstate ESTABLISHED --ctproto 6 --ctorigsrc 1.1.1.0/24 --ctorigdstport 80:90 -j DROP");
    kept("-m iprange --src-range 1.1.1.1-1.1.1.9 -j DROP");
    assert!(
        restored(&namespace, "-p tcp -m multiport --dports 1:3,4:6,7:9,10:12,13:15,16:18,19:21,22:24 -j DROP").is_err()
    );
    assert!(restored(&namespace, "-m comment --comment \"a\nb\" -j DROP").is_err());
    // Cut in silence.
    let long = "x".repeat(256);
    let saved = restored(&namespace, &format!("-m comment --comment \"{long}\" -j DROP")).unwrap();
    assert!(!saved.contains(&long) && saved.contains(&long[..255]));
    let saved = restored(&namespace, "-j LOG --log-prefix \"123456789012345678901234567890\"").unwrap();
    assert_eq!(saved, "-j LOG --log-prefix 12345678901234567890123456789");
    // No type of ICMP, but all of them.
    let saved = restored(&namespace, "-p icmp -m icmp --icmp-type 255/3 -j DROP").unwrap();
    assert_eq!(saved, "-p icmp -m icmp --icmp-type any -j DROP");
}

fn a_restore_file_loads_twice() {
    let file =
        |clear: &str| format!("*filter\n:SEKISHO - [0:0]\n{clear}-A FORWARD -j SEKISHO\n-A SEKISHO -j DROP\nCOMMIT\n");
    for (clear, stays) in [("", false), ("-F FORWARD\n", true)] {
        let namespace = namespace(&["eth0"]);
        namespace.load_iptables(&file(clear), NO_RULES, Flush::Nothing).unwrap();
        let once = namespace.list().unwrap();
        namespace.load_iptables(&file(clear), NO_RULES, Flush::Nothing).unwrap();
        assert_eq!(namespace.list().unwrap() == once, stays, "{clear}");
    }
}
