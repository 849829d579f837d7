//! Bytes in hexadecimal digits, and the SHA-256 of bytes in them.
//!
//! What such a sum is of, and in which canonical form, is for each caller to say. Absent on purpose: a hash that is fed bit by bit; all texts of ours fit in memory.

use sha2::{Digest as _, Sha256};

/// Bytes as lower-case hexadecimal digits, two for each; no bytes are the empty text.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

/// The SHA-256 of some bytes: 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hexadecimal(&Sha256::digest(bytes.as_ref()))
}

/// The SHA-256 of some bytes with its name before it, as people commit it: `sha256:` and 64 lower-case hexadecimal digits.
#[must_use]
pub fn named_sha256(bytes: impl AsRef<[u8]>) -> String {
    format!("sha256:{}", sha256(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hexadecimal(&[0, 9, 10, 0xa5, 255]), "00090aa5ff");
        assert_eq!(hexadecimal(&[]), "");
    }

    /// The examples of FIPS 180-2, appendix B, and the sum of nothing.
    #[test]
    fn sums_are_those_of_the_standard() {
        assert_eq!(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(named_sha256(b"abc"), format!("sha256:{}", sha256("abc")));
    }
}
