//! `GET /users/{id}`
//!
//! Invariant: to anyone but an administrator, other users do not exist.

use axum::{extract::State, response::Response};
use domain::UserId;
use projections::users;
use schemas::api::UserView;

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Reading},
    problem::{Error, Result},
};

/// Show a user.
#[utoipa::path(
    get, path = "/api/v1/users/{id}", tag = "users", params(("id" = UserId, Path)),
    responses((status = 200, description = "The user", body = UserView)),
)]
pub(super) async fn get_user(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let (tenant, id) = (reading.tenant(), UserId::new(id));
    let found = users::get(&app.store, tenant, id).await?;
    reading.holds(&found, found.value.is_some())?;
    let row = found.value.clone();
    let row = row.ok_or_else(|| Error::not_found("user"))?;
    let version = row.version;
    let view = answer::user(&app, tenant, id, version, row.state).await?;
    Ok(answer::found(&app, &reading, version, &found.map(|_| view)))
}
