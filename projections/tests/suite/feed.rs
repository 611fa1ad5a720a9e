//! The live feed.
//!
//! Invariant: a subscriber hears every commit of its tenant once, in order, and only when its rows
//! can be read; who cannot be told everything is told to begin anew.

use std::{pin::pin, time::Duration};

use futures::{Stream, StreamExt as _};
use projections::{Freshness, LiveFeed, LiveItem, run, tenants};
use schemas::{
    Position, StreamId,
    api::LiveEvent,
    domain::{AggregateKind, TenantId},
};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::{
    database::{Database, poll},
    world::{TENANTS, World},
};

/// A projector that runs and a feed that follows it, in two processes' places.
struct Running {
    database: Database,
    feed: LiveFeed,
    freshness: Freshness,
    world: World,
    _ends: DropGuard,
}

impl Running {
    async fn start(commits: u64) -> Self {
        let world = World::random(21, commits).await;
        let database = Database::new().await;
        database.project(&world, 500).await;
        let shutdown = CancellationToken::new();
        let writer = database.writer.clone();
        tokio::spawn(run(world.shared(), writer, shutdown.clone()));
        let freshness = Freshness::watch(&database.again().await);
        poll(async || freshness.healthy().then_some(())).await;
        let feed = LiveFeed::start(world.shared(), freshness.clone(), shutdown.clone());
        Self {
            database,
            feed,
            freshness,
            world,
            _ends: shutdown.drop_guard(),
        }
    }

    /// What a tenant must hear after `after`.
    async fn owed(&self, tenant: TenantId, after: Position) -> Vec<u64> {
        let mine = |entry: event_log::Entry| match entry {
            event_log::Entry::Commit(commit) if commit.stream.tenant == tenant => {
                Some(commit.position.0)
            }
            _ => None,
        };
        self.world
            .entries(after)
            .await
            .into_iter()
            .filter_map(mine)
            .collect()
    }

    async fn grow(&mut self, steps: u64) {
        for _ in 0..steps {
            self.world.step().await;
        }
    }
}

async fn hear(stream: &mut (impl Stream<Item = LiveItem> + Unpin)) -> LiveItem {
    let next = timeout(Duration::from_secs(30), stream.next()).await;
    next.expect("something in time").expect("the feed goes on")
}

async fn hear_all(
    stream: &mut (impl Stream<Item = LiveItem> + Unpin),
    owed: &[u64],
) -> Vec<LiveItem> {
    let mut heard = Vec::new();
    for position in owed {
        let item = hear(stream).await;
        let LiveItem::Event(live) = &item else {
            panic!("{item:?} instead of {position}")
        };
        assert_eq!(live.position.0, *position);
        heard.push(item);
    }
    heard
}

#[tokio::test]
async fn what_happens_is_told_once_in_order_when_its_rows_are_there() {
    let mut running = Running::start(50).await;
    let from = running.world.head().await;
    let store = running.database.again().await;
    let mut streams: Vec<_> = TENANTS
        .map(|tenant| Box::pin(running.feed.subscribe(tenant, Some(from))))
        .into();
    running.grow(300).await;
    for (tenant, stream) in TENANTS.into_iter().zip(&mut streams) {
        for position in running.owed(tenant, from).await {
            let item = hear(stream).await;
            let LiveItem::Event(live) = item else {
                panic!("{item:?}")
            };
            assert_eq!((live.position.0, live.tenant), (position, tenant));
            let event: LiveEvent = serde_json::from_str(&live.json).expect("an event");
            assert_eq!((event.position, event.id), (position, live.id));
            assert_eq!(event.kind, live.kind.name());
            assert_eq!(event.events[0].sequence, position.to_string());
            let read = tenants::get(&store, tenant, None)
                .await
                .expect("read")
                .position;
            assert!(read.0 >= position, "told before the rows were there");
        }
    }
}

#[tokio::test]
async fn who_comes_back_hears_the_same_words_from_where_it_was() {
    let mut running = Running::start(10).await;
    let tenant = TENANTS[0];
    let from = running.world.head().await;
    let mut stream = Box::pin(running.feed.subscribe(tenant, Some(from)));
    running.grow(400).await;
    let owed = running.owed(tenant, from).await;
    let live = hear_all(&mut stream, &owed).await;
    for skip in [0, 1, owed.len() / 2, owed.len() - 1] {
        let after = if skip == 0 {
            from
        } else {
            Position(owed[skip - 1])
        };
        let mut again = Box::pin(running.feed.subscribe(tenant, Some(after)));
        running.grow(5).await;
        let owed = running.owed(tenant, after).await;
        let heard = hear_all(&mut again, &owed).await;
        let same = live[skip..]
            .iter()
            .zip(&heard)
            .all(|(live, heard)| live == heard);
        assert!(same, "the replay tells other words");
    }
}

#[tokio::test]
async fn without_a_position_the_feed_begins_now() {
    let mut running = Running::start(60).await;
    let mut stream = Box::pin(running.feed.subscribe(TENANTS[0], None));
    // Listening begins when the stream is first asked.
    let nothing = timeout(Duration::from_millis(200), stream.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let from = running.world.head().await;
    running.grow(60).await;
    let owed = running.owed(TENANTS[0], from).await;
    hear_all(&mut stream, &owed).await;
}

#[tokio::test]
async fn a_position_beyond_the_log_begins_anew() {
    let mut running = Running::start(30).await;
    let head = running.world.head().await;
    running
        .freshness
        .wait_for(head, Duration::from_secs(30))
        .await
        .expect("reached");
    let beyond = Position(head.0 + 1_000);
    let mut stream = pin!(running.feed.subscribe(TENANTS[0], Some(beyond)));
    assert_eq!(hear(&mut stream).await, LiveItem::Reset { position: head });
    running.grow(40).await;
    let owed = running.owed(TENANTS[0], head).await;
    hear_all(&mut stream, &owed).await;
}

#[tokio::test]
async fn who_is_too_slow_begins_anew_and_then_hears_the_rest() {
    let mut running = Running::start(30).await;
    let tenant = TENANTS[0];
    let from = running.world.head().await;
    let mut stream = Box::pin(running.feed.subscribe(tenant, Some(from)));
    running.grow(20).await;
    let owed = running.owed(tenant, from).await;
    hear_all(&mut stream, &owed[..1]).await;
    // More than the feed keeps for a slow subscriber.
    let slow = running.world.head().await;
    while running.owed(tenant, slow).await.len() < 4_500 {
        running.grow(100).await;
    }
    let head = running.world.head().await;
    running
        .freshness
        .wait_for(head, Duration::from_mins(1))
        .await
        .expect("reached");
    let position = poll(async || match hear(&mut stream).await {
        LiveItem::Reset { position } => Some(position),
        LiveItem::Event(_) => None,
    });
    let position = position.await;
    running.grow(20).await;
    let owed = running.owed(tenant, position).await;
    hear_all(&mut stream, &owed).await;
}

#[tokio::test]
async fn who_is_too_slow_for_large_commits_hears_them_all_the_same() {
    let mut running = Running::start(30).await;
    let tenant = TENANTS[0];
    let from = running.world.head().await;
    let mut stream = Box::pin(running.feed.subscribe(tenant, Some(from)));
    running.grow(20).await;
    let owed = running.owed(tenant, from).await;
    hear_all(&mut stream, &owed[..1]).await;
    // More than the feed keeps the words of.
    let value = "x".repeat(200_000);
    for id in 0..100_u128 {
        let stream = StreamId {
            tenant,
            kind: AggregateKind::Resource,
            id: Uuid::from_u128(0x1a_0000 + id),
        };
        let data = format!(
            r#"{{"type":"host","name":"{id}","labels":{{}},"attributes":{{"value":"{value}"}}}}"#
        );
        let event = format!(r#"{{"events":[{{"type":"resource.created","v":1,"data":{data}}}]}}"#);
        running
            .world
            .append(stream, event.into_bytes(), |_| {})
            .await;
    }
    let head = running.world.head().await;
    let reached = running.freshness.wait_for(head, Duration::from_mins(1));
    reached.await.expect("reached");
    let owed = running.owed(tenant, Position(owed[0])).await;
    assert!(owed.len() >= 100);
    hear_all(&mut stream, &owed).await;
}

#[tokio::test]
async fn the_feed_ends_with_shutdown() {
    let running = Running::start(10).await;
    let mut stream = Box::pin(running.feed.subscribe(TENANTS[0], None));
    drop(running);
    let end = timeout(Duration::from_secs(30), stream.next())
        .await
        .expect("in time");
    assert_eq!(end, None);
}

/// Events are read for those who listen when the reading begins.
#[tokio::test]
async fn who_begins_to_listen_during_a_reading_misses_nothing() {
    let mut running = Running::start(30).await;
    let slow = "alter policy one_tenant on event_log using (
        (select pg_sleep(1)::text) is not null and tenant_id = any ((select string_to_array(
            nullif(current_setting('almanac.tenant', true), ''), ','))::uuid[]))";
    let mut sql = running.database.sql().await;
    sqlx::query(slow).execute(&mut sql).await.expect("slowed");
    let [early, late] = TENANTS;
    let from = running.world.head().await;
    let mut first = Box::pin(running.feed.subscribe(early, Some(from)));
    // Listening begins when it is first asked for something.
    assert!(
        timeout(Duration::from_millis(50), first.next())
            .await
            .is_err()
    );
    running.grow(20).await;
    let asleep = "select count(*) > 0 from pg_stat_activity where wait_event = 'PgSleep' \
                  and datname = current_database()";
    poll(async || {
        let asleep = sqlx::query_scalar::<_, bool>(asleep).fetch_one(&mut sql);
        asleep.await.expect("asked").then_some(())
    })
    .await;
    let mut second = Box::pin(running.feed.subscribe(late, Some(from)));
    for (stream, tenant) in [(&mut second, late), (&mut first, early)] {
        let owed = running.owed(tenant, from).await;
        assert!(!owed.is_empty(), "choose another seed");
        hear_all(stream, &owed).await;
    }
}
