//! Proves that the read models are what the log says.
//!
//! Invariant: nothing of the projector is used here but the decision of what was parked; each
//! aggregate is folded by itself, whole, in the plainest way, and every row is compared with what
//! comes of it.

mod canonical;
mod compare;
mod expected;
mod findings;
mod mirror;
mod moments;
mod skipped;

use event_log::{Entry, LogError, SharedLog};
use futures::StreamExt as _;
use schemas::{Position, domain::TenantId};
use serde::Serialize;
use sqlx::{Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::{Overview, StoreError};
use expected::Expected;
use findings::Findings;

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// The position at which log and read models were compared.
    pub position: Position,
    /// How many commits were folded.
    pub commits: u64,
    /// How many rows were compared, of today and of the history.
    pub rows: u64,
    /// How many commits are parked, and so not in any row.
    pub parked: u64,
    /// How many commits were left out for good, as events say, and so are not in any row.
    pub skipped: u64,
    /// What differs; the first 100. All of it is told while it is found.
    #[serde(skip)]
    pub differences: Vec<Difference>,
    /// How much differs in all.
    pub differences_total: u64,
}

/// A row that is not what the log says.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Difference {
    /// The table.
    pub model: &'static str,
    /// Whose row.
    pub tenant: TenantId,
    /// Which row.
    pub id: Uuid,
    /// What is wrong with it.
    pub what: String,
}

/// What is told in the course of a comparison.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Told<'a> {
    /// So many rows are compared.
    Compared {
        /// How many.
        rows: u64,
        /// Of about how many.
        of: u64,
    },
    /// A row differs.
    Difference(&'a Difference),
    /// So many commits are folded; then rows are compared.
    Folded {
        /// How many.
        commits: u64,
        /// Of how many.
        of: u64,
    },
}

/// Why no comparison was possible.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log ends before the read models, or is another one.
    #[error("the read models are not of this log: {0}")]
    OtherLog(String),
    /// Postgres failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Verification {
    /// Whether nothing differs.
    pub fn holds(&self) -> bool {
        self.differences_total == 0
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} of tenant {}: {}",
            self.model, self.id, self.tenant, self.what
        )
    }
}

impl From<sqlx::Error> for VerifyError {
    fn from(failure: sqlx::Error) -> Self {
        Self::Store(failure.into())
    }
}

/// Folds the log up to where the read models are, and compares every row.
pub async fn verify(log: &SharedLog, overview: &Overview) -> Result<Verification, VerifyError> {
    verify_telling(log, overview, |_| {}).await
}

/// The same; tells each difference as it is found, however many there are, and how far it has come.
pub async fn verify_telling(
    log: &SharedLog,
    overview: &Overview,
    mut tell: impl FnMut(Told<'_>) + Send,
) -> Result<Verification, VerifyError> {
    let mut connection = overview.connection().await?;
    let begin = "begin isolation level repeatable read read only";
    let mut snapshot = connection.begin_with(begin).await?;
    let (position, hash) = checkpoint(&mut snapshot, log).await?;
    let mut findings = Findings::new(&mut tell);
    let mut expected = Expected::new(&mut snapshot).await?;
    let (parked, skipped) = (expected.parked.count(), expected.skipped.count());
    let last = fold(log, position, &mut expected, &mut findings).await?;
    if hash != last {
        let told = format!("it holds another commit at position {position} than the log");
        findings.add(
            "checkpoint",
            (TenantId::new(Uuid::nil()), Uuid::nil()),
            told,
        );
    }
    findings.rows = expected.rows();
    let rows = compare::all(&mut snapshot, &mut expected, &mut findings).await?;
    snapshot.rollback().await?;
    Ok(Verification {
        position,
        commits: position.0,
        rows,
        parked,
        skipped,
        differences_total: findings.total,
        differences: findings.first,
    })
}

/// The position of the read models and the digest that they hold of the commit there.
async fn checkpoint(
    snapshot: &mut PgConnection,
    log: &SharedLog,
) -> Result<(Position, Option<Vec<u8>>), VerifyError> {
    let head = log.head().await?;
    let ask = "select incarnation, position, hash from checkpoint";
    let Some(row) = sqlx::query(ask).fetch_optional(snapshot).await? else {
        return Ok((Position(0), None));
    };
    let incarnation: String = row.try_get("incarnation")?;
    let position = Position(row.try_get::<i64, _>("position")? as u64);
    if incarnation != head.incarnation {
        let told = format!("they come from {incarnation}, this is {}", head.incarnation);
        return Err(VerifyError::OtherLog(told));
    }
    if position > head.position {
        let told = format!(
            "they are at position {position}, the log ends at {}",
            head.position
        );
        return Err(VerifyError::OtherLog(told));
    }
    Ok((position, row.try_get("hash")?))
}

/// Folds everything up to `to`; the digest of the commit there, if one stands there.
async fn fold(
    log: &SharedLog,
    to: Position,
    expected: &mut Expected,
    findings: &mut Findings<'_>,
) -> Result<Option<Vec<u8>>, VerifyError> {
    if to == Position(0) {
        return Ok(None);
    }
    let mut entries = log.follow(Position(0)).await?;
    while let Some(entry) = entries.next().await {
        let entry = entry?;
        let position = entry.position();
        expected.add(&entry, findings);
        findings.folded(position.0, to.0);
        let hash = match entry {
            Entry::Commit(commit) => Some(commit.meta.hash.0.to_vec()),
            Entry::Unreadable(_) => None,
        };
        if position >= to {
            return Ok(hash);
        }
    }
    Err(LogError::Unavailable("it ended".to_owned()).into())
}
