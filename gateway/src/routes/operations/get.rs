//! `GET /system/operations/{id}`
//!
//! Invariant: what another tenant has does not exist.

use axum::{extract::State, response::Response};
use domain::OperationId;
use projections::operations;
use schemas::api::OperationView;

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Reading},
    problem::Result,
};

/// Show how far an operation has come.
#[utoipa::path(
    get, path = "/api/v1/system/operations/{id}", tag = "system",
    params(("id" = OperationId, Path)),
    responses((status = 200, description = "The operation", body = OperationView)),
)]
pub(super) async fn get_operation(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let id = OperationId::new(id);
    let found = operations::get(&app.store, reading.tenant(), id, None).await?;
    answer::one(&app, &reading, found, "operation", answer::operation)
}
