//! Jobs.
//!
//! Invariant: a job that is stored can be followed, and its tasks can be made.

mod create;
mod delete;
mod events;
mod get;
mod health;
mod list;
mod patch;
mod pause;
mod preview;
mod put;
mod resume;
mod runs;
mod slots;
mod trigger;

use axum::{http::StatusCode, response::Response};
use domain::{
    JobId,
    job::{Job, JobCommand, JobCreated},
};
use schemas::api::CreateJob;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer,
    app::App,
    extract::{Fields, Writing},
    problem::Result,
    routes::precondition,
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_jobs, create::create_job))
        .routes(routes!(preview::preview_job))
        .routes(routes!(
            get::get_job,
            put::put_job,
            patch::patch_job,
            delete::delete_job
        ))
        .routes(routes!(events::list_job_events))
        .routes(routes!(health::assess_job))
        .routes(routes!(pause::pause_job))
        .routes(routes!(resume::resume_job))
        .routes(routes!(runs::list_job_runs))
        .routes(routes!(slots::list_job_slots))
        .routes(routes!(trigger::trigger_job))
}

/// What a body asks for, checked.
fn wanted(body: CreateJob) -> Result<JobCreated> {
    let mut fields = Fields::default();
    let name = fields.name("/name", &body.name);
    fields.origin(body.origin.as_ref());
    Ok(JobCreated {
        name: fields.finish(name)?,
        schedule: body.schedule,
        task: body.task,
        overlap: body.overlap,
        misfire: body.misfire,
        policy: body.policy,
        enabled: body.enabled,
        origin: body.origin,
    })
}

/// Runs `command`, which `body` asks for, and answers with the job as it is then.
async fn change(
    app: &App,
    writing: &Writing,
    id: Uuid,
    body: &[u8],
    command: JobCommand,
) -> Result<Response> {
    let ask = writing.change(app, id, body);
    let receipt = precondition::execute::<Job>(app, writing, ask, command).await?;
    let view = schemas::job_view(JobId::new(id), receipt.version, answer::state(&receipt)?);
    Ok(answer::written(app, &receipt, StatusCode::OK, &view))
}
