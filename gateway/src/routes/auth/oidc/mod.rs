//! Signing in by a provider, and which identities a user has linked.
//!
//! Invariant: a browser leaves with a cookie and comes back with the state that belongs to it; what
//! comes without, or twice, signs in nobody and links nothing.

mod callback;
mod link;
mod list;
mod start;
mod unlink;

use axum::http::HeaderValue;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::cookie;
use crate::{
    app::App,
    oidc::{Flow, LIFE_S, Linking, State},
    problem::{Error, Result},
};

/// What a browser has while it is away.
const COOKIE: &str = "almanac_oidc";

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_providers))
        .routes(routes!(start::start_provider_sign_in))
        .routes(routes!(link::link_provider, unlink::unlink_provider))
        .routes(routes!(callback::end_provider_sign_in))
}

/// Where the browser is to go, and the cookie that it is to have when it comes back.
async fn begin(
    app: &App,
    name: &str,
    return_to: String,
    linking: Option<Linking>,
) -> Result<(String, HeaderValue)> {
    let provider = app.oidc.named(name)?;
    let state = State {
        began: app.commands.clock().now(),
        linking,
        provider: name.to_owned(),
        return_to,
    };
    let flow = Flow::begin(state, runtime::random::bytes());
    let location = provider.authorize(app, &flow).await?;
    let cookie = with_attributes(app, &flow.cookie, LIFE_S)?;
    Ok((location.into(), cookie))
}

/// Lax, since the way back begins at the issuer's site.
fn with_attributes(app: &App, value: &str, max_age_s: u32) -> Result<HeaderValue> {
    let secure = cookie::secure(app);
    let text = format!(
        "{COOKIE}={value}; Path=/auth/oidc; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"
    );
    HeaderValue::from_str(&text).map_err(Error::internal)
}
