//! Where the files are that tasks make: a folder, or a bucket of an object store that speaks as S3
//! does.
//!
//! - [`Files::begin`] starts a file; what is written to it is counted and digested, and
//!   [`Writing::keep`] gives it its key once it is whole and on disk.
//! - [`Files::read`] streams one, [`Files::list`] tells what there is, [`Files::remove`] takes one
//!   away.
//! - [`FileRef`] is what the output of a task says of a file.
//!
//! Invariant: under a key there is a whole file or none, and its key holds its digest: no two
//! contents ever share one, so who writes late or twice changes nothing.

mod digest;
mod folder;
mod key;
mod s3;
mod writing;

use bytes::Bytes;
use domain::Timestamp;
use futures::{StreamExt as _, stream::BoxStream};
use runtime::Clock;

use folder::Folder;
use s3::Bucket;

pub use digest::Digest;
pub use key::{FileRef, InvalidKey, InvalidName, Key, Name, named};
pub use writing::{Kept, ScratchFolder, Writing};

/// Where files are kept. Clones share connections.
#[derive(Clone, Debug)]
pub struct Files {
    clock: Clock,
    max_bytes: u64,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Folder(Folder),
    S3(Bucket),
}

/// A file that is being read.
pub struct Reading {
    /// How many bytes it has.
    pub bytes: u64,
    /// Its bytes, in parts.
    pub parts: BoxStream<'static, Result<Bytes, FilesError>>,
}

/// A file that is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// How many bytes it has.
    pub bytes: u64,
    /// Where it is.
    pub key: Key,
    /// When it was written.
    pub written_at: Timestamp,
}

/// Why a file is not given or taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FilesError {
    /// It is not what was written.
    #[error("the file {0} is not what was written: it has another SHA-256")]
    Altered(Key),
    /// There is none.
    #[error("there is no file {0}")]
    Missing(Key),
    /// The store says no, and would again.
    #[error("the store of files refuses: {0}")]
    Refused(String),
    /// It would have more bytes than a file may.
    #[error("a file may have {max} bytes at most")]
    TooLarge {
        /// How many it may have.
        max: u64,
    },
    /// The store cannot be reached, or has no room.
    #[error("the store of files is unavailable: {0}")]
    Unavailable(String),
}

impl Files {
    /// The place that `config` names, if it names one.
    pub fn open(config: &runtime::Files, clock: Clock) -> Result<Option<Self>, FilesError> {
        let place = match (&config.folder, &config.s3) {
            (Some(folder), _) => Place::Folder(Folder::open(folder)?),
            (None, Some(s3)) => Place::S3(Bucket::open(s3, clock.clone())?),
            (None, None) => return Ok(None),
        };
        Ok(Some(Self {
            clock,
            max_bytes: config.max_bytes,
            place,
        }))
    }

    /// Begins a file, which nobody sees before it is kept.
    pub fn begin(&self) -> Result<Writing, FilesError> {
        Writing::begin(self.clone())
    }

    /// The same for what the installation makes itself, which may have as many bytes as it needs.
    pub fn begin_of_any_size(&self) -> Result<Writing, FilesError> {
        let files = Self {
            max_bytes: u64::MAX,
            ..self.clone()
        };
        Writing::begin(files)
    }

    /// A folder for what is made of several files, which goes with the value.
    pub fn scratch(&self) -> Result<ScratchFolder, FilesError> {
        ScratchFolder::make(&self.place.workshop())
    }

    /// The file at `key`.
    pub async fn read(&self, key: &Key) -> Result<Reading, FilesError> {
        match &self.place {
            Place::Folder(folder) => folder.read(key).await,
            Place::S3(bucket) => bucket.read(key).await,
        }
    }

    /// Reads the file at `key` to its end, and refuses it if it is not of this digest.
    pub async fn verify(&self, key: &Key, sha256: &str) -> Result<u64, FilesError> {
        let mut reading = self.read(key).await?;
        let mut digest = Digest::default();
        while let Some(part) = reading.parts.next().await {
            digest.update(&part?);
        }
        let (bytes, found) = digest.finish();
        if found == sha256 {
            Ok(bytes)
        } else {
            Err(FilesError::Altered(key.clone()))
        }
    }

    /// What there is whose key begins with the part `under`, in the order of keys.
    pub async fn list(&self, under: &str) -> Result<Vec<Found>, FilesError> {
        let mut found = match &self.place {
            Place::Folder(folder) => folder.list(under).await?,
            Place::S3(bucket) => bucket.list(under).await?,
        };
        found.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(found)
    }

    /// Takes the file at `key` away; that there is none is as good.
    pub async fn remove(&self, key: &Key) -> Result<(), FilesError> {
        match &self.place {
            Place::Folder(folder) => folder.remove(key).await,
            Place::S3(bucket) => bucket.remove(key).await,
        }
    }

    /// Takes away what was begun before `instant` and never kept, of processes that were killed;
    /// how many files.
    pub async fn sweep(&self, instant: Timestamp) -> Result<u64, FilesError> {
        writing::sweep(self.place.workshop(), instant).await
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Place {
    /// Where files are until they are whole.
    fn workshop(&self) -> std::path::PathBuf {
        match self {
            Self::Folder(folder) => folder.workshop(),
            Self::S3(_) => std::env::temp_dir().join("almanac-files"),
        }
    }
}

fn unavailable(what: impl std::fmt::Display) -> FilesError {
    FilesError::Unavailable(what.to_string())
}
