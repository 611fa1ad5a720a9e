//! Operations on their way to their end.
//!
//! Invariant: each is carried out once at a time, and goes on with the next term where this one
//! leaves it.

use std::collections::HashSet;

use commands::Commands;
use projections::Overview;
use tokio::task::JoinSet;

use crate::{
    Services,
    operate::{self, OperationKey},
};

/// What is being carried out; all of it stops when this is dropped.
pub(super) struct Operating {
    commands: Commands,
    in_flight: JoinSet<OperationKey>,
    known: HashSet<OperationKey>,
    overview: Overview,
}

impl Operating {
    pub(super) fn new(services: &Services) -> Self {
        Self {
            commands: services.commands.clone(),
            in_flight: JoinSet::new(),
            known: HashSet::new(),
            overview: services.overview.clone(),
        }
    }

    /// Has `key` carried out, unless it is already.
    pub(super) fn begin(&mut self, key: OperationKey) {
        if !self.known.insert(key) {
            return;
        }
        let carrying = operate::carry_out(self.commands.clone(), self.overview.clone(), key);
        self.in_flight.spawn(async move {
            carrying.await;
            key
        });
    }

    /// The next that needs nobody any more; none while nothing is carried out.
    pub(super) async fn next(&mut self) -> Option<OperationKey> {
        loop {
            match self.in_flight.join_next().await? {
                Ok(key) => {
                    self.known.remove(&key);
                    return Some(key);
                }
                // Nothing in there panics; if it did, the operation waits for the next term.
                Err(reason) => tracing::error!(%reason, "an operation stopped"),
            }
        }
    }
}
