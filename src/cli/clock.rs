//! The only place that asks what day it is.
//!
//! Everything behind the command line takes the date as an argument, so that `--at` decides every answer.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

/// Today in UTC.
#[must_use]
pub fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}
