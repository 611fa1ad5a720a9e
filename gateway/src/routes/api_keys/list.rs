//! `GET /api-keys`
//!
//! Invariant: a page is one snapshot, and following `next` visits every key once that the caller
//! may see.

use axum::{extract::State, response::Response};
use domain::{ApiKeyId, UserId};
use futures::future;
use projections::{Listed, api_keys};
use schemas::api::{ApiKeyView, Code, Page};

use crate::{
    answer,
    app::App,
    document::{AsOfParameter, PageParameters},
    extract::{Cursors, FromParameters, Paging, Parameters, Query, Reading},
    permission,
    problem::{Error, Result},
};

pub(super) struct ListApiKeys {
    owner: Option<UserId>,
    paging: Paging<api_keys::SortBy>,
}

impl FromParameters for ListApiKeys {
    fn take(query: &mut Query) -> Result<Self> {
        let paging = query.paging()?;
        let owner = query.parsed("owner", |text| {
            text.parse().map_err(|_| "is the id of a user".to_owned())
        })?;
        Ok(Self { owner, paging })
    }
}

/// List API keys.
///
/// Your own; administrators see everybody's. Those that were revoked or have expired stay listed.
#[utoipa::path(
    get, path = "/api/v1/api-keys", tag = "api keys",
    params(
        PageParameters,
        AsOfParameter,
        ("sort" = Option<String>, Query,
            description = "`created_at` or `expires_at`; `-created_at` by default"),
        ("owner" = Option<UserId>, Query, description = "Whose"),
    ),
    responses((status = 200, description = "A page", body = Page<ApiKeyView>)),
)]
pub(super) async fn list_api_keys(
    State(app): State<App>,
    reading: Reading,
    Parameters(ListApiKeys { owner, paging }): Parameters<ListApiKeys>,
) -> Result<Response> {
    let tenant = reading.tenant();
    let owner = permission::narrowed(&reading.caller.0, owner)
        .map_err(|detail| Error::new(Code::Forbidden, detail))?;
    let cursors = Cursors::new(&app, tenant, &paging.scope);
    let request = paging.request(&app, &reading, &cursors).await?;
    let filter = api_keys::Filter { owner };
    let found = api_keys::list(&app.store, tenant, &filter, &request).await?;
    // When each was last used is asked at once, since each is a question of its own.
    let views = found.value.items.iter().map(|row| {
        let (id, state) = (ApiKeyId::new(row.id), row.state.clone());
        answer::api_key(&app, tenant, id, row.version, state)
    });
    let mut items = future::try_join_all(views).await?;
    if request.moment().is_some() {
        // Only the last use of all is known.
        for view in &mut items {
            view.last_used_at = None;
        }
    }
    let views = found.map(|page| Listed {
        items,
        next: page.next,
    });
    answer::listed(&app, &paging, &cursors, views)
}
