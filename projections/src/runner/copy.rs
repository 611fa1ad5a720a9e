//! Rows in Postgres' binary form of COPY (documented with the statement COPY, "Binary Format").
//!
//! Invariant: each row has as many columns as the statement names, and a null is none of the
//! values.

use serde::Serialize;
use sqlx::{
    PgConnection,
    types::chrono::{DateTime, Utc},
};
use uuid::Uuid;

/// Signature, flags, and an empty extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Says that there are no more rows.
const TRAILER: i16 = -1;
/// The form of binary `jsonb`.
const JSONB_VERSION: u8 = 1;
/// Postgres counts from the year 2000: microseconds since 1970 until then.
const EPOCH_US: i64 = 946_684_800_000_000;

/// Rows to send.
#[derive(Debug)]
pub(super) struct Rows {
    bytes: Vec<u8>,
    columns: i16,
}

impl Rows {
    /// None yet, of so many columns.
    pub(super) fn of(columns: i16) -> Self {
        Self {
            bytes: HEADER.to_vec(),
            columns,
        }
    }

    /// Begins a row; its values follow in the order of the columns.
    pub(super) fn row(&mut self) {
        self.bytes.extend(self.columns.to_be_bytes());
    }

    pub(super) fn bigint(&mut self, value: i64) {
        self.value(&value.to_be_bytes());
    }

    pub(super) fn bytea(&mut self, value: &[u8]) {
        self.value(value);
    }

    pub(super) fn instant(&mut self, value: DateTime<Utc>) {
        self.bigint(value.timestamp_micros() - EPOCH_US);
    }

    pub(super) fn integer(&mut self, value: i32) {
        self.value(&value.to_be_bytes());
    }

    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), sqlx::Error> {
        let at = self.bytes.len();
        self.bytes.extend([0; 4]);
        self.bytes.push(JSONB_VERSION);
        serde_json::to_writer(&mut self.bytes, value)
            .map_err(|reason| sqlx::Error::Encode(reason.into()))?;
        let length = length(self.bytes.len() - at - 4)?;
        self.bytes[at..at + 4].copy_from_slice(&length);
        Ok(())
    }

    pub(super) fn null(&mut self) {
        self.bytes.extend((-1_i32).to_be_bytes());
    }

    pub(super) fn text(&mut self, value: &str) {
        self.value(value.as_bytes());
    }

    pub(super) fn uuid(&mut self, value: Uuid) {
        self.value(value.as_bytes());
    }

    /// Sends them, if there are any.
    pub(super) async fn copy(
        mut self,
        connection: &mut PgConnection,
        statement: &str,
    ) -> Result<(), sqlx::Error> {
        if self.bytes.len() == HEADER.len() {
            return Ok(());
        }
        self.bytes.extend(TRAILER.to_be_bytes());
        let mut copying = connection.copy_in_raw(statement).await?;
        copying.send(self.bytes).await?;
        copying.finish().await?;
        Ok(())
    }

    fn value(&mut self, bytes: &[u8]) {
        // No value comes near to 2 GiB: a commit has at most some megabytes.
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(bytes);
    }
}

fn length(bytes: usize) -> Result<[u8; 4], sqlx::Error> {
    let length = i32::try_from(bytes).map_err(|reason| sqlx::Error::Encode(reason.into()))?;
    Ok(length.to_be_bytes())
}
