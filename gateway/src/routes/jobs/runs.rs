//! `GET /jobs/{id}/runs`
//!
//! Invariant: shows every task of the job, also of a job that is deleted; slots that were skipped
//! are shown when asked for.

use axum::{extract::State, response::Response};
use domain::{AggregateKind, JobId, TenantId, task::TaskStatus};
use projections::{PageRequest, SortKey, event_log, tasks};
use schemas::{
    Position,
    api::{Page, TaskView},
};
use uuid::Uuid;

use crate::{
    answer,
    app::App,
    document::{AsOfParameter, PageParameters},
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
        AsOfParameter,
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
    let request = paging.request(&app, &reading, &cursors).await?;
    let filter = tasks::Filter {
        job_id: Some(JobId::new(id)),
        statuses,
        ..tasks::Filter::default()
    };
    let found = tasks::list(&app.store, tenant, &filter, &request).await?;
    if found.value.items.is_empty() && !existed(&app, tenant, id, &request).await? {
        return Err(Error::not_found("job"));
    }
    let views = answer::each(found, answer::task);
    answer::listed(&app, &paging, &cursors, views)
}

/// Whether there is, or was, a job with this id at the moment that is asked about.
async fn existed<K: SortKey>(
    app: &App,
    tenant: TenantId,
    id: Uuid,
    request: &PageRequest<K>,
) -> Result<bool> {
    let kind = AggregateKind::Job;
    let first = event_log::of_aggregate(&app.store, tenant, kind, id, None, 1).await?;
    let first = first
        .value
        .items
        .first()
        .map(|event| event.sequence.parse());
    let began = first.transpose().map_err(Error::internal)?.map(Position);
    Ok(began.is_some_and(|began| request.moment().is_none_or(|moment| began <= moment)))
}
