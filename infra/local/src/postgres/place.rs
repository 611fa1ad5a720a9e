//! Where a cluster lies.
//!
//! Invariant: in the data folder itself, unless an unprivileged account must run it and cannot get
//! there; then under `/var/lib/almanac`, with a pointer in the data folder and an origin beside it,
//! and it is used only while the two name each other.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::cluster::end_orphan;
use crate::{Error, Lock, Result, account::Account, secret};

const OUTSIDE: &str = "/var/lib/almanac";
const POINTER: &str = "cluster.at";
const ORIGIN: &str = "origin";

/// The folder of the cluster for a data folder (absolute); its parent exists and can be reached.
pub(super) fn cluster(dir: &Path, account: Option<Account>) -> Result<PathBuf> {
    let inside = dir.join("cluster");
    if inside.exists() {
        return Ok(inside);
    }
    match account {
        Some(account) if !account.reaches(&inside) => outside(dir),
        _ => Ok(inside),
    }
}

/// Removes a data folder of Postgres with its cluster, wherever that lies. The server must be
/// stopped; a server left behind by a killed process is ended.
pub fn wipe(dir: &Path) -> Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    let dir = fs::canonicalize(dir).map_err(Error::io("resolving a folder"))?;
    let _lock = Lock::take(&dir)?;
    end_orphan(&dir.join("cluster"));
    if let Some(home) = pointed_home(&dir).filter(|home| origin(home).as_ref() == Some(&dir)) {
        remove(&home)?;
    }
    fs::remove_dir_all(&dir).map_err(Error::io(format!("removing {}", dir.display())))
}

fn outside(dir: &Path) -> Result<PathBuf> {
    if let Some(home) = pointed_home(dir) {
        let origin = origin(&home);
        if origin.as_deref() == Some(dir) {
            return Ok(home.join("cluster"));
        }
        // Moved, not copied: nobody at the old place points here any more.
        if origin.is_some_and(|old| !old.join(POINTER).exists()) {
            sign(&home, dir)?;
            return Ok(home.join("cluster"));
        }
    }
    let mut hasher = DefaultHasher::new();
    dir.hash(&mut hasher);
    let salt = secret::hex(&secret::random::<4>()?);
    let home = Path::new(OUTSIDE).join(format!("{:016x}-{salt}", hasher.finish()));
    fs::create_dir_all(&home)
        .and_then(|()| open_to_all(Path::new(OUTSIDE)))
        .and_then(|()| open_to_all(&home))
        .map_err(Error::io(format!("creating {}", home.display())))?;
    abandon_older(dir, &home);
    sign(&home, dir)?;
    fs::write(dir.join(POINTER), format!("{}\n", home.display()))
        .map_err(Error::io("writing the pointer to the cluster"))?;
    Ok(home.join("cluster"))
}

/// Clusters whose data folder was removed and made anew must not come back with old rows.
fn abandon_older(dir: &Path, keep: &Path) {
    for home in fs::read_dir(OUTSIDE)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
    {
        if home != keep && origin(&home).as_deref() == Some(dir) {
            // What cannot be removed is only disk space.
            let _ = remove(&home);
        }
    }
}

fn pointed_home(dir: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(dir.join(POINTER)).ok()?;
    let home = PathBuf::from(text.trim());
    (home.parent() == Some(Path::new(OUTSIDE)) && home.is_dir()).then_some(home)
}

fn origin(home: &Path) -> Option<PathBuf> {
    fs::read_to_string(home.join(ORIGIN))
        .ok()
        .map(|text| PathBuf::from(text.trim()))
}

fn sign(home: &Path, dir: &Path) -> Result<()> {
    fs::write(home.join(ORIGIN), format!("{}\n", dir.display())).map_err(Error::io(format!(
        "writing {}",
        home.join(ORIGIN).display()
    )))
}

fn remove(home: &Path) -> Result<()> {
    end_orphan(&home.join("cluster"));
    match fs::remove_dir_all(home) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io(format!("removing {}", home.display()))(error))
        }
        _ => Ok(()),
    }
}

fn open_to_all(dir: &Path) -> std::io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o711))
}
