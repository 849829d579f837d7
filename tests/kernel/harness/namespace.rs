//! A network namespace with a TUN device for each interface, and what goes through it.
//!
//! A thread of its own enters the namespace and runs every command there, so several namespaces live in one process. The devices
//! are opened in that thread too, but a device belongs to the namespace it was opened in: any thread reads and writes it.
//!
//! Writing into a TUN device forwards the packet before `write` returns, so what comes out is there at once; the short wait for
//! late packets, and sending once more what did not come out, only guard against a busy machine.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use tappers::linux::Tun;

use super::packet::{Marks, Packet, identity};
use super::tools::{Flush, Loaded, Unavailable, available, run};

/// An interface of the firewall under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name, at most 15 bytes.
    pub name: String,
    /// The firewall's own addresses on it: packets to them are delivered, not forwarded.
    pub addresses: Vec<IpAddr>,
}

impl From<&str> for Interface {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), addresses: Vec::new() }
    }
}

/// A packet that arrives by one interface and is routed to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The interface by which it arrives.
    pub input: String,
    /// The interface by which routing sends it on (ignored if it goes to an address of the firewall itself).
    pub output: String,
    /// The packet.
    pub packet: Packet,
}

/// What became of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It left by this interface.
    Passed { output: String },
    /// It went to an address of the firewall itself, and the firewall accepted it.
    Delivered,
    /// Neither.
    Dropped,
}

impl Outcome {
    /// Whether the rule set let it through.
    pub fn is_through(&self) -> bool {
        *self != Self::Dropped
    }
}

/// Packets that share one connection tracking zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversation(u16);

/// How many packets are under way at once: fewer than the queue of a device holds.
const BATCH: usize = 2000;
const QUEUE: &str = "4000";
/// How long the devices must be silent before what did not come out counts as dropped.
const QUIET: Duration = Duration::from_millis(10);

type Job = Box<dyn FnOnce() + Send>;

/// A fresh network namespace; it vanishes when dropped.
pub struct Namespace {
    interfaces: Vec<Interface>,
    devices: Vec<Tun>,
    jobs: Option<Sender<Job>>,
    keeper: Option<JoinHandle<()>>,
    last: u16,
}

impl Namespace {
    /// Makes a namespace with these interfaces, which forwards whatever it is sent.
    ///
    /// # Errors
    /// What is missing on this machine.
    pub fn new(names: &[&str]) -> Result<Self, Unavailable> {
        Self::with_interfaces(&names.iter().map(|name| Interface::from(*name)).collect::<Vec<_>>())
    }

    /// The same with addresses of the firewall's own.
    ///
    /// # Errors
    /// What is missing on this machine.
    pub fn with_interfaces(interfaces: &[Interface]) -> Result<Self, Unavailable> {
        available()?;
        let interfaces = interfaces.to_vec();
        let (jobs, work) = channel::<Job>();
        let keeper = std::thread::spawn(move || work.iter().for_each(|job| job()));
        let mut namespace = Self { interfaces, devices: Vec::new(), jobs: Some(jobs), keeper: Some(keeper), last: 0 };
        let wanted = namespace.interfaces.clone();
        namespace.devices = namespace
            .within(move || furnish(&wanted))
            .map_err(|error| Unavailable(format!("kernel tests: {error}")))?;
        namespace.clear().map_err(Unavailable)?;
        Ok(namespace)
    }

    /// Runs a function in the namespace.
    ///
    /// # Panics
    /// If the function does.
    pub fn within<T: Send + 'static>(&self, function: impl FnOnce() -> T + Send + 'static) -> T {
        let (answer, answered) = channel();
        let job: Job = Box::new(move || {
            // Nobody listens any more only if the asking thread is gone.
            let _gone = answer.send(function());
        });
        self.jobs.as_ref().expect("jobs end when the namespace does").send(job).expect("the keeper runs");
        answered.recv().expect("the keeper answers")
    }

    /// Runs a program in the namespace with `input` on its standard input, and gives its standard output.
    ///
    /// # Errors
    /// What the program complained of.
    pub fn run(&self, program: &str, arguments: &[&str], input: &str) -> Result<String, String> {
        let (program, input) = (program.to_owned(), input.to_owned());
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self.within(move || run(&program, &arguments, &input))
    }

    /// Removes every rule set but the harness's own: the namespace passes everything. Connections stay tracked.
    ///
    /// # Errors
    /// What `nft` complained of.
    pub fn clear(&self) -> Loaded {
        self.load_nft(&format!("flush ruleset\n{}", own_table(self.interfaces.len())))
    }

    /// Loads a file of nftables, beside what is loaded.
    ///
    /// # Errors
    /// What `nft -f` complained of.
    pub fn load_nft(&self, text: &str) -> Loaded {
        self.run("nft", &["-f", "-"], text).map(drop)
    }

    /// Asks `nft -c` whether it would load a file.
    ///
    /// # Errors
    /// What it complained of.
    pub fn check_nft(&self, text: &str) -> Loaded {
        self.run("nft", &["-c", "-f", "-"], text).map(drop)
    }

    /// Loads the two files of iptables.
    ///
    /// # Errors
    /// What the first of them that was refused was refused for.
    pub fn load_iptables(&self, v4: &str, v6: &str, flush: Flush) -> Loaded {
        let arguments: &[&str] = if flush == Flush::Nothing { &["--noflush"] } else { &[] };
        self.run("iptables-restore", arguments, v4)?;
        self.run("ip6tables-restore", arguments, v6).map(drop)
    }

    /// All rules of the namespace but the harness's own, as `nft` and `iptables-save` list them, without counters.
    ///
    /// # Errors
    /// What a program complained of.
    pub fn list(&self) -> Result<String, String> {
        let tables = self.run("nft", &["list", "tables"], "")?;
        let mut text = String::new();
        for table in tables.lines().filter(|table| *table != "table inet harness") {
            let words: Vec<&str> = ["-s", "list"].into_iter().chain(table.split_whitespace()).collect();
            text.push_str(&self.run("nft", &words, "")?);
        }
        for save in ["iptables-save", "ip6tables-save"] {
            let saved = self.run(save, &[], "")?;
            text.extend(saved.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]));
        }
        Ok(text)
    }

    /// Sends packets, each of them the first of a conversation of its own, and says what became of each.
    ///
    /// # Panics
    /// If a probe names an interface that the namespace does not have, or a device cannot be written.
    pub fn send(&mut self, probes: &[Probe]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(probes.len());
        for batch in probes.chunks(BATCH) {
            let marked: Vec<_> = batch.iter().map(|probe| (self.conversation(), probe)).collect();
            outcomes.extend(self.send_marked(&marked));
        }
        outcomes
    }

    /// Begins a conversation: its packets see each other's connection and nobody else's.
    pub fn conversation(&mut self) -> Conversation {
        // Zone 0 is where untouched packets are tracked.
        self.last = self.last.checked_add(1).unwrap_or(1);
        Conversation(self.last)
    }

    /// Sends one packet within a conversation.
    ///
    /// # Panics
    /// As `send`.
    pub fn send_in(&mut self, conversation: Conversation, input: &str, output: &str, packet: &Packet) -> Outcome {
        let probe = Probe { input: input.to_owned(), output: output.to_owned(), packet: packet.clone() };
        self.send_marked(&[(conversation, &probe)]).swap_remove(0)
    }

    /// Sends packets at once, each within a conversation; no two of one conversation may have the same addresses and protocol.
    ///
    /// # Panics
    /// As `send`.
    pub fn send_within(&mut self, probes: &[(Conversation, Probe)]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(probes.len());
        for batch in probes.chunks(BATCH) {
            outcomes
                .extend(self.send_marked(&batch.iter().map(|(session, probe)| (*session, probe)).collect::<Vec<_>>()));
        }
        outcomes
    }

    /// How many packets a second the namespace takes by one interface and routes to another.
    ///
    /// `packets` are written in turn by `threads` threads for `time`; nobody reads them at the other end (a full queue drops
    /// them after all rules have been passed), so the figure is that of receiving, tracking, filtering and routing.
    ///
    /// # Panics
    /// As `send`.
    pub fn throughput(&mut self, input: &str, output: &str, packets: &[Packet], threads: usize, time: Duration) -> f64 {
        let exit = self.number(output);
        let device = &self.devices[usize::from(self.number(input)) - 1];
        let mut marks = Marks { exit, conversation: 0 };
        let bytes: Vec<Vec<u8>> = packets
            .iter()
            .map(|packet| {
                marks.conversation = marks.conversation.wrapping_add(1);
                packet.to_bytes(marks)
            })
            .collect();
        let start = Instant::now();
        let write = |first: usize| {
            let mut sent = 0_u64;
            let mut turn = bytes.iter().cycle().skip(first * bytes.len() / threads.max(1));
            while start.elapsed() < time {
                for packet in turn.by_ref().take(64) {
                    device.send(packet).expect("the device takes packets");
                    sent += 1;
                }
            }
            sent
        };
        let sent: u64 = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..threads).map(|first| scope.spawn(move || write(first))).collect();
            writers.into_iter().map(|writer| writer.join().expect("a writer ends")).sum()
        });
        let rate = sent as f64 / start.elapsed().as_secs_f64();
        self.receive(&mut |_, _| {});
        rate
    }

    fn send_marked(&self, probes: &[(Conversation, &Probe)]) -> Vec<Outcome> {
        let packets: Vec<Vec<u8>> = probes
            .iter()
            .map(|(conversation, probe)| {
                probe.packet.to_bytes(Marks { exit: self.number(&probe.output), conversation: conversation.0 })
            })
            .collect();
        let indices: BTreeMap<_, usize> =
            packets.iter().enumerate().filter_map(|(index, bytes)| Some((identity(bytes)?, index))).collect();
        let mut outcomes = vec![Outcome::Dropped; probes.len()];
        // What is left of earlier packets would be taken for an outcome.
        self.receive(&mut |_, _| {});
        for _attempt in 0..2 {
            for (index, (_, probe)) in probes.iter().enumerate() {
                if outcomes[index] == Outcome::Dropped {
                    let device = &self.devices[usize::from(self.number(&probe.input)) - 1];
                    device.send(&packets[index]).expect("the device takes packets");
                }
            }
            self.collect(&indices, &mut outcomes);
            self.collect_delivered(&indices, &mut outcomes);
            if !outcomes.contains(&Outcome::Dropped) {
                break;
            }
        }
        outcomes
    }

    /// Reads what comes out, until everything has or the devices are quiet.
    fn collect(&self, indices: &BTreeMap<(u16, IpAddr, IpAddr, u8), usize>, outcomes: &mut [Outcome]) {
        let mut last = Instant::now();
        loop {
            self.receive(&mut |interface, bytes| {
                if let Some(index) = identity(bytes).and_then(|identity| indices.get(&identity)) {
                    outcomes[*index] = Outcome::Passed { output: self.interfaces[interface].name.clone() };
                    last = Instant::now();
                }
            });
            if !outcomes.contains(&Outcome::Dropped) || last.elapsed() > QUIET {
                return;
            }
            let mut waiting: Vec<_> =
                self.devices.iter().map(|device| PollFd::new(device.as_fd(), PollFlags::POLLIN)).collect();
            poll(&mut waiting, PollTimeout::from(QUIET.as_millis() as u8)).expect("devices can be polled");
        }
    }

    /// Reads everything that waits in the devices.
    fn receive(&self, take: &mut dyn FnMut(usize, &[u8])) {
        let mut buffer = [0; 2048];
        for (interface, device) in self.devices.iter().enumerate() {
            loop {
                match device.recv(&mut buffer) {
                    Ok(length) => take(interface, &buffer[..length]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("reading {}: {error}", self.interfaces[interface].name),
                }
            }
        }
    }

    /// Asks which packets for the firewall itself came through all its rules.
    fn collect_delivered(&self, indices: &BTreeMap<(u16, IpAddr, IpAddr, u8), usize>, outcomes: &mut [Outcome]) {
        let own = |address: &IpAddr| self.interfaces.iter().any(|interface| interface.addresses.contains(address));
        if !indices.keys().any(|(_, _, destination, _)| own(destination)) {
            return;
        }
        for (set, six) in [("seen4", false), ("seen6", true)] {
            let listing =
                self.run("nft", &["-n", "list", "set", "inet", "harness", set], "").expect("the set is there");
            let elements = listing.split_once("elements = {").map_or("", |(_, elements)| elements);
            let words = elements.split(|c: char| c.is_whitespace() || ",}".contains(c));
            let seen: Vec<u16> = words.filter_map(number_of).collect();
            for ((conversation, _, destination, _), index) in indices {
                if destination.is_ipv6() == six && own(destination) && seen.contains(conversation) {
                    outcomes[*index] = Outcome::Delivered;
                }
            }
            self.run("nft", &["flush", "set", "inet", "harness", set], "").expect("the set is there");
        }
    }

    /// The mark of an interface: 1 for the first.
    fn number(&self, name: &str) -> u8 {
        let place = self.interfaces.iter().position(|interface| interface.name == name);
        place.unwrap_or_else(|| panic!("the namespace has no interface `{name}`")) as u8 + 1
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(keeper) = self.keeper.take() {
            // A keeper that panicked has already said so.
            let _panicked = keeper.join();
        }
    }
}

/// A number as `nft` lists it: decimal where it knows the type, hexadecimal where not.
fn number_of(word: &str) -> Option<u16> {
    match word.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// Enters a new namespace and makes its devices.
fn furnish(interfaces: &[Interface]) -> Result<Vec<Tun>, String> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|error| format!("a new network namespace: {error}"))?;
    settings(&["all", "default"])?;
    let ip = |arguments: &str| run("ip", &arguments.split(' ').map(str::to_owned).collect::<Vec<_>>(), "");
    ip("link set lo up")?;
    let mut devices = Vec::new();
    for (number, interface) in interfaces.iter().enumerate() {
        let name = &interface.name;
        let told = |error: std::io::Error| format!("the TUN device {name}: {error}");
        let device = tappers::Interface::new(name).and_then(Tun::create_named).map_err(told)?;
        device.set_nonblocking(true).map_err(told)?;
        devices.push(device);
        settings(&[name])?;
        run("ip", &["link", "set", "dev", name, "up", "txqueuelen", QUEUE].map(str::to_owned), "")?;
        for address in &interface.addresses {
            let bits = if address.is_ipv6() { 128 } else { 32 };
            let mut words = vec!["addr".to_owned(), "add".to_owned(), format!("{address}/{bits}")];
            words.extend(["dev", name].map(str::to_owned));
            if address.is_ipv6() {
                words.push("nodad".to_owned());
            }
            run("ip", &words, "")?;
        }
        for family in ["-4", "-6"] {
            let table = (number + 101).to_string();
            let mark = (number + 1).to_string();
            run("ip", &[family, "route", "add", "default", "dev", name, "table", &table].map(str::to_owned), "")?;
            run("ip", &[family, "rule", "add", "fwmark", &mark, "table", &table].map(str::to_owned), "")?;
        }
    }
    Ok(devices)
}

/// Lets these interfaces forward anything from anywhere to anywhere.
fn settings(interfaces: &[&str]) -> Result<(), String> {
    let set =
        |path: String, value: &str| std::fs::write(&path, value).map_err(|error| format!("writing {path}: {error}"));
    for interface in interfaces {
        let four = format!("/proc/sys/net/ipv4/conf/{interface}");
        for (name, value) in [
            ("forwarding", "1"),
            ("rp_filter", "0"),
            ("accept_local", "1"),
            ("route_localnet", "1"),
            ("send_redirects", "0"),
        ] {
            set(format!("{four}/{name}"), value)?;
        }
        let six = format!("/proc/sys/net/ipv6/conf/{interface}");
        for (name, value) in [("forwarding", "1"), ("addr_gen_mode", "1"), ("accept_ra", "0")] {
            // `all` has no address generation of its own.
            if *interface != "all" || name != "addr_gen_mode" {
                set(format!("{six}/{name}"), value)?;
            }
        }
    }
    Ok(())
}

/// The harness's own rules: routing marks, connection tracking zones, and what was delivered to the firewall itself.
fn own_table(interfaces: usize) -> String {
    let marks: Vec<String> = (1..=interfaces).map(|number| format!("{number} : {number}")).collect();
    let marks = marks.join(", ");
    format!(
        "table inet harness {{
    set seen4 {{ typeof ip id; flags dynamic; size 65536; }}
    set seen6 {{ typeof @nh,16,16; flags dynamic; size 65536; }}
    chain arrive {{
        type filter hook prerouting priority -350; policy accept;
        meta mark set ip dscp map {{ {marks} }}
        meta mark set ip6 dscp map {{ {marks} }}
        meta nfproto ipv4 ct zone set ip id
        meta nfproto ipv6 ct zone set @nh,16,16
    }}
    chain deliver {{
        type filter hook input priority 350; policy accept;
        meta nfproto ipv4 add @seen4 {{ ip id }} drop
        meta nfproto ipv6 add @seen6 {{ @nh,16,16 }} drop
    }}
}}
"
    )
}
