//! Schedules in words: from `0 2 * * 1-5` to "Monday to Friday at 02:00".
//!
//! Invariant: words are only given where they say exactly what the schedule does; any other pattern
//! is shown as it is.

use schemas::domain::schedule::Schedule;

use super::{cron, duration};

/// When the schedule is due, as one would say it. A once's instant reads best in the reader's own
/// zone, so it is left to whoever shows it.
pub fn schedule_in_words(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Cron { expression, .. } => {
            cron::in_words(expression).unwrap_or_else(|| format!("Cron {expression}"))
        }
        Schedule::Interval { every_ms } => format!("Every {}", single(*every_ms)),
        Schedule::Once { .. } => "Once".to_owned(),
    }
}

/// The exact rule: the pattern with its zone, the interval in milliseconds, the instant in UTC.
pub fn schedule_detail(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Cron {
            expression,
            timezone,
            ..
        } => format!("{expression} · {timezone}"),
        Schedule::Interval { every_ms } => format!("{every_ms} ms"),
        Schedule::Once { at } => at.to_string(),
    }
}

fn single(every_ms: u64) -> String {
    match every_ms {
        1_000 => "second".to_owned(),
        60_000 => "minute".to_owned(),
        3_600_000 => "hour".to_owned(),
        86_400_000 => "day".to_owned(),
        other => duration(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_said_shortly() {
        let every = |every_ms| schedule_in_words(&Schedule::Interval { every_ms });
        assert_eq!(every(60_000), "Every minute");
        assert_eq!(every(90_000), "Every 1 min 30 s");
        assert_eq!(every(250), "Every 250 ms");
    }

    #[test]
    fn an_unusual_pattern_is_shown_as_it_is() {
        let schedule = Schedule::cron("0 0 L * *", "Europe/Berlin");
        assert_eq!(schedule_in_words(&schedule), "Cron 0 0 L * *");
        assert_eq!(schedule_detail(&schedule), "0 0 L * * · Europe/Berlin");
    }
}
