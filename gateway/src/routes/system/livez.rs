//! `GET /livez`
//!
//! Invariant: depends on nothing, so a server that is down never has the gateway restarted.

/// Whether the process answers at all.
#[utoipa::path(
    get, path = "/livez", tag = "system",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain")),
)]
pub(super) async fn livez() -> &'static str {
    "ok\n"
}
