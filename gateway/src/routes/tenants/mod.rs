//! Tenants: for platform administrators all of them, for everybody else their own.
//!
//! Invariant: what is asked of another tenant is written by `platform:<id>`, on that tenant's own
//! subjects, where its administrators see it.

mod act;
mod create;
mod events;
mod get;
mod list;
mod own;
mod own_events;
mod patch;
mod resume;
mod suspend;

use axum::{http::StatusCode, response::Response};
use commands::{Ask, CommandError, Receipt};
use domain::{
    Actor, TenantId,
    tenant::{Tenant, TenantRejection},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{answer, app::App, audit, extract::Writing, problem::Result, routes::precondition};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(own::get_own_tenant))
        .routes(routes!(own_events::list_own_tenant_events))
        .routes(routes!(list::list_tenants, create::create_tenant))
        .routes(routes!(get::get_tenant, patch::patch_tenant))
        .routes(routes!(act::act_in_tenant))
        .routes(routes!(events::list_tenant_events))
        .routes(routes!(resume::resume_tenant))
        .routes(routes!(suspend::suspend_tenant))
}

/// What came of a command.
type Outcome = std::result::Result<Receipt<Tenant>, CommandError<TenantRejection>>;

/// The command that changes the tenant `id`, of a platform administrator.
fn change_of(app: &App, writing: &Writing, id: Uuid, body: &[u8]) -> Ask {
    let actor = Actor::Platform(writing.caller.user());
    audit::acts(actor.clone());
    Ask {
        actor,
        tenant: TenantId::new(id),
        ..writing.change(app, id, body)
    }
}

/// Has `act` change the tenant `id`, and answers with the tenant as it is then.
async fn change(
    app: &App,
    writing: &Writing,
    id: Uuid,
    body: &[u8],
    act: impl AsyncFnOnce(Ask) -> Outcome,
) -> Result<Response> {
    let mut ask = change_of(app, writing, id, body);
    let unmet = precondition::expect::<Tenant>(app, writing, &mut ask).await?;
    let receipt = precondition::run_by(ask, unmet, act).await?;
    let state = answer::state(&receipt)?;
    let view = schemas::tenant_view(TenantId::new(id), receipt.version, state);
    Ok(answer::written(app, &receipt, StatusCode::OK, &view))
}
