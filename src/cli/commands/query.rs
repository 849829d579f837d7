//! `sekisho query`: who may reach what.

use super::super::args::{Common, Query, TableFormat};
use super::super::{Exit, output};
use super::question::{self, Question};
use super::{day, load_sound};
use crate::answer::{self, Names};
use crate::graph::Topology;
use crate::reach::Prover;
use crate::report::json;

pub(super) fn run(common: &Common, arguments: &Query) -> Exit {
    let format = arguments.format;
    let mut loaded = match load_sound(common, "query", &arguments.directory, format.diagnostics()) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let (from, to, on) = (arguments.from.as_deref(), arguments.to.as_deref(), arguments.on.as_deref());
    let asked = match question::resolve(common, "query", format, &mut loaded, Question { from, to, on }) {
        Ok(asked) => asked,
        Err(exit) => return exit,
    };
    let topology = Topology::new(&loaded.model);
    let prover = Prover::new(&loaded.model, &topology, day(common), &asked.extra());
    let answer = answer::query(&prover, &Names::new(&loaded.model), &asked);
    output::result(&match format {
        TableFormat::Text => answer.to_text(),
        TableFormat::Json => json::to_text(&answer.to_json()),
        TableFormat::Csv => answer.to_csv(),
        TableFormat::Md => answer.to_markdown(),
    })
}
