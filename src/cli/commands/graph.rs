//! `sekisho graph`: the network, who reaches whom, or what is reached hop by hop, as a picture.

use super::super::args::{Common, DrawingFormat, DrawingKind, Graph, TableFormat};
use super::super::{Exit, output};
use super::question::{self, Question};
use super::{day, load_sound};
use crate::answer::Names;
use crate::draw;
use crate::graph::Topology;
use crate::pipeline::Loaded;
use crate::reach::Prover;
use crate::report::graph::{Drawing, dot, mermaid, svg};

pub(super) fn run(common: &Common, arguments: &Graph) -> Exit {
    let mut loaded = match load_sound(common, "graph", &arguments.directory, "text") {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    if arguments.from.is_some() && arguments.kind != DrawingKind::Hops {
        return output::error_line("`--from` goes with `--of hops`");
    }
    let drawing = match arguments.kind {
        DrawingKind::Topology => draw::topology(&loaded.model),
        DrawingKind::Access => {
            let topology = Topology::new(&loaded.model);
            let extra = draw::access_extra(&loaded.model);
            draw::access(&Prover::new(&loaded.model, &topology, day(common), &extra))
        }
        DrawingKind::Hops => match hops(common, arguments, &mut loaded) {
            Ok(drawing) => drawing,
            Err(exit) => return exit,
        },
    };
    output::result(&match arguments.format {
        DrawingFormat::Dot => dot(&drawing),
        DrawingFormat::Mermaid => mermaid(&drawing),
        DrawingFormat::Svg => svg(&drawing),
    })
}

fn hops(common: &Common, arguments: &Graph, loaded: &mut Loaded) -> Result<Drawing, Exit> {
    let question = Question { from: arguments.from.as_deref(), to: None, on: arguments.on.as_deref() };
    let asked = question::resolve(common, "graph", TableFormat::Text, loaded, question)?;
    let topology = Topology::new(&loaded.model);
    let prover = Prover::new(&loaded.model, &topology, day(common), &asked.extra());
    Ok(draw::hops(&prover, &Names::new(&loaded.model), &asked, arguments.hops))
}
