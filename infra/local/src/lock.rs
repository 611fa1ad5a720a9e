//! One process per data folder.
//!
//! Invariant: the kernel drops the lock when its holder dies, so a stale file never blocks a start.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
    process,
};

use crate::{Error, Result};

/// Holds a folder for this process until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the folder, creating it if needed; [`Error::Locked`] names the holder if there is one.
    pub fn take(dir: &Path) -> Result<Self> {
        let mut file = open(dir)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid)
                    .map_err(Error::io("reading the lock"))?;
                let pid = if pid.trim().is_empty() {
                    "unknown"
                } else {
                    pid.trim()
                }
                .to_owned();
                return Err(Error::Locked {
                    dir: dir.to_owned(),
                    pid,
                });
            }
            Err(TryLockError::Error(source)) => return Err(refused(dir)(source)),
        }
        Self::sign(file, dir)
    }

    /// Takes the folder as soon as its present holder is done.
    pub(crate) fn wait(dir: &Path) -> Result<Self> {
        let file = open(dir)?;
        file.lock().map_err(refused(dir))?;
        Self::sign(file, dir)
    }

    fn sign(mut file: File, dir: &Path) -> Result<Self> {
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", process::id()))
            .map_err(refused(dir))?;
        Ok(Self { _file: file })
    }
}

fn open(dir: &Path) -> Result<File> {
    fs::create_dir_all(dir).map_err(Error::io(format!("creating {}", dir.display())))?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.join("lock"))
        .map_err(refused(dir))
}

fn refused(dir: &Path) -> impl FnOnce(std::io::Error) -> Error {
    Error::io(format!("locking {}", dir.display()))
}
