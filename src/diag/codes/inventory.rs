//! Codes about inventory and settings.

use crate::diag::code::{Code, Severity};

/// The text is no YAML.
pub static YAML_SYNTAX: Code = Code::error("E0301", "the file is not YAML");
/// One mapping, one key, two values.
pub static DUPLICATE_KEY: Code = Code::error("E0302", "a key stands twice in one mapping");
/// A key that is close to a known one.
pub static MISSPELT_KEY: Code = Code::error("E0303", "a key looks like a misspelt one");
/// A key where only known ones are taken.
pub static UNKNOWN_KEY: Code = Code::error("E0304", "a key is not known here");
/// A list, mapping or single value in the place of another.
pub static WRONG_KIND: Code = Code::error("E0305", "a value is of the wrong kind");
/// `key:` with nothing behind it.
pub static NULL_VALUE: Code = Code::error("E0306", "a key has no value");
/// Text that is no address.
pub static MALFORMED_ADDRESS: Code = Code::error("E0307", "an address cannot be read");
/// `10.0.0.5/24`
pub static HOST_BITS: Code = Code::error("E0308", "a prefix has host bits set");
/// `10.0.0.9-10.0.0.1`
pub static REVERSED_RANGE: Code = Code::error("E0309", "a range ends before it begins");
/// `10.0.0.1-2001:db8::1`
pub static MIXED_RANGE: Code = Code::error("E0310", "a range begins and ends in different address families");
/// A network with an address or range in the place of a prefix.
pub static NOT_A_PREFIX: Code = Code::error("E0311", "the address of a network is not a prefix");
/// Text that is no NAME.
pub static BAD_NAME: Code = Code::error("E0312", "a name cannot be written in a policy");
/// A site, transit or device called `log`.
pub static KEYWORD_NAME: Code = Code::error("E0313", "a name is a keyword of the policy language");
/// Sites, transits and devices share their names.
pub static NAME_TAKEN: Code = Code::error("E0314", "two sites, transits or devices have one name");
/// Networks and hosts of a site share their names.
pub static NAME_TAKEN_IN_SITE: Code = Code::error("E0315", "two networks or hosts of a site have one name");
/// An interface without `network`.
pub static NOT_ATTACHED: Code = Code::error("E0316", "an interface is attached to nothing");
/// `yes`, `"true"`, `1`
pub static NOT_BOOLEAN: Code = Code::error("E0317", "a switch is neither true nor false");
/// A network or host without address.
pub static NO_ADDRESS: Code = Code::error("E0318", "a network or host has no address");
/// A tag that is no NAME.
pub static BAD_TAG: Code = Code::error("E0319", "a tag cannot be written in a policy");
/// `<<: *base`
pub static MERGE_KEY: Code = Code::error("E0320", "a merge key is used");
/// `!tag value`
pub static YAML_TAG: Code = Code::error("E0321", "a YAML tag is used");
/// `*name` without `&name`.
pub static ALIAS_UNKNOWN: Code = Code::error("E0322", "an alias has no anchor");
/// Aliases inside themselves, or that stand for too much.
pub static ALIAS_LIMIT: Code = Code::error("E0323", "aliases stand for too much");
/// An interface with a prefix or range as its own address.
pub static NOT_ONE_ADDRESS: Code = Code::error("E0324", "the address of an interface is not one address");
/// `[a, b]: c`
pub static KEY_NOT_TEXT: Code = Code::error("E0325", "a key is not text");
/// `lints: { W9999: warn }`
pub static UNKNOWN_LINT: Code = Code::error("E0326", "a setting is about a code that does not exist");
/// `lints: { E0301: allow }`
pub static NOT_A_LINT: Code = Code::error("E0327", "a setting is about an error, which has no level");
/// `lints: { W0301: fatal }`
pub static UNKNOWN_LEVEL: Code = Code::error("E0328", "a level is not known");

/// A device that joins nothing.
pub static NO_INTERFACES: Code = Code::lint("W0301", Severity::Warning, "a device has no interfaces");

/// All codes of this file.
pub const ALL: &[&Code] = &[
    &YAML_SYNTAX,
    &DUPLICATE_KEY,
    &MISSPELT_KEY,
    &UNKNOWN_KEY,
    &WRONG_KIND,
    &NULL_VALUE,
    &MALFORMED_ADDRESS,
    &HOST_BITS,
    &REVERSED_RANGE,
    &MIXED_RANGE,
    &NOT_A_PREFIX,
    &BAD_NAME,
    &KEYWORD_NAME,
    &NAME_TAKEN,
    &NAME_TAKEN_IN_SITE,
    &NOT_ATTACHED,
    &NOT_BOOLEAN,
    &NO_ADDRESS,
    &BAD_TAG,
    &MERGE_KEY,
    &YAML_TAG,
    &ALIAS_UNKNOWN,
    &ALIAS_LIMIT,
    &NOT_ONE_ADDRESS,
    &KEY_NOT_TEXT,
    &UNKNOWN_LINT,
    &NOT_A_LINT,
    &UNKNOWN_LEVEL,
    &NO_INTERFACES,
];
