//! A cron pattern read a second time, without the parser that the calendar uses.
//!
//! Invariant: nothing of the calendar is used here, so that what both make of a pattern has two
//! reasons to be right.

use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, Timelike as _, Weekday};

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Which values a field lets through.
#[derive(Clone, Debug, Default)]
struct Field {
    /// One bit for each value.
    bits: u64,
    /// Whether it holds a wildcard or a step.
    is_open: bool,
}

/// A day that depends on the month.
#[derive(Clone, Copy, Debug)]
enum Day {
    Last,
    LastWorkday,
    Workday(u32),
    NthWeekday(u32, u32),
    LastWeekday(u32),
}

/// A cron pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    second: Field,
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
    /// Days that depend on the month, of the field for days and of the one for weekdays.
    special: (Vec<Day>, Vec<Day>),
    /// Whether a day must satisfy both day fields, which croner writes with a plus.
    both_days: bool,
    any: (bool, bool),
}

impl Pattern {
    /// Reads `expression`; none if it is not understood.
    pub(super) fn parse(expression: &str) -> Option<Self> {
        let upper = expression.trim().to_uppercase();
        let text = match upper.as_str() {
            "@YEARLY" | "@ANNUALLY" => "0 0 1 1 *",
            "@MONTHLY" => "0 0 1 * *",
            "@WEEKLY" => "0 0 * * 0",
            "@DAILY" | "@MIDNIGHT" => "0 0 * * *",
            "@HOURLY" => "0 * * * *",
            other => other,
        };
        let fields: Vec<_> = text.split_whitespace().collect();
        let (second, rest) = match fields.len() {
            5 => ("0", fields.as_slice()),
            6 => (fields[0], &fields[1..]),
            _ => return None,
        };
        let (both_days, weekday) = match rest[4].strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, rest[4]),
        };
        let (day, weekday) = (rest[2].replace('?', "*"), weekday.replace('?', "*"));
        let mut special = (vec![], vec![]);
        let mut weekdays = Field::parse(&weekday, 0, 7, &WEEKDAYS, 0, &mut special.1)?;
        // Sunday is 7 as well.
        weekdays.bits = (weekdays.bits | (weekdays.bits >> 7)) & 0x7f;
        let none = &mut vec![];
        Some(Self {
            second: Field::parse(second, 0, 59, &[], 0, none)?,
            minute: Field::parse(rest[0], 0, 59, &[], 0, none)?,
            hour: Field::parse(rest[1], 0, 23, &[], 0, none)?,
            day: Field::parse(&day, 1, 31, &[], 0, &mut special.0)?,
            month: Field::parse(rest[3], 1, 12, &MONTHS, 1, none)?,
            weekday: weekdays,
            special,
            both_days,
            any: (day == "*", weekday == "*"),
        })
    }

    /// Whether it names one time of the day.
    pub(super) fn is_single(&self) -> bool {
        let fields = [&self.second, &self.minute, &self.hour];
        self.names_times() && fields.iter().all(|field| field.bits.is_power_of_two())
    }

    /// Whether it names times of the day, without wildcards and steps.
    pub(super) fn names_times(&self) -> bool {
        !(self.second.is_open || self.minute.is_open || self.hour.is_open)
    }

    /// Whether the minute of `wall` is one in which it is due.
    pub(super) fn allows(&self, wall: NaiveDateTime) -> bool {
        self.minute.has(wall.minute()) && self.hour.has(wall.hour()) && self.allows_day(wall.date())
    }

    /// The seconds of a minute at which it is due.
    pub(super) fn seconds(&self) -> impl Iterator<Item = u32> {
        (0..60).filter(|second| self.second.has(*second))
    }

    fn allows_day(&self, date: NaiveDate) -> bool {
        if !self.month.has(date.month()) {
            return false;
        }
        let is_special = |days: &[Day]| days.iter().any(|day| day.is(date));
        let day = self.day.has(date.day()) || is_special(&self.special.0);
        let weekday = date.weekday().num_days_from_sunday();
        let weekday = self.weekday.has(weekday) || is_special(&self.special.1);
        match self.any {
            (true, true) => true,
            (true, false) => weekday,
            (false, true) => day,
            (false, false) if self.both_days => day && weekday,
            (false, false) => day || weekday,
        }
    }
}

impl Field {
    fn parse(
        text: &str,
        min: u32,
        max: u32,
        names: &[&str],
        first: u32,
        special: &mut Vec<Day>,
    ) -> Option<Self> {
        let mut field = Self::default();
        let number = |text: &str| {
            let place = names.iter().position(|name| *name == text);
            place
                .map(|place| place as u32 + first)
                .or_else(|| text.parse().ok())
                .filter(|number| (min..=max).contains(number))
        };
        for part in text.split(',') {
            let day = Day::parse(part, max, number);
            if let Some(day) = day {
                special.push(day);
                continue;
            }
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
                None => (part, 1),
            };
            let (from, to) = if range == "*" {
                field.is_open = true;
                (min, max)
            } else if let Some((from, to)) = range.split_once('-') {
                // Sunday closes a week that it does not begin.
                let to = if to == "SUN" { 7 } else { number(to)? };
                (number(from)?, to)
            } else {
                (number(range)?, number(range)?)
            };
            field.is_open |= part.contains('/');
            let values = (from..=to).step_by(step);
            field.bits |= values.fold(0, |bits, value| bits | (1 << value));
        }
        Some(field)
    }

    fn has(&self, value: u32) -> bool {
        (self.bits >> value) & 1 == 1
    }
}

impl Day {
    /// Reads a part of a day field that depends on the month; which of the two fields it is shows
    /// in the largest value.
    fn parse(part: &str, max: u32, number: impl Fn(&str) -> Option<u32>) -> Option<Self> {
        if max == 31 {
            return match part {
                "L" => Some(Self::Last),
                "LW" => Some(Self::LastWorkday),
                _ => part.strip_suffix('W').and_then(number).map(Self::Workday),
            };
        }
        if max != 7 {
            return None;
        }
        if let Some((weekday, nth)) = part.split_once('#') {
            let weekday = number(weekday)? % 7;
            return Some(match nth {
                "L" => Self::LastWeekday(weekday),
                nth => Self::NthWeekday(weekday, nth.parse().ok()?),
            });
        }
        let weekday = part.strip_suffix('L').and_then(number)?;
        Some(Self::LastWeekday(weekday % 7))
    }

    fn is(self, date: NaiveDate) -> bool {
        let weekday = date.weekday().num_days_from_sunday();
        let is_last_week = month_of(date + Days::new(7)) != month_of(date);
        match self {
            Self::Last => is_last(date),
            Self::LastWorkday => {
                let later = (1..=3).map(|days| date + Days::new(days));
                let mut rest = later.take_while(|later| month_of(*later) == month_of(date));
                is_workday(date) && !rest.any(is_workday)
            }
            Self::Workday(wanted) => nearest_workday(date, wanted) == Some(date),
            Self::NthWeekday(wanted, nth) => weekday == wanted && date.day().div_ceil(7) == nth,
            Self::LastWeekday(wanted) => weekday == wanted && is_last_week,
        }
    }
}

/// The working day of the month of `date` that is nearest to its day `wanted`.
fn nearest_workday(date: NaiveDate, wanted: u32) -> Option<NaiveDate> {
    let day = date.with_day(wanted)?;
    let near = match day.weekday() {
        Weekday::Sat => [-1, 2],
        Weekday::Sun => [1, -2],
        _ => return Some(day),
    };
    let mut near = near
        .map(|days| day + chrono::TimeDelta::days(days))
        .into_iter();
    near.find(|near| month_of(*near) == month_of(date))
}

fn is_last(date: NaiveDate) -> bool {
    month_of(date + Days::new(1)) != month_of(date)
}

fn is_workday(date: NaiveDate) -> bool {
    date.weekday().num_days_from_monday() < 5
}

fn month_of(date: NaiveDate) -> u32 {
    date.month()
}
