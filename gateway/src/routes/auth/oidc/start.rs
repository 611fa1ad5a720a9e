//! `GET /auth/oidc/{name}/start`
//!
//! Invariant: nothing is kept here for whoever begins; see `oidc::flow`.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::begin;
use crate::{
    app::App,
    extract::{Parameters, Segment},
    oidc::ReturnTo,
    problem::{Error, Result},
};

/// Begin to sign in by a provider.
///
/// A browser goes here, not a script: it is sent on to the provider, which sends it back to be
/// signed in as by `POST /auth/login`, and then to `return_to`.
#[utoipa::path(
    get, path = "/api/v1/auth/oidc/{name}/start", tag = "auth",
    params(
        ("name" = String, Path, description = "The provider"),
        ("return_to" = Option<String>, Query, description = "A path of this site; `/` if absent"),
    ),
    responses((status = 303, description = "To the provider")),
)]
pub(super) async fn start_provider_sign_in(
    State(app): State<App>,
    Parameters(ReturnTo(return_to)): Parameters<ReturnTo>,
    Segment(name): Segment,
) -> Result<Response> {
    let (location, cookie) = begin(&app, &name, return_to, None).await?;
    let location = HeaderValue::try_from(location).map_err(Error::internal)?;
    let headers = [(header::LOCATION, location), (header::SET_COOKIE, cookie)];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
