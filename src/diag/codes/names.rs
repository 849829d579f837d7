//! Codes about names and what they select.

use crate::diag::code::{Code, Severity};

/// Two things of one name space have the same name.
pub static NAME_TWICE: Code = Code::error("E0201", "a name stands for two things");
/// An endpoint names something that does not exist.
pub static UNKNOWN_NAME: Code = Code::error("E0203", "an unknown site, network, host, device, group or feed");
/// `tag:NAME` that nothing carries.
pub static UNKNOWN_TAG: Code = Code::error("E0204", "a tag that nothing carries");
/// `KEY:VALUE` that nothing carries.
pub static UNKNOWN_ATTRIBUTE: Code = Code::error("E0205", "an attribute that nothing carries");
/// A literal address of which no part is known.
pub static UNKNOWN_ADDRESS: Code = Code::error("E0206", "an address that the inventory does not know");
/// A transit that is not the internet, as an endpoint.
pub static TRANSIT_ENDPOINT: Code = Code::error("E0207", "a transit without addresses as an endpoint");
/// A device without interface addresses, as an endpoint.
pub static DEVICE_ENDPOINT: Code = Code::error("E0208", "a device without addresses as an endpoint");
/// Groups that contain each other.
pub static GROUP_CIRCLE: Code = Code::error("E0209", "groups that contain each other");
/// A feed whose file cannot be had.
pub static FEED_FILE: Code = Code::error("E0210", "a feed without a readable file");
/// A line of a feed that is no address.
pub static FEED_LINE: Code = Code::error("E0211", "a line of a feed that is no address");
/// Entries of a feed that the inventory does not know.
pub static FEED_UNKNOWN: Code = Code::lint("W0212", Severity::Warning, "a feed with addresses that are not known");
/// An expression or group without any address.
pub static EMPTY_EXPRESSION: Code = Code::lint("W0213", Severity::Warning, "an expression that comes out empty");
/// A service that is neither defined nor well known.
pub static UNKNOWN_SERVICE: Code = Code::error("E0214", "an unknown service");
/// A service defined twice in the project.
pub static SERVICE_TWICE: Code = Code::error("E0215", "a service that is defined twice");
/// Services that contain each other.
pub static SERVICE_CIRCLE: Code = Code::error("E0216", "services that contain each other");
/// A well-known service that the project defines anew.
pub static SERVICE_REDEFINED: Code = Code::lint("W0218", Severity::Note, "a well-known service that is defined anew");
/// A service expression without any service.
pub static EMPTY_SERVICES: Code = Code::lint("W0219", Severity::Warning, "a service expression that comes out empty");
/// A device at a site that does not exist.
pub static DEVICE_SITE: Code = Code::error("E0220", "a device at an unknown site");
/// An interface that is attached to nothing known.
pub static INTERFACE_TARGET: Code = Code::error("E0221", "an interface attached to something unknown");
/// An interface address that lies elsewhere than the interface.
pub static INTERFACE_ADDRESS: Code = Code::error("E0222", "an interface address outside its network");
/// A platform that sekisho does not write.
pub static UNKNOWN_PLATFORM: Code = Code::error("E0223", "an unknown platform");
/// `protect: true` on a device that does not filter.
pub static PROTECT_WITHOUT_PLATFORM: Code = Code::error("E0224", "protection on a device that filters nothing");
/// `protect: true` where the device's own addresses are not all known.
pub static PROTECT_WITHOUT_ADDRESS: Code = Code::error("E0225", "protection on a device with unknown addresses");
/// Networks of two sites that share addresses.
pub static SITES_OVERLAP: Code = Code::error("E0226", "networks of different sites overlap");
/// A network inside another one that does not say so.
pub static SUBNET_UNSAID: Code = Code::error("E0227", "a network within another that does not say `subnet_of`");
/// `subnet_of` names no network of the site.
pub static SUBNET_UNKNOWN: Code = Code::error("E0228", "`subnet_of` an unknown network");
/// `subnet_of` in a circle.
pub static SUBNET_CIRCLE: Code = Code::error("E0229", "networks within each other in a circle");
/// `subnet_of` names a network that does not hold this one.
pub static SUBNET_OUTSIDE: Code = Code::error("E0230", "`subnet_of` a network that does not contain it");
/// Two networks of one site with one prefix.
pub static EQUAL_PREFIXES: Code = Code::error("E0231", "two networks with the same prefix");
/// A host address in no network of its site.
pub static HOST_OUTSIDE: Code = Code::error("E0232", "a host that no network of its site contains");
/// A host range that begins in a network and ends outside it.
pub static HOST_CROSSES: Code = Code::error("E0233", "a range that crosses the border of a network");
/// A host address in another site's network.
pub static HOST_ELSEWHERE: Code = Code::error("E0234", "a host in a network of another site");
/// Two hosts with a common address.
pub static HOSTS_SHARE: Code = Code::lint("W0235", Severity::Warning, "hosts that share addresses");
/// A group that nothing uses.
pub static UNUSED_GROUP: Code = Code::lint("W0236", Severity::Warning, "a group that nothing uses");
/// A service that nothing uses.
pub static UNUSED_SERVICE: Code = Code::lint("W0237", Severity::Warning, "a service that nothing uses");
/// A feed that nothing uses.
pub static UNUSED_FEED: Code = Code::lint("W0238", Severity::Warning, "a feed that nothing uses");

/// All codes of this file.
pub const ALL: &[&Code] = &[
    &NAME_TWICE,
    &UNKNOWN_NAME,
    &UNKNOWN_TAG,
    &UNKNOWN_ATTRIBUTE,
    &UNKNOWN_ADDRESS,
    &TRANSIT_ENDPOINT,
    &DEVICE_ENDPOINT,
    &GROUP_CIRCLE,
    &FEED_FILE,
    &FEED_LINE,
    &FEED_UNKNOWN,
    &EMPTY_EXPRESSION,
    &UNKNOWN_SERVICE,
    &SERVICE_TWICE,
    &SERVICE_CIRCLE,
    &SERVICE_REDEFINED,
    &EMPTY_SERVICES,
    &DEVICE_SITE,
    &INTERFACE_TARGET,
    &INTERFACE_ADDRESS,
    &UNKNOWN_PLATFORM,
    &PROTECT_WITHOUT_PLATFORM,
    &PROTECT_WITHOUT_ADDRESS,
    &SITES_OVERLAP,
    &SUBNET_UNSAID,
    &SUBNET_UNKNOWN,
    &SUBNET_CIRCLE,
    &SUBNET_OUTSIDE,
    &EQUAL_PREFIXES,
    &HOST_OUTSIDE,
    &HOST_CROSSES,
    &HOST_ELSEWHERE,
    &HOSTS_SHARE,
    &UNUSED_GROUP,
    &UNUSED_SERVICE,
    &UNUSED_FEED,
];
