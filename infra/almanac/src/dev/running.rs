//! `dev.json`: where a running `almanac dev` serves, for tools and tests.
//!
//! Invariant: it holds secrets, so only its owner may read it; it is complete whenever it is there.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::kept;
use crate::client::Client;

const FILE: &str = "dev.json";

/// Where a running `almanac dev` serves.
#[derive(Clone, Deserialize, Serialize)]
pub struct Running {
    /// The API and the page.
    pub gateway: String,
    /// The log, for reading.
    pub nats: String,
    /// The log and the vault, for `almanac keys` and who looks after the installation.
    pub owner: String,
    /// What the log's server says of itself.
    pub monitor: String,
    /// The read models, for who looks after the server; no part signs in there.
    pub postgres: String,
    /// What analysts see.
    pub analyst: String,
    /// The read models, for whoever proves them.
    pub auditor: String,
    /// The read models, for whoever makes another copy of their tables.
    pub rows_owner: String,
    /// The read models, for whoever fills such a copy.
    pub rows_projector: String,
    /// Who may do everything.
    pub admin: Admin,
    /// The process.
    pub pid: u32,
}

/// Who may do everything.
#[derive(Clone, Deserialize, Serialize)]
pub struct Admin {
    /// The address to sign in with.
    pub email: String,
    /// The password to sign in with.
    pub password: String,
}

impl Running {
    /// The `almanac dev` that serves from `dir`.
    pub fn find(dir: &Path) -> Result<Self> {
        let file = dir.join(FILE);
        let Ok(text) = fs::read_to_string(&file) else {
            let dir = dir.display();
            bail!(
                "no almanac dev serves from {dir} → start it with `almanac dev --data-dir {dir}`"
            );
        };
        let running: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is not what almanac dev writes", file.display()))?;
        if !Path::new("/proc").join(running.pid.to_string()).exists() {
            bail!(
                "the almanac dev of {} was killed → start it again",
                dir.display()
            );
        }
        Ok(running)
    }

    /// Removes the file; that there is none is as good.
    pub(super) fn forget(dir: &Path) {
        if let Err(failure) = fs::remove_file(dir.join(FILE))
            && failure.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%failure, "dev.json could not be removed");
        }
    }

    /// Writes the file.
    pub(super) fn keep(&self, dir: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("encoding dev.json")?;
        kept::write(&dir.join(FILE), &format!("{text}\n"))
    }

    /// A client that is signed in as the administrator.
    pub async fn sign_in(&self) -> Result<Client> {
        let password = self.admin.password.clone().into();
        Ok(Client::sign_in(&self.gateway, &self.admin.email, &password).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(pid: u32) -> Running {
        Running {
            gateway: "http://127.0.0.1:1".to_owned(),
            nats: "nats://127.0.0.1:2".to_owned(),
            owner: "nats://127.0.0.1:2".to_owned(),
            monitor: "http://127.0.0.1:3".to_owned(),
            postgres: "postgres://127.0.0.1:4/almanac".to_owned(),
            analyst: "postgres://127.0.0.1:4/almanac".to_owned(),
            auditor: "postgres://127.0.0.1:4/almanac".to_owned(),
            rows_owner: "postgres://127.0.0.1:4/almanac".to_owned(),
            rows_projector: "postgres://127.0.0.1:4/almanac".to_owned(),
            admin: Admin {
                email: "a@b".to_owned(),
                password: "c".to_owned(),
            },
            pid,
        }
    }

    fn told(dir: &Path) -> String {
        match Running::find(dir) {
            Ok(running) => format!("pid {}", running.pid),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn it_is_found_while_its_process_lives() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(told(dir.path()).contains("no almanac dev serves"));
        running(std::process::id())
            .keep(dir.path())
            .expect("written");
        assert_eq!(told(dir.path()), format!("pid {}", std::process::id()));
        running(u32::MAX).keep(dir.path()).expect("written");
        assert!(told(dir.path()).contains("was killed"));
        Running::forget(dir.path());
        Running::forget(dir.path());
        assert!(told(dir.path()).contains("no almanac dev serves"));
    }
}
