//! `GET /resource-types/{name}`
//!
//! Invariant: a type is found by its name, which is its identity within its tenant. Another tenant
//! has another type at the same address and version, so the answer is not to be kept.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use domain::{ResourceTypeId, resource_type::ResourceType};
use projections::resource_types;
use schemas::api::ResourceTypeView;

use crate::{
    answer,
    app::App,
    document::LookParameters,
    extract::{Look, Parameters, Reading, Segment},
    past::{self, Whose},
    problem::Result,
};

/// Show a resource type.
#[utoipa::path(
    get, path = "/api/v1/resource-types/{name}", tag = "resource types",
    params(("name" = String, Path), LookParameters),
    responses((status = 200, description = "The type", body = ResourceTypeView)),
)]
pub(super) async fn get_resource_type(
    State(app): State<App>,
    reading: Reading,
    Parameters(look): Parameters<Look>,
    Segment(name): Segment,
) -> Result<Response> {
    let reading = reading.of(&app, &look).await?;
    if let Some(told) = &look.told {
        let tenant = reading.tenant();
        let id = ResourceTypeId::of_name(tenant, &name).uuid();
        return past::tell::<ResourceType>(&app, &reading, told, Whose { id, tenant }).await;
    }
    let tenant = reading.tenant();
    let found = resource_types::get(&app.store, tenant, &name, reading.moment).await?;
    let view = answer::resource_type;
    let mut response = answer::one(&app, &reading, found, "resource type", view)?;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
