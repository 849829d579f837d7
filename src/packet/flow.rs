//! One flow: the first packet of a connection.

use std::net::IpAddr;

use super::service::ServicePoint;

/// The first packet of a connection. Both addresses are of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// Where it comes from.
    pub source: IpAddr,
    /// Where it goes.
    pub destination: IpAddr,
    /// Protocol and ports, or ICMP type and code.
    pub service: ServicePoint,
}
