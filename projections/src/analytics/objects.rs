//! Users, resources, tasks and jobs as they are now.
//!
//! Invariant: one row for each that lives, at the position that `projection_status` tells; nothing
//! personal is shown of users, and of those who are erased nothing that they were.

use super::view::{Column, View, column, elapsed_ms};

pub(super) const INSTANT: &str = "timestamp with time zone";

pub(super) fn jobs() -> View {
    let mut columns = keys("job_id", "The job.");
    columns.extend([
        column("name", "text", "name", "What people call it.").free_text(),
        column("status", "text", "status", "active or paused."),
    ]);
    columns.extend(schedule());
    columns.extend([
        column(
            "task_kind",
            "text",
            "task_kind",
            "The handler that does its tasks.",
        ),
        column(
            "task_priority",
            "text",
            "state #>> '{task,priority}'",
            "The priority of its tasks: critical, high, normal or low.",
        ),
        column(
            "overlap",
            "text",
            "state ->> 'overlap'",
            "What becomes of a slot while an earlier task lives: allow or skip.",
        ),
        column(
            "misfire",
            "text",
            "state ->> 'misfire'",
            "What becomes of slots that were missed: all, latest or skip.",
        ),
        column(
            "note",
            "text",
            "state ->> 'note'",
            "Why it is paused, in somebody's words.",
        )
        .free_text(),
    ]);
    columns.extend(origin());
    columns.extend(ages());
    View::new(
        "jobs",
        "Jobs that live, one row each, as they are now.",
        "jobs",
        columns,
    )
}

fn schedule() -> Vec<Column> {
    vec![
        column(
            "schedule_type",
            "text",
            "schedule_type",
            "How it is due: cron, interval or once.",
        ),
        column(
            "schedule_expression",
            "text",
            "state #>> '{schedule,expression}'",
            "The cron expression, if it is due by one.",
        ),
        column(
            "schedule_timezone",
            "text",
            "state #>> '{schedule,timezone}'",
            "The IANA time zone in which the cron expression is read.",
        ),
        column(
            "every_ms",
            "bigint",
            "state #>> '{schedule,every_ms}'",
            "The interval, if it is due by one, in milliseconds.",
        ),
        column(
            "once_at",
            INSTANT,
            "state #>> '{schedule,at}'",
            "The instant, if it is due once.",
        ),
    ]
}

pub(super) fn resource_types() -> View {
    let mut columns = keys("resource_type_id", "The type.");
    columns.extend([
        column("name", "text", "name", "What people call it.").free_text(),
        column(
            "schema",
            "jsonb",
            "state -> 'schema'",
            "The JSON Schema of the attributes of its resources.",
        )
        .free_text(),
    ]);
    columns.extend(ages());
    let description = "Types of resources, one row each, as they are now.";
    View::new("resource_types", description, "resource_types", columns)
}

pub(super) fn resources() -> View {
    let mut columns = keys("resource_id", "The resource.");
    columns.extend([
        column("type", "text", "type", "The name of its type."),
        column("name", "text", "name", "What people call it.").free_text(),
        column(
            "labels",
            "jsonb",
            "labels",
            "Words to select it by: an object of texts.",
        )
        .free_text(),
        column(
            "attributes",
            "jsonb",
            "state -> 'attributes'",
            "What it is like: an object as its type describes it.",
        )
        .free_text(),
    ]);
    columns.extend(origin());
    columns.extend(ages());
    let description = "Resources that live, one row each, as they are now.";
    View::new("resources", description, "resources", columns)
}

pub(super) fn tasks() -> View {
    let mut columns = keys("task_id", "The task.");
    columns.extend([
        column(
            "status",
            "text",
            "status",
            "scheduled, queued, running, retrying, succeeded, failed, dead, cancelled or skipped.",
        ),
        column(
            "kind",
            "text",
            "kind",
            "The handler that does it; none for a skipped slot.",
        ),
        column(
            "priority",
            "text",
            "priority",
            "critical, high, normal or low.",
        ),
        column(
            "job_id",
            "uuid",
            "job_id",
            "The job that made it, if one did.",
        ),
        column(
            "slot_at",
            INSTANT,
            "slot",
            "The slot of the job that it is for.",
        ),
        column(
            "skip_reason",
            "text",
            "skipped",
            "Why its slot was skipped: misfire or overlap.",
        ),
        column(
            "attempt",
            "bigint",
            "attempt",
            "The number of its latest attempt; since it was requeued, if it was.",
        ),
        column(
            "max_attempts",
            "bigint",
            "state #>> '{spec,max_attempts}'",
            "How many attempts it has.",
        ),
        column(
            "timeout_ms",
            "bigint",
            "state #>> '{spec,timeout_ms}'",
            "How long one attempt may last, in milliseconds.",
        ),
    ]);
    columns.extend(attempt());
    columns.extend(content());
    columns.extend(ages());
    let description = "Tasks, one row each, as they are now.";
    View::new("tasks", description, "tasks", columns)
}

/// What it does and when it may, and what came of it.
fn content() -> Vec<Column> {
    vec![
        column(
            "payload",
            "jsonb",
            "state #> '{spec,payload}'",
            "What its handler is given.",
        )
        .free_text(),
        column("output", "jsonb", "state -> 'output'", "What came of it.").free_text(),
        column(
            "due_at",
            INSTANT,
            "due_at",
            "When it may start at the earliest, while it waits for that.",
        ),
        column(
            "finished_at",
            INSTANT,
            "finished_at",
            "When it ended, if it has.",
        ),
    ]
}

fn attempt() -> Vec<Column> {
    let began = "(state #>> '{attempt,started_at}')::timestamptz";
    let ended = "(state #>> '{attempt,ended_at}')::timestamptz";
    vec![
        column(
            "worker",
            "text",
            "worker",
            "The worker of its latest attempt.",
        ),
        column(
            "started_at",
            INSTANT,
            began,
            "When its latest attempt began.",
        ),
        column("ended_at", INSTANT, ended, "When its latest attempt ended."),
        column(
            "duration_ms",
            "bigint",
            &elapsed_ms(began, ended),
            "How long its latest attempt lasted, in milliseconds; null while it runs.",
        ),
        column(
            "error_code",
            "text",
            "error_code",
            "What went wrong last, in a stable word.",
        ),
        column(
            "error_message",
            "text",
            "state #>> '{error,message}'",
            "What went wrong last, for people.",
        )
        .free_text(),
    ]
}

pub(super) fn users() -> View {
    const ERASED: &str = "coalesce((state ->> 'erased')::boolean, false)";
    let unless_erased = |expression: &str| format!("case when not {ERASED} then {expression} end");
    let mut columns = vec![
        column("user_id", "uuid", "id", "The user.").pseudonym(),
        column("tenant_id", "uuid", "tenant_id", "The tenant."),
    ];
    columns.extend([
        column(
            "role",
            "text",
            &unless_erased("role"),
            "What they may do: viewer, operator or admin; null once erased.",
        ),
        column(
            "is_disabled",
            "boolean",
            &unless_erased("disabled"),
            "Whether they may not sign in; null once erased.",
        ),
        column(
            "is_invited",
            "boolean",
            &unless_erased("invited"),
            "Whether they were invited and have not come yet; null once erased.",
        ),
        column(
            "has_second_factor",
            "boolean",
            &unless_erased("mfa_enabled"),
            "Whether they sign in with a second factor; null once erased.",
        ),
        column(
            "is_platform_administrator",
            "boolean",
            &unless_erased("coalesce((state ->> 'platform')::boolean, false)"),
            "Whether they administer the platform; null once erased.",
        ),
        column(
            "is_erased",
            "boolean",
            ERASED,
            "Whether everything personal of them is forgotten for good.",
        ),
    ]);
    columns.extend(ages());
    let description = "Users, one row each, as they are now, without what is personal: names and \
                       addresses are sealed and in no view.";
    View::new("users", description, "users", columns)
}

fn keys(name: &str, description: &str) -> Vec<Column> {
    vec![
        column(name, "uuid", "id", description),
        column("tenant_id", "uuid", "tenant_id", "The tenant."),
    ]
}

fn origin() -> [Column; 2] {
    [
        column(
            "origin_source",
            "text",
            "origin_source",
            "The importer it came from, such as crontab or inventory.",
        ),
        column(
            "origin_reference",
            "text",
            "origin_reference",
            "Where the importer found it, such as /etc/crontab:12.",
        )
        .free_text(),
    ]
}

fn ages() -> [Column; 4] {
    [
        column(
            "version",
            "bigint",
            "version",
            "Its version, from 1: its ETag in the API.",
        ),
        column(
            "position",
            "bigint",
            "position",
            "The place in the log of the commit that made this version.",
        ),
        column("created_at", INSTANT, "created_at", "When it came to be."),
        column(
            "updated_at",
            INSTANT,
            "updated_at",
            "When anything of it last changed.",
        ),
    ]
}
