//! The comparison: both sides are asked about the region, and the differences of their answers are taken.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;

use super::both::Both;
use super::decide::{Fate, Logged, decisions};
use super::network::Network;
use super::{paths, policy};
use crate::graph::Topology;
use crate::model::Model;
use crate::packet::{AddressSet, FlowSet, FlowSpace, Order, Product, ServiceSet, TooLarge};
use crate::reach::{Access, ClassProduct, Extra, Prover, Question, Want};

/// A project at a date.
#[derive(Debug, Clone, Copy)]
pub struct Side<'m> {
    /// What it says.
    pub model: &'m Model,
    /// Its graph.
    pub topology: &'m Topology,
    /// The date that it is judged at.
    pub at: Date,
}

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// What can differ. See the module.
    Changed,
    /// Everything: slow, and the judge of the other.
    Whole,
}

/// What differs: sets of flows as disjoint products, the largest first, IPv4 before IPv6.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Flows that pass or are unenforced after, and neither before.
    pub opens: Vec<Product>,
    /// Flows that pass or are unenforced before, and neither after.
    pub closes: Vec<Product>,
    /// Flows that pass or are unenforced before and after, over other firewalls.
    pub path_changed: Vec<Product>,
    /// Flows that rules let pass, or stop, before and after, and that are logged on one side alone.
    pub logging_changed: Vec<Product>,
    /// Whether rules and networks of both sides mean the same, so that nothing had to be asked.
    pub untouched: bool,
}

impl Changes {
    /// Whether every flow that can travel on one side can on the other: proved, for all packets.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.opens.is_empty() && self.closes.is_empty()
    }

    /// Whether nothing differs at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_equal() && self.path_changed.is_empty() && self.logging_changed.is_empty()
    }
}

/// A part of the region: every flow from one of some addresses to one of others on some services.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub from: Arc<AddressSet>,
    pub to: Arc<AddressSet>,
    pub on: Arc<ServiceSet>,
}

impl Piece {
    /// Whether it may hold a flow.
    pub(super) fn is_inhabited(&self) -> bool {
        !self.from.is_empty() && !self.to.is_empty() && !self.on.is_empty()
    }

    /// Pieces that hold every flow that one of two holds and the other does not, and no flow that neither does.
    pub(super) fn differences(&self, other: &Self) -> Vec<Self> {
        let from = Arc::new(self.from.union(&other.from));
        let to = Arc::new(self.to.union(&other.to));
        let on = Arc::new(self.on.union(&other.on));
        let only = |a: &AddressSet, b: &AddressSet| Arc::new(a.difference(b).union(&b.difference(a)));
        let served = Arc::new(self.on.difference(&other.on).union(&other.on.difference(&self.on)));
        let pieces = [
            Self { from: only(&self.from, &other.from), to: to.clone(), on: on.clone() },
            Self { from: from.clone(), to: only(&self.to, &other.to), on },
            Self { from, to, on: served },
        ];
        pieces.into_iter().filter(Self::is_inhabited).collect()
    }
}

/// More pieces than this are asked about at once, as everything.
const PIECES: usize = 2_000;

/// Compares two sides.
///
/// # Errors
///
/// [`TooLarge`] if a difference has so many parts that it does not fit into memory.
pub fn compare(before: Side<'_>, after: Side<'_>, region: Region) -> Result<Changes, TooLarge> {
    let network = Network::new(before, after);
    let everything = || Piece {
        from: Arc::new(before.model.known.union(&after.model.known)),
        to: Arc::new(before.model.known.union(&after.model.known)),
        on: Arc::new(ServiceSet::any()),
    };
    let (mut access, mut logging) = match region {
        Region::Whole => (vec![everything()], vec![everything()]),
        Region::Changed => {
            let found = policy::pieces(before, after, network.common().as_ref());
            (found.access.into_iter().chain(network.pieces()).collect(), found.logging)
        }
    };
    for pieces in [&mut access, &mut logging] {
        if pieces.len() > PIECES {
            *pieces = vec![everything()];
        }
    }
    let pairs = paths::changed(&network);
    let untouched = access.is_empty() && logging.is_empty() && network.is_same;
    let mut asked = Asked { sides: network.sides, space: FlowSpace::new(Order::default()) };
    let (opens, closes) = asked.access(&access)?;
    let path_changed = asked.paths(&pairs)?;
    let logging_changed = asked.logging(&logging)?;
    let space = asked.space;
    Ok(Changes {
        opens: space.products(opens)?,
        closes: space.products(closes)?,
        path_changed: space.products(path_changed)?,
        logging_changed: space.products(logging_changed)?,
        untouched,
    })
}

/// Asks both sides, and calculates with their answers.
struct Asked<'m> {
    sides: Both<Side<'m>>,
    space: FlowSpace,
}

impl Asked<'_> {
    /// What is opened and what is closed among some pieces.
    fn access(&mut self, pieces: &[Piece]) -> Result<(FlowSet, FlowSet), TooLarge> {
        let Both { before, after } = self.each(pieces, travelling);
        let (old, new) = self.sets(&before, &after)?;
        Ok((self.space.difference(new, old)?, self.space.difference(old, new)?))
    }

    /// What travels on both sides among pairs of addresses that other firewalls stand between.
    fn paths(&mut self, pairs: &paths::Pairs) -> Result<FlowSet, TooLarge> {
        let any = Arc::new(ServiceSet::any());
        let piece = |(from, to): &(Arc<AddressSet>, Arc<AddressSet>)| Piece {
            from: from.clone(),
            to: to.clone(),
            on: any.clone(),
        };
        let pieces: Vec<Piece> = pairs.changed.iter().map(piece).collect();
        if pieces.is_empty() {
            return Ok(FlowSet::EMPTY);
        }
        let Both { before, after } = self.each(&pieces, travelling);
        let (old, new) = (self.union(&before)?, self.union(&after)?);
        let unchanged: Vec<Product> = pairs.unchanged.iter().map(|pair| product(&piece(pair))).collect();
        let unchanged = self.union(&unchanged)?;
        let both = self.space.intersection(old, new)?;
        self.space.difference(both, unchanged)
    }

    /// What is logged on one side alone among some pieces, and has one fate on both.
    fn logging(&mut self, pieces: &[Piece]) -> Result<FlowSet, TooLarge> {
        let mut changed = Vec::new();
        for fate in [Fate::Passes, Fate::Stopped] {
            let logged = self.each(pieces, |prover, question| decided(prover, question, fate, Logged::Yes));
            let quiet = self.each(pieces, |prover, question| decided(prover, question, fate, Logged::No));
            for (one, other) in [(logged.before, quiet.after), (quiet.before, logged.after)] {
                let (one, other) = (self.union(&one)?, self.union(&other)?);
                changed.push(self.space.intersection(one, other)?);
            }
        }
        self.space.union_all(&changed)
    }

    /// Asks both sides the same about some pieces.
    fn each(
        &self,
        pieces: &[Piece],
        ask: impl Fn(&Prover<'_>, Question<'_>) -> Vec<ClassProduct> + Sync,
    ) -> Both<Vec<Product>> {
        if pieces.is_empty() {
            return Both::default();
        }
        let extra = Extra {
            addresses: pieces.iter().flat_map(|piece| [piece.from.clone(), piece.to.clone()]).collect(),
            services: pieces.iter().map(|piece| piece.on.clone()).collect(),
            ..Extra::default()
        };
        self.sides.map(|side| {
            let prover = Prover::new(side.model, side.topology, side.at, &extra);
            let access = &prover.access;
            let answer = |number: usize| {
                let (from, to) = (access.extra_addresses(2 * number), access.extra_addresses(2 * number + 1));
                let on = access.extra_services(number);
                if from.is_empty() || to.is_empty() {
                    return Vec::new();
                }
                products(access, &ask(&prover, Question { from, to, on, want: Want::All }))
            };
            (0..pieces.len()).into_par_iter().flat_map_iter(answer).collect()
        })
    }

    /// The unions of two lists, without what cannot be in a difference of the two: products that both have, but where another one meets them.
    fn sets(&mut self, before: &[Product], after: &[Product]) -> Result<(FlowSet, FlowSet), TooLarge> {
        let (old, new): (HashSet<&Product>, HashSet<&Product>) = (before.iter().collect(), after.iter().collect());
        let differ =
            before.iter().filter(|one| !new.contains(one)).chain(after.iter().filter(|one| !old.contains(one)));
        let differ: Vec<&Product> = differ.collect();
        if differ.is_empty() {
            return Ok((FlowSet::EMPTY, FlowSet::EMPTY));
        }
        let sources = AddressSet::union_all(differ.iter().map(|one| &one.sources));
        let destinations = AddressSet::union_all(differ.iter().map(|one| &one.destinations));
        let matters = |one: &&Product| one.sources.intersects(&sources) && one.destinations.intersects(&destinations);
        let chosen = |all: &[Product]| all.iter().filter(matters).cloned().collect::<Vec<Product>>();
        Ok((self.union(&chosen(before))?, self.union(&chosen(after))?))
    }

    fn union(&mut self, products: &[Product]) -> Result<FlowSet, TooLarge> {
        let mut sets = Vec::with_capacity(products.len());
        for one in products {
            sets.push(self.space.product(&one.sources, &one.destinations, &one.services)?);
        }
        self.space.union_all(&sets)
    }
}

fn product(piece: &Piece) -> Product {
    Product { sources: (*piece.from).clone(), destinations: (*piece.to).clone(), services: (*piece.on).clone() }
}

/// Products over addresses, each of one family.
fn products(access: &Access<'_>, flows: &[ClassProduct]) -> Vec<Product> {
    let exact = access.exact(flows).into_iter();
    exact.map(|one| Product { sources: one.sources, destinations: one.destinations, services: one.services }).collect()
}

/// The flows in question that pass or are unenforced.
fn travelling(prover: &Prover<'_>, question: Question<'_>) -> Vec<ClassProduct> {
    let permitted = prover.permitted(question.from, question.to, question.on);
    let free = prover.free(question.from, question.to, question.on);
    permitted.into_iter().flat_map(|one| one.flows).chain(free).collect()
}

/// The flows in question of one fate that are logged, or not.
fn decided(prover: &Prover<'_>, question: Question<'_>, fate: Fate, logged: Logged) -> Vec<ClassProduct> {
    let all = decisions(prover, question).into_iter();
    all.filter(|one| (one.fate, one.logged) == (fate, logged)).flat_map(|one| one.flows).collect()
}
