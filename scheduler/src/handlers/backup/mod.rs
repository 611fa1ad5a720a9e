//! `backup`: the whole log and the sealed vault, into the store of files.
//!
//! What is written is an export as `almanac events export` makes it, and the vault's bytes as they
//! are kept: sealed. Files that an earlier backup has already are not sent again. How to get it
//! back is in the README; decision 39 says why it is made so.
//!
//! Invariant: a set is told of only once each of its files has been read back from the store with
//! the digest that was written; what is not in a set is no backup. Only the main tenant makes them,
//! and no task and no route reads them.

mod retention;
#[cfg(test)]
mod tests;

use std::{io::Write as _, path::Path, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use domain::{LogLevel, TenantId, Timestamp};
use files::{Files, FilesError, Kept, Key};
use futures::future::BoxFuture;
use runtime::Clock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use super::{AttemptContext, Handler, Outcome, extracted, read, stored, unless_stopped};

pub use retention::read_set;

/// Where the files of all sets are.
pub const FILES: &str = "backups/files";
/// Where the sets are.
pub const SETS: &str = "backups/sets";
/// What tells of a set.
pub const SET: &str = "backup.json";
/// The form of sets.
const FORM: u16 = 1;
/// How many sets are kept unless the payload says another number.
const KEEP: usize = 7;
/// How much of a file is read at a time.
const PART: usize = 64 * 1024;

/// Writes a copy of the log and of the sealed vault into a folder.
pub type WriteCopy = dyn Fn(PathBuf) -> BoxFuture<'static, Result<Copied, String>> + Send + Sync;

/// What a copy holds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Copied {
    /// Which log, by its incarnation.
    pub log: String,
    /// The last position.
    pub position: u64,
    /// The root of the Merkle tree over the log up to there.
    pub root: String,
    /// How many secrets there are.
    pub secrets: u64,
}

/// A backup.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BackupSet {
    /// Which form this is of.
    pub form: u16,
    /// What is in it.
    #[serde(flatten)]
    pub copied: Copied,
    /// Its files.
    pub files: Vec<BackupFile>,
    /// When it was made.
    pub made_at: Timestamp,
}

/// A file of a backup.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BackupFile {
    /// How many bytes it has.
    pub bytes: u64,
    /// Where it is in the store.
    pub key: Key,
    /// Its path in the folder that it came from.
    pub path: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// The handler.
pub struct Backup {
    clock: Clock,
    copy: Option<Arc<WriteCopy>>,
    files: Option<Files>,
}

/// What it is given.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Payload {
    /// How many sets are kept, this one included.
    keep: Option<usize>,
}

impl Backup {
    /// One that copies by `copy` into `files`.
    pub fn new(clock: Clock, copy: Option<Arc<WriteCopy>>, files: Option<Files>) -> Self {
        Self { clock, copy, files }
    }

    async fn back_up(&self, payload: Payload, context: &AttemptContext) -> Result<Value, Outcome> {
        if context.tenant != TenantId::MAIN {
            let why = "the log is all tenants': only the main one makes backups of it";
            return Err(Outcome::fail("backup_refused", why));
        }
        let keep = payload.keep.unwrap_or(KEEP);
        if keep == 0 {
            return Err(Outcome::fail("invalid_payload", "keep is at least 1"));
        }
        let files = stored::place(self.files.as_ref())?;
        let copy = self.copy.as_ref();
        let copy = copy.ok_or_else(|| extracted::elsewhere("worker.backup_nats_url"))?;
        let folder = files.scratch().map_err(stored::failed)?;
        let copied = copy(folder.path().to_owned()).await;
        let copied = copied.map_err(|reason| Outcome::retry("backup_failed", reason))?;
        let position = copied.position;
        let words = format!("copied the log up to position {position}, and the vault");
        context.report.log(LogLevel::Info, words);
        let (mut kept, mut sent) = (Vec::new(), 0_u64);
        let paths = paths(folder.path()).map_err(broken)?;
        let of = Some(paths.len() as u64);
        for path in paths {
            let (file, is_new) = keep_file(files, folder.path(), &path).await?;
            sent += if is_new { file.bytes } else { 0 };
            kept.push(file);
            context.report.progress(kept.len() as u64, of, "files");
        }
        for file in &kept {
            files
                .verify(&file.key, &file.sha256)
                .await
                .map_err(stored::failed)?;
        }
        let backup = BackupSet {
            form: FORM,
            copied,
            files: kept,
            made_at: self.clock.now(),
        };
        let told = tell(files, &backup).await?;
        let removed = retention::keep_newest(files, keep)
            .await
            .map_err(stored::failed)?;
        let bytes: u64 = backup.files.iter().map(|file| file.bytes).sum();
        Ok(json!({
            "bytes": bytes, "bytes_sent": sent, "parts": backup.files.len(),
            "position": backup.copied.position, "removed_sets": removed, "root": backup.copied.root,
            "secrets": backup.copied.secrets, "set": told.key, "sha256": told.sha256,
        }))
    }
}

#[async_trait]
impl Handler for Backup {
    fn is_able(&self) -> bool {
        self.copy.is_some()
    }

    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome {
        let payload = if payload.is_null() {
            json!({})
        } else {
            payload
        };
        let backed_up = async { self.back_up(read(payload)?, context).await };
        unless_stopped(context, backed_up).await
    }
}

/// The files of `folder` and of the folders in it, by their paths there.
fn paths(folder: &Path) -> std::io::Result<Vec<String>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if let Ok(path) = entry.path().strip_prefix(folder) {
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Keeps the file at `path` of `folder`; and whether it was not there yet.
async fn keep_file(
    files: &Files,
    folder: &Path,
    path: &str,
) -> Result<(BackupFile, bool), Outcome> {
    let mut from = tokio::fs::File::open(folder.join(path))
        .await
        .map_err(broken)?;
    let mut writing = files.begin_of_any_size().map_err(stored::failed)?;
    let mut part = vec![0; PART];
    loop {
        let read = from.read(&mut part).await.map_err(broken)?;
        if read == 0 {
            break;
        }
        writing.write_all(&part[..read]).map_err(broken)?;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let key = |sha256: &str| format!("{FILES}/{sha256}/{name}").parse();
    let (bytes, sha256) = writing.digest();
    let key: Key = key(&sha256).map_err(|reason| Outcome::fail("backup_failed", reason))?;
    let is_there = match files.verify(&key, &sha256).await {
        Ok(_) => true,
        // One that was spoiled is written anew.
        Err(FilesError::Missing(_) | FilesError::Altered(_)) => false,
        Err(reason) => return Err(stored::failed(reason)),
    };
    if !is_there {
        let at = key.clone();
        writing.keep(|_| Ok(at)).await.map_err(stored::failed)?;
    }
    let path = path.to_owned();
    let file = BackupFile {
        bytes,
        key,
        path,
        sha256,
    };
    Ok((file, !is_there))
}

/// Keeps what tells of a set, last of all, and reads it back.
async fn tell(files: &Files, set: &BackupSet) -> Result<Kept, Outcome> {
    let mut writing = files.begin().map_err(stored::failed)?;
    serde_json::to_writer_pretty(&mut writing, set).map_err(|reason| broken(reason.into()))?;
    // In the order of time.
    let at = format!("{:015}", set.made_at.unix_ms());
    let kept = writing.keep(|sha256| format!("{SETS}/{at}/{sha256}/{SET}").parse());
    let kept = kept.await.map_err(stored::failed)?;
    files
        .verify(&kept.key, &kept.sha256)
        .await
        .map_err(stored::failed)?;
    Ok(kept)
}

fn broken(reason: std::io::Error) -> Outcome {
    stored::failed(FilesError::from(reason))
}
