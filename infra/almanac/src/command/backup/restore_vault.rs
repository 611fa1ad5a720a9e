//! `almanac backup restore-vault`
//!
//! Invariant: a secret that is there is not written over; what has ended meanwhile stays gone.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use event_log::{Role, SealedSecret, SealedVault, VaultError};
use runtime::Clock;
use serde_json::json;

use crate::{
    cli::RestoreVault,
    roles::{self, VAULT},
};

pub(super) async fn run(asked: RestoreVault) -> Result<ExitCode> {
    let path = asked.from.join(VAULT);
    let opened = fs::File::open(&path);
    let lines = BufReader::new(opened.with_context(|| format!("reading {}", path.display()))?);
    let log = roles::open_log(&asked.place.owner()?, Role::Owner).await?;
    let vault = SealedVault::open(&log).await?;
    let now = Clock::system().now();
    let (mut restored, mut ended, mut there) = (0, 0, 0_u64);
    for line in lines.lines() {
        let secret: SealedSecret = serde_json::from_str(&line?).context("reading the vault")?;
        match vault.restore(&secret, now).await {
            Ok(true) => restored += 1,
            Ok(false) => ended += 1,
            Err(VaultError::Conflict) => there += 1,
            Err(reason) => return Err(reason.into()),
        }
    }
    println!(
        "{}",
        json!({"restored": restored, "ended": ended, "there": there})
    );
    if there > 0 {
        bail!("the vault held {there} of them already: they were left as they are");
    }
    Ok(ExitCode::SUCCESS)
}
