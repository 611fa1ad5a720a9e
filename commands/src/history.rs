//! What happened to an aggregate, as the log has it now.
//!
//! Invariant: it is all of it, in order, and from the copy that accepts writes.

use domain::{Aggregate, TenantId, Timestamp};
use event_log::ReadFrom;
use schemas::{
    Position, StreamId,
    catalogue::{self, Recorded},
};
use uuid::Uuid;

use crate::{Commands, Failure};

impl Commands {
    /// Every event of the aggregate `id`, each with its time; none if it never was.
    pub async fn history<A>(
        &self,
        tenant: TenantId,
        id: Uuid,
    ) -> Result<Vec<(A::Event, Timestamp)>, Failure>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let stream = StreamId {
            tenant,
            kind: A::KIND,
            id,
        };
        let commits = self.log.load(stream, Position(0), ReadFrom::Leader).await?;
        let mut history = Vec::with_capacity(commits.len());
        for commit in commits {
            let events = catalogue::decode::<A::Event>(&commit.payload).map_err(|reason| {
                Failure::Corrupt(format!("position {}: {reason}", commit.position))
            })?;
            let at = commit.meta.time;
            history.extend(events.into_iter().map(|event| (event, at)));
        }
        Ok(history)
    }
}
