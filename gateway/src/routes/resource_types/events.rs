//! `GET /resource-types/{name}/events`
//!
//! Invariant: a type is found by its name, which is its identity within its tenant.

use axum::{extract::State, response::Response};
use domain::{AggregateKind, ResourceTypeId};
use schemas::api::{EventView, Page};

use crate::{
    app::App,
    document::PageParameters,
    extract::{History, Parameters, Reading, Segment},
    problem::Result,
    routes::history,
};

/// Show what happened to a resource type.
///
/// `CloudEvents`, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/resource-types/{name}/events", tag = "resource types",
    params(("name" = String, Path), PageParameters),
    responses((status = 200, description = "A page", body = Page<EventView>)),
)]
pub(super) async fn list_resource_type_events(
    State(app): State<App>,
    reading: Reading,
    Parameters(History(paging)): Parameters<History>,
    Segment(name): Segment,
) -> Result<Response> {
    let id = ResourceTypeId::of_name(reading.tenant(), &name).uuid();
    history::page(&app, &reading, &paging, AggregateKind::ResourceType, id).await
}
