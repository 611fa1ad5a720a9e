//! `kill -9` under load, again and again.
//!
//! Invariant: what was acknowledged is there exactly once, what was refused is not there, and what
//! is open is there at most once, before it is asked again with the same key and exactly once
//! after.

mod load;

use std::{env, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{Journal, Outcome, check, read_journal};
use serde_json::json;

use crate::harness::{Answer, Api, DataDir, Dev, until};
use load::{Kind, Load};

/// Kills in a short run.
const SHORT: u64 = 3;
/// What a round may take that is killed in its midst.
const ROUND_LIMIT: Duration = Duration::from_mins(1);
/// Attempts that a kill cut off are taken up again when their lease has run out.
const TASKS_LIMIT: Duration = Duration::from_mins(2);

/// Requests that a kill cut off.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    all: usize,
    /// Those of them that were stored all the same.
    stored: usize,
}

impl std::ops::AddAssign for Open {
    fn add_assign(&mut self, other: Self) {
        self.all += other.all;
        self.stored += other.stored;
    }
}

pub async fn nothing_acknowledged_is_lost_to_kills() -> Result<()> {
    let kills = match env::var("ALMANAC_KILLS") {
        Ok(number) => number.parse().context("ALMANAC_KILLS is a number")?,
        Err(_) => SHORT,
    };
    let data = DataDir::new()?;
    let outside = tempfile::tempdir()?;
    let path = outside.path().join("journal");
    let journal = Journal::create(&path)?;
    let mut open = Open::default();
    for round in 0..kills {
        let dev = Dev::start("kills", &data, &[]).await?;
        let api = dev.admin().await?;
        open += settle(&api, &journal, &path, round).await?.1;
        let load = Load::start(&api, &journal, round);
        // Another moment of the load each time.
        let enough = 60 + round * 97 % 240;
        let what = format!("{enough} acknowledged, see kills.log");
        until(&what, ROUND_LIMIT, async || {
            Ok((load.acknowledged() >= enough).then_some(()))
        })
        .await?;
        dev.kill().await?;
        load.ended().await?;
    }
    let dev = Dev::start("kills", &data, &[]).await?;
    let api = dev.admin().await?;
    let (seen, last) = settle(&api, &journal, &path, kills).await?;
    open += last;
    tasks_end_well(&api, &seen).await?;
    let verdict = judge(&api, &seen, &path).await?;
    ensure!(verdict.unknown == 0, "still open: {verdict}");
    ensure!(
        open.all > 0,
        "no kill cut a request off: the load is too slow"
    );
    println!(
        "{kills} kills: {verdict}; of {} cut off, {} were stored before they were repeated",
        open.all, open.stored
    );
    dev.finish().await
}

/// After a start: judges what the last kill left, asks again what is open, and judges once more.
async fn settle(api: &Api, journal: &Journal, path: &Path, round: u64) -> Result<(Answer, Open)> {
    let before = mark(api, journal, &format!("mark-{round}-before")).await?;
    let found = load::found(api, &before).await?;
    let (requests, mut open) = (read_journal(path)?, Open::default());
    let verdict = check(&requests, &found);
    ensure!(verdict.holds(), "{verdict}");
    for (name, outcome) in requests {
        if outcome != Outcome::Unknown {
            continue;
        }
        open.all += 1;
        open.stored += usize::from(found.contains_key(&name));
        let kind = Kind::of(&name);
        let answer = kind.ask(api, &name)?.send().await?;
        let outcome = if kind == Kind::Nonsense {
            answer.problem(400, "INVALID_BODY")?;
            Outcome::Refused
        } else {
            let answer = answer.expect(201)?;
            let text = answer.text();
            ensure!(text.contains(&name), "{name} is answered with {text}");
            Outcome::Acknowledged
        };
        journal.returned(&name, outcome).await?;
    }
    let after = mark(api, journal, &format!("mark-{round}-after")).await?;
    judge(api, &after, path).await?;
    Ok((after, open))
}

/// A create that must succeed; what it answers stands for all that happened before it.
async fn mark(api: &Api, journal: &Journal, name: &str) -> Result<Answer> {
    journal.invoked(name).await?;
    let answer = Kind::Resource.ask(api, name)?.send().await?.expect(201)?;
    journal.returned(name, Outcome::Acknowledged).await?;
    Ok(answer)
}

async fn judge(api: &Api, seen: &Answer, path: &Path) -> Result<e2e::Verdict> {
    let verdict = check(&read_journal(path)?, &load::found(api, seen).await?);
    ensure!(verdict.holds(), "{verdict}");
    Ok(verdict)
}

/// Every task that exists is done in the end, and done once.
async fn tasks_end_well(api: &Api, seen: &Answer) -> Result<()> {
    until("every task to succeed", TASKS_LIMIT, async || {
        let stats = api.get_after("/stats", seen).await?.expect(200)?.json()?;
        let by_status = stats["tasks"].as_object().context("counts by status")?;
        let open = by_status
            .iter()
            .filter(|(status, _)| *status != "succeeded");
        let open: u64 = open.filter_map(|(_, count)| count.as_u64()).sum();
        Ok((open == 0).then_some(()))
    })
    .await?;
    let tasks = api.list_after("/tasks", seen).await?;
    for task in tasks.iter().take(20) {
        let id = task["id"].as_str().context("an id")?;
        let events = api.list_after(&format!("/tasks/{id}/events"), seen).await?;
        let done = events
            .iter()
            .filter(|event| event["type"] == "task.succeeded.v1");
        ensure!(done.count() == 1, "done more than once: {events:?}");
    }
    ensure!(
        tasks.iter().all(|task| task["output"] != json!(null)),
        "a task has no output"
    );
    Ok(())
}
