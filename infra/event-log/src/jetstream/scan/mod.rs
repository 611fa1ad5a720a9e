//! Reading a long part of the log.
//!
//! Whoever may make a consumer reads by one, which costs the server a quarter of what direct gets
//! do; others read by these.
//!
//! Invariant: entries are given in order and none is passed over: a position that is not there is a
//! gap, and told as one.

mod consumer;
mod frame;
mod gets;
mod wire;

use schemas::Position;

use super::JetStreamLog;
use crate::{LogError, Role, Scan};

/// The entries after `after` up to `until`.
pub(super) async fn scan(
    log: &JetStreamLog,
    after: Position,
    until: Position,
) -> Result<Scan, LogError> {
    match log.role {
        Role::Analyst | Role::Backup | Role::Projector | Role::Scheduler => {
            consumer::scan(log, after, until).await
        }
        Role::Gateway | Role::Owner | Role::Worker => Ok(gets::scan(&log.client, after, until)),
    }
}
