//! `GET /problems/{code}`
//!
//! Invariant: every `type` of a problem leads to a page.

use axum::response::Html;
use schemas::api::Code;

use crate::{
    extract::Segment,
    problem::{Error, Result, of_slug, page},
};

/// Explain a sort of problem.
#[utoipa::path(
    get, path = "/problems/{code}", tag = "system",
    params(("code" = String, Path, description = "Such as `version-mismatch`")),
    responses((status = 200, description = "A page", body = String, content_type = "text/html")),
)]
pub(super) async fn problem(Segment(slug): Segment) -> Result<Html<String>> {
    let unknown = || Error::new(Code::NotFound, "there is no such problem");
    of_slug(&slug).map(page).map(Html).ok_or_else(unknown)
}
