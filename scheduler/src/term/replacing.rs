//! Tasks on their way to a stop, since the next slot of their job takes their place.
//!
//! Invariant: each is asked to stop once at a time. That it must stop follows from the log, by the
//! task that waits for it; so a leader that goes in between leaves it to the next.

use std::collections::{HashSet, VecDeque};

use domain::{TaskId, task::CancelMode};
use tokio::task::JoinSet;

use super::desk::Desk;
use crate::{index::TaskKey, replace};

/// How many are asked to stop at a time.
const IN_FLIGHT: usize = 64;

/// What is being stopped, and what is next.
#[derive(Default)]
pub(super) struct Replacing {
    in_flight: JoinSet<TaskKey>,
    known: HashSet<TaskKey>,
    ready: VecDeque<(TaskKey, TaskId, CancelMode)>,
}

impl Replacing {
    /// Has `key` stop in favour of `by`, unless that is under way.
    pub(super) fn want(&mut self, key: TaskKey, by: TaskId, mode: CancelMode) {
        if self.known.insert(key) {
            self.ready.push_back((key, by, mode));
        }
    }

    /// The next that was asked; none while none is.
    pub(super) async fn next(&mut self) -> Option<TaskKey> {
        loop {
            match self.in_flight.join_next().await? {
                Ok(key) => return Some(key),
                // Nothing in there panics; if it did, the task is left to the next term.
                Err(reason) => tracing::error!(%reason, "stopping a task stopped"),
            }
        }
    }
}

impl Desk {
    /// Begins to ask as many to stop as may be in flight.
    pub(super) fn replace(&mut self) {
        while self.replacing.in_flight.len() < IN_FLIGHT {
            let Some((key, by, mode)) = self.replacing.ready.pop_front() else {
                return;
            };
            let stopping = replace::stop(self.commands.clone(), key, by, mode);
            self.replacing.in_flight.spawn(stopping);
        }
    }

    /// Takes in that `key` was asked to stop.
    pub(super) fn replaced(&mut self, key: TaskKey) {
        self.replacing.known.remove(&key);
    }
}
