//! Commits that nobody can apply, and what people decide about them.
//!
//! Invariant: a poison is the next commit of its aggregate in all but what it says, so what comes
//! after it follows it.

use schemas::{
    Position, StreamId,
    domain::{
        AggregateKind, ParkedCommitId, TenantId,
        parked_commit::{ParkedCommit, ParkedCommitCommand},
    },
};

use super::World;

/// What no program reads, of each sort that there is.
const POISONS: [&str; 4] = [
    r#"{"events":[{"type":"task.exploded","v":1,"data":{}}]}"#,
    r#"{"events":[{"type":"task.cancel_requested","v":9,"data":{}}]}"#,
    r#"{"events":[{"type":"task.can"#,
    // Only Postgres sees what is wrong with it.
    r#"{"events":[{"type":"task.cancel_requested","v":1,"data":{"reason":"x","y":"\ud800"}}]}"#,
];

impl World {
    /// A log of about `commits` commits, with poison among them and remedies for it; where the
    /// poison is.
    pub async fn poisoned(seed: u64, commits: u64) -> (Self, Vec<Position>) {
        let mut world = Self::new("poisoned", seed);
        let mut poisons = Vec::new();
        while world.head().await.0 < commits {
            world.step().await;
            if world.random.chance(12)
                && let Some(position) = world.poison().await
            {
                poisons.push(position);
            }
            if world.random.chance(16) && !poisons.is_empty() {
                let chosen = poisons[world.random.below(poisons.len() as u64) as usize];
                if world.random.chance(2) {
                    world.retry(chosen).await;
                } else {
                    world.skip(chosen, "void").await;
                }
            }
        }
        (world, poisons)
    }

    /// Poisons a task that there is.
    pub async fn poison(&mut self) -> Option<Position> {
        let mut tasks = self.streams(AggregateKind::Task);
        tasks.sort_unstable_by_key(|(stream, _)| (stream.tenant, stream.id));
        if tasks.is_empty() {
            return None;
        }
        let (stream, _) = tasks[self.random.below(tasks.len() as u64) as usize];
        let payload = POISONS[self.random.below(POISONS.len() as u64) as usize];
        Some(self.append(stream, payload.into(), |_| {}).await)
    }

    /// Has what is parked at `position` tried again; says where that stands.
    pub async fn retry(&mut self, position: Position) -> Option<Position> {
        let position = position.0;
        self.decide(ParkedCommitCommand::Retry { position }, position)
            .await
    }

    /// Has what is parked at `position` left out; says where that stands.
    pub async fn skip(&mut self, position: Position, reason: &str) -> Option<Position> {
        let (position, reason) = (position.0, reason.to_owned());
        self.decide(ParkedCommitCommand::Skip { position, reason }, position)
            .await
    }

    /// Whose the commit at `position` is.
    pub async fn stream_at(&self, position: Position) -> StreamId {
        let entries = self.entries(Position(position.0 - 1)).await;
        match entries.first() {
            Some(event_log::Entry::Commit(commit)) => commit.stream,
            other => panic!("no commit at {position}: {other:?}"),
        }
    }

    async fn decide(&mut self, command: ParkedCommitCommand, position: u64) -> Option<Position> {
        let id = ParkedCommitId::of_position(position).uuid();
        self.ask::<ParkedCommit>(TenantId::MAIN, id, &command).await
    }
}
