//! Cuts text into rough tokens: enough to see where statements begin and where comments stand, no more.
//!
//! Every text can be cut; nothing is refused here. A *word* is whatever stands between blanks and the marks `, & = { } "`,
//! so `tcp/53:1024-65535` is one word and `tokyo / erp` three: what a word means is the business of the grammar. A string
//! ends at its closing quote or, unclosed, at the end of its line, so that one missing quote spoils one line and not the file.

use std::ops::Range;

/// What kind of rough token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything between blanks and marks.
    Word,
    /// A string with both its quotes.
    String,
    /// A string whose line ends before its closing quote.
    UnclosedString,
    /// `,`
    Comma,
    /// `&`
    Amp,
    /// `=`
    Equals,
    /// `{`
    Open,
    /// `}`
    Close,
}

/// A rough token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Offset of its first byte.
    pub start: usize,
    /// Offset after its last byte.
    pub end: usize,
    /// Whether only blanks stand before it on its line.
    pub first_on_line: bool,
}

impl Token {
    /// The text of the token.
    pub fn text(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or("")
    }
}

/// A comment, from its `#` to the end of its line (without blanks at its end).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Where it stands, in bytes.
    pub range: Range<usize>,
    /// Whether only blanks stand before it on its line.
    pub own_line: bool,
}

/// Tokens and comments of a text, each in order.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// The comments.
    pub comments: Vec<Comment>,
}

/// The length of the byte order mark at the beginning of a text: 3 or 0.
pub fn mark_length(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

/// Cuts a text into tokens and comments, in one pass over its bytes.
pub fn scan(text: &str) -> Scan {
    let bytes = text.as_bytes();
    let mut found = Scan::default();
    let mut at = mark_length(text);
    let mut first_on_line = true;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'\n' => {
                first_on_line = true;
                at += 1;
                continue;
            }
            b' ' | b'\t' | b'\r' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = line_end(bytes, start);
                let end = start + text.get(start..at).map_or(0, |comment| comment.trim_end().len());
                found.comments.push(Comment { range: start..end, own_line: first_on_line });
                continue;
            }
            _ => {}
        }
        let (kind, end) = token(bytes, start, byte);
        found.tokens.push(Token { kind, start, end, first_on_line });
        first_on_line = false;
        at = end;
    }
    found
}

fn token(bytes: &[u8], start: usize, first: u8) -> (Kind, usize) {
    let mark = |kind| (kind, start + 1);
    match first {
        b',' => mark(Kind::Comma),
        b'&' => mark(Kind::Amp),
        b'=' => mark(Kind::Equals),
        b'{' => mark(Kind::Open),
        b'}' => mark(Kind::Close),
        b'"' => string(bytes, start),
        _ => {
            let rest = bytes.get(start..).unwrap_or_default();
            let length = rest.iter().position(|&byte| ends_word(byte)).unwrap_or(rest.len());
            (Kind::Word, start + length)
        }
    }
}

fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'&' | b'=' | b'{' | b'}' | b'"' | b'#')
}

fn string(bytes: &[u8], start: usize) -> (Kind, usize) {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return (Kind::String, at + 1),
            b'\n' => break,
            b'\r' if bytes.get(at + 1).is_none_or(|&next| next == b'\n') => break,
            b'\\' if bytes.get(at + 1).is_some_and(|&next| next != b'\n' && next != b'\r') => at += 2,
            _ => at += 1,
        }
    }
    (Kind::UnclosedString, at)
}

fn line_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        scan(text).tokens.into_iter().map(|token| (token.kind, token.text(text))).collect()
    }

    #[test]
    fn cuts_words_at_blanks_and_marks() {
        assert_eq!(
            kinds("group a=b&tag:\"x y\",c # d"),
            [
                (Kind::Word, "group"),
                (Kind::Word, "a"),
                (Kind::Equals, "="),
                (Kind::Word, "b"),
                (Kind::Amp, "&"),
                (Kind::Word, "tag:"),
                (Kind::String, "\"x y\""),
                (Kind::Comma, ","),
                (Kind::Word, "c"),
            ]
        );
    }

    #[test]
    fn a_string_ends_with_its_line() {
        assert_eq!(
            kinds("a \"b\\\"c\r\nd"),
            [(Kind::Word, "a"), (Kind::UnclosedString, "\"b\\\"c"), (Kind::Word, "d")]
        );
        assert_eq!(kinds("\"a\\"), [(Kind::UnclosedString, "\"a\\")]);
        assert_eq!(kinds("\"日\\\\\""), [(Kind::String, "\"日\\\\\"")]);
    }

    #[test]
    fn comments_know_whether_they_own_their_line() {
        let found = scan("\u{feff}# a \r\nb # c");
        assert_eq!(found.comments.len(), 2);
        assert_eq!(found.comments[0], Comment { range: 3..6, own_line: true });
        assert!(!found.comments[1].own_line);
        assert!(found.tokens[0].first_on_line);
    }
}
