//! Endpoints: who talks, and to whom.

use super::Name;
use crate::packet::AddressRange;
use crate::source::{Span, Spanned};

/// `item, item except item, item`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// What is in it; at least one.
    pub items: Vec<All>,
    /// What is taken away from it.
    pub except: Vec<All>,
    /// The whole expression.
    pub span: Span,
}

/// `primary & primary`: what all of them have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct All {
    /// At least one.
    pub primaries: Vec<Spanned<Primary>>,
    /// The whole item.
    pub span: Span,
}

/// The smallest piece of an endpoint expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Primary {
    /// `any`
    Any,
    /// `NAME`: a site, transit, device, group or feed.
    Name(String),
    /// `SITE/NAME`: a network or a host.
    Qualified {
        /// The site.
        site: Name,
        /// The network or host.
        name: Name,
    },
    /// `*/NAME`: every network and host of that name.
    Everywhere(Name),
    /// `KEY:VALUE`; the key `tag` selects by tag.
    Attribute {
        /// The key.
        key: Name,
        /// The text that the YAML scalar must have.
        value: Name,
    },
    /// An address, a prefix or a range, literally.
    Address(AddressRange),
}
