//! What the router answers where no endpoint is concerned.
//!
//! Invariant: needs no server, so it also holds when all are away.

use axum::{
    Router,
    body::Body,
    http::{Method, Request, Response, StatusCode},
};
use http_body_util::BodyExt as _;
use schemas::api::{Code, Problem};
use tower::ServiceExt as _;

use super::{fallback, system};
use crate::{edge, problem};

fn router() -> Router {
    let router = Router::new().fallback(fallback);
    let ids = runtime::Ids::new(runtime::Clock::system());
    edge::around(router, ids, &runtime::Gateway::default())
}

async fn ask(method: Method, path: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::empty()).expect("a request");
    router().oneshot(request).await.expect("infallible")
}

async fn problem(response: Response<Body>) -> Problem {
    let body = response.into_body().collect().await.expect("a body");
    serde_json::from_slice(&body.to_bytes()).expect("a problem")
}

#[tokio::test]
async fn no_api_route_falls_through_to_the_page() {
    for path in ["/api", "/api/", "/api/v1/nothing", "/assets/none-123.js"] {
        let response = ask(Method::GET, path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        let problem = problem(response).await;
        assert_eq!(
            (problem.code, problem.instance.as_str()),
            (Code::RouteNotFound, path)
        );
    }
}

#[tokio::test]
async fn the_page_is_served_under_a_strict_policy_or_said_to_be_missing() {
    let response = ask(Method::GET, "/tasks/some-id?x=1").await;
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .expect("text");
    assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'"));
    if response.status() == StatusCode::OK {
        assert_eq!(response.headers()["content-type"], "text/html");
        assert_eq!(response.headers()["cache-control"], "no-cache");
    } else {
        assert!(problem(response).await.detail.contains("cargo xtask ui"));
    }
    let response = ask(Method::POST, "/tasks").await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "GET, HEAD");
}

#[tokio::test]
async fn every_code_has_its_page() {
    assert!(!system::router().get_openapi().paths.paths.is_empty());
    for code in Code::ALL {
        let page = problem::page(*code);
        assert!(page.contains(&code.name()) && page.contains(code.title()));
    }
}
