//! The kernel as judge of single conditions: packets over the loopback interface of a network namespace, and the counters of rules that only count.

use std::fmt::Write as _;
use std::process::Command;

use sekisho::listing::State;
use sekisho::packet::{Protocol, ServicePoint};
use sekisho::platform::read_iptables;

use crate::can_load;
use crate::listings::{Packet, all_hold};

const SETS: &str = "\
create a hash:ip family inet
add a 127.0.0.5
create p hash:ip,port family inet
add p 127.0.0.6,tcp:80
add p 127.0.0.6,udp:53
create six hash:ip family inet6
add six ::1
create n hash:net family inet
add n 127.1.0.0/16
add n 127.1.1.0/24 nomatch
add n 127.1.1.7
create w hash:ip family inet netmask 24
add w 127.1.1.0
create np hash:net,port family inet
add np 127.1.0.0/16,tcp:80
add np 127.1.1.0/24,tcp:80 nomatch
create bp bitmap:port range 0-65535
add bp 53
create l list:set size 8
add l six
add l p
add l a
";

/// Each is a rule without a target.
const CONDITIONS: &[&str] = &[
    "-d 127.0.0.5",
    "! -d 127.1.0.0/16",
    "-d 127.1.0.0/255.255.0.252",
    "-o lo",
    "! -o l+",
    "-p tcp",
    "! -p tcp",
    "-p udp --dport 53",
    "-p udp ! --dport 50:60",
    "-p tcp --sport 1024: --dport :79",
    "-p tcp --sport :1023",
    "-p tcp -m multiport --dports 53,80:90",
    "-p udp -m multiport --ports 53,99",
    "-p tcp -m multiport ! --ports 80",
    "-m iprange --dst-range 127.0.0.6-127.1.0.9",
    "-m iprange ! --src-range 127.0.0.2-127.0.0.9",
    "-m conntrack --ctstate NEW",
    "-m conntrack ! --ctstate NEW,RELATED",
    "-m conntrack --ctorigdst 127.1.1.0/24 --ctproto udp",
    "-p tcp -m conntrack --ctorigdstport 80",
    "-m conntrack --ctdir ORIGINAL",
    "-p tcp --syn",
    "-p tcp ! --syn",
    "-m set --match-set a dst",
    "-m set ! --match-set a dst",
    "-m set --match-set p dst,dst",
    "-m set --match-set p dst,src",
    "-m set --match-set n dst",
    "-m set --match-set w dst",
    "-m set --match-set np dst,dst",
    "-m set --match-set bp dst",
    "-m set --match-set l dst",
    "-m set --match-set l dst,dst",
];

const DESTINATIONS: &[&str] = &["127.0.0.5", "127.0.0.6", "127.1.0.1", "127.1.1.1", "127.1.1.7"];
const PORTS: &[u16] = &[53, 55, 80, 99];

/// The rules stand in a chain that only the packets sent here come to, and no answer.
fn rules() -> String {
    let mut text = String::from("*filter\n:judged - [0:0]\n-A OUTPUT -s 127.0.0.1/32 ! -d 127.0.0.1/32 -j judged\n");
    for (place, condition) in CONDITIONS.iter().enumerate() {
        writeln!(text, "-A judged {condition} -m comment --comment n{place}").unwrap();
    }
    text + "COMMIT\n"
}

/// The counters of the rules, by place, behind each packet that the script sends.
fn counted(script: &str) -> Vec<Vec<bool>> {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("sets"), SETS).unwrap();
    std::fs::write(home.path().join("rules"), rules()).unwrap();
    let done = Command::new("unshare").args(["-n", "bash", "-c", script]).current_dir(home.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let of = |saved: &str, place: usize| {
        let mut lines = saved.lines().filter(|line| line.ends_with(&format!("--comment n{place}")));
        lines.any(|line| !line.starts_with("[0:"))
    };
    text.split("@\n").skip(1).map(|saved| (0..CONDITIONS.len()).map(|place| of(saved, place)).collect()).collect()
}

#[test]
fn the_kernel_counts_what_the_listing_says() {
    let can = can_load() && Command::new("ipset").arg("--version").output().is_ok();
    if !can {
        eprintln!("skipped: this needs root, unshare, iptables and ipset");
        return;
    }
    let mut script = "set -e\nip link set lo up\nipset restore < sets\niptables-restore < rules\n".to_owned();
    let mut packets = Vec::new();
    for (protocol, name) in [(Protocol::TCP, "tcp"), (Protocol::UDP, "udp")] {
        for destination in DESTINATIONS {
            for port in PORTS {
                writeln!(script, "iptables -Z; (echo x > /dev/{name}/{destination}/{port}) 2>/dev/null || true")
                    .unwrap();
                writeln!(script, "echo @; iptables-save -c").unwrap();
                packets.push(Packet {
                    incoming: String::new(),
                    outgoing: "lo".into(),
                    source: "127.0.0.1".parse().unwrap(),
                    destination: destination.parse().unwrap(),
                    service: ServicePoint { protocol, a: 40000, b: *port },
                    state: State::New,
                });
            }
        }
    }
    let listing = read_iptables(Some(&rules()), None, Some(SETS));
    let judged = listing.chains.iter().find(|chain| chain.name.ends_with(" judged")).unwrap();
    let counted = counted(&script);
    assert_eq!(counted.len(), packets.len());
    let mut wrong = Vec::new();
    for (packet, counted) in packets.iter().zip(&counted) {
        for ((rule, condition), counted) in judged.rules.iter().zip(CONDITIONS).zip(counted) {
            let said = all_hold(&rule.when, packet);
            if said != Some(*counted) {
                wrong.push(format!("{condition}: {said:?}, but {counted} for {packet:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
