//! The times of the log, row by row.
//!
//! Invariant: which commits have a row is found in the plainest way, from the last one back.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use schemas::{
    Commit,
    domain::{TenantId, Timestamp},
};
use sqlx::{
    PgConnection, Row as _,
    types::chrono::{DateTime, Utc},
};
use uuid::Uuid;

use super::{VerifyError, findings::Findings};

const TABLE: &str = "moments";
/// Whose what is of no tenant is.
const NOBODY: (TenantId, Uuid) = (TenantId::new(Uuid::nil()), Uuid::nil());

/// The commits of the log in their order: position, time, latest time so far.
#[derive(Debug, Default)]
pub(super) struct Moments(Vec<(i64, Timestamp, Timestamp)>);

impl Moments {
    /// Takes in a commit.
    pub(super) fn expect(&mut self, commit: &Commit) {
        let at = commit.meta.time;
        let latest = self.0.last().map_or(at, |(_, _, latest)| at.max(*latest));
        self.0.push((commit.position.0 as i64, at, latest));
    }

    /// Holds every row against what it must be.
    pub(super) async fn compare(
        &self,
        snapshot: &mut PgConnection,
        findings: &mut Findings<'_>,
    ) -> Result<(), VerifyError> {
        let mut expected = BTreeMap::new();
        let mut earliest = Timestamp::MAX;
        for (position, at, latest) in self.0.iter().rev() {
            if *at < earliest {
                expected.insert(*position, (*at, *latest));
                earliest = *at;
            }
        }
        let mut rows = sqlx::query("select position, at, latest from moments").fetch(snapshot);
        while let Some(row) = rows.try_next().await? {
            let position: i64 = row.try_get("position")?;
            let at: DateTime<Utc> = row.try_get("at")?;
            let latest: DateTime<Utc> = row.try_get("latest")?;
            let what = match expected.remove(&position) {
                Some(wanted) if wanted == (at.into(), latest.into()) => continue,
                Some(_) => "is not the time of the log",
                None => "extra: no commit there is the last at or before its time",
            };
            findings.add(TABLE, NOBODY, format!("position {position}: {what}"));
        }
        for position in expected.keys() {
            findings.add(TABLE, NOBODY, format!("position {position}: missing"));
        }
        Ok(())
    }
}
