//! What was left out, as its rows say, held against the events that say so.
//!
//! Invariant: every event that leaves a commit out has its row, every row its event, and what is
//! left out is in no other row.

use std::collections::BTreeMap;

use event_log::Entry;
use schemas::{
    Commit, Position,
    catalogue::{EventRecord, Recorded as _},
    domain::{TenantId, parked_commit::ParkedCommitEvent},
};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::findings::Findings;
use crate::runner::Skip;

const TABLE: &str = "skipped_commits";
/// Whose what may be of no aggregate is.
const NOBODY: (TenantId, Uuid) = (TenantId::new(Uuid::nil()), Uuid::nil());

/// What is left out.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    /// As the log says: the first event about each commit before it.
    decided: BTreeMap<Position, Skip>,
    rows: BTreeMap<Position, Kept>,
}

#[derive(Debug)]
struct Kept {
    found_in_log: bool,
    hash: Option<Vec<u8>>,
    payload: Vec<u8>,
    skip: Option<Skip>,
    stream: (Option<Uuid>, Option<String>, Option<Uuid>),
    version: Option<i64>,
}

impl Skipped {
    /// What the snapshot says was left out.
    pub(super) async fn load(snapshot: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let ask = "select * from skipped_commits";
        let mut rows = BTreeMap::new();
        for row in &sqlx::query(ask).fetch_all(snapshot).await? {
            let kept = Kept {
                found_in_log: false,
                hash: row.try_get("hash")?,
                payload: row.try_get("payload")?,
                skip: Skip::read(row)?,
                stream: (
                    row.try_get("tenant_id")?,
                    row.try_get("kind")?,
                    row.try_get("id")?,
                ),
                version: row.try_get("version")?,
            };
            let position = Position(row.try_get::<i64, _>("position")? as u64);
            rows.insert(position, kept);
        }
        Ok(Self {
            decided: BTreeMap::new(),
            rows,
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Takes in what the events of a commit decide.
    pub(super) fn decide(&mut self, commit: &Commit, records: &[EventRecord]) {
        for event in records
            .iter()
            .filter_map(|r| ParkedCommitEvent::read(r).ok())
        {
            let position = Position(event.position());
            if position < commit.position
                && let Some(skip) = Skip::of(commit, &event)
            {
                self.decided.entry(position).or_insert(skip);
            }
        }
    }

    /// Whether the entry of the log was left out; then its row is held against it.
    pub(super) fn has(&mut self, entry: &Entry, findings: &mut Findings<'_>) -> bool {
        let position = entry.position();
        let Some(row) = self.rows.get_mut(&position) else {
            return false;
        };
        row.found_in_log = true;
        let is_same = match entry {
            Entry::Commit(Commit {
                meta,
                payload,
                stream,
                ..
            }) => {
                let whose = (
                    Some(stream.tenant.uuid()),
                    Some(stream.kind.name().to_owned()),
                    Some(stream.id),
                );
                row.stream == whose
                    && row.payload == *payload
                    && row.version == Some(meta.version.0 as i64)
                    && row.hash.as_deref() == Some(meta.hash.0.as_slice())
            }
            Entry::Unreadable(unreadable) => {
                row.stream == (None, None, None) && row.payload == unreadable.payload
            }
        };
        if !is_same {
            let told = format!("position {position}: is not what the log has there");
            findings.add(TABLE, NOBODY, told);
        }
        true
    }

    /// Names what the log says and the rows do not, and the other way round.
    pub(super) fn end(&self, findings: &mut Findings<'_>) {
        for (position, row) in &self.rows {
            let told = match self.decided.get(position) {
                _ if !row.found_in_log => "extra, the log is not read so far",
                None => "extra: no event leaves it out",
                Some(skip) if row.skip.as_ref() != Some(skip) => {
                    "is not what the event says that left it out"
                }
                Some(_) => continue,
            };
            findings.add(TABLE, NOBODY, format!("position {position}: {told}"));
        }
        for (position, skip) in &self.decided {
            if !self.rows.contains_key(position) {
                let by = skip.position;
                let told = format!("position {position}: missing, position {by} leaves it out");
                findings.add(TABLE, NOBODY, told);
            }
        }
    }
}
