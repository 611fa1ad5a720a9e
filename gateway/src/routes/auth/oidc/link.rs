//! `POST /auth/oidc/{name}/link`
//!
//! Invariant: the identity becomes that of the user who asks here, if their sign-in still goes on
//! when the browser comes back.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use schemas::api::BegunView;

use super::begin;
use crate::{
    app::App,
    extract::{Caller, Parameters, Segment},
    oidc::{Linking, ReturnTo},
    problem::Result,
};

/// Begin to link an identity at a provider to yourself.
///
/// The browser that asks is then to go to `location`. When it comes back from there, you can sign
/// in by that identity as well.
#[utoipa::path(
    post, path = "/api/v1/auth/oidc/{name}/link", tag = "auth",
    params(
        ("name" = String, Path, description = "The provider"),
        ("return_to" = Option<String>, Query, description = "A path of this site; `/` if absent"),
    ),
    responses((status = 200, description = "Where to go", body = BegunView)),
)]
pub(super) async fn link_provider(
    State(app): State<App>,
    caller: Caller,
    Parameters(ReturnTo(return_to)): Parameters<ReturnTo>,
    Segment(name): Segment,
) -> Result<Response> {
    let linking = Linking {
        session: caller.0.session,
        tenant: caller.tenant(),
        user: caller.user(),
    };
    let (location, cookie) = begin(&app, &name, return_to, Some(linking)).await?;
    let headers = [(header::SET_COOKIE, cookie)];
    Ok((headers, Json(BegunView { location })).into_response())
}
