//! `POST /users/invite`, `POST /users/{id}/invite`
//!
//! Invariant: the token is in one answer, for the administrator to hand on; asking again ends it.

use axum::{extract::State, http::StatusCode, response::Response};
use commands::{Invitation, Invited};
use domain::{UserId, user::Role, user::User};
use schemas::api::InvitationView;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    answer,
    app::App,
    extract::{Body, Id, Nothing, Parameters, Writing},
    problem::Result,
    routes::precondition,
};

/// Somebody to invite.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InviteUser {
    /// The address to sign in with.
    #[schema(format = Email, max_length = 254, examples("bob@example.org"))]
    email: String,
    /// What people call them; they may say otherwise.
    #[schema(min_length = 1, max_length = 200, examples("Bob"))]
    name: String,
    /// What they may do.
    role: Role,
}

/// Invite somebody.
///
/// They are a user who cannot sign in yet. Give them the token; with it they choose a password
/// within seven days. A retry with the same `Idempotency-Key` gives another token, and only that
/// works.
#[utoipa::path(
    post, path = "/api/v1/users/invite", tag = "users", request_body = InviteUser,
    responses((status = 201, description = "Invited; the token is only here",
        body = InvitationView)),
)]
pub(super) async fn invite_user(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<InviteUser>,
) -> Result<Response> {
    let ask = writing.creation(&app, &body.bytes)?;
    let user = UserId::new(ask.id);
    let wanted = Invitation {
        email: body.value.email,
        name: body.value.name,
        role: body.value.role,
    };
    let invited = app.identity.invite(ask, wanted).await?;
    let view = view(&app, &writing, user, &invited).await?;
    let location = format!("/api/v1/users/{user}");
    Ok(answer::created(&app, &invited.receipt, &location, &view))
}

/// Invite a user again who has not accepted yet.
///
/// The token from before works no more.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/invite", tag = "users", params(("id" = UserId, Path)),
    responses((status = 200, description = "Invited; the token is only here",
        body = InvitationView)),
)]
pub(super) async fn invite_user_again(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let mut ask = writing.change(&app, id, b"");
    let unmet = precondition::expect::<User>(&app, &writing, &mut ask).await?;
    let mut invited = None;
    let act = async |ask| {
        let again = app.identity.invite_again(ask).await?;
        let receipt = again.receipt.clone();
        invited = Some(again);
        Ok::<_, commands::AccountError>(receipt)
    };
    let receipt = precondition::run_by(ask, unmet, act).await?;
    let invited = invited.ok_or_else(|| crate::problem::Error::internal("no invitation"))?;
    let view = view(&app, &writing, UserId::new(id), &invited).await?;
    Ok(answer::written(&app, &receipt, StatusCode::OK, &view))
}

async fn view(
    app: &App,
    writing: &Writing,
    user: UserId,
    invited: &Invited,
) -> Result<InvitationView> {
    let (tenant, receipt) = (writing.tenant(), &invited.receipt);
    let state = answer::state(receipt)?;
    let view = answer::user(app, tenant, user, receipt.version, state).await;
    Ok(InvitationView {
        user: view.map_err(|error| {
            error.after_storing("The user was invited, but cannot be shown now: invite them again.")
        })?,
        token: invited.token.expose_secret().to_owned(),
        expires_at: invited.expires_at,
    })
}
