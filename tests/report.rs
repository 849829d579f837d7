//! Drawings and CSV: goldens, hostile names, malformed lines.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod support;

use std::io::Write as _;

use sekisho::packet::Flow;
use sekisho::report::batch::{self, BatchError};
use sekisho::report::graph::{Drawing, Edge, EdgeKind, Group, Node, NodeKind, dot, mermaid, svg};

fn node(label: &str, detail: &str, kind: NodeKind, group: Option<usize>) -> Node {
    Node { label: label.into(), detail: detail.into(), kind, group }
}

fn link(from: usize, to: usize, label: &str) -> Edge {
    Edge { from, to, label: label.into(), kind: EdgeKind::Link }
}

/// A data centre with a nested firewall, some offices, a WAN and the internet.
fn network(offices: usize) -> Drawing {
    let mut drawing = Drawing { title: "The network".into(), ..Drawing::default() };
    drawing.nodes.push(node("wan", "", NodeKind::Transit, None));
    drawing.nodes.push(node("internet", "", NodeKind::Internet, None));
    drawing.groups.push(Group { label: "tokyo".into(), detail: "JP, tier 0".into() });
    let tokyo = Some(0);
    drawing.nodes.push(node("fw-tokyo", "nftables", NodeKind::Firewall, tokyo));
    drawing.nodes.push(node("app", "10.10.5.0/24, 2001:db8:10:5::/64", NodeKind::Network, tokyo));
    drawing.nodes.push(node("lab", "10.10.7.0/24", NodeKind::Network, tokyo));
    drawing.nodes.push(node("core-switch", "", NodeKind::Router, tokyo));
    drawing.nodes.push(node("fw-defence", "nftables", NodeKind::Firewall, tokyo));
    drawing.nodes.push(node("defence", "10.10.64.0/20", NodeKind::Network, tokyo));
    drawing.edges.extend([link(2, 0, "eth0"), link(2, 1, "eth9"), link(2, 3, "eth1"), link(3, 5, "vlan10")]);
    drawing.edges.extend([link(5, 4, "vlan20"), link(6, 4, "eth0"), link(6, 7, "eth1")]);
    for number in 0..offices {
        let group = Some(drawing.groups.len());
        drawing.groups.push(Group { label: format!("office-{number:02}"), detail: "TH, tier 2".into() });
        let first = drawing.nodes.len();
        drawing.nodes.push(node(&format!("fw-{number:02}"), "iptables", NodeKind::Firewall, group));
        for network in 0..=number % 3 {
            drawing.nodes.push(node(
                ["office", "guest", "voice"][network],
                &format!("10.{number}.{network}.0/24"),
                NodeKind::Network,
                group,
            ));
            drawing.edges.push(link(first, first + 1 + network, &format!("eth{}", network + 1)));
        }
        drawing.edges.push(link(first, 0, "eth0"));
    }
    drawing
}

fn access() -> Drawing {
    let mut drawing = Drawing { title: "Who may reach whom".into(), ..Drawing::default() };
    for name in ["bangkok", "jakarta", "manila", "osaka", "tokyo", "internet"] {
        drawing.nodes.push(node(name, "", NodeKind::Site, None));
    }
    for (from, to, label) in [
        (0, 4, "https, ssh"),
        (1, 4, "https"),
        (4, 0, "smb"),
        (2, 4, "https"),
        (3, 4, "any"),
        (3, 5, "https"),
        (0, 1, "sip"),
    ] {
        drawing.edges.push(Edge { from, to, label: label.into(), kind: EdgeKind::Access });
    }
    drawing
}

fn hostile() -> Drawing {
    let evil = "\"]; a->b <script>alert('x')</script> & `*_#|{}[]() \\ \n\u{1b}[31m\u{202e}";
    let mut drawing = Drawing { title: evil.into(), ..Drawing::default() };
    drawing.groups.push(Group { label: evil.into(), detail: evil.into() });
    drawing.nodes.push(node(evil, evil, NodeKind::Network, Some(0)));
    drawing.nodes.push(node(
        "関所関所関所関所関所関所関所",
        "とても長い説明がここに入りますがはみ出しません",
        NodeKind::Firewall,
        Some(0),
    ));
    drawing.edges.push(link(0, 1, evil));
    drawing.edges.push(link(0, 99, "an edge to nowhere"));
    drawing
}

fn golden(name: &str, actual: &str) {
    support::golden(&format!("graph/{name}"), actual);
}

#[test]
fn drawings_have_goldens() {
    for (name, drawing) in
        [("network", network(9)), ("access", access()), ("hostile", hostile()), ("large", network(70))]
    {
        golden(&format!("{name}.svg"), &svg(&drawing));
        golden(&format!("{name}.dot"), &dot(&drawing));
        golden(&format!("{name}.mmd"), &mermaid(&drawing));
    }
}

#[test]
fn names_cannot_leave_their_labels() {
    let shown = svg(&hostile());
    assert!(!shown.contains("<script") && !shown.contains('\u{1b}') && !shown.contains('\u{202e}'));
    let shown = mermaid(&hostile());
    assert!(!shown.contains("<script") && !shown.contains("-&gt;"));
    assert!(!dot(&hostile()).contains('\u{1b}'));
}

fn answer(input: &str) -> Result<String, BatchError> {
    let mut out = Vec::new();
    let judge = |flow: &Flow, rules: &mut Vec<&'static str>| {
        if flow.service.b == 443 {
            rules.extend(["WEB-1", "WEB-2"]);
            "pass"
        } else if flow.service.b == 22 {
            rules.push("NO-SSH");
            "drop"
        } else {
            "unroutable"
        }
    };
    batch::run(input.as_bytes(), &mut out, &judge).map(|()| String::from_utf8(out).unwrap())
}

#[test]
fn a_batch_keeps_lines_order_and_columns() {
    let input = "\u{feff}id,dport,src,dst,protocol,sport,\"free, text\"\r\n\
                 1,443,10.0.0.1,10.0.0.2,tcp,,\"a \"\"quoted\"\"\nfield, with a break\"\r\n\
                 2,22,2001:db8::1,2001:db8::2,6,1024,\n3,0,10.0.0.1,10.0.0.2,icmp,8,x\n\
                 4,,10.0.0.1,10.0.0.2,gre,,y\n5, 443 ,10.0.0.1,10.0.0.2,\"udp\",,z\n\n";
    let expected = "id,dport,src,dst,protocol,sport,\"free, text\",verdict,rules\n\
                 1,443,10.0.0.1,10.0.0.2,tcp,,\"a \"\"quoted\"\"\nfield, with a break\",pass,WEB-1;WEB-2\n\
                 2,22,2001:db8::1,2001:db8::2,6,1024,,drop,NO-SSH\n3,0,10.0.0.1,10.0.0.2,icmp,8,x,unroutable,\n\
                 4,,10.0.0.1,10.0.0.2,gre,,y,unroutable,\n5, 443 ,10.0.0.1,10.0.0.2,\"udp\",,z,pass,WEB-1;WEB-2\n";
    assert_eq!(answer(input).unwrap(), expected);
    assert_eq!(answer("src,dst,protocol,sport,dport").unwrap(), "src,dst,protocol,sport,dport,verdict,rules\n");
}

#[test]
fn a_malformed_line_is_named() {
    let good = "10.0.0.1,10.0.0.2,tcp,,443\n";
    let header = "src,dst,protocol,sport,dport\n";
    let cases = [
        ("10.0.0.1,2001:db8::1,tcp,,443", "different address families"),
        ("10.0.0.256,10.0.0.1,tcp,,443", "is not an address"),
        ("10.0.0.1,10.0.0.1,tcp,,", "needs a port"),
        ("10.0.0.1,10.0.0.1,tcp,,65536", "0 to 65535"),
        ("10.0.0.1,10.0.0.1,tcp,,+1", "0 to 65535"),
        ("10.0.0.1,10.0.0.1,tpc,,1", "is not a protocol"),
        ("10.0.0.1,10.0.0.1,256,,1", "is not a protocol"),
        ("10.0.0.1,10.0.0.1,icmp6,128,0", "does not go with"),
        ("10.0.0.1,10.0.0.1,icmp,256,0", "0 to 255"),
        ("10.0.0.1,10.0.0.1,icmp,,0", "needs its type"),
        ("10.0.0.1,10.0.0.1,gre,,5", "has no ports"),
        ("10.0.0.1,10.0.0.1,tcp,,443,1", "6 fields"),
        ("", "1 fields"),
    ];
    for (line, wanted) in cases {
        let Err(BatchError::Line { line: number, message }) = answer(&format!("{header}{good}{good}{line}\n{good}"))
        else {
            panic!("{line} was taken");
        };
        assert!(number == 4 && message.contains(wanted), "{line}: {number} {message}");
    }
    for (text, wanted) in
        [("", "no header"), ("src,dst,sport,dport\n", "`protocol`"), ("src,dst,protocol,sport,dport,src\n", "twice")]
    {
        let Err(BatchError::Line { line: 1, message }) = answer(text) else { panic!("{text} was taken") };
        assert!(message.contains(wanted), "{message}");
    }
}

/// The number of a malformed line is right far behind the first chunk, and all before it is answered.
#[test]
fn line_numbers_count_over_chunks() {
    let mut text = String::from("src,dst,protocol,sport,dport\n");
    (0..200_000).for_each(|_| text.push_str("10.0.0.1,10.0.0.2,tcp,1024,443\n"));
    let start = std::time::Instant::now();
    assert_eq!(answer(&text).unwrap().lines().count(), 200_001);
    let _ = writeln!(std::io::stderr(), "200,000 flows: {:?}", start.elapsed());
    text.push_str("x\n");
    assert!(matches!(answer(&text), Err(BatchError::Line { line: 200_002, .. })));
}
