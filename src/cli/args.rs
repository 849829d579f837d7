//! The arguments of every command, as clap reads them. Declarations only.
//!
//! What `--format` can be differs by command, so each command has its own option; the rest of the common options is global.

mod history;
mod shell;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

pub use history::{Since, SinceAsked};
pub use shell::{Completions, Man};

/// Compiles a policy about which sites may reach which servers into the rule sets of every firewall on the way.
#[derive(Debug, Parser)]
#[command(name = "sekisho", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 nothing to report, 1 a finding, 2 bad input or usage, 3 something could not be \
                        proved, 70 a bug in sekisho.")]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The date the policy is judged at [default: today, UTC]
    #[arg(long, global = true, value_name = "YYYY-MM-DD", value_parser = date)]
    pub at: Option<Date>,
    /// When to colour what people read; NO_COLOR and CLICOLOR_FORCE are heeded
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Say nothing but errors and results: no warnings, notes, summaries or progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say what was read and how long it took, on standard error
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// When output for people has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Formats of commands that print diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Source lines with what is wrong under them
    Text,
    /// One line a diagnostic
    Concise,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code scanning and editors
    Sarif,
    /// JUnit XML: a case an assertion
    Junit,
    /// Annotations of GitHub, and the summary of the step
    Github,
    /// The code quality report of GitLab
    Gitlab,
}

impl ReportFormat {
    /// The name in the registries of `diag::render` and `report::ci`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Concise => "concise",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
        }
    }
}

/// Formats of commands with a result for people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// For people
    Text,
    /// One JSON object
    Json,
}

impl AnswerFormat {
    /// The name in the registry of `diag::render` for what is found on the way.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Formats of commands whose result is a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For people; long lists are cut
    Text,
    /// One JSON object
    Json,
    /// Comma-separated values
    Csv,
    /// A Markdown table
    Md,
}

impl TableFormat {
    /// The name in the registry of `diag::render` for what is found on the way.
    #[must_use]
    pub const fn diagnostics(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text | Self::Csv | Self::Md => "text",
        }
    }
}

/// Formats of drawings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DrawingFormat {
    /// Graphviz
    Dot,
    /// Mermaid flowchart
    Mermaid,
    /// A picture that needs nothing else
    Svg,
}

/// What `graph` draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DrawingKind {
    /// Sites, networks, devices and transits
    Topology,
    /// Who reaches whom, site by site: what really passes, and what violates an assertion
    Access,
    /// Who is reached from --from in 1, 2, 3 hops
    Hops,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented starter project
    Init(Init),
    /// Bring policy files into the one canonical form
    Fmt(Fmt),
    /// Parse, resolve and lint a project
    Check(Check),
    /// Write the rule set of every managed firewall
    Compile(Compile),
    /// Say why a flow passes or drops
    Explain(Explain),
    /// Say who may reach what
    Query(Query),
    /// Say what an intruder reaches, hop by hop
    Blast(Blast),
    /// Say who may reach what, site by site, network by network, or by an attribute
    Matrix(Matrix),
    /// Say what a change opens and closes
    Diff(Diff),
    /// Draw the network or who may reach whom
    Graph(Graph),
    /// Say whether a change may be merged: what it opens must be approved
    Gate(Gate),
    /// Prove that what compile wrote means the policy
    Verify(Verify),
    /// Prove that what devices run means the policy, from a directory of backups
    Drift(Drift),
    /// Find lines of a rule set that do nothing
    Lines(Lines),
    /// Say whether two rule sets mean the same
    Equiv(Equiv),
    /// Say when, over the git history of a policy, flows were permitted, and by whom
    Since(Since),
    /// Explain a diagnostic code with a bad and a good example
    ExplainCode(ExplainCode),
    /// Print what makes a shell complete commands and options
    Completions(Completions),
    /// Write the manual pages
    Man(Man),
}

/// `sekisho init`
#[derive(Debug, Args)]
pub struct Init {
    /// Where the project goes; made if it does not exist
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
}

/// `sekisho fmt`
#[derive(Debug, Args)]
pub struct Fmt {
    /// Write nothing; list what would change and exit 1 if there is any
    #[arg(long)]
    pub check: bool,
    /// Files, directories, or - for standard input to standard output
    #[arg(default_value = ".", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `sekisho check`
#[derive(Debug, Args)]
pub struct Check {
    /// The policy project: a directory, or REV:DIR of the git repository around here
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
    /// Prove the assertions over what devices really run: a directory of backups, as drift takes it
    #[arg(long, value_name = "BACKUPS")]
    pub configs: Option<PathBuf>,
    /// The backups as they stand in this commit of their git repository
    #[arg(long, value_name = "REV", allow_hyphen_values = true, requires = "configs")]
    pub rev: Option<String>,
    /// Nothing is proved by a config that was collected more days before --at than this
    #[arg(long, value_name = "DAYS", value_parser = days, requires = "configs")]
    pub max_age: Option<u32>,
    /// How diagnostics are printed
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// `sekisho compile`
#[derive(Debug, Args)]
pub struct Compile {
    /// The policy project: a directory, or REV:DIR of the git repository around here
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
    /// The directory that is written, all or nothing
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Do not read the rule sets back and prove that they mean the policy; the manifest says so
    #[arg(long)]
    pub no_proof: bool,
    /// Print a summary or the manifest
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    pub format: AnswerFormat,
}

/// `sekisho explain`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("question").required(true).args(["from", "batch"]))]
pub struct Explain {
    /// The policy project: a directory, or REV:DIR of the git repository around here
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
    /// The source address
    #[arg(long, value_name = "ADDR", requires_all = ["to", "on"], conflicts_with = "batch")]
    pub from: Option<IpAddr>,
    /// The destination address
    #[arg(long, value_name = "ADDR", requires = "from", conflicts_with = "batch")]
    pub to: Option<IpAddr>,
    /// The service: tcp/443, udp/53:5353, icmp/8/0, gre, protocol/89, or a name such as https
    #[arg(long, value_name = "SERVICE", requires = "from", conflicts_with = "batch")]
    pub on: Option<String>,
    /// Many flows: a CSV file with src,dst,protocol,sport,dport, or - for standard input; CSV comes out
    #[arg(long, value_name = "FILE")]
    pub batch: Option<PathBuf>,
    /// How the answer is printed; a batch is always CSV
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text, conflicts_with = "batch")]
    pub format: AnswerFormat,
}

/// `sekisho query`
#[derive(Debug, Args)]
pub struct Query {
    /// The policy project: a directory, or REV:DIR of the git repository around here
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
    /// The sources, as in a rule: bangkok/office, "tag:admin, 10.81.0.7", "any except country:JP" [default: any]
    #[arg(long, value_name = "ENDPOINTS")]
    pub from: Option<String>,
    /// The destinations [default: any]
    #[arg(long, value_name = "ENDPOINTS")]
    pub to: Option<String>,
    /// The services: https, "tcp/443, udp", "any except ping" [default: any]
    #[arg(long, value_name = "SERVICES")]
    pub on: Option<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub format: TableFormat,
}

/// `sekisho blast`
#[derive(Debug, Args)]
pub struct Blast {
    /// The policy project: a directory, or REV:DIR of the git repository around here
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
    /// Where the intruder is, as in a rule: bangkok, dc/erp, tag:admin, 10.81.0.7
    #[arg(long, value_name = "ENDPOINTS")]
    pub from: String,
    /// The services that are used [default: any]
    #[arg(long, value_name = "SERVICES")]
    pub on: Option<String>,
    /// How many hops are followed [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub hops: Option<u32>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub format: TableFormat,
}

/// `sekisho matrix`
#[derive(Debug, Args)]
pub struct Matrix {
    /// The policy project: a directory, or REV:DIR of the git repository around here
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
    /// What the rows and columns are: site, network, tag, or the key of an attribute such as tier
    #[arg(long, value_name = "KEY", default_value = "site")]
    pub by: String,
    /// The services that are looked at [default: any]
    #[arg(long, value_name = "SERVICES")]
    pub on: Option<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub format: TableFormat,
}

/// Formats of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For people; long lists are cut
    Text,
    /// One JSON object
    Json,
    /// Markdown for the comment under a change
    Md,
    /// SARIF 2.1.0, for code scanning and editors
    Sarif,
    /// JUnit XML: a case an assertion
    Junit,
    /// Annotations of GitHub, and the summary of the step
    Github,
    /// The code quality report of GitLab
    Gitlab,
}

impl DiffFormat {
    /// The name in the registry of `report::ci`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Md => "md",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
        }
    }

    /// The name in the registry of `diag::render` for what is found on the way.
    #[must_use]
    pub const fn diagnostics(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text | Self::Md | Self::Sarif | Self::Junit | Self::Github | Self::Gitlab => "text",
        }
    }
}

/// Formats of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GateFormat {
    /// For people; long lists are cut
    Text,
    /// One JSON object
    Json,
    /// Markdown for the comment under a change
    Md,
}

impl GateFormat {
    /// The same of a comparison.
    #[must_use]
    pub const fn of_diff(self) -> DiffFormat {
        match self {
            Self::Text => DiffFormat::Text,
            Self::Json => DiffFormat::Json,
            Self::Md => DiffFormat::Md,
        }
    }
}

/// `sekisho diff`
#[derive(Debug, Args)]
#[command(override_usage = "sekisho diff [OPTIONS] OLD NEW\n       sekisho diff [OPTIONS] --base REV [DIR]\n       \
                            sekisho diff [OPTIONS] --between DATE DATE [DIR]")]
pub struct Diff {
    /// The old project: a directory, or REV:DIR of the git repository around here; with --base or --between the one project
    #[arg(value_name = "OLD")]
    pub old: Option<PathBuf>,
    /// The new project, in the same way
    #[arg(value_name = "NEW", conflicts_with_all = ["base", "between"])]
    pub new: Option<PathBuf>,
    /// Compare the project with the commit where its history parted from this revision
    #[arg(long, value_name = "REV", conflicts_with = "between", allow_hyphen_values = true)]
    pub base: Option<String>,
    /// Compare the project at one date with the same project at another
    #[arg(long, num_args = 2, value_names = ["DATE", "DATE"], value_parser = date, conflicts_with = "at")]
    pub between: Option<Vec<Date>>,
    /// Do not write the rule sets of both sides to count the lines that change: most of the time of a large change
    #[arg(long)]
    pub no_files: bool,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub format: DiffFormat,
    /// The most characters that Markdown may have [default: 65536, what GitHub takes]
    #[arg(long, value_name = "N", default_value_t = 65_536, hide_default_value = true, value_parser = characters)]
    pub limit: usize,
}

/// `sekisho gate`
#[derive(Debug, Args)]
pub struct Gate {
    /// The policy project, as it would be merged
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
    /// The branch that it would be merged into: what counts is the commit where the two parted
    #[arg(long, value_name = "REV", allow_hyphen_values = true)]
    pub base: String,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = GateFormat::Text)]
    pub format: GateFormat,
    /// The most characters that Markdown may have [default: 65536, what GitHub takes]
    #[arg(long, value_name = "N", default_value_t = 65_536, hide_default_value = true, value_parser = characters)]
    pub limit: usize,
}

/// `sekisho graph`
#[derive(Debug, Args)]
pub struct Graph {
    /// The policy project: a directory, or REV:DIR of the git repository around here
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
    /// What is drawn
    #[arg(long = "of", alias = "kind", value_enum, default_value_t = DrawingKind::Topology)]
    pub kind: DrawingKind,
    /// Where the hops start, as in the language: a site, a host, a tag, an address
    #[arg(long, value_name = "E", required_if_eq("kind", "hops"))]
    pub from: Option<String>,
    /// The services of the hops [default: any]
    #[arg(long, value_name = "S", requires = "from")]
    pub on: Option<String>,
    /// How many hops are drawn [default: all]
    #[arg(long, value_name = "N", requires = "from", value_parser = clap::value_parser!(u32).range(1..))]
    pub hops: Option<u32>,
    /// How it is drawn
    #[arg(long, value_enum, default_value_t = DrawingFormat::Dot)]
    pub format: DrawingFormat,
}

/// `sekisho verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// The policy project: a directory, or REV:DIR of the git repository around here
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
    /// What compile wrote
    #[arg(long, value_name = "OUT")]
    pub configs: PathBuf,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    pub format: AnswerFormat,
}

/// `sekisho drift`
#[derive(Debug, Args)]
pub struct Drift {
    /// The policy project: a directory, or REV:DIR of the git repository around here
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
    /// The backups: a file or a folder for each device, as Oxidized, RANCID or compile lay them out
    #[arg(long, value_name = "BACKUPS")]
    pub configs: PathBuf,
    /// The backups as they stand in this commit of their git repository
    #[arg(long, value_name = "REV", allow_hyphen_values = true)]
    pub rev: Option<String>,
    /// Nothing is proved by a config that was collected more days before --at than this
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub max_age: Option<u32>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    pub format: AnswerFormat,
}

/// A platform whose rule sets are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReadPlatform {
    /// nft list ruleset, as text or JSON
    Nftables,
    /// iptables-save, ip6tables-save and ipset save
    Iptables,
}

impl ReadPlatform {
    /// The name in the registry of platforms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nftables => "nftables",
            Self::Iptables => "iptables",
        }
    }
}

/// `sekisho lines`
#[derive(Debug, Args)]
pub struct Lines {
    /// The files of one device, a directory with them, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What they are written for [default: what they look like]
    #[arg(long, value_enum, value_name = "PLATFORM")]
    pub platform: Option<ReadPlatform>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    pub format: AnswerFormat,
}

/// `sekisho equiv`
#[derive(Debug, Args)]
pub struct Equiv {
    /// A file, a directory with the files of one device, or - for standard input
    #[arg(value_name = "A")]
    pub first: PathBuf,
    /// Another one, of any platform
    #[arg(value_name = "B")]
    pub second: PathBuf,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    pub format: AnswerFormat,
}

/// `sekisho explain-code`
#[derive(Debug, Args)]
pub struct ExplainCode {
    /// Such as E0203; without it, all codes with their titles
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// `7` or `7d`
fn days(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('d').unwrap_or(text);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let days = if is_number { number.parse().ok() } else { None };
    days.ok_or_else(|| "an age is a number of days, such as 7 or 7d".to_owned())
}

/// A page needs some room for what it always says.
fn characters(text: &str) -> Result<usize, String> {
    let number: Option<usize> = text.parse().ok();
    number.filter(|number| *number >= 2_000).ok_or_else(|| "a limit is a number of characters, 2000 or more".to_owned())
}

fn date(text: &str) -> Result<Date, String> {
    let shape = text.len() == 10 && text.bytes().enumerate().all(|(at, byte)| (byte == b'-') == (at == 4 || at == 7));
    let parsed = if shape { text.parse().ok() } else { None };
    parsed.ok_or_else(|| "a date is written YYYY-MM-DD, such as 2026-11-22".to_owned())
}
