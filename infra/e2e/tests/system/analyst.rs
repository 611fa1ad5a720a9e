//! Analysts and their SQL.
//!
//! Invariant: an analyst sees what the API shows, and can change nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Result, ensure};
use local::provision;
use serde_json::json;

use crate::{harness::almanac, readme, shared};

const CRONTAB: &str = "5 1 * * * true analyst one\n6 1 * * * true analyst two\n";
pub const NO_PSQL: &str = "no psql → apt-get install postgresql-client";
/// What an analyst must not be able to do.
const FORBIDDEN: [&str; 7] = [
    "select from app.resources",
    "delete from resources",
    "set default_transaction_read_only = off; delete from resources",
    "begin read write; update jobs set status = status",
    "create table mine ()",
    "set default_transaction_read_only = off; create temporary table mine ()",
    "select pg_read_file('/etc/passwd')",
];

/// What README tells analysts to type; the reason if there is nothing to read SQL with.
pub async fn what_readme_tells_them_to_type_works() -> Result<Option<String>> {
    let Some(psql) = tokio::task::block_in_place(psql) else {
        return Ok(Some(NO_PSQL.to_owned()));
    };
    let api = shared::admin().await?;
    let task = api.post("/tasks", &json!({"kind": "echo"})).await?;
    api.get_after("/stats", &task.expect(201)?).await?;
    let shown = readme::typed("For analysts", psql.parent()).await?;
    for told in [
        "task_state_durations",
        "pii_class",
        " status ",
        "reached_at",
    ] {
        ensure!(shown.contains(told), "{told} is not told: {shown}");
    }
    Ok(None)
}

/// The reason if there is nothing to read SQL with.
pub async fn imported_rows_are_seen_in_sql() -> Result<Option<String>> {
    let Some(psql) = tokio::task::block_in_place(psql) else {
        return Ok(Some(NO_PSQL.to_owned()));
    };
    let (json, data) = shared::told().await?;
    let api = shared::admin().await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("analyst");
    fs::write(&file, CRONTAB)?;
    let (path, data) = (file.display().to_string(), data.display().to_string());
    let args = ["import", "crontab", &path, "--user", "--data-dir", &data];
    almanac(&args).await?.succeeded()?;
    let args = ["import", "inventory", "--data-dir", &data];
    almanac(&args).await?.succeeded()?;
    let mut interfaces = Vec::new();
    for number in 0..3 {
        let one = json!({"type": "analysed", "name": format!("a{number}")});
        let created = api.post("/resources", &one).await?.expect(201)?;
        let shown = api.list_after("/resources?type=interface", &created);
        interfaces = shown.await?;
    }

    let select = |statement: &str| sql(&psql, &json.analyst, statement.to_owned());
    let counted = "select count(*) from resources where type = 'interface'";
    let count = select(counted).await?;
    ensure!(
        !interfaces.is_empty() && count.trim() == interfaces.len().to_string(),
        "{count} interfaces in SQL, in the API {interfaces:?}"
    );
    let counted = "select count(*) from resources where type = 'analysed'";
    ensure!(
        select(counted).await?.trim() == "3",
        "the rows of resources"
    );
    let jobs = format!(
        "select schedule_expression from jobs
         where origin_reference like '{path}:%' order by 1"
    );
    let jobs = select(&jobs).await?;
    ensure!(
        jobs.trim() == "5 1 * * *\n6 1 * * *",
        "the rows of jobs: {jobs}"
    );
    for statement in FORBIDDEN {
        let done = select(statement).await;
        ensure!(done.is_err(), "an analyst may: {statement}");
    }
    Ok(None)
}

/// What speaks SQL here.
pub fn psql() -> Option<PathBuf> {
    let beside_server = || {
        let programs = provision::postgres(None).ok()?;
        Some(programs.bin.join("psql")).filter(|psql| psql.exists())
    };
    provision::on_path("psql").or_else(beside_server)
}

/// What a statement answers.
pub async fn sql(psql: &Path, url: &str, statement: String) -> Result<String> {
    let output = tokio::process::Command::new(psql)
        .args([
            "-X",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            url,
            "-c",
            &statement,
        ])
        .stdin(Stdio::null())
        .output()
        .await?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{statement}: {error}");
    Ok(String::from_utf8(output.stdout)?)
}
