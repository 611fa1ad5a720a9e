//! Jobs and the slots they fire at.
//!
//! Invariant: what fired is compared with what was previewed, instant by instant.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::{
    harness::{Api, until},
    shared, walkthrough,
};

const LIMIT: Duration = Duration::from_secs(40);
/// How late a slot may fire on a machine that is busy with other tests, in milliseconds.
const LATE_MS: i64 = 5_000;

pub async fn an_interval_fires_as_previewed() -> Result<()> {
    let api = shared::admin().await?;
    let schedule = json!({"type": "interval", "every_ms": 1000});
    let job = json!({"name": "every second", "schedule": schedule, "task": {"kind": "echo"}});
    let job = api.post("/jobs", &job).await?.expect(201)?.string("/id")?;
    let runs = until("four slots to be fired", LIMIT, async || {
        let runs = runs(&api, &job).await?;
        Ok((runs.len() >= 4).then_some(runs))
    });
    let runs = runs.await?;
    let deleted = api
        .ask("DELETE", &format!("/jobs/{job}"))?
        .send()
        .await?
        .expect(204)?;
    api.get_after(&format!("/jobs/{job}"), &deleted)
        .await?
        .problem(404, "NOT_FOUND")?;

    let mut slots = Vec::new();
    for run in &runs {
        slots.push(instant(&run["slot"])?);
        ensure!(run["job_id"] == job, "{run}");
    }
    slots.sort();
    let from = slots[0] - TimeDelta::milliseconds(1);
    let wanted = json!({"schedule": schedule, "from": text(from), "count": slots.len()});
    let preview = api
        .post("/jobs/preview", &wanted)
        .await?
        .expect(200)?
        .json()?;
    let previewed = preview["slots"].as_array().context("slots")?;
    let previewed: Vec<_> = previewed
        .iter()
        .filter_map(|slot| slot["at"].as_str())
        .collect();
    let fired: Vec<_> = slots.iter().map(|slot| text(*slot)).collect();
    ensure!(
        previewed == fired,
        "previewed {previewed:?}, fired {fired:?}"
    );
    for run in &runs {
        let id = run["id"].as_str().context("an id")?;
        walkthrough::succeeded(&api, id).await?;
    }
    Ok(())
}

pub async fn a_once_job_fires_at_its_instant() -> Result<()> {
    let api = shared::admin().await?;
    // The system's clock, not ours.
    let resource = json!({"type": "clock", "name": "now"});
    let now = api
        .post("/resources", &resource)
        .await?
        .expect(201)?
        .json()?;
    let now = instant(&now["created_at"])?;
    let at = now + TimeDelta::seconds(3);
    let schedule = json!({"type": "once", "at": text(at)});
    let job = json!({"name": "once", "schedule": schedule, "task": {"kind": "echo"}});
    let job = api.post("/jobs", &job).await?.expect(201)?.string("/id")?;

    let wanted = json!({"schedule": schedule, "from": text(now)});
    let first = api
        .post("/jobs/preview", &wanted)
        .await?
        .expect(200)?
        .json()?;
    ensure!(first == json!({"slots": [{"at": text(at)}]}), "{first}");
    let wanted = json!({"schedule": schedule, "from": text(at)});
    let after = api
        .post("/jobs/preview", &wanted)
        .await?
        .expect(200)?
        .json()?;
    ensure!(after == json!({"slots": []}), "{after}");

    let run = until("the slot to be fired", LIMIT, async || {
        Ok(runs(&api, &job).await?.pop())
    });
    let run = run.await?;
    ensure!(run["slot"] == text(at), "{run}");
    let late = (instant(&run["created_at"])? - at).num_milliseconds();
    ensure!(
        (0..LATE_MS).contains(&late),
        "fired {late} ms after its instant"
    );
    walkthrough::succeeded(&api, run["id"].as_str().context("an id")?).await?;
    let runs = runs(&api, &job).await?;
    ensure!(runs.len() == 1, "fired more than once: {runs:?}");
    Ok(())
}

pub async fn a_job_is_paused_and_triggered_by_hand() -> Result<()> {
    let api = shared::admin().await?;
    let job = json!({
        "name": "by hand", "schedule": {"type": "cron", "expression": "@yearly"},
        "task": {"kind": "echo", "payload": {"by": "hand"}},
    });
    let job = api.post("/jobs", &job).await?.expect(201)?.string("/id")?;
    let paused = api
        .post(&format!("/jobs/{job}/pause"), &json!({"note": "for now"}))
        .await?;
    let paused = paused.expect(200)?.json()?;
    ensure!(
        paused["status"] == "paused" && paused["note"] == "for now",
        "{paused}"
    );
    let task = api
        .post(&format!("/jobs/{job}/trigger"), &json!({}))
        .await?
        .expect(201)?;
    let task = walkthrough::succeeded(&api, &task.string("/id")?).await?;
    ensure!(task["output"] == json!({"by": "hand"}), "{task}");
    ensure!(task["job_id"] == job && task["slot"].is_null(), "{task}");
    let resumed = api
        .post(&format!("/jobs/{job}/resume"), &json!({}))
        .await?
        .expect(200)?;
    ensure!(resumed.string("/status")? == "active", "{}", resumed.text());
    let events = api
        .list_after(&format!("/jobs/{job}/events"), &resumed)
        .await?;
    let names: Vec<_> = events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    ensure!(
        names.len() == 3 && names[0] == "job.created.v1",
        "{names:?}"
    );
    Ok(())
}

/// The tasks of a job.
pub async fn runs(api: &Api, job: &str) -> Result<Vec<Value>> {
    let page = api.get(&format!("/jobs/{job}/runs")).await?;
    // A job that was made a moment ago may not be readable yet.
    if page.status == 404 {
        return Ok(Vec::new());
    }
    let page = page.expect(200)?.json()?;
    Ok(page["items"].as_array().cloned().unwrap_or_default())
}

/// An instant as the API writes it.
pub fn instant(value: &Value) -> Result<DateTime<Utc>> {
    let text = value.as_str().context("an instant is text")?;
    Ok(DateTime::parse_from_rfc3339(text)?.to_utc())
}

fn text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}
