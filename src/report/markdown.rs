//! Tables as Markdown (the GitHub form).
//!
//! What a cell says is text: everything that Markdown or HTML would read as markup, a link or a mention is escaped, and line breaks become visible signs, so that no name ends a cell,
//! a row or the table.

use crate::diag::render;

/// A table with a header.
#[must_use]
pub fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    line(&mut out, columns.iter().copied());
    out.push('|');
    out.push_str(&" --- |".repeat(columns.len()));
    out.push('\n');
    for row in rows {
        line(&mut out, row.iter().map(String::as_str));
    }
    out
}

fn line<'c>(out: &mut String, cells: impl Iterator<Item = &'c str>) {
    out.push('|');
    for cell in cells {
        out.push(' ');
        out.push_str(&escape(cell));
        out.push_str(" |");
    }
    out.push('\n');
}

/// Text that Markdown shows as it is.
#[must_use]
pub fn escape(text: &str) -> String {
    let line = render::one_line(text);
    let mut out = String::with_capacity(line.len() + 8);
    for character in line.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => out.extend(['\\', character]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            _ => out.push(character),
        }
    }
    // What GitHub makes a link of without being asked.
    out.replace("://", "&#58;//").replace("www.", "www&#46;").replace("WWW.", "WWW&#46;")
}

#[cfg(test)]
mod tests {
    use super::{escape, table};

    #[test]
    fn nothing_ends_a_cell_or_becomes_markup() {
        for (cell, wanted) in [
            ("bangkok/office", "bangkok/office"),
            ("a|b", "a\\|b"),
            ("`x` <b> & [y](http://z)", "\\`x\\` &lt;b&gt; &amp; \\[y\\](http&#58;//z)"),
            ("a\nb", "a\u{240a}b"),
            ("@soc www.example", "&#64;soc www&#46;example"),
        ] {
            assert_eq!(escape(cell), wanted);
        }
        assert_eq!(table(&["a"], &[vec!["1".into()]]), "| a |\n| --- |\n| 1 |\n");
    }
}
