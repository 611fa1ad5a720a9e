//! `GET /auth/oidc`
//!
//! Invariant: of a provider strangers are told its name and nothing else.

use axum::{Json, extract::State};
use schemas::api::{Page, PageInfo, ProviderView};

use crate::{
    app::App,
    extract::{Nothing, Parameters},
};

/// List the providers that one can sign in by.
#[utoipa::path(
    get, path = "/api/v1/auth/oidc", tag = "auth",
    responses((status = 200, description = "All of them on one page, as they are configured",
        body = Page<ProviderView>)),
)]
pub(super) async fn list_providers(
    State(app): State<App>,
    Parameters(Nothing): Parameters<Nothing>,
) -> Json<Page<ProviderView>> {
    let names = app.oidc.names().map(str::to_owned);
    Json(Page {
        items: names.map(|name| ProviderView { name }).collect(),
        page: PageInfo {
            has_more: false,
            next: None,
        },
    })
}
