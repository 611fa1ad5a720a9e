//! Files in a folder.
//!
//! Invariant: a file comes under its key by a rename, after its bytes are on disk; its folder is
//! flushed after that, so that a power cut takes neither a part of it nor all of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tokio::io::AsyncReadExt as _;

use crate::{FilesError, Found, Key, Reading, unavailable, writing::written_at};

/// How much is read at a time.
const PART: usize = 64 * 1024;

/// A folder of files.
#[derive(Clone, Debug)]
pub(crate) struct Folder(Arc<Path>);

impl Folder {
    /// Makes what is missing.
    pub(crate) fn open(folder: &Path) -> Result<Self, FilesError> {
        let told = |reason: io::Error| unavailable(format!("{}: {reason}", folder.display()));
        fs::create_dir_all(folder.join("objects")).map_err(told)?;
        Ok(Self(folder.into()))
    }

    /// Where files are until they are whole: on the same file system.
    pub(crate) fn workshop(&self) -> PathBuf {
        self.0.join("partial")
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.0.join("objects").join(key.as_str())
    }

    /// Gives the file at `from`, whose bytes are on disk, its key.
    pub(crate) async fn take_in(&self, from: &Path, key: &Key) -> Result<(), FilesError> {
        let (from, to) = (from.to_owned(), self.path(key));
        let root = self.0.join("objects");
        let moved = tokio::task::spawn_blocking(move || {
            let mut folder = to.parent().unwrap_or(&root);
            fs::create_dir_all(folder)?;
            fs::rename(&from, &to)?;
            // A folder that was made is an entry of the one above it.
            loop {
                fs::File::open(folder)?.sync_all()?;
                match folder.parent() {
                    Some(above) if folder != root => folder = above,
                    _ => return Ok::<_, io::Error>(()),
                }
            }
        });
        let moved = moved.await.map_err(unavailable)?;
        moved.map_err(unavailable)
    }

    pub(crate) async fn read(&self, key: &Key) -> Result<Reading, FilesError> {
        let opened = tokio::fs::File::open(self.path(key)).await;
        let file = opened.map_err(|reason| of(&reason, key))?;
        let found = file.metadata().await.map_err(unavailable)?;
        if !found.is_file() {
            return Err(FilesError::Missing(key.clone()));
        }
        let parts = stream::try_unfold(file, |mut file| async move {
            let mut part = vec![0; PART];
            let read = file.read(&mut part).await.map_err(unavailable)?;
            part.truncate(read);
            Ok((read > 0).then(|| (Bytes::from(part), file)))
        });
        Ok(Reading {
            bytes: found.len(),
            parts: parts.boxed(),
        })
    }

    pub(crate) async fn list(&self, under: &str) -> Result<Vec<Found>, FilesError> {
        let root = self.0.join("objects");
        let under = under.to_owned();
        let walked = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            if under.is_empty() || under.parse::<Key>().is_ok() {
                walk(&root, &root.join(&under), &mut found)?;
            }
            Ok::<_, io::Error>(found)
        });
        let walked = walked.await.map_err(unavailable)?;
        walked.map_err(unavailable)
    }

    pub(crate) async fn remove(&self, key: &Key) -> Result<(), FilesError> {
        let (path, root) = (self.path(key), self.0.join("objects"));
        match tokio::fs::remove_file(&path).await {
            Err(reason) if reason.kind() != io::ErrorKind::NotFound => Err(unavailable(reason)),
            _ => {
                // Folders that are empty now go as well; one that is not stays.
                let mut folder = path.parent();
                while let Some(at) = folder.filter(|at| *at != root) {
                    if tokio::fs::remove_dir(at).await.is_err() {
                        break;
                    }
                    folder = at.parent();
                }
                Ok(())
            }
        }
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<Found>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(root, &entry.path(), found)?;
            continue;
        }
        let path = entry.path();
        let key = path.strip_prefix(root).ok().and_then(Path::to_str);
        if let Some(key) = key.and_then(|key| key.parse().ok()) {
            let about = entry.metadata()?;
            found.push(Found {
                bytes: about.len(),
                key,
                written_at: written_at(&about)?,
            });
        }
    }
    Ok(())
}

fn of(reason: &io::Error, key: &Key) -> FilesError {
    match reason.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FilesError::Missing(key.clone()),
        _ => unavailable(reason),
    }
}
