//! Moments to intervals: from which commit or date to which.
//!
//! An interval lasts as long as the same share of the flows is open in the same manner; the rules that do it may change in it, and each has its own beginning and end. What is closed is no
//! interval. Where a version is bad input an interval ends and one of its own begins, because nothing is known there.

use jiff::civil::Date;

use super::judge::{Flows, Moment, RuleAt, State};

/// Where an interval begins, or the first moment after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The version in force: index into the versions.
    pub version: usize,
    /// The date at which it was judged.
    pub date: Date,
    /// Whether time alone did it: the version had been judged otherwise before.
    pub by_time: bool,
}

/// What holds in an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The flows are open.
    Open {
        /// How many of them.
        flows: Flows,
        /// Whether rules let some of them through.
        by_rules: bool,
        /// Whether no firewall stands before some of them.
        unenforced: bool,
    },
    /// It is not known, because the versions are bad input.
    Unproven(String),
    /// The versions know nothing of that name.
    Unknown(String),
}

/// A time in which the same holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// What holds.
    pub kind: Kind,
    /// Where it begins.
    pub since: Point,
    /// The first moment after it; `None` if it lasts.
    pub until: Option<Point>,
    /// The rules that do it, in the order of beginnings and names.
    pub rules: Vec<RuleInterval>,
}

/// A time in which a rule lets some of the flows through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleInterval {
    /// The rule, as it stood at the beginning.
    pub rule: RuleAt,
    /// Where it begins.
    pub since: Point,
    /// The first moment after it, not later than the end of the interval; `None` if it lasts.
    pub until: Option<Point>,
}

/// The intervals of some moments, which are in the order of time.
#[must_use]
pub fn intervals(moments: Vec<Moment>) -> Vec<Interval> {
    let mut done: Vec<Interval> = Vec::new();
    let mut open: Option<Interval> = None;
    let mut before = None;
    for moment in moments {
        let point = Point { version: moment.version, date: moment.date, by_time: before == Some(moment.version) };
        before = Some(moment.version);
        let (kind, rules) = match moment.state {
            State::Closed => (None, Vec::new()),
            State::Open { flows, unenforced, rules } => {
                (Some(Kind::Open { flows, by_rules: !rules.is_empty(), unenforced }), rules)
            }
            State::Unproven(because) => (Some(Kind::Unproven(because)), Vec::new()),
            State::Unknown(because) => (Some(Kind::Unknown(because)), Vec::new()),
        };
        if open.as_ref().map(|interval| &interval.kind) != kind.as_ref() {
            done.extend(open.take().map(|interval| interval.ended(point)));
            open = kind.map(|kind| Interval { kind, since: point, until: None, rules: Vec::new() });
        }
        if let Some(interval) = &mut open {
            interval.go_on(rules, point);
        }
    }
    done.extend(open);
    done.iter_mut().for_each(|interval| {
        interval.rules.sort_by(|a, b| order(a).cmp(&order(b)));
    });
    done
}

fn order(rule: &RuleInterval) -> (usize, Date, &RuleAt) {
    (rule.since.version, rule.since.date, &rule.rule)
}

impl Interval {
    fn ended(mut self, point: Point) -> Self {
        self.until = Some(point);
        for rule in self.rules.iter_mut().filter(|rule| rule.until.is_none()) {
            rule.until = Some(point);
        }
        self
    }

    /// Takes the rules of the next moment: some end, some begin.
    fn go_on(&mut self, rules: Vec<RuleAt>, point: Point) {
        for known in self.rules.iter_mut().filter(|known| known.until.is_none()) {
            if !rules.iter().any(|rule| rule.name == known.rule.name) {
                known.until = Some(point);
            }
        }
        for rule in rules {
            let lasts = |known: &RuleInterval| known.until.is_none() && known.rule.name == rule.name;
            if !self.rules.iter().any(lasts) {
                self.rules.push(RuleInterval { rule, since: point, until: None });
            }
        }
    }
}
