//! `GET /users/{id}`
//!
//! Invariant: to anyone but an administrator, other users do not exist.

use axum::{extract::State, response::Response};
use domain::{UserId, user::User};
use projections::users;
use schemas::api::UserView;

use crate::{
    answer,
    app::App,
    document::LookParameters,
    extract::{Id, Look, Parameters, Reading},
    past::{self, Whose},
    problem::{Error, Result},
};

/// Show a user.
#[utoipa::path(
    get, path = "/api/v1/users/{id}", tag = "users", params(("id" = UserId, Path), LookParameters),
    responses((status = 200, description = "The user", body = UserView)),
)]
pub(super) async fn get_user(
    State(app): State<App>,
    reading: Reading,
    Parameters(look): Parameters<Look>,
    Id(id): Id,
) -> Result<Response> {
    let (tenant, id) = (reading.tenant(), UserId::new(id));
    let reading = reading.of(&app, &look).await?.of_persons();
    if let Some(told) = &look.told {
        let id = id.uuid();
        return past::tell::<User>(&app, &reading, told, Whose { id, tenant }).await;
    }
    let found = users::get(&app.store, tenant, id, reading.moment).await?;
    reading.holds(&found, found.value.is_some())?;
    let row = found.value.clone();
    let row = row.ok_or_else(|| Error::not_found("user"))?;
    let version = row.version;
    let view = answer::user(&app, tenant, id, version, row.state).await?;
    Ok(answer::found(&app, &reading, version, &found.map(|_| view)))
}
