//! What is asked about commits that are parked: to try one again, or to leave it out.
//!
//! Invariant: it is said by events alone, and done at their place in the log, so that all who read
//! the log do the same.

use event_log::Entry;
use schemas::{
    Commit, Position,
    domain::{Timestamp, parked_commit::ParkedCommitEvent},
};

use super::decode::{Decoded, Events, Reading};

/// What is asked about a commit.
#[derive(Clone, Debug)]
pub(super) struct Remedy {
    /// Where the commit is.
    pub(super) position: Position,
    /// To leave it out; none to try it again.
    pub(super) skip: Option<Skip>,
}

/// That a commit is left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Skip {
    /// When that was decided.
    pub(crate) at: Timestamp,
    /// By whom.
    pub(crate) by: String,
    /// Where in the log it stands.
    pub(crate) position: Position,
    /// Why.
    pub(crate) reason: String,
}

/// What the events of `commit` ask.
pub(super) fn remedies(commit: &Commit, events: &[ParkedCommitEvent]) -> Vec<Remedy> {
    let remedies = events.iter().map(|event| Remedy {
        position: Position(event.position()),
        skip: Skip::of(commit, event),
    });
    remedies.collect()
}

impl Skip {
    /// That `event`, one of `commit`, leaves a commit out, if it does.
    pub(crate) fn of(commit: &Commit, event: &ParkedCommitEvent) -> Option<Self> {
        let ParkedCommitEvent::Skipped(skipped) = event else {
            return None;
        };
        Some(Self {
            at: commit.meta.time,
            by: commit.meta.actor.to_string(),
            position: commit.position,
            reason: skipped.reason.clone(),
        })
    }
}

/// Cuts a batch so that whatever asks a remedy is a part by itself: what it is about is then in its
/// place, whatever the batch was.
pub(super) fn parts(batch: Vec<Reading>) -> Vec<Vec<Reading>> {
    let mut parts = vec![Vec::new()];
    for reading in batch {
        if !asks(&reading) {
            if let Some(part) = parts.last_mut() {
                part.push(reading);
            }
            continue;
        }
        parts.push(vec![reading]);
        parts.push(Vec::new());
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn asks(reading: &Reading) -> bool {
    let decoded = reading.events.as_ref().ok();
    matches!(&reading.entry, Entry::Commit(_))
        && decoded.is_some_and(|Decoded { events, .. }| matches!(events, Events::ParkedCommit(_)))
}
