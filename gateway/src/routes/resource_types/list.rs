//! `GET /resource-types`
//!
//! Invariant: a page is one snapshot, and following `next` visits every type once.

use axum::{extract::State, response::Response};
use projections::resource_types;
use schemas::api::{Page, ResourceTypeView};

use crate::{
    answer,
    app::App,
    document::{AsOfParameter, PageParameters},
    extract::{Cursors, FromParameters, Paging, Parameters, Query, Reading},
    problem::Result,
};

pub(super) struct ListResourceTypes(Paging<resource_types::SortBy>);

impl FromParameters for ListResourceTypes {
    fn take(query: &mut Query) -> Result<Self> {
        query.paging().map(Self)
    }
}

/// List resource types.
#[utoipa::path(
    get, path = "/api/v1/resource-types", tag = "resource types",
    params(
        PageParameters,
        AsOfParameter,
        ("sort" = Option<String>, Query, description = "`name` or `-name`; `name` by default"),
    ),
    responses((status = 200, description = "A page", body = Page<ResourceTypeView>)),
)]
pub(super) async fn list_resource_types(
    State(app): State<App>,
    reading: Reading,
    Parameters(ListResourceTypes(paging)): Parameters<ListResourceTypes>,
) -> Result<Response> {
    let tenant = reading.tenant();
    let cursors = Cursors::new(&app, tenant, &paging.scope);
    let request = paging.request(&app, &reading, &cursors).await?;
    let found = resource_types::list(&app.store, tenant, &request).await?;
    let views = answer::each(found, answer::resource_type);
    answer::listed(&app, &paging, &cursors, views)
}
