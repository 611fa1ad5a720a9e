//! Which servers a question is about.
//!
//! Invariant: a configuration names them, or else a running `almanac dev`.

use anyhow::Result;
use runtime::{Nats, Postgres};

use crate::{cli::Place, dev::Running};

/// Enough for one question after another.
const CONNECTIONS: u32 = 2;

impl Place {
    /// How to reach the log, as its owner.
    pub(super) fn owner(&self) -> Result<Nats> {
        if self.config.is_some() {
            return Ok(super::configuration(self.config.as_deref())?.nats);
        }
        let running = Running::find(&self.data_dir)?;
        Ok(Nats {
            accept_plaintext: false,
            monitor_url: running.monitor,
            replicas: 1,
            accept_interval_sync: false,
            url: running.owner.into(),
        })
    }

    /// How to reach them, as who looks and changes nothing.
    pub(super) fn servers(&self) -> Result<(Nats, Postgres)> {
        if self.config.is_some() {
            let config = super::configuration(self.config.as_deref())?;
            return Ok((config.nats, config.postgres));
        }
        let running = Running::find(&self.data_dir)?;
        let nats = Nats {
            accept_plaintext: false,
            monitor_url: running.monitor,
            replicas: 1,
            accept_interval_sync: false,
            url: running.nats.into(),
        };
        let postgres = Postgres {
            accept_plaintext: false,
            connections: CONNECTIONS,
            url: running.auditor.into(),
        };
        Ok((nats, postgres))
    }
}
