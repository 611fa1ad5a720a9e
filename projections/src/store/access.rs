//! What a role may do, held against what its process needs.
//!
//! Invariant: a process serves with exactly the rows it needs: with more it would be a way around
//! the tenants, with less it would take what it cannot see for what is not there.

use sqlx::{PgConnection, Row as _};

use super::StoreError;

/// What a process does with the tables.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Access {
    /// Reads all rows of all tenants.
    Everything,
    /// Reads what analysts see, of one tenant for each transaction.
    Extract,
    /// Reads the rows of one tenant at a time.
    OneTenant,
    /// Makes and changes the tables themselves.
    Own,
    /// Reads what is to happen, of all tenants.
    Schedule,
    /// Writes the rows of all tenants.
    Write,
}

/// Why a process does not begin to read or write.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// Postgres gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The role of `postgres.url` may do more than this process needs, or less.
    #[error("unsafe configuration: postgres.url signs in as {role}, which {what} → {remedy}")]
    Unsafe {
        /// Who signs in.
        role: String,
        /// What is wrong with that.
        what: &'static str,
        /// What to do about it.
        remedy: String,
    },
}

/// What Postgres says of a role.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is true of a role by itself"
)]
struct Found {
    /// Whether it may begin an extract.
    extracts: bool,
    /// Tables with the rows of all tenants open to it.
    open: Vec<String>,
    owns: bool,
    passes_by: bool,
    reads: bool,
    /// All tables that keep tenants apart.
    closed: Vec<String>,
    writes: bool,
}

impl Access {
    /// Refuses a session that may do more than this, or less.
    pub(crate) async fn check(self, connection: &mut PgConnection) -> Result<(), ConnectError> {
        let row = sqlx::query(include_str!("access.sql"))
            .fetch_one(connection)
            .await
            .map_err(StoreError::from)?;
        let (role, found) = read(&row).map_err(StoreError::from)?;
        let Some(what) = self.wrong(&found) else {
            return Ok(());
        };
        let remedy = if self != Self::Own && found.closed.is_empty() {
            "run `almanac setup` first".to_owned()
        } else {
            format!("sign in as {}", self.role())
        };
        Err(ConnectError::Unsafe { role, what, remedy })
    }

    fn wrong(self, found: &Found) -> Option<&'static str> {
        let enough = match self {
            Self::Own => true,
            Self::Extract => found.open.is_empty() && !found.reads && found.extracts,
            Self::OneTenant => found.open.is_empty(),
            Self::Schedule => found.open == ["jobs", "operations", "tasks", "tasks_history"],
            Self::Everything | Self::Write => {
                found.open == found.closed && !found.closed.is_empty()
            }
        };
        if found.passes_by {
            Some("passes by row-level security")
        } else if found.owns && self != Self::Own {
            Some("owns the tables")
        } else if found.writes && !matches!(self, Self::Own | Self::Write) {
            Some("may write what is only to be read")
        } else if !found.writes && self == Self::Write {
            Some("may not write")
        } else if !found.reads
            && !found.closed.is_empty()
            && !matches!(self, Self::Extract | Self::Own)
        {
            Some("may not read")
        } else if !enough && self == Self::OneTenant {
            Some("sees the rows of all tenants at once")
        } else if !enough {
            Some("does not see exactly the rows it needs")
        } else {
            None
        }
    }

    /// The role that is made for it.
    const fn role(self) -> &'static str {
        match self {
            Self::Everything => "almanac_auditor",
            Self::Extract => "almanac_worker",
            Self::OneTenant => "almanac_gateway",
            Self::Own => "almanac_owner",
            Self::Schedule => "almanac_scheduler",
            Self::Write => "almanac_projector",
        }
    }
}

fn read(row: &sqlx::postgres::PgRow) -> Result<(String, Found), sqlx::Error> {
    let found = Found {
        closed: row.try_get("closed")?,
        extracts: row.try_get("extracts")?,
        open: row.try_get("open")?,
        owns: row.try_get("owns")?,
        passes_by: row.try_get("passes_by")?,
        reads: row.try_get("reads")?,
        writes: row.try_get("writes")?,
    };
    Ok((row.try_get("name")?, found))
}
