//! Codes of the syntax of `.policy` files.

use crate::diag::code::Code;

/// All codes of this file.
pub const ALL: &[&Code] = &[
    &UNEXPECTED,
    &UNCLOSED_STRING,
    &STRING_CONTENT,
    &UNKNOWN_STATEMENT,
    &UPPER_CASE_KEYWORD,
    &KEYWORD_AS_NAME,
    &COMMENT_AS_WORD,
    &TRAILING_COMMA,
    &BLANK_INSIDE,
    &CLAUSE_TWICE,
    &CLAUSE_NOT_TAKEN,
    &CLAUSE_MISSING,
    &ADDRESS_MALFORMED,
    &HOST_BITS,
    &ADDRESS_RANGE_REVERSED,
    &TWO_FAMILIES,
    &PORT_TOO_LARGE,
    &PORT_RANGE_REVERSED,
    &ICMP_TOO_LARGE,
    &PROTOCOL_TOO_LARGE,
    &NO_SUCH_DATE,
    &UNCLOSED_PURPOSE,
    &NOT_IN_PURPOSE,
    &NO_PORTS,
    &FILE_TOO_LARGE,
    &UNQUOTED_WORD,
];

/// Something stands where something else is expected.
pub static UNEXPECTED: Code = Code::error("E0101", "something else is expected here");
/// A string without its closing quote.
pub static UNCLOSED_STRING: Code = Code::error("E0102", "a string is not closed on its line");
/// An escape that strings do not have, or a control character.
pub static STRING_CONTENT: Code = Code::error("E0103", "a string holds an unknown escape or a control character");
/// A word where a statement should begin.
pub static UNKNOWN_STATEMENT: Code = Code::error("E0104", "no statement begins with this word");
/// A keyword with capital letters.
pub static UPPER_CASE_KEYWORD: Code = Code::error("E0105", "keywords are written in lower case");
/// A keyword where a name or a word should stand.
pub static KEYWORD_AS_NAME: Code = Code::error("E0106", "a keyword stands where a name is expected");
/// `ticket #4711`: the word has become a comment.
pub static COMMENT_AS_WORD: Code = Code::error("E0107", "a `#` has turned a word into a comment");
/// A comma with nothing after it.
pub static TRAILING_COMMA: Code = Code::error("E0108", "a list ends in a comma");
/// Blanks inside `a/b`, `key:value`, `tcp/443`, a range.
pub static BLANK_INSIDE: Code = Code::error("E0109", "a blank stands inside one word");
/// A clause given twice.
pub static CLAUSE_TWICE: Code = Code::error("E0110", "a clause is given twice");
/// A clause that the statement does not take.
pub static CLAUSE_NOT_TAKEN: Code = Code::error("E0111", "this statement does not take this clause");
/// A clause that the statement needs.
pub static CLAUSE_MISSING: Code = Code::error("E0112", "a clause is missing");
/// An address that is none.
pub static ADDRESS_MALFORMED: Code = Code::error("E0113", "an address is malformed");
/// A prefix that is also a host address.
pub static HOST_BITS: Code = Code::error("E0114", "a prefix has bits set beyond its length");
/// An address range whose end is below its beginning.
pub static ADDRESS_RANGE_REVERSED: Code = Code::error("E0115", "an address range runs backwards");
/// An address range from IPv4 to IPv6 or back.
pub static TWO_FAMILIES: Code = Code::error("E0116", "an address range mixes IPv4 and IPv6");
/// A port beyond 65535.
pub static PORT_TOO_LARGE: Code = Code::error("E0117", "a port is beyond 65535");
/// A port range whose end is below its beginning.
pub static PORT_RANGE_REVERSED: Code = Code::error("E0118", "a port range runs backwards");
/// An ICMP type or code beyond 255.
pub static ICMP_TOO_LARGE: Code = Code::error("E0119", "an ICMP type or code is beyond 255");
/// A protocol number beyond 255.
pub static PROTOCOL_TOO_LARGE: Code = Code::error("E0120", "a protocol number is beyond 255");
/// A date that no calendar has.
pub static NO_SUCH_DATE: Code = Code::error("E0121", "a date does not exist");
/// A purpose without its `}`.
pub static UNCLOSED_PURPOSE: Code = Code::error("E0122", "a purpose is not closed");
/// A statement that stands only at the top level.
pub static NOT_IN_PURPOSE: Code = Code::error("E0123", "this statement does not stand inside a purpose");
/// Ports, types or codes on a protocol that has none.
pub static NO_PORTS: Code = Code::error("E0124", "a protocol has no ports");
/// A file beyond the limit.
pub static FILE_TOO_LARGE: Code = Code::error("E0125", "a policy file is too large");
/// A word that is no name, without quotes.
pub static UNQUOTED_WORD: Code = Code::error("E0126", "a word that is no name must stand in quotes");
