//! `PATCH /settings`
//!
//! Invariant: what the patch does not name stays; what cannot be so is refused whole, each fault
//! with its pointer.

use axum::{extract::State, http::StatusCode, response::Response};
use domain::settings::{Settings, SettingsCommand};
use schemas::api::{PatchSettings, SettingsView};

use crate::{
    answer,
    app::App,
    extract::{Nothing, Parameters, Patch, Writing},
    problem::Result,
    routes::precondition,
};

/// Change some of your tenant's settings; null lets the default hold again.
///
/// It holds for whatever is asked from then on, on every gateway.
#[utoipa::path(
    patch, path = "/api/v1/settings", tag = "settings",
    request_body(content = PatchSettings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "As they are now", body = SettingsView)),
)]
pub(super) async fn patch_settings(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Patch<PatchSettings>,
) -> Result<Response> {
    let tenant = writing.tenant();
    let ask = writing.change(&app, tenant.uuid(), &body.bytes);
    let PatchSettings(values) = body.value;
    let command = SettingsCommand::Change { values };
    let receipt = precondition::execute::<Settings>(&app, &writing, ask, command).await?;
    let view = schemas::settings_view(tenant, receipt.version, receipt.state.as_ref());
    Ok(answer::written(&app, &receipt, StatusCode::OK, &view))
}
