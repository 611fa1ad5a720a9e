//! The roles that Almanac's processes sign in as, one for each kind of process.
//!
//! Invariant: none of them is a superuser, may make roles or databases, or passes by row-level
//! security; what each may read and write is granted by whoever migrates the tables.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash as _, Hasher as _},
    path::Path,
};

use super::{cluster::Making, launch::LEFTOVER_LIMIT};
use crate::{Error, Result, secret, wait};

/// What keeps analysts within limits, one statement for each line.
const ANALYST: &str = include_str!("../../../analytics/analyst.sql");
/// Beside the cluster's own files, so that it comes and goes with the roles it tells of.
const MARKER: &str = "almanac.roles";

/// Who a process signs in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// People with questions in SQL: the views that are made for them, reading only.
    Analyst,
    /// Whoever proves the read models: all rows, reading only.
    Auditor,
    /// The gateway: the rows of one tenant at a time, reading only.
    Gateway,
    /// Owns the tables and migrates them.
    Owner,
    /// The projector: writes the read models.
    Projector,
    /// The scheduler: jobs and tasks of all tenants, reading only.
    Scheduler,
    /// The worker: what analysts see, of one tenant for each report or export, reading only.
    Worker,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Analyst,
        Self::Auditor,
        Self::Gateway,
        Self::Owner,
        Self::Projector,
        Self::Scheduler,
        Self::Worker,
    ];

    /// Its name in Postgres.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Analyst => "analyst",
            Self::Auditor => "almanac_auditor",
            Self::Gateway => "almanac_gateway",
            Self::Owner => "almanac_owner",
            Self::Projector => "almanac_projector",
            Self::Scheduler => "almanac_scheduler",
            Self::Worker => "almanac_worker",
        }
    }

    /// The password kept in `dir`, made on first use.
    pub(super) fn password(self, dir: &Path) -> Result<String> {
        secret::kept(&dir.join(format!("{}.password", self.name())))
    }
}

/// The statements that make the roles what they must be, one for each line; may be repeated.
pub(super) fn statements(dir: &Path) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    for role in Role::ALL {
        let (name, password) = (role.name(), role.password(dir)?);
        statements.push(format!(
            "DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') \
             THEN CREATE ROLE {name}; END IF; END$$"
        ));
        statements.push(format!(
            "ALTER ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION \
             NOBYPASSRLS PASSWORD '{password}'"
        ));
    }
    // Who asks in SQL may ask for too much.
    let limits = ANALYST.lines().filter(|line| !line.starts_with("--"));
    statements.extend(limits.map(str::to_owned));
    statements.extend(
        [
            "REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC",
            "ALTER DATABASE almanac OWNER TO almanac_owner",
        ]
        .map(str::to_owned),
    );
    Ok(statements)
}

/// Gives the tables of an earlier version, which the superuser made, to their owner.
const ADOPT: &str = "DO $$DECLARE found text; BEGIN \
     IF to_regnamespace('app') IS NULL THEN RETURN; END IF; \
     ALTER SCHEMA app OWNER TO almanac_owner; \
     FOR found IN SELECT oid::regclass FROM pg_class \
     WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p') LOOP \
     EXECUTE format('ALTER TABLE %s OWNER TO almanac_owner', found); END LOOP; \
     FOR found IN SELECT oid::regprocedure FROM pg_proc \
     WHERE pronamespace = 'app'::regnamespace LOOP \
     EXECUTE format('ALTER ROUTINE %s OWNER TO almanac_owner', found); END LOOP; END$$";

/// Brings the roles of a cluster that is there up to date; costs nothing if they are.
pub(super) fn ensure(making: &Making<'_>, cluster: &Path) -> Result<()> {
    let told = fs::read_to_string(cluster.join(MARKER)).unwrap_or_default();
    if told == digest(making.roles) {
        return Ok(());
    }
    let mut statements = making.roles.to_vec();
    statements.push(ADOPT.to_owned());
    // Sessions of a killed server may hold its shared memory for a moment.
    let mut failure = None;
    let done = wait::until(LEFTOVER_LIMIT, || {
        match making.single_user(cluster, "almanac", &statements) {
            Err(error) if error.to_string().contains("shared memory block") => {
                failure = Some(error);
                None
            }
            ended => Some(ended),
        }
    });
    match (done, failure) {
        (Some(ended), _) => ended?,
        (None, Some(error)) => return Err(error),
        (None, None) => {}
    }
    mark(cluster, making.roles)
}

/// Remembers that these statements were run.
pub(super) fn mark(cluster: &Path, statements: &[String]) -> Result<()> {
    let marker = cluster.join(MARKER);
    fs::write(&marker, digest(statements))
        .map_err(Error::io(format!("writing {}", marker.display())))
}

fn digest(statements: &[String]) -> String {
    let mut hasher = DefaultHasher::new();
    statements.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
