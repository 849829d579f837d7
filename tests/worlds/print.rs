//! Writes a world as a project directory: several YAML files, several `.policy` files, feeds.
//!
//! The layout varies from world to world (flow or block style, one address or a list, short or long interfaces), since all
//! of them mean the same. What varies depends on the world's own content, so the same world gives the same bytes.

use super::{
    Assertion, Device, Effect, Endpoints, Host, Interface, Labels, Network, Primary, Rule, Service, Services, Site,
    Span, World, protocol_name,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

impl World {
    /// Writes the project into a directory that exists.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_project(&self, directory: &Path) -> std::io::Result<()> {
        for (name, text) in self.files() {
            let path = directory.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(directory))?;
            std::fs::write(path, text)?;
        }
        Ok(())
    }

    /// The whole project as one text, for a failure's message.
    pub fn text(&self) -> String {
        self.files().iter().fold(String::new(), |text, (name, body)| format!("{text}--- {name}\n{body}\n"))
    }

    /// The files of the project by relative path.
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        self.inventory(&mut files);
        self.policy(&mut files);
        for feed in &self.feeds {
            let lines = feed.addresses.iter().map(|literal| literal.text.as_str()).collect::<Vec<_>>().join("\n");
            files.insert(format!("policy/{}", feed.file), format!("# known bad\n{lines}\n"));
        }
        files
    }

    fn style(&self) -> usize {
        self.devices.len() + self.rules.len() + self.sites.iter().map(|site| site.networks.len()).sum::<usize>()
    }

    fn inventory(&self, files: &mut BTreeMap<String, String>) {
        let style = self.style();
        for (index, site) in self.sites.iter().enumerate() {
            let file =
                if style.is_multiple_of(3) { "sites.yaml".to_string() } else { format!("sites/{}.yaml", index % 2) };
            let text = files.entry(file).or_insert_with(|| "sites:\n".to_string());
            site_text(text, site, style + index);
        }
        if !self.transits.is_empty() {
            let mut text = "transit:\n".to_string();
            for transit in &self.transits {
                let body = if transit.internet { "{ internet: true }" } else { "{}" };
                let _ = writeln!(text, "  {}: {body}", transit.name);
            }
            files.insert("transit.yaml".to_string(), text);
        }
        for (index, device) in self.devices.iter().enumerate() {
            let file =
                if style.is_multiple_of(2) { "devices.yaml".to_string() } else { format!("dev/{}.yaml", index % 2) };
            let text = files.entry(file).or_insert_with(|| "devices:\n".to_string());
            device_text(text, device, style + index);
        }
    }

    fn policy(&self, files: &mut BTreeMap<String, String>) {
        let mut base = String::new();
        for service in &self.services {
            let _ = writeln!(base, "service {} = {}", service.name, service.services);
        }
        for group in &self.groups {
            let _ = writeln!(base, "group {} = {}", group.name, group.endpoints);
        }
        for feed in &self.feeds {
            let _ = writeln!(base, "feed {} = \"{}\"", feed.name, feed.file);
        }
        files.insert("policy/base.policy".to_string(), base);
        let mut text = "# who may talk to whom\n".to_string();
        for purpose in &self.purposes {
            let _ = writeln!(text, "purpose {} \"why\" {{\n    owner team-net", purpose.name);
            dates(&mut text, purpose.start.as_ref(), purpose.until.as_ref());
            text.push('\n');
            self.statements(&mut text, Some(&purpose.name));
            text.push_str("}\n");
        }
        self.statements(&mut text, None);
        for quarantine in &self.quarantines {
            let _ = write!(text, "quarantine {} of {}", quarantine.name, quarantine.of);
            if !quarantine.keep.is_empty() {
                let _ = write!(text, " keep {}", quarantine.keep.join(", "));
            }
            dates(&mut text, quarantine.start.as_ref(), quarantine.until.as_ref());
            text.push_str(" ticket INC-1 by soc\n");
        }
        files.insert("policy/rules.policy".to_string(), text);
    }

    fn statements(&self, text: &mut String, purpose: Option<&str>) {
        for rule in self.rules.iter().filter(|rule| rule.purpose.as_deref() == purpose) {
            rule_text(text, rule);
        }
        for assertion in self.assertions.iter().filter(|assertion| assertion.purpose.as_deref() == purpose) {
            assertion_text(text, assertion);
        }
        for waiver in self.waivers.iter().filter(|waiver| waiver.purpose.as_deref() == purpose) {
            let (name, assertion, rule) = (&waiver.name, &waiver.assertion, &waiver.rule);
            let _ = write!(text, "waive {name} for {assertion} allow {rule} ticket R-1 by ciso");
            dates(text, waiver.start.as_ref(), Some(&waiver.until));
            text.push('\n');
        }
    }
}

fn quoted(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    let trap = ["on", "off", "yes", "no", "y", "n", "true", "false", "null"].contains(&text.to_lowercase().as_str());
    if plain && !trap { text.to_string() } else { format!("\"{text}\"") }
}

fn spans(list: &[Span]) -> String {
    let one = |span: &Span| if span.first.is_ipv4() { span.text() } else { format!("\"{}\"", span.text()) };
    match list {
        [only] => one(only),
        several => format!("[{}]", several.iter().map(one).collect::<Vec<_>>().join(", ")),
    }
}

fn label_pairs(labels: &Labels) -> Vec<String> {
    let mut pairs: Vec<String> =
        labels.attributes.iter().map(|(key, value)| format!("{key}: {}", quoted(value))).collect();
    if !labels.tags.is_empty() {
        pairs.push(format!("tags: [{}]", labels.tags.join(", ")));
    }
    pairs
}

fn map(text: &mut String, indent: usize, name: &str, pairs: &[String], block: bool) {
    let space = " ".repeat(indent);
    if !block {
        let _ = writeln!(text, "{space}{}: {{ {} }}", quoted(name), pairs.join(", "));
        return;
    }
    let _ = writeln!(text, "{space}{}:", quoted(name));
    for pair in pairs {
        let _ = writeln!(text, "{space}  {pair}");
    }
}

fn site_text(text: &mut String, site: &Site, style: usize) {
    let _ = writeln!(text, "  {}:", site.name);
    for pair in label_pairs(&site.labels) {
        let _ = writeln!(text, "    {pair}");
    }
    if site.transit {
        text.push_str("    transit: true\n");
    }
    text.push_str("    networks:\n");
    for network in &site.networks {
        map(text, 6, &network.name, &network_pairs(network), style.is_multiple_of(2));
    }
    if !site.hosts.is_empty() {
        text.push_str("    hosts:\n");
        for host in &site.hosts {
            map(text, 6, &host.name, &host_pairs(host), style.is_multiple_of(3));
        }
    }
}

fn network_pairs(network: &Network) -> Vec<String> {
    let mut pairs = vec![format!("address: {}", spans(&network.prefixes))];
    pairs.extend(network.subnet_of.iter().map(|outer| format!("subnet_of: {}", quoted(outer))));
    pairs.extend(label_pairs(&network.labels));
    pairs
}

fn host_pairs(host: &Host) -> Vec<String> {
    let mut pairs = label_pairs(&host.labels);
    pairs.push(format!("address: {}", spans(&host.addresses)));
    pairs
}

fn device_text(text: &mut String, device: &Device, style: usize) {
    let _ = writeln!(text, "  {}:", device.name);
    if let Some(site) = &device.site {
        let _ = writeln!(text, "    site: {site}");
    }
    if let Some(platform) = &device.platform {
        let _ = writeln!(text, "    platform: {platform}");
    }
    if device.protect {
        text.push_str("    protect: true\n");
    }
    let interfaces: Vec<String> =
        device.interfaces.iter().map(|one| format!("{}: {}", one.name, interface_text(one, style))).collect();
    if style.is_multiple_of(2) {
        let _ = writeln!(text, "    interfaces: {{ {} }}", interfaces.join(", "));
        return;
    }
    text.push_str("    interfaces:\n");
    for interface in interfaces {
        let _ = writeln!(text, "      {interface}");
    }
}

fn interface_text(interface: &Interface, style: usize) -> String {
    let joins = &interface.joins;
    let addresses: Vec<Span> = interface.addresses.iter().map(|one| Span { first: *one, last: *one }).collect();
    match addresses.as_slice() {
        [] if style.is_multiple_of(5) => format!("{{ network: {joins} }}"),
        [] => joins.clone(),
        some => format!("{{ network: {joins}, address: {} }}", spans(some)),
    }
}

fn dates(text: &mut String, start: Option<&String>, until: Option<&String>) {
    for (word, date) in [("start", start), ("until", until)] {
        if let Some(date) = date {
            let _ = write!(text, " {word} {date}");
        }
    }
}

fn rule_text(text: &mut String, rule: &Rule) {
    let effect = match rule.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    let both_ways = if rule.both_ways { " both-ways" } else { "" };
    let _ = write!(text, "{effect} {} ", rule.name);
    if rule.name.len().is_multiple_of(2) {
        let _ = write!(text, "from {} to {} on {}{both_ways}", rule.from, rule.to, rule.on);
    } else {
        let _ = write!(text, "\"says why\"\n      on {}{both_ways} to {} from {}", rule.on, rule.to, rule.from);
    }
    dates(text, rule.start.as_ref(), rule.until.as_ref());
    text.push_str(if rule.log { " log\n" } else { "\n" });
}

fn assertion_text(text: &mut String, assertion: &Assertion) {
    let _ = write!(text, "{} {} from {} to {}", assertion.kind, assertion.name, assertion.from, assertion.to);
    if let Some(on) = &assertion.on {
        let _ = write!(text, " on {on}");
    }
    if !assertion.via.is_empty() {
        let _ = write!(text, " via {}", assertion.via.join(", "));
    }
    dates(text, assertion.start.as_ref(), assertion.until.as_ref());
    let words =
        [(assertion.both_ways, " both-ways"), (assertion.transitive, " transitive"), (assertion.advisory, " advisory")];
    for (_, word) in words.iter().filter(|(set, _)| *set) {
        text.push_str(word);
    }
    text.push('\n');
}

impl std::fmt::Display for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |items: &[Vec<Primary>]| {
            let item = |item: &Vec<Primary>| item.iter().map(Primary::to_string).collect::<Vec<_>>().join(" & ");
            items.iter().map(item).collect::<Vec<_>>().join(", ")
        };
        f.write_str(&list(&self.items))?;
        if !self.except.is_empty() {
            write!(f, " except {}", list(&self.except))?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Primary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Primary::Any => f.write_str("any"),
            Primary::Name(name) => f.write_str(name),
            Primary::Qualified(site, name) => write!(f, "{site}/{name}"),
            Primary::Star(name) => write!(f, "*/{name}"),
            Primary::Label(key, value) => write!(f, "{key}:{}", quoted(value)),
            Primary::Address(literal) => f.write_str(&literal.text),
        }
    }
}

impl std::fmt::Display for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |items: &[Service]| items.iter().map(Service::to_string).collect::<Vec<_>>().join(", ");
        f.write_str(&list(&self.items))?;
        if !self.except.is_empty() {
            write!(f, " except {}", list(&self.except))?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ports = |range: Option<(u16, u16)>| match range {
            None => "*".to_string(),
            Some((low, high)) if low == high => low.to_string(),
            Some((low, high)) => format!("{low}-{high}"),
        };
        match self {
            Service::Any => f.write_str("any"),
            Service::Name(name) => f.write_str(name),
            Service::Ports(protocol, None, None) | Service::Icmp(protocol, None, _) | Service::Protocol(protocol) => {
                f.write_str(&protocol_name(*protocol))
            }
            Service::Ports(protocol, None, to) => write!(f, "{}/{}", protocol_name(*protocol), ports(*to)),
            Service::Ports(protocol, from, to) => {
                write!(f, "{}/{}:{}", protocol_name(*protocol), ports(*from), ports(*to))
            }
            Service::Icmp(protocol, Some(kind), None) => write!(f, "{}/{kind}", protocol_name(*protocol)),
            Service::Icmp(protocol, Some(kind), Some(code)) => write!(f, "{}/{kind}/{code}", protocol_name(*protocol)),
            Service::Number(number) => write!(f, "protocol/{number}"),
        }
    }
}
