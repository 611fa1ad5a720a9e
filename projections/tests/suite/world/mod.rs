//! Histories that could have happened: random commands, decided by the domain itself.
//!
//! Invariant: the same seed gives the same log.

mod commands;
mod poison;
mod random;

use std::{any::Any, collections::HashMap, sync::Arc};

use event_log::{Entry, EventLog as _, MemoryLog, NewCommit, SharedLog, seal};
use futures::StreamExt as _;
use schemas::{
    Hash, Meta, Position, StreamId, Version,
    catalogue::{Recorded, encode},
    domain::{Actor, Aggregate, AggregateKind, CommandId, Context, TenantId, Timestamp},
};
use uuid::Uuid;

use random::Random;

/// The tenants of every world.
pub const TENANTS: [TenantId; 2] = [
    TenantId::new(Uuid::from_u128(0xA)),
    TenantId::new(Uuid::from_u128(0xB)),
];

/// A log that grows, and what its aggregates are.
pub struct World {
    log: MemoryLog,
    now_ms: i64,
    random: Random,
    things: HashMap<StreamId, Thing>,
}

struct Thing {
    hash: Hash,
    last: Position,
    state: Box<dyn Any + Send + Sync>,
    version: Version,
}

impl World {
    /// An empty log called `incarnation`.
    pub fn new(incarnation: &str, seed: u64) -> Self {
        Self {
            log: MemoryLog::new(incarnation),
            now_ms: 1_800_000_000_000,
            random: Random::new(seed),
            things: HashMap::new(),
        }
    }

    /// A log of about `commits` commits.
    pub async fn random(seed: u64, commits: u64) -> Self {
        let mut world = Self::new("random", seed);
        while world.head().await.0 < commits {
            world.step().await;
        }
        world
    }

    /// Lets what happens next happen at this time.
    pub fn set_clock(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
    }

    pub fn shared(&self) -> SharedLog {
        Arc::new(self.log.clone())
    }

    pub async fn head(&self) -> Position {
        self.log.head().await.expect("a head").position
    }

    /// Nothing happens for so long.
    pub fn pass(&mut self, ms: i64) {
        self.now_ms += ms;
    }

    /// What stands in the log after `after`.
    pub async fn entries(&self, after: Position) -> Vec<Entry> {
        let wanted = self.head().await.0.saturating_sub(after.0) as usize;
        let entries = self.log.follow(after).await.expect("followed").take(wanted);
        entries
            .map(|entry| entry.expect("an entry"))
            .collect()
            .await
    }

    /// Asks `command` of an aggregate; says where its commit is, if it caused one.
    pub async fn ask<A: Aggregate<Event: Recorded>>(
        &mut self,
        tenant: TenantId,
        id: Uuid,
        command: &A::Command,
    ) -> Option<Position> {
        let stream = StreamId {
            tenant,
            kind: A::KIND,
            id,
        };
        let state = self.state::<A>(stream);
        let context = Context {
            actor: Actor::System("test".into()),
            command: CommandId::new(Uuid::from_u128(self.random.next().into())),
            id,
            now: self.now(),
            tenant,
        };
        let events = A::decide(state.as_ref(), command, &context).ok()?;
        if events.is_empty() {
            return None;
        }
        let after = events
            .iter()
            .fold(state, |state, event| A::evolve(state, event, context.now));
        let position = self.append(stream, encode(&events), |_| {}).await;
        self.things.get_mut(&stream).expect("just appended").state = Box::new(after);
        Some(position)
    }

    /// Appends whatever `payload` is as the next commit of an aggregate; `forge` may change its
    /// meta data before it is sealed.
    pub async fn append(
        &mut self,
        stream: StreamId,
        payload: Vec<u8>,
        forge: impl FnOnce(&mut Meta),
    ) -> Position {
        let (expected, previous, version) = self
            .things
            .get(&stream)
            .map_or((Position(0), Hash::ZERO, Version(0)), |t| {
                (t.last, t.hash, t.version)
            });
        let mut meta = Meta {
            actor: Actor::System("test".into()),
            causation: self
                .random
                .chance(2)
                .then(|| Uuid::from_u128(self.random.next().into())),
            command: CommandId::new(Uuid::from_u128(self.random.next().into())),
            correlation: Uuid::from_u128(self.random.next().into()),
            fingerprint: None,
            hash: Hash::ZERO,
            previous,
            time: self.now(),
            traceparent: self
                .random
                .chance(3)
                .then(|| "00-0af7651916cd43dd8448eb211c80319c-01".into()),
            version: version.next(),
        };
        forge(&mut meta);
        meta.hash = seal(stream, &meta, &payload);
        let (hash, version) = (meta.hash, meta.version);
        let commit = NewCommit {
            expected,
            meta,
            payload,
            stream,
        };
        let last = self.log.append(commit).await.expect("appended");
        let state = self
            .things
            .remove(&stream)
            .map_or_else(|| Box::new(()) as _, |t| t.state);
        self.things.insert(
            stream,
            Thing {
                hash,
                last,
                state,
                version,
            },
        );
        last
    }

    /// The state that an aggregate has.
    pub fn state<A: Aggregate>(&self, stream: StreamId) -> Option<A> {
        self.things
            .get(&stream)?
            .state
            .downcast_ref::<Option<A>>()
            .cloned()
            .flatten()
    }

    /// Every aggregate of a kind that lives or lived, with its version.
    pub fn streams(&self, kind: AggregateKind) -> Vec<(StreamId, Version)> {
        let of_kind = self.things.iter().filter(|(stream, _)| stream.kind == kind);
        of_kind
            .map(|(stream, thing)| (*stream, thing.version))
            .collect()
    }

    /// What the clock of the world shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.now_ms)
    }
}
