//! The refresh token of a browser: a cookie that scripts cannot read.
//!
//! Invariant: the cookie counts only for requests that the page itself makes; another site can
//! neither use nor set nor clear it, whatever it makes a browser send.

use axum::http::{HeaderMap, HeaderValue, header};
use schemas::api::Code;

use crate::{
    app::App,
    problem::{Error, Result},
};

const NAME: &str = "almanac_refresh";
/// What browsers take from encrypted pages only, so that nobody on the way can set one (RFC 6265bis
/// §4.1.3.1).
const SECURE_NAME: &str = "__Secure-almanac_refresh";
/// How a browser says whose page made a request (Fetch Metadata, W3C).
const SITE: &str = "sec-fetch-site";
/// As long as an unused sign-in lasts, in seconds.
const MAX_AGE_S: u32 = 7 * 24 * 3_600;

/// The refresh token of a request: in its body, or in the page's cookie.
pub(super) fn refresh_token(
    app: &App,
    headers: &HeaderMap,
    body: Option<String>,
) -> Result<Option<String>> {
    if body.is_some() {
        return Ok(body);
    }
    let token = value_of(headers, name(app.config.public_url.as_deref()));
    // Without a body another site may make a browser ask this, even where it sends no cookie.
    let may_ask = counts(app, headers) || token.is_none() && !is_foreign(app, headers);
    if may_ask {
        Ok(token.map(str::to_owned))
    } else {
        Err(Error::new(
            Code::Forbidden,
            "the cookie counts only for requests of the page itself",
        ))
    }
}

/// Whether the cookie counts for a request with these headers.
pub(super) fn counts(app: &App, headers: &HeaderMap) -> bool {
    is_of_the_page(headers, app.config.public_url.as_deref())
}

/// `Set-Cookie` with `token`, unless a browser asks for another site.
pub(super) fn set(app: &App, headers: &HeaderMap, token: &str) -> Result<HeaderMap> {
    with_age(app, headers, token, MAX_AGE_S)
}

/// `Set-Cookie` with `token`, for a browser that an issuer has sent back here. That it may be given
/// it, the cookie with which it left has shown.
pub(super) fn set_on_return(app: &App, token: &str) -> Result<HeaderValue> {
    let text = with_attributes(app.config.public_url.as_deref(), token, MAX_AGE_S);
    HeaderValue::from_str(&text).map_err(Error::internal)
}

/// `Set-Cookie` that makes the browser forget, unless it asks for another site.
pub(super) fn clear(app: &App, headers: &HeaderMap) -> Result<HeaderMap> {
    with_age(app, headers, "", 0)
}

fn with_age(app: &App, headers: &HeaderMap, token: &str, max_age_s: u32) -> Result<HeaderMap> {
    if is_foreign(app, headers) {
        return Ok(HeaderMap::new());
    }
    let text = with_attributes(app.config.public_url.as_deref(), token, max_age_s);
    let value = HeaderValue::from_str(&text).map_err(Error::internal)?;
    Ok(HeaderMap::from_iter([(header::SET_COOKIE, value)]))
}

/// Whether a browser says that the page of another site made the request.
fn is_foreign(app: &App, headers: &HeaderMap) -> bool {
    let told = headers.contains_key(SITE) || headers.contains_key(header::ORIGIN);
    told && !counts(app, headers)
}

/// What keeps a cookie off connections that others can read, where there are none.
pub(super) fn secure(app: &App) -> &'static str {
    secure_at(app.config.public_url.as_deref())
}

fn secure_at(public_url: Option<&str>) -> &'static str {
    let is_encrypted = public_url.is_some_and(|url| url.starts_with("https://"));
    if is_encrypted { "; Secure" } else { "" }
}

fn with_attributes(public_url: Option<&str>, token: &str, max_age_s: u32) -> String {
    let (name, secure) = (name(public_url), secure_at(public_url));
    format!(
        "{name}={token}; Path=/api/v1/auth; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}"
    )
}

fn name(public_url: Option<&str>) -> &'static str {
    match secure_at(public_url) {
        "" => NAME,
        _ => SECURE_NAME,
    }
}

/// The value of the cookie called `wanted`, unless it is empty.
pub(super) fn value_of<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == wanted && !value.is_empty())
        .map(|(_, value)| value)
}

/// Whether a browser says that its own page, or the user, made the request.
fn is_of_the_page(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(SITE) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else {
        return false;
    };
    let host = text("host").unwrap_or_default();
    let public = public_url.map(|url| url.trim_end_matches('/'));
    match public {
        Some(public) => origin == public,
        None => origin
            .split_once("://")
            .is_some_and(|(_, from)| from == host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    name.parse().expect("a name"),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let found = headers(&[("cookie", "a=b; almanac_refresh=x.y; c=d")]);
        assert_eq!(value_of(&found, NAME), Some("x.y"));
        assert_eq!(
            value_of(&headers(&[("cookie", "almanac_refresh=")]), NAME),
            None
        );
        assert_eq!(
            value_of(&headers(&[("cookie", "xalmanac_refresh=1")]), NAME),
            None
        );
    }

    #[test]
    fn where_pages_are_encrypted_only_such_a_page_can_have_set_it() {
        let public = Some("https://desk.example.org");
        assert!(with_attributes(public, "x", 1).starts_with("__Secure-almanac_refresh=x;"));
        assert!(with_attributes(public, "x", 1).ends_with("; Secure"));
        let planted = headers(&[("cookie", "almanac_refresh=planted")]);
        assert_eq!(value_of(&planted, name(public)), None);
        let own = headers(&[("cookie", "__Secure-almanac_refresh=own")]);
        assert_eq!(value_of(&own, name(public)), Some("own"));
        assert!(!with_attributes(None, "x", 1).contains("Secure"));
    }

    #[test]
    fn only_the_page_itself_may_use_it() {
        let of = |pairs: &[(&'static str, &'static str)], public| {
            is_of_the_page(&headers(pairs), public)
        };
        assert!(of(&[("sec-fetch-site", "same-origin")], None));
        assert!(!of(
            &[("sec-fetch-site", "cross-site"), ("origin", "http://a")],
            None
        ));
        assert!(!of(&[("sec-fetch-site", "same-site")], None));
        assert!(of(&[("origin", "http://a:1"), ("host", "a:1")], None));
        assert!(!of(&[("origin", "http://b"), ("host", "a")], None));
        assert!(of(&[("origin", "https://a")], Some("https://a/")));
        assert!(!of(
            &[("origin", "http://a"), ("host", "a")],
            Some("https://a")
        ));
        assert!(!of(&[("host", "a")], None));
    }
}
