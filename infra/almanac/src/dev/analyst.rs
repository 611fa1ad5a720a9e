//! Whoever asks the read models in SQL.
//!
//! Invariant: they can read the read models and the log's copy, within limits, and nothing else.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use projections::Store;
use secrecy::ExposeSecret as _;

use super::{House, kept};

/// Idempotent, and also right after the tables have changed.
const GRANT: &str = include_str!("analyst.sql");

/// Makes the role `analyst`, and says where it connects to; none where there is no `psql`.
pub(super) async fn grant(_migrated: &Store, house: &House<'_>) -> Result<Option<String>> {
    let random = || kept::hex(&runtime::random::bytes::<24>());
    let password = kept::text(&house.dir.join("analyst"), random)?;
    let postgres = &house.servers.postgres;
    let beside = postgres.programs().bin.join("psql");
    let psql = Some(beside).filter(|program| program.is_file());
    let Some(psql) = psql.or_else(|| local::provision::on_path("psql")) else {
        println!(" ! no role analyst: psql not found → apt-get install postgresql-client");
        return Ok(None);
    };
    let mut command = Command::new(psql);
    command
        .args([
            "--no-psqlrc",
            "--quiet",
            "--set",
            "ON_ERROR_STOP=1",
            "--file",
            "-",
        ])
        .args(["--dbname", &postgres.url("almanac")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // The password is hexadecimal, so it needs no escaping.
    let script = format!("\\set password '{}'\n{GRANT}", password.expose_secret());
    let done = super::blocking(move || fed(&mut command, &script)).await??;
    if !done.status.success() {
        let told = String::from_utf8_lossy(&done.stderr);
        bail!("the role analyst could not be made: {}", told.trim());
    }
    Ok(Some(postgres.url_as(
        "analyst",
        password.expose_secret(),
        "almanac",
    )))
}

fn fed(command: &mut Command, input: &str) -> Result<std::process::Output> {
    let mut child = command.spawn().context("starting psql")?;
    child
        .stdin
        .take()
        .context("psql reads")?
        .write_all(input.as_bytes())
        .context("telling psql")?;
    child.wait_with_output().context("waiting for psql")
}
