//! `PUT /resources/{id}`
//!
//! Invariant: afterwards the resource is just so, whether it was there before or not.

use axum::{extract::State, response::Response};
use domain::{
    ResourceId,
    resource::{Resource, ResourceCommand},
};
use schemas::api::{CreateResource, ResourceView};

use crate::{
    answer,
    app::App,
    extract::{Body, Id, Nothing, Parameters, Writing},
    problem::Result,
    routes::precondition,
};

/// Create a resource under an id of your own, or replace it.
#[utoipa::path(
    put, path = "/api/v1/resources/{id}", tag = "resources", request_body = CreateResource,
    params(("id" = ResourceId, Path)),
    responses(
        (status = 201, description = "Created", body = ResourceView),
        (status = 200, description = "Replaced, or just so already", body = ResourceView),
    ),
)]
pub(super) async fn put_resource(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: Body<CreateResource>,
) -> Result<Response> {
    let (wanted, refused) = super::wanted(&app, &writing, body.value).await?;
    let ask = writing.change(&app, id, &body.bytes);
    let command = ResourceCommand::Put(wanted);
    let receipt = match refused {
        None => precondition::execute::<Resource>(&app, &writing, ask, command).await?,
        refused => precondition::run::<Resource>(&app, ask, command, refused).await?,
    };
    let state = answer::state(&receipt)?;
    let first = state.created_at == state.updated_at;
    let view = schemas::resource_view(ResourceId::new(id), receipt.version, state);
    let location = format!("/api/v1/resources/{id}");
    Ok(answer::put(&app, &receipt, first, &location, &view))
}
