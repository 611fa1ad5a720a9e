//! Rows of the audit's stream.
//!
//! Invariant: each test has a server of its own for the stream.

use std::time::Duration;

use event_log::{AuditLog, AuditOptions, JetStreamLog, Options, Role};
use projections::{RunError, audit};
use schemas::{
    AuditRecord,
    api::{AuditCredential, AuditEntry, AuditResult},
    domain::{TenantId, Timestamp},
};
use sqlx::Row as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    database::{Database, poll},
    world::{TENANTS, World},
};

/// The stream as who writes it has it, and as who reads it.
pub async fn stream(nats: &local::Nats) -> [AuditLog; 2] {
    opened(nats, Role::Owner).await;
    [
        opened(nats, Role::Gateway).await,
        opened(nats, Role::Projector).await,
    ]
}

async fn opened(nats: &local::Nats, role: Role) -> AuditLog {
    let options = Options {
        accept_interval_sync: false,
        group_commit: true,
        monitor_url: nats.monitor_url(),
        replicas: 1,
        role,
        url: nats.url_of(role.user()).expect("a password").into(),
    };
    let log = JetStreamLog::open(&options).await.expect("a log");
    let options = AuditOptions {
        create: role == Role::Owner,
        keep: Duration::from_hours(24),
        max_bytes: 16 << 20,
        replicas: 1,
    };
    AuditLog::open(&log, &options).await.expect("an audit")
}

fn record(n: u128) -> AuditRecord {
    let entry = AuditEntry {
        id: Uuid::from_u128(n),
        at: Timestamp::from_unix_ms(1_800_000_000_000 + n as i64),
        until: None,
        count: 1,
        actor: "anonymous".to_owned(),
        on_behalf_of: None,
        credential: AuditCredential::None,
        session_id: None,
        method: "GET".to_owned(),
        route: "/api/v1/tasks".to_owned(),
        target_kind: None,
        target_id: None,
        result: AuditResult::Refused,
        status: 401,
        code: None,
        command_id: None,
        position: None,
        replayed: false,
        duration_ms: 1,
        trace_id: None,
    };
    AuditRecord {
        entry,
        origin: None,
    }
}

pub async fn append(log: &AuditLog, tenant: TenantId, id: &str, numbers: &[u128]) {
    let records: Vec<_> = numbers.iter().map(|n| record(*n)).collect();
    let payload = serde_json::to_vec(&records).expect("encoded");
    log.append(tenant, id, payload).await.expect("stored");
}

/// The rows there are, once there are as many.
pub async fn rows(database: &Database, enough: usize) -> Vec<(Uuid, i64)> {
    let mut connection = database.sql().await;
    poll(async || {
        let ask = "select id, position from audit order by id";
        let rows = sqlx::query(ask).fetch_all(&mut connection).await;
        let rows = rows.expect("asked");
        let rows: Vec<(Uuid, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        (rows.len() >= enough).then_some(rows)
    })
    .await
}

async fn checkpoint(database: &Database, position: i64) {
    let mut connection = database.sql().await;
    poll(async || {
        let ask = sqlx::query_scalar::<_, i64>("select position from audit_checkpoint");
        let found = ask.fetch_optional(&mut connection).await.expect("asked");
        (found >= Some(position)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_record_is_one_row_however_often_it_is_stored_or_read() {
    let nats = local::Nats::scratch().expect("a nats-server starts");
    let ([gateway, log], database) = (stream(&nats).await, Database::new().await);
    let [one, two] = TENANTS;
    append(&gateway, one, "a", &[1, 2]).await;
    append(&gateway, two, "b", &[3]).await;
    for round in 0..2 {
        let end = CancellationToken::new();
        let running = audit::run(log.clone(), database.writer.clone(), end.clone());
        let running = tokio::spawn(running);
        assert_eq!(rows(&database, 3).await.len(), 3);
        // As if the gateway had not heard for longer than the server remembers; and no records.
        append(&gateway, one, &format!("again-{round}"), &[1, 2]).await;
        let id = format!("odd-{round}");
        let odd = gateway.append(one, &id, b"odd".to_vec());
        odd.await.expect("stored");
        checkpoint(&database, 4 + round * 2).await;
        end.cancel();
        running.await.expect("no panic").expect("in good order");
    }
    let found = rows(&database, 3).await;
    let expected = [(1, 1), (2, 1), (3, 2)].map(|(id, at)| (Uuid::from_u128(id), at));
    assert_eq!(found, expected);
    // What the gateway asks stands beside the read models, whose checkpoint it tells.
    database.project(&World::random(1, 10).await, 10).await;
    let filter = audit::Filter::default();
    let listed = audit::list(&database.store, one, &filter, None, 1).await;
    let listed = listed.expect("asked").value;
    assert_eq!(listed.items[0].record, record(2));
    let rest = audit::list(&database.store, one, &filter, listed.next, 1).await;
    let rest = rest.expect("asked").value;
    assert_eq!((&rest.items[0].record, rest.next), (&record(1), None));
}

#[tokio::test]
async fn rows_end_with_their_records_and_another_stream_is_no_continuation() {
    let nats = local::Nats::scratch().expect("a nats-server starts");
    let ([gateway, log], database) = (stream(&nats).await, Database::new().await);
    append(&gateway, TENANTS[0], "a", &[1]).await;
    database
        .spoil(&format!(
            "insert into audit (tenant_id, position, index, record) values ('{}', 0, 0, \
             jsonb_build_object('id', gen_random_uuid(), 'at', '2020-01-01T00:00:00.000Z'))",
            TENANTS[0]
        ))
        .await;
    let end = CancellationToken::new();
    let running = tokio::spawn(audit::run(log, database.writer.clone(), end.clone()));
    checkpoint(&database, 1).await;
    let found = rows(&database, 1).await;
    assert_eq!(found, [(Uuid::from_u128(1), 1)], "the old row is gone");
    end.cancel();
    running.await.expect("no panic").expect("in good order");

    let other = local::Nats::scratch().expect("a nats-server starts");
    let run = audit::run(
        stream(&other).await[1].clone(),
        database.writer.clone(),
        CancellationToken::new(),
    );
    let halted = run.await.expect_err("another stream");
    assert!(matches!(halted, RunError::Halted { .. }), "{halted}");
}
