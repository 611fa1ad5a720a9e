//! `GET /resources`
//!
//! Invariant: a page is one snapshot, and following `next` visits every resource once.

use axum::{extract::State, response::Response};
use projections::resources;
use schemas::api::{Page, ResourceView};

use crate::{
    answer,
    app::App,
    document::{AsOfParameter, PageParameters},
    extract::{Cursors, FromParameters, Paging, Parameters, Query, Reading},
    problem::Result,
};

pub(super) struct ListResources {
    filter: resources::Filter,
    paging: Paging<resources::SortBy>,
}

impl FromParameters for ListResources {
    fn take(query: &mut Query) -> Result<Self> {
        Ok(Self {
            paging: query.paging()?,
            filter: resources::Filter::take(query)?,
        })
    }
}

impl FromParameters for resources::Filter {
    fn take(query: &mut Query) -> Result<Self> {
        Ok(Self {
            labels: query.entries("labels")?,
            q: query.one("q")?,
            types: query.several("type", |name| Ok(name.to_owned()))?,
        })
    }
}

/// List resources.
#[utoipa::path(
    get, path = "/api/v1/resources", tag = "resources",
    params(
        PageParameters,
        AsOfParameter,
        ("sort" = Option<String>, Query,
            description = "`name`, `created_at` or `updated_at`, with `-` for the other direction; \
                `name` by default"),
        ("type" = Option<String>, Query, description = "Names of types, between commas"),
        ("q" = Option<String>, Query, description = "A part of the name, in any case"),
        ("labels" = Option<Object>, Query, style = DeepObject,
            explode, description = "Labels that the resource has, as `labels[key]=value`"),
    ),
    responses((status = 200, description = "A page", body = Page<ResourceView>)),
)]
pub(super) async fn list_resources(
    State(app): State<App>,
    reading: Reading,
    Parameters(ListResources { filter, paging }): Parameters<ListResources>,
) -> Result<Response> {
    let tenant = reading.tenant();
    let cursors = Cursors::new(&app, tenant, &paging.scope);
    let request = paging.request(&app, &reading, &cursors).await?;
    let found = resources::list(&app.store, tenant, &filter, &request).await?;
    let views = answer::each(found, answer::resource);
    answer::listed(&app, &paging, &cursors, views)
}
