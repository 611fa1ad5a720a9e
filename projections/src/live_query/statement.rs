//! The statements behind live queries.
//!
//! Invariant: what is current and what has ended is narrowed by the same conditions, which are the
//! list's own; each statement reads one snapshot of the database, so no version is in both or in
//! neither.

use schemas::{Position, domain::TenantId};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::LiveQuery;

/// Rows as of a position, in the order of their ids.
pub(super) fn rows_as_of(
    query: &LiveQuery,
    tenant: TenantId,
    at: Position,
    after: Uuid,
    limit: u32,
) -> QueryBuilder<Postgres> {
    let table = query.table();
    let mut text = told(query, tenant, at);
    text.push(
        ", m.* from checkpoint c \
         left join lateral (select * from ((select tenant_id, id, version, position, state from ",
    );
    text.push(table).push(" where tenant_id = ");
    text.push_bind(tenant.uuid()).push(" and id > ");
    text.push_bind(after).push(" and position <= ");
    text.push_bind(at.0 as i64);
    query.narrow(&mut text);
    text.push(" order by id limit ");
    text.push_bind(i64::from(limit));
    text.push(") union all (select tenant_id, id, version, valid_from as position, state from ");
    text.push(table).push("_history where tenant_id = ");
    text.push_bind(tenant.uuid()).push(" and valid_from <= ");
    text.push_bind(at.0 as i64).push(" and valid_to > ");
    text.push_bind(at.0 as i64);
    // Only what was touched since has another version now; that is little, the history is long.
    text.push(" and id in (select e.id from event_log e where e.tenant_id = ");
    text.push_bind(tenant.uuid()).push(" and e.kind = ");
    text.push_bind(query.kind().name()).push(" and e.id > ");
    text.push_bind(after).push(" and e.position > ");
    text.push_bind(at.0 as i64).push(")");
    query.narrow(&mut text);
    text.push(" order by id limit ");
    text.push_bind(i64::from(limit));
    text.push(")) as both_of order by id limit ");
    text.push_bind(i64::from(limit));
    text.push(") m on true order by m.id");
    text
}

/// What became of `ids` between two positions: the row as of the later, and whether it has left.
pub(super) fn changes(
    query: &LiveQuery,
    tenant: TenantId,
    (from, to): (Position, Position),
    ids: &[Uuid],
) -> QueryBuilder<Postgres> {
    let mut text = told(query, tenant, to);
    text.push(
        ", t.touched, m.id is null and was.id is not null as has_left, m.* from checkpoint c \
         left join unnest(",
    );
    text.push_bind(ids.to_vec());
    text.push("::uuid[]) as t (touched) on true left join lateral (");
    one_as_of(query, &mut text, tenant, to);
    text.push(") m on true left join lateral (");
    one_as_of(query, &mut text, tenant, from);
    text.push(") was on true order by t.touched");
    text
}

/// What every answer tells, also one without rows: how far the read models are in which generation,
/// and since which commit up to `at` some of the rows are not as they should be.
fn told(query: &LiveQuery, tenant: TenantId, at: Position) -> QueryBuilder<Postgres> {
    let mut text = QueryBuilder::new(
        "select c.generation, c.position as reached, \
         (select min(p.position) from parked p where p.tenant_id = ",
    );
    text.push_bind(tenant.uuid()).push(" and p.kind = ");
    text.push_bind(query.kind().name())
        .push(" and p.position <= ");
    text.push_bind(at.0 as i64).push(") as stale_since");
    text
}

/// The row called `t.touched` as of a position.
fn one_as_of(query: &LiveQuery, text: &mut QueryBuilder<Postgres>, tenant: TenantId, at: Position) {
    let table = query.table();
    text.push("select tenant_id, id, version, position, state from ");
    text.push(table)
        .push(" where id = t.touched and tenant_id = ");
    text.push_bind(tenant.uuid()).push(" and position <= ");
    text.push_bind(at.0 as i64);
    query.narrow(text);
    text.push(" union all select tenant_id, id, version, valid_from, state from ");
    text.push(table)
        .push("_history where id = t.touched and tenant_id = ");
    text.push_bind(tenant.uuid()).push(" and valid_from <= ");
    text.push_bind(at.0 as i64).push(" and valid_to > ");
    text.push_bind(at.0 as i64);
    query.narrow(text);
}
