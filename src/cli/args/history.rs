//! `sekisho since`

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::AnswerFormat;

/// `sekisho since`
#[derive(Debug, Args)]
#[command(
    after_help = "In words: `sekisho since FROM TO [on SERVICES] [DIR]` asks what `--from FROM --to TO --on SERVICES` asks.\n\n\
    Each commit is judged at its own date, and at each later one on which a rule starts or lapses, until the next commit; \
    with --at, all commits are judged at that one date. Of merges, first parents are followed."
)]
pub struct Since {
    /// The policy project: a directory, or REV:DIR of the git repository around here; or the question in words
    #[arg(value_name = "DIR | FROM TO [on SERVICES] [DIR]", num_args = 0..=5)]
    pub words: Vec<OsString>,
    /// The sources, as in a rule: bangkok/office, "tag:admin, 10.81.0.7"
    #[arg(long, value_name = "ENDPOINTS", requires = "to")]
    pub from: Option<String>,
    /// The destinations
    #[arg(long, value_name = "ENDPOINTS", requires = "from")]
    pub to: Option<String>,
    /// The services: https, "tcp/443, udp" [default: any]
    #[arg(long, value_name = "SERVICES", requires = "from")]
    pub on: Option<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    pub format: AnswerFormat,
}

/// What was asked, and of which project.
#[derive(Debug, PartialEq, Eq)]
pub struct SinceAsked {
    /// The project.
    pub directory: PathBuf,
    /// Sources, destinations, services.
    pub question: [String; 3],
}

impl Since {
    /// The question, in options or in words.
    ///
    /// # Errors
    /// It is neither; what to type instead.
    pub fn asked(&self) -> Result<SinceAsked, String> {
        const HOW: &str =
            "ask `sekisho since [DIR] --from FROM --to TO --on SERVICES`, or `sekisho since FROM TO on SERVICES [DIR]`";
        let any = || "any".to_owned();
        let (question, directory) = match (&self.from, &self.to, self.words.as_slice()) {
            (Some(from), Some(to), [] | [_]) => {
                ([from.clone(), to.clone(), self.on.clone().unwrap_or_else(any)], self.words.first())
            }
            (None, None, [from, to]) => ([word(from)?, word(to)?, any()], None),
            (None, None, [from, to, on, services, rest @ ..]) if on == "on" && rest.len() < 2 => {
                ([word(from)?, word(to)?, word(services)?], rest.first())
            }
            (None, None, [from, to, directory]) if directory != "on" => {
                ([word(from)?, word(to)?, any()], Some(directory))
            }
            _ => return Err(HOW.to_owned()),
        };
        let directory = directory.map_or_else(|| PathBuf::from("."), PathBuf::from);
        Ok(SinceAsked { directory, question })
    }
}

fn word(word: &OsString) -> Result<String, String> {
    word.to_str().map(str::to_owned).ok_or_else(|| format!("`{}` is no UTF-8 text", word.to_string_lossy()))
}
