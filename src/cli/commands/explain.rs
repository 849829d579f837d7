//! `sekisho explain`: why a flow passes or drops, for one flow or for many.

use std::fs::File;
use std::io::{self, BufWriter, Read as _};
use std::net::IpAddr;
use std::path::Path;

use super::super::args::{AnswerFormat, Common, Explain};
use super::super::{Exit, output};
use super::{day, load_sound, report};
use crate::diag::Sink;
use crate::diag::codes::input::{FAMILY_MIXED, NOT_ONE_SERVICE, SERVICE_OF_FAMILY};
use crate::diag::{Diagnostic, render};
use crate::explain::explain;
use crate::graph::Topology;
use crate::model::{Model, resolve_services};
use crate::packet::{Family, Flow, Protocol, ServicePoint, ServiceSet};
use crate::pipeline::Loaded;
use crate::reach::Reach;
use crate::report::batch::{self, BatchError, EPHEMERAL_PORT};
use crate::report::json;
use crate::syntax;

pub(super) fn run(common: &Common, arguments: &Explain) -> Exit {
    let mut loaded = match load_sound(common, "explain", &arguments.directory, arguments.format.name()) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    if let Some(file) = &arguments.batch {
        return many(common, &loaded, file);
    }
    let (Some(from), Some(to), Some(on)) = (arguments.from, arguments.to, &arguments.on) else {
        return output::error_line("`explain` needs `--from`, `--to` and `--on`, or `--batch`");
    };
    match flow(&mut loaded, from, to, on) {
        Ok((flow, any_source_port)) => one(common, arguments, &loaded, &flow, any_source_port),
        Err(found) => report(common, "explain", arguments.format.name(), &loaded.project.sources, &found),
    }
}

fn one(common: &Common, arguments: &Explain, loaded: &Loaded, flow: &Flow, any_source_port: bool) -> Exit {
    let topology = Topology::new(&loaded.model);
    let explanation = explain(loaded, &topology, day(common), flow);
    output::result(&match arguments.format {
        AnswerFormat::Text => explanation.to_text(any_source_port),
        AnswerFormat::Json => json::to_text(&explanation.to_json(any_source_port)),
    })
}

/// The flow that is asked about, and whether its source port stands for any.
fn flow(loaded: &mut Loaded, from: IpAddr, to: IpAddr, on: &str) -> Result<(Flow, bool), Vec<Diagnostic>> {
    if Family::of(from) != Family::of(to) {
        let message = format!("`{from}` and `{to}` are of different address families");
        return Err(vec![Diagnostic::without_place(&FAMILY_MIXED, message).help("give two addresses of one family")]);
    }
    let file = loaded.project.sources.add("--on", on);
    let services = syntax::parse_services(file, on)?;
    let mut sink = Sink::default();
    let Some(set) = resolve_services(&loaded.files, &services, &mut sink) else { return Err(sink.into_sorted()) };
    let (service, any_source_port) = single(&set, Family::of(from)).map_err(|error| {
        vec![match error {
            NotSingle::None => {
                let message = format!("`{on}` does not go with the address `{from}`");
                Diagnostic::new(&SERVICE_OF_FAMILY, services.span, message).help("icmp goes with IPv4, icmp6 with IPv6")
            }
            NotSingle::Several => {
                let message = format!("`{on}` is more than one service");
                Diagnostic::new(&NOT_ONE_SERVICE, services.span, message).help(one_of(&set, Family::of(from)))
            }
        }]
    })?;
    Ok((Flow { source: from, destination: to, service }, any_source_port))
}

/// What to ask instead of a service that is several: the first flow of up to three of its parts.
fn one_of(set: &ServiceSet, family: Family) -> String {
    const SHOWN: usize = 3;
    let mut parts = Vec::new();
    for rectangle in set.only(family).rectangles() {
        let protocol = Protocol(rectangle.protocols.first);
        for b in rectangle.b.intervals() {
            parts.push(if protocol.has_ports() {
                format!("`{protocol}/{}`", b.first)
            } else if protocol.is_icmp() {
                format!("`{protocol}/{}/{}`", rectangle.a.first, b.first)
            } else {
                format!("`{protocol}`")
            });
        }
    }
    parts.truncate(SHOWN);
    format!("ask about one of its flows, such as {}", parts.join(" or "))
}

enum NotSingle {
    None,
    Several,
}

/// The one service of a set in packets of a family; any source port and any ICMP code stand for one.
fn single(set: &ServiceSet, family: Family) -> Result<(ServicePoint, bool), NotSingle> {
    let rectangles = set.only(family).rectangles();
    let [only] = rectangles.as_slice() else {
        return Err(if rectangles.is_empty() { NotSingle::None } else { NotSingle::Several });
    };
    let protocol = Protocol(only.protocols.first);
    if only.protocols.first != only.protocols.last {
        return Err(NotSingle::Several);
    }
    let [b] = only.b.intervals() else { return Err(NotSingle::Several) };
    let is_one = |range: &crate::packet::PortRange| range.first == range.last;
    let any_source_port = protocol.has_ports() && !is_one(&only.a);
    let (a, b) = if protocol.has_ports() && is_one(b) && (is_one(&only.a) || only.a.contains(EPHEMERAL_PORT)) {
        (if is_one(&only.a) { only.a.first } else { EPHEMERAL_PORT }, b.first)
    } else if protocol.is_icmp() && is_one(&only.a) {
        (only.a.first, b.first)
    } else if !protocol.has_ports() && !protocol.is_icmp() {
        (0, 0)
    } else {
        return Err(NotSingle::Several);
    };
    Ok((ServicePoint { protocol, a, b }, any_source_port))
}

fn many(common: &Common, loaded: &Loaded, file: &Path) -> Exit {
    let input = match read(file) {
        Ok(input) => input,
        Err(error) => return output::error_line(&format!("`{}`: {error}", file.display())),
    };
    let topology = Topology::new(&loaded.model);
    let reach = Reach::new(&loaded.model, &topology, day(common));
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    match batch::run(&input, &mut out, &|flow, names| judge(&loaded.model, &reach, flow, names)) {
        Ok(()) => Exit::Ok,
        Err(BatchError::Line { line, message }) => {
            let shown = file.display().to_string();
            output::error_line(&format!("{}:{line}: {}", render::one_line(&shown), render::one_line(&message)))
        }
        Err(BatchError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Err(BatchError::Output(error)) => output::error_line(&format!("standard output: {error}")),
    }
}

fn judge<'m>(model: &'m Model, reach: &Reach<'m>, flow: &Flow, names: &mut Vec<&'m str>) -> &'static str {
    let judgement = reach.judge(flow);
    let rules = judgement.rules.iter().filter_map(|rule| model.rules.get(rule.index()));
    names.extend(rules.map(|rule| rule.name.value.as_str()));
    let held = judgement.quarantines.iter().filter_map(|at| model.quarantines.get(*at));
    names.extend(held.map(|quarantine| quarantine.name.value.as_str()));
    judgement.verdict.as_str()
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
