//! What becomes of a slot that is due while tasks of earlier ones still live.
//!
//! Invariant: for every policy but `allow`, of the tasks that slots become at most one is let go at
//! a time; and what is skipped for that is skipped with a record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::task::{CancelMode, DEPENDENCIES_MAX};

/// What to do when a slot is due while the task of an earlier one still lives.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Run both.
    #[default]
    Allow,
    /// Ask the earlier ones to stop, and run the new one once they have.
    CancelPrevious,
    /// Run the new one after the earlier ones, up to a hundred of them.
    QueueAll,
    /// Run the new one after the earlier ones, unless one waits already: then skip it.
    QueueOne,
    /// Skip the new one, with a record.
    Skip,
    /// End the earlier ones by force, and run the new one once they have ended.
    TerminatePrevious,
}

/// How a slot gets on with the tasks of its job that still live.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Meeting {
    /// Its task comes after them.
    Behind,
    /// Its task runs beside them, if there are any.
    Beside,
    /// Its task comes after them, and they are stopped so.
    InPlaceOf(CancelMode),
    /// It is skipped.
    Skipped,
}

impl Overlap {
    /// Every policy.
    pub const ALL: [Self; 6] = [
        Self::Allow,
        Self::CancelPrevious,
        Self::QueueAll,
        Self::QueueOne,
        Self::Skip,
        Self::TerminatePrevious,
    ];

    /// How a slot gets on with `living` tasks of its job, of which one may wait for others.
    pub const fn meeting(self, living: usize, one_waits: bool) -> Meeting {
        if living == 0 {
            return Meeting::Beside;
        }
        // A task names those that it comes after, and it names no more than so many.
        let has_room = living <= DEPENDENCIES_MAX;
        match self {
            Self::Allow => Meeting::Beside,
            Self::CancelPrevious if has_room => Meeting::InPlaceOf(CancelMode::Cooperative),
            Self::QueueAll if has_room => Meeting::Behind,
            Self::QueueOne if has_room && !one_waits => Meeting::Behind,
            Self::TerminatePrevious if has_room => Meeting::InPlaceOf(CancelMode::Forced),
            Self::CancelPrevious
            | Self::QueueAll
            | Self::QueueOne
            | Self::Skip
            | Self::TerminatePrevious => Meeting::Skipped,
        }
    }
}

impl Meeting {
    /// How those that live are stopped for it, if they are.
    pub const fn stops(self) -> Option<CancelMode> {
        match self {
            Self::InPlaceOf(mode) => Some(mode),
            Self::Behind | Self::Beside | Self::Skipped => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Meeting::{Behind, Beside, InPlaceOf, Skipped};

    #[test]
    fn with_nothing_alive_every_slot_runs_at_once() {
        for overlap in Overlap::ALL {
            assert_eq!(overlap.meeting(0, false), Beside, "{overlap:?}");
        }
    }

    #[test]
    fn the_policy_decides_how_a_slot_meets_what_lives() {
        let (asked, forced) = (
            InPlaceOf(CancelMode::Cooperative),
            InPlaceOf(CancelMode::Forced),
        );
        let table = [
            (Overlap::Allow, [Beside, Beside, Beside]),
            (Overlap::CancelPrevious, [asked, asked, Skipped]),
            (Overlap::QueueAll, [Behind, Behind, Skipped]),
            (Overlap::QueueOne, [Behind, Skipped, Skipped]),
            (Overlap::Skip, [Skipped, Skipped, Skipped]),
            (Overlap::TerminatePrevious, [forced, forced, Skipped]),
        ];
        assert_eq!(table.map(|(overlap, _)| overlap), Overlap::ALL);
        for (overlap, expected) in table {
            let met = [(1, false), (100, true), (101, true)];
            let met = met.map(|(living, one_waits)| overlap.meeting(living, one_waits));
            assert_eq!(met, expected, "{overlap:?}");
        }
    }
}
