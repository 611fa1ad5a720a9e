//! `GET /settings/schema`
//!
//! Invariant: it is made from the definitions that values are checked against.

use axum::Json;
use domain::settings;
use serde_json::Value;

use crate::extract::{Caller, Nothing, Parameters};

/// Show which settings there are, as a JSON Schema (2020-12).
///
/// It says what each decides, what it may be, and what it is in your tenant unless it is set.
#[utoipa::path(
    get, path = "/api/v1/settings/schema", tag = "settings",
    responses((status = 200, description = "The schema", body = Object)),
)]
pub(super) async fn get_settings_schema(
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
) -> Json<Value> {
    Json(settings::schema(caller.tenant()))
}
