//! Tables as CSV (RFC 4180), safe to open in a spreadsheet.
//!
//! A cell that holds a comma, a quote, a line break or blanks at its ends is quoted, with quotes doubled. A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula,
//! whoever wrote it: such a cell gets an apostrophe in front, by which spreadsheets know text. Lines end with a line feed, like all other output.

/// A header line and the rows under it.
#[must_use]
pub fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    line(&mut out, columns.iter().copied());
    for row in rows {
        line(&mut out, row.iter().map(String::as_str));
    }
    out
}

fn line<'c>(out: &mut String, cells: impl Iterator<Item = &'c str>) {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            out.push(',');
        }
        out.push_str(&field(cell));
    }
    out.push('\n');
}

/// One cell.
#[must_use]
pub fn field(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let text = if is_formula && text != "-" { format!("'{text}") } else { text.to_owned() };
    let must_quote = text.contains([',', '"', '\n', '\r']) || text.trim() != text;
    if must_quote { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::{field, table};

    #[test]
    fn cells_are_text_and_nothing_else() {
        for (cell, wanted) in [
            ("bangkok/office", "bangkok/office"),
            ("a, b", "\"a, b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1,B1)", "\"'@SUM(A1,B1)\""),
            ("-2+3", "'-2+3"),
            ("-", "-"),
            ("two\nlines", "\"two\nlines\""),
            (" x", "\" x\""),
        ] {
            assert_eq!(field(cell), wanted);
        }
        assert_eq!(table(&["a", "b"], &[vec!["1".into(), String::new()]]), "a,b\n1,\n");
    }
}
