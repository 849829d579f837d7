//! `sekisho graph`: the network, or who may reach whom, as a picture.

use super::super::args::{Common, DrawingFormat, DrawingKind, Graph};
use super::super::{Exit, output};
use super::{day, load_sound};
use crate::draw;
use crate::report::graph::{dot, mermaid, svg};

pub(super) fn run(common: &Common, arguments: &Graph) -> Exit {
    let loaded = match load_sound(common, "graph", &arguments.directory, "text") {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let drawing = match arguments.kind {
        DrawingKind::Topology => draw::topology(&loaded.model),
        DrawingKind::Access => draw::access(&loaded.model, day(common)),
    };
    output::result(&match arguments.format {
        DrawingFormat::Dot => dot(&drawing),
        DrawingFormat::Mermaid => mermaid(&drawing),
        DrawingFormat::Svg => svg(&drawing),
    })
}
