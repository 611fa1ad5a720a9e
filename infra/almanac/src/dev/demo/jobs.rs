//! Jobs that show what jobs do.
//!
//! Invariant: none of them reaches out of this process, and each says in its name that it is a
//! demo.

use domain::{
    Origin,
    job::{JobPolicy, Misfire, Overlap},
    schedule::Schedule,
    task::{Priority, TaskSpec},
};
use schemas::api::CreateJob;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::identity::stable_id;

/// All of them, with their ids.
pub fn all() -> Vec<(Uuid, CreateJob)> {
    let interval = |every_ms| Schedule::Interval { every_ms };
    let cron = |expression: &str| Schedule::cron(expression, "UTC");
    vec![
        job(
            "heartbeat",
            interval(5_000),
            "echo",
            json!({"alive": true}),
            Priority::Low,
        ),
        job(
            "every minute, on the minute",
            cron("* * * * *"),
            "sleep",
            json!({"ms": 4_000}),
            Priority::Normal,
        ),
        job(
            "short work",
            interval(17_000),
            "sleep",
            json!({"ms": 2_500}),
            Priority::High,
        ),
        // Longer than its interval: every other slot is skipped, with a record.
        job(
            "work that overlaps",
            interval(30_000),
            "sleep",
            json!({"ms": 40_000}),
            Priority::Normal,
        ),
        // An address of this machine, which no task may call unless that is allowed.
        job(
            "a call that is refused",
            cron("*/5 * * * *"),
            "http",
            json!({"method": "GET", "url": "http://127.0.0.1/"}),
            Priority::Normal,
        ),
    ]
}

fn job(
    name: &str,
    schedule: Schedule,
    kind: &str,
    payload: Value,
    priority: Priority,
) -> (Uuid, CreateJob) {
    let job = CreateJob {
        name: format!("demo: {name}"),
        schedule,
        task: TaskSpec {
            kind: kind.to_owned(),
            payload: payload.into(),
            priority,
            max_attempts: 3,
            timeout_ms: 60_000,
        },
        overlap: Overlap::Skip,
        misfire: Misfire::Latest,
        enabled: true,
        origin: Some(Origin {
            source: "demo".to_owned(),
            reference: name.to_owned(),
        }),
        policy: JobPolicy::default(),
    };
    (stable_id("demo", name), job)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_can_be_followed_and_says_that_it_is_a_demo() {
        for (_, job) in all() {
            domain::schedule::Calendar::try_new(&job.schedule).expect("a schedule");
            domain::Name::try_new(&job.name).expect("a name");
            assert!(job.name.starts_with("demo: "));
        }
    }
}
