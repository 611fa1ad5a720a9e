//! A file that is being written.
//!
//! Invariant: it has no key before it is whole and on disk; one that is dropped leaves nothing
//! behind, and one of a process that was killed is swept away later. It never has more bytes than
//! it may.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use domain::{TaskId, TenantId, Timestamp};

use crate::{
    Digest, FileRef, Files, FilesError, InvalidKey, Key, Name, Place, digest::hex, unavailable,
};

/// A file that is being written.
pub struct Writing {
    digest: Digest,
    file: BufWriter<fs::File>,
    files: Files,
    scratch: Scratch,
}

/// A file that is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kept {
    /// How many bytes it has.
    pub bytes: u64,
    /// Where it is.
    pub key: Key,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// A file without a key, which goes with this.
struct Scratch(PathBuf);

/// A folder for what is made of several files, which goes with this.
pub struct ScratchFolder(PathBuf);

impl ScratchFolder {
    pub(crate) fn make(workshop: &Path) -> Result<Self, FilesError> {
        let name = hex(&runtime::random::bytes::<16>());
        let path = workshop.join(format!("{name}.partial"));
        fs::create_dir_all(&path).map_err(unavailable)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // What cannot be removed now is swept away once it is old.
        let _removed = fs::remove_dir_all(&self.0);
    }
}

impl Writing {
    pub(crate) fn begin(files: Files) -> Result<Self, FilesError> {
        let workshop = files.place.workshop();
        fs::create_dir_all(&workshop).map_err(unavailable)?;
        let name = hex(&runtime::random::bytes::<16>());
        let path = workshop.join(format!("{name}.partial"));
        let file = fs::File::create_new(&path).map_err(unavailable)?;
        Ok(Self {
            digest: Digest::default(),
            file: BufWriter::with_capacity(1 << 16, file),
            files,
            scratch: Scratch(path),
        })
    }

    /// How many bytes it has so far.
    pub const fn bytes(&self) -> u64 {
        self.digest.bytes()
    }

    /// How many bytes it has so far, and their SHA-256.
    pub fn digest(&self) -> (u64, String) {
        self.digest.clone().finish()
    }

    /// Keeps it under the key that is made of its SHA-256.
    pub async fn keep(
        self,
        key: impl FnOnce(&str) -> Result<Key, InvalidKey>,
    ) -> Result<Kept, FilesError> {
        let Self {
            digest,
            file,
            files,
            scratch,
        } = self;
        let (bytes, sha256) = digest.finish();
        let key = key(&sha256).map_err(|reason| FilesError::Refused(reason.to_string()))?;
        let on_disk = tokio::task::spawn_blocking(move || {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()
        });
        let on_disk = on_disk.await.map_err(unavailable)?;
        on_disk.map_err(unavailable)?;
        match &files.place {
            Place::Folder(folder) => folder.take_in(&scratch.0, &key).await?,
            Place::S3(bucket) => bucket.put(&scratch.0, &key, bytes, &sha256).await?,
        }
        Ok(Kept { bytes, key, sha256 })
    }

    /// Keeps it as the file `name` of `task`.
    pub async fn keep_for(
        self,
        tenant: TenantId,
        task: TaskId,
        name: Name,
    ) -> Result<FileRef, FilesError> {
        let kept = self.keep(|sha256| Key::of_task(tenant, task, sha256, &name));
        let Kept { bytes, key, sha256 } = kept.await?;
        Ok(FileRef {
            admins_only: false,
            bytes,
            key,
            name,
            sha256,
        })
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let max = self.files.max_bytes;
        if self.bytes().saturating_add(bytes.len() as u64) > max {
            let reason = FilesError::TooLarge { max };
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
        }
        self.file.write_all(bytes)?;
        self.digest.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl From<io::Error> for FilesError {
    fn from(reason: io::Error) -> Self {
        let told = reason.get_ref().and_then(|inner| inner.downcast_ref());
        told.cloned().unwrap_or_else(|| unavailable(&reason))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Once it is kept there is nothing of this name.
        let _removed = fs::remove_file(&self.0);
    }
}

/// Takes away what was begun before `instant`.
pub(crate) async fn sweep(workshop: PathBuf, instant: Timestamp) -> Result<u64, FilesError> {
    let swept = tokio::task::spawn_blocking(move || sweep_in(&workshop, instant));
    Ok(swept.await.map_err(unavailable)??)
}

fn sweep_in(workshop: &Path, instant: Timestamp) -> io::Result<u64> {
    let mut count = 0;
    let found = match fs::read_dir(workshop) {
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Ok(0),
        found => found?,
    };
    for entry in found {
        let path = entry?.path();
        let is_partial = path.extension().is_some_and(|ending| ending == "partial");
        let about = fs::metadata(&path)?;
        if is_partial && written_at(&about)? < instant {
            if about.is_dir() {
                fs::remove_dir_all(&path)?;
            } else {
                fs::remove_file(&path)?;
            }
            count += 1;
        }
    }
    Ok(count)
}

/// When a file was last written.
pub(crate) fn written_at(found: &fs::Metadata) -> io::Result<Timestamp> {
    let since = found.modified()?.duration_since(std::time::UNIX_EPOCH);
    let ms = since.unwrap_or_default().as_millis();
    Ok(Timestamp::from_unix_ms(
        i64::try_from(ms).unwrap_or(i64::MAX),
    ))
}
