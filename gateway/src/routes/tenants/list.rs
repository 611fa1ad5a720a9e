//! `GET /tenants`
//!
//! Invariant: the one list that is not of one tenant; a page is one snapshot, and following `next`
//! visits every tenant once.

use axum::{extract::State, response::Response};
use projections::tenants;
use schemas::api::{Page, TenantView};

use crate::{
    answer,
    app::App,
    document::{AsOfParameter, PageParameters},
    extract::{Cursors, FromParameters, Paging, Parameters, Query, Reading},
    problem::Result,
};

pub(super) struct ListTenants(Paging<tenants::SortBy>);

impl FromParameters for ListTenants {
    fn take(query: &mut Query) -> Result<Self> {
        query.paging().map(Self)
    }
}

/// List all tenants.
#[utoipa::path(
    get, path = "/api/v1/tenants", tag = "tenants",
    params(
        PageParameters,
        AsOfParameter,
        ("sort" = Option<String>, Query,
            description = "`slug` or `created_at`, with `-` for the other direction; `slug` by \
                default"),
    ),
    responses((status = 200, description = "A page", body = Page<TenantView>)),
)]
pub(super) async fn list_tenants(
    State(app): State<App>,
    reading: Reading,
    Parameters(ListTenants(paging)): Parameters<ListTenants>,
) -> Result<Response> {
    let cursors = Cursors::new(&app, reading.tenant(), &paging.scope);
    let request = paging.request(&app, &reading, &cursors).await?;
    let found = tenants::list(&app.store, &request).await?;
    let views = answer::each(found, answer::tenant);
    answer::listed(&app, &paging, &cursors, views)
}
