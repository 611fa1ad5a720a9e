//! `GET /jobs/{id}/runs`
//!
//! Invariant: shows every task of the job, also of a job that is deleted; slots that were skipped
//! are shown when asked for.

use axum::{extract::State, response::Response};
use domain::{AggregateKind, JobId, task::TaskStatus};
use projections::{event_log, tasks};
use schemas::api::{Page, TaskView};

use crate::{
    answer,
    app::App,
    document::PageParameters,
    extract::{Cursors, FromParameters, Id, Paging, Parameters, Query, Reading, word},
    problem::{Error, Result},
};

pub(super) struct ListRuns {
    paging: Paging<tasks::SortBy>,
    statuses: Vec<TaskStatus>,
}

impl FromParameters for ListRuns {
    fn take(query: &mut Query) -> Result<Self> {
        let paging = query.paging()?;
        let statuses = query.several("status", word(&TaskStatus::ALL, TaskStatus::name))?;
        Ok(Self { paging, statuses })
    }
}

/// List the tasks of a job.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}/runs", tag = "jobs",
    params(
        ("id" = JobId, Path),
        PageParameters,
        ("sort" = Option<String>, Query,
            description = "`created_at`, `updated_at` or `due_at`, with `-` for the other \
                direction; `-created_at` by default"),
        ("status" = Option<String>, Query,
            description = "States, between commas; `skipped` shows slots that were not run"),
    ),
    responses((status = 200, description = "A page", body = Page<TaskView>)),
)]
pub(super) async fn list_job_runs(
    State(app): State<App>,
    reading: Reading,
    Parameters(ListRuns { paging, statuses }): Parameters<ListRuns>,
    Id(id): Id,
) -> Result<Response> {
    let tenant = reading.tenant();
    let cursors = Cursors::new(&app, tenant, &paging.scope);
    let request = paging.request(&cursors)?;
    let filter = tasks::Filter {
        job_id: Some(JobId::new(id)),
        statuses,
        ..tasks::Filter::default()
    };
    let found = tasks::list(&app.store, tenant, &filter, &request).await?;
    if found.value.items.is_empty() && !existed(&app, &reading, id).await? {
        return Err(Error::not_found("job"));
    }
    let views = answer::each(found, answer::task);
    answer::listed(&app, &paging, &cursors, views)
}

/// Whether there is, or was, a job with this id.
async fn existed(app: &App, reading: &Reading, id: uuid::Uuid) -> Result<bool> {
    let (tenant, kind) = (reading.tenant(), AggregateKind::Job);
    let first = event_log::of_aggregate(&app.store, tenant, kind, id, None, 1).await?;
    Ok(!first.value.items.is_empty())
}
