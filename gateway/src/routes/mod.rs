//! One endpoint per file, one folder per area.
//!
//! Invariant: the document and the router are made by the same declarations, so what is served is
//! what is documented.

mod api_keys;
mod audit;
mod auth;
mod history;
mod jobs;
mod live;
mod operations;
mod precondition;
mod resource_types;
mod resources;
mod settings;
mod system;
mod tasks;
mod tenants;
mod users;
mod workers;

use axum::{
    Router,
    extract::Request,
    http::{Method, header},
    middleware::from_fn_with_state,
    response::Response,
};
use schemas::api::Code;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    app::{App, Services},
    assets, document, edge, limits, log_end, patience,
    problem::{Error, Result},
};

/// Everything the gateway answers, as a service that needs no socket.
pub fn router(services: Services) -> Router {
    router_until(services, CancellationToken::new())
}

/// The same; after `shutdown`, live streams end and the gateway is no longer ready.
pub(crate) fn router_until(services: Services, shutdown: CancellationToken) -> Router {
    let ids = services.commands.ids().clone();
    let (router, _) = documented().split_for_parts();
    let config = services.config.clone();
    let app = App::new(services, shutdown);
    log_end::watch(&app);
    let router = router
        .fallback(fallback)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), limits::gate))
        .layer(from_fn_with_state(app.clone(), patience::limit))
        .layer(from_fn_with_state(app.clone(), crate::audit::observe))
        .with_state(app);
    edge::around(router, ids, &config)
}

/// All endpoints with their documentation.
pub(crate) fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document::head())
        .merge(api_keys::router())
        .merge(audit::router())
        .merge(auth::router())
        .merge(jobs::router())
        .merge(live::router())
        .merge(resource_types::router())
        .merge(resources::router())
        .merge(operations::router())
        .merge(settings::router())
        .merge(system::router())
        .merge(tasks::router())
        .merge(tenants::router())
        .merge(users::router())
        .merge(workers::router())
}

/// What no endpoint is for: a file of the page, the page itself, or nothing.
async fn fallback(request: Request) -> Result<Response> {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        let detail = "see /api/openapi.json for the routes there are";
        return Err(Error::new(Code::RouteNotFound, detail));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(method_not_allowed()
            .await
            .with_header(header::ALLOW, "GET, HEAD"));
    }
    assets::serve(path, request.headers())
}

async fn method_not_allowed() -> Error {
    Error::new(Code::MethodNotAllowed, "Allow lists the methods there are")
}

#[cfg(test)]
mod tests;
