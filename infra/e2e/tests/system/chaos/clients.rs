//! Clients that make tasks and stop some of them at any moment.
//!
//! Invariant: whatever was answered is remembered, and held against the log in the end.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, ensure};
use domain::TaskId;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{lives::Told, parts::Dice};
use crate::harness::Api;

const CLIENTS: u64 = 4;
/// How long a task sleeps at most, in milliseconds.
const SLEEP_MAX_MS: u64 = 400;

/// Clients at work.
#[derive(Debug)]
pub struct Clients {
    running: JoinSet<Result<Vec<Asked>>>,
    stop: CancellationToken,
}

/// A task, and what was answered when it was to be cancelled: its status.
pub type Asked = (TaskId, String);

impl Clients {
    pub fn start(api: &Api, seed: u64) -> Self {
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        for client in 0..CLIENTS {
            let (api, stop) = (api.clone(), stop.clone());
            running.spawn(async move {
                let mut dice = Dice::of(seed ^ (client + 1));
                let mut asked = Vec::new();
                while !stop.is_cancelled() {
                    asked.push(make_and_cancel(&api, &mut dice).await?);
                }
                Ok(asked)
            });
        }
        Self { running, stop }
    }

    /// What they were answered.
    pub async fn ended(mut self) -> Result<Vec<Asked>> {
        self.stop.cancel();
        let mut all = Vec::new();
        while let Some(asked) = self.running.join_next().await {
            all.extend(asked??);
        }
        Ok(all)
    }
}

/// Cancels a task about when it ends.
async fn make_and_cancel(api: &Api, dice: &mut Dice) -> Result<Asked> {
    let sleep_ms = dice.below(SLEEP_MAX_MS);
    let task = json!({
        "kind": "sleep", "payload": {"ms": sleep_ms}, "max_attempts": 20,
    });
    let made = api.post("/tasks", &task).await?.expect(201)?;
    let id = made.string("/id")?;
    let wait_ms = (sleep_ms + dice.below(60)).saturating_sub(20);
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    let ask = api.ask("PUT", &format!("/tasks/{id}/cancel"))?;
    let answer = ask.send().await?;
    let status = if answer.status == 200 {
        answer.string("/status")?
    } else {
        answer.problem(409, "INVALID_STATE")?;
        "ended".to_owned()
    };
    Ok((id.parse()?, status))
}

/// Holds that what was cancelled never succeeded, and what had ended was not cancelled.
pub fn got_what_they_asked(asked: &[Asked], told: &Told) -> Result<()> {
    let ends: &BTreeMap<TaskId, &str> = &told.ends;
    for (task, status) in asked {
        let end = ends.get(task).copied().unwrap_or("none");
        let is_right = match status.as_str() {
            "cancelled" => end == "cancelled",
            // It had been asked to stop, and may have been done before it heard of that.
            "running" => ["cancelled", "succeeded"].contains(&end),
            "ended" => end == "succeeded",
            _ => false,
        };
        ensure!(
            is_right,
            "{task}: {status} was answered, and its end is {end}"
        );
    }
    Ok(())
}
