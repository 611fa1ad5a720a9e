//! What happened to an object.
//!
//! Invariant: the history of what was deleted can still be read; an object without one never was.

use axum::response::Response;
use domain::{AggregateKind, TenantId};
use projections::event_log;
use uuid::Uuid;

use crate::{
    answer,
    app::App,
    extract::{Cursors, Paging, Reading},
    problem::{Error, Result},
};

/// A page of the history of the object `id`, the oldest first.
pub(super) async fn page(
    app: &App,
    reading: &Reading,
    paging: &Paging<()>,
    kind: AggregateKind,
    id: Uuid,
) -> Result<Response> {
    page_of(app, reading, paging, reading.tenant(), kind, id).await
}

/// The same of an object of `tenant`, whom the caller may ask of.
pub(super) async fn page_of(
    app: &App,
    reading: &Reading,
    paging: &Paging<()>,
    tenant: TenantId,
    kind: AggregateKind,
    id: Uuid,
) -> Result<Response> {
    let cursors = Cursors::new(app, tenant, &paging.scope);
    let after = paging.after(&cursors)?;
    let found = event_log::of_aggregate(&app.store, tenant, kind, id, after, paging.limit).await?;
    let is_there = !found.value.items.is_empty() || paging.goes_on();
    reading.holds(&found, is_there)?;
    if !is_there {
        return Err(Error::not_found(kind.name()));
    }
    answer::listed(app, paging, &cursors, found)
}
