//! Which tasks are held back for which.
//!
//! Invariant: a task stands here under every task that it is held back for, exactly as long as it
//! is.

use std::collections::{HashMap, HashSet};

use domain::{TaskId, task::Dependency};

use super::TaskKey;

/// The tasks that are held back, by those that come first.
#[derive(Debug, Default)]
pub(super) struct Dependents(HashMap<TaskKey, HashSet<TaskId>>);

impl Dependents {
    /// Those that are held back for `first`.
    pub(super) fn of(&self, first: TaskKey) -> impl Iterator<Item = TaskKey> {
        let held = self.0.get(&first).into_iter().flatten();
        held.map(move |task| (first.0, *task))
    }

    /// Notes that `key` is held back for all of `after`.
    pub(super) fn hold(&mut self, key: TaskKey, after: &[Dependency]) {
        for first in after {
            let held = self.0.entry((key.0, first.task)).or_default();
            held.insert(key.1);
        }
    }

    /// Notes that `key` is held back no more.
    pub(super) fn let_go(&mut self, key: TaskKey, after: &[Dependency]) {
        for first in after {
            let first = (key.0, first.task);
            if let Some(held) = self.0.get_mut(&first) {
                held.remove(&key.1);
                if held.is_empty() {
                    self.0.remove(&first);
                }
            }
        }
    }
}
