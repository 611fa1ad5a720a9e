//! What the log was at a moment, signed: a tree over all commits up to a position, and the note
//! that vouches for it.
//!
//! It is an aggregate of the main tenant, with that tenant's id: one history for the whole log.
//!
//! Invariant: each checkpoint covers more than the one before and names it, so none is put in
//! between or left out unseen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Aggregate, AggregateKind, Context, Decision, Timestamp};

/// What can have happened to the checkpoints of the log.
#[derive(Clone, Debug, PartialEq)]
pub enum LogCheckpointEvent {
    /// `log_checkpoint.signed`
    Signed(LogCheckpointSigned),
}

/// The log was signed.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct LogCheckpointSigned {
    /// The roots of the perfect trees that the tree consists of, largest first, in hexadecimal:
    /// what is needed to go on from here without reading the log from its beginning.
    pub frontier: Vec<String>,
    /// The keys that signed, as `<name>+<id>+<key>` (C2SP signed note), the current one first.
    pub keys: Vec<String>,
    /// The signed text (C2SP `tlog-checkpoint`): this, and not the fields beside it, is signed.
    pub note: String,
    /// How many commits the checkpoint before covers; 0 if this is the first.
    pub previous: u64,
    /// The root of the tree (RFC 9162 §2.1.1), in hexadecimal.
    pub root: String,
    /// How many commits it covers: those from position 1 to this one.
    pub size: u64,
}

/// The last checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogCheckpoint {
    /// What was signed.
    pub last: LogCheckpointSigned,
    /// When.
    pub signed_at: Timestamp,
}

/// What can be asked of the checkpoints.
#[derive(Clone, Debug)]
pub enum LogCheckpointCommand {
    /// Take this as the next.
    Sign(LogCheckpointSigned),
}

/// Why the checkpoints may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LogCheckpointRejection {
    /// It does not cover more than the last one.
    #[error("it covers no more than the last checkpoint")]
    NothingNew,
    /// It follows another checkpoint than the last one.
    #[error("it does not follow the last checkpoint: another was signed meanwhile")]
    Superseded,
}

impl Aggregate for LogCheckpoint {
    const KIND: AggregateKind = AggregateKind::LogCheckpoint;
    type Event = LogCheckpointEvent;
    type Command = LogCheckpointCommand;
    type Rejection = LogCheckpointRejection;

    fn evolve(_: Option<Self>, event: &LogCheckpointEvent, at: Timestamp) -> Option<Self> {
        let LogCheckpointEvent::Signed(signed) = event;
        Some(Self {
            last: signed.clone(),
            signed_at: at,
        })
    }

    fn decide(state: Option<&Self>, command: &LogCheckpointCommand, _: &Context) -> Decision<Self> {
        let LogCheckpointCommand::Sign(wanted) = command;
        let last = state.map(|state| &state.last);
        if last == Some(wanted) {
            return Ok(vec![]);
        }
        let covered = last.map_or(0, |last| last.size);
        if wanted.previous != covered {
            return Err(LogCheckpointRejection::Superseded);
        }
        if wanted.size <= covered {
            return Err(LogCheckpointRejection::NothingNew);
        }
        Ok(vec![LogCheckpointEvent::Signed(wanted.clone())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, context};

    fn signed(previous: u64, size: u64) -> LogCheckpointSigned {
        LogCheckpointSigned {
            frontier: vec![],
            keys: vec![],
            note: format!("{size} after {previous}"),
            previous,
            root: String::new(),
            size,
        }
    }

    #[track_caller]
    fn check(
        last: Option<(u64, u64)>,
        next: (u64, u64),
        outcome: &Result<usize, LogCheckpointRejection>,
    ) {
        let last = last.map(|(previous, size)| LogCheckpoint {
            last: signed(previous, size),
            signed_at: NOW,
        });
        let command = LogCheckpointCommand::Sign(signed(next.0, next.1));
        let decided = LogCheckpoint::decide(last.as_ref(), &command, &context(NOW));
        assert_eq!(&decided.map(|events| events.len()), outcome);
    }

    #[test]
    fn each_follows_the_last_and_covers_more() {
        check(None, (0, 5), &Ok(1));
        check(Some((0, 5)), (5, 6), &Ok(1));
        check(Some((0, 5)), (0, 5), &Ok(0));
        check(None, (5, 6), &Err(LogCheckpointRejection::Superseded));
        check(
            Some((0, 5)),
            (4, 6),
            &Err(LogCheckpointRejection::Superseded),
        );
        check(
            Some((0, 5)),
            (5, 5),
            &Err(LogCheckpointRejection::NothingNew),
        );
        check(None, (0, 0), &Err(LogCheckpointRejection::NothingNew));
    }
}
