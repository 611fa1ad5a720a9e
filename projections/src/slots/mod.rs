//! What became of each slot that a job owed: its ledger.
//!
//! Invariant: what the job was and what was decided of its slots are read at one position. A page
//! holds every slot of its part of the period, decided or not.

use std::collections::BTreeMap;

use schemas::{
    Position,
    catalogue::{EventRecord, Recorded as _},
    domain::{
        JobId, TenantId, Timestamp,
        job::{History, JobEvent, Ledger, LedgerSlot, SlotDecision},
        task::SkipReason,
    },
};
use serde::{Deserialize, Serialize};
use sqlx::{
    Postgres, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
    types::{
        Json,
        chrono::{DateTime, Utc},
    },
};

use crate::{At, Listed, Overview, Store, StoreError};

/// The most slots of one page.
const LIMIT_MAX: usize = 1_000;

/// Where a ledger goes on: after this slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotKey {
    /// The last slot before.
    pub slot: Timestamp,
}

/// Which slots to look at.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// Those strictly after this instant.
    pub after: Timestamp,
    /// Those up to this instant.
    pub until: Timestamp,
}

/// What is stored of a job and its slots.
#[derive(Default)]
struct Found {
    decisions: BTreeMap<Timestamp, SlotDecision>,
    events: Vec<(Timestamp, JobEvent)>,
    runs: Vec<(u32, Timestamp)>,
}

/// The first `limit` slots of a job in the period, at most 1,000; none if there never was such a
/// job.
pub async fn ledger(
    store: &Store,
    tenant: TenantId,
    job: JobId,
    period: Period,
    limit: u32,
) -> Result<At<Option<Listed<LedgerSlot, SlotKey>>>, StoreError> {
    let limit = (limit as usize).clamp(1, LIMIT_MAX);
    let rows = store
        .read(tenant, |mut rows| {
            let asked = asked(tenant, job, period, limit);
            async move { asked.fetch_all(&mut *rows).await }
        })
        .await?;
    told(&rows, job, period, limit)
}

/// The same for who may look at every tenant's rows.
pub async fn ledger_of_any(
    overview: &Overview,
    tenant: TenantId,
    job: JobId,
    period: Period,
    limit: u32,
) -> Result<At<Option<Listed<LedgerSlot, SlotKey>>>, StoreError> {
    let limit = (limit as usize).clamp(1, LIMIT_MAX);
    let rows = overview
        .read(|pool| {
            let asked = asked(tenant, job, period, limit);
            async move { asked.fetch_all(&pool).await }
        })
        .await?;
    told(&rows, job, period, limit)
}

/// Up to where the read models hold the log.
pub async fn reached(overview: &Overview) -> Result<Position, StoreError> {
    let row = overview
        .read(|pool| async move {
            let asked = sqlx::query("select position from checkpoint");
            asked.fetch_optional(&pool).await
        })
        .await?;
    let position = row
        .map(|row| row.try_get::<i64, _>("position"))
        .transpose()?;
    Ok(Position(position.unwrap_or_default() as u64))
}

fn asked(
    tenant: TenantId,
    job: JobId,
    period: Period,
    limit: usize,
) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(include_str!("ledger.sql"))
        .bind(tenant.uuid())
        .bind(job.uuid())
        .bind(period.after.to_chrono())
        .bind(period.until.to_chrono())
        .bind(limit as i64 + 1)
}

fn told(
    rows: &[PgRow],
    job: JobId,
    period: Period,
    limit: usize,
) -> Result<At<Option<Listed<LedgerSlot, SlotKey>>>, StoreError> {
    let mut found = Found::default();
    for row in rows {
        found.take(row)?;
    }
    let page = (!found.events.is_empty()).then(|| found.page(job, period, limit));
    At::told_by(rows.first(), page)
}

impl Found {
    fn take(&mut self, row: &PgRow) -> Result<(), StoreError> {
        let part: Option<&str> = row.try_get("part")?;
        let at = |name: &str| {
            let at: Option<DateTime<Utc>> = row.try_get(name)?;
            Ok::<_, sqlx::Error>(at.map(Timestamp::from).unwrap_or_default())
        };
        let run: Option<i64> = row.try_get("run")?;
        let run = run.map(|run| run.try_into().unwrap_or(u32::MAX));
        match part {
            Some("event") => {
                let Json(record) = row.try_get::<Json<EventRecord>, _>("event")?;
                // What cannot be read is parked and in no answer.
                if let Ok(event) = JobEvent::read(&record) {
                    self.events.push((at("at")?, event));
                }
            }
            Some("slot") => {
                let skipped: Option<&str> = row.try_get("skipped")?;
                let decision = match skipped.map(reason) {
                    None => SlotDecision::Fired { at: at("at")?, run },
                    Some(reason) => SlotDecision::Skipped {
                        at: at("at")?,
                        reason: reason?,
                    },
                };
                self.decisions.insert(at("slot")?, decision);
            }
            Some("run") => self.runs.push((run.unwrap_or_default(), at("slot")?)),
            _ => {}
        }
        Ok(())
    }

    fn page(&self, job: JobId, period: Period, limit: usize) -> Listed<LedgerSlot, SlotKey> {
        let history = History::of(self.events.iter().cloned());
        let ledger = Ledger {
            decisions: &self.decisions,
            history: &history,
            job,
            runs: &self.runs,
        };
        let slots = history.slots(period.after, period.until, limit + 1);
        Listed::cut(ledger.of(&slots), limit, |last: &LedgerSlot| SlotKey {
            slot: last.slot,
        })
    }
}

/// The reason of that name.
fn reason(name: &str) -> Result<SkipReason, StoreError> {
    let named = serde_json::Value::String(name.to_owned());
    let read = serde_json::from_value(named);
    read.map_err(|reason| sqlx::Error::Decode(reason.into()).into())
}
