//! How many: numbers up to 2^256 - 1, exact.
//!
//! A prefix of IPv6 may have 2^64 addresses, and pairs of them 2^128 or more; so sizes are of 256 bits. The only sets that are
//! larger are (nearly) all pairs of IPv6 addresses; their size stops at the largest number.

use std::fmt;

use super::interval::{Interval, Value};

/// A number of addresses, pairs or services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Count {
    high: u128,
    low: u128,
}

impl Count {
    /// None.
    pub const ZERO: Self = Self { high: 0, low: 0 };
    /// One.
    pub const ONE: Self = Self { high: 0, low: 1 };
    /// The largest number that can be told from the ones below it.
    pub const MAX: Self = Self { high: u128::MAX, low: u128::MAX };

    /// How many values an interval has.
    #[must_use]
    pub fn of<T: Value>(interval: Interval<T>) -> Self {
        let width = interval.last.wide().saturating_sub(interval.first.wide());
        Self { high: 0, low: width }.plus(Self::ONE)
    }

    /// The sum; at most [`Self::MAX`].
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high.checked_add(other.high).and_then(|high| high.checked_add(u128::from(carry)));
        high.map_or(Self::MAX, |high| Self { high, low })
    }

    /// The product; at most [`Self::MAX`].
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let cross = match (self.high, other.high) {
            (0, 0) => Some(0),
            (high, 0) => high.checked_mul(other.low),
            (0, high) => high.checked_mul(self.low),
            _ => None,
        };
        let full = wide_product(self.low, other.low);
        let high = cross.and_then(|cross| full.high.checked_add(cross));
        high.map_or(Self::MAX, |high| Self { high, low: full.low })
    }

    /// The number, if 128 bits hold it.
    #[must_use]
    pub fn exact(self) -> Option<u128> {
        (self.high == 0).then_some(self.low)
    }

    /// Whether it is none.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

impl From<u128> for Count {
    fn from(low: u128) -> Self {
        Self { high: 0, low }
    }
}

impl fmt::Display for Count {
    /// Digits in groups of three below 2^64, for people who compare `65,536` by eye; above, the power of two at or below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.high == 0 { self.low.checked_ilog2() } else { Some(self.high.ilog2() + 128) };
        match bits {
            Some(power @ 64..) => {
                let exact = self.high.count_ones() + self.low.count_ones() == 1;
                write!(f, "{}2^{power}", if exact { "" } else { "over " })
            }
            _ => {
                let digits = self.low.to_string();
                for (at, digit) in digits.chars().enumerate() {
                    if at > 0 && (digits.len() - at).is_multiple_of(3) {
                        f.write_str(",")?;
                    }
                    write!(f, "{digit}")?;
                }
                Ok(())
            }
        }
    }
}

/// The full product of two numbers of 128 bits, by halves.
fn wide_product(a: u128, b: u128) -> Count {
    const HALF: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> 64, a & HALF, b >> 64, b & HALF);
    let (low, left, right, high) = (a_low * b_low, a_high * b_low, a_low * b_high, a_high * b_high);
    let middle = (low >> 64) + (left & HALF) + (right & HALF);
    Count { high: high + (left >> 64) + (right >> 64) + (middle >> 64), low: (middle & HALF) << 64 | (low & HALF) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(bits: u32) -> Count {
        (0..bits).fold(Count::ONE, |count, _| count.plus(count))
    }

    #[test]
    fn products_of_powers_add_their_exponents() {
        for (a, b) in [(0, 0), (64, 64), (127, 1), (128, 0), (128, 127), (100, 155)] {
            assert_eq!(power(a).times(power(b)), power(a + b), "{a} {b}");
        }
        assert_eq!(power(128).times(power(128)), Count::MAX);
        let all = Count::from(u128::MAX);
        assert_eq!(all.times(all).plus(all).plus(all).plus(Count::ONE), Count::MAX);
    }

    #[test]
    fn people_read_digits_and_powers() {
        let shown = |count: Count| count.to_string();
        assert_eq!(shown(Count::ZERO), "0");
        assert_eq!(shown(Count::from(999)), "999");
        assert_eq!(shown(Count::from(65_536)), "65,536");
        assert_eq!(shown(power(32)), "4,294,967,296");
        assert_eq!(shown(power(160)), "2^160");
        assert_eq!(shown(power(160).plus(Count::ONE)), "over 2^160");
    }

    #[test]
    fn an_interval_may_have_more_values_than_its_type() {
        assert_eq!(Count::of(Interval::<u128>::full()), power(128));
        assert_eq!(Count::of(Interval { first: 3_u8, last: 5 }), Count::from(3));
    }
}
