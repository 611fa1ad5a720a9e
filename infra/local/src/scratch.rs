//! Temporary folders for servers of tests.
//!
//! Invariant: a folder outlives its process only until the next scratch is made.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{Error, Result, process::Identity};

const PREFIX: &str = "almanac-scratch-";

/// A new folder that other accounts can pass through but not list.
pub(crate) fn folder() -> Result<TempDir> {
    sweep();
    let me = Identity::of(std::process::id())
        .ok_or_else(|| Error::Unusable("/proc is not mounted → mount it".to_owned()))?;
    let folder = tempfile::Builder::new()
        .prefix(&format!("{PREFIX}{}-", me.word()))
        .tempdir()
        .map_err(Error::io("creating a scratch folder"))?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))
        .map_err(Error::io("opening the scratch folder"))?;
    Ok(folder)
}

/// Removes folders whose process is gone: servers in a `static` are never dropped.
fn sweep() {
    let entries = fs::read_dir(env::temp_dir())
        .into_iter()
        .flatten()
        .flatten();
    for path in entries
        .map(|entry| entry.path())
        .filter(|path| is_abandoned(path))
    {
        // Another process may be sweeping as well.
        let _ = fs::remove_dir_all(path);
    }
}

fn is_abandoned(path: &Path) -> bool {
    let owner = path
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_prefix(PREFIX))
        .and_then(|name| name.rsplit_once('-'))
        .and_then(|(word, _)| Identity::from_word(word));
    let cluster: PathBuf = path.join("postgres/cluster/postmaster.pid");
    let serving = fs::read_to_string(cluster)
        .ok()
        .and_then(|text| text.lines().next()?.trim().parse().ok())
        .and_then(Identity::of)
        .is_some_and(|server| server.runs_with(&path.display().to_string()));
    owner.is_some_and(|owner| !owner.is_alive()) && !serving
}
