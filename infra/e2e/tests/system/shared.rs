//! The system that most tests share.
//!
//! Invariant: it is started once, by the first test that needs it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use tokio::sync::Mutex;

use crate::audit;
use crate::harness::{Api, DataDir, Dev, DevJson};

static SHARED: Mutex<Option<(Dev, DataDir)>> = Mutex::const_new(None);

/// The administrator's API of the shared system.
pub async fn admin() -> Result<Api> {
    let (json, _) = told().await?;
    let (email, password) = (&json.admin.email, &json.admin.password);
    Api::at(&json.gateway)?.sign_in(email, password).await
}

/// What the shared system tells tools, and its data folder.
pub async fn told() -> Result<(DevJson, PathBuf)> {
    let mut shared = SHARED.lock().await;
    if shared.is_none() {
        let data = DataDir::new()?;
        *shared = Some((Dev::start("shared", &data, &[]).await?, data));
    }
    let (dev, data) = shared.as_ref().context("the shared system runs")?;
    Ok((dev.json.clone(), data.path().to_owned()))
}

/// Ends it, if a test started it: what it shows must be what its log says.
pub async fn finish() -> Result<()> {
    let shared = SHARED.lock().await.take();
    match shared {
        Some((dev, _data)) => {
            audit::every_commit_of_a_person_has_its_record(&dev).await?;
            dev.finish().await
        }
        None => Ok(()),
    }
}
