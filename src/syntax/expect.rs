//! From pest's "expected one of these rules at this place" to a sentence that a network engineer understands.
//!
//! The place is pest's; what was expected there is told from the tokens around it, because a slip has a cause that the list of
//! rules does not name: a keyword in the place of a name, a blank inside a word, a `#` that has swallowed a ticket. Each known slip is a
//! function here, tried in order; the last one names what the grammar would have taken.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::grammar::Rule;
use super::keywords;
use super::recover::meant_statement;
use super::scan::{Kind, Scan, Token};
use crate::diag::codes::syntax;
use crate::diag::{Diagnostic, closest};
use crate::source::{FileId, Span};

/// The part of a file that pest reads at once: the tokens `first..end`, whose text begins at `base`.
pub(super) struct Piece<'t> {
    pub(super) file: FileId,
    pub(super) text: &'t str,
    /// The text of the whole file.
    pub(super) whole: &'t str,
    pub(super) base: usize,
    pub(super) scan: &'t Scan,
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) entry: Rule,
}

/// What an operand is, by the keyword before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Endpoint,
    Service,
    Name,
    Place,
    Word,
    Text,
    Date,
}

impl Role {
    fn in_words(self) -> &'static str {
        match self {
            Self::Endpoint => "an endpoint",
            Self::Service => "a service",
            Self::Name => "a name",
            Self::Place => "the name of a device, network or transit",
            Self::Word => "a word",
            Self::Text => "a text in quotes",
            Self::Date => "a date",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Endpoint => "an endpoint is `any`, a name, `site/name`, `key:value` or an address",
            Self::Service => "a service is `any`, a name, `tcp/443`, `icmp/8` or `protocol/47`",
            Self::Name => "a name begins with a letter, digit or `_` and goes on with these, `-` and `.`",
            Self::Place => "name what every path must cross, as in `via fw-tokyo` or `via tokyo/dmz`",
            Self::Word => "write a name, or any text in quotes",
            Self::Text => "write it in quotes, as in `\"why this is so\"`",
            Self::Date => "write year, month and day, as in `2026-06-30`",
        }
    }
}

impl<'t> Piece<'t> {
    fn token(&self, at: usize) -> Option<Token> {
        self.scan.tokens.get(at).copied()
    }

    fn inside(&self, at: usize) -> Option<Token> {
        (self.first..self.end).contains(&at).then(|| self.token(at)).flatten()
    }

    fn text_of(&self, token: Token) -> &'t str {
        let (start, end) = (token.start.wrapping_sub(self.base), token.end.wrapping_sub(self.base));
        self.text.get(start..end).unwrap_or("")
    }

    fn word(&self, at: usize) -> &'t str {
        self.inside(at).filter(|token| token.kind == Kind::Word).map_or("", |token| self.text_of(token))
    }

    fn span(&self, token: Token) -> Span {
        Span::new(self.file, token.start, token.end)
    }

    /// The token that holds or follows a place in the piece.
    fn token_at(&self, place: usize) -> usize {
        let place = place + self.base;
        let tokens = self.scan.tokens.get(self.first..self.end).unwrap_or_default();
        self.first + tokens.partition_point(|token| token.end <= place)
    }

    /// What should stand at `at`, if the token before it wants something.
    fn wanted(&self, at: usize) -> Option<Role> {
        if at == self.first {
            return match self.entry {
                Rule::one_endpoints => Some(Role::Endpoint),
                Rule::one_services => Some(Role::Service),
                _ => None,
            };
        }
        let before = self.inside(at.checked_sub(1)?)?;
        match before.kind {
            Kind::Comma | Kind::Amp | Kind::Equals => Some(self.list_role(at - 1)),
            Kind::Word if keywords::wants_operand(self.text_of(before)) => Some(self.role_after(at - 1)),
            _ => None,
        }
    }

    fn role_after(&self, keyword: usize) -> Role {
        match self.word(keyword) {
            "from" | "to" | "of" => Role::Endpoint,
            "on" => Role::Service,
            "via" => Role::Place,
            "owner" | "ticket" | "by" | "ref" => Role::Word,
            "because" => Role::Text,
            "start" | "until" | "review" => Role::Date,
            "except" => self.list_role(keyword),
            _ => Role::Name,
        }
    }

    /// What the list that `at` is in is made of.
    fn list_role(&self, at: usize) -> Role {
        for at in (self.first + 1..at).rev() {
            let word = self.word(at);
            if word != "except" && keywords::wants_operand(word) {
                return self.role_after(at);
            }
        }
        match (self.word(self.first), self.entry) {
            ("service", _) | (_, Rule::one_services) => Role::Service,
            ("feed", _) => Role::Text,
            _ => Role::Endpoint,
        }
    }
}

/// The first string of a piece that is not closed, as an error.
pub(super) fn unclosed_string(piece: &Piece<'_>) -> Option<Diagnostic> {
    let tokens = piece.scan.tokens.get(piece.first..piece.end)?;
    let token = tokens.iter().find(|token| token.kind == Kind::UnclosedString)?;
    let error = Diagnostic::new(&syntax::UNCLOSED_STRING, piece.span(*token), "a string is not closed");
    Some(error.label("its line ends before a second `\"`").help("add `\"` at its end; a string stands on one line"))
}

/// A token where a statement should begin.
pub(super) fn junk(piece: &Piece<'_>) -> Diagnostic {
    let Some(token) = piece.inside(piece.first) else {
        return Diagnostic::without_place(&syntax::UNKNOWN_STATEMENT, "no statement begins here");
    };
    let (word, span) = (piece.text_of(token), piece.span(token));
    let lower = word.to_lowercase();
    if keywords::is_statement(&lower) {
        return upper_case(word, &lower, span);
    }
    let error =
        Diagnostic::new(&syntax::UNKNOWN_STATEMENT, span, format!("no statement begins with `{}`", shown(word)));
    match meant_statement(word) {
        Some(meant) => error.label("not a keyword").help(format!("did you mean `{meant}`?")),
        None if keywords::is_keyword(word) => error.label("this clause belongs to no statement"),
        None => error.label("a statement should begin here").help(format!("statements begin with {}", STATEMENTS)),
    }
}

const STATEMENTS: &str =
    "`allow`, `deny`, `never`, `only`, `must`, `waive`, `quarantine`, `purpose`, `group`, `service` or `feed`";

fn upper_case(word: &str, lower: &str, span: Span) -> Diagnostic {
    Diagnostic::new(&syntax::UPPER_CASE_KEYWORD, span, format!("`{word}` is not a keyword, `{lower}` is"))
        .label("keywords are written in lower case")
        .help(format!("use `{lower}`"))
}

/// Says what is wrong where pest stopped.
pub(super) fn explain(piece: &Piece<'_>, error: &Error<Rule>) -> Diagnostic {
    let place = match error.location {
        InputLocation::Pos(place) | InputLocation::Span((place, _)) => place,
    };
    let at = piece.token_at(place);
    swallowed_by_comment(piece, at)
        .or_else(|| trailing_comma(piece, at))
        .or_else(|| blank_inside(piece, at))
        .or_else(|| keyword_as_name(piece, at))
        .or_else(|| misspelt_keyword(piece, at))
        .or_else(|| unquoted(piece, at))
        .or_else(|| malformed(piece, at))
        .unwrap_or_else(|| unexpected(piece, at, error))
}

/// `ticket #4711`
fn swallowed_by_comment(piece: &Piece<'_>, at: usize) -> Option<Diagnostic> {
    let role = piece.wanted(at).filter(|role| matches!(role, Role::Word | Role::Text | Role::Name))?;
    let before = piece.inside(at.checked_sub(1)?)?;
    let comments = &piece.scan.comments;
    let comment = comments.get(comments.partition_point(|comment| comment.range.start < before.end))?;
    let next = piece.token(at).map_or(usize::MAX, |token| token.start);
    if comment.own_line || comment.range.start > next {
        return None;
    }
    let word = piece.whole.get(comment.range.clone())?.split_whitespace().next().filter(|word| word.len() > 1);
    let span = Span::new(piece.file, comment.range.start, comment.range.start + word.map_or(1, str::len));
    let message = format!("`{}` has no {}: `#` starts a comment", piece.text_of(before), noun(role));
    let error = Diagnostic::new(&syntax::COMMENT_AS_WORD, span, message).label("a comment up to the end of the line");
    Some(match word {
        Some(word) => error.help(format!("write it in quotes: `{} \"{word}\"`", piece.text_of(before))),
        None => error.help("write the word in quotes"),
    })
}

fn noun(role: Role) -> &'static str {
    role.in_words().trim_start_matches("an ").trim_start_matches("a ")
}

fn trailing_comma(piece: &Piece<'_>, at: usize) -> Option<Diagnostic> {
    let comma = piece.inside(at.checked_sub(1)?).filter(|token| token.kind == Kind::Comma)?;
    let ends = piece.inside(at).is_none() || keywords::is_keyword(piece.word(at)) && piece.word(at) != "any";
    if !ends {
        return None;
    }
    let role = piece.wanted(at)?;
    Some(
        Diagnostic::new(&syntax::TRAILING_COMMA, piece.span(comma), "a list ends in a comma")
            .label(format!("{} should follow", role.in_words()))
            .help("remove the comma, or add what is missing after it"),
    )
}

/// `tokyo / erp`, `tag: x`, `tcp/ 443`, `10.0.0.1 - 10.0.0.9`
fn blank_inside(piece: &Piece<'_>, at: usize) -> Option<Diagnostic> {
    let open_at_end = |at: usize| piece.word(at).ends_with(['/', ':', '-']) || piece.word(at) == "*";
    let open_at_start = |at: usize| piece.word(at).starts_with(['/', ':', '-']);
    let blank_after = |at: usize| {
        let (Some(this), Some(next)) = (piece.inside(at), piece.inside(at + 1)) else { return false };
        let joins = open_at_end(at) || open_at_start(at + 1);
        next.kind == Kind::Word && next.start > this.end && joins
    };
    let mut first = [at.checked_sub(1), Some(at)].into_iter().flatten().find(|&at| blank_after(at))?;
    while first > piece.first && blank_after(first - 1) {
        first -= 1;
    }
    let mut last = first + 1;
    while blank_after(last) {
        last += 1;
    }
    let joined: String = (first..=last).map(|at| piece.word(at)).collect();
    let span = piece.span(piece.inside(first)?).to(piece.span(piece.inside(last)?));
    Some(
        Diagnostic::new(&syntax::BLANK_INSIDE, span, format!("a blank stands inside `{}`", shown(&joined)))
            .label("this is one word")
            .help(format!("use `{}`", shown(&joined))),
    )
}

fn keyword_as_name(piece: &Piece<'_>, at: usize) -> Option<Diagnostic> {
    let role = piece.wanted(at)?;
    let token = piece.inside(at)?;
    let word = piece.word(at);
    if !keywords::is_keyword(word) {
        return None;
    }
    let message = format!("`{word}` is a keyword and cannot stand for {}", role.in_words());
    let error = Diagnostic::new(&syntax::KEYWORD_AS_NAME, piece.span(token), message)
        .label(format!("{} should stand here", role.in_words()));
    Some(match role {
        Role::Word | Role::Text => error.help(format!("write it in quotes: `\"{word}\"`")),
        Role::Date => error.help(role.example()),
        Role::Service | Role::Name => error.help("choose another name: keywords are reserved"),
        Role::Endpoint | Role::Place => {
            error.help(format!("put it before `{word}`; a site of that name must be renamed"))
        }
    })
}

/// A word where a clause or a statement may begin, that is nearly the keyword of one.
fn misspelt_keyword(piece: &Piece<'_>, at: usize) -> Option<Diagnostic> {
    let word = piece.word(at);
    let token = piece.inside(at)?;
    if piece.wanted(at).is_some() || word.is_empty() || word.len() > 16 {
        return None;
    }
    let lower = word.to_lowercase();
    if lower != word && keywords::is_keyword(&lower) {
        return Some(upper_case(word, &lower, piece.span(token)));
    }
    let known = keywords::CLAUSES_WITH_OPERAND.iter().chain(&keywords::ALONE).chain(&keywords::STATEMENTS);
    let meant = closest(&lower, known.copied().filter(|known| known.len() > 2 || *known == lower))?;
    let message = format!("`{word}` is not a keyword");
    (!keywords::is_keyword(word)).then(|| {
        Diagnostic::new(&syntax::UNEXPECTED, piece.span(token), message)
            .label("a clause should begin here")
            .help(format!("did you mean `{meant}`?"))
    })
}

/// `ticket 4711`, `owner a@b`
fn unquoted(piece: &Piece<'_>, at: usize) -> Option<Diagnostic> {
    piece.wanted(at).filter(|role| matches!(role, Role::Word | Role::Text))?;
    let token = piece.inside(at).filter(|token| token.kind == Kind::Word)?;
    let (word, before) = (piece.word(at), at.checked_sub(1).map_or("", |before| piece.word(before)));
    let message = format!("`{}` must stand in quotes", shown(word));
    let error = Diagnostic::new(&syntax::UNQUOTED_WORD, piece.span(token), message).label("is no name");
    let before = if before.is_empty() { String::new() } else { format!("{before} ") };
    Some(error.help(format!("write `{before}\"{}\"`", shown(word))))
}

/// A word that is nothing which may stand here.
fn malformed(piece: &Piece<'_>, at: usize) -> Option<Diagnostic> {
    let role = piece.wanted(at)?;
    let token = piece.inside(at).filter(|token| token.kind == Kind::Word)?;
    let word = piece.word(at);
    let address = role == Role::Endpoint && looks_like_address(word);
    let (code, what) =
        if address { (&syntax::ADDRESS_MALFORMED, "an address") } else { (&syntax::UNEXPECTED, role.in_words()) };
    let message = format!("`{}` is not {what}", shown(word));
    Some(Diagnostic::new(code, piece.span(token), message).help(if address {
        "an address is `10.0.0.1`, `10.0.0.0/24`, `10.0.0.1-10.0.0.9`, or the same in IPv6"
    } else {
        role.example()
    }))
}

fn looks_like_address(word: &str) -> bool {
    let begins_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
    begins_with_digit && word.contains('.') && word.matches('.').count() >= 3 || word.matches(':').count() >= 2
}

fn unexpected(piece: &Piece<'_>, at: usize, error: &Error<Rule>) -> Diagnostic {
    let expected = match piece.wanted(at) {
        Some(role) => role.in_words().to_owned(),
        None => expected_by_grammar(error),
    };
    let before = at.checked_sub(1).and_then(|before| piece.inside(before));
    let after = before.map_or(String::new(), |token| format!(" after `{}`", shown(piece.text_of(token))));
    let Some(token) = piece.inside(at) else {
        let span = before.map_or(Span::new(piece.file, piece.base, piece.base), |token| piece.span(token));
        let error = Diagnostic::new(&syntax::UNEXPECTED, span, format!("{expected} is missing{after}"));
        return error.label("the statement stops here");
    };
    let found = shown(piece.text_of(token));
    Diagnostic::new(
        &syntax::UNEXPECTED,
        piece.span(token),
        format!("`{found}` stands where {expected} is expected{after}"),
    )
}

/// What the grammar would take, in words.
fn expected_by_grammar(error: &Error<Rule>) -> String {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else { return "something else".to_owned() };
    let mut words: Vec<&str> = Vec::new();
    for word in positives.iter().map(|token| in_words(*token)) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.split_last() {
        None => "something else".to_owned(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

fn in_words(token: Rule) -> &'static str {
    match token {
        Rule::name | Rule::place => "a name",
        Rule::string => "a text in quotes",
        Rule::date => "a date",
        Rule::equals => "`=`",
        Rule::comma => "`,`",
        Rule::amp => "`&`",
        Rule::open => "`{`",
        Rule::close => "`}`",
        Rule::kw_for => "`for`",
        Rule::kw_of => "`of`",
        Rule::kw_allow => "`allow`",
        Rule::kw_keep | Rule::keep => "`keep`",
        Rule::kw_except => "`except`",
        Rule::EOI => "the next statement",
        _ => "a clause",
    }
}

/// A word of any length and content, fit for a message.
fn shown(word: &str) -> String {
    let clean = word.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let cut: String = clean.clone().take(60).collect();
    if clean.count() > 60 { format!("{cut}...") } else { cut }
}
