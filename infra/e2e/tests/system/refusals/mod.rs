//! Bad input.
//!
//! Invariant: each refusal is a complete problem that names what is wrong, and all of them together
//! leave the log where it was.

mod cases;
mod raw;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::harness::{Api, DataDir, Dev};
use cases::{Case, cases};

/// Commits that [`Api::position_after_mark`] makes.
const MARK: u64 = 1;

/// What the cases stand on.
pub struct Ground {
    /// An administrator.
    pub api: Api,
    /// The same, before signing in.
    pub stranger: Api,
    /// An operator.
    pub operator: Api,
    /// A refresh token.
    pub refresh: String,
    /// The path of a resource at version 2.
    pub resource: String,
    /// The path of a task that has not begun.
    pub task: String,
    /// A cursor of `/resources?limit=1`.
    pub cursor: String,
}

pub async fn bad_input_is_refused_and_leaves_nothing() -> Result<()> {
    let data = DataDir::new()?;
    let dev = Dev::start("refusals", &data, &[]).await?;
    let ground = Ground::lay(&dev).await?;
    let before = ground.api.position_after_mark().await?;
    let mut faults = Vec::new();
    let cases = cases(&ground);
    for case in &cases {
        if let Err(error) = refused(&ground, case).await {
            faults.push(format!("{}: {error:#}", case.name));
        }
    }
    if let Err(error) = raw::broken_requests(&ground.api).await {
        faults.push(format!("{error:#}"));
    }
    let after = ground.api.position_after_mark().await?;
    let written = after - before - MARK;
    ensure!(
        faults.is_empty(),
        "{} of {}:\n{}",
        faults.len(),
        cases.len(),
        faults.join("\n")
    );
    ensure!(written == 0, "refused requests wrote {written} commits");
    println!("{} requests refused, {written} commits", cases.len());
    dev.finish().await
}

async fn refused(ground: &Ground, case: &Case) -> Result<()> {
    let api = match &case.bearer {
        None => ground.api.clone(),
        Some(token) => ground.stranger.with_bearer(token),
    };
    let mut ask = api.ask(case.method, &case.path)?;
    for (name, value) in &case.headers {
        ask = ask.header(name, value);
    }
    if let Some(body) = &case.body {
        ask = ask.body(body.clone());
    }
    let answer = ask.send().await?;
    let problem = answer.problem(case.status, case.code)?;
    if let Some(pointer) = case.pointer {
        let errors = problem["errors"].as_array().context("no errors")?;
        let points = errors.iter().any(|error| error["pointer"] == pointer);
        ensure!(points, "points not at {pointer:?}: {problem}");
    }
    if let Some(word) = case.says {
        let detail = problem["detail"].as_str().unwrap_or_default();
        ensure!(detail.contains(word), "does not say {word:?}: {detail}");
    }
    if let Some(name) = case.answers {
        answer.header(name)?;
    }
    Ok(())
}

impl Ground {
    async fn lay(dev: &Dev) -> Result<Self> {
        let (api, stranger) = (dev.admin().await?, dev.stranger()?);
        let wanted = json!({"email": "op@example.org", "password": "operators pass", "name": "Op"});
        let session = stranger
            .post("/auth/register", &wanted)
            .await?
            .expect(201)?;
        let resource = json!({"type": "ground", "name": "r"});
        let resource = api.post("/resources", &resource).await?.expect(201)?;
        let path = format!("/resources/{}", resource.string("/id")?);
        let rename = api
            .ask("PATCH", &path)?
            .json(&json!({"name": "s"}))
            .send()
            .await?;
        let renamed = rename.expect(200)?;
        let keyed = api
            .ask("POST", "/resources")?
            .header("idempotency-key", "used");
        let keyed = keyed
            .json(&json!({"type": "ground", "name": "keyed"}))
            .send()
            .await?;
        keyed.expect(201)?;
        let task = json!({"kind": "echo", "not_before": "2999-01-01T00:00:00Z"});
        let task = api.post("/tasks", &task).await?.expect(201)?;
        api.get_after("/stats", &renamed).await?.expect(200)?;
        let page = api
            .get_after("/resources?limit=1", &task)
            .await?
            .expect(200)?;
        Ok(Self {
            operator: stranger.with_bearer(&session.string("/access_token")?),
            refresh: session.string("/refresh_token")?,
            resource: path,
            task: format!("/tasks/{}", task.string("/id")?),
            cursor: page.string("/page/next")?,
            api,
            stranger,
        })
    }
}
