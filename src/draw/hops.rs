//! What an intruder reaches, hop by hop: one column for each hop, one box for what a site loses in it.
//!
//! A hop is the length of a shortest chain, as in `blast`. An arrow begins at the box through which the zone of its senders was entered: inside a zone one moves freely, so from which of
//! its addresses the next connection comes says nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::few;
use crate::answer::{Asked, Names, ServiceWords};
use crate::graph::ZoneId;
use crate::model::SiteId;
use crate::packet::Interval;
use crate::reach::{AddressClass, AddressClasses, ClassProduct, ClassSet, Last, Prover, Reached};
use crate::report::graph::{Drawing, Edge, EdgeKind, Node, NodeKind};

/// A box: the hop and the site; the internet has none.
type Spot = (u32, Option<SiteId>);

/// Who is reached from some addresses on some services in up to `limit` hops. The prover must have been made with [`Asked::extra`].
#[must_use]
pub fn hops(prover: &Prover<'_>, names: &Names<'_>, asked: &Asked, limit: Option<u32>) -> Drawing {
    let access = &prover.access;
    let start = access.addresses(&asked.from).cloned().unwrap_or_default();
    let on = access.service_classes(&asked.on).unwrap_or_default();
    let reached = prover.spread(&start, on, &[]);
    let picture = Picture { prover, reached: &reached, start: &start, boxes: boxes(prover, &reached, &start, limit) };
    let mut drawing = Drawing { title: format!("Reached from {}", few(&names.of(&asked.from))), ..Drawing::default() };
    drawing.nodes.push(Node {
        label: few(&names.of(&asked.from)),
        detail: "start".to_owned(),
        kind: NodeKind::Start,
        group: None,
    });
    drawing.layers.push(0);
    drawing.headings.push("start".to_owned());
    let mut number: BTreeMap<Spot, usize> = BTreeMap::new();
    for (spot, classes) in &picture.boxes {
        number.insert(*spot, drawing.nodes.len());
        drawing.nodes.push(picture.node(names, *spot, classes));
        drawing.layers.push(usize::try_from(spot.0).unwrap_or(usize::MAX));
    }
    let last = picture.boxes.keys().map(|(hop, _)| *hop).max().unwrap_or(0);
    drawing.headings.extend((1..=last).map(|hop| if hop == 1 { "1 hop".to_owned() } else { format!("{hop} hops") }));
    drawing.edges = picture.edges(on, &number, last);
    drawing
}

/// What is reached, by hop and site; what one starts from is left out.
fn boxes(prover: &Prover<'_>, reached: &Reached<'_>, start: &ClassSet, limit: Option<u32>) -> BTreeMap<Spot, ClassSet> {
    let classes = &prover.access.classes;
    let mut found: BTreeMap<Spot, Vec<Interval<u32>>> = BTreeMap::new();
    for (number, class) in classes.members(&classes.all()) {
        let hop = reached.distance(number).map(|(hop, _)| hop);
        let hop = hop.filter(|hop| limit.is_none_or(|limit| *hop <= limit) && !start.contains(number));
        if let Some(hop) = hop {
            found.entry((hop, site(prover, class))).or_default().push(Interval::single(number));
        }
    }
    found.into_iter().map(|(spot, classes)| (spot, classes.into_iter().collect())).collect()
}

fn site(prover: &Prover<'_>, class: &AddressClass) -> Option<SiteId> {
    prover.topology.zones.place(class.place)?.site
}

struct Picture<'a, 'p> {
    prover: &'a Prover<'p>,
    reached: &'a Reached<'a>,
    start: &'a ClassSet,
    boxes: BTreeMap<Spot, ClassSet>,
}

impl Picture<'_, '_> {
    fn node(&self, names: &Names<'_>, (_, site): Spot, classes: &ClassSet) -> Node {
        let model = self.prover.model();
        let set = self.prover.access.classes.addresses(classes);
        let site = site.and_then(|site| model.sites.get(site.index())).map(|site| site.name.value.as_str());
        let short = |name: String| {
            let own = site.and_then(|site| name.strip_prefix(site)).and_then(|rest| rest.strip_prefix('/'));
            own.map_or_else(|| name.clone(), str::to_owned)
        };
        let members: Vec<String> = names.of(&set).into_iter().map(short).collect();
        let label = site.or(model.internet_name()).unwrap_or("internet").to_owned();
        let detail = if members == [label.clone()] { String::new() } else { few(&members) };
        Node { label, detail, kind: if site.is_some() { NodeKind::Site } else { NodeKind::Internet }, group: None }
    }

    fn edges(&self, on: &[u32], number: &BTreeMap<Spot, usize>, last: u32) -> Vec<Edge> {
        let words = ServiceWords::new(self.prover.model());
        let mut flows: BTreeMap<(usize, usize), Vec<ClassProduct>> = BTreeMap::new();
        let mut moves: BTreeSet<(usize, usize)> = BTreeSet::new();
        for hop in 1..=last {
            let senders = self.reached.senders(hop);
            let (direct, moved) = self.arrivals(hop);
            for product in self.prover.permitted(&senders, &direct, on).into_iter().flat_map(|found| found.flows) {
                for from in self.boxes_of(&product.sources, hop, number) {
                    for to in self.spots(&product.destinations, hop, number) {
                        flows.entry((from, to)).or_default().push(product.clone());
                    }
                }
            }
            for class in AddressClasses::numbers(&moved) {
                let around = self.reached.around(class).intersection(&senders);
                let own: ClassSet = Interval::single(class).into();
                for from in self.boxes_of(&around, hop, number) {
                    moves.extend(self.spots(&own, hop, number).into_iter().map(|to| (from, to)));
                }
            }
        }
        let passing = flows.into_iter().map(|((from, to), products)| {
            let label = few(&words.of_flows(&self.prover.access, &products));
            Edge { from, to, label, kind: EdgeKind::Access }
        });
        let moving = moves.into_iter().map(|(from, to)| Edge {
            from,
            to,
            label: "no firewall between".to_owned(),
            kind: EdgeKind::Open,
        });
        passing.chain(moving).collect()
    }

    /// What is first reached in a hop, by a flow and by movement.
    fn arrivals(&self, hop: u32) -> (ClassSet, ClassSet) {
        let (mut direct, mut moved) = (Vec::new(), Vec::new());
        for (_, classes) in self.boxes.iter().filter(|((at, _), _)| *at == hop) {
            for class in AddressClasses::numbers(classes) {
                let by = self.reached.distance(class).map(|(_, last)| last);
                if by == Some(Last::Flow) { &mut direct } else { &mut moved }.push(Interval::single(class));
            }
        }
        (direct.into_iter().collect(), moved.into_iter().collect())
    }

    fn spots(&self, classes: &ClassSet, hop: u32, number: &BTreeMap<Spot, usize>) -> BTreeSet<usize> {
        let members = self.prover.access.classes.members(classes);
        members.filter_map(|(_, class)| number.get(&(hop, site(self.prover, class))).copied()).collect()
    }

    /// The boxes through which one came to the senders of a hop.
    fn boxes_of(&self, senders: &ClassSet, hop: u32, number: &BTreeMap<Spot, usize>) -> BTreeSet<usize> {
        if hop <= 1 || senders.intersects(self.start) {
            return BTreeSet::from([0]);
        }
        let classes = &self.prover.access.classes;
        let mut zones: BTreeSet<ZoneId> = BTreeSet::new();
        let mut found: BTreeSet<usize> = BTreeSet::new();
        for (_, class) in classes.members(senders) {
            match number.get(&(hop - 1, site(self.prover, class))) {
                Some(at) => drop(found.insert(*at)),
                None => drop(zones.insert(class.zone)),
            }
        }
        let before = self.boxes.iter().filter(|((at, _), _)| *at == hop - 1);
        for (spot, members) in before {
            let is_entry = zones.iter().any(|zone| members.intersects(classes.of_zone(*zone)));
            found.extend(number.get(spot).filter(|_| is_entry));
        }
        if found.is_empty() { BTreeSet::from([0]) } else { found }
    }
}
