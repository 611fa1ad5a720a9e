//! `DELETE /resources/{id}`
//!
//! Invariant: deleting what is deleted already succeeds; deleting what never was does not.

use axum::{extract::State, response::Response};
use domain::{
    ResourceId,
    resource::{Resource, ResourceCommand},
};

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    problem::Result,
    routes::precondition,
};

/// Delete a resource.
#[utoipa::path(
    delete, path = "/api/v1/resources/{id}", tag = "resources", params(("id" = ResourceId, Path)),
    responses((status = 204, description = "Gone")),
)]
pub(super) async fn delete_resource(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let ask = writing.change(&app, id, b"");
    let command = ResourceCommand::Delete;
    let receipt = precondition::execute::<Resource>(&app, &writing, ask, command).await?;
    Ok(answer::deleted(&app, &receipt))
}
