//! `POST /resources`
//!
//! Invariant: with the same key, the same request makes one resource however often it is sent.

use axum::{extract::State, response::Response};
use domain::{
    ResourceId,
    resource::{Resource, ResourceCommand},
};
use schemas::api::{CreateResource, ResourceView};

use crate::{
    answer,
    app::App,
    extract::{Body, Nothing, Parameters, Writing},
    problem::Result,
    routes::precondition,
};

/// Create a resource.
#[utoipa::path(
    post, path = "/api/v1/resources", tag = "resources", request_body = CreateResource,
    responses((status = 201, description = "Created", body = ResourceView)),
)]
pub(super) async fn create_resource(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<CreateResource>,
) -> Result<Response> {
    let (wanted, refused) = super::wanted(&app, &writing, body.value).await?;
    let ask = writing.creation(&app, &body.bytes)?;
    let id = ResourceId::new(ask.id);
    let command = ResourceCommand::Create(wanted);
    let receipt = precondition::run::<Resource>(&app, ask, command, refused).await?;
    let view = schemas::resource_view(id, receipt.version, answer::state(&receipt)?);
    let location = format!("/api/v1/resources/{id}");
    Ok(answer::created(&app, &receipt, &location, &view))
}
