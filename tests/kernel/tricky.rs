//! The rule sets of `tests/golden/traps/` in the kernel: what surely passes must pass, what surely drops must drop, and what a program must refuse it refuses.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;

use sekisho::listing::State;
use sekisho::packet::{Flow, ServicePoint};

use crate::Test;
use crate::harness::{Interface, Namespace, Packet, Probe};
use crate::traps::{self, Answer, Asked, Section};

pub const TESTS: &[Test] = &[("traps_mean_what_is_written", traps_mean_what_is_written)];

/// The interfaces of all packets; addresses of packets to the device itself are its own.
fn interfaces(packets: &[Asked]) -> Vec<Interface> {
    let mut found: BTreeMap<&str, Vec<IpAddr>> = BTreeMap::new();
    for asked in packets {
        let own = found.entry(&asked.incoming).or_default();
        if asked.outgoing.is_none() && !own.contains(&asked.flow.destination) {
            own.push(asked.flow.destination);
        }
        if let Some(outgoing) = &asked.outgoing {
            found.entry(outgoing).or_default();
        }
    }
    found.into_iter().map(|(name, addresses)| Interface { name: name.to_owned(), addresses }).collect()
}

/// Loads what a section has; what a program does not refuse although it should is a failure.
fn load(namespace: &Namespace, section: &Section) -> Result<(), String> {
    let outcome = |name: &str, loaded: Result<(), String>| {
        let refused =
            section.files.iter().any(|file| file.name == name && file.words.iter().any(|word| word == "refused"));
        match (refused, loaded) {
            (true, Ok(())) => Err(format!("{name} loads, and should be refused")),
            (true, Err(_)) => Ok(()),
            (false, loaded) => loaded,
        }
    };
    if let Some(text) = section.file("ipset.save") {
        namespace.run("ipset", &["restore"], text)?;
    }
    if let Some(text) = section.file("ruleset.nft") {
        outcome("ruleset.nft", namespace.load_nft(text))?;
    }
    for (name, program) in [("rules.v4", "iptables-restore"), ("rules.v6", "ip6tables-restore")] {
        if let Some(text) = section.file(name) {
            outcome(name, namespace.run(program, &[], text).map(drop))?;
        }
    }
    Ok(())
}

/// The flow that a packet of an established connection answers.
fn opened(flow: &Flow) -> Flow {
    let service = flow.service;
    let service =
        if service.protocol.has_ports() { ServicePoint { a: service.b, b: service.a, ..service } } else { service };
    Flow { source: flow.destination, destination: flow.source, service }
}

fn judged(section: &Section) -> Result<usize, String> {
    let mut namespace = Namespace::with_interfaces(&interfaces(&section.packets)).map_err(|error| error.to_string())?;
    let mut established = Vec::new();
    for asked in section.packets.iter().filter(|asked| asked.state == State::Established) {
        let Some(outgoing) = &asked.outgoing else { continue };
        let conversation = namespace.conversation();
        let first = Packet::first(&opened(&asked.flow));
        namespace.send_in(conversation, outgoing, &asked.incoming, &first);
        established.push((conversation, asked, outgoing.clone(), first.answer()));
    }
    load(&namespace, section)?;
    if section.says("refused") {
        return Ok(0);
    }
    let mut outcomes = Vec::new();
    for (conversation, asked, outgoing, packet) in established {
        outcomes.push((asked, namespace.send_in(conversation, &asked.incoming, &outgoing, &packet)));
    }
    for asked in section.packets.iter().filter(|asked| asked.state == State::New) {
        let output = asked.outgoing.clone().unwrap_or_else(|| asked.incoming.clone());
        let probe = Probe { input: asked.incoming.clone(), output, packet: Packet::first(&asked.flow) };
        outcomes.push((asked, namespace.send(&[probe]).swap_remove(0)));
    }
    for (asked, outcome) in &outcomes {
        let agrees = match asked.answer {
            Answer::Unknown => true,
            Answer::Passes => outcome.is_through(),
            Answer::Drops => !outcome.is_through(),
        };
        if !agrees {
            return Err(format!("{outcome:?}: {}", asked.text));
        }
    }
    Ok(outcomes.iter().filter(|(asked, _)| asked.answer != Answer::Unknown).count())
}

fn traps_mean_what_is_written() {
    let (mut wrong, mut sections, mut packets) = (Vec::new(), 0, 0);
    for path in traps::documents() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for section in traps::sections(&fs::read_to_string(&path).unwrap()) {
            if section.says("elsewhere") || section.file("ruleset.json").is_some() {
                continue;
            }
            match judged(&section) {
                Ok(count) => {
                    sections += 1;
                    packets += count;
                }
                Err(error) => wrong.push(format!("{name}: {}: {error}", section.heading)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{sections} rule sets, {packets} packets of which something certain is said");
}
