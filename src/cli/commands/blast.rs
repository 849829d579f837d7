//! `sekisho blast`: what an intruder reaches, hop by hop.

use super::super::args::{Blast, Common, TableFormat};
use super::super::{Exit, output};
use super::question::{self, Question};
use super::{day, load_sound};
use crate::answer::{self, Depth, Names};
use crate::graph::Topology;
use crate::reach::Prover;
use crate::report::json;

pub(super) fn run(common: &Common, arguments: &Blast) -> Exit {
    let format = arguments.format;
    let mut loaded = match load_sound(common, "blast", &arguments.directory, format.diagnostics()) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let question = Question { from: Some(&arguments.from), to: None, on: arguments.on.as_deref() };
    let asked = match question::resolve(common, "blast", format, &mut loaded, question) {
        Ok(asked) => asked,
        Err(exit) => return exit,
    };
    let topology = Topology::new(&loaded.model);
    let prover = Prover::new(&loaded.model, &topology, day(common), &asked.extra());
    let depth = arguments.hops.map_or(Depth::All, Depth::Hops);
    let answer = answer::blast(&prover, &Names::new(&loaded.model), &asked.from, &asked.on, depth);
    output::result(&match format {
        TableFormat::Text => answer.to_text(),
        TableFormat::Json => json::to_text(answer.to_json()),
        TableFormat::Csv => answer.to_csv(),
        TableFormat::Md => answer.to_markdown(),
    })
}
