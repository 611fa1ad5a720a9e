//! What became of tasks: attempts, runs of jobs, time spent in each state, figures of each day.
//!
//! Invariant: all of it is what the log's copy and the history say; nothing is counted twice.

use super::{
    objects::INSTANT,
    view::{Column, View, column, elapsed_ms},
};

pub(super) fn daily_task_stats() -> View {
    let count = |kind: &str| format!("count(*) filter (where type = 'task.{kind}')");
    let counted = |name: &str, kind: &str, description: &str| {
        column(name, "bigint", &count(kind), description)
    };
    let (done, failed, dead) = (count("succeeded"), count("failed"), count("died"));
    let ratio = format!("{done}::double precision / nullif({done} + {failed} + {dead}, 0)");
    let columns = vec![
        column("tenant_id", "uuid", "tenant_id", "The tenant."),
        column("day", "date", DAY, "The day, in UTC."),
        counted("created", "created", "How many tasks came to be."),
        counted(
            "skipped",
            "slot_skipped",
            "How many slots of jobs were skipped.",
        ),
        counted("attempts", "started", "How many attempts began."),
        counted(
            "failed_attempts",
            "attempt_failed",
            "How many attempts ended badly.",
        ),
        counted("succeeded", "succeeded", "How many tasks were done."),
        counted(
            "failed",
            "failed",
            "How many met an error that no attempt would mend.",
        ),
        counted("dead", "died", "How many used up their attempts."),
        counted(
            "cancelled",
            "cancelled",
            "How many were stopped on request.",
        ),
        counted(
            "requeued",
            "requeued",
            "How many that had ended were put back by hand.",
        ),
        column(
            "success_ratio",
            "double precision",
            &ratio,
            "Which part of those that succeeded, failed or died succeeded: 0 to 1; null if none.",
        ),
    ];
    let from = format!(
        "event_log where type in ('task.created', 'task.slot_skipped', 'task.started', \
         'task.attempt_failed', 'task.succeeded', 'task.failed', 'task.died', 'task.cancelled', \
         'task.requeued') group by tenant_id, {DAY}"
    );
    let description = "What happened to tasks on each day, one row for each tenant and day on \
                       which something did.";
    View::new("daily_task_stats", description, &from, columns)
}

const DAY: &str = "(occurred_at at time zone 'UTC')::date";

pub(super) fn job_runs() -> View {
    let mut columns = vec![
        column("job_id", "uuid", "job_id", "The job."),
        column("task_id", "uuid", "id", "The task that is this run."),
        column("tenant_id", "uuid", "tenant_id", "The tenant."),
        column(
            "slot_at",
            INSTANT,
            "slot",
            "The slot that was due; null if somebody triggered the job by hand.",
        ),
        column(
            "status",
            "text",
            "status",
            "The status of the task; skipped for a skipped slot.",
        ),
        column(
            "skip_reason",
            "text",
            "skipped",
            "Why the slot was skipped: misfire or overlap.",
        ),
        column(
            "attempt",
            "bigint",
            "attempt",
            "The number of the latest attempt.",
        ),
        column(
            "error_code",
            "text",
            "error_code",
            "What went wrong last, in a stable word.",
        ),
        column(
            "created_at",
            INSTANT,
            "created_at",
            "When the task came to be.",
        ),
        column(
            "started_at",
            INSTANT,
            FIRST,
            "When its first attempt began.",
        ),
        column(
            "finished_at",
            INSTANT,
            "finished_at",
            "When it ended, if it has.",
        ),
    ];
    columns.extend(durations());
    let description = "Runs of jobs, one row for each slot that was decided and each trigger by \
                       hand: the task that it became, or the reason why it was skipped.";
    View::new(
        "job_runs",
        description,
        "tasks t where job_id is not null",
        columns,
    )
}

fn durations() -> [Column; 2] {
    [
        column(
            "lateness_ms",
            "bigint",
            &elapsed_ms("slot", FIRST),
            "How long after its slot its first attempt began, in milliseconds.",
        ),
        column(
            "duration_ms",
            "bigint",
            &elapsed_ms(FIRST, "finished_at"),
            "How long from its first attempt to its end, in milliseconds, waiting included.",
        ),
    ]
}

/// When the first attempt of a task began. As a subquery, so that whoever does not ask for it does
/// not pay for it.
const FIRST: &str = "(select min(e.occurred_at) from event_log e where e.tenant_id = t.tenant_id \
                     and e.kind = 'task' and e.id = t.id and e.type = 'task.started')";

pub(super) fn task_attempts() -> View {
    let columns = vec![
        column("task_id", "uuid", "s.id", "The task."),
        column("tenant_id", "uuid", "s.tenant_id", "The tenant."),
        column(
            "attempt",
            "bigint",
            "s.data ->> 'attempt'",
            "Which attempt, from 1; again from 1 after a requeue, and the same number again after \
             one that was handed back.",
        ),
        column(
            "worker",
            "text",
            "s.data ->> 'worker'",
            "The worker that ran it.",
        ),
        column("started_at", INSTANT, "s.occurred_at", "When it began."),
        column(
            "ended_at",
            INSTANT,
            "e.occurred_at",
            "When it ended; null while it runs.",
        ),
        column(
            "outcome",
            "text",
            "case e.type when 'task.attempt_failed' then 'failed' \
             else substr(e.type, length('task.') + 1) end",
            "succeeded, failed, cancelled or handed_back; null while it runs.",
        ),
        column(
            "error_code",
            "text",
            "e.data #>> '{error,code}'",
            "What went wrong, in a stable word.",
        ),
        column(
            "error_message",
            "text",
            "e.data #>> '{error,message}'",
            "What went wrong, for people.",
        )
        .free_text(),
        column(
            "is_retryable",
            "boolean",
            "e.data #>> '{error,retryable}'",
            "Whether another attempt might have helped.",
        ),
        column(
            "duration_ms",
            "bigint",
            &elapsed_ms("s.occurred_at", "e.occurred_at"),
            "How long it lasted, in milliseconds; null while it runs.",
        ),
        column(
            "position",
            "bigint",
            "s.position",
            "The place in the log of the commit that began it.",
        ),
    ];
    let description = "Attempts at tasks, one row each.";
    View::new("task_attempts", description, ATTEMPTS, columns)
}

/// What ends an attempt is the first such event of its task after it began.
const ATTEMPTS: &str = "event_log s left join lateral (
    select n.type, n.occurred_at, n.data from event_log n
    where n.tenant_id = s.tenant_id and n.kind = 'task' and n.id = s.id and n.version > s.version
        and n.type in ('task.attempt_failed', 'task.cancelled', 'task.handed_back',
            'task.succeeded')
    order by n.version, n.index limit 1
) e on true
where s.type = 'task.started'";

pub(super) fn task_state_durations() -> View {
    let columns = vec![
        column("task_id", "uuid", "s.id", "The task."),
        column("tenant_id", "uuid", "s.tenant_id", "The tenant."),
        column("version", "bigint", "s.version", "The version of the task."),
        column("status", "text", "s.status", "The status that it had."),
        column(
            "entered_at",
            INSTANT,
            "s.updated_at",
            "When this version began.",
        ),
        column(
            "left_at",
            INSTANT,
            "n.updated_at",
            "When the next one began; null if none has.",
        ),
        column(
            "duration_ms",
            "bigint",
            &elapsed_ms("s.updated_at", "n.updated_at"),
            "How long it lasted, in milliseconds; null if it lasts.",
        ),
        column(
            "is_current",
            "boolean",
            "s.valid_to is null",
            "Whether it lasts.",
        ),
    ];
    let description = "How long tasks were in each status, one row for each version of a task; a \
                       status that several versions in a row share is the sum of theirs.";
    View::new("task_state_durations", description, STATES, columns)
}

const STATES: &str = "(
    select tenant_id, id, version, status, updated_at, valid_to from tasks_history
    union all
    select tenant_id, id, version, status, updated_at, null from tasks
) s
left join (
    select tenant_id, id, valid_from, updated_at from tasks_history
    union all
    select tenant_id, id, position, updated_at from tasks
) n on n.tenant_id = s.tenant_id and n.id = s.id and n.valid_from = s.valid_to";
