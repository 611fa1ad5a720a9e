//! What is odd about a slot, since clocks are set around it.
//!
//! Invariant: a slot is odd only in a zone whose clocks are set, and only near that.

use chrono::{MappedLocalTime, SecondsFormat, TimeZone as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Calendar, calendar::Rule, wall};
use crate::Timestamp;

/// What is odd about a slot.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    JsonSchema,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// The clocks leave its time out, so it is due right after that.
    AfterGap,
    /// The clocks show its time twice; this is the first time.
    FirstOfOverlap,
    /// The clocks show its time twice; this is the second time.
    SecondOfOverlap,
}

impl Calendar {
    /// What is odd about `slot`, which must be one of this calendar.
    pub fn oddity(&self, slot: Timestamp) -> Option<Oddity> {
        let Rule::Cron { cron, zone, named } = &self.0 else {
            return None;
        };
        let shown = wall::of(*zone, slot);
        match zone.from_local_datetime(&shown) {
            MappedLocalTime::Ambiguous(first, _) if slot == first.to_utc().into() => {
                Some(Oddity::FirstOfOverlap)
            }
            MappedLocalTime::Ambiguous(..) => Some(Oddity::SecondOfOverlap),
            _ => {
                let is_named = cron.is_time_matching(&shown.and_utc()).unwrap_or(true);
                (named.is_some() && !is_named).then_some(Oddity::AfterGap)
            }
        }
    }

    /// What the clocks of its zone show at `slot`, with their distance from UTC; none if the
    /// schedule has no zone.
    pub fn local(&self, slot: Timestamp) -> Option<String> {
        let Rule::Cron { zone, .. } = &self.0 else {
            return None;
        };
        let local = slot.to_chrono().with_timezone(zone);
        Some(local.to_rfc3339_opts(SecondsFormat::Secs, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    #[track_caller]
    fn odd(expression: &str, from: &str) -> Vec<(Option<Oddity>, String)> {
        let calendar = Calendar::try_new(&Schedule::cron(expression, "Europe/Berlin"));
        let calendar = calendar.expect("valid");
        let slots = calendar.slots_after(from.parse().expect("an instant"));
        let seen = slots.map(|slot| (calendar.oddity(slot), calendar.local(slot)));
        seen.take(3)
            .map(|(oddity, local)| (oddity, local.expect("a zone")))
            .collect()
    }

    #[test]
    fn slots_near_a_change_of_the_clocks_are_marked() {
        let spring = odd("30 2 * * *", "2026-03-28T00:00:00Z");
        let expected = [
            (None, "2026-03-28T02:30:00+01:00".to_owned()),
            (Some(Oddity::AfterGap), "2026-03-29T03:00:00+02:00".into()),
            (None, "2026-03-30T02:30:00+02:00".into()),
        ];
        assert_eq!(spring, expected);
        let autumn = odd("30 * * * *", "2026-10-25T00:00:00Z");
        let expected = [
            (
                Some(Oddity::FirstOfOverlap),
                "2026-10-25T02:30:00+02:00".to_owned(),
            ),
            (
                Some(Oddity::SecondOfOverlap),
                "2026-10-25T02:30:00+01:00".into(),
            ),
            (None, "2026-10-25T03:30:00+01:00".into()),
        ];
        assert_eq!(autumn, expected);
    }

    #[test]
    fn an_interval_knows_no_clocks() {
        let every = Calendar::try_new(&Schedule::Interval { every_ms: 1_000 }).expect("valid");
        let slot = Timestamp::from_unix_ms(1_000);
        assert_eq!((every.oddity(slot), every.local(slot)), (None, None));
    }
}
