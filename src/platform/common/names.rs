//! Names of a user inside comments, log prefixes and chain names: nothing that a user writes can end a string or a line.
//!
//! A text that is too long is cut at a character border and ends in a hash of the whole, so that two long names stay apart.

use std::borrow::Cow;

/// A text without the characters that end a string or a line, or that a config language replaces, in any of the languages written here.
pub(in crate::platform) fn safe(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b',' | b' ')) {
        return Cow::Borrowed(text);
    }
    let hostile = |c: char| c.is_control() || matches!(c, '"' | '\\' | '$' | '\u{2028}' | '\u{2029}');
    if text.contains(hostile) { Cow::Owned(text.replace(hostile, "_")) } else { Cow::Borrowed(text) }
}

/// [`safe`], and at most `limit` bytes long.
pub(in crate::platform) fn fit(text: &str, limit: usize) -> Cow<'_, str> {
    let short = safe(text);
    if short.len() <= limit {
        return short;
    }
    let digits = if limit >= 32 { 8 } else { 6 };
    let room = limit.saturating_sub(digits + 1);
    let keep = (0..=room).rev().find(|&at| short.is_char_boundary(at)).unwrap_or(0);
    let hash = fnv(text) >> (64 - 4 * digits);
    Cow::Owned(format!("{}~{hash:0digits$x}", short.get(..keep).unwrap_or("")))
}

/// FNV-1a: stable over versions and machines, unlike the standard hasher.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// At most `limit` bytes of letters, digits and `_` (ASCII) that remind of a name; not unique.
pub(in crate::platform) fn slug(text: &str, limit: usize) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_stay_apart_and_within_the_limit() {
        let (a, b) = ("規".repeat(60) + "a", "規".repeat(60) + "b");
        assert_ne!(fit(&a, 100), fit(&b, 100));
        for limit in [10, 13, 29, 100, 128] {
            assert!(fit(&a, limit).len() <= limit);
        }
    }

    #[test]
    fn nothing_ends_a_string_or_a_line() {
        assert_eq!(safe("a\"b\\c\nd$e\tf"), "a_b_c_d_e_f");
        assert_eq!(safe("関所-1.b"), "関所-1.b");
    }
}
