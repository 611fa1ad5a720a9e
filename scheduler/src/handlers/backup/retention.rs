//! Which sets stay.
//!
//! Invariant: the newest stay, and every file that one of them names; a file goes only after no set
//! names it any more. What cannot be read as a set stays and keeps all files.

use std::collections::BTreeSet;

use files::{Files, FilesError, Key};
use futures::StreamExt as _;

use super::{BackupSet, FILES, SETS};

/// How large what tells of a set may be.
const SET_MAX: usize = 64 << 20;

/// Takes away all sets but the newest `keep`, and then the files of none; how many sets.
pub(super) async fn keep_newest(files: &Files, keep: usize) -> Result<usize, FilesError> {
    let sets: Vec<_> = files
        .list(SETS)
        .await?
        .into_iter()
        .map(|it| it.key)
        .collect();
    let old = sets.len().saturating_sub(keep);
    if old == 0 {
        return Ok(0);
    }
    let mut named = BTreeSet::new();
    for key in &sets[old..] {
        let Some(set) = read_set(files, key).await? else {
            tracing::warn!(%key, "is no set of a backup: nothing is taken away");
            return Ok(0);
        };
        named.extend(set.files.into_iter().map(|file| file.key));
    }
    for key in &sets[..old] {
        files.remove(key).await?;
    }
    for found in files.list(FILES).await? {
        if !named.contains(&found.key) {
            files.remove(&found.key).await?;
        }
    }
    Ok(old)
}

/// The set at `key`; none if there is something else.
pub async fn read_set(files: &Files, key: &Key) -> Result<Option<BackupSet>, FilesError> {
    let mut reading = files.read(key).await?;
    let mut text = Vec::new();
    while let Some(part) = reading.parts.next().await {
        text.extend_from_slice(&part?);
        if text.len() > SET_MAX {
            return Ok(None);
        }
    }
    Ok(serde_json::from_slice(&text).ok())
}
