//! Starting, starting again, and not starting.
//!
//! Invariant: whatever prevents a start is told in one line that says what to do.

use std::net::TcpListener;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::harness::{Api, DataDir, Dev, DevJson, almanac, almanac_with};

pub async fn a_second_start_goes_on() -> Result<()> {
    let data = DataDir::new()?;
    let first = Dev::start("starts", &data, &[]).await?;
    let admin = first.json.admin.clone();
    let session = json!({"email": admin.email, "password": admin.password});
    let session = first
        .stranger()?
        .post("/auth/login", &session)
        .await?
        .expect(200)?;
    let refresh = json!({"refresh_token": session.string("/refresh_token")?});
    let api = first.admin().await?;
    let wanted = json!({"type": "kept", "name": "k1", "attributes": {"n": 1}});
    let kept = api.post("/resources", &wanted).await?.expect(201)?;
    let path = format!("/resources/{}", kept.string("/id")?);
    let later = json!({"kind": "echo", "not_before": "2999-01-01T00:00:00Z"});
    let task = api.post("/tasks", &later).await?.expect(201)?;
    let task = format!("/tasks/{}", task.string("/id")?);
    first.stop().await?;

    let second = Dev::start("starts", &data, &[]).await?;
    let folder = data.path().display().to_string();
    let keys = almanac(&["keys", "list", "--data-dir", &folder]).await?;
    let keys = keys.succeeded().context("the keys of a running system")?;
    ensure!(keys.stdout.contains("\"kid\""), "no keys: {keys:?}");
    ensure!(
        second.json.admin == admin,
        "another administrator: {:?}",
        second.json.admin
    );
    let api = second.admin().await?;
    // A token of before the restart still stands for a position of this log.
    let read = api.get_after(&path, &kept).await?.expect(200)?;
    ensure!(
        read.body == kept.body,
        "kept {}, found {}",
        kept.text(),
        read.text()
    );
    api.get(&task).await?.expect(200)?;
    second
        .stranger()?
        .post("/auth/refresh", &refresh)
        .await?
        .expect(200)?;
    api.post("/resources", &wanted).await?.expect(201)?;
    second.finish().await?;

    let third = Dev::start("starts", &data, &["--reset"]).await?;
    let api = third.admin().await?;
    api.get(&path).await?.problem(404, "NOT_FOUND")?;
    let mark = api
        .post("/resources", &json!({"type": "mark", "name": "m"}))
        .await?
        .expect(201)?;
    let left = api.list_after("/resources", &mark).await?;
    ensure!(left.len() == 1, "left after a reset: {left:?}");
    third.finish().await
}

pub async fn what_cannot_start_says_why() -> Result<()> {
    let data = DataDir::new()?;
    let dev = Dev::start("refused-starts", &data, &[]).await?;
    let folder = data.path().display().to_string();
    let quiet = ["--no-demo", "--no-open"];

    let args = [
        "dev",
        "--data-dir",
        &folder,
        "--port",
        "0",
        quiet[0],
        quiet[1],
    ];
    let run = almanac(&args).await?;
    let line = run.one_line().context("a second process on one folder")?;
    ensure!(
        line.contains(&dev.json.pid.to_string()),
        "does not name the process: {line}"
    );

    let other = DataDir::new()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let folder = other.path().display().to_string();
    let args = [
        "dev",
        "--data-dir",
        &folder,
        "--port",
        &port,
        quiet[0],
        quiet[1],
    ];
    let run = almanac(&args).await?;
    let line = run.one_line().context("a port in use")?;
    ensure!(line.contains(&port), "does not name the port: {line}");
    let holder = std::process::id().to_string();
    ensure!(
        line.contains(&holder),
        "does not name who holds the port: {line}"
    );

    let run = almanac(&["import", "inventory", "--data-dir", &folder]).await?;
    run.one_line().context("an import into nothing")?;
    let run = almanac(&["gateway", "--config", "no-such-file.toml"]).await?;
    let line = run
        .one_line()
        .context("a configuration that is not there")?;
    ensure!(
        line.contains("no-such-file.toml"),
        "does not name the file: {line}"
    );
    let run = almanac(&["dev", "--no-such-flag"]).await?;
    ensure!(
        run.code == 2 && run.stderr.contains("--no-such-flag"),
        "{run:?}"
    );

    a_part_as_somebody_else(&dev.json).await?;

    // None of this disturbed the one that runs.
    Api::at(&dev.json.gateway)?
        .get("!/readyz")
        .await?
        .expect(200)?;
    dev.finish().await
}

/// The analyst may read the log, which is less and more than a gateway needs.
async fn a_part_as_somebody_else(running: &DevJson) -> Result<()> {
    let key = "5a".repeat(32);
    let told = [
        ("ALMANAC_LOG", "off"),
        ("ALMANAC__NATS__URL", running.nats.as_str()),
        ("ALMANAC__NATS__MONITOR_URL", &running.monitor),
        ("ALMANAC__POSTGRES__URL", &running.analyst),
        ("ALMANAC__SECRETS__MASTER_KEY", &key),
    ];
    let run = almanac_with(&["gateway"], &told).await?;
    let line = run.one_line().context("a gateway as the analyst")?;
    ensure!(
        line.contains("signs in as analyst") && line.contains("almanac_gateway"),
        "does not name who signs in, and who should: {line}"
    );
    Ok(())
}
