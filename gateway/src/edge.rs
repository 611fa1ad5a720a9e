//! Around every request: its id, its span, its line in the log, and the body of its problem.
//!
//! Invariant: every answer bears `Request-Id`, and what broke is logged exactly once, here.

use std::time::Instant;

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use runtime::{Gateway, Ids};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, Predicate as _, SizeAbove},
    },
};
use tracing::{Instrument as _, Span, field::Empty};
use uuid::Uuid;

use crate::{
    audit::RequestId,
    cors,
    problem::{self, Error, Refusal},
};

/// What the page may do: load itself and talk to its own origin.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; connect-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";
/// What an answer of the API may do in a browser: nothing.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// For how long a browser is to come by HTTPS only, in seconds: a year.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");
/// What neither the page nor an answer ever needs of a browser.
const NEEDED: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
/// Smaller answers gain nothing by compression, in bytes.
const COMPRESS_ABOVE: u64 = 1024;

/// Puts everything around `router` that every request gets.
pub(crate) fn around(router: Router, ids: Ids, config: &Gateway) -> Router {
    let predicate = DefaultPredicate::new().and(SizeAbove::new(COMPRESS_ABOVE));
    let router = router.layer(CatchPanicLayer::custom(panicked));
    let router = match cors::layer(&config.cors_origins) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    let public_url = config.public_url.as_deref();
    let is_https = public_url.is_some_and(|url| url.starts_with("https://"));
    router
        .layer(from_fn_with_state((ids, is_https), observe))
        .layer(CompressionLayer::new().compress_when(predicate))
}

async fn observe(
    State((ids, is_https)): State<(Ids, bool)>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = ids.next();
    request.extensions_mut().insert(RequestId(id));
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = span(&request, id);
    let by_page = wants_page(&request);
    let mut response = next.run(request).instrument(span.clone()).await;
    let refusal = refusal(&mut response);
    if let Some(refusal) = &refusal {
        let body = if method == Method::HEAD {
            Vec::new()
        } else {
            let problem = refusal.problem(&path, id.to_string());
            if by_page {
                problem::told(&problem).into_bytes()
            } else {
                serde_json::to_vec(&problem).unwrap_or_default()
            }
        };
        *response.body_mut() = Body::from(body);
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        let kind = if by_page {
            "text/html; charset=utf-8"
        } else {
            "application/problem+json"
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    secure(&mut response, id, &path);
    if is_https {
        let headers = response.headers_mut();
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    span.in_scope(|| log(&response, refusal.as_ref(), started));
    response
}

/// Whether a person waits for the answer: their browser is on its way to an issuer, or back.
fn wants_page(request: &Request) -> bool {
    let accepted = request.headers().get(header::ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    let takes = accepted.is_some_and(|kinds| kinds.contains("text/html"));
    let path = request.uri().path();
    let leaves = path.starts_with("/api/v1/auth/oidc/") && path.ends_with("/start");
    takes && (leaves || path.starts_with("/auth/"))
}

/// What went wrong, if something did; also if whoever refused knew nothing of problems.
fn refusal(response: &mut Response) -> Option<Refusal> {
    let status = response.status();
    let known = response.extensions_mut().remove::<Refusal>();
    known.or_else(|| {
        let code = (status.as_u16() >= 400).then(|| problem::of_status(status))?;
        *response.status_mut() = problem::status(code);
        let detail = format!("the request was refused: {status}");
        Some(Error::new(code, detail).into())
    })
}

fn span(request: &Request, id: Uuid) -> Span {
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("", MatchedPath::as_str);
    let method = request.method();
    tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = %method,
        http.route = route,
        http.response.status_code = Empty,
        url.path = request.uri().path(),
        request_id = %id,
        tenant = Empty,
    )
}

/// Headers that every answer bears; those that an endpoint has set stay.
fn secure(response: &mut Response, id: Uuid, path: &str) {
    let api = path.starts_with("/api/");
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    let policy = if api { API_POLICY } else { PAGE_POLICY };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
        (PERMISSIONS_POLICY, NEEDED),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
    if path.starts_with("/api/v1/") {
        let caller = HeaderValue::from_static("authorization");
        headers.append(header::VARY, caller);
    }
    if api || !(response.status().is_success() || response.status().is_redirection()) {
        response
            .headers_mut()
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
}

fn log(response: &Response, refusal: Option<&Refusal>, started: Instant) {
    let status = response.status();
    Span::current().record("http.response.status_code", status.as_u16());
    let ms = started.elapsed().as_secs_f64() * 1_000.0;
    let code = refusal.map(|refusal| refusal.code.name());
    let cause = refusal.and_then(|refusal| refusal.cause.as_deref());
    match status.as_u16() {
        500.. if status.as_u16() != 503 => tracing::error!(%status, ms, code, cause, "answered"),
        503 => tracing::warn!(%status, ms, code, cause, "answered"),
        400.. => tracing::info!(%status, ms, code, "answered"),
        _ => tracing::debug!(%status, ms, "answered"),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over"
)]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("of unknown kind");
    Error::internal(format!("a panic: {text}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{http::StatusCode, routing::get};
    use http_body_util::BodyExt as _;
    use runtime::Clock;
    use schemas::api::{Code, Problem};
    use tower::ServiceExt as _;

    async fn get_of(router: Router, method: Method, path: &str) -> (Response, Vec<u8>) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept-encoding", "gzip")
            .body(Body::empty())
            .expect("a request");
        let router = around(router, Ids::new(Clock::system()), &Gateway::default());
        let response = router.oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes().to_vec();
        (Response::from_parts(parts, Body::empty()), body)
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing() {
        let router = Router::new().route(
            "/api/x",
            get(|| async {
                let secret = "hunter2";
                assert_eq!(secret, "", "a bug");
            }),
        );
        let (response, body) = get_of(router, Method::GET, "/api/x").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let problem: Problem = serde_json::from_slice(&body).expect("a problem");
        assert_eq!(problem.code, Code::Internal);
        assert!(!String::from_utf8_lossy(&body).contains("hunter2"));
        let id = response.headers()["request-id"].to_str().expect("text");
        assert_eq!(problem.request_id, id);
        assert_eq!(id.parse::<Uuid>().expect("an id").get_version_num(), 7);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let policy = &response.headers()["content-security-policy"];
        assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
        for name in [OPENER_POLICY, RESOURCE_POLICY] {
            assert_eq!(response.headers()[&name], "same-origin");
        }
        assert!(!response.headers().contains_key("strict-transport-security"));
    }

    #[tokio::test]
    async fn whatever_is_refused_is_a_problem() {
        for (refused, code) in [
            (StatusCode::BAD_REQUEST, Code::InvalidParameter),
            (StatusCode::NOT_FOUND, Code::NotFound),
            (StatusCode::PAYLOAD_TOO_LARGE, Code::BodyTooLarge),
            (StatusCode::UPGRADE_REQUIRED, Code::InvalidParameter),
            (StatusCode::BAD_GATEWAY, Code::Internal),
        ] {
            let refuse = move || async move { (refused, "not by us") };
            let router = Router::new().route("/api/x", get(refuse));
            let (response, body) = get_of(router, Method::GET, "/api/x").await;
            let problem: Problem = serde_json::from_slice(&body).expect("a problem");
            assert_eq!(problem.code, code);
            assert_eq!(problem.status, response.status().as_u16());
            let kind = &response.headers()["content-type"];
            assert_eq!(kind, "application/problem+json");
        }
    }

    #[tokio::test]
    async fn long_answers_are_compressed_and_head_has_no_body() {
        let router = || Router::new().route("/api/x", get(|| async { "x".repeat(5_000) }));
        let (response, body) = get_of(router(), Method::GET, "/api/x").await;
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert!(body.len() < 500);
        let (response, body) = get_of(router(), Method::HEAD, "/api/x").await;
        assert_eq!((response.status(), body.len()), (StatusCode::OK, 0));
    }

    #[tokio::test]
    async fn where_people_come_by_https_browsers_come_by_nothing_else() {
        for (public_url, told) in [("https://almanac.example", true), ("http://a", false)] {
            let config = Gateway {
                public_url: Some(public_url.to_owned()),
                ..Gateway::default()
            };
            let router = around(Router::new(), Ids::new(Clock::system()), &config);
            let response = router.oneshot(Request::new(Body::empty())).await;
            let headers = response.expect("infallible").headers().clone();
            let found = headers.contains_key(header::STRICT_TRANSPORT_SECURITY);
            assert_eq!(found, told, "{public_url}");
        }
    }
}
