//! `GET /users`
//!
//! Invariant: a page is one snapshot, and following `next` visits every user once.

use axum::{extract::State, response::Response};
use domain::{UserId, user::Role};
use projections::{Listed, users};
use schemas::api::{Page, UserView};

use crate::{
    answer,
    app::App,
    document::{AsOfParameter, PageParameters},
    extract::{Cursors, FromParameters, Paging, Parameters, Query, Reading, word},
    permission::role_name,
    problem::Result,
};

const ROLES: [Role; 3] = [Role::Viewer, Role::Operator, Role::Admin];

pub(super) struct ListUsers {
    filter: users::Filter,
    paging: Paging<users::SortBy>,
}

impl FromParameters for ListUsers {
    fn take(query: &mut Query) -> Result<Self> {
        Ok(Self {
            paging: query.paging()?,
            filter: users::Filter::take(query)?,
        })
    }
}

impl FromParameters for users::Filter {
    fn take(query: &mut Query) -> Result<Self> {
        let roles = query.several("role", word(&ROLES, role_name))?;
        Ok(Self { roles })
    }
}

/// List users.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "users",
    params(
        PageParameters,
        AsOfParameter,
        ("sort" = Option<String>, Query, description = "`created_at`; `-created_at` by default"),
        ("role" = Option<String>, Query, description = "Roles, between commas"),
    ),
    responses((status = 200, description = "A page", body = Page<UserView>)),
)]
pub(super) async fn list_users(
    State(app): State<App>,
    reading: Reading,
    Parameters(ListUsers { filter, paging }): Parameters<ListUsers>,
) -> Result<Response> {
    let tenant = reading.tenant();
    let cursors = Cursors::new(&app, tenant, &paging.scope);
    let request = paging.request(&app, &reading, &cursors).await?;
    let found = users::list(&app.store, tenant, &filter, &request).await?;
    let mut items = Vec::with_capacity(found.value.items.len());
    for row in &found.value.items {
        let (id, state) = (UserId::new(row.id), row.state.clone());
        items.push(answer::user(&app, tenant, id, row.version, state).await?);
    }
    let views = found.map(|page| Listed {
        items,
        next: page.next,
    });
    answer::listed(&app, &paging, &cursors, views)
}
