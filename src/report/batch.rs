//! `explain --batch`: flows as CSV in, the same lines with `verdict,rules` appended out.
//!
//! The header is required and says where `src,dst,protocol,sport,dport` stand, in any order; every other column is kept as it
//! is, quoted or not, because each line is copied whole. An empty `sport` of tcp, udp or sctp is 49152, the first port of the
//! dynamic range; an empty ICMP code is 0; protocols without ports take empty fields or 0. The protocol is a name of the
//! language, a number, or `protocol/N`.
//!
//! Text without a quotation mark, which is nearly all, is cut at line feeds and worked on in parallel, without an allocation
//! per line; a quoted field may hold line feeds, so text with quotation marks is read in sequence. Order is kept in both.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};

use rayon::prelude::*;

use crate::packet::{Family, Flow, Protocol, ServicePoint};

/// The source port of a flow that names none.
pub const EPHEMERAL_PORT: u16 = 49152;
/// Bytes that one task works on.
const CHUNK: usize = 1 << 20;

/// Why a batch cannot be answered.
#[derive(Debug)]
pub enum BatchError {
    /// A line of the input is not a flow.
    Line {
        /// Which, from 1; the header is line 1.
        line: usize,
        /// What is wrong with it, in the user's words.
        message: String,
    },
    /// The answers could not be written.
    Output(io::Error),
}

/// Answers every flow of `input` in its order.
///
/// `judge` returns the verdict and pushes the names of the rules that decide. Everything before a malformed line has been
/// written when it is reported, up to one round of tasks.
///
/// # Errors
///
/// A malformed header or line, with its number; nothing after it is answered. Or `output` fails.
pub fn run<'n>(
    input: &[u8],
    output: &mut impl Write,
    judge: &(impl Fn(&Flow, &mut Vec<&'n str>) -> &'static str + Sync),
) -> Result<(), BatchError> {
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    if input.is_empty() {
        return Err(error(1, "there is no header `src,dst,protocol,sport,dport`"));
    }
    let (header, body) = input.split_at(record_length(input).min(input.len()));
    let columns = Columns::read(header)?;
    let mut first = trimmed(header).to_vec();
    first.extend_from_slice(b",verdict,rules\n");
    output.write_all(&first).map_err(BatchError::Output)?;
    let mut line = 1 + lines_in(header);
    let body = trim_blank_end(body);
    let tasks = rayon::current_num_threads().max(1) * 2;
    for round in rounds(body, tasks) {
        let numbered: Vec<(usize, &[u8])> = round
            .into_iter()
            .map(|chunk| {
                let at = line;
                line += chunk.iter().filter(|&&byte| byte == b'\n').count();
                (at, chunk)
            })
            .collect();
        let done: Vec<(Vec<u8>, Option<BatchError>)> =
            numbered.par_iter().map(|&(line, chunk)| answer(chunk, line, &columns, judge)).collect();
        for (text, failed) in done {
            output.write_all(&text).map_err(BatchError::Output)?;
            if let Some(failed) = failed {
                return Err(failed);
            }
        }
    }
    output.flush().map_err(BatchError::Output)
}

fn error(line: usize, message: impl Into<String>) -> BatchError {
    BatchError::Line { line, message: message.into() }
}

/// Cuts the body into rounds of chunks that end at the end of a record.
fn rounds(body: &[u8], tasks: usize) -> Vec<Vec<&[u8]>> {
    let mut chunks = Vec::new();
    let mut rest = body;
    let quoted = body.contains(&b'"');
    while !rest.is_empty() && !quoted {
        let after = rest.get(CHUNK..).unwrap_or(&[]);
        let end = match after.iter().position(|&byte| byte == b'\n') {
            Some(at) => CHUNK + at + 1,
            None => rest.len(),
        };
        let (chunk, next) = rest.split_at(end.min(rest.len()));
        chunks.push(chunk);
        rest = next;
    }
    if quoted {
        chunks.push(body);
    }
    chunks.chunks(tasks).map(<[&[u8]]>::to_vec).collect()
}

/// Answers the records of a chunk whose first line has a number; ends at the first malformed one.
fn answer<'n>(
    chunk: &[u8],
    first_line: usize,
    columns: &Columns,
    judge: &impl Fn(&Flow, &mut Vec<&'n str>) -> &'static str,
) -> (Vec<u8>, Option<BatchError>) {
    let mut out = Vec::with_capacity(chunk.len() + chunk.len() / 2);
    let mut rules = Vec::new();
    let mut line = first_line;
    let mut rest = chunk;
    while !rest.is_empty() {
        let record = columns.cut(&mut rest);
        let flow = match columns.flow(&record) {
            Ok(flow) => flow,
            Err(message) => return (out, Some(error(line, message))),
        };
        rules.clear();
        let verdict = judge(&flow, &mut rules);
        out.extend_from_slice(record.text);
        out.push(b',');
        out.extend_from_slice(verdict.as_bytes());
        let mut separator = b',';
        for rule in &rules {
            out.push(separator);
            out.extend_from_slice(rule.as_bytes());
            separator = b';';
        }
        if rules.is_empty() {
            out.push(b',');
        }
        out.push(b'\n');
        line += record.line_feeds;
    }
    (out, None)
}

/// The length of the first record of CSV text, its line end included.
fn record_length(text: &[u8]) -> usize {
    let mut quoted = false;
    let end = text.iter().position(|&byte| {
        quoted ^= byte == b'"';
        byte == b'\n' && !quoted
    });
    end.map_or(text.len(), |end| end + 1)
}

fn lines_in(record: &[u8]) -> usize {
    record.iter().filter(|&&byte| byte == b'\n').count()
}

/// A record without its line end.
fn trimmed(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

/// Blank lines at the end are no records.
fn trim_blank_end(body: &[u8]) -> &[u8] {
    let end = body.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
    body.get(..end).unwrap_or(body)
}

const SRC: usize = 0;
const DST: usize = 1;
const PROTOCOL: usize = 2;
const SPORT: usize = 3;
const DPORT: usize = 4;
const NAMES: [&str; 5] = ["src", "dst", "protocol", "sport", "dport"];

/// A record and the five fields of it that matter.
struct Record<'a> {
    /// All of it, without its line end.
    text: &'a [u8],
    wanted: [&'a [u8]; 5],
    /// How many fields it has.
    fields: usize,
    /// Its own line ends.
    line_feeds: usize,
}

/// Which of the five a column is.
struct Columns {
    roles: Vec<Option<usize>>,
}

impl Columns {
    fn read(header: &[u8]) -> Result<Self, BatchError> {
        let mut roles = Vec::new();
        for field in fields(trimmed(header)) {
            let name = String::from_utf8_lossy(unquoted(field)).to_ascii_lowercase();
            let role = NAMES.iter().position(|wanted| *wanted == name);
            if role.is_some() && roles.contains(&role) {
                return Err(error(1, format!("the header has the column `{name}` twice")));
            }
            roles.push(role);
        }
        match NAMES.iter().enumerate().find(|(role, _)| !roles.contains(&Some(*role))) {
            None => Ok(Self { roles }),
            Some((_, name)) => {
                Err(error(1, format!("the header has no column `{name}`; it needs `src,dst,protocol,sport,dport`")))
            }
        }
    }

    /// Takes the first record of some text and cuts it into its fields. Nothing but `"`, `,` and a line feed means anything, and all that is above `,` is passed over at once.
    fn cut<'a>(&self, text: &mut &'a [u8]) -> Record<'a> {
        let all = *text;
        let mut record = Record { text: all, wanted: [b""; 5], fields: 0, line_feeds: 0 };
        let (mut quoted, mut start, mut end) = (false, 0, all.len());
        for (at, &byte) in all.iter().enumerate() {
            match byte {
                b'-'.. => {}
                b',' if !quoted => {
                    self.field(&mut record, all.get(start..at));
                    start = at + 1;
                }
                b'"' => quoted = !quoted,
                b'\n' => {
                    record.line_feeds += 1;
                    if !quoted {
                        end = at + 1;
                        break;
                    }
                }
                _ => {}
            }
        }
        let (own, rest) = all.split_at(end);
        let own = trimmed(own);
        record.text = own;
        self.field(&mut record, own.get(start..));
        *text = rest;
        record
    }

    fn field<'a>(&self, record: &mut Record<'a>, text: Option<&'a [u8]>) {
        let role = self.roles.get(record.fields).copied().flatten();
        if let Some(slot) = role.and_then(|role| record.wanted.get_mut(role)) {
            *slot = unquoted(text.unwrap_or_default());
        }
        record.fields += 1;
    }

    fn flow(&self, record: &Record<'_>) -> Result<Flow, String> {
        if record.fields != self.roles.len() {
            return Err(format!("it has {} fields, the header has {}", record.fields, self.roles.len()));
        }
        let wanted = record.wanted;
        let [src, dst, protocol, sport, dport] = wanted;
        let source = address(src, NAMES[SRC])?;
        let destination = address(dst, NAMES[DST])?;
        let protocol = protocol_of(protocol)?;
        let family = Family::of(source);
        if family != Family::of(destination) {
            return Err(format!("`{source}` and `{destination}` are of different address families"));
        }
        if !protocol.occurs_in(family) {
            return Err(format!("`{protocol}` does not go with the address `{source}`"));
        }
        Ok(Flow { source, destination, service: point(protocol, sport, dport)? })
    }
}

/// The fields of a record, quotation marks included.
fn fields(record: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    record.split(move |&byte| {
        quoted ^= byte == b'"';
        byte == b',' && !quoted
    })
}

/// A field without blanks and quotation marks around it.
fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    let inner = field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\""));
    inner.map_or(field, <[u8]>::trim_ascii)
}

fn shown(field: &[u8]) -> String {
    String::from_utf8_lossy(field).chars().take(60).collect()
}

fn address(field: &[u8], column: &str) -> Result<IpAddr, String> {
    if let Some(common) = dotted(field) {
        return Ok(common.into());
    }
    let parsed = std::str::from_utf8(field).ok().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| format!("`{}` in column `{column}` is not an address", shown(field)))
}

/// An IPv4 address in its usual form, without a detour over text; what is anything else is left to the library.
fn dotted(field: &[u8]) -> Option<Ipv4Addr> {
    let (mut bits, mut part, mut digits, mut dots) = (0_u32, 0_u32, 0, 0);
    for &byte in field {
        match byte {
            b'0'..=b'9' if digits < 3 && !(digits == 1 && part == 0) => {
                part = part * 10 + u32::from(byte - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && part <= 255 && dots < 3 => {
                bits = bits << 8 | part;
                (part, digits, dots) = (0, 0, dots + 1);
            }
            _ => return None,
        }
    }
    (dots == 3 && digits > 0 && part <= 255).then(|| Ipv4Addr::from_bits(bits << 8 | part))
}

fn protocol_of(field: &[u8]) -> Result<Protocol, String> {
    match field {
        b"tcp" => return Ok(Protocol::TCP),
        b"udp" => return Ok(Protocol::UDP),
        _ => {}
    }
    let name = String::from_utf8_lossy(field).to_ascii_lowercase();
    let number = name.strip_prefix("protocol/").unwrap_or(&name).parse().ok().map(Protocol);
    let known = match name.as_str() {
        "icmpv6" | "ipv6-icmp" => Some(Protocol::ICMP6),
        other => Protocol::by_name(other),
    };
    known.or(number).ok_or_else(|| format!("`{}` in column `{}` is not a protocol", shown(field), NAMES[PROTOCOL]))
}

/// The service of a protocol and the two port fields.
fn point(protocol: Protocol, sport: &[u8], dport: &[u8]) -> Result<ServicePoint, String> {
    let (a, b) = if protocol.has_ports() {
        let destination = port(dport, NAMES[DPORT], u16::MAX)?;
        let destination = destination.ok_or_else(|| format!("`{protocol}` needs a port in column `dport`"))?;
        (port(sport, NAMES[SPORT], u16::MAX)?.unwrap_or(EPHEMERAL_PORT), destination)
    } else if protocol.is_icmp() {
        let kind = port(sport, NAMES[SPORT], 255)?;
        let kind = kind.ok_or_else(|| format!("`{protocol}` needs its type in column `sport`"))?;
        (kind, port(dport, NAMES[DPORT], 255)?.unwrap_or(0))
    } else {
        let none = |field, column| {
            port(field, column, 0).map_err(|_| format!("`{protocol}` has no ports, column `{column}` holds one"))
        };
        none(sport, NAMES[SPORT])?;
        none(dport, NAMES[DPORT])?;
        (0, 0)
    };
    Ok(ServicePoint { protocol, a, b })
}

/// A number up to `largest`, or nothing.
fn port(field: &[u8], column: &str, largest: u16) -> Result<Option<u16>, String> {
    if field.is_empty() {
        return Ok(None);
    }
    let digit = |sum: Option<u32>, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        sum?.checked_mul(10)?.checked_add(digit)
    };
    let number = field.iter().fold(Some(0), digit).and_then(|number| u16::try_from(number).ok());
    match number.filter(|&number| number <= largest) {
        Some(number) => Ok(Some(number)),
        None => Err(format!("`{}` in column `{column}` is not a number from 0 to {largest}", shown(field))),
    }
}
