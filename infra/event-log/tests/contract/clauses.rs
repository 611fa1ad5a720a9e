//! The clauses of the contract.
//!
//! Invariant: a clause knows the log only through `EventLog`, so it holds for every adapter alike.

use std::collections::BTreeSet;

use event_log::{AppendError, Entry, EventLog, Position, ReadFrom};
use futures::{StreamExt as _, future::join_all};

use crate::fixture::{births, commit, stream};

async fn loaded(log: &dyn EventLog, stream: event_log::StreamId) -> usize {
    let commits = log
        .load(stream, Position(0), ReadFrom::Leader)
        .await
        .expect("loaded");
    commits.len()
}

pub async fn an_unexpected_predecessor_is_a_conflict(log: &dyn EventLog) {
    let stream = stream();
    let first = log
        .append(commit(stream, Position(0), 1))
        .await
        .expect("stored");
    for stale in [Position(0), Position(first.0 + 1_000)] {
        let outcome = log.append(commit(stream, stale, 2)).await;
        assert!(matches!(outcome, Err(AppendError::Conflict)), "{outcome:?}");
    }
    log.append(commit(stream, first, 2)).await.expect("stored");
    assert_eq!(loaded(log, stream).await, 2);
}

pub async fn no_commit_is_stored_twice(log: &dyn EventLog) {
    // An acknowledgement that was lost: the same commit comes again and meets itself.
    let commit = commit(stream(), Position(0), 1);
    let position = log.append(commit.clone()).await.expect("stored");
    let again = log.append(commit.clone()).await;
    assert!(matches!(again, Err(AppendError::Conflict)), "{again:?}");
    let found = log
        .load(commit.stream, Position(0), ReadFrom::Leader)
        .await
        .expect("loaded");
    assert_eq!(found, [commit.stored_at(position)]);
}

pub async fn a_command_is_known_again_whatever_it_expects(log: &dyn EventLog) {
    // A retry that has read on expects what its first try has made.
    let first = commit(stream(), Position(0), 1);
    let position = log.append(first.clone()).await.expect("stored");
    let mut again = commit(first.stream, position, 2);
    again.meta.command = first.meta.command;
    let mut batch = births(3);
    batch[1] = again.clone();
    let alone = log.append(again).await;
    assert!(matches!(alone, Err(AppendError::Conflict)), "{alone:?}");
    let streams: Vec<_> = batch.iter().map(|commit| commit.stream).collect();
    let together = log.append_all(batch).await;
    assert!(
        matches!(together, Err(AppendError::Conflict)),
        "{together:?}"
    );
    for (stream, count) in streams.into_iter().zip([0, 1, 0]) {
        assert_eq!(loaded(log, stream).await, count);
    }
    // On another aggregate it is another part of the command.
    let mut elsewhere = commit(stream(), Position(0), 1);
    elsewhere.meta.command = first.meta.command;
    log.append(elsewhere).await.expect("stored");
}

pub async fn of_many_writers_with_one_expectation_one_wins(log: &dyn EventLog) {
    let stream = stream();
    let rivals = (0..64).map(|_| log.append(commit(stream, Position(0), 1)));
    let outcomes = join_all(rivals).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(loaded(log, stream).await, 1);
}

pub async fn a_stale_command_never_fails_its_neighbours(log: &dyn EventLog) {
    let stale = stream();
    log.append(commit(stale, Position(0), 1))
        .await
        .expect("stored");
    let mut commits = births(63);
    commits.insert(31, commit(stale, Position(0), 1));
    let outcomes = join_all(commits.into_iter().map(|commit| log.append(commit))).await;
    for (at, outcome) in outcomes.iter().enumerate() {
        match at {
            31 => assert!(matches!(outcome, Err(AppendError::Conflict)), "{outcome:?}"),
            _ => assert!(outcome.is_ok(), "{at}: {outcome:?}"),
        }
    }
}

pub async fn a_batch_is_stored_as_a_whole(log: &dyn EventLog) {
    let commits = births(7);
    let streams: Vec<_> = commits.iter().map(|commit| commit.stream).collect();
    let positions = log.append_all(commits).await.expect("stored");
    assert!(
        positions.windows(2).all(|pair| pair[1] == pair[0].next()),
        "{positions:?}"
    );
    for (stream, position) in streams.into_iter().zip(positions) {
        let found = log
            .load(stream, Position(0), ReadFrom::Any)
            .await
            .expect("loaded");
        assert_eq!(
            found
                .iter()
                .map(|commit| commit.position)
                .collect::<Vec<_>>(),
            [position]
        );
    }
}

pub async fn a_batch_with_one_stale_member_is_rejected_as_a_whole(log: &dyn EventLog) {
    let stale = stream();
    log.append(commit(stale, Position(0), 1))
        .await
        .expect("stored");
    let mut commits = births(4);
    commits.insert(2, commit(stale, Position(0), 1));
    let fresh: Vec<_> = [0, 1, 3, 4].map(|at| commits[at].stream).to_vec();
    let outcome = log.append_all(commits).await;
    assert!(matches!(outcome, Err(AppendError::Conflict)), "{outcome:?}");
    for stream in fresh {
        assert_eq!(loaded(log, stream).await, 0);
    }
}

pub async fn a_batch_holds_at_most_a_thousand(log: &dyn EventLog) {
    let positions = log.append_all(births(1_000)).await.expect("stored");
    assert_eq!(positions.len(), 1_000);
    for wrong in [0, 1_001] {
        let outcome = log.append_all(births(wrong)).await;
        assert!(
            matches!(outcome, Err(AppendError::Refused(_))),
            "{wrong}: {outcome:?}"
        );
    }
}

pub async fn a_batch_holds_one_commit_of_an_aggregate(log: &dyn EventLog) {
    let mut commits = births(3);
    commits.push(commit(commits[1].stream, Position(0), 1));
    let streams: Vec<_> = commits.iter().map(|commit| commit.stream).collect();
    let outcome = log.append_all(commits).await;
    assert!(
        matches!(outcome, Err(AppendError::Refused(_))),
        "{outcome:?}"
    );
    for stream in streams {
        assert_eq!(loaded(log, stream).await, 0);
    }
}

pub async fn a_commit_too_large_fails_nobody_else(log: &dyn EventLog) {
    let mut commits = births(200);
    commits[100].payload = vec![b' '; 256 * 1024];
    let batch = log.append_all(commits.clone()).await;
    assert!(
        matches!(batch, Err(AppendError::TooLarge { .. })),
        "{batch:?}"
    );
    let outcomes = join_all(commits.into_iter().map(|commit| log.append(commit))).await;
    for (at, outcome) in outcomes.iter().enumerate() {
        match at {
            100 => assert!(
                matches!(outcome, Err(AppendError::TooLarge { .. })),
                "{outcome:?}"
            ),
            _ => assert!(outcome.is_ok(), "{at}: {outcome:?}"),
        }
    }
}

pub async fn the_largest_commit_is_stored(log: &dyn EventLog) {
    let mut commit = commit(stream(), Position(0), 1);
    commit.payload = vec![b' '; 252 * 1024];
    commit.meta.traceparent =
        Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    log.append(commit).await.expect("stored");
}

pub async fn two_tenants_may_use_one_command_id(log: &dyn EventLog) {
    let ours = commit(stream(), Position(0), 1);
    let mut theirs = ours.clone();
    theirs.stream.tenant = domain::TenantId::new(uuid::Uuid::from_u128(2));
    for commit in [&ours, &theirs] {
        log.append(commit.clone()).await.expect("stored");
        assert_eq!(loaded(log, commit.stream).await, 1);
    }
}

pub async fn a_long_history_is_loaded_whole(log: &dyn EventLog) {
    let stream = stream();
    let mut last = Position(0);
    for version in 1..=1_001 {
        last = log
            .append(commit(stream, last, version))
            .await
            .expect("stored");
    }
    for from in [ReadFrom::Any, ReadFrom::Leader] {
        let found = log.load(stream, Position(0), from).await.expect("loaded");
        let versions: Vec<_> = found.iter().map(|commit| commit.meta.version.0).collect();
        assert_eq!(versions, (1..=1_001).collect::<Vec<_>>());
    }
}

pub async fn parallel_batches_all_arrive(log: &dyn EventLog) {
    // One more than a stream takes at a time: refused ones say that they can be tried again.
    let batches: Vec<_> = (0..51).map(|_| births(10)).collect();
    let streams: Vec<_> = batches
        .iter()
        .flatten()
        .map(|commit| commit.stream)
        .collect();
    let outcomes = join_all(batches.into_iter().map(|batch| async move {
        loop {
            match log.append_all(batch.clone()).await {
                Err(AppendError::Unavailable(_)) => tokio::task::yield_now().await,
                outcome => return outcome,
            }
        }
    }))
    .await;
    let mut positions = BTreeSet::new();
    for outcome in outcomes {
        positions.extend(outcome.expect("stored"));
    }
    assert_eq!(positions.len(), 510);
    for stream in streams {
        assert_eq!(loaded(log, stream).await, 1);
    }
}

pub async fn an_aggregate_is_loaded_from_any_position(log: &dyn EventLog) {
    let stream = stream();
    let mut positions = Vec::new();
    let mut last = Position(0);
    for version in 1..=20 {
        last = log
            .append(commit(stream, last, version))
            .await
            .expect("stored");
        positions.push(last);
        log.append_all(births(3)).await.expect("stored");
    }
    for (read, after) in positions.iter().enumerate() {
        let rest = log
            .load(stream, *after, ReadFrom::Any)
            .await
            .expect("loaded");
        let versions: Vec<_> = rest.iter().map(|commit| commit.meta.version.0).collect();
        assert_eq!(versions, (read as u64 + 2..=20).collect::<Vec<_>>());
    }
    let unknown = crate::fixture::stream();
    assert_eq!(loaded(log, unknown).await, 0);
}

pub async fn following_sees_every_position_once_in_order(log: &dyn EventLog) {
    let before = log.head().await.expect("a head").position;
    let early = log.append_all(births(30)).await.expect("stored");
    let mut entries = log.follow(before).await.expect("followed");
    let late = log.append_all(births(30)).await.expect("stored");
    let until = late.last().copied().expect("positions");
    let mut seen = BTreeSet::new();
    let mut last = before;
    while last < until {
        let entry = entries.next().await.expect("no end").expect("readable");
        assert_eq!(entry.position(), last.next());
        last = entry.position();
        seen.insert(last);
    }
    assert!(
        early
            .iter()
            .chain(&late)
            .all(|position| seen.contains(position))
    );
}

pub async fn scanning_gives_what_following_does(log: &dyn EventLog) {
    let before = log.head().await.expect("a head").position;
    log.append_all(births(700)).await.expect("stored");
    let until = log.append_all(births(700)).await.expect("stored");
    let until = until.last().copied().expect("positions");
    for (after, until) in [(before, until), (before.next(), before.next().next())] {
        let wanted = (until.0 - after.0) as usize;
        let followed = log.follow(after).await.expect("followed").take(wanted);
        let followed: Vec<_> = followed
            .map(|entry| entry.expect("readable"))
            .collect()
            .await;
        let parts = log.scan(after, until).await.expect("scanned");
        let parts: Vec<_> = parts.map(|part| part.expect("readable")).collect().await;
        assert_eq!(parts.concat(), followed);
    }
    let nothing: Vec<_> = log
        .scan(until, until)
        .await
        .expect("scanned")
        .collect()
        .await;
    assert!(nothing.is_empty(), "{nothing:?}");
}

pub async fn positions_tell_what_stands_there(log: &dyn EventLog) {
    let commit = commit(stream(), Position(0), 1);
    let position = log.append(commit.clone()).await.expect("stored");
    let found = log.at(position).await.expect("read");
    assert_eq!(found, Some(Entry::Commit(commit.stored_at(position))));
    for nowhere in [0, u64::from(u32::MAX)] {
        assert_eq!(log.at(Position(nowhere)).await.expect("read"), None);
    }
    let head = log.head().await.expect("a head");
    assert!(head.position >= position && !head.incarnation.is_empty());
}
