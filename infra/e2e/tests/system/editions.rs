//! Read models are built anew and exchanged while people work.
//!
//! Invariant: nobody notices: every write is acknowledged and read again, and no read fails.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::harness::{Api, DataDir, Dev, almanac};

pub async fn reads_and_writes_go_on_through_a_swap() -> Result<()> {
    let data = DataDir::new()?;
    let dev = Dev::start("editions", &data, &[]).await?;
    let folder = data.path().display().to_string();
    let projections = async |asked: &str| {
        let run = almanac(&["projections", asked, "--data-dir", &folder]).await?;
        let first = run.stdout.lines().next().unwrap_or_default();
        let said: Value = serde_json::from_str(first).context(run.stderr)?;
        anyhow::Ok((run.code, said))
    };
    let (end, ends) = watch::channel(false);
    let busy = tokio::spawn(work(dev.admin().await?, ends));

    let (code, said) = projections("rollback").await?;
    ensure!(code == 1 && said["refused"].is_string(), "{said}");
    let (code, said) = projections("rebuild").await?;
    ensure!(code == 0 && said["built"] == "app_next", "{said}");
    let (code, said) = projections("list").await?;
    ensure!(code == 0 && said["schema"] == "app", "{said}");
    let mut generation = 0;
    for (asked, with) in [
        ("swap", "next"),
        ("rollback", "previous"),
        ("rollback", "previous"),
    ] {
        let (code, said) = projections(asked).await?;
        ensure!(code == 0 && said["swapped"] == with, "{asked}: {said}");
        let now = said["live"]["generation"]
            .as_u64()
            .context("a generation")?;
        ensure!(now > generation, "{now} after {generation}");
        generation = now;
    }
    let (code, said) = projections("swap").await?;
    ensure!(code == 1 && said["refused"].is_string(), "{said}");

    end.send_replace(true);
    let written = busy.await??;
    ensure!(written > 10, "only {written} things were written meanwhile");
    dev.finish().await
}

/// Writes and reads what was written until it is to end; says how often.
async fn work(api: Api, ends: watch::Receiver<bool>) -> Result<usize> {
    let mut written = 0;
    while !*ends.borrow() {
        let wanted = json!({"type": "busy", "name": format!("busy {written}")});
        let made = api.post("/resources", &wanted).await?.expect(201)?;
        let path = format!("/resources/{}", made.string("/id")?);
        let shown = api.get_after(&path, &made).await?.expect(200)?;
        ensure!(shown.json()? == made.json()?, "{shown:?}");
        let listed = api
            .get_after("/resources?type=busy&sort=-created_at&limit=1", &made)
            .await?;
        let listed = listed.expect(200)?.json()?;
        ensure!(listed["items"][0]["id"] == made.json()?["id"], "{listed}");
        written += 1;
    }
    Ok(written)
}
