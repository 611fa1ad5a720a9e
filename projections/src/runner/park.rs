//! Sets aside what cannot be applied, and takes it up again.
//!
//! Invariant: once a commit of an aggregate is parked, all later ones are parked behind it, so no
//! state is ever folded around a hole unless somebody has said so; a parked commit is kept whole.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use event_log::Entry;
use schemas::{
    Position, StreamId,
    domain::{AggregateKind, TenantId},
};
use sqlx::{PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{
    decode::stream,
    parked_rows::{Parked, storable},
    remedy::{Remedy, Skip},
};

/// Which aggregates are stuck, and what of them is at hand.
#[derive(Debug, Default)]
pub(super) struct Park {
    asked: VecDeque<Remedy>,
    /// The first parked commits of the batch's aggregates before it, as far as it changes them.
    before: HashMap<StreamId, Option<Position>>,
    /// What the batch has parked, or what of its remedies is parked or left out.
    held: BTreeMap<Position, Held>,
    /// Whether all there is is at hand, for who fills tables.
    holds_all: bool,
    /// What was applied, and is left out later in the log.
    late: BTreeSet<Position>,
    /// What is known to be left out later in the log.
    left_out: BTreeSet<Position>,
    /// What the tables say of that which was taken from them.
    stored: BTreeMap<Position, Stored>,
    /// The first parked commit of each aggregate that has one.
    stuck: HashMap<StreamId, Position>,
}

/// An entry that was set aside.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) entry: Entry,
    pub(super) reason: String,
    pub(super) skip: Option<Skip>,
    /// Whose it was when it was set aside.
    stream: Option<StreamId>,
}

#[derive(Debug)]
struct Stored {
    is_skipped: bool,
    reason: String,
    stream: Option<StreamId>,
}

/// How far the park was, to go back there.
#[derive(Debug)]
pub(super) struct Mark {
    asked: usize,
    stuck: HashMap<StreamId, Position>,
}

/// What is to be changed in the tables.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Parked no more.
    pub(super) gone: Vec<i64>,
    /// Parked for another reason than before.
    pub(super) reasons: (Vec<i64>, Vec<String>),
    /// Parked now.
    pub(super) parked: Vec<Parked>,
    /// Left out now.
    pub(super) skipped: Vec<(Parked, Skip)>,
}

impl Park {
    /// One that keeps all there is at hand, from the first commit on.
    pub(super) fn of_everything() -> Self {
        Self {
            holds_all: true,
            ..Self::default()
        }
    }

    /// Learns which aggregates are stuck.
    pub(super) async fn open(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(include_str!("sql/stuck.sql"))
            .fetch_all(connection)
            .await?;
        let mut park = Self::default();
        for row in &rows {
            if let Some(stream) = stream_of(row)? {
                let position = Position(row.try_get::<i64, _>("position")? as u64);
                park.stuck.insert(stream, position);
            }
        }
        Ok(park)
    }

    /// The commit that `stream` is stuck at.
    pub(super) fn stuck_at(&self, stream: StreamId) -> Option<Position> {
        self.stuck.get(&stream).copied()
    }

    /// Sets an entry aside.
    pub(super) fn add(&mut self, entry: Entry, reason: &str) {
        let (position, stream) = (entry.position(), stream(&entry));
        tracing::warn!(position = position.0, reason, "a commit is parked");
        if let Some(stream) = stream {
            self.remember(stream);
            self.stuck.entry(stream).or_insert(position);
        }
        let held = Held {
            entry,
            reason: storable(reason),
            skip: None,
            stream,
        };
        self.held.insert(position, held);
    }

    /// Keeps what is left out, as it was.
    pub(super) fn keep(&mut self, held: Held) {
        self.held.insert(held.entry.position(), held);
    }

    /// Takes in what is asked, to be done after the commit that asks it.
    pub(super) fn ask(&mut self, remedies: Vec<Remedy>) {
        self.asked.extend(remedies);
    }

    /// What is to be done next.
    pub(super) fn next_asked(&mut self) -> Option<Remedy> {
        self.asked.pop_front()
    }

    /// The aggregate of what is held at `position`.
    pub(super) fn stream_at(&self, position: Position) -> Option<StreamId> {
        self.held.get(&position).and_then(|held| held.stream)
    }

    /// Takes out what `remedy` is about with all that waits in its aggregate, in order, and marks
    /// what is left out. Nothing if it is not parked.
    pub(super) fn take_up(&mut self, remedy: Remedy) -> Vec<Held> {
        let Some(held) = self.held.get_mut(&remedy.position) else {
            let is_late = |skip: Skip| remedy.position < skip.position;
            if remedy.skip.is_some_and(is_late) {
                let position = remedy.position.0;
                tracing::warn!(position, "a commit is left out that was applied: rebuild");
                self.late.insert(remedy.position);
            }
            return Vec::new();
        };
        if held.skip.is_some() {
            return Vec::new();
        }
        held.skip = remedy.skip;
        let Some(stream) = held.stream else {
            return self.held.remove(&remedy.position).into_iter().collect();
        };
        self.remember(stream);
        let first = self.stuck.remove(&stream).unwrap_or(remedy.position);
        let waits = |_: &Position, held: &mut Held| held.stream == Some(stream);
        self.held
            .extract_if(first.., waits)
            .map(|(_, held)| held)
            .collect()
    }

    /// Where it is, to go back to if what is tried next fails.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            asked: self.asked.len(),
            stuck: self.stuck.clone(),
        }
    }

    /// Undoes what was done with `part` since.
    pub(super) fn go_back(&mut self, mark: Mark, part: &[Held]) {
        self.asked.truncate(mark.asked);
        self.stuck = mark.stuck;
        for held in part {
            self.held.remove(&held.entry.position());
        }
    }

    /// Has these left out later in the log, as is known.
    pub(super) fn leave_out(&mut self, positions: BTreeSet<Position>) {
        self.left_out = positions;
    }

    /// Whether the commit at `position` is left out later in the log.
    pub(super) fn leaves_out(&self, position: Position) -> bool {
        self.left_out.contains(&position)
    }

    /// What was applied, and is left out later in the log.
    pub(super) fn late(&self) -> &BTreeSet<Position> {
        &self.late
    }

    /// What the batch changes in the tables.
    pub(super) fn changes(&self) -> Changes {
        let mut changes = Changes::default();
        for (position, stored) in &self.stored {
            let held = self.held.get(position);
            if !stored.is_skipped && held.is_none_or(|held| held.is_other_than(stored)) {
                changes.gone.push(position.0 as i64);
            }
        }
        for (position, held) in &self.held {
            let stored = self.stored.get(position);
            let is_new = stored.is_none_or(|stored| held.is_other_than(stored));
            match (&held.skip, stored) {
                (Some(_), Some(stored)) if stored.is_skipped => {}
                (Some(skip), _) => changes.skipped.push((Parked::of(held), skip.clone())),
                (None, _) if is_new => changes.parked.push(Parked::of(held)),
                (None, Some(stored)) if stored.reason != held.reason => {
                    changes.reasons.0.push(position.0 as i64);
                    changes.reasons.1.push(held.reason.clone());
                }
                (None, _) => {}
            }
        }
        changes
    }

    /// Ends a batch that was committed.
    pub(super) fn settle(&mut self) {
        self.before.clear();
        if !self.holds_all {
            self.held.clear();
            self.stored.clear();
        }
    }

    /// Forgets what the batch changed, since it was not committed.
    pub(super) fn clear(&mut self) {
        for (stream, first) in self.before.drain() {
            match first {
                Some(first) => self.stuck.insert(stream, first),
                None => self.stuck.remove(&stream),
            };
        }
        self.asked.clear();
        self.held.clear();
        self.stored.clear();
    }

    /// Whether what the tables say of `position` is at hand.
    pub(super) fn has(&self, position: Position) -> bool {
        self.stored.contains_key(&position)
    }

    /// Takes in a row of the tables, and the entry that the log has there.
    pub(super) fn load(&mut self, row: &PgRow, entry: Entry) -> Result<(), sqlx::Error> {
        let (position, stream) = (entry.position(), stream_of(row)?);
        if self.stored.contains_key(&position) {
            return Ok(());
        }
        let reason: String = row.try_get("reason")?;
        let skip = Skip::read(row)?;
        let stored = Stored {
            is_skipped: skip.is_some(),
            reason: reason.clone(),
            stream,
        };
        self.stored.insert(position, stored);
        let held = Held {
            entry,
            reason,
            skip,
            stream,
        };
        self.held.insert(position, held);
        Ok(())
    }

    fn remember(&mut self, stream: StreamId) {
        let first = self.stuck_at(stream);
        self.before.entry(stream).or_insert(first);
    }
}

impl Held {
    /// Whether its row must be another one.
    fn is_other_than(&self, stored: &Stored) -> bool {
        self.skip.is_some() != stored.is_skipped || self.stream != stored.stream
    }
}

fn stream_of(row: &PgRow) -> Result<Option<StreamId>, sqlx::Error> {
    let (tenant, kind, id) = (
        row.try_get::<Option<Uuid>, _>("tenant_id")?,
        row.try_get::<Option<&str>, _>("kind")?,
        row.try_get::<Option<Uuid>, _>("id")?,
    );
    let kind = kind.and_then(|kind| kind.parse::<AggregateKind>().ok());
    let (Some(tenant), Some(kind), Some(id)) = (tenant, kind, id) else {
        return Ok(None);
    };
    let tenant = TenantId::new(tenant);
    Ok(Some(StreamId { tenant, kind, id }))
}
