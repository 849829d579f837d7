//! Symbolic names of numbers: protocols, ports, ICMP types and codes.
//!
//! Those that `nft` prints, and those of the IANA registries that people write. A name that is not here is not guessed: what asks for it is unknown.

/// The number of an IP protocol.
pub fn protocol(name: &str) -> Option<u8> {
    const NAMES: &[(&str, u8)] = &[
        ("ip", 0),
        ("hopopt", 0),
        ("icmp", 1),
        ("igmp", 2),
        ("ggp", 3),
        ("ipencap", 4),
        ("st", 5),
        ("tcp", 6),
        ("egp", 8),
        ("igp", 9),
        ("pup", 12),
        ("udp", 17),
        ("hmp", 20),
        ("xns-idp", 22),
        ("rdp", 27),
        ("iso-tp4", 29),
        ("dccp", 33),
        ("xtp", 36),
        ("ddp", 37),
        ("idpr-cmtp", 38),
        ("ipv6", 41),
        ("ipv6-route", 43),
        ("ipv6-frag", 44),
        ("idrp", 45),
        ("rsvp", 46),
        ("gre", 47),
        ("esp", 50),
        ("ah", 51),
        ("skip", 57),
        ("ipv6-icmp", 58),
        ("icmpv6", 58),
        ("ipv6-nonxt", 59),
        ("ipv6-opts", 60),
        ("rspf", 73),
        ("vmtp", 81),
        ("eigrp", 88),
        ("ospf", 89),
        ("ospfigp", 89),
        ("ax.25", 93),
        ("ipip", 94),
        ("etherip", 97),
        ("encap", 98),
        ("pim", 103),
        ("ipcomp", 108),
        ("comp", 108),
        ("vrrp", 112),
        ("l2tp", 115),
        ("isis", 124),
        ("sctp", 132),
        ("fc", 133),
        ("mobility-header", 135),
        ("udplite", 136),
        ("mpls-in-ip", 137),
        ("manet", 138),
        ("hip", 139),
        ("shim6", 140),
        ("wesp", 141),
        ("rohc", 142),
        ("ethernet", 143),
    ];
    find(NAMES, name)
}

/// The number of a port. Each of these names means one number, whatever the protocol.
pub fn port(name: &str) -> Option<u16> {
    const NAMES: &[(&str, u16)] = &[
        ("tcpmux", 1),
        ("echo", 7),
        ("discard", 9),
        ("daytime", 13),
        ("chargen", 19),
        ("ftp-data", 20),
        ("ftp", 21),
        ("ssh", 22),
        ("telnet", 23),
        ("smtp", 25),
        ("mail", 25),
        ("time", 37),
        ("whois", 43),
        ("tacacs", 49),
        ("domain", 53),
        ("bootps", 67),
        ("bootpc", 68),
        ("tftp", 69),
        ("gopher", 70),
        ("finger", 79),
        ("http", 80),
        ("www", 80),
        ("kerberos", 88),
        ("iso-tsap", 102),
        ("pop3", 110),
        ("sunrpc", 111),
        ("portmapper", 111),
        ("auth", 113),
        ("ident", 113),
        ("nntp", 119),
        ("ntp", 123),
        ("epmap", 135),
        ("netbios-ns", 137),
        ("netbios-dgm", 138),
        ("netbios-ssn", 139),
        ("imap2", 143),
        ("imap", 143),
        ("snmp", 161),
        ("snmp-trap", 162),
        ("snmptrap", 162),
        ("bgp", 179),
        ("irc", 194),
        ("ldap", 389),
        ("https", 443),
        ("snpp", 444),
        ("microsoft-ds", 445),
        ("kpasswd", 464),
        ("submissions", 465),
        ("isakmp", 500),
        ("dhcpv6-client", 546),
        ("dhcpv6-server", 547),
        ("rtsp", 554),
        ("nntps", 563),
        ("syslog", 514),
        ("submission", 587),
        ("ipp", 631),
        ("ldaps", 636),
        ("domain-s", 853),
        ("rsync", 873),
        ("ftps-data", 989),
        ("ftps", 990),
        ("telnets", 992),
        ("imaps", 993),
        ("pop3s", 995),
        ("socks", 1080),
        ("openvpn", 1194),
        ("ms-sql-s", 1433),
        ("ms-sql-m", 1434),
        ("l2f", 1701),
        ("l2tp", 1701),
        ("radius", 1812),
        ("radius-acct", 1813),
        ("nfs", 2049),
        ("mysql", 3306),
        ("ms-wbt-server", 3389),
        ("nut", 3493),
        ("svn", 3690),
        ("ipsec-nat-t", 4500),
        ("sip", 5060),
        ("sip-tls", 5061),
        ("xmpp-client", 5222),
        ("xmpp-server", 5269),
        ("mdns", 5353),
        ("postgresql", 5432),
        ("amqps", 5671),
        ("amqp", 5672),
        ("x11", 6000),
        ("redis", 6379),
        ("http-alt", 8080),
        ("zabbix-agent", 10050),
        ("zabbix-trapper", 10051),
        ("git", 9418),
    ];
    find(NAMES, name)
}

/// The number of an ICMP type.
pub fn icmp_type(name: &str) -> Option<u16> {
    const NAMES: &[(&str, u16)] = &[
        ("echo-reply", 0),
        ("destination-unreachable", 3),
        ("source-quench", 4),
        ("redirect", 5),
        ("echo-request", 8),
        ("router-advertisement", 9),
        ("router-solicitation", 10),
        ("time-exceeded", 11),
        ("parameter-problem", 12),
        ("timestamp-request", 13),
        ("timestamp-reply", 14),
        ("info-request", 15),
        ("info-reply", 16),
        ("address-mask-request", 17),
        ("address-mask-reply", 18),
    ];
    find(NAMES, name)
}

/// The number of an ICMP code.
pub fn icmp_code(name: &str) -> Option<u16> {
    const NAMES: &[(&str, u16)] = &[
        ("net-unreachable", 0),
        ("host-unreachable", 1),
        ("prot-unreachable", 2),
        ("port-unreachable", 3),
        ("frag-needed", 4),
        ("net-prohibited", 9),
        ("host-prohibited", 10),
        ("admin-prohibited", 13),
    ];
    find(NAMES, name)
}

/// The number of an ICMPv6 type.
pub fn icmp6_type(name: &str) -> Option<u16> {
    const NAMES: &[(&str, u16)] = &[
        ("destination-unreachable", 1),
        ("packet-too-big", 2),
        ("time-exceeded", 3),
        ("parameter-problem", 4),
        ("echo-request", 128),
        ("echo-reply", 129),
        ("mld-listener-query", 130),
        ("mld-listener-report", 131),
        ("mld-listener-done", 132),
        ("mld-listener-reduction", 132),
        ("nd-router-solicit", 133),
        ("nd-router-advert", 134),
        ("nd-neighbor-solicit", 135),
        ("nd-neighbor-advert", 136),
        ("nd-redirect", 137),
        ("router-renumbering", 138),
        ("ind-neighbor-solicit", 141),
        ("ind-neighbor-advert", 142),
        ("mld2-listener-report", 143),
    ];
    find(NAMES, name)
}

/// The number of an ICMPv6 code.
pub fn icmp6_code(name: &str) -> Option<u16> {
    const NAMES: &[(&str, u16)] = &[
        ("no-route", 0),
        ("admin-prohibited", 1),
        ("addr-unreachable", 3),
        ("port-unreachable", 4),
        ("policy-fail", 5),
        ("reject-route", 6),
    ];
    find(NAMES, name)
}

fn find<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
    names.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// A number as `nft` reads it: decimal, or hexadecimal after `0x`.
pub fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if text.starts_with(|c: char| c.is_ascii_digit()) => text.parse().ok(),
        None => None,
    }
}
