//! `POST /auth/invitations/accept`
//!
//! Invariant: an invitation lets in once; whoever was let in chose the password themselves.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use commands::Acceptance;
use domain::CommandId;
use schemas::api::{AcceptInvitation, Session};

use super::session;
use crate::{
    answer,
    app::App,
    audit,
    extract::{Body, Nothing, Parameters},
    problem::Result,
};

/// Accept an invitation and sign in.
///
/// It works once, so a retry of a request that succeeded unheard answers `INVALID_INVITATION`: sign
/// in then.
#[utoipa::path(
    post, path = "/api/v1/auth/invitations/accept", tag = "auth", request_body = AcceptInvitation,
    responses((status = 200, description = "Let in and signed in", body = Session)),
)]
pub(super) async fn accept_invitation(
    State(app): State<App>,
    Parameters(Nothing): Parameters<Nothing>,
    headers: HeaderMap,
    body: Body<AcceptInvitation>,
) -> Result<Response> {
    let command = CommandId::new(app.commands.ids().next());
    audit::may_run(command);
    let wanted = Acceptance {
        command,
        name: body.value.name,
        password: body.value.password.into(),
        token: body.value.token.into(),
    };
    let accepted = app.identity.accept_invitation(wanted).await?;
    let signed_in = signed_in(&app, &headers, &accepted).await;
    signed_in.map_err(|error| {
        error.after_storing("You are a user, but could not be signed in: sign in in a moment.")
    })
}

/// The answer to who has just let themselves in.
async fn signed_in(
    app: &App,
    headers: &HeaderMap,
    accepted: &commands::Accepted,
) -> Result<Response> {
    let (tenant, id, receipt) = (accepted.tenant, accepted.id, &accepted.receipt);
    let state = answer::state(receipt)?;
    let (identity, client) = (&app.identity, session::client(headers));
    let tokens = identity.start_session_of(tenant, id, state.role, client);
    let tokens = tokens.await?;
    let view = answer::user(app, tenant, id, receipt.version, state).await?;
    let mut response = session::answer(app, headers, StatusCode::OK, view, &tokens)?;
    let headers = response.headers_mut();
    headers.extend(answer::write_headers(app, receipt));
    Ok(response)
}
