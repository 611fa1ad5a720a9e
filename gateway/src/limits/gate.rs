//! Through here every request passes before anything is done for it.
//!
//! Invariant: behind it the request bears its [`Address`] and, if its token or API key is valid,
//! its [`commands::Principal`], or that nobody knows ([`Unknown`]); none of them can come from
//! anywhere else.

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use schemas::api::Code;

use super::Verdict;
use crate::{
    app::App,
    audit::{self, Who},
    extract::{Address, Peer, Unknown, bearer},
    permission,
    problem::Error,
};

/// Where a client that succeeds has shown who it is.
const SHOWS_WHO: [&str; 4] = [
    "/api/v1/auth/invitations/accept",
    "/api/v1/auth/login",
    "/api/v1/auth/login/mfa",
    "/api/v1/auth/refresh",
];

/// Lets a request through if no limit is against it.
pub(crate) async fn gate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    if let Some(Peer(peer)) = peer {
        let address = Address::behind(peer, request.headers(), &app.config);
        request.extensions_mut().insert(address);
    }
    audit::came_from(Address::of(request.extensions()));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let Some(mut verdict) = count(&app, &mut request, route).await else {
        return next.run(request).await;
    };
    let mut response = match refusal(&verdict) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    if response.status().is_success() && SHOWS_WHO.contains(&route) {
        verdict.was_somebody();
    }
    verdict.tell(response.headers_mut());
    response
}

/// Counts a request; none if requests like it are not counted.
async fn count<'a>(app: &'a App, request: &mut Request, route: &str) -> Option<Verdict<'a>> {
    let now = app.commands.clock().now();
    let from = Address::of(request.extensions()).group();
    let path = request.uri().path();
    if path == "/readyz" {
        return Some(app.limits.probe(from, now));
    }
    if path != "/api" && !path.starts_with("/api/") {
        return None;
    }
    let method = request.method().clone();
    // A route that is for everybody counts by address, whoever asks: sent along, a token would only
    // multiply what one address may try.
    let is_open = !route.is_empty() && permission::least_role(&method, route).is_none();
    let sent = bearer(request.headers()).filter(|_| !is_open);
    let principal = match sent.map(str::to_owned) {
        Some(sent) => match app.identity.authenticate(&sent).await {
            Ok(principal) => principal,
            // Whoever comes with a token then is no stranger, but nobody can know: it is told so.
            Err(failure) => {
                request
                    .extensions_mut()
                    .insert(Unknown(failure.to_string()));
                return None;
            }
        },
        None => None,
    };
    if principal.is_none() && !is_open && !app.identity.is_current() {
        return None;
    }
    let Some(principal) = principal else {
        return Some(app.limits.anonymous(from, &method, route, now));
    };
    audit::is(Who::of(&principal));
    let verdict = app.limits.user(&principal, &method, route, now);
    request.extensions_mut().insert(principal);
    Some(verdict)
}

fn refusal(verdict: &Verdict<'_>) -> Option<Error> {
    let (windows, wait_s) = verdict.refused()?;
    let (name, requests, seconds) = (windows.name, windows.requests, windows.seconds);
    let detail = format!(
        "the limit `{name}` is {requests} requests in {seconds} s; try again in {wait_s} s"
    );
    Some(Error::new(Code::TooManyRequests, detail).with_retry_after(wait_s))
}
