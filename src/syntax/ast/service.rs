//! Services: what is talked.

use crate::packet::{PortRange, Protocol};
use crate::source::{Span, Spanned};

/// `svc, svc except svc, svc`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services {
    /// What is in it; at least one.
    pub items: Vec<Spanned<Service>>,
    /// What is taken away from it.
    pub except: Vec<Spanned<Service>>,
    /// The whole expression.
    pub span: Span,
}

/// The smallest piece of a service expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Service {
    /// `any`
    Any,
    /// `NAME`: defined in the project, or well known.
    Name(String),
    /// `tcp`, `tcp/443`, `tcp/53:1024-65535` (also `protocol/6`): a protocol with ports.
    Ports {
        /// tcp, udp or sctp.
        protocol: Protocol,
        /// Source ports, `None` for `*` or nothing written.
        source: Option<PortRange>,
        /// Destination ports, `None` for `*` or nothing written.
        destination: Option<PortRange>,
    },
    /// `icmp`, `icmp6/128`, `icmp/3/4` (also `protocol/1`).
    Icmp {
        /// icmp or icmp6.
        protocol: Protocol,
        /// The type, `None` for all.
        kind: Option<u8>,
        /// The code, `None` for all.
        code: Option<u8>,
    },
    /// `gre`, `esp`, `protocol/89`: a protocol without ports.
    Protocol(Protocol),
}
