//! `GET /resources/{id}`
//!
//! Invariant: what another tenant has does not exist.

use axum::{extract::State, response::Response};
use domain::ResourceId;
use projections::resources;
use schemas::api::ResourceView;

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Reading},
    problem::Result,
};

/// Show a resource.
#[utoipa::path(
    get, path = "/api/v1/resources/{id}", tag = "resources", params(("id" = ResourceId, Path)),
    responses((status = 200, description = "The resource", body = ResourceView)),
)]
pub(super) async fn get_resource(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let found = resources::get(&app.store, reading.tenant(), ResourceId::new(id)).await?;
    answer::one(&app, &reading, found, "resource", answer::resource)
}
