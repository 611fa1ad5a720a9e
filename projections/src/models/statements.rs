//! The statements that all read models share, each for its own table.
//!
//! Invariant: the only part of them that varies is the name of a table, which is spelled in this
//! crate.

/// What is asked of Postgres for one read model.
#[derive(Debug)]
pub(crate) struct Statements {
    /// Its name; also the table's.
    pub(crate) table: &'static str,
    /// Keeps ended versions: tenants, ids, versions, from, to, states.
    pub(crate) close: String,
    /// Puts in new rows, as a stream: tenant, id, version, position, state.
    pub(crate) copy: String,
    /// Keeps ended versions, as a stream: tenant, id, version, from, to, state.
    pub(crate) copy_history: String,
    /// Drops current rows: tenants, ids.
    pub(crate) end: String,
    /// One row: tenant, id.
    pub(crate) get: String,
    /// One row as it was: tenant, id, kind, position.
    pub(crate) get_as_of: String,
    /// Current rows: tenants, ids.
    pub(crate) load: String,
    /// Every current row, in order of the key.
    pub(crate) scan: String,
    /// Every ended version, in order of the key.
    pub(crate) scan_history: String,
    /// Puts current rows in place: tenants, ids, versions, positions, states.
    pub(crate) upsert: String,
}

impl Statements {
    /// The statements for `table`.
    pub(crate) fn of(table: &'static str) -> Self {
        let fill = |statement: &str| statement.replace("{table}", table);
        Self {
            table,
            close: fill(include_str!("sql/close.sql")),
            copy: fill(include_str!("sql/copy.sql")),
            copy_history: fill(include_str!("sql/copy_history.sql")),
            end: fill(include_str!("sql/end.sql")),
            get: fill(include_str!("sql/get.sql")),
            get_as_of: fill(include_str!("sql/get_as_of.sql")),
            load: fill(include_str!("sql/load.sql")),
            scan: fill("select * from {table} order by tenant_id, id"),
            scan_history: fill("select * from {table}_history order by tenant_id, id, valid_from"),
            upsert: fill(include_str!("sql/upsert.sql")),
        }
    }
}
