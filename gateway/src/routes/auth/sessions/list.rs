//! `GET /auth/sessions`
//!
//! Invariant: read from where refresh tokens are kept, so what is shown is what still works.

use axum::{Json, extract::State};
use schemas::api::{Page, PageInfo, SessionView};

use crate::{
    app::App,
    extract::{Caller, Nothing, Parameters},
    problem::Result,
};

/// List your sign-ins, the one used last first.
#[utoipa::path(
    get, path = "/api/v1/auth/sessions", tag = "auth",
    responses((status = 200, description = "All that have not ended, up to 200 on one page",
        body = Page<SessionView>)),
)]
pub(in super::super) async fn list_sessions(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
) -> Result<Json<Page<SessionView>>> {
    let sign_ins = app
        .identity
        .sign_ins(caller.tenant(), caller.user())
        .await?;
    let views = sign_ins.into_iter().map(|sign_in| SessionView {
        id: sign_in.id,
        created_at: sign_in.began,
        last_used_at: sign_in.last_used,
        user_agent: sign_in.client,
        current: sign_in.id == caller.0.session,
    });
    Ok(Json(Page {
        items: views.collect(),
        page: PageInfo {
            has_more: false,
            next: None,
        },
    }))
}
