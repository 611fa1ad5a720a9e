//! Lists, a page at a time, by keyset: after the last row seen, never by counting rows; of now, or
//! as they were after the commit at a position.
//!
//! Invariant: what a caller gives reaches Postgres as bound values only; the text of a statement is
//! made of parts that are spelled in this crate.

use schemas::{
    Position,
    domain::{TenantId, tenant::Tenant},
};
use sqlx::{Postgres, QueryBuilder, postgres::PgRow};

use crate::{
    At, Key, Listed, PageRequest, Row, SortKey, Store, StoreError,
    models::{Model, get::row_of},
};

/// What a list of `A` can be sorted by.
pub(super) trait Order<A>: SortKey {
    /// What `state` is sorted by, as text; `infinity` for no instant.
    fn of(self, state: &A) -> String;

    /// The column, or an expression over it that is never null.
    fn expression(self) -> &'static str {
        self.name()
    }

    /// Whether it is the time of one of the aggregate's own commits.
    fn is_of_a_commit(self) -> bool {
        matches!(self.name(), "created_at" | "updated_at")
    }
}

/// The page of `tenant`'s rows that `request` asks for, among those that `narrow` lets through.
pub(super) async fn page<A: Model, K: Order<A>>(
    store: &Store,
    tenant: TenantId,
    request: &PageRequest<K>,
    narrow: impl Fn(&mut QueryBuilder<Postgres>) + Send + Sync,
) -> Result<At<Listed<Row<A>>>, StoreError> {
    let rows = store
        .read(tenant, |mut rows| {
            let mut query = statement::<A, K>(Some(tenant), request, &narrow);
            // Of the past, which index is best depends on the position: no plan is kept for all.
            let is_of_now = request.as_of.is_none();
            async move {
                let asked = query.build().persistent(is_of_now);
                asked.fetch_all(&mut *rows).await
            }
        })
        .await?;
    listed(request, &rows)
}

/// The page of all tenants that `request` asks for.
pub(super) async fn page_of_tenants<K: Order<Tenant>>(
    store: &Store,
    request: &PageRequest<K>,
) -> Result<At<Listed<Row<Tenant>>>, StoreError> {
    let rows = store
        .read_tenants(|mut rows| {
            let mut query = statement::<Tenant, K>(None, request, |_| {});
            // Of the past, which index is best depends on the position: no plan is kept for all.
            let is_of_now = request.as_of.is_none();
            async move {
                let asked = query.build().persistent(is_of_now);
                asked.fetch_all(&mut *rows).await
            }
        })
        .await?;
    listed(request, &rows)
}

fn listed<A: Model, K: Order<A>>(
    request: &PageRequest<K>,
    rows: &[PgRow],
) -> Result<At<Listed<Row<A>>>, StoreError> {
    let items: Result<Vec<_>, _> = rows.iter().filter_map(|r| row_of(r).transpose()).collect();
    let listed = Listed::cut(items?, request.limit as usize, |last: &Row<A>| Key {
        as_of: request.as_of,
        id: last.id,
        sort: request.sort.word(),
        value: request.sort.key.of(&last.state),
    });
    At::told_by(rows.first(), listed)
}

/// Adds `and name ilike '%…%'` for a substring in which nothing is a wildcard.
pub(super) fn name_contains(query: &mut QueryBuilder<Postgres>, part: &str) {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for c in part.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    // The column is compared byte by byte; letters outside ASCII have cases only in a language.
    query
        .push(r#" and name collate "default" ilike "#)
        .push_bind(pattern);
}

/// Of one tenant, or of all whose rows are shown.
fn statement<A: Model, K: Order<A>>(
    tenant: Option<TenantId>,
    request: &PageRequest<K>,
    narrow: impl Fn(&mut QueryBuilder<Postgres>),
) -> QueryBuilder<Postgres> {
    let direction = direction(request);
    let mut query = QueryBuilder::new("select ");
    match request.as_of {
        None => query.push("c.position"),
        Some(position) => query
            .push("least(c.position, ")
            .push_bind(position.0 as i64)
            .push(")"),
    };
    query
        .push(" as reached, (select min(p.position) from parked p where p.tenant_id = ")
        .push_bind(tenant.map(TenantId::uuid))
        .push(" and p.kind = ")
        .push_bind(A::KIND.name());
    if let Some(position) = request.as_of {
        query
            .push(" and p.position <= ")
            .push_bind(position.0 as i64);
    }
    query.push(") as stale_since, m.* from checkpoint c left join lateral (");
    match request.as_of {
        None => rows::<A, K>(&mut query, tenant, request, &narrow, |_| {}),
        Some(position) => past::<A, K>(&mut query, tenant, request, &narrow, position),
    }
    query.push(format_args!(
        ") m on true order by m.sorted {direction}, m.id {direction} limit "
    ));
    query.push_bind(i64::from(request.limit) + 1);
    query
}

/// The rows that held at `position`: those of now that are as old, and versions that have ended
/// since. Each part goes through its index in the order asked for, no further than it must.
fn past<A: Model, K: Order<A>>(
    query: &mut QueryBuilder<Postgres>,
    tenant: Option<TenantId>,
    request: &PageRequest<K>,
    narrow: &impl Fn(&mut QueryBuilder<Postgres>),
    position: Position,
) {
    let key = request.sort.key.expression();
    let at = position.0 as i64;
    // What a commit has set bears the time of no later one; without this, the newest come first of
    // all that did not exist yet. Inside the subquery, since row-level security keeps what is not
    // known not to leak, as `coalesce`, out of the conditions of an index.
    let until = |query: &mut QueryBuilder<Postgres>| {
        if request.sort.key.is_of_a_commit() {
            query
                .push(format_args!(
                    " and {key} <= (select coalesce((select latest from moments where position >= "
                ))
                .push_bind(at)
                .push(" order by position limit 1), 'infinity'))");
        }
    };
    query.push("with now as materialized (");
    rows::<A, K>(query, tenant, request, narrow, |query| {
        query.push(" and position <= ").push_bind(at);
        until(query);
    });
    query.push(") select * from now union all (");
    let ended = Source {
        position: "valid_from as position",
        suffix: "_history",
    };
    rows_of::<A, K>(query, &ended, tenant, request, narrow, |query| {
        query
            .push(" and valid_from <= ")
            .push_bind(at)
            .push(" and valid_to > ")
            .push_bind(at);
        until(query);
        // What comes after a whole page of the others is not on it.
        if request.sort.key.is_instant() {
            let (comparison, last, none) = if request.sort.descending {
                (">=", "min", "-infinity")
            } else {
                ("<=", "max", "infinity")
            };
            query.push(format_args!(
                " and {key} {comparison} (select case when count(*) > {} then {last}(sorted) \
                 else '{none}' end from now)",
                request.limit
            ));
        }
    });
    query.push(")");
}

/// Which rows of a model: those of now, unless it says otherwise.
struct Source {
    /// The column of the position at which the version began.
    position: &'static str,
    /// What follows the model's name in that of the table.
    suffix: &'static str,
}

/// A page of the current rows.
fn rows<A: Model, K: Order<A>>(
    query: &mut QueryBuilder<Postgres>,
    tenant: Option<TenantId>,
    request: &PageRequest<K>,
    narrow: &impl Fn(&mut QueryBuilder<Postgres>),
    narrow_more: impl Fn(&mut QueryBuilder<Postgres>),
) {
    let now = Source {
        position: "position",
        suffix: "",
    };
    rows_of::<A, K>(query, &now, tenant, request, narrow, narrow_more);
}

/// A page of the rows of `source`, and one more.
fn rows_of<A: Model, K: Order<A>>(
    query: &mut QueryBuilder<Postgres>,
    source: &Source,
    tenant: Option<TenantId>,
    request: &PageRequest<K>,
    narrow: &impl Fn(&mut QueryBuilder<Postgres>),
    narrow_more: impl Fn(&mut QueryBuilder<Postgres>),
) {
    let key = request.sort.key.expression();
    let direction = direction(request);
    query.push(format_args!(
        "select tenant_id, id, version, {}, state, {key} as sorted from {}{}",
        source.position,
        A::statements().table,
        source.suffix,
    ));
    match tenant {
        Some(tenant) => query.push(" where tenant_id = ").push_bind(tenant.uuid()),
        None => query.push(" where true"),
    };
    narrow(query);
    narrow_more(query);
    if let Some(after) = &request.after {
        let cast = if request.sort.key.is_instant() {
            "::timestamptz"
        } else {
            ""
        };
        let comparison = if request.sort.descending { "<" } else { ">" };
        query.push(format_args!(" and ({key}, id) {comparison} ("));
        query
            .push_bind(after.value.clone())
            .push(cast)
            .push(", ")
            .push_bind(after.id)
            .push(")");
    }
    query.push(format_args!(
        " order by {key} {direction}, id {direction} limit "
    ));
    query.push_bind(i64::from(request.limit) + 1);
}

fn direction<K>(request: &PageRequest<K>) -> &'static str {
    if request.sort.descending {
        "desc"
    } else {
        "asc"
    }
}
