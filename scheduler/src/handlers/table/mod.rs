//! Rows of an extract as a file: lines of JSON, comma-separated values, or columns (Parquet).
//!
//! Invariant: a row that is taken in is in the file; rows are held only until there are enough of
//! them for a group of columns, bounded by their number and their bytes.

mod columns;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use projections::ExtractColumn;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::csv::{cell, write_row};
use columns::Columns;

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// Comma-separated values with a line of names (RFC 4180).
    Csv,
    /// An object on each line.
    #[default]
    Ndjson,
    /// Columns, typed as they are in the views.
    Parquet,
}

/// A table that is being written.
pub enum Table<W: Write + Send> {
    Csv(W, Vec<String>),
    Ndjson(W),
    Parquet(Box<Columns<W>>),
}

impl TableFormat {
    /// How names of such files end.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

impl<W: Write + Send> Table<W> {
    pub fn begin(format: TableFormat, columns: &[ExtractColumn], mut to: W) -> io::Result<Self> {
        Ok(match format {
            TableFormat::Csv => {
                let names = columns.iter().map(|column| column.name.as_str());
                write_row(&mut to, names)?;
                let names = columns.iter().map(|column| column.name.clone());
                Self::Csv(to, names.collect())
            }
            TableFormat::Ndjson => Self::Ndjson(to),
            TableFormat::Parquet => Self::Parquet(Box::new(Columns::begin(columns, to)?)),
        })
    }

    /// Takes in a row: an object of JSON with those columns.
    pub fn push(&mut self, row: &str) -> io::Result<()> {
        match self {
            Self::Csv(to, names) => {
                let fields: Map<String, Value> = serde_json::from_str(row)?;
                let cells = cells(&fields, names);
                write_row(to, cells.iter().map(String::as_str))
            }
            Self::Ndjson(to) => {
                // Postgres writes a line break in a text as two characters, and none elsewhere.
                to.write_all(row.as_bytes())?;
                to.write_all(b"\n")
            }
            Self::Parquet(columns) => columns.push(row),
        }
    }

    /// Writes what is still held.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::Csv(to, _) | Self::Ndjson(to) => Ok(to),
            Self::Parquet(columns) => columns.finish(),
        }
    }
}

/// The fields called `names`, as cells.
pub fn cells(fields: &Map<String, Value>, names: &[String]) -> Vec<String> {
    let of = |name: &String| fields.get(name).map(cell).unwrap_or_default();
    names.iter().map(of).collect()
}
