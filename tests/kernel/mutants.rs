//! Emitted rule sets with one change in them, loaded: the kernel must do with every packet what the judge of `tests/mutants` says, and what the program says of the two.
//!
//! For each change: a packet of every difference, packets at the borders of what both rule sets ask, and live sessions (both ways, and errors about them)
//! that were opened before any rule was there. A change that the kernel refuses is none; what the program says of it is counted. `SEKISHO_WORLDS` is how
//! many worlds, `SEKISHO_SEED` the first of them, `SEKISHO_MUTANTS` how many changes of each firewall.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;

use biodivine_lib_bdd::Bdd;
use sekisho::packet::Flow;

use crate::Test;
use crate::asked::{Files, Verdict, ask};
use crate::borders::{border, flow_of, is_sendable, is_tracked, number, packet_of};
use crate::change::{Change, mutant};
use crate::emitted::{compile, interfaces, seeds, setting};
use crate::harness::{Conversation, Flush, Interface, Namespace, Packet as Sent, Probe, Ruleset};
use crate::judge::{Difference, Field, Hook, Judge, Packet, Range, Refusal, RuleSet, Situation, Way};
use crate::source;
use crate::worlds::World;
use crate::worlds::random::Random;

pub const TESTS: &[Test] = &[
    ("changes_of_random_worlds_do_what_is_said", random_worlds),
    ("changes_of_sample_policies_do_what_is_said", samples),
    ("changes_of_long_lists_do_what_is_said", long_lists),
];

/// Longer rule sets make decision diagrams slow.
const MOST_LINES: usize = 330;
/// How many ways of a difference are tried, and how many packets on each.
const WAYS: usize = 8;
const WITNESSES: usize = 3;
/// How many packets at borders are sent through each change.
const BORDERS: usize = 16;
/// How many sessions are opened for each firewall, and how many of them are looked at again after each change.
const SESSIONS: usize = 60;
const LOOKED_AT: usize = 8;
/// A namespace has so many conversations.
const CONVERSATIONS: usize = 50_000;

/// What came out.
#[derive(Default)]
struct Count {
    firewalls: usize,
    mutants: usize,
    /// Refused by the kernel, by what the program says of them.
    refused: BTreeMap<Verdict, usize>,
    /// Of these, those that the judge refuses too.
    foreseen: usize,
    /// Loaded though the judge would refuse them.
    surprising: BTreeMap<String, usize>,
    /// Loaded, and not what the judge can judge.
    outside: usize,
    /// Loaded and judged, by whether they mean the same and what the program says.
    said: BTreeMap<(bool, Verdict), usize>,
    packets: usize,
    witnesses: usize,
    of_sessions: usize,
    /// Of what differs in packets that can be sent: how many changes, and how many of them were seen to differ.
    shown: (usize, usize),
    wrong: Vec<String>,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} firewalls, {} changes", self.firewalls, self.mutants)?;
        writeln!(f, "  refused by the kernel: {:?}; the judge foresaw {} of them", self.refused, self.foreseen)?;
        writeln!(
            f,
            "  loaded though the judge would not: {:?}; outside of what it knows: {}",
            self.surprising, self.outside
        )?;
        for ((is_equal, verdict), number) in &self.said {
            writeln!(
                f,
                "  {number} {} and said to be {verdict:?}",
                if *is_equal { "mean the same" } else { "differ" }
            )?;
        }
        writeln!(
            f,
            "  {} packets, {} of them where the two differ, {} of sessions",
            self.packets, self.witnesses, self.of_sessions
        )?;
        writeln!(
            f,
            "  {} of {} changes with a difference that can be sent were seen to differ",
            self.shown.1, self.shown.0
        )
    }
}

/// A firewall to be loaded: its files, and the interfaces that it has.
struct Loaded {
    name: String,
    files: Files,
    interfaces: Vec<Interface>,
}

impl Files {
    fn ruleset(&self) -> Ruleset {
        match self {
            Self::Nft(text) => Ruleset::Nftables(text.clone()),
            Self::Iptables { v4, v6 } => Ruleset::Iptables { v4: v4.clone(), v6: v6.clone() },
        }
    }
}

fn of_ruleset(ruleset: &Ruleset) -> Files {
    match ruleset {
        Ruleset::Nftables(text) => Files::Nft(text.clone()),
        Ruleset::Iptables { v4, v6 } => Files::Iptables { v4: v4.clone(), v6: v6.clone() },
    }
}

fn of_world(name: &str, world: &World) -> Vec<Loaded> {
    let files = compile(world).expect("the world compiles");
    let managed = world.devices.iter().filter(|device| device.platform.is_some());
    managed
        .map(|device| Loaded {
            name: format!("{name}, {}", device.name),
            files: of_ruleset(&files[&device.name]),
            interfaces: interfaces(device),
        })
        .collect()
}

fn random_worlds() {
    let loaded = seeds(3).flat_map(|seed| of_world(&format!("world {seed}"), &World::random(seed)));
    all(loaded.collect(), 6);
}

fn long_lists() {
    let loaded = seeds(1).flat_map(|seed| of_world(&format!("long list {seed}"), &source::long(seed)));
    all(loaded.collect(), 10);
}

fn samples() {
    let loaded = source::of_samples().into_iter().map(|firewall| Loaded {
        name: firewall.name,
        files: firewall.files,
        interfaces: ["eth0", "eth1", "eth2"].map(Interface::from).to_vec(),
    });
    all(loaded.collect(), 4);
}

fn all(firewalls: Vec<Loaded>, mutants: usize) {
    let mut count = Count::default();
    for firewall in firewalls.iter().filter(|firewall| firewall.files.lines() <= MOST_LINES) {
        run(firewall, setting("SEKISHO_MUTANTS", mutants), setting("SEKISHO_SEED", 1) as u64, &mut count);
    }
    println!("{count}");
    assert!(count.wrong.is_empty(), "{} are wrong:\n{}", count.wrong.len(), count.wrong.join("\n"));
}

/// A firewall in its namespace, with what was learnt of it.
struct Bench {
    namespace: Namespace,
    names: Vec<String>,
    own: Vec<IpAddr>,
    judge: Judge,
    original: RuleSet,
    sessions: Vec<Session>,
    random: Random,
}

/// A connection that is open.
struct Session {
    conversation: Conversation,
    input: String,
    output: String,
    flow: Flow,
    reporter: IpAddr,
}

/// A packet on a way, and what the judge says of it.
struct Claim {
    way: Way,
    situation: Situation,
    packet: Packet,
    probe: Probe,
    conversation: Option<Conversation>,
    passes: bool,
}

fn run(firewall: &Loaded, mutants: usize, seed: u64, count: &mut Count) {
    let name = firewall.name.bytes().fold(seed, |all, byte| all.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut bench = Bench::new(firewall, Random::new(name));
    count.firewalls += 1;
    let mut made = 0;
    // What is sent through changes goes through the original as well, at the end.
    let mut sent: Vec<Claim> = Vec::new();
    while made < mutants {
        let Some((files, change)) = mutant(&firewall.files, &mut bench.random) else { continue };
        made += 1;
        sent.extend(bench.one(firewall, &files, &change, count));
        bench.judge.forget();
        if sent.len() * 3 > CONVERSATIONS {
            break;
        }
    }
    firewall.files.ruleset().load(&bench.namespace, Flush::Table).expect("the original loads");
    let original = bench.original.clone();
    let mut claims = sent;
    bench.expect(&original, &mut claims);
    count
        .wrong
        .extend(bench.disagreements(&claims).into_iter().map(|text| format!("{}: as it was, {text}", firewall.name)));
}

impl Bench {
    fn new(firewall: &Loaded, random: Random) -> Self {
        let mut interfaces = firewall.interfaces.clone();
        for name in ["eth0", "eth1", "eth2", "eth9", "ethzz", "other0"] {
            if !interfaces.iter().any(|one| one.name == name) {
                interfaces.push(Interface::from(name));
            }
        }
        let namespace = Namespace::with_interfaces(&interfaces).expect("a namespace");
        let mut bench = Self {
            namespace,
            names: interfaces.iter().map(|one| one.name.clone()).collect(),
            own: interfaces.iter().flat_map(|one| one.addresses.clone()).collect(),
            judge: Judge::new(),
            original: firewall.files.rules().expect("the judge reads what is emitted"),
            sessions: Vec::new(),
            random,
        };
        bench.open_sessions();
        bench
    }

    /// Opens sessions while nothing filters, and lets them live for hours: connection tracking forgets a ping after half a minute.
    fn open_sessions(&mut self) {
        self.namespace.within(|| {
            for kind in [
                "udp_timeout",
                "udp_timeout_stream",
                "icmp_timeout",
                "icmpv6_timeout",
                "gre_timeout",
                "gre_timeout_stream",
                "tcp_timeout_max_retrans",
                "tcp_timeout_unacknowledged",
            ] {
                // Where a protocol has no helper of its own, there is no such file, and no such session.
                let _absent = std::fs::write(format!("/proc/sys/net/netfilter/nf_conntrack_{kind}"), "36000");
            }
        });
        let values = self.original.values();
        for _ in 0..SESSIONS * 4 {
            if self.sessions.len() >= SESSIONS {
                break;
            }
            let packet = border(&mut self.random, &values);
            let is_request = matches!(
                (packet.source.is_ipv6(), packet.protocol, packet.first, packet.second),
                (false, 1, 8, 0) | (true, 58, 128, 0)
            );
            let own = self.own.contains(&packet.source) || self.own.contains(&packet.destination);
            if own
                || packet.source == packet.destination
                || !is_sendable(&packet)
                || !(is_request || matches!(packet.protocol, 6 | 17 | 47))
            {
                continue;
            }
            let (input, output) = (self.random.pick(&self.names).clone(), self.random.pick(&self.names).clone());
            let flow = flow_of(&packet);
            let first = Sent::first(&flow);
            let conversation = self.namespace.conversation();
            let mut send = |input: &str, output: &str, packet: &Sent| {
                self.namespace.send_in(conversation, input, output, packet).is_through()
            };
            let is_open = send(&input, &output, &first)
                && send(&output, &input, &first.answer())
                && send(&input, &output, &first.third());
            assert!(is_open, "{flow:?} opens no session");
            let reporter =
                if flow.source.is_ipv6() { "2001:db8:9::9" } else { "10.9.9.9" }.parse().expect("an address");
            self.sessions.push(Session { conversation, input, output, flow, reporter });
        }
    }

    /// Loads a change, sends packets, and gives those of first packets.
    fn one(&mut self, firewall: &Loaded, files: &Files, change: &Change, count: &mut Count) -> Vec<Claim> {
        count.mutants += 1;
        let told = |text: String| format!("{}: {}, {}\n    {text}", firewall.name, change.kind, change.told);
        let said = match ask(&firewall.files, files) {
            Ok(said) => said,
            Err(text) => {
                count.wrong.push(told(text));
                return Vec::new();
            }
        };
        let judged = files.rules();
        if let Err(text) = files.ruleset().load(&self.namespace, Flush::Table) {
            *count.refused.entry(said.verdict).or_default() += 1;
            count.foreseen += usize::from(matches!(judged, Err(Refusal::Wrong(_))));
            if std::env::var("SEKISHO_TELL").is_ok() && (judged.is_ok() || said.verdict == Verdict::Equal) {
                println!(
                    "{}",
                    told(format!(
                        "{:?}, {:?}: {}",
                        said.verdict,
                        judged.err(),
                        text.lines().nth(1).unwrap_or_default()
                    ))
                );
            }
            return Vec::new();
        }
        let rules = match judged {
            Ok(rules) => rules,
            Err(Refusal::Outside(_)) => {
                count.outside += 1;
                return Vec::new();
            }
            Err(Refusal::Wrong(text)) => {
                if std::env::var("SEKISHO_TELL").is_ok() {
                    println!("{}", told(format!("loads, and the judge says {text}")));
                }
                *count.surprising.entry(text).or_default() += 1;
                return Vec::new();
            }
        };
        let original = self.original.clone();
        let differences = self.judge.compare(&original, &rules);
        *count.said.entry((differences.is_empty(), said.verdict)).or_default() += 1;
        let is_wrong =
            matches!((differences.is_empty(), said.verdict), (true, Verdict::Differs) | (false, Verdict::Equal));
        if is_wrong {
            count.wrong.push(told(format!("the program says {:?}, the judge not", said.verdict)));
        }
        let mut claims = self.witnesses(&differences);
        let shown = claims.len();
        let mut values = original.values();
        for (field, ranges) in rules.values() {
            values.entry(field).or_default().extend(ranges);
        }
        for _ in 0..BORDERS {
            let packet = border(&mut self.random, &values);
            claims.extend(self.first_claim(packet, None));
        }
        let firsts = claims.len();
        claims.extend(self.session_claims());
        self.expect(&rules, &mut claims);
        let wrong = self.disagreements(&claims);
        count.packets += claims.len();
        count.witnesses += shown;
        count.of_sessions += claims.len() - firsts;
        if shown > 0 {
            count.shown.0 += 1;
            count.shown.1 += usize::from(wrong.is_empty());
        }
        count.wrong.extend(wrong.into_iter().map(told));
        claims.truncate(firsts);
        claims
    }

    /// Packets of differences that can be sent as first packets.
    fn witnesses(&mut self, differences: &[Difference]) -> Vec<Claim> {
        let mut found = Vec::new();
        let is_asked = |one: &&Difference| matches!(one.situation, Situation::First | Situation::Invalid);
        let mut ways: Vec<&Difference> = differences.iter().filter(is_asked).collect();
        while ways.len() > WAYS * 4 {
            ways.swap_remove(self.random.below(ways.len()));
        }
        let own: Vec<Range> = self.own.iter().map(|one| (number(*one), number(*one))).collect();
        let mut used = 0;
        for difference in ways {
            if used >= WAYS {
                break;
            }
            let both = difference.only_first.or(&difference.only_second);
            let both = if difference.way.hook == Hook::Input { both.and(&self.own_set(&own)) } else { both };
            let mut here = 0;
            for _ in 0..WITNESSES * 2 {
                let random = &mut self.random;
                let Some(packet) = self.judge.space.member(&both, &mut || random.chance(50)) else { break };
                let claim = self.first_claim(packet, Some(difference.way.clone()));
                let claim = claim.filter(|claim| claim.situation == difference.situation);
                here += usize::from(claim.is_some());
                found.extend(claim);
                if here == WITNESSES {
                    break;
                }
            }
            used += usize::from(here > 0);
        }
        found
    }

    fn own_set(&self, own: &[Range]) -> Bdd {
        let four: Vec<Range> = own.iter().copied().filter(|one| one.0 <= u128::from(u32::MAX)).collect();
        let six: Vec<Range> = own.iter().copied().filter(|one| one.0 > u128::from(u32::MAX)).collect();
        let space = &self.judge.space;
        space.value(Field::Destination4, &four, Situation::First).or(&space.value(
            Field::Destination6,
            &six,
            Situation::First,
        ))
    }

    /// A first packet on a way, or on one at random; none where the kernel would not send it that way.
    fn first_claim(&mut self, packet: Packet, way: Option<Way>) -> Option<Claim> {
        let is_own = self.own.contains(&packet.destination);
        let way = way.unwrap_or_else(|| {
            let incoming = self.random.pick(&self.names).clone();
            let outgoing = self.random.pick(&self.names).clone();
            if is_own {
                Way { hook: Hook::Input, incoming, outgoing: String::new() }
            } else {
                Way { hook: Hook::Forward, incoming, outgoing }
            }
        });
        let fits = is_own == (way.hook == Hook::Input) && way.hook != Hook::Output;
        let has = |name: &String| name.is_empty() || self.names.contains(name);
        if !fits || !has(&way.incoming) || !has(&way.outgoing) || !is_sendable(&packet) {
            return None;
        }
        let output = if way.outgoing.is_empty() { self.names[0].clone() } else { way.outgoing.clone() };
        let probe = Probe { input: way.incoming.clone(), output, packet: Sent::first(&flow_of(&packet)) };
        let situation = if is_tracked(&packet) { Situation::First } else { Situation::Invalid };
        Some(Claim { way, situation, packet, probe, conversation: None, passes: false })
    }

    /// Packets of some sessions: onward, back, and an error to where it began.
    fn session_claims(&mut self) -> Vec<Claim> {
        let mut found = Vec::new();
        let mut chosen: Vec<usize> = (0..self.sessions.len()).collect();
        while chosen.len() > LOOKED_AT {
            chosen.swap_remove(self.random.below(chosen.len()));
        }
        for at in chosen {
            let Session { conversation, input, output, flow, reporter } = &self.sessions[at];
            let first = Sent::first(flow);
            let way = |incoming: &String, outgoing: &String| Way {
                hook: Hook::Forward,
                incoming: incoming.clone(),
                outgoing: outgoing.clone(),
            };
            let forth = packet_of(flow);
            let (a, b) = match (forth.protocol, forth.source.is_ipv6()) {
                (1, _) => (0, 0),
                (58, true) => (129, 0),
                _ => (forth.second, forth.first),
            };
            let back = Packet { source: forth.destination, destination: forth.source, first: a, second: b, ..forth };
            let is_six = forth.source.is_ipv6();
            let (kind, code) = if is_six { (1, 1) } else { (3, 13) };
            let about = match forth.protocol {
                1 | 58 => (forth.destination, forth.protocol, 0, forth.first << 8 | forth.second),
                _ => (forth.destination, forth.protocol, forth.first, forth.second),
            };
            let protocol = if is_six { 58 } else { 1 };
            let error =
                Packet { source: *reporter, destination: forth.source, protocol, first: kind, second: code, about };
            let claims = [
                (Situation::Forth, way(input, output), forth, first.third()),
                (Situation::Back, way(output, input), back, first.answer()),
                (Situation::ErrorBack, way(output, input), error, first.error_from(*reporter)),
            ];
            found.extend(claims.into_iter().map(|(situation, way, packet, sent)| Claim {
                probe: Probe { input: way.incoming.clone(), output: way.outgoing.clone(), packet: sent },
                way,
                situation,
                packet,
                conversation: Some(*conversation),
                passes: false,
            }));
        }
        found
    }

    /// Puts down what the judge says of each packet.
    fn expect(&mut self, rules: &RuleSet, claims: &mut [Claim]) {
        let mut known: HashMap<(Way, Situation), Bdd> = HashMap::new();
        for claim in claims {
            let key = (claim.way.clone(), claim.situation);
            let passing = known.entry(key).or_insert_with(|| self.judge.passing_of(rules, &claim.way, claim.situation));
            claim.passes = self.judge.space.holds(passing, &claim.packet);
        }
    }

    fn disagreements(&mut self, claims: &[Claim]) -> Vec<String> {
        let probes: Vec<(Conversation, Probe)> = claims
            .iter()
            .map(|claim| (claim.conversation.unwrap_or_else(|| self.namespace.conversation()), claim.probe.clone()))
            .collect();
        let outcomes = self.namespace.send_within(&probes);
        let is_wrong = |(claim, outcome): &(&Claim, crate::harness::Outcome)| claim.passes != outcome.is_through();
        let wrong = claims.iter().zip(outcomes).filter(is_wrong);
        wrong
            .map(|(claim, outcome)| {
                format!("{:?} {:?} {:?}: the kernel says {outcome:?}", claim.way, claim.situation, claim.packet)
            })
            .collect()
    }
}
