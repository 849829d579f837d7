//! Which addresses are public: what a transit with `internet: true` can stand for.
//!
//! One table, from the special-purpose address registries of IANA. For IPv4 everything is public but what is listed; for IPv6 only 2000::/3 is,
//! without what is listed. Some listed blocks hold a few globally reachable anycast addresses (192.0.0.9, 2001:1::1, 6to4): they are left out on
//! purpose, because an inventory that needs one can name it.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::packet::{AddressRange, AddressSet};

/// IPv4 blocks that are not public.
const SPECIAL_V4: [([u8; 4], u8); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// The IPv6 block that global unicast addresses come from.
const UNICAST_V6: ([u16; 2], u8) = ([0x2000, 0], 3);

/// IPv6 blocks inside it that are not public.
const SPECIAL_V6: [([u16; 2], u8); 4] =
    [([0x2001, 0], 23), ([0x2001, 0x0db8], 32), ([0x2002, 0], 16), ([0x3fff, 0], 20)];

/// Every public address of both families.
#[must_use]
pub fn public() -> &'static AddressSet {
    static PUBLIC: LazyLock<AddressSet> = LazyLock::new(|| {
        let special: AddressSet = SPECIAL_V4.into_iter().map(v4).chain(SPECIAL_V6.into_iter().map(v6)).collect();
        let all: AddressSet = [v4(([0; 4], 0)), v6(UNICAST_V6)].into_iter().collect();
        all.difference(&special)
    });
    &PUBLIC
}

fn v4((bytes, length): ([u8; 4], u8)) -> AddressRange {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::from(bytes), length)).into()
}

fn v6(([a, b], length): ([u16; 2], u8)) -> AddressRange {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length)).into()
}

#[cfg(test)]
mod tests {
    use super::public;

    #[test]
    fn borders_of_the_blocks() {
        for (address, expected) in [
            ("0.255.255.255", false),
            ("1.0.0.0", true),
            ("9.255.255.255", true),
            ("10.0.0.0", false),
            ("100.63.255.255", true),
            ("100.64.0.0", false),
            ("100.127.255.255", false),
            ("100.128.0.0", true),
            ("172.15.255.255", true),
            ("172.31.255.255", false),
            ("192.0.1.0", true),
            ("192.0.2.1", false),
            ("198.17.255.255", true),
            ("198.19.255.255", false),
            ("203.0.114.0", true),
            ("223.255.255.255", true),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("1fff:ffff::", false),
            ("2000::", true),
            ("2001:1ff:ffff::", false),
            ("2001:200::", true),
            ("2001:db8::1", false),
            ("2001:db9::1", true),
            ("2002::1", false),
            ("3fff:fff::", false),
            ("3fff:1000::", true),
            ("4000::", false),
            ("fd00::1", false),
        ] {
            assert_eq!(public().contains(address.parse().unwrap()), expected, "{address}");
        }
    }
}
