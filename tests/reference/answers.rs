//! What the program says about sets of flows: reads the rows of its JSON, and asks which flows lie in them.
//!
//! Rows are read by the letter of LANGUAGE.md section 5. To compare them with a [`Table`] for *all* packets, addresses and packets
//! are cut at the borders of the rows as well, so a row that is off by one address is found. Absent on purpose: leniency.

use super::classes::{self, Block, Packet};
use super::sample;
use super::table::{Table, Triple};
use crate::worlds::{Flow, PROTOCOLS, Span, address, number};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// A set of flows as the program states it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub rules: Vec<String>,
    pub exact: Vec<Product>,
    pub witness: Option<Witness>,
}

/// Every flow from one of these to one of those on one of these services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Product {
    pub sources: Vec<Span>,
    pub destinations: Vec<Span>,
    pub services: Vec<Block>,
}

/// An example of a row. Movement may change the family; its protocol is then `any`, and there is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub packet: Option<Packet>,
}

impl Witness {
    /// As a flow; none if no packet can be that.
    pub fn flow(&self) -> Option<Flow> {
        sample::flow(self.source, self.destination, self.packet?)
    }
}

impl Product {
    /// Whether the flow is in it.
    pub fn holds(&self, flow: &Flow) -> bool {
        let packet = (flow.protocol, flow.source_port, flow.destination_port);
        self.sources.iter().any(|span| span.holds(flow.source))
            && self.destinations.iter().any(|span| span.holds(flow.destination))
            && self.services.iter().any(|block| block.holds(packet))
    }
}

impl Row {
    /// Whether the flow is in it.
    pub fn holds(&self, flow: &Flow) -> bool {
        self.exact.iter().any(|product| product.holds(flow))
    }
}

/// The rows of a JSON array.
///
/// # Errors
/// What is not as the contract says.
pub fn rows(value: &Value) -> Result<Vec<Row>, String> {
    list(value)?.iter().map(row).collect()
}

fn row(value: &Value) -> Result<Row, String> {
    for key in ["from", "to"] {
        text(&value[key]).map_err(|why| format!("`{key}` of a row: {why}"))?;
    }
    list(&value["services"])?.iter().try_for_each(|one| text(one).map(drop))?;
    let witness = if value["witness"].is_null() { None } else { Some(witness(&value["witness"])?) };
    let exact = list(&value["exact"])?.iter().map(product).collect::<Result<Vec<Product>, String>>()?;
    let is_flow = |witness: &Witness| {
        witness.packet.is_some() || witness.source.is_ipv4() != witness.destination.is_ipv4() || exact.is_empty()
    };
    if !witness.as_ref().is_none_or(is_flow) {
        return Err(format!("{value} has flows, and none is its witness"));
    }
    Ok(Row { rules: texts(&value["rules"])?, exact, witness })
}

fn product(value: &Value) -> Result<Product, String> {
    let spans = |key: &str| texts(&value[key])?.iter().map(|text| span(text)).collect::<Result<Vec<Span>, String>>();
    let services = texts(&value["services"])?.iter().map(|text| block(text)).collect::<Result<Vec<Block>, String>>()?;
    Ok(Product { sources: spans("src")?, destinations: spans("dst")?, services })
}

fn witness(value: &Value) -> Result<Witness, String> {
    let end = |key: &str| text(&value[key])?.parse::<IpAddr>().map_err(|why| format!("{key} of {value}: {why}"));
    let (source, destination) = (end("src")?, end("dst")?);
    let protocol = block(text(&value["protocol"])?)?;
    // No single flow does what the row says: movement over a host with both families.
    if protocol == Block::ANY && value["source_port"].is_null() && value["destination_port"].is_null() {
        return Ok(Witness { source, destination, packet: None });
    }
    if protocol.protocols.0 != protocol.protocols.1 || protocol != Block::protocol(protocol.protocols.0) {
        return Err(format!("{value} has no single protocol"));
    }
    let port = |key: &str| match &value[key] {
        Value::Null => Ok(None),
        some => some.as_u64().and_then(|port| u16::try_from(port).ok()).map(Some).ok_or(format!("{key} of {value}")),
    };
    let number = protocol.protocols.0;
    let (first, second) = match number {
        1 | 58 => ("icmp_type", "icmp_code"),
        _ => ("source_port", "destination_port"),
    };
    let (first, second) = (port(first)?, port(second)?);
    if matches!(number, 1 | 6 | 17 | 58 | 132) != (first.is_some() && second.is_some()) {
        return Err(format!("{value} must have both ports (or type and code) or neither"));
    }
    Ok(Witness { source, destination, packet: Some((number, first, second)) })
}

/// The values of a JSON array.
///
/// # Errors
/// If it is none.
pub fn list(value: &Value) -> Result<&Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("{value} is not a list"))
}

/// A JSON text.
///
/// # Errors
/// If it is none.
pub fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("{value} is not a text"))
}

/// A list of texts.
///
/// # Errors
/// If it is none.
pub fn texts(value: &Value) -> Result<Vec<String>, String> {
    list(value)?.iter().map(|one| text(one).map(str::to_string)).collect()
}

/// Reads `10.0.0.1`, `10.0.0.0/8` or `10.0.0.1-10.0.0.9`, and the same in IPv6.
///
/// # Errors
/// Anything else, host bits and ranges that are turned round included.
pub fn span(text: &str) -> Result<Span, String> {
    let wrong = || format!("`{text}` is no address, prefix or range");
    let one = |text: &str| text.parse::<IpAddr>().map_err(|_| wrong());
    if let Some((first, last)) = text.split_once('-') {
        let span = Span { first: one(first)?, last: one(last)? };
        let in_order = span.first.is_ipv4() == span.last.is_ipv4() && span.first < span.last;
        return if in_order { Ok(span) } else { Err(wrong()) };
    }
    let Some((base, length)) = text.split_once('/') else {
        return Ok(Span { first: one(text)?, last: one(text)? });
    };
    let base = one(base)?;
    let bits: u32 = if base.is_ipv4() { 32 } else { 128 };
    let length: u32 = length.parse().ok().filter(|length| *length <= bits).ok_or_else(wrong)?;
    let less_one = 1_u128.checked_shl(bits - length).map_or(u128::MAX, |size| size - 1);
    if number(base) & less_one != 0 {
        return Err(format!("`{text}` has host bits"));
    }
    Ok(Span { first: base, last: address(number(base) | less_one, base).ok_or_else(wrong)? })
}

/// Reads `any`, `tcp/443`, `tcp/53:1024-65535`, `icmp/8/0`, `gre`, `protocol/89`: literal forms only.
///
/// # Errors
/// Anything else, names of services included.
pub fn block(text: &str) -> Result<Block, String> {
    let wrong = || format!("`{text}` is no literal service");
    if text == "any" {
        return Ok(Block::ANY);
    }
    let (head, rest) = text.split_once('/').map_or((text, None), |(head, rest)| (head, Some(rest)));
    if head == "protocol" {
        return rest.and_then(|rest| rest.parse().ok()).map(Block::protocol).ok_or_else(wrong);
    }
    let (protocol, _) = PROTOCOLS.iter().find(|(_, name)| *name == head).ok_or_else(wrong)?;
    let whole = Block::protocol(*protocol);
    let Some(rest) = rest else { return Ok(whole) };
    match protocol {
        6 | 17 | 132 => {
            let (first, second) = rest.split_once(':').unwrap_or(("*", rest));
            Ok(Block { first: ports(first).ok_or_else(wrong)?, second: ports(second).ok_or_else(wrong)?, ..whole })
        }
        1 | 58 => {
            let one = |text: &str| text.parse::<u8>().map(u16::from).map(|one| (one, one)).map_err(|_| wrong());
            let (kind, code) = rest.split_once('/').map_or((rest, None), |(kind, code)| (kind, Some(code)));
            let second = code.map_or(Ok(whole.second), one)?;
            Ok(Block { first: one(kind)?, second, ..whole })
        }
        _ => Err(wrong()),
    }
}

fn ports(text: &str) -> Option<(u16, u16)> {
    if text == "*" {
        return Some((0, 65535));
    }
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    Some((low.parse().ok()?, high.parse().ok()?)).filter(|(low, high)| low <= high)
}

/// A set of kinds, one flag for each.
type Flags = Vec<bool>;

/// The flows of a table, cut at the borders of some rows too.
pub struct Cut<'t, 'r, 'w> {
    table: &'t Table<'r, 'w>,
    places: Vec<(usize, IpAddr)>,
    kinds: Vec<(usize, Packet)>,
    /// Of each product: the row it is of, its sources and destinations among the places, its services among the kinds.
    products: Vec<(usize, Flags, Flags, Flags)>,
}

impl<'t, 'r, 'w> Cut<'t, 'r, 'w> {
    /// Cuts the table's world at the borders of the rows.
    pub fn new(table: &'t Table<'r, 'w>, rows: &[Row]) -> Self {
        let products: Vec<(usize, &Product)> =
            rows.iter().enumerate().flat_map(|(index, row)| row.exact.iter().map(move |one| (index, one))).collect();
        let places = cut_places(table, &products);
        let kinds = cut_kinds(table, &products);
        let holding = |spans: &[Span]| -> Flags {
            places.iter().map(|(_, address)| spans.iter().any(|span| span.holds(*address))).collect()
        };
        let serving = |blocks: &[Block]| -> Flags {
            kinds.iter().map(|(_, packet)| blocks.iter().any(|block| block.holds(*packet))).collect()
        };
        let flags = |(row, product): &(usize, &Product)| {
            (*row, holding(&product.sources), holding(&product.destinations), serving(&product.services))
        };
        let products = products.iter().map(flags).collect();
        Self { table, places, kinds, products }
    }

    /// Calls `see` with every flow there is up to equivalence, its classes in the table, and the rows that hold it.
    ///
    /// # Errors
    /// The first error of `see`.
    pub fn each(
        &self,
        mut see: impl FnMut(&Flow, Triple, &BTreeSet<usize>) -> Result<(), String>,
    ) -> Result<(), String> {
        for (source_at, (source, from)) in self.places.iter().enumerate() {
            let leaving: Vec<_> = self.products.iter().filter(|(_, sources, ..)| sources[source_at]).collect();
            for (to_at, (destination, to)) in self.places.iter().enumerate() {
                if from.is_ipv4() != to.is_ipv4() {
                    continue;
                }
                let between: Vec<_> = leaving.iter().filter(|(_, _, destinations, _)| destinations[to_at]).collect();
                for (kind_at, (kind, packet)) in self.kinds.iter().enumerate() {
                    let Some(flow) = sample::flow(*from, *to, *packet) else { continue };
                    let rows =
                        between.iter().filter(|(.., services)| services[kind_at]).map(|(row, ..)| *row).collect();
                    see(&flow, (*source, *destination, *kind), &rows)?;
                }
            }
        }
        Ok(())
    }

    /// For every address up to equivalence: one, its class in the table, and the rows that hold it as a destination.
    pub fn destinations(&self) -> Vec<(IpAddr, usize, BTreeSet<usize>)> {
        let rows = |at: usize| {
            let products = self.products.iter().filter(|(_, _, destinations, _)| destinations[at]);
            products.map(|(row, ..)| *row).collect()
        };
        self.places.iter().enumerate().map(|(at, (class, address))| (*address, *class, rows(at))).collect()
    }

    /// The table that this is a cut of.
    pub fn table(&self) -> &'t Table<'r, 'w> {
        self.table
    }
}

/// The lists without repetition: answers repeat the same sets again and again.
fn distinct<'a, T: Ord>(lists: impl Iterator<Item = &'a Vec<T>>) -> Vec<&'a Vec<T>> {
    lists.collect::<BTreeSet<_>>().into_iter().collect()
}

fn cut_places(table: &Table<'_, '_>, products: &[(usize, &Product)]) -> Vec<(usize, IpAddr)> {
    let lists = distinct(products.iter().flat_map(|(_, product)| [&product.sources, &product.destinations]));
    let mut spans: Vec<Span> = table.places.iter().flat_map(|place| place.cells.clone()).collect();
    spans.extend(lists.iter().copied().flatten());
    let mark = |cell: &Span| {
        let held = lists.iter().map(|list| list.iter().any(|span| span.holds(cell.first)));
        (table.place_of(cell.first), held.collect::<Vec<bool>>())
    };
    let merged = classes::merge(&classes::address_cells(&spans), mark);
    merged.into_iter().map(|((class, _), cells)| (class, cells[0].first)).collect()
}

fn cut_kinds(table: &Table<'_, '_>, products: &[(usize, &Product)]) -> Vec<(usize, Packet)> {
    let lists = distinct(products.iter().map(|(_, product)| &product.services));
    let mut blocks: Vec<Block> = table.kinds.iter().flat_map(|kind| kind.cells.clone()).collect();
    blocks.extend(lists.iter().copied().flatten());
    let mark = |cell: &Block| {
        let packet = classes::packet_of(cell);
        let held = lists.iter().map(|list| list.iter().any(|block| block.holds(packet)));
        (table.kind_of(packet), held.collect::<Vec<bool>>())
    };
    let merged = classes::merge(&classes::packet_cells(&blocks), mark);
    merged.into_iter().map(|((class, _), cells)| (class, classes::packet_of(&cells[0]))).collect()
}
