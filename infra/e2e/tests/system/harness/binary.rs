//! Where the program under test is.
//!
//! Invariant: it is the one that belongs to this source, unless `ALMANAC_BIN` names another.

use std::{env, path::PathBuf, process::Command, sync::OnceLock};

use anyhow::{Context, Result, anyhow, ensure};

/// The folder of the build that this test belongs to, such as `target/debug`.
pub fn build_dir() -> Result<PathBuf> {
    // Tests lie in `deps` beneath it.
    let test = env::current_exe().context("finding this test")?;
    let dir = test.ancestors().nth(2);
    Ok(dir.context("this test lies in no build folder")?.to_owned())
}

/// The program, built if need be.
pub fn binary() -> Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = BINARY.get_or_init(|| find().map_err(|error| format!("{error:#}")));
    found.clone().map_err(|error| anyhow!(error))
}

fn find() -> Result<PathBuf> {
    if let Some(named) = env::var_os("ALMANAC_BIN") {
        return Ok(named.into());
    }
    let dir = build_dir()?;
    let profile = match dir.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(profile) => profile,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--package", "almanac"])
        .args(["--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .context("starting cargo")?;
    ensure!(built.success(), "almanac does not build");
    Ok(dir.join("almanac"))
}
