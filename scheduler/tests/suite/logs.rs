//! What attempts say is kept while they run.
//!
//! Invariant: it is read as a gateway reads it.

use domain::{
    LogLevel, TaskId,
    task::{TaskCommand, TaskStatus},
};
use event_log::{Position, Role, TaskLogs};
use runtime::{Clock, Worker};
use schemas::{TaskLogBatch, TaskLogEntry};
use serde_json::json;

use crate::world::{TENANT, World, eventually, open, spec};

async fn logs(world: &World) -> TaskLogs {
    let log = open(&world.servers.nats, Role::Gateway).await;
    let opened = TaskLogs::open(&log, &runtime::TaskLogs::default(), false).await;
    opened.expect("a stream")
}

async fn lines(logs: &TaskLogs, task: TaskId) -> Vec<TaskLogEntry> {
    let (mut lines, mut seen) = (Vec::new(), Position(0));
    loop {
        let said = logs.after(TENANT, task, seen).await.expect("read");
        let Some(last) = said.last() else {
            return lines;
        };
        seen = last.position;
        for one in said {
            let batch: TaskLogBatch = serde_json::from_slice(&one.payload).expect("a batch");
            lines.extend(batch.lines);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_heard_while_it_runs_and_so_is_why_it_stops() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let allowing = Worker {
        allow_commands: true,
        ..Worker::default()
    };
    let worker = world.worker(allowing).await;
    let script = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; sleep 1000";
    let program = json!({"program": "/bin/sh", "args": ["-c", script]});
    let task = world.create_task(spec("command", &program)).await;
    let logs = logs(&world).await;
    eventually("all that it printed", async || {
        let lines = lines(&logs, task).await;
        lines
            .iter()
            .any(|line| line.text == "line 1999")
            .then_some(())
    })
    .await;
    assert_eq!(world.state(task).await.status, TaskStatus::Running);
    let printed = lines(&logs, task).await;
    let printed: Vec<_> = printed
        .iter()
        .filter(|line| line.text.starts_with("line "))
        .collect();
    let in_order = (0..2_000).map(|number| format!("line {number}"));
    assert!(
        printed
            .iter()
            .map(|line| &line.text)
            .eq(in_order.collect::<Vec<_>>().iter())
    );
    assert!(printed.iter().all(|line| line.level == LogLevel::Info));
    world
        .task(
            task,
            TaskCommand::Cancel(domain::task::TaskCancelRequested::default()),
        )
        .await;
    world.until_status(task, TaskStatus::Cancelled).await;
    // What was said last is stored before the worker is gone.
    worker.stop().await;
    let said = lines(&logs, task).await;
    let mut said = said.iter().map(|line| line.text.as_str());
    assert!(said.any(|text| text.contains("the task was cancelled")));
}
