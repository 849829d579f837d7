//! What it costs to read rule sets of devices: `cargo bench --bench read`.
//!
//! The nftables text is like what large firewalls run: address sets, chains of rules that name them, a map of addresses to chains, a map of interfaces. The text for
//! `iptables-restore` has chains of 46 lines behind a dispatch. Both generators are seeded and know nothing of the writers.

use divan::Bencher;
use sekisho::platform::{nftables, read_iptables};

fn main() {
    divan::main();
}

/// xorshift64*: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = u32::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32).unwrap_or(0);
        high % sides
    }

    fn host(&mut self) -> String {
        format!("10.{}.{}.{}", self.roll(256), self.roll(256), self.roll(256))
    }

    fn net(&mut self) -> String {
        format!("10.{}.{}.0/24", self.roll(256), self.roll(256))
    }
}

/// Adds a line.
macro_rules! put {
    ($text:expr, $($what:tt)*) => {{
        $text += &format!($($what)*);
        $text.push('\n');
    }};
}

/// A rule set of about so many lines.
fn nftables_text(lines: u32) -> String {
    let (mut dice, mut text) = (Dice(0x5e15_4051), "table inet filter {\n".to_owned());
    for set in 0..lines / 20 {
        let members: Vec<String> = (0..10).map(|_| dice.host()).collect();
        put!(text, "\tset servers{set} {{\n\t\ttype ipv4_addr\n\t\telements = {{ {} }}\n\t}}", members.join(", "));
    }
    let chains = lines / 40;
    for chain in 0..chains {
        put!(text, "\tchain from{chain} {{");
        for _ in 0..20 {
            let (set, port) = (dice.roll(lines / 20), 1024 + dice.roll(200));
            match dice.roll(4) {
                0 => put!(text, "\t\tip saddr {} tcp dport {port} counter drop comment \"R-{set}\"", dice.net()),
                1 => put!(text, "\t\tip daddr {} tcp dport {{ 22, {port} }} counter accept", dice.host()),
                2 => put!(text, "\t\tip daddr @servers{set} tcp dport {port} counter packets 0 bytes 0 accept"),
                _ => {
                    let ports = format!("{{ tcp . {port}, udp . {port} }}");
                    put!(text, "\t\tip daddr @servers{set} meta l4proto . th dport {ports} accept comment \"R-{set}\"");
                }
            }
        }
        put!(text, "\t}}");
    }
    text += "\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t\tip saddr vmap {\n";
    for chain in 0..chains {
        put!(text, "\t\t\t{} : jump from{chain}, {} : jump from{chain},", dice.host(), dice.host());
    }
    text + "\t\t\t192.0.2.1 : drop }\n\t}\n}\n"
}

fn iptables_text(lines: u32) -> String {
    let (mut dice, mut text) = (Dice(0x0d15_9a7c), "*filter\n:FORWARD DROP [0:0]\n".to_owned());
    let chains = lines / 48;
    (0..chains).for_each(|chain| put!(text, ":of-{chain} - [0:0]"));
    for chain in 0..chains {
        put!(text, "-A FORWARD -i eth{} -o eth{} -s 10.{}.0.0/16 -j of-{chain}", chain % 20, chain % 19, chain % 256);
        for line in 0..46 {
            let (host, net, port) = (dice.host(), dice.net(), 1024 + dice.roll(200));
            match dice.roll(4) {
                0 => put!(text, "-A of-{chain} -s {host}/32 -d {net} -p tcp -m tcp --dport {port} -j ACCEPT"),
                1 => {
                    let remark = format!("-m comment --comment \"R {line}\"");
                    put!(text, "-A of-{chain} -s {net} -d {host}/32 -p udp -m udp --dport {port} {remark} -j ACCEPT");
                }
                2 => put!(text, "-A of-{chain} -s {net} -p tcp -m multiport --dports 80,443,{port} -j ACCEPT"),
                _ => put!(text, "-A of-{chain} -d {host}/32 -p icmp -m icmp --icmp-type 8 -j DROP"),
            }
        }
    }
    text + "COMMIT\n"
}

const LINES: [u32; 2] = [20_000, 100_000];

#[divan::bench(args = LINES, sample_count = 5, sample_size = 1)]
fn nftables_lines(bencher: Bencher, lines: u32) {
    let text = nftables_text(lines);
    bencher.bench(|| nftables::read(&text));
}

#[divan::bench(args = LINES, sample_count = 5, sample_size = 1)]
fn iptables_lines(bencher: Bencher, lines: u32) {
    let text = iptables_text(lines);
    bencher.bench(|| read_iptables(Some(&text), None, None));
}

/// What breaks off or leads nowhere: one mistake in each line.
#[divan::bench(args = ["unclosed braces", "missing chains", "missing sets", "one long line"], sample_count = 3, sample_size = 1)]
fn nftables_with_mistakes(bencher: Bencher, what: &str) {
    let rules = match what {
        "unclosed braces" => "ip saddr { 10.0.0.1\n".repeat(50_000),
        "missing chains" => (0..50_000).map(|line| format!("ip saddr 10.0.0.1 jump x{line}\n")).collect(),
        "missing sets" => (0..50_000).map(|line| format!("ip saddr @x{line} accept\n")).collect(),
        _ => format!("{} accept\n", "ip saddr 10.0.0.1 meta mark 5 ".repeat(50_000)),
    };
    let text = format!("table inet t {{\nchain c {{\ntype filter hook input priority 0; policy drop;\n{rules}}}\n}}\n");
    bencher.bench(|| nftables::read(&text));
}

#[divan::bench(args = ["missing chains", "first places", "deletions", "one long line"], sample_count = 3, sample_size = 1)]
fn iptables_with_mistakes(bencher: Bencher, what: &str) {
    let add = |line: u32| format!("-A INPUT -s 10.0.{}.{} -j ACCEPT\n", line / 256, line % 256);
    let rules: String = match what {
        "missing chains" => (0..50_000).map(|line| format!("-A INPUT -s 10.0.0.1 -j x{line}\n")).collect(),
        "first places" => (0..50_000).map(|line| format!("-I INPUT -p tcp --dport {line} -j DROP\n")).collect(),
        "deletions" => {
            (0..50_000).map(add).chain((0..50_000).rev().map(|line| add(line).replace("-A", "-D"))).collect()
        }
        _ => format!("-A INPUT {} -j ACCEPT\n", "-m mark --mark 5 -s 10.0.0.1 -p tcp ".repeat(50_000)),
    };
    let text = format!("*filter\n:INPUT DROP [0:0]\n{rules}COMMIT\n");
    bencher.bench(|| read_iptables(Some(&text), None, None));
}
