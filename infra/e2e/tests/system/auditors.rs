//! What README tells auditors to type.
//!
//! Invariant: it is run as it is printed, in a folder where a system runs.

use std::{os::unix::fs::symlink, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};

use crate::{harness::build_dir, shared};

const README: &str = include_str!("../../../../README.md");
const LIMIT: Duration = Duration::from_mins(1);

pub async fn what_readme_tells_them_to_type_works() -> Result<()> {
    let (_, section) = README
        .split_once("\n## For auditors\n")
        .context("no section")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let blocks = section.split("```sh\n").skip(1);
    let blocks: Vec<_> = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    ensure!(!blocks.is_empty(), "nothing to type");
    let (_, data) = shared::told().await?;
    let folder = tempfile::tempdir()?;
    symlink(&data, folder.path().join(".almanac"))?;
    let programs = [build_dir()?];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(programs.into_iter().chain(std::env::split_paths(&path)))?;
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
    for told in [
        "\"attributes\":{\"size\":1}",
        "\"pointer\":\"/attributes/size\",\"before\":1,\"after\":2",
        "\"type\":\"resource.updated.v1\"",
    ] {
        ensure!(shown.contains(told), "{told} is not told: {shown}");
    }
    Ok(())
}
