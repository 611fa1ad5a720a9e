//! `DELETE /auth/sessions/{id}`
//!
//! Invariant: afterwards no token of that sign-in works here, nor within 2 s anywhere else.

use axum::{extract::State, http::StatusCode};

use crate::{
    app::App,
    extract::{Caller, Id, Nothing, Parameters},
    problem::{Error, Result},
};

/// End one of your sign-ins.
#[utoipa::path(
    delete, path = "/api/v1/auth/sessions/{id}", tag = "auth", params(("id" = Uuid, Path)),
    responses((status = 204, description = "It has ended")),
)]
pub(in super::super) async fn end_session(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<StatusCode> {
    let ended = app.identity.end_sign_in(caller.tenant(), caller.user(), id);
    if ended.await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::not_found("sign-in"))
    }
}
