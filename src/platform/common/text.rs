//! Text that knows its line numbers.
//!
//! Most of a rule set is addresses and numbers, hundreds of thousands in a file: they are written digit by digit, which takes a quarter of the time of `core::fmt`.

use std::fmt;
use std::net::Ipv6Addr;
use std::ops::Range;

/// Appends formatted text; writing into memory cannot go wrong.
macro_rules! put {
    ($text:expr, $($argument:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($text, $($argument)*);
    }};
}
pub(in crate::platform) use put;

/// Text under construction.
#[derive(Debug, Default)]
pub(in crate::platform) struct Text {
    out: String,
    lines: usize,
    /// Where the open line begins.
    begin: usize,
}

impl Text {
    /// Appends text without a line break.
    pub(in crate::platform) fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Appends a number.
    pub(in crate::platform) fn number(&mut self, number: usize) {
        match u8::try_from(number) {
            Ok(octet) => self.octet(octet),
            Err(_) => {
                self.number(number / 10);
                self.digit(u8::try_from(number % 10).unwrap_or(0));
            }
        }
    }

    fn octet(&mut self, octet: u8) {
        if octet >= 100 {
            self.digit(octet / 100);
        }
        if octet >= 10 {
            self.digit(octet / 10 % 10);
        }
        self.digit(octet % 10);
    }

    /// Appends one digit of a base up to 16.
    fn digit(&mut self, digit: u8) {
        self.out.push(char::from(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit }));
    }

    /// Appends an IPv4 address.
    pub(in crate::platform) fn ipv4(&mut self, address: u32) {
        for (at, octet) in address.to_be_bytes().into_iter().enumerate() {
            if at > 0 {
                self.out.push('.');
            }
            self.octet(octet);
        }
    }

    /// Appends an IPv6 address as RFC 5952 wants it, like its `Display`.
    pub(in crate::platform) fn ipv6(&mut self, address: u128) {
        let address = Ipv6Addr::from_bits(address);
        if address.to_ipv4_mapped().is_some() {
            put!(self, "{address}");
            return;
        }
        let groups = address.segments();
        let zeros = longest_zeros(&groups);
        for (at, group) in groups.into_iter().enumerate() {
            if zeros.contains(&at) {
                if at == zeros.start {
                    self.out.push_str("::");
                }
                continue;
            }
            if at > 0 && at != zeros.end {
                self.out.push(':');
            }
            self.hexadecimal(group);
        }
    }

    fn hexadecimal(&mut self, group: u16) {
        let [high, low] = group.to_be_bytes();
        let mut seen = false;
        for digit in [high >> 4, high & 15, low >> 4] {
            seen |= digit > 0;
            if seen {
                self.digit(digit);
            }
        }
        self.digit(low & 15);
    }

    /// Ends the line and returns its number, from 1.
    pub(in crate::platform) fn end(&mut self) -> usize {
        self.out.push('\n');
        self.begin = self.out.len();
        self.lines += 1;
        self.lines
    }

    /// Appends a whole line and returns its number.
    pub(in crate::platform) fn line(&mut self, text: &str) -> usize {
        self.push(text);
        self.end()
    }

    /// How long the open line is, in bytes.
    pub(in crate::platform) fn width(&self) -> usize {
        self.out.len() - self.begin
    }

    /// How many lines are finished.
    pub(in crate::platform) fn lines(&self) -> usize {
        self.lines
    }

    /// Makes room for the finished lines of other texts.
    pub(in crate::platform) fn reserve(&mut self, others: &[&Self]) {
        self.out.reserve_exact(others.iter().map(|other| other.out.len()).sum());
    }

    /// Appends finished lines of another text; returns what must be added to their line numbers.
    pub(in crate::platform) fn append(&mut self, other: &Self) -> usize {
        let offset = self.lines;
        self.out.push_str(&other.out);
        self.begin = self.out.len();
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

/// The first longest run of two or more zero groups; at the end and empty if there is none.
fn longest_zeros(groups: &[u16; 8]) -> Range<usize> {
    let (mut best, mut run) = (8..8, 0..0);
    for (at, group) in groups.iter().enumerate() {
        run = if *group != 0 { at + 1..at + 1 } else { run.start..at + 1 };
        if run.len() > best.len().max(1) {
            best = run.clone();
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    proptest! {
        #[test]
        fn addresses_are_written_as_the_standard_library_does(
            bits in any::<u128>(), keep in any::<[bool; 8]>(), number in any::<usize>(),
        ) {
            let mask = keep.iter().fold(0_u128, |mask, keep| mask << 16 | if *keep { 0xffff } else { 0 });
            for bits in [bits, bits & mask, bits & mask & (u128::MAX >> 96) | 0xffff_0000_0000] {
                let mut text = Text::default();
                text.ipv6(bits);
                prop_assert_eq!(text.finish(), Ipv6Addr::from_bits(bits).to_string());
            }
            let mut text = Text::default();
            text.ipv4(bits as u32);
            text.push(" ");
            text.number(number);
            prop_assert_eq!(text.finish(), format!("{} {number}", Ipv4Addr::from_bits(bits as u32)));
        }
    }
}
