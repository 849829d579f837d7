//! The answer as people read it.

use std::fmt::Write as _;

use super::{Flows, Interval, Judged, Kind, Point, RuleInterval, Since};
use crate::diag::render::one_line;
use crate::source::Version;

/// Digits of a commit's name that people compare.
const SHORT: usize = 12;

impl Since {
    /// A headline, then one paragraph an interval.
    #[must_use]
    pub fn to_text(&self) -> String {
        let [from, to, on] = &self.question;
        let mut text = format!("{} -> {} on {}", one_line(from), one_line(to), one_line(on));
        let at = match self.judged {
            Judged::At(at) => format!(", judged at {at}"),
            Judged::Then(_) => String::new(),
        };
        let (commits, changes) = (counted(self.commits, "commit"), self.versions.len().saturating_sub(1));
        let _ = writeln!(text, ": {} in {commits}, {changes} of which changed the project{at}", self.sum());
        for interval in &self.intervals {
            self.paragraph(&mut text, interval);
        }
        if self.is_cut_off {
            text.push_str("\n= note: older commits are not in this clone; `git fetch --unshallow` gets them\n");
        }
        text
    }

    fn sum(&self) -> String {
        let open = self.intervals.iter().filter(|interval| matches!(interval.kind, Kind::Open { .. })).count();
        let unproven = self.intervals.iter().filter(|interval| matches!(interval.kind, Kind::Unproven(_))).count();
        let open = match open {
            0 => "never permitted".to_owned(),
            1 => "permitted once".to_owned(),
            2 => "permitted twice".to_owned(),
            more => format!("permitted {more} times"),
        };
        if unproven == 0 { open } else { format!("{open}, unproven {}", counted(unproven, "time")) }
    }

    fn paragraph(&self, text: &mut String, interval: &Interval) {
        let what = match &interval.kind {
            Kind::Open { flows, by_rules, unenforced } => opened(*flows, *by_rules, *unenforced),
            Kind::Unproven(because) => format!("unproven, because {}", one_line(because)),
            Kind::Unknown(because) => format!("not known then: {}", one_line(because)),
        };
        let until = interval.until.map_or_else(
            || match self.judged {
                Judged::Then(today) => format!("to this day, {today}"),
                Judged::At(_) => "to the last commit".to_owned(),
            },
            |point| format!("until {}", self.day(point)),
        );
        let _ = writeln!(text, "\n{what}\n  from {} {until}", self.day(interval.since));
        let _ = writeln!(text, "    begins {}", self.told(interval.since));
        if let Some(point) = interval.until {
            let _ = writeln!(text, "    ends   {}", self.told(point));
        }
        for rule in &interval.rules {
            let _ = writeln!(text, "    by {}", self.rule(rule, interval));
        }
    }

    /// Dates of commits in words of history, not the one at which all are judged.
    fn day(&self, point: Point) -> String {
        match (self.judged, self.versions.get(point.version)) {
            (Judged::At(_), Some(version)) => version.committed.to_string(),
            _ => point.date.to_string(),
        }
    }

    fn told(&self, point: Point) -> String {
        let commit = self.versions.get(point.version).map_or_else(String::new, commit);
        if point.by_time {
            format!("by time alone on {}, under {commit}", point.date)
        } else {
            format!("with {commit}")
        }
    }

    fn rule(&self, rule: &RuleInterval, interval: &Interval) -> String {
        let mut text = format!("{} ({}:{})", one_line(&rule.rule.name), one_line(&rule.rule.file), rule.rule.line);
        if rule.since != interval.since {
            let _ = write!(text, " from {}, {}", self.day(rule.since), self.told(rule.since));
        }
        if rule.until != interval.until {
            let until = rule
                .until
                .map_or_else(String::new, |point| format!(", until {}, {}", self.day(point), self.told(point)));
            text.push_str(&until);
        }
        text
    }
}

fn opened(flows: Flows, by_rules: bool, unenforced: bool) -> String {
    let share = match flows {
        Flows::All => "all of it",
        Flows::Some => "some of it",
    };
    match (by_rules, unenforced) {
        (true, false) => format!("permitted, {share}"),
        (true, true) => format!("permitted or between ends that no firewall stands between, {share}"),
        (false, _) => format!("unenforced, {share}: no firewall stands between the ends"),
    }
}

fn commit(version: &Version) -> String {
    let name = version.commit.name();
    let name = name.get(..SHORT).unwrap_or(name);
    format!("{name} by {}, {}: {}", one_line(&version.author), version.authored, one_line(&version.subject))
}

fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
