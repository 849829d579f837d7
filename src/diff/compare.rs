//! The comparison: both sides are asked about the region, and the differences of their answers are taken.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;

use super::both::Both;
use super::decide::{Decision, Fate, Logged, decisions};
use super::network::Network;
use super::{paths, policy};
use crate::graph::Topology;
use crate::model::Model;
use crate::packet::{AddressSet, FlowSet, FlowSpace, Order, Product, ServiceSet, TooLarge};
use crate::reach::{Access, ClassProduct, ClassSet, Extra, Prover, Question, Want};

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
    let asked = Asked::new(network.sides, [access, pairs.changed.iter().map(of_pair).collect(), logging]);
    let mut space = Space(FlowSpace::new(Order::default()));
    let (opens, closes) = space.access(asked.travelling(Part::Access)?)?;
    let path_changed = space.paths(asked.travelling(Part::Paths)?, &pairs.unchanged)?;
    let logging_changed = space.logging(asked.decided()?)?;
    let Space(space) = space;
    Ok(Changes {
        opens: space.products(opens)?,
        closes: space.products(closes)?,
        path_changed: space.products(path_changed)?,
        logging_changed: space.products(logging_changed)?,
        untouched,
    })
}

/// Every flow between the addresses of a pair.
fn of_pair((from, to): &(Arc<AddressSet>, Arc<AddressSet>)) -> Piece {
    Piece { from: from.clone(), to: to.clone(), on: Arc::new(ServiceSet::any()) }
}

/// What a part of the region is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Access,
    Paths,
    Logging,
}

/// Both sides, ready to be asked about the same pieces.
struct Asked<'m> {
    /// None where nothing is to be asked.
    provers: Option<Both<Prover<'m>>>,
    /// How many pieces the parts have, in their order.
    counts: [usize; 3],
}

impl<'m> Asked<'m> {
    fn new(sides: Both<Side<'m>>, parts: [Vec<Piece>; 3]) -> Self {
        let counts = parts.each_ref().map(Vec::len);
        let pieces: Vec<Piece> = parts.into_iter().flatten().collect();
        let extra = Extra {
            addresses: pieces.iter().flat_map(|piece| [piece.from.clone(), piece.to.clone()]).collect(),
            services: pieces.iter().map(|piece| piece.on.clone()).collect(),
            ..Extra::default()
        };
        let prover = |side: Side<'m>| Prover::new(side.model, side.topology, side.at, &extra);
        Self { provers: (!pieces.is_empty()).then(|| sides.map(prover)), counts }
    }

    /// The flows of a part that pass or are unenforced.
    fn travelling(&self, part: Part) -> Result<Both<Vec<Product>>, TooLarge> {
        let ask = |prover: &Prover<'_>, question: Question<'_>| {
            let permitted = prover.permitted(question.from, question.to, question.on);
            let free = prover.free(question.from, question.to, question.on);
            products(&prover.access, permitted.into_iter().flat_map(|one| one.flows).chain(free).collect())
        };
        self.each(part, ask)
    }

    /// The flows of the last part that rules decide, by what these do.
    fn decided(&self) -> Result<Both<Vec<Decided>>, TooLarge> {
        let ask = |prover: &Prover<'_>, question: Question<'_>| {
            let mut told = Vec::new();
            for Decision { fate, logged, flows, .. } in decisions(prover, question) {
                told.extend(products(&prover.access, flows)?.into_iter().map(|flows| (fate, logged, flows)));
            }
            Ok(told)
        };
        self.each(Part::Logging, ask)
    }

    /// Asks both sides about each piece of a part.
    fn each<T: Send>(
        &self,
        part: Part,
        ask: impl Fn(&Prover<'_>, Question<'_>) -> Result<Vec<T>, TooLarge> + Sync,
    ) -> Result<Both<Vec<T>>, TooLarge> {
        let [access, paths, logging] = self.counts;
        let (first, count) = match part {
            Part::Access => (0, access),
            Part::Paths => (access, paths),
            Part::Logging => (access + paths, logging),
        };
        let side = |prover: &Prover<'_>| {
            let answer = |number: usize| {
                let access = &prover.access;
                let (from, to) = (access.extra_addresses(2 * number), access.extra_addresses(2 * number + 1));
                if from.is_empty() || to.is_empty() {
                    return Ok(Vec::new());
                }
                ask(prover, Question { from, to, on: access.extra_services(number), want: Want::All })
            };
            let answers: Result<Vec<Vec<T>>, TooLarge> = (first..first + count).into_par_iter().map(answer).collect();
            answers.map(|answers| answers.into_iter().flatten().collect())
        };
        match &self.provers {
            Some(provers) => {
                let Both { before, after } = provers.as_ref().map(side);
                Ok(Both { before: before?, after: after? })
            }
            None => Ok(Both { before: Vec::new(), after: Vec::new() }),
        }
    }
}

/// Flows that rules decide, with what becomes of them and whether that is logged.
type Decided = (Fate, Logged, Product);

/// Where the answers are calculated with.
struct Space(FlowSpace);

impl Space {
    /// What is opened and what is closed.
    fn access(&mut self, Both { before, after }: Both<Vec<Product>>) -> Result<(FlowSet, FlowSet), TooLarge> {
        let (old, new) = self.sets(&before, &after)?;
        Ok((self.0.difference(new, old)?, self.0.difference(old, new)?))
    }

    /// What travels on both sides, but for pairs of addresses that nothing else stands between.
    fn paths(
        &mut self,
        Both { before, after }: Both<Vec<Product>>,
        unchanged: &paths::List,
    ) -> Result<FlowSet, TooLarge> {
        let (old, new) = (self.union(&before)?, self.union(&after)?);
        let both = self.0.intersection(old, new)?;
        if both.is_empty() {
            return Ok(both);
        }
        let unchanged: Vec<Product> = unchanged.iter().map(|pair| product(&of_pair(pair))).collect();
        let unchanged = self.union(&unchanged)?;
        self.0.difference(both, unchanged)
    }

    /// What is logged on one side alone, and has one fate on both.
    fn logging(&mut self, decided: Both<Vec<Decided>>) -> Result<FlowSet, TooLarge> {
        let mut changed = Vec::new();
        for fate in [Fate::Passes, Fate::Stopped] {
            for (old, new) in [(Logged::Yes, Logged::No), (Logged::No, Logged::Yes)] {
                let before = self.of(&decided.before, fate, old)?;
                let after = self.of(&decided.after, fate, new)?;
                changed.push(self.0.intersection(before, after)?);
            }
        }
        self.0.union_all(&changed)
    }

    fn of(&mut self, all: &[Decided], fate: Fate, logged: Logged) -> Result<FlowSet, TooLarge> {
        let own = all.iter().filter(|one| (one.0, one.1) == (fate, logged));
        let own: Vec<Product> = own.map(|(_, _, flows)| flows.clone()).collect();
        self.union(&own)
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
            sets.push(self.0.product(&one.sources, &one.destinations, &one.services)?);
        }
        self.0.union_all(&sets)
    }
}

fn product(piece: &Piece) -> Product {
    Product { sources: (*piece.from).clone(), destinations: (*piece.to).clone(), services: (*piece.on).clone() }
}

/// More classes than this are not written out as addresses for one answer: some hundred bytes of memory each.
const MOST: usize = 20_000_000;

/// Products over addresses, each of one family.
fn products(access: &Access<'_>, flows: Vec<ClassProduct>) -> Result<Vec<Product>, TooLarge> {
    let of =
        |set: &ClassSet| set.intervals().iter().map(|range| (range.last - range.first) as usize + 1).sum::<usize>();
    let written: usize = flows.iter().map(|one| of(&one.sources) + of(&one.destinations)).sum();
    if written > MOST {
        return Err(TooLarge { budget: MOST });
    }
    let exact = access.exact(&flows).into_iter();
    Ok(exact
        .map(|one| Product { sources: one.sources, destinations: one.destinations, services: one.services })
        .collect())
}
