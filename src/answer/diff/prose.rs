//! A diff for people: one screen of text, and Markdown for the comment under a change that goes to people who have never seen the program.
//!
//! Every name comes from files that somebody else may have written: text is made harmless to a terminal, Markdown to a page. What is cut is counted, and the place where all of it stands is named; a row
//! is shown whole or not at all.

use std::fmt::Write as _;

use super::objects::{AssertionChange, ChangeRow, DeviceChange, RuleWords};
use super::rows::{Diff, Shown};
use crate::answer::assertions::flow_text;
use crate::answer::tables::shortened;
use crate::diag::render::one_line;
use crate::packet::AddressSet;
use crate::report::markdown::escape;

/// Rows of each kind that a screen holds.
const SCREEN: usize = 10;

/// Rules that a row spells out.
const RULES: usize = 3;

/// How many characters a forge takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub usize);

/// Characters that are kept free for what is said at the end.
const RESERVE: usize = 600;

/// What is said beside the rows.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The devices whose files change.
    pub devices: &'a [DeviceChange],
    /// Why files could not be compared.
    pub unwritten: &'a [String],
    /// At which dates it holds: `2026-11-21`, or `2026-11-21 and 2026-12-24`.
    pub dates: &'a str,
}

/// What a list of rows is called.
struct Section<'d> {
    text: &'static str,
    title: &'static str,
    rows: &'d [Shown],
    /// Before the rules that permit its rows, and before those that stop them on the other side.
    words: (&'static str, &'static str),
}

const PERMITTED: (&str, &str) = ("permitted by", "stopped until now by");
const FORMER: (&str, &str) = ("was permitted by", "stopped from now on by");

impl Diff {
    fn sections(&self) -> [Section<'_>; 4] {
        [
            Section { text: "opens", title: "Opens", rows: &self.opens, words: PERMITTED },
            Section { text: "closes", title: "Closes", rows: &self.closes, words: FORMER },
            Section {
                text: "takes another way",
                title: "Takes another way",
                rows: &self.path_changed,
                words: PERMITTED,
            },
            Section {
                text: "is logged otherwise",
                title: "Logged otherwise",
                rows: &self.logging_changed,
                words: PERMITTED,
            },
        ]
    }

    /// The verdict on one line.
    #[must_use]
    pub fn headline(&self) -> String {
        let mut parts = Vec::new();
        if self.changes.is_equal() {
            parts.push("no access change: proved equal for all packets".to_owned());
        } else {
            let inward = self.opens.iter().filter(|one| one.row.tiers.direction == Some("inward")).count();
            let inward = if inward > 0 { format!(" ({inward} into higher trust)") } else { String::new() };
            parts.push(format!("opens {}{inward}, closes {}", self.opens.len(), self.closes.len()));
        }
        if !self.path_changed.is_empty() {
            parts.push(format!("{} over other firewalls", self.path_changed.len()));
        }
        if !self.logging_changed.is_empty() {
            parts.push(format!("{} logged otherwise", self.logging_changed.len()));
        }
        parts.extend(verdicts(&self.assertions));
        parts.join("; ")
    }

    /// For people, a screen of it.
    #[must_use]
    pub fn to_text(&self, beside: Beside<'_>) -> String {
        let mut text = format!("{}\n", self.headline());
        for section in self.sections().iter().filter(|section| !section.rows.is_empty()) {
            let _ = writeln!(text, "\n{}", section.text);
            for (shown, further) in section.rows.iter().zip(further(section.rows)).take(SCREEN) {
                text.push_str(&row_text(shown, section.words, further));
            }
            text.push_str(&more(section.rows.len().saturating_sub(SCREEN)));
        }
        if !self.assertions.is_empty() {
            text.push_str("\nassertions\n");
            for one in self.assertions.iter().take(SCREEN) {
                let _ = writeln!(text, "  {}", one_line(&assertion_words(one, str::to_owned)));
            }
            text.push_str(&more(self.assertions.len().saturating_sub(SCREEN)));
        }
        if !beside.devices.is_empty() {
            text.push_str("\ndevices\n");
            for one in beside.devices.iter().take(SCREEN) {
                let lines = format!("{} added, {} removed", counted(one.lines_added, "line"), one.lines_removed);
                let _ = writeln!(text, "  {}: {lines}", one_line(&one.device));
            }
            text.push_str(&more(beside.devices.len().saturating_sub(SCREEN)));
        }
        for why in beside.unwritten {
            let _ = writeln!(text, "\nthe files of devices were not compared: {}", one_line(why));
        }
        text
    }

    /// The rows of what opens that none of some earlier comparisons has, and how many of the last one's are gone.
    fn since<'d>(&'d self, earlier: &[&Self]) -> (Vec<&'d Shown>, usize) {
        let is_in = |diff: &Self, shown: &Shown| {
            diff.opens.iter().any(|one| one.flows == shown.flows && one.row.behind == shown.row.behind)
        };
        let new = self.opens.iter().filter(|shown| !earlier.iter().any(|diff| is_in(diff, shown))).collect();
        let gone = earlier.last().map_or(0, |last| last.opens.iter().filter(|shown| !is_in(self, shown)).count());
        (new, gone)
    }

    /// What a later day adds to what earlier ones open, for people.
    #[must_use]
    pub fn later_text(&self, earlier: &[&Self]) -> String {
        let (new, gone) = self.since(earlier);
        let mut text = String::new();
        for shown in new.iter().take(SCREEN) {
            text.push_str(&row_text(shown, PERMITTED, Further::Told));
        }
        text.push_str(&more(new.len().saturating_sub(SCREEN)));
        text.push_str(&closing(new.len(), gone).map(|words| format!("  {words}\n")).unwrap_or_default());
        text
    }

    /// What a later day adds to what earlier ones open, in Markdown.
    #[must_use]
    pub fn later_markdown(&self, earlier: &[&Self]) -> String {
        let (new, gone) = self.since(earlier);
        let mut text: String =
            new.iter().take(SCREEN).map(|shown| row_markdown(shown, PERMITTED, Further::Told)).collect();
        if new.len() > SCREEN {
            let _ = writeln!(text, "- and {} more", new.len() - SCREEN);
        }
        text.push_str(&closing(new.len(), gone).map(|words| format!("- {words}\n")).unwrap_or_default());
        text
    }

    /// Markdown for the comment under a change, of at most so many characters.
    #[must_use]
    pub fn to_markdown(&self, beside: Beside<'_>, limit: Limit) -> String {
        let mut page = Page { text: format!("{}\n", self.opening()), limit: limit.0, left_out: Vec::new() };
        for section in self.sections() {
            let items: Vec<String> = {
                let rows = section.rows.iter().zip(further(section.rows));
                rows.map(|(shown, further)| row_markdown(shown, section.words, further)).collect()
            };
            page.section(section.title, &items, &section.title.to_lowercase());
        }
        let items: Vec<String> =
            self.assertions.iter().map(|one| format!("- {}\n", assertion_words(one, bold))).collect();
        page.section("Assertions", &items, "assertions");
        let device = |one: &DeviceChange| {
            format!(
                "- {}: {} added, {} removed\n",
                bold(&one.device),
                counted(one.lines_added, "line"),
                one.lines_removed
            )
        };
        let items: Vec<String> = beside.devices.iter().map(device).collect();
        page.section("Rule sets that change", &items, "devices");
        let why: Vec<String> = beside.unwritten.iter().map(|why| format!("- {}\n", escape(why))).collect();
        page.section("Rule sets that could not be compared", &why, "reasons");
        page.finish(&self.foot(beside.dates))
    }

    /// What a reader must know first.
    fn opening(&self) -> String {
        let mut text = if self.changes.is_equal() {
            "**This change opens nothing and closes nothing.** Whoever could reach something before still can, and nobody else; \
             this is proved for all packets."
                .to_owned()
        } else {
            let kinds = |number| counted(number, "kind") + " of traffic";
            match (self.opens.len(), self.closes.len()) {
                (0, closes) => format!("**This change opens nothing.** {} that passed will be blocked.", kinds(closes)),
                (opens, 0) => {
                    format!(
                        "**This change opens access**: {} that did not pass will, and nothing is closed.",
                        kinds(opens)
                    )
                }
                (opens, closes) => format!(
                    "**This change opens access**: {} that did not pass will, and {} will pass no more.",
                    kinds(opens),
                    kinds(closes)
                ),
            }
        };
        let inward = self.opens.iter().filter(|one| one.row.tiers.direction == Some("inward")).count();
        if inward > 0 {
            let what = match (inward, self.opens.len()) {
                (1, 1) => "It leads".to_owned(),
                (1, _) => "One of them leads".to_owned(),
                (2, 2) => "Both lead".to_owned(),
                (some, all) if some == all => "All of them lead".to_owned(),
                (some, _) => format!("{some} of them lead"),
            };
            let _ = write!(text, " {what} from a less trusted place into a more trusted one.");
        }
        for verdict in verdicts(&self.assertions) {
            let _ = write!(text, " **{}.**", first_upper(&verdict));
        }
        text
    }

    fn foot(&self, dates: &str) -> String {
        let mut text =
            format!("\nChecked by sekisho for every IPv4 and IPv6 packet, with the rules in force on {dates}.");
        if !self.changes.opens.is_empty() {
            let _ = write!(text, " Digest of what opens: `{}`.", self.digest);
        }
        text.push('\n');
        text
    }
}

/// A page that does not outgrow its limit.
struct Page {
    text: String,
    limit: usize,
    /// How much of what was left out.
    left_out: Vec<String>,
}

impl Page {
    fn has_room(&self, more: usize) -> bool {
        self.text.chars().count() + more + RESERVE <= self.limit
    }

    fn section(&mut self, title: &str, items: &[String], what: &str) {
        let heading = format!("\n#### {title}\n\n");
        let mut shown = 0;
        for item in items {
            let start = if shown == 0 { heading.as_str() } else { "" };
            if !self.has_room(start.chars().count() + item.chars().count()) {
                break;
            }
            self.text.push_str(start);
            self.text.push_str(item);
            shown += 1;
        }
        if shown < items.len() {
            self.left_out.push(format!("{} of {} under \"{what}\"", items.len() - shown, items.len()));
        }
    }

    fn finish(mut self, foot: &str) -> String {
        if !self.left_out.is_empty() {
            let _ = write!(
                self.text,
                "\n**Left out, because a comment cannot be longer: {}.** `sekisho diff --format json` has all of it.\n",
                self.left_out.join(", ")
            );
        }
        self.text.push_str(foot);
        self.text
    }
}

/// `1 assertion that held is violated`, and so on.
fn verdicts(changes: &[AssertionChange]) -> Vec<String> {
    let count = |wanted: fn(&AssertionChange) -> bool| changes.iter().filter(|one| wanted(one)).count();
    let broken = count(|one| one.after == Some("violated"));
    let mended = count(|one| one.before == Some("violated") && one.after == Some("proved"));
    let unproven = count(|one| one.after == Some("unproven"));
    let gone = count(|one| one.after.is_none());
    let told = [
        (broken, "comes to be violated", "come to be violated"),
        (unproven, "can no longer be proved", "can no longer be proved"),
        (mended, "is no longer violated", "are no longer violated"),
        (gone, "is taken away", "are taken away"),
    ];
    let told = told.into_iter().filter(|(number, _, _)| *number > 0);
    told.map(|(number, one, many)| format!("{} {}", counted(number, "assertion"), if number == 1 { one } else { many }))
        .collect()
}

fn assertion_words(one: &AssertionChange, name: fn(&str) -> String) -> String {
    let title = one.title.as_ref().map(|title| format!(" \"{}\"", name_free(title, name))).unwrap_or_default();
    let verdict = match (one.before, one.after) {
        (Some(before), Some(after)) => format!("{}, and now {}", was(before), is(after)),
        (None, Some(after)) => format!("is new, and {}", is(after)),
        (Some(before), None) => format!("is taken away; it {}", was(before)),
        (None, None) => String::new(),
    };
    let advisory = if one.advisory { " (advisory)" } else { "" };
    let hops: Vec<String> = one
        .hops
        .iter()
        .take(4)
        .map(|hop| {
            let (from, to) = (name_free(&brief(&hop.from), name), name_free(&brief(&hop.to), name));
            let by = if hop.rules.is_empty() {
                String::new()
            } else {
                format!(", by {}", name_free(&shortened(&hop.rules), name))
            };
            format!("{from} to {to} on {}{by}", name_free(&shortened(&hop.services), name))
        })
        .collect();
    let hops = if hops.is_empty() { String::new() } else { format!(": {}", hops.join("; then ")) };
    format!("{}{title}{advisory} {verdict}{hops}", name(&one.name))
}

fn was(outcome: &str) -> &'static str {
    match outcome {
        "proved" => "held",
        "violated" => "was violated",
        "unproven" => "could not be proved",
        _ => "was not in force",
    }
}

fn is(outcome: &str) -> &'static str {
    match outcome {
        "proved" => "holds",
        "violated" => "is violated",
        "unproven" => "cannot be proved",
        _ => "is not in force",
    }
}

/// Text in the way of a renderer, without its emphasis.
fn name_free(text: &str, name: fn(&str) -> String) -> String {
    let marked = name("x");
    if marked == "x" { text.to_owned() } else { escape(text) }
}

fn bold(text: &str) -> String {
    format!("**{}**", escape(text))
}

/// Whether a row tells what is reached in further hops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Further {
    Told,
    /// Rows before it have told it.
    Known,
}

/// Rows that open the same to others lead on to the same, which is told once.
fn further(rows: &[Shown]) -> Vec<Further> {
    let mut told = AddressSet::empty();
    let mut each = |shown: &Shown| {
        let further = if shown.further.is_subset(&told) { Further::Known } else { Further::Told };
        told = told.union(&shown.further).union(&shown.to);
        further
    };
    rows.iter().map(&mut each).collect()
}

/// What a later day takes back of what an earlier one opened.
fn closing(new: usize, gone: usize) -> Option<String> {
    match (new, gone) {
        (0, 0) => Some("nothing more is opened".to_owned()),
        (_, 0) => None,
        (_, gone) => Some(format!("{} of those above {} again", gone, if gone == 1 { "closes" } else { "close" })),
    }
}

fn row_text(shown: &Shown, words: (&str, &str), further: Further) -> String {
    let row = &shown.row;
    let services = shortened(&shown.services);
    let mut text = format!("  {} -> {} on {services}", short(&row.row.from), short(&row.row.to));
    if row.verdict == "unenforced" {
        text.push_str(", with no firewall between");
    }
    let mut lines = vec![text];
    lines.push(format!("    {}", extent(row)));
    if !row.behind.is_empty() {
        lines.push(format!("    {} {}", deed(row, words.0), rules(&row.behind)));
    }
    if !row.stopped_by.is_empty() {
        lines.push(format!("    {} {}", words.1, rules(&row.stopped_by)));
    }
    if let Some(through) = &row.through {
        lines.push(format!("    before through {}, after through {}", way(&through.before), way(&through.after)));
    }
    if let Some(logged) = row.logged {
        lines.push(format!("    {}", if logged.after { "logged from now on" } else { "no longer logged" }));
    }
    lines.push(format!("    such as {}", flow_text(&row.row.witness)));
    for then in row.then.iter().flatten().filter(|_| further == Further::Told) {
        lines.push(format!("    in {} hops also {}", then.hop, short(&then.to)));
    }
    lines.iter().map(|line| format!("{}\n", one_line(line))).collect()
}

fn row_markdown(shown: &Shown, words: (&str, &str), further: Further) -> String {
    let row = &shown.row;
    let services = shortened(&shown.services);
    let (from, to) = (bold(&short(&row.row.from)), bold(&short(&row.row.to)));
    let mut text = format!("- {from} to {to} on {}", bold(&services));
    if row.verdict == "unenforced" {
        text.push_str(", with no firewall between");
    }
    let _ = write!(text, ": {}.", escape(&extent(row)));
    if !row.behind.is_empty() {
        let _ = write!(text, " {} {}.", first_upper(deed(row, words.0)), escape(&rules(&row.behind)));
    }
    if !row.stopped_by.is_empty() {
        let _ = write!(text, " {} {}.", first_upper(words.1), escape(&rules(&row.stopped_by)));
    }
    if let Some(through) = &row.through {
        let (before, after) = (escape(&way(&through.before)), escape(&way(&through.after)));
        let _ = write!(text, " Before it went through {before}, now through {after}.");
    }
    if let Some(logged) = row.logged {
        text.push_str(if logged.after { " It is logged from now on." } else { " It is no longer logged." });
    }
    let _ = write!(text, " For example {}.", escape(&flow_text(&row.row.witness).replace(" -> ", " to ")));
    for then in row.then.iter().flatten().filter(|_| further == Further::Told) {
        let _ = write!(text, " From there, in {} hops, also {}.", then.hop, escape(&short(&then.to)));
    }
    text.push('\n');
    text
}

fn deed<'w>(row: &ChangeRow, permitted: &'w str) -> &'w str {
    if row.verdict == "drop" { "stopped by" } else { permitted }
}

/// `2,048 addresses to 1, from tier 2 into tier 0`
fn extent(row: &ChangeRow) -> String {
    let size = &row.size;
    let mut text = format!("{} address{} to {}", size.from, if size.from == "1" { "" } else { "es" }, size.to);
    let tier = |tiers: &[String]| match tiers {
        [] => "outside".to_owned(),
        [one] => format!("tier {one}"),
        many => format!("tiers {}", shortened(many)),
    };
    if let Some(direction) = row.tiers.direction {
        let trust = match direction {
            "inward" => " (more trusted)",
            "outward" => " (less trusted)",
            _ => "",
        };
        let (from, to) = (tier(&row.tiers.from), tier(&row.tiers.to));
        let _ =
            if from == to { write!(text, ", within {from}") } else { write!(text, ", from {from} into {to}{trust}") };
    }
    text
}

fn rules(all: &[RuleWords]) -> String {
    let mut told: Vec<String> = all.iter().take(RULES).map(rule).collect();
    if all.len() > RULES {
        told.push(format!("{} more", all.len() - RULES));
    }
    told.join("; ")
}

/// `TH-PLM (new) "Drawings for Thailand", purpose files, owner team-files, ticket CHG-1, until 2027-01-31`
fn rule(one: &RuleWords) -> String {
    let mut text = one.name.clone();
    if one.effect == "quarantine" {
        text = format!("quarantine {text}");
    }
    let change = match one.change {
        "same" => None,
        "same-words" => Some("its names stand for other addresses now"),
        "starts" => Some("comes into force"),
        "lapses" => Some("ceases to be in force"),
        other => Some(other),
    };
    if let Some(change) = change {
        let _ = write!(text, " ({change})");
    }
    if let Some(title) = &one.title {
        let _ = write!(text, " \"{title}\"");
    }
    let words = [
        ("purpose", &one.purpose),
        ("owner", &one.owner),
        ("ticket", &one.ticket),
        ("from", &one.start),
        ("until", &one.until),
    ];
    for (word, value) in words {
        if let Some(value) = value {
            let _ = write!(text, ", {word} {value}");
        }
    }
    text
}

fn way(devices: &[String]) -> String {
    if devices.is_empty() { "no firewall".to_owned() } else { shortened(devices) }
}

fn short(names: &str) -> String {
    shortened(&names.split(", ").map(str::to_owned).collect::<Vec<_>>())
}

/// A list that is long cut to two names, and how many more there are.
fn brief(names: &str) -> String {
    if names.chars().count() <= 80 {
        return names.to_owned();
    }
    let names: Vec<&str> = names.split(" except ").next().unwrap_or_default().split(", ").collect();
    match names.as_slice() {
        [one, two, rest @ ..] if !rest.is_empty() => format!("{one}, {two} and {} more", rest.len()),
        all => all.join(", "),
    }
}

fn more(left: usize) -> String {
    if left == 0 { String::new() } else { format!("  ... and {left} more: `--format json` has all of them\n") }
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
