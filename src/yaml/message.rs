//! What the parser found, in the words of someone who edits a file.

use super::parse::ErrorKind;

/// Headline and help for an error of the parser.
pub(super) fn explain(kind: &ErrorKind) -> (String, Option<&'static str>) {
    let (message, help) = match kind {
        ErrorKind::UnclosedFlowCollection { open } => {
            return (format!("`{open}` is never closed"), Some("close it on the line where the list or mapping ends"));
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return (format!("`{open}` is closed by `{close}`"), None);
        }
        ErrorKind::UnexpectedCharacter { character } => {
            return (
                format!("`{}` cannot stand here", character.escape_default()),
                Some("put the text into quotes if the character belongs to it"),
            );
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => ("a tab stands where YAML takes only blanks", Some("indent with blanks")),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidBlockScalarIndent => (
            "the indentation fits nothing above it",
            Some("begin the line in the same column as the lines that it belongs to"),
        ),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "there is one `:` too many here",
            Some("close the bracket or the quote before it, or put the text with the `:` into quotes"),
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => ("a key without `:`", Some("write `key: value`")),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => {
            ("a quote is never closed", Some("close the quote on the line where it opens"))
        }
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape => (
            "YAML knows no such escape",
            Some(r#"write `\\` for a backslash, or use single quotes, where it means itself"#),
        ),
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::UnexpectedEofFlowMapping => {
            ("`,` or `}` is missing here", None)
        }
        ErrorKind::ExpectedFlowSequenceSeparator | ErrorKind::UnexpectedEofFlowSequence => {
            ("`,` or `]` is missing here", None)
        }
        ErrorKind::MisplacedFlowCollectionEnd => ("this bracket was never opened", None),
        ErrorKind::RecursionLimitExceeded => ("lists and mappings are nested too deep", None),
        ErrorKind::BlockSequenceEntryNotAllowed | ErrorKind::BlockEntryInFlowCollection => {
            ("a `-` cannot begin a list here", Some("begin the list on a line of its own, or write `[a, b]`"))
        }
        ErrorKind::CommentNotSeparated => ("a comment needs a blank before `#`", None),
        other => return (format!("this is not YAML: {}", soften(&other.to_string())), None),
    };
    (message.to_owned(), help)
}

/// The parser's own words without its judgement.
fn soften(text: &str) -> String {
    text.replace("invalid", "unexpected").replace("illegal", "unexpected")
}
