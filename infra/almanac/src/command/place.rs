//! Which servers a question is about.
//!
//! Invariant: a configuration names them, or else a running `almanac dev`.

use anyhow::{Context as _, Result};
use files::Files;
use runtime::{Clock, Nats, Postgres};
use secrecy::SecretString;

use crate::{
    cli::Place,
    dev::{self, Running},
};

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

    /// Where files are kept.
    pub(super) fn files(&self) -> Result<Files> {
        let config = if self.config.is_some() {
            super::configuration(self.config.as_deref())?.files
        } else {
            dev::files(&self.data_dir)
        };
        let files = Files::open(&config, Clock::system())?;
        files.context("no place for files is configured → [files]")
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
        Ok((nats, rows(running.auditor.into(), false)))
    }

    /// How to reach the read models as who makes other copies of their tables, and as who fills
    /// these.
    pub(super) fn builders(&self) -> Result<(Postgres, Postgres)> {
        if self.config.is_none() {
            let running = Running::find(&self.data_dir)?;
            let (owner, projector) = (running.rows_owner, running.rows_projector);
            return Ok((rows(owner.into(), false), rows(projector.into(), false)));
        }
        let config = super::configuration(self.config.as_deref())?;
        let owner = config.rebuild.owner_url;
        let owner = owner.context("nobody may make tables → rebuild.owner_url")?;
        let projector = config.rebuild.projector_url;
        let projector = projector.context("nobody may fill tables → rebuild.projector_url")?;
        let plain = config.postgres.accept_plaintext;
        Ok((rows(owner, plain), rows(projector, plain)))
    }
}

fn rows(url: SecretString, accept_plaintext: bool) -> Postgres {
    Postgres {
        accept_plaintext,
        connections: CONNECTIONS,
        url,
    }
}
