//! `GET /auth/oidc/{name}/callback`
//!
//! Invariant: what a browser comes back with counts once, within ten minutes, and only together
//! with the cookie that it left with.

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use commands::{Ask, Asserted, DEFAULT_TENANT, Means, Terms};
use domain::{Actor, CommandId};
use schemas::api::Code;
use secrecy::ExposeSecret;

use super::{COOKIE, with_attributes};
use crate::{
    app::App,
    audit::{self, Who},
    extract::{FromParameters, Parameters, Query, Segment},
    oidc::{Failed, Flow, LIFE_S, Linking, Provider, Returned},
    problem::{Error, Result},
    routes::auth::{cookie, session},
};

/// Longer than any state counts, so that none counts twice.
const USED_FOR: Duration = Duration::from_secs(2 * LIFE_S as u64);

impl FromParameters for Returned {
    fn take(query: &mut Query) -> Result<Self> {
        let returned = Self {
            code: query.one("code")?,
            error: query.one("error")?,
            iss: query.one("iss")?,
            state: query.one("state")?,
        };
        // Issuers may send more (RFC 6749 §4.1.2).
        query.ignore_others();
        Ok(returned)
    }
}

/// Come back from a provider.
///
/// Only a provider sends a browser here. It is signed in as by `POST /auth/login`, and goes on to
/// where it began.
#[utoipa::path(
    get, path = "/auth/oidc/{name}/callback", tag = "auth",
    params(
        ("name" = String, Path, description = "The provider"),
        ("code" = Option<String>, Query, description = "What it gives for who signed in"),
        ("error" = Option<String>, Query, description = "Why it let nobody in"),
        ("iss" = Option<String>, Query, description = "Who it is (RFC 9207)"),
        ("state" = Option<String>, Query, description = "What the browser left with"),
    ),
    responses((status = 303, description = "Signed in, or linked")),
)]
pub(super) async fn end_provider_sign_in(
    State(app): State<App>,
    Parameters(returned): Parameters<Returned>,
    headers: HeaderMap,
    Segment(name): Segment,
) -> Result<Response> {
    let provider = app.oidc.named(&name)?;
    let flow = taken_up(&app, &name, &headers, &returned).await?;
    let asserted = provider.who(&app, &flow, &returned).await?;
    let mut answer = vec![
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::SET_COOKIE, with_attributes(&app, "", 0)?),
    ];
    match flow.state.linking {
        Some(linking) => link(&app, linking, &asserted).await?,
        None => answer.push(sign_in(&app, provider, &headers, &asserted).await?),
    }
    let location = HeaderValue::try_from(&flow.state.return_to).map_err(Error::internal)?;
    answer.push((header::LOCATION, location));
    let mut response = StatusCode::SEE_OTHER.into_response();
    for (name, value) in answer {
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

/// What this browser began, used up by that.
async fn taken_up(app: &App, name: &str, headers: &HeaderMap, returned: &Returned) -> Result<Flow> {
    let cookie = cookie::value_of(headers, COOKIE);
    let now = app.commands.clock().now();
    let flow = Flow::taken_up(app, cookie, returned.state.as_deref(), now)?;
    if flow.state.provider != name {
        return Err(Failed::Invalid("it was begun at another provider").into());
    }
    let state = flow.state(app);
    if app.identity.use_once(state.as_bytes(), USED_FOR).await? {
        Ok(flow)
    } else {
        Err(Failed::Invalid("it was used already").into())
    }
}

async fn sign_in(
    app: &App,
    provider: &Provider,
    headers: &HeaderMap,
    asserted: &Asserted,
) -> Result<(HeaderName, HeaderValue)> {
    let config = &provider.config;
    let admitted = asserted
        .email
        .as_deref()
        .filter(|email| config.admits(email));
    let command = CommandId::new(app.commands.ids().next());
    audit::may_run(command);
    let terms = Terms {
        create: admitted.map(|_| config.default_role),
        trust_email: config.trust_email,
    };
    let identity = &app.identity;
    let found = identity.sign_in_by_identity(DEFAULT_TENANT, asserted, terms, command);
    let (user, current) = found.await?;
    let (role, client) = (current.state.role, session::client(headers));
    let (tenant, by) = (DEFAULT_TENANT, Means::Provider);
    let tokens = identity.start_session_by(tenant, user, role, client, by);
    let refresh = tokens.await?.refresh;
    let cookie = cookie::set_on_return(app, refresh.expose_secret())?;
    Ok((header::SET_COOKIE, cookie))
}

async fn link(app: &App, linking: Linking, asserted: &Asserted) -> Result<()> {
    let Linking {
        session,
        tenant,
        user,
    } = linking;
    let sign_ins = app.identity.sign_ins(tenant, user).await?;
    if !sign_ins.iter().any(|sign_in| sign_in.id == session) {
        let detail = "You are not signed in any more: sign in, and link the identity then.";
        return Err(Error::new(Code::AuthenticationRequired, detail));
    }
    let command = CommandId::new(app.commands.ids().next());
    let ask = Ask::new(Actor::User(user), tenant, user.uuid(), command);
    audit::is(Who::user(tenant, user, Some(session)));
    audit::runs(&ask);
    let receipt = app.identity.link_identity(ask, asserted).await?;
    audit::ran(&receipt);
    Ok(())
}
