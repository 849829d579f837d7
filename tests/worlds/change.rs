//! Worlds that are like another one: refactored, so that every packet fares as before, or with one thing changed.

use super::random::Random;
use super::{Effect, Endpoints, Group, Literal, Primary, Quarantine, Rule, Services, Span, World, address, number};

/// What was done to a world, for a failure's message.
pub type Story = Vec<String>;

/// A step may find nothing to do in a world; then it says so.
type Step = fn(&mut World, &mut Random) -> Option<String>;

const REFACTORINGS: [Step; 14] = [
    rename_rule,
    rename_group,
    rename_device,
    rename_transit,
    rename_service,
    reorder,
    extract_group,
    inline_group,
    split_by_source,
    split_by_service,
    repeat_rule,
    cut_prefix,
    cut_literal,
    regroup_purposes,
];

const CHANGES: [Step; 16] = [
    remove_rule,
    turn_rule,
    other_service,
    other_end,
    swap_ends,
    both_ways,
    log,
    dates,
    remove_device,
    unmanage,
    move_interface,
    remove_interface,
    move_network,
    quarantine,
    change_quarantine,
    hub,
];

impl World {
    /// This world in other words: one to six refactorings, each of which changes no packet's fate.
    pub fn refactored(&self, random: &mut Random) -> (World, Story) {
        let steps = 1 + random.below(6);
        self.after(random, &REFACTORINGS, steps)
    }

    /// This world with one to three things changed.
    pub fn changed(&self, random: &mut Random) -> (World, Story) {
        let steps = 1 + random.below(3);
        self.after(random, &CHANGES, steps)
    }

    fn after(&self, random: &mut Random, steps: &[Step], count: usize) -> (World, Story) {
        let (mut world, mut story) = (self.clone(), Story::new());
        for _ in 0..count {
            story.extend(random.pick(steps)(&mut world, random));
        }
        (world, story)
    }

    fn primaries(&mut self) -> impl Iterator<Item = &mut Primary> {
        let groups = self.groups.iter_mut().map(|group| &mut group.endpoints);
        let rules = self.rules.iter_mut().flat_map(|rule| [&mut rule.from, &mut rule.to]);
        let assertions = self.assertions.iter_mut().flat_map(|one| [&mut one.from, &mut one.to]);
        let all = groups.chain(rules).chain(assertions).chain(self.quarantines.iter_mut().map(|one| &mut one.of));
        all.flat_map(|one| one.items.iter_mut().chain(&mut one.except).flatten())
    }

    fn rename(&mut self, old: &str, new: &str) {
        for primary in self.primaries() {
            if *primary == Primary::Name(old.to_string()) {
                *primary = Primary::Name(new.to_string());
            }
        }
        self.assertions
            .iter_mut()
            .flat_map(|one| &mut one.via)
            .filter(|one| *one == old)
            .for_each(|one| *one = new.to_string());
    }
}

fn index(random: &mut Random, length: usize) -> Option<usize> {
    (length > 0).then(|| random.below(length))
}

fn rename_rule(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.rules.len())?;
    let old = world.rules[at].name.clone();
    let new = format!("{}-{old}", ["a", "z", "Other"][random.below(3)]);
    world.rules[at].name.clone_from(&new);
    world.waivers.iter_mut().filter(|one| one.rule == old).for_each(|one| one.rule.clone_from(&new));
    let kept = world.quarantines.iter_mut().flat_map(|one| &mut one.keep);
    kept.filter(|one| **one == old).for_each(|one| one.clone_from(&new));
    Some(format!("rename rule {old} to {new}"))
}

fn rename_group(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.groups.len())?;
    let old = world.groups[at].name.clone();
    let new = format!("renamed-{old}");
    world.groups[at].name.clone_from(&new);
    world.rename(&old, &new);
    Some(format!("rename group {old}"))
}

fn rename_device(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.devices.len())?;
    let old = world.devices[at].name.clone();
    let new = format!("renamed-{old}");
    world.devices[at].name.clone_from(&new);
    world.rename(&old, &new);
    Some(format!("rename device {old}"))
}

fn rename_transit(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.transits.len())?;
    let old = world.transits[at].name.clone();
    let new = format!("renamed-{old}");
    world.transits[at].name.clone_from(&new);
    let joins = world.devices.iter_mut().flat_map(|device| &mut device.interfaces).map(|one| &mut one.joins);
    joins.filter(|one| **one == old).for_each(|one| one.clone_from(&new));
    world.rename(&old, &new);
    Some(format!("rename transit {old}"))
}

fn rename_service(world: &mut World, random: &mut Random) -> Option<String> {
    use super::Service;
    let at = index(random, world.services.len())?;
    let (old, new) = (world.services[at].name.clone(), format!("renamed-{}", world.services[at].name));
    world.services[at].name.clone_from(&new);
    let own = world.services.iter_mut().map(|one| &mut one.services);
    let all = own.chain(world.rules.iter_mut().map(|rule| &mut rule.on));
    let all = all.chain(world.assertions.iter_mut().filter_map(|one| one.on.as_mut()));
    let all = all.flat_map(|one| one.items.iter_mut().chain(&mut one.except));
    all.filter(|one| **one == Service::Name(old.clone())).for_each(|one| *one = Service::Name(new.clone()));
    Some(format!("rename service {old}"))
}

fn reorder(world: &mut World, random: &mut Random) -> Option<String> {
    world.rules.reverse();
    let at = random.below(world.rules.len());
    world.rules.rotate_left(at);
    world.groups.reverse();
    world.devices.reverse();
    world.sites.reverse();
    world.sites.iter_mut().for_each(|site| site.networks.reverse());
    Some("reorder".to_string())
}

fn extract_group(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.rules.len())?;
    let name = format!("extracted{}", world.groups.len());
    let rule = &mut world.rules[at];
    let end = if random.chance(50) { &mut rule.from } else { &mut rule.to };
    let endpoints =
        std::mem::replace(end, Endpoints { items: vec![vec![Primary::Name(name.clone())]], except: vec![] });
    let told = format!("extract a group from {}", rule.name);
    world.groups.push(Group { name, endpoints });
    Some(told)
}

/// Puts the endpoints of a group in place of its name, where nothing stands around it.
fn inline_group(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.groups.len())?;
    let group = world.groups[at].clone();
    let alone = Endpoints { items: vec![vec![Primary::Name(group.name.clone())]], except: vec![] };
    let ends = world.rules.iter_mut().flat_map(|rule| [&mut rule.from, &mut rule.to]);
    ends.filter(|end| **end == alone).for_each(|end| *end = group.endpoints.clone());
    Some(format!("inline group {}", group.name))
}

fn split_by_source(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.rules.len())?;
    let rule = world.rules[at].clone();
    if rule.from.items.len() < 2 || !rule.from.except.is_empty() {
        return None;
    }
    let mut other = rule.clone();
    other.from.items.remove(0);
    world.rules[at].from.items.truncate(1);
    Some(twin(world, &rule, other))
}

fn split_by_service(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.rules.len())?;
    let rule = world.rules[at].clone();
    if rule.on.items.len() < 2 || !rule.on.except.is_empty() {
        return None;
    }
    let mut other = rule.clone();
    other.on.items.remove(0);
    world.rules[at].on.items.truncate(1);
    Some(twin(world, &rule, other))
}

fn repeat_rule(world: &mut World, random: &mut Random) -> Option<String> {
    let rule = world.rules.get(index(random, world.rules.len())?)?.clone();
    Some(twin(world, &rule, rule.clone()))
}

/// Adds a second half of a rule, kept and waived wherever the first is.
fn twin(world: &mut World, rule: &Rule, mut other: Rule) -> String {
    other.name = format!("{}-{}", rule.name, world.rules.len());
    for quarantine in world.quarantines.iter_mut().filter(|one| one.keep.contains(&rule.name)) {
        quarantine.keep.push(other.name.clone());
    }
    for number in 0..world.waivers.len() {
        if world.waivers[number].rule == rule.name {
            let mut waiver = world.waivers[number].clone();
            (waiver.name, waiver.rule) = (format!("{}-{}", waiver.name, world.waivers.len()), other.name.clone());
            world.waivers.push(waiver);
        }
    }
    let story = format!("split {} into itself and {}", rule.name, other.name);
    world.rules.push(other);
    story
}

fn halves(span: Span) -> Option<[Span; 2]> {
    let (first, last) = (number(span.first), number(span.last));
    let middle = first + (last - first) / 2;
    (first < last).then_some(())?;
    Some([
        Span { first: span.first, last: address(middle, span.first)? },
        Span { first: address(middle + 1, span.first)?, last: span.last },
    ])
}

fn cut_prefix(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.sites.len())?;
    let site = &mut world.sites[at];
    let at = index(random, site.networks.len())?;
    let network = &mut site.networks[at];
    let at = index(random, network.prefixes.len())?;
    let halves = halves(network.prefixes[at])?;
    network.prefixes.splice(at..=at, halves);
    Some(format!("write {} as two halves", network.name))
}

fn cut_literal(world: &mut World, random: &mut Random) -> Option<String> {
    let literals: Vec<Literal> = world
        .primaries()
        .filter_map(|one| if let Primary::Address(literal) = one { Some(literal.clone()) } else { None })
        .collect();
    let literal = literals.get(index(random, literals.len())?)?.clone();
    let text = format!("{}-{}", literal.span.first, literal.span.last);
    if literal.span.first == literal.span.last {
        return None;
    }
    for primary in world.primaries() {
        if *primary == Primary::Address(literal.clone()) {
            *primary = Primary::Address(Literal { span: literal.span, text: text.clone() });
        }
    }
    Some(format!("write {} as {text}", literal.text))
}

/// Takes rules out of a purpose without dates.
fn regroup_purposes(world: &mut World, _: &mut Random) -> Option<String> {
    let plain = world.purposes.iter().find(|one| one.start.is_none() && one.until.is_none())?.name.clone();
    world.rules.iter_mut().filter(|rule| rule.purpose.as_ref() == Some(&plain)).for_each(|rule| rule.purpose = None);
    Some(format!("take rules out of {plain}"))
}

fn remove_rule(world: &mut World, random: &mut Random) -> Option<String> {
    let gone = world.rules.remove(index(random, world.rules.len())?);
    world.waivers.retain(|waiver| waiver.rule != gone.name);
    world.quarantines.iter_mut().for_each(|quarantine| quarantine.keep.retain(|name| *name != gone.name));
    Some(format!("remove {}", gone.name))
}

fn turn_rule(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.rules.len())?;
    let rule = &mut world.rules[at];
    let is_used = |name: &String| *name == rule.name;
    if world.quarantines.iter().flat_map(|one| &one.keep).any(is_used)
        || world.waivers.iter().any(|one| one.rule == rule.name)
    {
        return None;
    }
    rule.effect = if rule.effect == Effect::Allow { Effect::Deny } else { Effect::Allow };
    Some(format!("turn {} round", rule.name))
}

fn other_service(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.rules.len())?;
    let text = *random.pick(&[
        "tcp/443",
        "tcp/440-450",
        "icmp/8",
        "any",
        "udp/53",
        "tcp/53:1024-65535",
        "any except tcp/22",
        "icmp6",
    ]);
    world.rules[at].on = Services::parse(text);
    Some(format!("{} on {text}", world.rules[at].name))
}

fn other_end(world: &mut World, random: &mut Random) -> Option<String> {
    let (at, from) = (index(random, world.rules.len())?, index(random, world.rules.len())?);
    let other = if random.chance(50) { world.rules[from].from.clone() } else { world.rules[from].to.clone() };
    let rule = &mut world.rules[at];
    let end = if random.chance(50) { &mut rule.from } else { &mut rule.to };
    if random.chance(50) {
        end.items.extend(other.items)
    } else {
        *end = other
    }
    Some(format!("another end of {}", rule.name))
}

fn swap_ends(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.rules.len())?;
    let rule = &mut world.rules[at];
    std::mem::swap(&mut rule.from, &mut rule.to);
    Some(format!("swap the ends of {}", rule.name))
}

fn both_ways(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.rules.len())?;
    world.rules[at].both_ways ^= true;
    Some(format!("both ways of {}", world.rules[at].name))
}

fn log(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.rules.len())?;
    world.rules[at].log ^= true;
    Some(format!("log of {}", world.rules[at].name))
}

fn dates(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.rules.len())?;
    let date =
        |random: &mut Random| Some((*random.pick(&super::random::DATES)).to_string()).filter(|_| random.chance(70));
    (world.rules[at].start, world.rules[at].until) = (None, date(random));
    Some(format!("dates of {}", world.rules[at].name))
}

fn is_named(world: &mut World, name: &str) -> bool {
    let name_of = Primary::Name(name.to_string());
    world.primaries().any(|one| *one == name_of)
        || world.assertions.iter().any(|one| one.via.iter().any(|via| via == name))
}

fn remove_device(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.devices.len())?;
    let name = world.devices[at].name.clone();
    if is_named(world, &name) {
        return None;
    }
    world.devices.remove(at);
    Some(format!("remove device {name}"))
}

fn unmanage(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.devices.len())?;
    let device = &mut world.devices[at];
    device.platform = if device.platform.is_some() { None } else { Some("nftables".to_string()) };
    device.protect = false;
    Some(format!("platform of {}", device.name))
}

fn move_interface(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.devices.len())?;
    let mut joins: Vec<String> = world.transits.iter().map(|one| one.name.clone()).collect();
    joins.extend(world.networks().map(|(site, network)| format!("{}/{}", site.name, network.name)));
    let device = &mut world.devices[at];
    let interface = index(random, device.interfaces.len())?;
    let interface = &mut device.interfaces[interface];
    interface.joins = random.pick(&joins).clone();
    interface.addresses.clear();
    device.protect = false;
    Some(format!("move an interface of {} to {}", device.name, device.interfaces[0].joins))
}

fn remove_interface(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.devices.len())?;
    let device = &mut world.devices[at];
    if device.interfaces.len() < 2 {
        return None;
    }
    let gone = random.below(device.interfaces.len());
    device.interfaces.remove(gone);
    Some(format!("remove an interface of {}", device.name))
}

fn move_network(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.sites.len())?;
    let site = &mut world.sites[at];
    let at = index(random, site.networks.len())?;
    let network = &mut site.networks[at];
    let at = index(random, network.prefixes.len())?;
    let keep = usize::from(random.chance(50));
    network.prefixes[at] = halves(network.prefixes[at])?[keep];
    Some(format!("halve {}", network.name))
}

fn quarantine(world: &mut World, random: &mut Random) -> Option<String> {
    let rule = world.rules.get(index(random, world.rules.len())?)?.clone();
    let allows: Vec<String> =
        world.rules.iter().filter(|one| one.effect == Effect::Allow).map(|one| one.name.clone()).collect();
    let keep = allows.into_iter().filter(|_| random.chance(30)).collect();
    world.quarantines.push(Quarantine { name: "Q-NEW".to_string(), of: rule.from, keep, start: None, until: None });
    Some("quarantine".to_string())
}

fn change_quarantine(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.quarantines.len())?;
    let allows: Vec<String> =
        world.rules.iter().filter(|one| one.effect == Effect::Allow).map(|one| one.name.clone()).collect();
    if random.chance(30) {
        world.quarantines.remove(at);
    } else if random.chance(50) {
        world.quarantines[at].keep = allows.into_iter().filter(|_| random.chance(40)).collect();
    } else {
        world.quarantines[at].of = world.rules.get(index(random, world.rules.len())?)?.to.clone();
    }
    Some("change a quarantine".to_string())
}

fn hub(world: &mut World, random: &mut Random) -> Option<String> {
    let at = index(random, world.sites.len())?;
    world.sites[at].transit ^= true;
    Some(format!("hub {}", world.sites[at].name))
}
