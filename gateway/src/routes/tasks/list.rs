//! `GET /tasks`
//!
//! Invariant: a page is one snapshot, and following `next` visits every task once. Slots that were
//! skipped are no tasks; they are listed only when asked for.

use axum::{extract::State, response::Response};
use domain::task::{Priority, TaskStatus};
use projections::tasks;
use schemas::api::{Page, TaskView};

use crate::{
    answer,
    app::App,
    document::{AsOfParameter, PageParameters},
    extract::{Cursors, FromParameters, Paging, Parameters, Query, Reading, word},
    problem::Result,
};

pub(super) struct ListTasks {
    filter: tasks::Filter,
    paging: Paging<tasks::SortBy>,
}

impl FromParameters for ListTasks {
    fn take(query: &mut Query) -> Result<Self> {
        Ok(Self {
            paging: query.paging()?,
            filter: tasks::Filter::take(query)?,
        })
    }
}

impl FromParameters for tasks::Filter {
    fn take(query: &mut Query) -> Result<Self> {
        let batch = |text: &str| text.parse().map_err(|_| format!("{text:?} is no UUID"));
        let job_id = |text: &str| text.parse().map_err(|_| format!("{text:?} is no UUID"));
        Ok(Self {
            batch: query.parsed("batch", batch)?,
            job_id: query.parsed("job_id", job_id)?,
            kinds: query.several("kind", |kind| Ok(kind.to_owned()))?,
            priorities: query.several("priority", word(&Priority::ALL, Priority::name))?,
            statuses: query.several("status", word(&TaskStatus::ALL, TaskStatus::name))?,
            skipped: false,
        })
    }
}

/// List tasks.
#[utoipa::path(
    get, path = "/api/v1/tasks", tag = "tasks",
    params(
        PageParameters,
        AsOfParameter,
        ("sort" = Option<String>, Query,
            description = "`created_at`, `updated_at` or `due_at`, with `-` for the other \
                direction; `-created_at` by default"),
        ("status" = Option<String>, Query, description = "States, between commas"),
        ("kind" = Option<String>, Query, description = "Kinds, between commas"),
        ("priority" = Option<String>, Query, description = "Priorities, between commas"),
        ("batch" = Option<uuid::Uuid>, Query, description = "What they were created together as"),
        ("job_id" = Option<domain::JobId>, Query, description = "The job that made them"),
    ),
    responses((status = 200, description = "A page", body = Page<TaskView>)),
)]
pub(super) async fn list_tasks(
    State(app): State<App>,
    reading: Reading,
    Parameters(ListTasks { filter, paging }): Parameters<ListTasks>,
) -> Result<Response> {
    let tenant = reading.tenant();
    let cursors = Cursors::new(&app, tenant, &paging.scope);
    let request = paging.request(&app, &reading, &cursors).await?;
    let found = tasks::list(&app.store, tenant, &filter, &request).await?;
    let views = answer::each(found, answer::task);
    answer::listed(&app, &paging, &cursors, views)
}
