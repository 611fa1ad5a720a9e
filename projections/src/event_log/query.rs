//! Questions about events.
//!
//! Invariant: events come in the order in which they happened, and a commit's events come together.

use schemas::{
    Position,
    api::EventView,
    domain::{AggregateKind, TenantId},
};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{EventKey, row};
use crate::{At, Listed, Store, StoreError};

/// The most events of one page.
const LIMIT_MAX: u32 = 1_000;

/// What happened to an aggregate, the oldest first, after `after`; at most 1,000 events.
pub async fn of_aggregate(
    store: &Store,
    tenant: TenantId,
    kind: AggregateKind,
    id: Uuid,
    after: Option<EventKey>,
    limit: u32,
) -> Result<At<Listed<EventView, EventKey>>, StoreError> {
    let limit = limit.clamp(1, LIMIT_MAX);
    let (version, index) = after.map_or((0, -1), |key| (key.version.0 as i64, key.index as i32));
    let rows = store
        .read(tenant, |mut rows| async move {
            sqlx::query(include_str!("of_aggregate.sql"))
                .bind(tenant.uuid())
                .bind(kind.name())
                .bind(id)
                .bind(version)
                .bind(index)
                .bind(i64::from(limit) + 1)
                .fetch_all(&mut *rows)
                .await
        })
        .await?;
    let mut events = Vec::with_capacity(rows.len());
    for found in &rows {
        if let Some(event) = row::event(found)? {
            events.push(event);
        }
    }
    let listed = Listed::cut(events, limit as usize, |(key, _)| *key);
    let items = listed.items.into_iter().map(|(_, view)| view).collect();
    let next = listed.next;
    At::told_by(rows.first(), Listed { items, next })
}

/// The rows of the events of these tenants after `from`, up to and with `to`.
pub(crate) async fn between(
    store: &Store,
    tenants: &[TenantId],
    from: Position,
    to: Position,
) -> Result<Vec<PgRow>, StoreError> {
    let ids: Vec<_> = tenants.iter().map(|tenant| tenant.uuid()).collect();
    store
        .read_events(tenants, |mut rows| {
            let asked = sqlx::query(include_str!("between.sql"))
                .bind(from.0 as i64)
                .bind(to.0 as i64)
                .bind(ids.clone());
            async move { asked.fetch_all(&mut *rows).await }
        })
        .await
}
