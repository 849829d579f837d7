//! Text that knows its line numbers.

use std::fmt;

/// Text under construction.
#[derive(Debug, Default)]
pub(in crate::platform) struct Text {
    out: String,
    lines: usize,
}

impl Text {
    /// Appends text without a line break.
    pub(in crate::platform) fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Ends the line and returns its number, from 1.
    pub(in crate::platform) fn end(&mut self) -> usize {
        self.out.push('\n');
        self.lines += 1;
        self.lines
    }

    /// Appends a whole line and returns its number.
    pub(in crate::platform) fn line(&mut self, text: &str) -> usize {
        self.push(text);
        self.end()
    }

    /// How many lines are finished.
    pub(in crate::platform) fn lines(&self) -> usize {
        self.lines
    }

    /// Appends finished lines of another text; returns what must be added to their line numbers.
    pub(in crate::platform) fn append(&mut self, other: &Self) -> usize {
        let offset = self.lines;
        self.out.push_str(&other.out);
        self.lines += other.lines;
        offset
    }

    /// The text.
    pub(in crate::platform) fn finish(self) -> String {
        self.out
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.push_str(text);
        Ok(())
    }
}

/// Appends formatted text; writing into memory cannot go wrong.
macro_rules! put {
    ($text:expr, $($argument:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($text, $($argument)*);
    }};
}
pub(in crate::platform) use put;
