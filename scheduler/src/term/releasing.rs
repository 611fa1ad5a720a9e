//! Tasks that are held back for others, on their way to a decision.
//!
//! Invariant: a task that is to be judged while it is being judged is judged once more, since what
//! led to that may have come after the others were looked at.

use std::collections::{HashMap, VecDeque};

use tokio::task::JoinSet;

use super::desk::Desk;
use crate::{index::TaskKey, release};

/// How many are judged at a time.
const IN_FLIGHT: usize = 64;

/// What is being judged, and what is next.
#[derive(Default)]
pub(super) struct Releasing {
    in_flight: JoinSet<TaskKey>,
    known: HashMap<TaskKey, Turn>,
    ready: VecDeque<TaskKey>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Turn {
    /// It is being judged, and has to be once more.
    Again,
    /// It is being judged.
    Now,
    /// It waits to be.
    Soon,
}

impl Releasing {
    /// Has `key` judged from now on.
    pub(super) fn want(&mut self, key: TaskKey) {
        match self.known.get(&key) {
            Some(Turn::Again | Turn::Soon) => {}
            Some(Turn::Now) => {
                self.known.insert(key, Turn::Again);
            }
            None => {
                self.known.insert(key, Turn::Soon);
                self.ready.push_back(key);
            }
        }
    }

    /// The next that was judged; none while none is being judged.
    pub(super) async fn next(&mut self) -> Option<TaskKey> {
        loop {
            match self.in_flight.join_next().await? {
                Ok(key) => return Some(key),
                // Nothing in there panics; if it did, the task waits for the next term.
                Err(reason) => tracing::error!(%reason, "judging a task stopped"),
            }
        }
    }

    /// The next to be judged, if there is room.
    fn begin(&mut self) -> Option<TaskKey> {
        if self.in_flight.len() >= IN_FLIGHT {
            return None;
        }
        let key = self.ready.pop_front()?;
        self.known.insert(key, Turn::Now);
        Some(key)
    }

    /// Takes note that `key` was judged.
    fn ended(&mut self, key: TaskKey) {
        if self.known.remove(&key) == Some(Turn::Again) {
            self.want(key);
        }
    }
}

impl Desk {
    /// Begins to judge as many as may be in flight.
    pub(super) fn release(&mut self) {
        while let Some(key) = self.releasing.begin() {
            let Some(after) = self.index.tasks.held_for(key) else {
                self.releasing.ended(key);
                continue;
            };
            let judging = release::judge(self.commands.clone(), key, after);
            self.releasing.in_flight.spawn(judging);
        }
    }

    /// Takes in that `key` was judged.
    pub(super) fn judged(&mut self, key: TaskKey) {
        self.releasing.ended(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{TaskId, TenantId};
    use uuid::Uuid;

    #[test]
    fn who_is_wanted_while_being_judged_is_judged_once_more() {
        let key = (
            TenantId::new(Uuid::from_u128(1)),
            TaskId::new(Uuid::from_u128(2)),
        );
        let mut releasing = Releasing::default();
        releasing.want(key);
        releasing.want(key);
        assert_eq!(releasing.begin(), Some(key));
        assert_eq!(releasing.begin(), None);
        releasing.want(key);
        releasing.want(key);
        assert_eq!(releasing.begin(), None);
        releasing.ended(key);
        assert_eq!(releasing.begin(), Some(key));
        releasing.ended(key);
        assert_eq!(releasing.begin(), None);
        assert!(releasing.known.is_empty());
    }
}
