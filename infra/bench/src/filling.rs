//! Filling a log quickly with histories as they really are.
//!
//! Invariant: each task is created, started and succeeds, by three commits that the domain decided.

use anyhow::Result;
use domain::task::TaskCommand;
use event_log::{EventLog as _, NewCommit};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use uuid::Uuid;

use crate::{
    fixture::{self, Tale},
    world::World,
};

/// What one atomic batch holds at most.
pub const BATCH: usize = 1_000;
/// Batches on their way at a time.
const IN_FLIGHT: usize = 2;
/// The commits of one task.
const COMMITS: usize = 3;

/// Writes whole lives of tasks, `commits` in all (or a few less); gives their ids.
pub async fn lives(world: &World, commits: usize) -> Result<Vec<Uuid>> {
    let tasks = commits / COMMITS;
    let batches = (0..tasks)
        .step_by(BATCH)
        .map(|from| BATCH.min(tasks - from));
    stream::iter(batches)
        .map(|count| batch_of_lives(world, count))
        .buffered(IN_FLIGHT)
        .try_fold(Vec::with_capacity(tasks), async |mut all, ids| {
            all.extend(ids);
            Ok(all)
        })
        .await
}

/// Writes the births of `count` tasks; gives their ids.
pub async fn births(world: &World, count: usize) -> Result<Vec<Uuid>> {
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let births: Vec<NewCommit> = (0..BATCH.min(count - ids.len()))
            .map(|_| world.author.birth())
            .collect();
        ids.extend(births.iter().map(|commit| commit.stream.id));
        world.log.append_all(births).await?;
    }
    Ok(ids)
}

async fn batch_of_lives(world: &World, count: usize) -> Result<Vec<Uuid>> {
    let mut tales: Vec<Tale> = (0..count).map(|_| world.author.tale()).collect();
    let worker = || "bench".to_owned();
    for command in [
        TaskCommand::Create(fixture::task()),
        TaskCommand::Start {
            attempt: 1,
            worker: worker(),
        },
        TaskCommand::Succeed {
            attempt: 1,
            output: json!({ "ok": true }),
            worker: worker(),
        },
    ] {
        let commits = tales
            .iter_mut()
            .map(|tale| world.author.next(tale, &command))
            .collect();
        let positions = world.log.append_all(commits).await?;
        for (tale, position) in tales.iter_mut().zip(positions) {
            tale.stored_at(position);
        }
    }
    Ok(tales.iter().map(Tale::id).collect())
}
