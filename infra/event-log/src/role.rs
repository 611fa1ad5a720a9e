//! Who a process signs in to the NATS server as.
//!
//! Invariant: one user for each kind of process; what it may do is in [`rights`](crate::rights)
//! and nowhere else.

use crate::{rights, subject};

/// Who a process signs in to the NATS server as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Reads the log and nothing else: whoever proves the read models.
    Analyst,
    /// Copies the log and the sealed vault: reads both and nothing else.
    Backup,
    /// Is asked: writes any aggregate, and looks after secrets.
    Gateway,
    /// Makes streams and buckets, the first administrator and the signing keys.
    Owner,
    /// Remembers: follows the log.
    Projector,
    /// Acts when nobody asks: follows the log, writes tasks, hands out work.
    Scheduler,
    /// Does the work: takes it from the queue and writes tasks.
    Worker,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Analyst,
        Self::Backup,
        Self::Gateway,
        Self::Owner,
        Self::Projector,
        Self::Scheduler,
        Self::Worker,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Analyst => "analyst",
            Self::Backup => "backup",
            Self::Gateway => "gateway",
            Self::Owner => "owner",
            Self::Projector => "projector",
            Self::Scheduler => "scheduler",
            Self::Worker => "worker",
        }
    }

    /// The server's user for it, called as the role of Postgres is.
    pub const fn user(self) -> &'static str {
        match self {
            Self::Analyst => "analyst",
            Self::Backup => "almanac_backup",
            Self::Gateway => "almanac_gateway",
            Self::Owner => "almanac_owner",
            Self::Projector => "almanac_projector",
            Self::Scheduler => "almanac_scheduler",
            Self::Worker => "almanac_worker",
        }
    }

    /// Whether it may ask how a stream is made.
    pub(crate) fn looks_at(self, stream: &str) -> bool {
        let asks = subject::api(subject::INFO, stream);
        rights::of(self).publish.contains(&asks)
    }
}
