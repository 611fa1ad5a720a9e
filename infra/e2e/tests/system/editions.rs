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
    nothing_would_change(&said)?;
    let (code, said) = projections("status").await?;
    ensure!(code == 0 && said["at_work"] == false, "{said}");
    ensure!(said["next"]["state"] == "complete", "{said}");
    let reached = ["/next/position", "/position", "/log"].map(|at| number(&said, at));
    let reached = reached.into_iter().collect::<Result<Vec<_>>>()?;
    ensure!(reached.is_sorted(), "{said}");
    ensure!(
        number(&said, "/parked")? == 0 && said["previous"].is_null(),
        "{said}"
    );
    let (code, said) = projections("verify").await?;
    ensure!(code == 0 && said["holds"] == true, "{said}");
    ensure!(number(&said, "/differences_total")? == 0, "{said}");
    ensure!(
        number(&said, "/commits")? > 10 && number(&said, "/rows")? > 10,
        "{said}"
    );
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
    let (code, said) = projections("status").await?;
    ensure!(code == 0 && said["next"].is_null(), "{said}");
    ensure!(said["previous"]["state"] == "complete", "{said}");
    let (code, said) = projections("swap").await?;
    ensure!(code == 1 && said["refused"].is_string(), "{said}");

    end.send_replace(true);
    let written = busy.await??;
    ensure!(written > 10, "only {written} things were written meanwhile");
    dev.finish().await
}

/// Both editions are seen at one position, however much is written, and are alike there.
fn nothing_would_change(said: &Value) -> Result<()> {
    let differs = &said["would_change"];
    let position = number(said, "/position")?;
    ensure!(
        differs["positions"] == json!([position, position]),
        "{said}"
    );
    ensure!(number(differs, "/rows")? > 10, "{said}");
    let tables = differs["tables"].as_array().context("tables")?;
    ensure!(tables.len() > 15, "{said}");
    for table in tables {
        for what in ["added", "removed", "changed"] {
            ensure!(table[what] == 0, "{what}: {table}");
        }
    }
    Ok(())
}

fn number(said: &Value, at: &str) -> Result<u64> {
    let number = said.pointer(at).and_then(Value::as_u64);
    number.with_context(|| format!("{at} is no number: {said}"))
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
