//! The proof finds what was tampered with.
//!
//! Invariant: a row changed, added or taken away is named, whatever table it is in.

use projections::{Told, VerifyError, verify, verify_telling};

use crate::{database::Database, world::World};

/// Spoils the tables with `statement`; the proof must name `model` and tell of `what`.
async fn finds(statement: &str, model: &str, what: &str) {
    let world = World::random(11, 400).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    let before = verify(&world.shared(), &database.overview)
        .await
        .expect("verified");
    assert!(
        before.holds() && before.rows > 100,
        "{:#?}",
        before.differences
    );
    database.spoil(statement).await;
    let after = verify(&world.shared(), &database.overview)
        .await
        .expect("verified");
    let told = after
        .differences
        .iter()
        .any(|d| d.model == model && d.what.contains(what));
    assert!(
        told && !after.holds(),
        "{statement}: {:#?}",
        after.differences
    );
}

#[tokio::test]
async fn a_changed_state_is_found() {
    let change = "update tasks set state = jsonb_set(state, '{spec,timeout_ms}', '1001') \
                  where id = (select min(id::text)::uuid from tasks)";
    finds(change, "tasks", "its state is not").await;
    finds(
        "update jobs set version = version + 1",
        "jobs",
        "but the log has version",
    )
    .await;
}

#[tokio::test]
async fn missing_rows_are_found() {
    for table in ["api_keys", "settings", "users"] {
        let statement = format!("delete from {table}");
        finds(&statement, table, "missing: the log has version").await;
    }
    finds(
        "delete from resources_history",
        "resources",
        "missing: version",
    )
    .await;
    finds(
        "delete from event_log where position = 7",
        "event_log",
        "7.0: missing",
    )
    .await;
}

#[tokio::test]
async fn a_forged_mirror_is_found() {
    let forgeries = [
        "data = '{\"name\":\"forged\"}'",
        "type = 'task.cancelled'",
        "actor = 'system:nobody'",
        "hash = '\\x00'",
        "version = version + 1",
        "occurred_at = occurred_at + interval '1 ms'",
        "traceparent = 'forged'",
        "causation_id = gen_random_uuid()",
        "id = gen_random_uuid()",
    ];
    let world = World::random(11, 60).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    for (at, forgery) in forgeries.into_iter().enumerate() {
        let position = at + 5;
        let statement = format!("update event_log set {forgery} where position = {position}");
        database.spoil(&statement).await;
        let found = verify(&world.shared(), &database.overview)
            .await
            .expect("verified");
        let wanted = format!("{position}.0: is not the event of the log");
        let told = found.differences.iter().any(|d| d.what == wanted);
        assert!(told, "{forgery}: {:#?}", found.differences);
    }
}

#[tokio::test]
async fn what_is_parked_without_an_entry_is_found() {
    let extra = "insert into parked (position, reason, payload) values (1000000, 'none', '')";
    finds(extra, "parked", "position 1000000: extra").await;
    finds(
        "update checkpoint set hash = '\\x00'",
        "checkpoint",
        "another commit",
    )
    .await;
}

#[tokio::test]
async fn rows_that_should_not_be_are_found() {
    let extra = "insert into tenants (tenant_id, id, version, position, state) \
                 select gen_random_uuid(), gen_random_uuid(), version, position, state \
                 from tenants";
    finds(extra, "tenants", "extra").await;
    let extra = "insert into tasks_history (tenant_id, id, version, valid_from, valid_to, state) \
                 select tenant_id, id, version, 1000000, 1000001, state from tasks";
    finds(extra, "tasks", "extra: a version of position 1000000").await;
    finds(
        "update counts set total = total + 1",
        "counts",
        "but the log has",
    )
    .await;
    finds(
        "update tasks_history set valid_to = valid_to + 1",
        "tasks",
        "is not what",
    )
    .await;
}

#[tokio::test]
async fn another_log_proves_nothing() {
    let world = World::random(11, 50).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    let other = World::new("other", 1);
    let refused = verify(&other.shared(), &database.overview).await;
    assert!(
        matches!(refused, Err(VerifyError::OtherLog(_))),
        "{refused:?}"
    );
    let shorter = World::random(11, 40).await;
    let refused = verify(&shorter.shared(), &database.overview).await;
    assert!(
        matches!(refused, Err(VerifyError::OtherLog(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn every_difference_is_told_and_how_far_it_is() {
    let world = World::random(11, 900).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    database
        .spoil("update event_log set data = '{\"planted\":1}'")
        .await;
    database.spoil("delete from tasks").await;
    let (mut told, mut folded, mut compared) = (Vec::new(), Vec::new(), Vec::new());
    let log = world.shared();
    let verifying = verify_telling(&log, &database.overview, |each| match each {
        Told::Compared { rows, of } => compared.push((rows, of)),
        Told::Difference(difference) => told.push(difference.clone()),
        Told::Folded { commits, of } => folded.push((commits, of)),
    });
    let found = verifying.await.expect("verified");
    assert!(found.differences_total > 900, "{}", found.differences_total);
    assert_eq!(found.differences_total, told.len() as u64);
    assert_eq!(found.differences[..], told[..100]);
    for (model, what) in [("event_log", "is not the event"), ("tasks", "missing")] {
        let named = told.iter().filter(|each| each.model == model);
        assert!(named.clone().any(|each| each.what.contains(what)), "{what}");
        // No row is named twice for the same reason.
        let reasons: std::collections::BTreeSet<_> = named
            .clone()
            .map(|each| (each.tenant, each.id, &each.what))
            .collect();
        assert_eq!(reasons.len(), named.count(), "{model}");
    }
    assert_eq!(folded.last(), Some(&(found.commits, found.commits)));
    let grows = |steps: &[(u64, u64)]| steps.windows(2).all(|two| two[0].0 < two[1].0);
    assert!(
        grows(&folded) && grows(&compared),
        "{folded:?} {compared:?}"
    );
    assert!(compared.iter().all(|(rows, of)| rows <= of), "{compared:?}");
    assert!(!compared.is_empty());
}
