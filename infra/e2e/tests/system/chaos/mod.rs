//! Three schedulers and three workers, killed and frozen at random.
//!
//! Invariant: every slot that was owed is a task, and one only; no task goes on after its end, and
//! no attempt ends by anybody but the worker that has it.
//!
//! `ALMANAC_CHAOS=20` makes twenty rounds, `ALMANAC_CHAOS_SEED` the same ones again.

mod clients;
mod lives;
mod parts;

use std::{env, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::{
    harness::{Answer, Api, Roles, almanac_with, until},
    schedules::instant,
};
use clients::Clients;
use parts::{Dice, Parts};

/// Rounds in a short run.
const SHORT: u64 = 2;
/// How often each job is due, in milliseconds.
const PERIODS_MS: [i64; 3] = [250, 500, 1_000];
/// Attempts of who is gone are found within 30 s, and made again.
const SETTLED: Duration = Duration::from_mins(3);

pub async fn slots_and_attempts_survive_kills_and_pauses() -> Result<()> {
    let number = |name: &str| match env::var(name) {
        Ok(text) => Ok(Some(
            text.parse()
                .with_context(|| format!("{name} is a number"))?,
        )),
        Err(_) => anyhow::Ok(None),
    };
    let rounds = number("ALMANAC_CHAOS")?.unwrap_or(SHORT);
    let seed = number("ALMANAC_CHAOS_SEED")?
        .unwrap_or_else(|| u64::from_ne_bytes(runtime::random::bytes()));
    println!("chaos of seed {seed}");
    let roles = Roles::start_only("chaos", &["gateway", "projector"]).await?;
    let api = roles.admin().await?;
    let mut dice = Dice::of(seed);
    let mut parts = Parts::start(&roles)?;
    let mut jobs = Vec::new();
    for period in PERIODS_MS {
        jobs.push((period, job(&api, period).await?));
    }
    let clients = Clients::start(&api, seed);
    for _ in 0..rounds {
        parts.trouble(&roles, &mut dice).await?;
    }
    parts.calm().await?;
    let asked = clients.ended().await?;
    let mut slots = 0;
    for (period, job) in &jobs {
        slots += slots_fired(&api, job, *period).await?;
    }
    let log = lives::open(&roles).await?;
    // Whoever was to stop a task may have been killed: that is found out, and then it ends.
    let told = until("every task to end", SETTLED, async || {
        let told = lives::judge(&log).await?;
        let have_ended = asked.iter().all(|(task, _)| told.ends.contains_key(task));
        Ok(have_ended.then_some(told))
    });
    let told = told.await?;
    clients::got_what_they_asked(&asked, &told)?;
    certified(&roles).await?;
    println!(
        "{rounds} rounds: {slots} slots, each fired once; {} cancelled of {} asked for, {} results \
         refused, {} attempts lost",
        told.cancelled,
        asked.len(),
        told.refused,
        told.lost
    );
    ensure!(told.lost > 0, "no attempt was lost: there was no trouble");
    parts.finish().await?;
    roles.finish().await
}

async fn job(api: &Api, period_ms: i64) -> Result<String> {
    let job = json!({
        "name": format!("every {period_ms}"), "misfire": "all",
        "schedule": {"type": "interval", "every_ms": period_ms},
        "task": {"kind": "sleep", "payload": {"ms": period_ms / 5}, "max_attempts": 20},
    });
    api.post("/jobs", &job).await?.expect(201)?.string("/id")
}

/// Ends the job, and holds that from its first slot to its last each has succeeded, once.
async fn slots_fired(api: &Api, job: &str, period_ms: i64) -> Result<usize> {
    let pause = api.post(&format!("/jobs/{job}/pause"), &json!({})).await?;
    let paused = pause.expect(200)?;
    let tasks = until("the slots' tasks to end", SETTLED, async || {
        ended(api, job, &paused).await
    });
    let mut slots = Vec::new();
    for task in tasks.await? {
        slots.push(instant(&task["slot"])?.timestamp_millis());
    }
    slots.sort_unstable();
    ensure!(slots.len() > 20, "only {} slots", slots.len());
    let gap = slots.windows(2).find(|two| two[1] - two[0] != period_ms);
    ensure!(
        gap.is_none(),
        "every {period_ms} ms, not each once: {gap:?}"
    );
    Ok(slots.len())
}

/// All tasks of the job, if each has succeeded.
async fn ended(api: &Api, job: &str, seen: &Answer) -> Result<Option<Vec<serde_json::Value>>> {
    let tasks = api
        .list_after(&format!("/tasks?job_id={job}"), seen)
        .await?;
    let done = tasks.iter().all(|task| task["status"] == "succeeded");
    Ok(done.then_some(tasks))
}

/// Holds that the program's own certificate says the same.
async fn certified(roles: &Roles) -> Result<()> {
    let run = almanac_with(&["jobs", "verify", "--config", &roles.config()], &[]).await?;
    let told: serde_json::Value = serde_json::from_str(&run.succeeded()?.stdout)?;
    ensure!(told["holds"] == true, "{told}");
    Ok(())
}
