//! Rule sets that others wrote (`tests/dumps/mod.rs`), loaded: packets at the borders of everything that their rules ask for, over their own interfaces. What surely passes must pass,
//! what surely drops must drop. `SEKISHO_DUMPS` names more of them, `SEKISHO_PACKETS` how many packets for each.
//!
//! Translation of sources is taken away before packets are sent: it is behind the filter, and a packet that came out with another source would not be known again.
//! What does not load here (sets and chains of elsewhere, other versions, modules that this kernel lacks) is counted, not tried.

use std::net::IpAddr;

use sekisho::listing::{
    Action, Condition, Crossing, Evaluator, Hook, InterfacePattern, Listing, State, compare, in_some_order, interfaces,
};
use sekisho::packet::{Flow, Protocol, ServicePoint, ServiceSet};

use crate::Test;
use crate::dumps::{self, Dump};
use crate::emitted::setting;
use crate::harness::{Interface, Namespace, Packet, Probe};

pub const TESTS: &[Test] = &[("dumps_do_what_is_said_of_them", dumps_do_what_is_said_of_them)];

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        if all.is_empty() { None } else { Some(&all[self.roll(all.len())]) }
    }
}

/// What some conditions ask for, at its borders.
#[derive(Debug, Clone, Default)]
struct Borders {
    incoming: Vec<InterfacePattern>,
    outgoing: Vec<InterfacePattern>,
    sources: Vec<IpAddr>,
    destinations: Vec<IpAddr>,
    services: Vec<ServicePoint>,
}

fn beside(address: IpAddr, up: bool) -> IpAddr {
    let step = |number: u128| if up { number.saturating_add(1) } else { number.saturating_sub(1) };
    match address {
        IpAddr::V4(four) => IpAddr::from(u32::try_from(step(u32::from(four).into())).unwrap_or(u32::MAX).to_be_bytes()),
        IpAddr::V6(six) => IpAddr::from(step(u128::from(six)).to_be_bytes()),
    }
}

impl Borders {
    fn add(&mut self, conditions: &[Condition], dice: &mut Dice) {
        for condition in conditions {
            match condition {
                Condition::In(names) => self.incoming.extend(names.iter().cloned()),
                Condition::Out(names) => self.outgoing.extend(names.iter().cloned()),
                Condition::Source(set) => {
                    let ranges: Vec<_> = set.ranges().collect();
                    self.sources.extend(dice.of(&ranges).into_iter().flat_map(ends));
                }
                Condition::Destination(set) => {
                    let ranges: Vec<_> = set.ranges().collect();
                    self.destinations.extend(dice.of(&ranges).into_iter().flat_map(ends));
                }
                Condition::Service(set) => self.services.extend(points(set, dice)),
                Condition::Not(inner) | Condition::First(inner) => self.add(inner, dice),
                Condition::AnyOf(lists) => {
                    if let Some(list) = dice.of(lists) {
                        self.add(list, dice);
                    }
                }
                Condition::Family(_) | Condition::State(_) | Condition::Usual(..) | Condition::Unknown(_) => {}
            }
        }
    }
}

/// Both ends of a range and what stands before and behind it.
fn ends(range: &sekisho::packet::AddressRange) -> [IpAddr; 4] {
    let (first, last) = (range.first(), range.last());
    [first, last, beside(first, false), beside(last, true)]
}

fn points(set: &ServiceSet, dice: &mut Dice) -> Vec<ServicePoint> {
    let pieces = set.rectangles();
    let Some(piece) = dice.of(&pieces) else { return Vec::new() };
    let protocol = Protocol(piece.protocols.first);
    if piece.whole {
        let echo = if protocol == Protocol::ICMP6 { 128 } else { 8 };
        let (a, b) = if protocol.is_icmp() { (echo, 0) } else { (40000, 22) };
        return vec![ServicePoint { protocol, a, b }];
    }
    let ranges = piece.b.intervals();
    let Some(range) = dice.of(ranges) else { return Vec::new() };
    let a = if piece.a.first == 0 && protocol.has_ports() { piece.a.last.min(40000) } else { piece.a.first };
    [range.first, range.last, range.first.saturating_sub(1), range.last.saturating_add(1)]
        .map(|b| ServicePoint { protocol, a, b })
        .to_vec()
}

/// What connection tracking says of the first packet of a flow; `None` where that is not looked into here.
fn state(flow: &Flow) -> Option<State> {
    let service = flow.service;
    match service.protocol {
        Protocol::ICMP if flow.source.is_ipv4() => match service.a {
            8 | 13 | 15 | 17 => Some(State::New),
            _ => Some(State::Invalid),
        },
        Protocol::ICMP6 if flow.source.is_ipv6() => (service.a == 128).then_some(State::New),
        Protocol::ICMP | Protocol::ICMP6 => None,
        protocol if protocol.has_ports() => Some(State::New),
        Protocol(47 | 50 | 89 | 132) => Some(State::New),
        _ => None,
    }
}

const MOST_INTERFACES: usize = 5;

fn is_forwardable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            !(four.is_broadcast() || four.is_multicast() || four.octets()[0] == 0 || four.is_loopback())
        }
        IpAddr::V6(six) => {
            !(six.is_multicast() || six.is_unspecified() || six.is_loopback() || six.is_unicast_link_local())
        }
    }
}

/// An address of the firewall itself on each interface, of both families.
fn own(number: usize) -> [IpAddr; 2] {
    let last = u8::try_from(number).unwrap();
    [IpAddr::from([198, 18, 0, 10 + last]), IpAddr::from([0x2001, 0xdb8, 0xfe, 0, 0, 0, 0, 10 + u16::from(last)])]
}

fn probes(listing: &Listing, names: &[String], count: usize) -> Vec<(Option<String>, Probe, State, Flow)> {
    let mut dice = Dice(count as u64);
    let rules: Vec<_> = listing.chains.iter().flat_map(|chain| &chain.rules).collect();
    let lists: Vec<&[Condition]> = rules
        .iter()
        .flat_map(|rule| {
            let entries: Vec<&[Condition]> = match &rule.action {
                Action::Choose(entries) => entries.iter().map(|(when, _)| when.as_slice()).collect(),
                _ => Vec::new(),
            };
            std::iter::once(rule.when.as_slice()).chain(entries)
        })
        .collect();
    let mut found = Vec::new();
    for _ in 0..count * 8 {
        if found.len() >= count {
            break;
        }
        let mut borders = Borders::default();
        for _ in 0..1 + dice.roll(3) {
            if let Some(list) = dice.of(&lists) {
                borders.add(list, &mut dice);
            }
        }
        let six = dice.roll(3) == 0;
        let default = |last: u8| -> IpAddr {
            if six { IpAddr::from([0x2a00, 1, 0, 0, 0, 0, 0, last.into()]) } else { IpAddr::from([203, 0, 113, last]) }
        };
        let is_usable = |address: &&IpAddr| address.is_ipv6() == six && is_forwardable(**address);
        let sources: Vec<&IpAddr> = borders.sources.iter().filter(is_usable).collect();
        let destinations: Vec<&IpAddr> = borders.destinations.iter().filter(is_usable).collect();
        let source = dice.of(&sources).map_or_else(|| default(1), |address| **address);
        let mut destination = dice.of(&destinations).map_or_else(|| default(2), |address| **address);
        let place = |patterns: &[InterfacePattern], dice: &mut Dice| {
            let fits: Vec<usize> =
                (0..names.len()).filter(|at| patterns.iter().any(|pattern| pattern.matches(&names[*at]))).collect();
            dice.of(&fits).copied().unwrap_or_else(|| dice.roll(names.len()))
        };
        let (incoming, outgoing) = (place(&borders.incoming, &mut dice), place(&borders.outgoing, &mut dice));
        let to_itself = dice.roll(2) == 0;
        if to_itself {
            destination = own(incoming)[usize::from(six)];
        }
        let usual = [
            ServicePoint { protocol: Protocol::TCP, a: 40000, b: 80 },
            ServicePoint { protocol: Protocol(47), a: 0, b: 0 },
        ];
        let service = dice.of(&borders.services).copied().unwrap_or(usual[dice.roll(2)]);
        let service = if service.protocol.has_ports() || service.protocol.is_icmp() {
            service
        } else {
            ServicePoint { a: 0, b: 0, ..service }
        };
        let flow = Flow { source, destination, service };
        let is_own =
            (0..names.len()).any(|at| own(at).contains(&source) || (!to_itself && own(at).contains(&destination)));
        let Some(state) = state(&flow) else { continue };
        let no_icmp = service.protocol.is_icmp() && (service.a > 255 || service.b > 255);
        if is_own || no_icmp || (service.protocol.has_ports() && service.a == 0) {
            continue;
        }
        let probe =
            Probe { input: names[incoming].clone(), output: names[outgoing].clone(), packet: Packet::first(&flow) };
        found.push(((!to_itself).then(|| names[outgoing].clone()), probe, state, flow));
    }
    found
}

/// Loads a dump, without what changes addresses; why not, if it does not load.
fn load(namespace: &Namespace, dump: &Dump) -> Result<(), String> {
    if let Some(text) = dump.files.get("ipset") {
        namespace.run("ipset", &["restore"], text)?;
    }
    if let Some(text) = dump.files.get("nft") {
        namespace.load_nft(&text.replace("flush ruleset", ""))?;
    }
    if let Some(text) = dump.files.get("json") {
        namespace.run("nft", &["-j", "-f", "-"], text)?;
    }
    for (end, program) in [("v4", "iptables-restore"), ("v6", "ip6tables-restore")] {
        if let Some(text) = dump.files.get(end) {
            namespace.run(program, &[], text)?;
        }
    }
    Ok(())
}

/// Takes the rules away that change addresses.
fn without_translation(namespace: &Namespace) -> Result<(), String> {
    let chains: serde_json::Value = serde_json::from_str(&namespace.run("nft", &["-j", "list", "chains"], "")?)
        .map_err(|error| error.to_string())?;
    for object in chains["nftables"].as_array().into_iter().flatten() {
        let word = |name: &str| object["chain"][name].as_str().unwrap_or_default().to_owned();
        if word("type") == "nat" {
            namespace.run("nft", &["flush", "chain", &word("family"), &word("table"), &word("name")], "")?;
        }
    }
    Ok(())
}

/// Reads what `nft` prints of the loaded rules, in text and in JSON: it must not differ surely from what the files were read to mean. How many are proved equal.
fn printed_again(namespace: &Namespace, listing: &Listing) -> Result<usize, String> {
    let crashed = |error: &String| error.contains(": signal: ");
    let tables = match namespace.run("nft", &["list", "tables"], "") {
        Err(error) if crashed(&error) => return Ok(0),
        tables => tables?,
    };
    let tables: Vec<&str> = tables.lines().filter(|table| *table != "table inet harness").collect();
    let mut equal = 0;
    for json in [false, true] {
        let mut parts = Vec::new();
        for table in &tables {
            let flags: &[&str] = if json { &["-j", "list"] } else { &["list"] };
            let words: Vec<&str> = flags.iter().copied().chain(table.split_whitespace()).collect();
            // nft 1.0.6 does not survive the printing of some extensions of iptables.
            match namespace.run("nft", &words, "") {
                Err(error) if crashed(&error) => return Ok(equal),
                printed => parts.push(printed?),
            }
        }
        let text = if json { together(&parts) } else { parts.concat() };
        let again = sekisho::platform::nftables::read(&text);
        let compared = compare(listing, &again).map_err(|_| "the sets are too large".to_owned())?;
        if let Some(difference) = compared.differences.first() {
            let form = if json { "JSON" } else { "text" };
            return Err(format!("nft prints something else ({form}): {difference:?}\n{text}"));
        }
        equal += usize::from(compared.is_equal());
    }
    Ok(equal)
}

/// One JSON of several.
fn together(parts: &[String]) -> String {
    let objects: Vec<serde_json::Value> = parts
        .iter()
        .filter_map(|part| serde_json::from_str::<serde_json::Value>(part).ok())
        .flat_map(|value| value["nftables"].as_array().cloned().unwrap_or_default())
        .collect();
    serde_json::json!({ "nftables": objects }).to_string()
}

#[derive(Default)]
struct Count {
    loaded: usize,
    refused: usize,
    blurred: usize,
    equal: usize,
    packets: usize,
    passes: usize,
    wrong: Vec<String>,
}

fn judge(dump: &Dump, count: &mut Count) {
    let mut dump = dump.clone();
    if !dump.is_nftables() {
        // A family that nobody collected has no rules in the namespace.
        for end in ["v4", "v6"] {
            dump.files.entry(end.to_owned()).or_insert_with(|| "*filter\nCOMMIT\n".to_owned());
        }
    }
    let Some(listing) = dump.read() else { return println!("{}: no rule set", dump.name) };
    let mut names: Vec<String> = interfaces(&[&listing]);
    let other = names.pop().into_iter();
    names.retain(|name| name != "lo" && name.len() <= 15 && !name.is_empty() && !name.contains(['/', ' ']));
    names.truncate(MOST_INTERFACES - 1);
    names.extend(other);
    let devices: Vec<Interface> = names
        .iter()
        .enumerate()
        .map(|(at, name)| Interface { name: name.clone(), addresses: own(at).to_vec() })
        .collect();
    let mut namespace = match Namespace::with_interfaces(&devices) {
        Ok(namespace) => namespace,
        Err(error) => return println!("{}: no namespace: {error}", dump.name),
    };
    if let Err(error) = load(&namespace, &dump) {
        count.refused += 1;
        let error: Vec<&str> = error.lines().filter(|line| !line.trim().is_empty()).take(3).collect();
        return println!("{}: does not load: {}", dump.name, error.join(" / "));
    }
    count.loaded += 1;
    match printed_again(&namespace, &listing) {
        Ok(equal) => count.equal += equal,
        Err(error) => count.wrong.push(format!("{}: {error}", dump.name)),
    }
    if let Err(error) = without_translation(&namespace) {
        return println!("{}: {error}", dump.name);
    }
    if let Some(noticed) = listing.blurs().next() {
        count.blurred += 1;
        return println!("{}: nothing is certain: {}", dump.name, noticed.what);
    }
    let asked = probes(&listing, &names, setting("SEKISHO_PACKETS", 300));
    let (_, answers) = in_some_order(|space| {
        let mut evaluator = Evaluator::new(&listing);
        asked
            .iter()
            .map(|(outgoing, probe, state, flow)| {
                let crossing = Crossing {
                    hook: if outgoing.is_some() { Hook::Forward } else { Hook::Input },
                    incoming: Some(&probe.input),
                    outgoing: outgoing.as_deref(),
                    state: *state,
                    direction: None,
                };
                let passed = evaluator.passed(space, &crossing)?;
                let surely = space.contains(passed.surely, flow);
                Ok((surely || !space.contains(passed.possibly, flow)).then_some(surely))
            })
            .collect::<Result<Vec<Option<bool>>, _>>()
    })
    .expect("the sets are small enough");
    let steers = dump.files.values().any(|text| text.contains("-j MARK") || text.contains("mark set"));
    let sent: Vec<Probe> = asked.iter().map(|(_, probe, ..)| probe.clone()).collect();
    let outcomes = namespace.send(&sent);
    let (mut certain, mut passes, mut wrong) = (0, 0, 0);
    for ((answer, outcome), (outgoing, probe, state, flow)) in answers.iter().zip(&outcomes).zip(&asked) {
        // The harness routes by marks: where rules set them, what passes may go nowhere.
        let Some(expected) = answer.filter(|passes| !(*passes && steers)) else { continue };
        certain += 1;
        passes += usize::from(expected);
        if outcome.is_through() != expected {
            wrong += 1;
            if wrong <= 5 {
                let to = outgoing.as_deref().unwrap_or("itself");
                let said = if expected { "surely passes" } else { "surely drops" };
                count
                    .wrong
                    .push(format!("{}: {} > {to} {state:?} {flow:?}: {said}, but {outcome:?}", dump.name, probe.input));
            }
        }
    }
    println!("{}: {} packets, {certain} certain, {passes} pass, {wrong} otherwise", dump.name, asked.len());
    count.packets += certain;
    count.passes += passes;
}

fn dumps_do_what_is_said_of_them() {
    let mut count = Count::default();
    for dump in dumps::dumps() {
        judge(&dump, &mut count);
    }
    println!(
        "{} dumps load, {} do not; {} of them certain in nothing; what nft prints of them is proved equal {} times of {}; {} packets certain, {} of them pass",
        count.loaded,
        count.refused,
        count.blurred,
        count.equal,
        2 * count.loaded,
        count.packets,
        count.passes
    );
    assert!(count.wrong.is_empty(), "{}", count.wrong.join("\n"));
}
