//! Leases on a real server.
//!
//! Invariant: a lease is another's only when the server says so.

use event_log::{Leases, Role};
use local::Nats;

use crate::{
    fixture::{jetstream, open},
    server::jetstream_of,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_has_one_holder_until_it_is_released() {
    let leases = Leases::open(&jetstream().await).await.expect("leases");
    let mut lease = leases
        .acquire("chair", "ann")
        .await
        .expect("asked")
        .expect("held");
    assert!(
        leases
            .acquire("chair", "bob")
            .await
            .expect("asked")
            .is_none()
    );
    assert_eq!(
        leases.holder("chair").await.expect("asked").as_deref(),
        Some("ann")
    );
    assert!(lease.renew().await.expect("asked") && lease.is_held());
    lease.release().await.expect("released");
    assert!(
        leases
            .acquire("chair", "bob")
            .await
            .expect("asked")
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_whose_answer_was_lost_loses_no_lease() {
    let server = Nats::scratch().expect("a nats-server starts");
    let log = open(&server, Role::Scheduler).await;
    let leases = Leases::open(&log).await.expect("leases");
    let held = leases.acquire("chair", "ann").await.expect("asked");
    let mut lease = held.expect("held");
    let bucket = jetstream_of(&server).await.get_key_value("leases").await;
    let bucket = bucket.expect("a bucket");
    // What a renewal of hers stores, without her hearing of it.
    bucket.put("chair", "ann".into()).await.expect("stored");
    assert!(lease.renew().await.expect("asked") && lease.is_held());
    assert!(lease.renew().await.expect("asked") && lease.is_held());
    bucket.put("chair", "bob".into()).await.expect("stored");
    assert!(!lease.renew().await.expect("asked") && !lease.is_held());
    bucket.delete("chair").await.expect("deleted");
    assert!(!lease.renew().await.expect("asked"));
}
