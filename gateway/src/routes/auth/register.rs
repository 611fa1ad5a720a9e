//! `POST /auth/register`
//!
//! Invariant: a stranger becomes an operator, never more, and only where both the configuration and
//! the tenant's settings leave registration open. Whether there is a tenant that is closed is not
//! told.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use commands::{Ask, Receipt, Registration};
use domain::{
    Actor, CommandId, TenantId, UserId,
    user::{Role, User},
};
use schemas::api::{Code, Register, Session};

use super::{session, tenant_of};
use crate::{
    answer,
    app::App,
    audit::{self, Who},
    extract::{Body, Nothing, Parameters},
    problem::{Error, Result},
};

/// Become a user and sign in.
///
/// The address can be registered once, so a retry of a request that succeeded unheard answers
/// `EMAIL_TAKEN`: sign in then.
#[utoipa::path(
    post, path = "/api/v1/auth/register", tag = "auth", request_body = Register,
    responses((status = 201, description = "Registered and signed in", body = Session)),
)]
pub(super) async fn register(
    State(app): State<App>,
    Parameters(Nothing): Parameters<Nothing>,
    headers: HeaderMap,
    body: Body<Register>,
) -> Result<Response> {
    let tenant = tenant_of(body.value.tenant.as_deref());
    let closed = app.config.registration == runtime::Registration::Closed;
    if closed || !app.identity.lets_register(tenant).await? {
        let detail = "Ask an administrator to add you.";
        return Err(Error::new(Code::RegistrationClosed, detail));
    }
    let id = app.commands.ids().next();
    let user = UserId::new(id);
    let mut ask = Ask::new(Actor::User(user), tenant, id, CommandId::new(id));
    ask.fresh = true;
    audit::runs(&ask);
    let wanted = Registration {
        email: body.value.email,
        name: body.value.name,
        password: body.value.password.into(),
        role: Role::Operator,
    };
    let receipt = app.identity.register(ask, wanted).await?;
    audit::is(Who::user(tenant, user, None));
    audit::ran(&receipt);
    let signed_in = signed_in(&app, &headers, tenant, user, &receipt).await;
    signed_in.map_err(|error| {
        error.after_storing("You are registered, but could not be signed in: sign in in a moment.")
    })
}

/// The answer to who has just become a user.
async fn signed_in(
    app: &App,
    headers: &HeaderMap,
    tenant: TenantId,
    user: UserId,
    receipt: &Receipt<User>,
) -> Result<Response> {
    let state = answer::state(receipt)?;
    let (identity, client) = (&app.identity, session::client(headers));
    let tokens = identity.start_session_of(tenant, user, state.role, client);
    let tokens = tokens.await?;
    let view = answer::user(app, tenant, user, receipt.version, state).await?;
    let mut response = session::answer(app, headers, StatusCode::CREATED, view, &tokens)?;
    let location = HeaderValue::from_str(&format!("/api/v1/users/{user}"));
    let headers = response.headers_mut();
    headers.extend(answer::write_headers(app, receipt));
    headers.insert(header::LOCATION, location.map_err(Error::internal)?);
    Ok(response)
}
