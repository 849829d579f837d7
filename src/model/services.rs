//! Services that need no definition, with the numbers of the IANA registry of service names and port numbers.
//!
//! Each is what a client calls. Where a service is asked over udp and tcp (dns, kerberos, sip) both are in it; dynamic ports are not
//! (`rpc` is the endpoint mapper alone), because a range that opens half of all ports should be written by someone.

use std::sync::LazyLock;

use crate::packet::{Interval, Protocol, ServiceSet};

const TCP: Protocol = Protocol::TCP;
const UDP: Protocol = Protocol::UDP;
const ICMP: Protocol = Protocol::ICMP;
const ICMP6: Protocol = Protocol::ICMP6;

/// Protocol, and first and last destination port or ICMP type.
type Piece = (Protocol, u16, u16);

/// Every well-known service, sorted by name.
const TABLE: &[(&str, &[Piece])] = &[
    ("bgp", &[(TCP, 179, 179)]),
    ("dhcp", &[(UDP, 67, 68)]),
    ("dhcp6", &[(UDP, 546, 547)]),
    ("dns", &[(TCP, 53, 53), (UDP, 53, 53)]),
    ("dns-tls", &[(TCP, 853, 853)]),
    ("ftp", &[(TCP, 21, 21)]),
    ("http", &[(TCP, 80, 80)]),
    ("https", &[(TCP, 443, 443)]),
    ("ike", &[(UDP, 500, 500)]),
    ("imap", &[(TCP, 143, 143)]),
    ("imaps", &[(TCP, 993, 993)]),
    ("ipsec-nat-t", &[(UDP, 4500, 4500)]),
    ("iscsi", &[(TCP, 3260, 3260)]),
    ("kerberos", &[(TCP, 88, 88), (UDP, 88, 88)]),
    ("kpasswd", &[(TCP, 464, 464), (UDP, 464, 464)]),
    ("ldap", &[(TCP, 389, 389), (UDP, 389, 389)]),
    ("ldaps", &[(TCP, 636, 636)]),
    ("modbus", &[(TCP, 502, 502)]),
    ("mongodb", &[(TCP, 27017, 27017)]),
    ("mqtt", &[(TCP, 1883, 1883)]),
    ("mqtts", &[(TCP, 8883, 8883)]),
    ("mssql", &[(TCP, 1433, 1433)]),
    ("mysql", &[(TCP, 3306, 3306)]),
    ("nfs", &[(TCP, 2049, 2049)]),
    ("ntp", &[(UDP, 123, 123)]),
    ("opcua", &[(TCP, 4840, 4840)]),
    ("oracle", &[(TCP, 1521, 1521)]),
    ("ping", &[(ICMP, 8, 8), (ICMP6, 128, 128)]),
    ("ping4", &[(ICMP, 8, 8)]),
    ("ping6", &[(ICMP6, 128, 128)]),
    ("pop3", &[(TCP, 110, 110)]),
    ("pop3s", &[(TCP, 995, 995)]),
    ("postgres", &[(TCP, 5432, 5432)]),
    ("printer", &[(TCP, 515, 515), (TCP, 631, 631), (TCP, 9100, 9100)]),
    ("radius", &[(UDP, 1812, 1813)]),
    ("rdp", &[(TCP, 3389, 3389), (UDP, 3389, 3389)]),
    ("redis", &[(TCP, 6379, 6379)]),
    ("rpc", &[(TCP, 135, 135)]),
    ("sip", &[(TCP, 5060, 5060), (UDP, 5060, 5060)]),
    ("sips", &[(TCP, 5061, 5061)]),
    ("smb", &[(TCP, 445, 445)]),
    ("smtp", &[(TCP, 25, 25)]),
    ("smtps", &[(TCP, 465, 465)]),
    ("snmp", &[(UDP, 161, 161)]),
    ("snmp-trap", &[(UDP, 162, 162)]),
    ("ssh", &[(TCP, 22, 22)]),
    ("submission", &[(TCP, 587, 587)]),
    ("syslog", &[(UDP, 514, 514)]),
    ("syslog-tls", &[(TCP, 6514, 6514)]),
    ("tacacs", &[(TCP, 49, 49)]),
    ("telnet", &[(TCP, 23, 23)]),
    ("tftp", &[(UDP, 69, 69)]),
    ("traceroute", &[(UDP, 33434, 33534), (ICMP, 8, 8), (ICMP6, 128, 128)]),
    ("vnc", &[(TCP, 5900, 5900)]),
    ("winrm", &[(TCP, 5985, 5986)]),
];

/// The service of a well-known name.
#[must_use]
pub fn well_known(name: &str) -> Option<ServiceSet> {
    let at = TABLE.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    TABLE.get(at).map(|(_, pieces)| set_of(pieces))
}

/// The names of what administrators log in with.
pub const ADMINISTRATION: [&str; 5] = ["ssh", "rdp", "winrm", "telnet", "vnc"];

/// What administrators log in with.
#[must_use]
pub fn administration() -> &'static ServiceSet {
    static SERVICES: LazyLock<ServiceSet> = LazyLock::new(|| {
        let sets = ADMINISTRATION.iter().filter_map(|name| well_known(name));
        sets.fold(ServiceSet::empty(), |all, set| all.union(&set))
    });
    &SERVICES
}

/// The names of all well-known services, sorted.
pub fn well_known_names<'a>() -> impl Iterator<Item = &'a str> {
    TABLE.iter().map(|(name, _): &(&'a str, _)| *name)
}

/// The well-known name of a service set, if it has one; the first in name order where two are equal.
#[must_use]
pub fn well_known_name(services: &ServiceSet) -> Option<&'static str> {
    static SETS: LazyLock<Vec<(&str, ServiceSet)>> =
        LazyLock::new(|| TABLE.iter().map(|(name, pieces)| (*name, set_of(pieces))).collect());
    SETS.iter().find(|(_, set)| set == services).map(|(name, _)| *name)
}

fn set_of(pieces: &[Piece]) -> ServiceSet {
    pieces.iter().fold(ServiceSet::empty(), |set, &(protocol, first, last)| {
        let range = Interval { first, last };
        let piece = if protocol.is_icmp() {
            ServiceSet::rectangle(protocol, range, Interval::full())
        } else {
            ServiceSet::ports(protocol, range)
        };
        set.union(&piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::ServicePoint;

    #[test]
    fn the_table_is_sorted_and_holds_what_it_says() {
        assert!(TABLE.is_sorted_by(|(a, _), (b, _)| a < b));
        let dns = well_known("dns").unwrap();
        for (protocol, port, expected) in [(TCP, 53, true), (UDP, 53, true), (TCP, 54, false)] {
            assert_eq!(dns.contains(ServicePoint { protocol, a: 40000, b: port }), expected);
        }
        let ping = well_known("ping").unwrap();
        assert!(ping.contains(ServicePoint { protocol: ICMP, a: 8, b: 0 }));
        assert!(ping.contains(ServicePoint { protocol: ICMP6, a: 128, b: 0 }));
        assert!(!ping.contains(ServicePoint { protocol: ICMP, a: 0, b: 0 }));
        assert_eq!(well_known_name(&dns), Some("dns"));
        assert!(well_known("dsn").is_none());
    }
}
