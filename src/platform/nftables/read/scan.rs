//! Cuts the text of a rule set into blocks and statements.
//!
//! A brace opens a block after `table`, `chain`, `set` and the like, and a set everywhere else; the caller says which, for it depends on where one is
//! (`counter {` in a table, `counter` in a rule). A statement whose braces do not close before a `;` or the end of the text is cut at the end of
//! its first line, so that one mistake does not swallow the lines after it.

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next<'t> {
    /// A block begins: the text before its brace.
    Block(Piece<'t>),
    /// A statement.
    Statement(Piece<'t>),
    /// A statement whose braces do not close; its first line.
    Broken(Piece<'t>),
    /// A block ends.
    Close(usize),
    /// The text ends.
    End,
}

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'t> {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// Where it begins.
    pub at: usize,
    /// Its text, comments inside it included.
    pub text: &'t str,
    /// The comment after it on its last line, or alone on a line, without `#`; else empty.
    pub comment: &'t str,
}

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// How many bytes stand before it.
    pub at: usize,
    /// Its line, from 1.
    pub line: usize,
}

/// How often unclosed braces are looked for to the end of the text.
const MOST_BROKEN: usize = 200;

/// What cuts a text, and how far it is.
#[derive(Debug)]
pub struct Scanner<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    broken: usize,
}

/// Whether a byte may mean something to whoever cuts. A table, for these bytes stand close together: a search for some of them at once takes longer to begin than to find one.
#[expect(clippy::indexing_slicing, reason = "the compiler carries it out")]
static MARKS: [bool; 256] = {
    let mut marks = [false; 256];
    marks[b'{' as usize] = true;
    marks[b'}' as usize] = true;
    marks[b'"' as usize] = true;
    marks[b'\n' as usize] = true;
    marks[b'#' as usize] = true;
    marks[b';' as usize] = true;
    marks[b'\\' as usize] = true;
    marks
};

impl<'t> Scanner<'t> {
    /// Begins at the start of a text.
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0, line: 1, broken: 0 }
    }

    fn peek(&self, from: usize) -> Option<u8> {
        self.text.as_bytes().get(from).copied()
    }

    fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = self.slice(from, self.text.len());
        memchr::memchr(b'\n', rest.as_bytes()).map_or(self.text.len(), |length| from + length)
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek(self.at) {
            let is_blank = byte.is_ascii_whitespace() || byte == b';' || (byte == b'\\' && self.continues(self.at));
            if !is_blank {
                break;
            }
            self.line += usize::from(byte == b'\n');
            self.at += 1;
        }
    }

    fn continues(&self, backslash: usize) -> bool {
        match self.peek(backslash + 1) {
            Some(b'\n') => true,
            Some(b'\r') => self.peek(backslash + 2) == Some(b'\n'),
            _ => false,
        }
    }

    /// The next block, statement or end; `opens` says of the text before a brace whether a block begins there.
    pub fn next(&mut self, opens: impl Fn(&str) -> bool) -> Next<'t> {
        self.skip_blanks();
        match self.peek(self.at) {
            None => return Next::End,
            Some(b'}') => {
                self.at += 1;
                return Next::Close(self.line);
            }
            Some(_) => {}
        }
        let (start, line) = (self.at, self.line);
        match self.end(start, &opens) {
            End::Block(at) => {
                self.at = at + 1;
                Next::Block(Piece { line, at: start, text: trim(self.slice(start, at)), comment: "" })
            }
            End::Statement(at) => {
                let comment_end = if self.peek(at) == Some(b'#') { self.line_end(at) } else { at };
                let comment = self.slice((at + 1).min(comment_end), comment_end).trim();
                self.at = comment_end;
                Next::Statement(Piece { line, at: start, text: trim(self.slice(start, at)), comment })
            }
            End::Open => {
                let at = self.line_end(start);
                (self.at, self.line) = (at, line);
                Next::Broken(Piece { line, at: start, text: trim(self.slice(start, at)), comment: "" })
            }
        }
    }

    /// Goes back to the end of the first line of a statement; `false` if that was done too often.
    pub fn back_to_first_line(&mut self, piece: Piece<'_>) -> bool {
        self.broken += 1;
        if self.broken > MOST_BROKEN {
            return false;
        }
        self.at = self.line_end(piece.at);
        self.line = piece.line;
        true
    }

    /// The text up to the second closing brace. Of a block that has just begun and holds one list in braces that is all of it; whether it is such a block, the text alone does not say (braces stand in remarks, too).
    pub fn up_to_second_brace(&self) -> Option<&'t str> {
        let rest = self.text.get(self.at..).filter(|_| self.broken <= MOST_BROKEN)?;
        let mut braces = memchr::memchr_iter(b'}', rest.as_bytes());
        braces.next()?;
        rest.get(..=braces.next()?)
    }

    /// Where the next byte is.
    pub fn place(&self) -> Place {
        Place { at: self.at, line: self.line }
    }

    /// Goes past a text that begins here, and has this many ends of lines.
    pub fn pass(&mut self, text: &str, lines: usize) {
        self.at += text.len();
        self.line += lines;
    }

    /// Goes past the end of a block that has just begun.
    pub fn skip_block(&mut self) {
        let (mut depth, mut at) = (1_usize, self.at);
        while let Some((mark, byte)) = self.next_mark(at) {
            at = mark;
            match byte {
                b'"' => at = self.quote_end(at),
                b'#' => at = self.line_end(at).saturating_sub(1),
                b'\n' => self.line += 1,
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                break;
            }
        }
        self.at = if depth == 0 { at } else { self.text.len() };
    }

    /// The closing quote, or the opening one where the line ends before.
    fn quote_end(&self, open: usize) -> usize {
        let rest = self.text.as_bytes().get(open + 1..).unwrap_or_default();
        match rest.iter().position(|byte| matches!(byte, b'"' | b'\n')) {
            Some(length) if rest.get(length) == Some(&b'"') => open + 1 + length,
            _ => open,
        }
    }

    /// The next byte that may mean something to whoever cuts.
    fn next_mark(&self, from: usize) -> Option<(usize, u8)> {
        let rest = self.text.as_bytes().get(from..)?;
        let length = rest.iter().position(|byte| MARKS.get(usize::from(*byte)) == Some(&true))?;
        Some((from + length, *rest.get(length)?))
    }

    /// Where what begins here ends; lines that end inside of it are counted.
    fn end(&mut self, start: usize, opens: &impl Fn(&str) -> bool) -> End {
        let (mut depth, mut anonymous, mut at) = (0_usize, false, start);
        while let Some((mark, byte)) = self.next_mark(at) {
            at = mark;
            match byte {
                b'"' => at = self.quote_end(at),
                b'\\' if self.continues(at) => {
                    at += if self.peek(at + 1) == Some(b'\r') { 2 } else { 1 };
                    self.line += 1;
                }
                b'#' | b'\n' | b';' | b'}' if depth == 0 => return End::Statement(at),
                b'#' => at = self.line_end(at).saturating_sub(1),
                b';' if !anonymous => return End::Open,
                b'{' if depth == 0 && opens(self.slice(start, at)) => return End::Block(at),
                b'{' => {
                    anonymous |= is_anonymous_chain(self.slice(start, at));
                    depth += 1;
                    if self.broken > MOST_BROKEN {
                        return End::Open;
                    }
                }
                b'}' => depth -= 1,
                b'\n' => self.line += 1,
                _ => {}
            }
            at += 1;
        }
        if depth == 0 {
            return End::Statement(self.text.len());
        }
        self.broken += 1;
        End::Open
    }
}

/// A text without blanks around it. Mostly there are none, which its first and its last byte say.
fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

enum End {
    Block(usize),
    Statement(usize),
    Open,
}

/// `jump { ... }` holds rules and their `;`.
pub fn is_anonymous_chain(before: &str) -> bool {
    let before = before.trim_end();
    before.ends_with("jump") || before.ends_with("goto")
}
