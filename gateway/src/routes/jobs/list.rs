//! `GET /jobs`
//!
//! Invariant: a page is one snapshot, and following `next` visits every job once.

use axum::{extract::State, response::Response};
use domain::job::JobStatus;
use projections::jobs;
use schemas::api::{JobView, Page};

use crate::{
    answer,
    app::App,
    document::{AsOfParameter, PageParameters},
    extract::{Cursors, FromParameters, Paging, Parameters, Query, Reading, word},
    problem::Result,
};

/// Those that a list can show: a deleted job is in none.
const STATUSES: [JobStatus; 2] = [JobStatus::Active, JobStatus::Paused];

pub(super) struct ListJobs {
    filter: jobs::Filter,
    paging: Paging<jobs::SortBy>,
}

impl FromParameters for ListJobs {
    fn take(query: &mut Query) -> Result<Self> {
        Ok(Self {
            paging: query.paging()?,
            filter: jobs::Filter::take(query)?,
        })
    }
}

impl FromParameters for jobs::Filter {
    fn take(query: &mut Query) -> Result<Self> {
        Ok(Self {
            q: query.one("q")?,
            statuses: query.several("status", word(&STATUSES, name))?,
        })
    }
}

/// List jobs.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "jobs",
    params(
        PageParameters,
        AsOfParameter,
        ("sort" = Option<String>, Query,
            description = "`name`, `created_at` or `updated_at`, with `-` for the other direction; \
                `name` by default"),
        ("status" = Option<String>, Query, description = "`active`, `paused`, between commas"),
        ("q" = Option<String>, Query, description = "A part of the name, in any case"),
    ),
    responses((status = 200, description = "A page", body = Page<JobView>)),
)]
pub(super) async fn list_jobs(
    State(app): State<App>,
    reading: Reading,
    Parameters(ListJobs { filter, paging }): Parameters<ListJobs>,
) -> Result<Response> {
    let tenant = reading.tenant();
    let cursors = Cursors::new(&app, tenant, &paging.scope);
    let request = paging.request(&app, &reading, &cursors).await?;
    let found = jobs::list(&app.store, tenant, &filter, &request).await?;
    let views = answer::each(found, answer::job);
    answer::listed(&app, &paging, &cursors, views)
}

const fn name(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Active => "active",
        JobStatus::Deleted => "deleted",
        JobStatus::Paused => "paused",
    }
}
