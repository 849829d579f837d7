//! Makes text from input harmless to look at.
//!
//! Control characters (a terminal obeys them) and the characters that change the direction or the visibility of others
//! (a reader is deceived by them), and those of private use (they look different everywhere) are written as something visible. Everything else stays, in any script.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How one character is shown, if not as itself.
enum Shown {
    Itself,
    /// One visible sign.
    As(char),
    /// Four blanks.
    Tab,
    /// `<U+202E>`.
    ByNumber,
}

fn shown(character: char) -> Shown {
    match character {
        '\t' => Shown::Tab,
        '\u{0}'..='\u{1f}' => Shown::As(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}')),
        '\u{7f}' => Shown::As('\u{2421}'),
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => Shown::ByNumber,
        _ => Shown::Itself,
    }
}

/// Appends one character as it is shown.
pub(super) fn push(out: &mut String, character: char) {
    match shown(character) {
        Shown::Itself => out.push(character),
        Shown::As(sign) => out.push(sign),
        Shown::Tab => out.push_str("    "),
        Shown::ByNumber => {
            let _ = write!(out, "<U+{:04X}>", u32::from(character));
        }
    }
}

/// The text on one line: line feeds are shown as signs too.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.chars().all(|character| matches!(shown(character), Shown::Itself)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    text.chars().for_each(|character| push(&mut out, character));
    Cow::Owned(out)
}

/// The text with its line feeds kept and all else harmless.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(|character| character == '\n' || matches!(shown(character), Shown::Itself)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character == '\n' { out.push('\n') } else { push(&mut out, character) }
    }
    Cow::Owned(out)
}
