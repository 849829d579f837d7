//! `sekisho matrix`: who may reach what, as a table.

use super::super::args::{Common, Matrix, TableFormat};
use super::super::{Exit, output};
use super::question::{self, Question};
use super::{day, load_sound, report};
use crate::answer::{self, Parties};
use crate::diag::Diagnostic;
use crate::diag::codes::names::UNKNOWN_ATTRIBUTE;
use crate::graph::Topology;
use crate::pipeline::Loaded;
use crate::reach::Prover;
use crate::report::json;
use crate::source::Span;

pub(super) fn run(common: &Common, arguments: &Matrix) -> Exit {
    let format = arguments.format;
    let mut loaded = match load_sound(common, "matrix", &arguments.directory, format.diagnostics()) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let question = Question { on: arguments.on.as_deref(), ..Question::default() };
    let asked = match question::resolve(common, "matrix", format, &mut loaded, question) {
        Ok(asked) => asked,
        Err(exit) => return exit,
    };
    let parties = match parties(&mut loaded, &arguments.by) {
        Ok(parties) => parties,
        Err(found) => return report(common, "matrix", format.diagnostics(), &loaded.project.sources, &found),
    };
    let topology = Topology::new(&loaded.model);
    let mut extra = asked.extra();
    extra.addresses.extend(parties.sets());
    let prover = Prover::new(&loaded.model, &topology, day(common), &extra);
    let answer = answer::matrix(&prover, &parties, &asked.on);
    output::result(&match format {
        TableFormat::Text => answer.to_text(),
        TableFormat::Json => json::to_text(answer.to_json()),
        TableFormat::Csv => answer.to_csv(),
        TableFormat::Md => answer.to_markdown(),
    })
}

fn parties(loaded: &mut Loaded, by: &str) -> Result<Parties, Vec<Diagnostic>> {
    match by {
        "site" => Ok(Parties::sites(&loaded.model)),
        "network" => Ok(Parties::networks(&loaded.model)),
        key => match loaded.attribute_values(key) {
            Ok(values) => Ok(Parties::values(&loaded.model, key, values)),
            Err(similar) => {
                let file = loaded.project.sources.add("--by", key);
                let message = format!("no site, network or host has an attribute `{key}`");
                let found = Diagnostic::new(&UNKNOWN_ATTRIBUTE, Span::new(file, 0, key.len()), message);
                let found = found.label("nothing to put in rows and columns");
                let found = found.help(match similar {
                    Some(similar) => format!("use `{similar}`"),
                    None => "use `site`, `network`, `tag`, or a key of the inventory".to_owned(),
                });
                Err(vec![found])
            }
        },
    }
}
