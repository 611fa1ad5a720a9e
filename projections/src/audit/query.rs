//! Questions about who did or tried what.
//!
//! Invariant: the newest comes first; following keys visits every record that was there throughout
//! exactly once.

use schemas::{
    AuditRecord, Position,
    api::AuditResult,
    domain::{TenantId, Timestamp},
};
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder, Row as _, postgres::PgRow, types::Json};
use uuid::Uuid;

use crate::{At, Listed, Store, StoreError};

/// The most records of one page.
const LIMIT_MAX: u32 = 1_000;

/// Which records to list; all when empty.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// By whom.
    pub actor: Option<String>,
    /// From an address: any of these digests of it.
    pub address: Option<Vec<String>>,
    /// Answered with this code.
    pub code: Option<String>,
    /// Of this command.
    pub command: Option<Uuid>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// By this method.
    pub method: Option<String>,
    /// Any of these results.
    pub results: Vec<AuditResult>,
    /// Of this route.
    pub route: Option<String>,
    /// By this sign-in.
    pub session: Option<Uuid>,
    /// Answered with any of these statuses.
    pub statuses: Vec<u16>,
    /// About the object with this id.
    pub target: Option<String>,
    /// About objects of this kind.
    pub target_kind: Option<String>,
    /// Before.
    pub to: Option<Timestamp>,
}

/// A record and its place in the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// The message.
    pub position: Position,
    /// The record.
    pub record: AuditRecord,
}

/// Where a list goes on: after this record.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditKey {
    pub(crate) at: Timestamp,
    pub(crate) id: Uuid,
}

/// The records of `tenant` after `after`, the newest first; at most 1,000.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    filter: &Filter,
    after: Option<AuditKey>,
    limit: u32,
) -> Result<At<Listed<AuditRow, AuditKey>>, StoreError> {
    let limit = limit.clamp(1, LIMIT_MAX);
    let rows = store
        .read(tenant, |mut rows| {
            let mut query = statement(tenant, filter, after, limit);
            async move { query.build().fetch_all(&mut *rows).await }
        })
        .await?;
    let items: Result<Vec<_>, _> = rows.iter().filter_map(|r| row_of(r).transpose()).collect();
    let listed = Listed::cut(items?, limit as usize, |last: &AuditRow| AuditKey {
        at: last.record.entry.at,
        id: last.record.entry.id,
    });
    At::told_by(rows.first(), listed)
}

fn row_of(row: &PgRow) -> Result<Option<AuditRow>, sqlx::Error> {
    let Some(Json(record)) = row.try_get("record")? else {
        return Ok(None);
    };
    let position = Position(row.try_get::<i64, _>("position")? as u64);
    Ok(Some(AuditRow { position, record }))
}

fn statement(
    tenant: TenantId,
    filter: &Filter,
    after: Option<AuditKey>,
    limit: u32,
) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(
        "select c.position as reached, null::bigint as stale_since, a.position, a.record \
         from checkpoint c left join lateral \
         (select position, record, at, id from audit where tenant_id = ",
    );
    query.push_bind(tenant.uuid());
    narrow(&mut query, filter);
    if let Some(after) = after {
        query.push(" and (at, id) < (");
        query.push_bind(after.at.to_chrono()).push(", ");
        query.push_bind(after.id).push(")");
    }
    query.push(" order by at desc, id desc limit ");
    query.push_bind(i64::from(limit) + 1);
    query.push(") a on true order by a.at desc, a.id desc");
    query
}

fn narrow(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    let texts = [
        (" and actor = ", &filter.actor),
        (" and code = ", &filter.code),
        (" and method = ", &filter.method),
        (" and route = ", &filter.route),
        (" and target_id = ", &filter.target),
        (" and target_kind = ", &filter.target_kind),
    ];
    for (condition, value) in texts {
        if let Some(value) = value {
            query.push(condition).push_bind(value.clone());
        }
    }
    for (condition, id) in [
        (" and command_id = ", filter.command),
        (" and session_id = ", filter.session),
    ] {
        if let Some(id) = id {
            query.push(condition).push_bind(id);
        }
    }
    for (condition, instant) in [(" and at >= ", filter.from), (" and at < ", filter.to)] {
        if let Some(instant) = instant {
            query.push(condition).push_bind(instant.to_chrono());
        }
    }
    if let Some(digests) = &filter.address {
        query.push(" and address_digest = any(");
        query.push_bind(digests.clone()).push(")");
    }
    if !filter.results.is_empty() {
        let results: Vec<_> = filter.results.iter().map(|result| result.name()).collect();
        query
            .push(" and result = any(")
            .push_bind(results)
            .push(")");
    }
    if !filter.statuses.is_empty() {
        let statuses: Vec<_> = filter.statuses.iter().map(|one| i32::from(*one)).collect();
        query.push(" and status = any(").push_bind(statuses);
        query.push(")");
    }
}
