//! Who asks.
//!
//! Invariant: the tenant comes from a valid access token or API key and from nowhere else; the
//! sign-in or key goes on, and the role that its user has now suffices for the route that was
//! asked, as do the scopes of a key. Where the table says so, its user has shown lately who they
//! are.

use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::{HeaderMap, header, request::Parts},
};
use commands::{Credential, Principal};
use domain::{Actor, TenantId, UserId};
use schemas::api::Code;

use super::Id;
use crate::{
    app::App,
    permission::{self, role_name},
    problem::{Error, Result},
};

/// Why nobody knows whom a token speaks for.
#[derive(Clone, Debug)]
pub(crate) struct Unknown(pub String);

/// A signed-in user who may use the route.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub Principal);

impl Caller {
    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    pub fn user(&self) -> UserId {
        self.0.user
    }

    pub fn actor(&self) -> Actor {
        if self.0.acting {
            Actor::Platform(self.0.user)
        } else {
            Actor::User(self.0.user)
        }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let principal = parts.extensions.get::<Principal>().cloned();
        let Some(principal) = principal else {
            if !parts.headers.contains_key(header::AUTHORIZATION) {
                return Err(unauthenticated("Bearer realm=\"almanac\""));
            }
            if let Some(Unknown(cause)) = parts.extensions.get::<Unknown>() {
                return Err(unknown(cause));
            }
            if !app.identity.is_current() {
                return Err(unknown("nothing was heard of revocations for 10 s"));
            }
            return Err(unauthenticated(
                "Bearer realm=\"almanac\", error=\"invalid_token\"",
            ));
        };
        tracing::Span::current().record("tenant", tracing::field::display(principal.tenant));
        let route = parts.extensions.get::<MatchedPath>();
        let route = route.map_or("", MatchedPath::as_str);
        if let Credential::ApiKey(scopes) = &principal.credential
            && let Some(reason) = permission::against_key(scopes, &parts.method, route)
        {
            return Err(Error::new(Code::Forbidden, reason));
        }
        let needed = permission::least_role(&parts.method, route);
        let of_self = permission::is_of_self(&parts.method, route);
        let of_platform = permission::is_of_platform(&parts.method, route);
        let step_up = permission::is_stepped_up(&parts.method, route);
        match needed {
            Some(_) if of_platform && !principal.platform => {
                let detail = "this is for those who administer the platform";
                Err(Error::new(Code::Forbidden, detail))
            }
            Some(needed) if principal.role >= needed => {
                if step_up && !is_recent(app, &principal) {
                    // Whoever changes their own way in is asked for the password by the route.
                    let own = of_self && {
                        let Id(id) = Id::from_request_parts(parts, app).await?;
                        id == principal.user.uuid()
                    };
                    if !own {
                        return Err(step_up_required());
                    }
                }
                Ok(Self(principal))
            }
            Some(_) if of_self => match Id::from_request_parts(parts, app).await? {
                Id(id) if id == principal.user.uuid() => Ok(Self(principal)),
                Id(_) => Err(Error::not_found("user")),
            },
            // The route looks whose it is.
            Some(_) if permission::is_of_owner(&parts.method, route) => Ok(Self(principal)),
            Some(needed) => Err(Error::new(
                Code::Forbidden,
                format!(
                    "this needs the role {}, yours is {}",
                    role_name(needed),
                    role_name(principal.role)
                ),
            )),
            None => Err(Error::new(Code::Forbidden, "nobody may do this")),
        }
    }
}

/// The token or key of a request, asked once for each, where it is decided whose limits count.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    match headers.get(header::AUTHORIZATION) {
        Some(sent) => of_header(sent.to_str().ok()?),
        None => of_protocols(headers.get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?),
    }
}

/// The token among the subprotocols of a socket: no other header is a page's to choose.
fn of_protocols(offered: &str) -> Option<&str> {
    let mut offered = offered.split(',');
    offered.find_map(|one| one.trim().strip_prefix("bearer."))
}

fn of_header(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start())
}

fn unauthenticated(challenge: &'static str) -> Error {
    let detail = "Send a valid access token or API key as Authorization: Bearer.";
    Error::new(Code::AuthenticationRequired, detail)
        .with_header(header::WWW_AUTHENTICATE, challenge)
}

/// Whether they have shown lately who they are.
fn is_recent(app: &App, principal: &Principal) -> bool {
    let now = app.commands.clock().now();
    now.since_ms(principal.authenticated.at) <= permission::STEP_UP_S * 1_000
}

fn step_up_required() -> Error {
    let detail = "Show again who you are: send your password, or a code if you have a second \
                  factor, to /api/v1/auth/step-up; then ask this again with the new token.";
    let challenge = concat!(
        "Bearer realm=\"almanac\", error=\"insufficient_user_authentication\", ",
        "max_age=300"
    );
    Error::new(Code::StepUpRequired, detail).with_header(header::WWW_AUTHENTICATE, challenge)
}

/// Nobody can know whether the token or key was revoked; it may still be good.
fn unknown(cause: &str) -> Error {
    let detail = "It cannot be found out who is still signed in; try again in a moment.";
    Error::new(Code::Unavailable, detail)
        .with_retry()
        .caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        assert_eq!(of_header("Bearer abc"), Some("abc"));
        assert_eq!(of_header("bearer abc"), Some("abc"));
        assert_eq!(of_header("Basic abc"), None);
        assert_eq!(of_header("abc"), None);
        assert_eq!(of_protocols("almanac.v1, bearer.a.b.c"), Some("a.b.c"));
        assert_eq!(of_protocols("almanac.v1"), None);
    }
}
