//! What attempts say, on a real server: stored by workers, read by gateways.
//!
//! Invariant: each test has a server of its own.

use std::time::Duration;

use domain::{TaskId, TenantId};
use event_log::{OpenError, Position, Role, TaskLogs};
use futures::StreamExt as _;
use local::Nats;
use uuid::Uuid;

use crate::fixture::open;

const TENANT: TenantId = TenantId::new(Uuid::from_u128(7));
const OTHER: TenantId = TenantId::new(Uuid::from_u128(8));
const TASK: TaskId = TaskId::new(Uuid::from_u128(9));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_a_task_is_read_in_order_and_of_no_other() {
    let server = Nats::scratch().expect("a nats-server starts");
    let limits = runtime::TaskLogs::default();
    let owner = open(&server, Role::Owner).await;
    let missing = TaskLogs::open(&owner, &limits, false).await.err();
    assert!(
        matches!(missing, Some(OpenError::Missing(_))),
        "{missing:?}"
    );
    let made = TaskLogs::open(&owner, &limits, true).await;
    made.expect("made");
    let worker = open(&server, Role::Worker).await;
    let worker = TaskLogs::open(&worker, &limits, false)
        .await
        .expect("to write");
    let gateway = open(&server, Role::Gateway).await;
    let gateway = TaskLogs::open(&gateway, &limits, false)
        .await
        .expect("to read");

    assert_eq!(gateway.last(TENANT, TASK).await.expect("asked"), None);
    let mut signs = Box::pin(gateway.signs(TENANT, TASK).await.expect("heard"));
    for number in 0..150_u8 {
        for tenant in [TENANT, OTHER] {
            let said = worker.append(tenant, TASK, vec![number, tenant.uuid().as_bytes()[15]]);
            said.await.expect("stored");
        }
    }
    let sign = tokio::time::timeout(Duration::from_secs(20), signs.next()).await;
    assert_eq!(sign.expect("in time"), Some(()));
    let (mut seen, mut numbers) = (Position(0), Vec::new());
    loop {
        let said = gateway.after(TENANT, TASK, seen).await.expect("read");
        let Some(last) = said.last() else { break };
        assert!(said.len() < 150, "more than one read was to be needed");
        seen = last.position;
        for one in said {
            assert_eq!(one.payload[1], 7, "another tenant's");
            numbers.push(one.payload[0]);
        }
    }
    assert!(numbers.into_iter().eq(0..150));
    let last = gateway
        .last(TENANT, TASK)
        .await
        .expect("asked")
        .expect("one");
    assert_eq!((last.position, last.payload), (seen, vec![149, 7]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_those_of_the_configuration_once_the_owner_has_set_them() {
    let server = Nats::scratch().expect("a nats-server starts");
    let before = runtime::TaskLogs::default();
    let owner = open(&server, Role::Owner).await;
    TaskLogs::open(&owner, &before, true).await.expect("made");
    let after = runtime::TaskLogs {
        max_bytes: 32 << 20,
        ..before
    };
    let worker = open(&server, Role::Worker).await;
    let refused = TaskLogs::open(&worker, &after, false).await.err();
    let words = refused.map(|reason| reason.to_string()).unwrap_or_default();
    assert!(words.contains("task_logs.max_bytes"), "{words}");
    TaskLogs::open(&owner, &after, true)
        .await
        .expect("set anew");
    TaskLogs::open(&worker, &after, false)
        .await
        .expect("as configured");
}
