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
    let mut all = moving();
    all.extend(of_each_kind());
    all
}

fn interval(every_ms: u64) -> Schedule {
    Schedule::Interval { every_ms }
}

fn cron(expression: &str) -> Schedule {
    Schedule::cron(expression, "UTC")
}

/// Those that show how slots fall.
fn moving() -> Vec<(Uuid, CreateJob)> {
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

/// A report of what the demo itself does.
fn report() -> Value {
    json!({
        "title": "What tasks did",
        "queries": [
            {"title": "By status", "sql":
                "select status, count(*) as tasks from tasks group by status order by tasks desc"},
            {"title": "Attempts by kind", "sql":
                "select t.kind, count(*) as attempts, max(a.duration_ms) as longest_ms \
                 from task_attempts a join tasks t using (tenant_id, task_id) \
                 group by t.kind order by attempts desc"},
        ],
    })
}

/// Rows that are filtered and averaged.
fn data() -> Value {
    json!({
        "input": {"text": {"format": "csv", "content":
            "room,celsius\ncellar,12.5\nattic,27\ncellar,13.5\nattic,31\nhall,\n"}},
        "filter": [{"field": "celsius", "op": "gt", "value": 12.5}],
        "aggregate": {"by": ["room"], "measures": [
            {"op": "count"}, {"op": "avg", "field": "celsius"}]},
        "output": {"format": "json"},
    })
}

/// Those that show what tasks can do; the other kinds are among those that move.
fn of_each_kind() -> Vec<(Uuid, CreateJob)> {
    vec![
        job(
            "a backup of the log",
            cron("13 * * * *"),
            "backup",
            json!({}),
            Priority::High,
        ),
        job(
            "a clean-up of files",
            cron("43 * * * *"),
            "cleanup",
            json!({}),
            Priority::Low,
        ),
        // Refused unless `almanac dev --allow-commands`.
        job(
            "a program",
            cron("*/5 * * * *"),
            "command",
            json!({"program": "/bin/echo", "args": ["hello"]}),
            Priority::Normal,
        ),
        job(
            "an export of tasks",
            cron("*/10 * * * *"),
            "export",
            json!({"collection": "tasks", "format": "parquet"}),
            Priority::Low,
        ),
        job(
            "a report",
            cron("*/5 * * * *"),
            "generate-report",
            report(),
            Priority::Normal,
        ),
        job(
            "data, filtered and averaged",
            interval(60_000),
            "process-data",
            data(),
            Priority::Normal,
        ),
        // `almanac dev` delivers to nobody: the mail is a file in `mail` of its data folder.
        job(
            "a mail",
            cron("*/15 * * * *"),
            "send-notification",
            json!({
                "channel": "email", "to": ["desk@example.org"], "subject": "A demo",
                "text": "Nobody gets this but the data folder.",
            }),
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
            priority,
            ..TaskSpec::new(kind, payload)
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

    #[test]
    fn each_kind_of_task_is_shown() {
        let kinds: std::collections::BTreeSet<_> =
            all().into_iter().map(|(_, job)| job.task.kind).collect();
        assert!(kinds.iter().eq(domain::task::BUILT_IN_KINDS), "{kinds:?}");
    }
}
