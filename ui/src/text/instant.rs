//! Instants as people read them: how long ago, and what the clock on the wall said.
//!
//! Invariant: the wall clock is the reader's; converting to it is the browser's business and its
//! result arrives here as a [`CivilTime`].

use super::duration;

const DAY_MS: i64 = 86_400_000;

/// What calendar and clock show at an instant in some zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CivilTime {
    /// The year, such as 2027.
    pub year: u32,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
    /// The hour, from 0.
    pub hour: u32,
    /// The minute.
    pub minute: u32,
    /// The second.
    pub second: u32,
    /// How far the zone is ahead of UTC, in minutes.
    pub offset_min: i32,
}

impl CivilTime {
    /// `2027-01-01 00:00:00`.
    pub fn stamp(&self) -> String {
        format!("{} {}", self.date(), self.clock())
    }

    /// `2027-01-01`.
    pub fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// `00:00:00`.
    pub fn clock(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second)
    }

    /// `UTC`, `UTC+5:30`.
    pub fn zone(&self) -> String {
        let sign = if self.offset_min < 0 { '-' } else { '+' };
        let minutes = self.offset_min.unsigned_abs();
        match (minutes / 60, minutes % 60) {
            (0, 0) => "UTC".to_owned(),
            (hours, 0) => format!("UTC{sign}{hours}"),
            (hours, rest) => format!("UTC{sign}{hours}:{rest:02}"),
        }
    }
}

/// How far `at` is from `now`, both in milliseconds since the epoch: `12 s ago`, `in 3 min`.
///
/// One unit only, the largest: the exact instant stands beside it or in its tooltip.
pub fn relative(at_ms: i64, now_ms: i64) -> String {
    let away = at_ms - now_ms;
    let distance = coarse(away.unsigned_abs());
    match away {
        // A server's clock may be a little ahead of the browser's.
        -999..=1_000 => "just now".to_owned(),
        ..-999 => format!("{distance} ago"),
        _ => format!("in {distance}"),
    }
}

fn coarse(ms: u64) -> String {
    const MONTH_DAYS: u64 = 30;
    let days = ms / DAY_MS as u64;
    match days {
        0 => {
            let text = duration(ms / 1_000 * 1_000);
            let mut words = text.splitn(3, ' ');
            let number = words.next().unwrap_or_default();
            let unit = words.next().unwrap_or_default();
            format!("{number} {unit}")
        }
        1 => "1 day".to_owned(),
        2..MONTH_DAYS => format!("{days} days"),
        MONTH_DAYS..365 => match days / MONTH_DAYS {
            1 => "1 month".to_owned(),
            months => format!("{months} months"),
        },
        _ => match days / 365 {
            1 => "1 year".to_owned(),
            years => format!("{years} years"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_one_unit() {
        let now = 1_000_000_000_000;
        let cases = [
            (0, "just now"),
            (-900, "just now"),
            (-12_400, "12 s ago"),
            (-185_000, "3 min ago"),
            (7_500_000, "in 2 h"),
            (-DAY_MS, "1 day ago"),
            (-9 * DAY_MS, "9 days ago"),
            (65 * DAY_MS, "in 2 months"),
            (-800 * DAY_MS, "2 years ago"),
        ];
        for (away, text) in cases {
            assert_eq!(relative(now + away, now), text);
        }
    }

    #[test]
    fn wall_clocks_are_padded() {
        let at = CivilTime {
            year: 2027,
            month: 1,
            day: 2,
            hour: 3,
            minute: 4,
            second: 5,
            offset_min: -210,
        };
        assert_eq!(at.stamp(), "2027-01-02 03:04:05");
        assert_eq!(at.zone(), "UTC-3:30");
        assert_eq!(
            CivilTime {
                offset_min: 0,
                ..at
            }
            .zone(),
            "UTC"
        );
        assert_eq!(
            CivilTime {
                offset_min: 60,
                ..at
            }
            .zone(),
            "UTC+1"
        );
    }
}
