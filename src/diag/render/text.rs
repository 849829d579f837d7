//! The format for people: the source lines with what is wrong under them. The only file that names `annotate-snippets`.
//!
//! That crate panics on spans outside the text and reads the whole text of a snippet, so it is never given either: each
//! file is cut down to the lines that are spoken of, long lines to a window around the place, every character to a visible
//! one, and every span to what is left. Costs as much as the lines shown, however large the file.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer as Engine, Snippet};

use super::sanitize::push;
use super::{Color, Options, Renderer, one_line};
use crate::diag::{Diagnostic, Label, Severity};
use crate::source::{FileId, LineColumn, SourceFile, Sources, Span};

/// Characters of one line that are shown at most.
const LINE_WINDOW: usize = 120;
/// Characters before the place that stay when a long line is cut.
const LINE_LEAD: usize = 40;
/// Labels of one file that are at most this many lines apart are shown in one piece (with `...` between them).
const NEAR_LINES: usize = 200;
/// A span over more lines than this is shown by its first line only.
const SPAN_LINES: usize = 8;
/// Stands around a piece's number where the engine thinks the path is; `sanitize` lets it occur nowhere else.
const MARK: char = '\u{f8ff}';

/// The format `text`.
pub struct Text;

impl Renderer for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn render(&self, sources: &Sources, diagnostics: &[Diagnostic], options: Options) -> String {
        let engine = match options.color {
            Color::Plain => Engine::plain(),
            Color::Ansi => Engine::styled(),
        }
        .term_width(options.width);
        let mut out = String::new();
        for diagnostic in diagnostics {
            let pieces = pieces(sources, diagnostic);
            let headers: Vec<String> = pieces.iter().map(Piece::header).collect();
            let shown = engine.render(&[group(diagnostic, pieces)]);
            out.push_str(with_headers(&shown, &headers).trim_end());
            out.push_str("\n\n");
        }
        out
    }
}

/// Puts the true places where the engine wrote those of the excerpts, `MARK number MARK : line : column`.
fn with_headers(shown: &str, headers: &[String]) -> String {
    let mut parts = shown.split(MARK);
    let mut out = parts.next().unwrap_or("").to_owned();
    while let (Some(number), Some(rest)) = (parts.next(), parts.next()) {
        let header = number.parse().ok().and_then(|number: usize| headers.get(number));
        out.push_str(header.map_or("", String::as_str));
        out.push_str(rest.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit()));
    }
    out
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

fn group(diagnostic: &Diagnostic, pieces: Vec<Piece>) -> Group<'_> {
    let title = level(diagnostic.severity).primary_title(one_line(&diagnostic.message)).id(diagnostic.code.id);
    let mut group = Group::with_title(title);
    for (number, piece) in pieces.into_iter().enumerate() {
        group = group.element(piece.into_snippet(format!("{MARK}{number}{MARK}")));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(one_line(note)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(one_line(help)));
    }
    group
}

/// A label with its clamped span and the lines (from 1) that it covers.
struct Place<'a> {
    kind: AnnotationKind,
    label: &'a Label,
    start: usize,
    end: usize,
    first_line: usize,
    last_line: usize,
}

impl Place<'_> {
    fn span(&self, file: FileId) -> Span {
        Span::new(file, self.start, self.end)
    }
}

/// Some consecutive lines of one file, made harmless, with their annotations.
struct Piece {
    path: String,
    /// Where its first label begins in the file (not in the excerpt, whose columns differ).
    at: LineColumn,
    first_line: usize,
    text: String,
    marks: Vec<(AnnotationKind, std::ops::Range<usize>, String)>,
}

impl Piece {
    fn header(&self) -> String {
        format!("{}:{}:{}", self.path, self.at.line, self.at.column)
    }

    fn into_snippet<'a>(self, path: String) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let marks = self.marks.into_iter().map(|(kind, span, text)| {
            let mark = kind.span(span);
            if text.is_empty() { mark } else { mark.label(text) }
        });
        Snippet::source(self.text).line_start(self.first_line).path(path).annotations(marks)
    }
}

/// The pieces to show: the one with the primary label first, the others in the order of their labels.
fn pieces(sources: &Sources, diagnostic: &Diagnostic) -> Vec<Piece> {
    let primary = diagnostic.primary.iter().map(|label| (AnnotationKind::Primary, label));
    let secondary = diagnostic.secondary.iter().map(|label| (AnnotationKind::Context, label));
    let mut clusters: Vec<(FileId, Vec<Place>)> = Vec::new();
    for (kind, label) in primary.chain(secondary) {
        let Some(place) = place(sources, kind, label) else { continue };
        let file = label.span.file;
        match clusters.iter_mut().find(|(other, places)| *other == file && near(places, &place)) {
            Some((_, places)) => places.push(place),
            None => clusters.push((file, vec![place])),
        }
    }
    clusters.iter().map(|(file, places)| piece(sources, *file, places)).collect()
}

fn near(places: &[Place], place: &Place) -> bool {
    places.iter().any(|other| {
        let gap =
            place.first_line.saturating_sub(other.last_line).max(other.first_line.saturating_sub(place.last_line));
        gap <= NEAR_LINES
    })
}

/// Clamps a label to the text of its file; `None` if the file is not known.
fn place<'a>(sources: &Sources, kind: AnnotationKind, label: &'a Label) -> Option<Place<'a>> {
    let file = sources.get(label.span.file)?;
    let text: &str = &file.text;
    let start = at_or_before(text, label.span.start as usize);
    let mut end = at_or_after(text, (label.span.end as usize).max(start));
    // A span that ends with its line's feed means the line, not the next one.
    while end > start && text.get(..end).is_some_and(|text| text.ends_with('\n')) {
        end -= 1;
    }
    let first_line = line_of(file, start);
    let mut last_line = line_of(file, end);
    if last_line - first_line >= SPAN_LINES {
        end = line_end(text, start);
        last_line = first_line;
    }
    Some(Place { kind, label, start, end, first_line, last_line })
}

fn line_of(file: &SourceFile, offset: usize) -> usize {
    file.line_of(u32::try_from(offset).unwrap_or(u32::MAX))
}

fn line_start(text: &str, offset: usize) -> usize {
    text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1)
}

fn line_end(text: &str, offset: usize) -> usize {
    text.get(offset..).and_then(|after| after.find('\n')).map_or(text.len(), |at| offset + at)
}

fn piece(sources: &Sources, file: FileId, places: &[Place]) -> Piece {
    let whole = sources.text(file);
    let first = places.iter().map(|place| place.start).min().unwrap_or(0);
    let last = places.iter().map(|place| place.end).max().unwrap_or(first);
    let (start, end) = (line_start(whole, first), line_end(whole, last));
    let mut shown = Excerpt::new(places);
    let mut offset = start;
    for line in whole.get(start..end).unwrap_or("").split('\n') {
        shown.line(offset, line.strip_suffix('\r').unwrap_or(line));
        offset += line.len() + 1;
    }
    Piece {
        path: one_line(sources.path(file)).into_owned(),
        at: places.first().map_or(LineColumn { line: 1, column: 1 }, |place| sources.position(place.span(file))),
        first_line: places.iter().map(|place| place.first_line).min().unwrap_or(1),
        marks: shown.marks(),
        text: shown.text,
    }
}

/// Builds the shown text and carries each span over into it.
struct Excerpt<'a> {
    places: &'a [Place<'a>],
    text: String,
    /// Start and end of each place in `text`, as far as passed.
    spans: Vec<(Option<usize>, Option<usize>)>,
}

impl<'a> Excerpt<'a> {
    fn new(places: &'a [Place<'a>]) -> Self {
        Self { places, text: String::new(), spans: vec![(None, None); places.len()] }
    }

    /// Adds one line that begins at `offset` of the file.
    fn line(&mut self, offset: usize, line: &str) {
        if !self.text.is_empty() || offset > self.places.iter().map(|place| place.start).min().unwrap_or(0) {
            self.text.push('\n');
        }
        let (from, to) = window(line, self.focus(offset, line.len()));
        if from > 0 {
            self.text.push('…');
        }
        let kept = line.get(from..to).unwrap_or("");
        for (at, character) in kept.char_indices() {
            self.pass(offset + from + at);
            push(&mut self.text, character);
        }
        if to < line.len() {
            self.pass(offset + to);
            self.text.push('…');
        }
        self.pass(offset + line.len());
    }

    /// Where on the line (in bytes) the first place begins that touches it.
    fn focus(&self, offset: usize, length: usize) -> usize {
        let touching = self.places.iter().filter(|place| place.start <= offset + length && place.end >= offset);
        touching.map(|place| place.start.saturating_sub(offset)).min().unwrap_or(0)
    }

    /// Notes that everything of the file before `position` is now in the text.
    fn pass(&mut self, position: usize) {
        for (place, span) in self.places.iter().zip(&mut self.spans) {
            if place.start <= position {
                span.0.get_or_insert(self.text.len());
            }
            if place.end <= position {
                span.1.get_or_insert(self.text.len());
            }
        }
    }

    /// The annotations, in the order of the places.
    fn marks(&self) -> Vec<(AnnotationKind, std::ops::Range<usize>, String)> {
        let end = self.text.len();
        let mark = |(place, &(start, stop)): (&Place, &(Option<usize>, Option<usize>))| {
            let start = start.unwrap_or(end);
            (place.kind, start..stop.unwrap_or(end).max(start), one_line(&place.label.text).into_owned())
        };
        self.places.iter().zip(&self.spans).map(mark).collect()
    }
}

/// The part of a line that is shown, as byte offsets: all of it, or a window that begins a little before `focus`.
fn window(line: &str, focus: usize) -> (usize, usize) {
    if line.len() <= LINE_WINDOW {
        return (0, line.len());
    }
    let latest = line.len() - LINE_WINDOW;
    let from = at_or_before(line, focus.saturating_sub(LINE_LEAD).min(latest));
    (from, at_or_after(line, from + LINE_WINDOW))
}

/// The last offset up to `offset` that does not split a character.
fn at_or_before(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// The first offset from `offset` on that does not split a character.
fn at_or_after(text: &str, offset: usize) -> usize {
    (offset..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len())
}
