//! `GET /resources/{id}`
//!
//! Invariant: what another tenant has does not exist.

use axum::{extract::State, response::Response};
use domain::{ResourceId, resource::Resource};
use projections::resources;
use schemas::api::ResourceView;

use crate::{
    answer,
    app::App,
    document::LookParameters,
    extract::{Id, Look, Parameters, Reading},
    past::{self, Whose},
    problem::Result,
};

/// Show a resource.
#[utoipa::path(
    get, path = "/api/v1/resources/{id}", tag = "resources",
    params(("id" = ResourceId, Path), LookParameters),
    responses((status = 200, description = "The resource", body = ResourceView)),
)]
pub(super) async fn get_resource(
    State(app): State<App>,
    reading: Reading,
    Parameters(look): Parameters<Look>,
    Id(id): Id,
) -> Result<Response> {
    let reading = reading.of(&app, &look).await?;
    if let Some(told) = &look.told {
        let (tenant, id) = (reading.tenant(), id);
        return past::tell::<Resource>(&app, &reading, told, Whose { id, tenant }).await;
    }
    let (tenant, id) = (reading.tenant(), ResourceId::new(id));
    let found = resources::get(&app.store, tenant, id, reading.moment).await?;
    answer::one(&app, &reading, found, "resource", answer::resource)
}
