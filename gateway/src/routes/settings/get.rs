//! `GET /settings`
//!
//! Invariant: at one address each caller sees their own tenant's, so the answer is not to be kept.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use domain::settings::Settings;
use projections::settings;
use schemas::{Version, api::SettingsView};

use crate::{
    answer,
    app::App,
    document::LookParameters,
    extract::{Look, Parameters, Reading},
    past::{self, Whose},
    problem::Result,
};

/// Show what holds in your tenant, and which of it is by default.
#[utoipa::path(
    get, path = "/api/v1/settings", tag = "settings", params(LookParameters),
    responses((status = 200, description = "The settings", body = SettingsView)),
)]
pub(super) async fn get_settings(
    State(app): State<App>,
    reading: Reading,
    Parameters(look): Parameters<Look>,
) -> Result<Response> {
    let reading = reading.of(&app, &look).await?;
    if let Some(told) = &look.told {
        let tenant = reading.tenant();
        let id = tenant.uuid();
        return past::tell::<Settings>(&app, &reading, told, Whose { id, tenant }).await;
    }
    let tenant = reading.tenant();
    let found = settings::get(&app.store, tenant, reading.moment).await?;
    reading.holds(&found, found.value.is_some())?;
    let version = (found.value.as_ref()).map_or(Version(0), |row| row.version);
    let view = found.map(|row| {
        let settings = row.as_ref().map(|row| &row.state);
        schemas::settings_view(tenant, version, settings)
    });
    let mut response = answer::found(&app, &reading, version, &view);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
