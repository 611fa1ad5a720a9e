//! What an auditor does: keeps keys, a checkpoint and a receipt, and checks them without us.
//!
//! Invariant: the last checks are made when nothing of the system runs any more.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

use crate::harness::{DataDir, Dev, almanac};

pub async fn a_receipt_holds_when_nothing_runs() -> Result<()> {
    let data = DataDir::new()?;
    let kept = tempfile::tempdir()?;
    let path = |name: &str| kept.path().join(name).display().to_string();
    let (keys, checkpoint, receipt) = (path("keys"), path("checkpoint"), path("receipt.json"));
    let dev = Dev::start("receipts", &data, &[]).await?;
    let folder = data.path().display().to_string();
    let position = dev.admin().await?.position_after_mark().await?;
    let position = position.to_string();

    let early = [
        "log",
        "receipt",
        "--position",
        &position,
        "--data-dir",
        &folder,
    ];
    let early = almanac(&early).await?;
    ensure!(
        early.one_line()?.contains("log checkpoint --sign"),
        "{early:?}"
    );
    let sign = ["log", "checkpoint", "--sign", "--data-dir", &folder];
    keep(&sign, &checkpoint).await?;
    keep(&["log", "keys", "--data-dir", &folder], &keys).await?;
    let ask = [
        "log",
        "receipt",
        "--position",
        &position,
        "--data-dir",
        &folder,
    ];
    keep(&ask, &receipt).await?;
    let again = ["log", "checkpoint", "--data-dir", &folder];
    let again = almanac(&again).await?.succeeded()?.stdout;
    ensure!(
        again == fs::read_to_string(&checkpoint)?,
        "another: {again}"
    );

    let verify = ["log", "verify", "--checkpoint", &checkpoint, "--key", &keys];
    let verify = [&verify[..], &["--data-dir", &folder]].concat();
    let proof = almanac(&verify).await?.succeeded()?.stdout;
    // The one in the log, and the one that was kept.
    ensure!(proof.contains(": 2 checkpoints hold"), "{proof}");
    dev.finish().await?;

    let check = ["log", "check-receipt", &receipt, "--key", &keys];
    let said = almanac(&check).await?.succeeded()?.stdout;
    ensure!(
        said.contains(&format!("✔ position {position} of almanac/")),
        "{said}"
    );
    ensure!(said.contains("resource.created"), "{said}");
    let text = fs::read_to_string(&receipt)?;
    fs::write(
        &receipt,
        text.replace("resource.created", "resource.deleted"),
    )?;
    let said = almanac(&check).await?;
    ensure!(
        said.code == 1 && said.stdout.contains("proves nothing"),
        "{said:?}"
    );
    Ok(())
}

/// Keeps what a run prints.
async fn keep(args: &[&str], file: impl AsRef<Path>) -> Result<()> {
    let run = almanac(args).await?.succeeded();
    let run = run.with_context(|| args.join(" "))?;
    fs::write(file, run.stdout)?;
    Ok(())
}
