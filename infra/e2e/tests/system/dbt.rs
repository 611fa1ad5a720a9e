//! The models of `infra/dbt`, built by dbt itself.
//!
//! Invariant: everything is done as its README says; where there is no dbt that is told.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use local::provision::on_path;
use serde_json::json;

use crate::{analyst, shared, walkthrough::succeeded};

const NO_DBT: &str = "no dbt on PATH → infra/dbt/README.md says how to install it";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dbt");
const LIMIT: Duration = Duration::from_mins(3);
const PASSWORD: &str = "of-this-test";

/// The reason if there is no dbt, or nothing to make its role with.
pub async fn its_models_are_built_and_tested() -> Result<Option<String>> {
    let Some(dbt) = on_path("dbt") else {
        return Ok(Some(NO_DBT.to_owned()));
    };
    let Some(psql) = tokio::task::block_in_place(analyst::psql) else {
        return Ok(Some(analyst::NO_PSQL.to_owned()));
    };
    let (running, _) = shared::told().await?;
    let api = shared::admin().await?;
    let task = json!({"kind": "echo"});
    let task = api.post("/tasks", &task).await?.expect(201)?;
    succeeded(&api, &task.string("/id")?).await?;
    let roles = fs::read_to_string(Path::new(FOLDER).join("roles.sql"))?;
    let password = format!("alter role almanac_dbt password '{PASSWORD}'");
    for statements in [roles, password] {
        analyst::sql(&psql, &running.postgres, statements).await?;
    }

    // It writes beside what it reads.
    let project = tempfile::tempdir()?;
    for from in files(Path::new(FOLDER))? {
        let to = project.path().join(from.strip_prefix(FOLDER)?);
        fs::create_dir_all(to.parent().context("a folder")?)?;
        fs::copy(&from, to)?;
    }
    let (_, place) = running.postgres.split_once('@').context("a login")?;
    let (place, _) = place.split_once('/').context("a database")?;
    let (host, port) = place.split_once(':').context("a port")?;
    let told = [
        ("ALMANAC_DBT_HOST", host),
        ("ALMANAC_DBT_PORT", port),
        ("ALMANAC_DBT_PASSWORD", PASSWORD),
        ("DBT_SEND_ANONYMOUS_USAGE_STATS", "False"),
    ];
    // The second time what is kept is filled by what is new.
    for asked in [&["build"][..], &["build"], &["source", "freshness"]] {
        let run = tokio::process::Command::new(&dbt)
            .args(asked)
            .args(["--profiles-dir", "."])
            .current_dir(project.path())
            .envs(told)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let run = tokio::time::timeout(LIMIT, run).await;
        let run = run.with_context(|| format!("dbt {asked:?} does not end"))??;
        let said = String::from_utf8_lossy(&run.stdout);
        ensure!(run.status.success(), "dbt {asked:?}: {said}");
        ensure!(!said.contains("Nothing to do"), "dbt {asked:?}: {said}");
    }
    for model in ["daily_task_outcomes", "worker_load"] {
        let ask = format!("select count(*) from marts.{model}");
        let rows = analyst::sql(&psql, &running.analyst, ask).await?;
        ensure!(rows.trim().parse::<u64>()? > 0, "{model} is empty");
    }
    Ok(None)
}

/// The files of a folder and of those in it.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
