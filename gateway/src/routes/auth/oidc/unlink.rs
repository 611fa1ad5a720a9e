//! `DELETE /auth/oidc/{name}/link`
//!
//! Invariant: nobody gives up their only way in. It works also for a provider that is configured no
//! more.

use axum::{extract::State, response::Response};
use domain::user::User;

use crate::{
    answer,
    app::App,
    extract::{Nothing, Parameters, Segment, Writing},
    problem::Result,
    routes::precondition,
};

/// Sign in by your identity at a provider no more.
///
/// Sign-ins that were made by it go on.
#[utoipa::path(
    delete, path = "/api/v1/auth/oidc/{name}/link", tag = "auth",
    params(("name" = String, Path, description = "The provider")),
    responses((status = 204, description = "No identity of this provider is linked")),
)]
pub(super) async fn unlink_provider(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Segment(name): Segment,
) -> Result<Response> {
    let mut ask = writing.change(&app, writing.caller.user().uuid(), b"");
    let unmet = precondition::expect::<User>(&app, &writing, &mut ask).await?;
    let unlink = async |ask| app.identity.unlink_identity(ask, &name).await;
    let receipt = precondition::run_by(ask, unmet, unlink).await?;
    Ok(answer::deleted(&app, &receipt))
}
