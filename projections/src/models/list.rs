//! Lists, a page at a time, by keyset: after the last row seen, never by counting rows.
//!
//! Invariant: what a caller gives reaches Postgres as bound values only; the text of a statement is
//! made of parts that are spelled in this crate.

use schemas::domain::{TenantId, tenant::Tenant};
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
            async move { query.build().fetch_all(&mut *rows).await }
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
            async move { query.build().fetch_all(&mut *rows).await }
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
    let key = request.sort.key.expression();
    let (direction, comparison) = if request.sort.descending {
        ("desc", "<")
    } else {
        ("asc", ">")
    };
    let mut query = QueryBuilder::new(
        "select c.position as reached, (select min(p.position) from parked p where p.tenant_id = ",
    );
    query
        .push_bind(tenant.map(TenantId::uuid))
        .push(" and p.kind = ")
        .push_bind(A::KIND.name())
        .push(
            ") as stale_since, m.* from checkpoint c left join lateral \
             (select tenant_id, id, version, position, state, ",
        )
        .push(key)
        .push(" as sorted from ")
        .push(A::statements().table);
    match tenant {
        Some(tenant) => query.push(" where tenant_id = ").push_bind(tenant.uuid()),
        None => query.push(" where true"),
    };
    narrow(&mut query);
    if let Some(after) = &request.after {
        let cast = if request.sort.key.is_instant() {
            "::timestamptz"
        } else {
            ""
        };
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
    query.push(format_args!(
        ") m on true order by m.sorted {direction}, m.id {direction}"
    ));
    query
}
