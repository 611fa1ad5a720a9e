//! Both servers together.
//!
//! Invariant: one process per data folder, said in one line to the second.

use std::path::Path;

use tempfile::TempDir;

use crate::{Lock, Nats, NatsOptions, Postgres, PostgresOptions, Result, Sync, scratch};

/// nats-server and Postgres on one data folder (`nats/` and `postgres/` in it).
#[derive(Debug)]
pub struct Servers {
    /// The log.
    pub nats: Nats,
    /// The read models.
    pub postgres: Postgres,
    // Dropped after the servers.
    _lock: Lock,
    _scratch: Option<TempDir>,
}

impl Servers {
    /// Starts both on a folder that is kept; durable, free ports.
    pub fn start(dir: &Path) -> Result<Self> {
        let lock = Lock::take(dir)?;
        let mut nats = NatsOptions::new(dir.join("nats"));
        nats.password = true;
        Self::both(nats, PostgresOptions::new(dir.join("postgres")), lock, None)
    }

    /// Starts both in a temporary folder that vanishes with them. nats-server is durable, as the
    /// startup checks demand; Postgres does not wait for the disk.
    pub fn scratch() -> Result<Self> {
        Self::scratch_with(Sync::Always, false)
    }

    /// A scratch with chosen durability, for benches and comparisons.
    pub fn scratch_with(sync: Sync, durable_postgres: bool) -> Result<Self> {
        let folder = scratch::folder()?;
        let lock = Lock::take(folder.path())?;
        let mut nats = NatsOptions::new(folder.path().join("nats"));
        nats.sync = sync;
        nats.password = true;
        let mut postgres = PostgresOptions::new(folder.path().join("postgres"));
        postgres.durable = durable_postgres;
        Self::both(nats, postgres, lock, Some(folder))
    }

    /// Removes the data of both servers from a folder (what else lies there stays). Fails if a
    /// process uses it; servers that a killed process left behind are ended.
    pub fn wipe(dir: &Path) -> Result<()> {
        if !dir.exists() {
            return Ok(());
        }
        let _lock = Lock::take(dir)?;
        Nats::wipe(&dir.join("nats"))?;
        crate::wipe(&dir.join("postgres"))
    }

    /// Ends both in good order.
    pub fn stop(&mut self) {
        self.nats.stop();
        self.postgres.stop();
    }

    fn both(
        nats: NatsOptions,
        postgres: PostgresOptions,
        lock: Lock,
        scratch: Option<TempDir>,
    ) -> Result<Self> {
        // Postgres takes longer; nats-server is ready by the time it is.
        let (nats, postgres) = std::thread::scope(|scope| {
            let nats = scope.spawn(|| Nats::start(nats));
            let postgres = Postgres::start(postgres);
            (nats.join(), postgres)
        });
        let nats = nats.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Self {
            nats,
            postgres: postgres?,
            _lock: lock,
            _scratch: scratch,
        })
    }
}

impl Nats {
    /// A durable server in a temporary folder; both vanish together.
    pub fn scratch() -> Result<Scratch<Self>> {
        let folder = scratch::folder()?;
        let mut options = NatsOptions::new(folder.path().join("nats"));
        options.password = true;
        let server = Self::start(options)?;
        Ok(Scratch {
            server,
            _folder: folder,
        })
    }
}

impl Postgres {
    /// A server in a temporary folder; both vanish together. It does not wait for the disk.
    pub fn scratch() -> Result<Scratch<Self>> {
        let folder = scratch::folder()?;
        let mut options = PostgresOptions::new(folder.path().join("postgres"));
        options.durable = false;
        Ok(Scratch {
            server: Self::start(options)?,
            _folder: folder,
        })
    }
}

/// A server with the temporary folder it lives in; use it as the server itself.
#[derive(Debug)]
pub struct Scratch<S> {
    server: S,
    // Dropped after the server.
    _folder: TempDir,
}

impl<S> std::ops::Deref for Scratch<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.server
    }
}

impl<S> std::ops::DerefMut for Scratch<S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.server
    }
}
