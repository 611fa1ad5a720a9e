//! What is left of a tenant on a connection.
//!
//! Invariant: however a read ended, the next one on the same connection finds no tenant named.

use std::time::Duration;

use schemas::domain::TenantId;
use sqlx::Row as _;
use uuid::Uuid;

use super::{ConnectError, Owner, Store, StoreError};

const TENANTS: [TenantId; 2] = [
    TenantId::new(Uuid::from_u128(0xA)),
    TenantId::new(Uuid::from_u128(0xB)),
];

/// A store with one connection, which every read therefore shares.
async fn store(server: &local::Postgres) -> Result<Store, ConnectError> {
    let config = |role| runtime::Postgres {
        accept_plaintext: false,
        connections: 0,
        url: server.url_of(role, "almanac").expect("a password").into(),
    };
    Owner::connect(&config(local::Role::Owner))
        .await?
        .migrate()
        .await?;
    Store::connect(&config(local::Role::Gateway)).await
}

async fn named(store: &Store) -> String {
    let ask = "select coalesce(current_setting('almanac.tenant', true), '')";
    sqlx::query_scalar(ask)
        .fetch_one(&store.pool)
        .await
        .expect("asked")
}

/// What a read of `tenant` finds named, and whether it may write.
async fn seen(store: &Store, tenant: TenantId) -> Result<(String, String, i32), StoreError> {
    let ask = "select current_setting('almanac.tenant') as tenant, \
               current_setting('transaction_read_only') as read_only, pg_backend_pid() as pid";
    store
        .read(tenant, |mut rows| async move {
            let row = sqlx::query(ask).fetch_one(&mut *rows).await?;
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
        })
        .await
}

#[tokio::test]
async fn nothing_is_left_of_a_tenant() {
    let server = tokio::task::spawn_blocking(local::Postgres::scratch);
    let server = server.await.expect("ran").expect("a server");
    let store = store(&server).await.expect("a store");
    let (told, read_only, pid) = seen(&store, TENANTS[0]).await.expect("read");
    assert_eq!((told, &*read_only), (TENANTS[0].to_string(), "on"));
    assert_eq!(named(&store).await, "", "after a read");

    let failed = store.read(TENANTS[0], |mut rows| async move {
        sqlx::query("select 1 / 0").execute(&mut *rows).await
    });
    assert!(failed.await.is_err());
    assert_eq!(named(&store).await, "", "after a failure");

    let panicking = store.clone();
    let panicked = tokio::spawn(async move {
        let reading = panicking.read(TENANTS[0], |_rows| async move {
            panic!("in the middle of a read");
            #[expect(unreachable_code, reason = "it gives the closure its type")]
            Ok(())
        });
        reading.await
    });
    assert!(panicked.await.is_err());
    assert_eq!(named(&store).await, "", "after a panic");

    let sleeping = store.read(TENANTS[0], |mut rows| async move {
        sqlx::query("select pg_sleep(0.3)")
            .execute(&mut *rows)
            .await
    });
    let cancelled = tokio::time::timeout(Duration::from_millis(50), sleeping).await;
    assert!(cancelled.is_err(), "it was to be cancelled");
    assert_eq!(named(&store).await, "", "after it was cancelled");

    let (told, _, same) = seen(&store, TENANTS[1]).await.expect("read");
    assert_eq!(told, TENANTS[1].to_string());
    assert_eq!(same, pid, "it was one connection all along");
}
