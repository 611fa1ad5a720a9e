//! A copy of the log and of the sealed vault in a folder, for the task `backup`.
//!
//! Invariant: it is made as a user of its own, who reads both and writes nothing; a log that does
//! not come out as it says of itself is no copy.

use std::{
    fs,
    io::{BufWriter, Write as _},
    path::Path,
    sync::Arc,
};

use anyhow::{Result, ensure};
use event_log::{JetStreamLog, Role, SealedVault};
use futures::FutureExt as _;
use runtime::Nats;
use scheduler::handlers::backup::{Copied, WriteCopy};
use secrecy::SecretString;

use super::open_log;
use crate::events::{
    check::check,
    encode::Format,
    export::{Question, export},
    filter::Filter,
    plan::PER_FILE,
};

/// The folder of the log's files.
pub const LOG: &str = "log";
/// The file of sealed secrets, one on each line.
pub const VAULT: &str = "vault.ndjson";

/// How the log and the vault are copied that `url` leads to.
pub async fn of_log(nats: &Nats, url: &SecretString) -> Result<Arc<WriteCopy>> {
    let nats = Nats {
        url: url.clone(),
        ..nats.clone()
    };
    let log = open_log(&nats, Role::Backup).await?;
    Ok(Arc::new(move |folder| {
        let log = log.clone();
        async move {
            let copied = Box::pin(copy(&log, &folder)).await;
            copied.map_err(|reason| format!("{reason:#}"))
        }
        .boxed()
    }))
}

/// Copies both. The vault comes last: what the log tells of was sealed before.
pub async fn copy(log: &JetStreamLog, folder: &Path) -> Result<Copied> {
    let question = Question {
        filter: Filter::default(),
        format: Format::Ndjson,
        per_file: PER_FILE,
    };
    let at = folder.join(LOG);
    let manifest = export(log, &at, question, |_, _| {}).await?;
    let told = manifest.clone();
    let checked = tokio::task::spawn_blocking(move || check(&at, &told, &[], |_, _| {}));
    let report = checked.await?;
    ensure!(
        report.findings.is_empty(),
        "the copy of the log is none: {}",
        report.findings.join(", ")
    );
    let secrets = seal_off(log, &folder.join(VAULT)).await?;
    Ok(Copied {
        log: manifest.log,
        position: manifest.last.0,
        root: manifest.root.unwrap_or_default(),
        secrets,
    })
}

async fn seal_off(log: &JetStreamLog, file: &Path) -> Result<u64> {
    let vault = SealedVault::open(log).await?;
    let mut to = BufWriter::new(fs::File::create(file)?);
    let (mut count, mut after) = (0, 0);
    while let Some((revision, secret)) = vault.next(after).await? {
        after = revision;
        serde_json::to_writer(&mut to, &secret)?;
        to.write_all(b"\n")?;
        count += 1;
    }
    to.into_inner()?.sync_all()?;
    Ok(count)
}
