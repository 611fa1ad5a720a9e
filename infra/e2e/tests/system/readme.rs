//! What README tells people to type.
//!
//! Invariant: it is run as it is printed, in a folder where a system runs.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use crate::{harness::build_dir, shared};

const README: &str = include_str!("../../../../README.md");
const LIMIT: Duration = Duration::from_mins(1);

/// Runs all commands of a section one after the other, with `programs` at hand as well; says what
/// they print.
pub async fn typed(section: &str, programs: Option<&Path>) -> Result<String> {
    let heading = format!("\n## {section}\n");
    let (_, section) = README.split_once(&heading).context("no section")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let blocks = section.split("```sh\n").skip(1);
    let blocks: Vec<_> = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    ensure!(!blocks.is_empty(), "nothing to type");
    let (_, data) = shared::told().await?;
    let folder = tempfile::tempdir()?;
    symlink(&data, folder.path().join(".almanac"))?;
    let mut places: Vec<PathBuf> = vec![build_dir()?];
    places.extend(programs.map(Path::to_owned));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(places.into_iter().chain(std::env::split_paths(&path)))?;
    let typed = tokio::process::Command::new("sh")
        .env("PATH", path)
        .args(["-euc", &blocks.concat()])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let typed = tokio::time::timeout(LIMIT, typed).await??;
    let (shown, error) = (
        String::from_utf8_lossy(&typed.stdout),
        String::from_utf8_lossy(&typed.stderr),
    );
    ensure!(typed.status.success(), "{shown}\n{error}");
    Ok(shown.into_owned())
}
