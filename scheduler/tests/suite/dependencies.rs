//! Tasks that come after others.
//!
//! Invariant: the log is the judge of what started when.

use domain::{
    TaskId,
    task::{Dependency, Task, TaskCancelRequested, TaskCommand, TaskCreated, TaskStatus, When},
};
use runtime::{Clock, Worker};
use serde_json::json;

use crate::world::{World, spec};

impl World {
    async fn create_after(&self, after: &[(TaskId, When)]) -> TaskId {
        let id = TaskId::new(self.ids.next());
        let after = after.iter();
        let after = after.map(|(task, when)| Dependency {
            task: *task,
            when: *when,
        });
        let created = TaskCreated {
            after: after.collect(),
            ..TaskCreated::new(spec("echo", &json!("after")))
        };
        self.task(id, TaskCommand::Create(created)).await;
        id
    }
}

fn started(task: &Task) -> domain::Timestamp {
    task.attempt.as_ref().expect("an attempt").started_at
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_starts_once_those_before_it_are_what_they_have_to_be() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let _worker = world.worker(Worker::default()).await;
    let first = world.create_task(spec("sleep", &json!({"ms": 300}))).await;
    let failing = world
        .create_task(spec("sleep", &json!({"ms": "never"})))
        .await;
    let both = [(first, When::Succeeded), (failing, When::Ended)];
    let second = world.create_after(&both).await;
    let third = world.create_after(&[(second, When::Succeeded)]).await;
    let never = world.create_after(&[(failing, When::Succeeded)]).await;
    let nor_this = world.create_after(&[(never, When::Succeeded)]).await;
    let ended = world.until_status(third, TaskStatus::Succeeded).await;
    let (first, second) = (world.state(first).await, world.state(second).await);
    assert!(started(&second) >= first.finished_at.expect("ended"));
    assert!(started(&ended) >= second.finished_at.expect("ended"));
    let never = world.until_status(never, TaskStatus::Cancelled).await;
    let reason = never.cancel_requested.and_then(|request| request.reason);
    let reason = reason.expect("a reason");
    assert!(
        reason.contains(&failing.to_string()) && reason.contains("failed"),
        "{reason}"
    );
    world.until_status(nor_this, TaskStatus::Cancelled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_outlives_the_leader() {
    let world = World::start(Clock::system()).await;
    let scheduler = world.scheduler().await;
    let first = world.create_task(spec("echo", &json!(1))).await;
    let held = world.create_after(&[(first, When::Succeeded)]).await;
    let other = world.create_after(&[(first, When::Ended)]).await;
    scheduler.stop().await;
    // What it waits for ends while nobody leads, and the read models know.
    world
        .task(first, TaskCommand::Cancel(TaskCancelRequested::default()))
        .await;
    world.until_projected().await;
    let _scheduler = world.scheduler().await;
    let _worker = world.worker(Worker::default()).await;
    world.until_status(held, TaskStatus::Cancelled).await;
    world.until_status(other, TaskStatus::Succeeded).await;
}
