//! `GET /tasks/{id}/explain`
//!
//! Invariant: what a task did is told from its events in the log; what is before it in the queue,
//! from the read models.

mod reasons;
mod words;

use axum::{extract::State, response::Response};
use domain::{
    Aggregate as _, TaskId, Timestamp,
    settings::{InForce, Settings},
    task::{Chapter, Doing, Task, TaskEvent, story},
};
use projections::tasks;
use schemas::api::{ChapterView, TaskExplanation};

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Reading},
    problem::{Error, Result},
};
use reasons::Facts;

/// Explain why a task has not started, or why it was late.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/explain", tag = "tasks", params(("id" = TaskId, Path)),
    responses((status = 200, description = "Why", body = TaskExplanation)),
)]
pub(in crate::routes) async fn explain_task(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let tenant = reading.tenant();
    let history = app.commands.history::<Task>(tenant, id).await?;
    let now = app.commands.clock().now();
    let task = last(&history).ok_or_else(|| Error::not_found("task"))?;
    let found = tasks::ahead(&app.store, tenant, TaskId::new(id)).await?;
    reading.holds(&found, true)?;
    let mut facts = Facts {
        ahead: found.value,
        at_once: None,
        dependencies: Vec::new(),
        now,
    };
    if task.held {
        for first in &task.after {
            let state = app.commands.state::<Task>(tenant, first.task.uuid());
            let status = state.await?.map(|current| current.state.status);
            facts.dependencies.push((*first, status));
        }
    }
    let settings = app
        .commands
        .state::<Settings>(tenant, tenant.uuid())
        .await?;
    let settings = settings.map(|current| current.state);
    facts.at_once = InForce::new(settings.as_ref(), tenant).tasks_at_once();
    let explanation = explain(TaskId::new(id), &task, &history, &facts);
    Ok(answer::shown(&app, &found.map(|_| explanation)))
}

fn last(history: &[(TaskEvent, Timestamp)]) -> Option<Task> {
    history
        .iter()
        .fold(None, |task, (event, at)| Task::evolve(task, event, *at))
}

fn explain(
    id: TaskId,
    task: &Task,
    history: &[(TaskEvent, Timestamp)],
    facts: &Facts,
) -> TaskExplanation {
    let chapters = story(history, facts.now);
    let waits_for = reasons::of(task, facts);
    let late_ms = late_ms(task, history, &chapters);
    TaskExplanation {
        id,
        status: task.status,
        summary: words::summary(task, &waits_for, &chapters, late_ms),
        waits_for,
        late_ms,
        chapters: chapters.iter().map(|one| view(one, facts.now)).collect(),
    }
}

/// How long after it was wanted its first attempt began: after its slot, its `not_before` or its
/// creation.
fn late_ms(task: &Task, history: &[(TaskEvent, Timestamp)], chapters: &[Chapter]) -> Option<i64> {
    let runs = |chapter: &&Chapter| matches!(chapter.doing, Doing::Running { .. });
    let started = chapters.iter().find(runs)?.from;
    let not_before = history.iter().find_map(|(event, _)| match event {
        TaskEvent::Created(created) => created.not_before,
        _ => None,
    });
    let slot = task.origin.and_then(|origin| origin.slot);
    let wanted = slot.unwrap_or(task.created_at);
    let wanted = not_before.map_or(wanted, |not_before| not_before.max(wanted));
    Some(started.since_ms(wanted))
}

fn view(chapter: &Chapter, now: Timestamp) -> ChapterView {
    let lasted_ms = chapter.until.unwrap_or(now).since_ms(chapter.from).max(0);
    let (attempt, worker) = match &chapter.doing {
        Doing::Running { attempt, worker } => (Some(*attempt), Some(worker.clone())),
        Doing::Retrying { attempt, .. } => (Some(*attempt), None),
        _ => (None, None),
    };
    ChapterView {
        doing: words::word(&chapter.doing).to_owned(),
        words: words::chapter(chapter, lasted_ms),
        from: chapter.from,
        until: chapter.until,
        lasted_ms,
        attempt,
        worker,
    }
}
